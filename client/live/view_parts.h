/* The parts of the live view (client/live/view.h) that are pictures. Pure. */
#pragma once

#include "client/live/chart.h"
#include "client/live/view.h"

/* Requests a second over time, p50 and p99 over time below it, and the scale of time in the row
 * below both. */
void view_draw_curves(struct canvas *canvas, const struct area *rate, const struct area *times,
                      const struct snapshot *snapshot);

/* All latencies so far, and all errors. */
void view_draw_distribution(struct canvas *canvas, const struct area *area,
                            const struct snapshot *snapshot);

/* A duration for a scale, into UNITS_TEXT bytes: as units_write_duration(), but "10ms" rather than
 * "10.0ms". Returns `to`. */
char *view_write_mark(char *to, uint64_t ns);

/* `count` in a second, of what ended in a span. */
static inline double view_rate(const struct span *span, uint64_t count)
{
    uint64_t ns = span->to_ns - span->from_ns;
    return ns > 0 ? (double)count * 1e9 / (double)ns : 0;
}
