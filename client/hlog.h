/* A run's latencies as an HdrHistogram log, which the tools of that library read (V2, compressed;
 * log format 1.3). One interval, the whole run without its warm-up, in microseconds; with an open
 * loop a second one, tagged "raw", from the sending.
 *
 * There is no interval for each step of the timeline: what is known of a step (client/counts.h) has
 * not two digits, and this log says of all it holds that it has three. Readers that add intervals
 * up would make figures of it that the samples do not bear; the one interval is exact. */
#pragma once

#include "client/report.h"

#include <stdio.h>

/* Writes it. 0 or -errno. */
int hlog_write(const struct report *report, FILE *to);
