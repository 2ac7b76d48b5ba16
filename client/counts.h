/* What ended in a span of a run: good replies by latency, failures by kind. It is what pulses hold
 * (client/pulse.h), added up. Spans that lie side by side are merged by addition, never averaged.
 *
 * All zero is the empty span. It is 19 KB wide, and in fresh zero pages (client/space.h) costs only
 * what it uses. One thread at a time. */
#pragma once

#include "client/pulse.h"

#include <stddef.h>
#include <stdint.h>

struct counts {
    uint64_t ok;
    uint64_t failed;
    uint64_t failures[FAILURE_COUNT];
    uint32_t low, high; /* the used slots lie in [low, high); both 0: none */
    uint64_t latencies[PULSE_SLOTS];
};

/* Adds what is in `count` pulses by now. */
void counts_look(struct counts *counts, const struct pulse *pulses, size_t count);

/* Adds what is in `now` and was not yet in `before`. */
void counts_add_since(struct counts *counts, const struct counts *now, const struct counts *before);

/* Adds all of `from`. */
void counts_add(struct counts *counts, const struct counts *from);

/* Makes it empty, and touches only what was used. */
void counts_clear(struct counts *counts);

/* The latency that `per_100k` of 100,000 good replies do not exceed, and the longest; within 0.8 %.
 * 0 when there are none. */
uint64_t counts_percentile_ns(const struct counts *counts, uint32_t per_100k);
uint64_t counts_max_ns(const struct counts *counts);
