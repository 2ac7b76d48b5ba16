/* The progress line: what a run shows on a terminal while it lasts.
 *
 *     12,345 of 20,000 done  98,123/s  p50 1.02ms  p99 4.56ms  0 errors  3s left */
#pragma once

#include "client/course.h"
#include "client/plan.h"
#include "client/pulse.h"

#include <stddef.h>

struct progress;

/* Shows what is in `count` pulses. NULL when out of memory; the functions below then do nothing. */
struct progress *progress_create(const struct plan *plan, struct course *course,
                                 const struct pulse *pulses, size_t count);
void progress_destroy(struct progress *progress);

/* Draws the line on stderr, over the one before. */
void progress_draw(struct progress *progress);

/* How long a run of which so much is done goes on: by the clock, or by the rate so far, whichever
 * ends first. CLOCK_NEVER: that cannot be told. */
uint64_t progress_left_ns(const struct plan *plan, const struct course *course, uint64_t now_ns,
                          uint64_t done);

/* Leaves no trace of it. */
void progress_erase(struct progress *progress);
