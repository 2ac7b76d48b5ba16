/* What a bundle's rows come to: the first sentence, the hypotheses and the points of the curves.
 *
 * As JSON, the "summary" of a bundle, from which the page draws:
 *     coverage    what is asked of a band; each point tells what its few repeats give
 *     finding     kind ("up-to" "all" "none" "unknown" "url"), up_to, share, worst, target,
 * target_words, headline, detail, steps: [{connections, verdict, ratio}] hypotheses  [{name, words,
 * expression, verdict, numbers: [{text, value}]}] points      [{target, connections, server,
 * client, best, repeats, incomplete, coverage, ok, failed, values: {METRIC: band}}]; `best` marks
 * the client that got more out of this server here failed      requests and runs that failed
 *     incomplete  runs that could not make all their connections in time, and do not count
 *     unsteady    points whose repeats differ by more than SUMMARY_SPREAD: the machine was busy
 * with other things A band is [low, middle, high], or null when nothing was measured. */
#pragma once

#include "lab/finding.h"
#include "lab/results.h"

/* The highest of the repeats over the lowest. */
#define SUMMARY_SPREAD 1.3

struct summary {
    struct results_store store;
    struct finding finding;
    struct plan plan;                              /* as it stands in the bundle */
    char target_words[PLAN_TARGETS][FINDING_TEXT]; /* "a chapter of 22,961 bytes" */
    size_t unsteady;
    bool url;
};

/* Computes it from a bundle, which must live as long. False with `why` (PLAN_WHY bytes) when the
 * bundle contradicts itself. */
bool summary_make(struct summary *summary, const json_t *bundle, char *why);
void summary_finish(struct summary *summary);

/* As described above; a new reference. */
json_t *summary_json(const struct summary *summary);
