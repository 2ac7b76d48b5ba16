/* Thresholds: what a run's figures are required to be (--require).
 *
 *     p99<50ms,errors=0,rps>1000
 *
 * Each says a figure, a comparison (< <= > >= =) and a bound; blanks may stand between them.
 * Figures: p50, p99.9 and so on, min, mean and max of latency, with a duration; rps, requests
 * answered well in a second, with a number; errors, with a number or a share ("errors<0.1%"). Pure.
 */
#pragma once

#include "client/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUIRE_MOST = 32, /* thresholds */
    REQUIRE_TEXT = 32, /* room for one of them as it was written */
};

enum require_figure {
    REQUIRE_PERCENTILE,
    REQUIRE_MIN,
    REQUIRE_MEAN,
    REQUIRE_MAX,
    REQUIRE_RPS,
    REQUIRE_ERRORS,
    REQUIRE_ERROR_SHARE,
};

enum require_relation {
    REQUIRE_BELOW,
    REQUIRE_AT_MOST,
    REQUIRE_EQUAL,
    REQUIRE_AT_LEAST,
    REQUIRE_ABOVE,
};

struct threshold {
    enum require_figure figure;
    uint32_t per_100k; /* PERCENTILE */
    enum require_relation relation;
    double bound; /* in microseconds, requests a second, errors, or of 1 */
    char text[REQUIRE_TEXT];
};

struct thresholds {
    size_t count;
    struct threshold at[REQUIRE_MOST];
};

/* Adds the thresholds of a text. Returns NULL when fine, otherwise what is wrong and where, in
 * static storage of the calling thread. */
const char *require_read(const char *text, struct thresholds *thresholds);

/* What a threshold's figure came to, in its unit; below 0: there was no reply to have one. */
double require_figure(const struct threshold *threshold, const struct tally *tally,
                      uint64_t elapsed_ns);

/* Whether it keeps to its bound; what there is no figure of does not. */
bool require_holds(const struct threshold *threshold, const struct tally *tally,
                   uint64_t elapsed_ns);

/* Whether all of them hold, and whether there are some on errors, and these hold: then it is they
 * that say how many requests may fail. */
bool require_all_hold(const struct thresholds *thresholds, const struct tally *tally,
                      uint64_t elapsed_ns);
bool require_allows_errors(const struct thresholds *thresholds, const struct tally *tally,
                           uint64_t elapsed_ns);
