/* A run's latencies as an HdrHistogram log, which the tools of that library read (V2, compressed;
 * log format 1.3). One interval, the whole run without its warm-up, in microseconds; with an open
 * loop a second one, tagged "raw", from the sending. */
#pragma once

#include "client/report.h"

#include <stdio.h>

/* Writes it. 0 or -errno. */
int hlog_write(const struct report *report, FILE *to);
