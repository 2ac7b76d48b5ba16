/* The plan's hypotheses against what was measured. Pure. */
#pragma once

#include "lab/expression.h"
#include "lab/plan.h"
#include "lab/point.h"

/* One way of the demonstration, carried out against one server. */
struct wait_row {
    enum model server;
    unsigned way; /* index into the plan's ways */
    uint64_t ok;
    uint64_t failed;
    double elapsed_s; /* NaN: no result */
    double delay_sum_s;
    double delay_max_s;
};

/* All that was measured. */
struct results {
    const struct plan *plan;
    const struct point *points;
    size_t points_count;
    const struct wait_row *waits;
    size_t waits_count;
};

enum {
    HYPOTHESIS_NUMBERS = 16,
    HYPOTHESIS_TEXT = 128,
};

/* One measured value that took part. */
struct hypothesis_number {
    char text[HYPOTHESIS_TEXT]; /* "requests_per_s(sync, best, chapter, 64)" */
    struct band value;          /* unknown when nothing was measured there */
};

struct hypothesis_verdict {
    enum expression_outcome outcome;
    struct hypothesis_number number[HYPOTHESIS_NUMBERS];
    size_t numbers;
    const char *why; /* static; with MALFORMED: what is wrong, */
    size_t why_at;   /* and where in the expression */
};

/* Judges one. What an expression can ask for:
 *     METRIC(SERVER, CLIENT, TARGET, CONNECTIONS)   metrics of point.h; CLIENT may be "best", and
 *                                                   CONNECTIONS "least" or "most"
 *     elapsed_s(WAY, SERVER)  delay_sum_s(WAY, SERVER)  delay_max_s(WAY, SERVER)
 * With `results` that hold no points and no waits it only checks that the plan is well-formed. */
void hypothesis_judge(const struct results *results, const struct plan_hypothesis *hypothesis,
                      struct hypothesis_verdict *verdict);

/* "held", "did not hold", "cannot be judged", "is malformed". */
const char *hypothesis_word(enum expression_outcome outcome);

/* Whether all hypotheses of a plan can be read; if not, `why` (PLAN_WHY bytes) says which and
 * where. */
bool hypothesis_check(const struct plan *plan, char *why);
