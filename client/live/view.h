/* The live view: lays out what is known of a run at a moment on a canvas of any size. Pure, so that
 * it can be tested without a terminal.
 *
 *      cristo-async-client  http://127.0.0.1:8081/1           q ends the run
 *      async  64 of 64 connections open  64 requests in flight
 *      12,345 of 20,000 done ██████████████░░░░░░░░░░░░░░░░░░ 62 %, 3s left
 *
 *      figures of the last second, large
 *      requests a second over time, failed ones on top
 *      p50 and p99 over time
 *      latencies so far                             errors by kind */
#pragma once

#include "client/counts.h"
#include "client/live/canvas.h"
#include "client/plan.h"

#include <stddef.h>
#include <stdint.h>

enum {
    VIEW_ROWS = 10, /* with fewer rows or columns it says that there is too little room */
    VIEW_COLS = 60,
};

/* What ended between two moments, which are in ns since the beginning. */
struct span {
    uint64_t from_ns, to_ns;
    const struct counts *counts;
};

struct snapshot {
    const char *program;
    const char *model;
    bool one_thread_each;
    const struct plan *plan;

    bool warming;        /* nothing counts yet */
    uint64_t elapsed_ns; /* of the warm-up or of what counts after it */
    uint64_t left_ns;    /* as far as can be told; CLOCK_NEVER: it cannot */

    uint64_t open, wanted; /* connections */
    uint64_t flying;       /* requests */
    const struct counts *all;
    struct span recent; /* the last second, or as much as there is of it */
    const struct span *spans;
    size_t span_count; /* side by side from the beginning to about now */
};

/* Draws all of it, on a canvas that is blank. */
void view_draw(struct canvas *canvas, const struct snapshot *snapshot);
