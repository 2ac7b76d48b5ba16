/* A bundle's raw rows as numbers: what summaries, tables and hypotheses are computed from. */
#pragma once

#include "lab/hypothesis.h"

/* Owns what `results` points to, except the plan. */
struct results_store {
    struct results results;
    struct row *rows;
    size_t rows_count;
    struct point *points;
    struct wait_row *waits;
    uint64_t failed;     /* requests and runs that failed, the demonstration's included */
    unsigned incomplete; /* runs that could not make all their connections in time */
};

/* Reads the "rows" and "waits" of a bundle (bundle.h) made with `plan`, which must outlive *store.
 * False when they do not belong to it, or memory ran out: `why` (PLAN_WHY bytes) says what. */
bool results_read(struct results_store *store, const struct plan *plan, const json_t *bundle,
                  char *why);
void results_finish(struct results_store *store);
