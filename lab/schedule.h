/* The order of the runs: every point once in each round, each round shuffled anew, so that neither
 * a warming machine nor a busy minute falls on one side only. Pure. */
#pragma once

#include "lab/plan.h"

/* One run. */
struct schedule_run {
    unsigned repeat; /* which round, from 1 */
    unsigned target; /* index into the plan's targets */
    unsigned connections;
    enum model server;
    enum model client;
};

/* All runs of a plan, against both servers, or, with `url`, against MODEL_OTHER. The same plan and
 * seed give the same order. To be freed; NULL when out of memory. */
struct schedule_run *schedule_make(const struct plan *plan, bool url, size_t *count);
