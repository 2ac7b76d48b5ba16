/* The first sentence of a report, computed from the points. Pure.
 *
 * The rule, as it is printed on the page. At each number of connections both servers are judged by
 * the client that gets more out of them. Threads *keep up* there when the threaded server answers
 * at least `share` times as many requests a second as the evented one, by the medians, still
 * `worst` times as many at the low end of the ratio's band, and none of its requests failed; they
 * *fall behind* when the ratio stays below `share` over its whole band, or when requests failed; in
 * between, and when the repeats lie far apart, it is *unclear*. Threads suffice
 * up to the largest number of connections at which they keep up and keep up at every smaller one
 * that was tried. */
#pragma once

#include "lab/point.h"

enum {
    FINDING_STEPS = 32,
    FINDING_TEXT = 640,
};

enum finding_verdict {
    FINDING_KEEPS_UP,
    FINDING_FALLS_BEHIND,
    FINDING_UNCLEAR, /* or nothing was measured on one of the sides */
};

/* "keeps up", "falls behind", "unclear". */
const char *finding_word(enum finding_verdict verdict);

/* One number of connections. */
struct finding_step {
    unsigned connections;
    enum finding_verdict verdict;
    struct band ratio; /* threaded over evented requests a second; unknown when not measured */
    const struct point *threads; /* by their better client; NULL: not measured */
    const struct point *events;
};

/* How the steps add up. */
enum finding_kind {
    FINDING_UP_TO,   /* keeps up at all up to `up_to`, and not at the next */
    FINDING_ALL,     /* keeps up at every one tried */
    FINDING_NONE,    /* falls behind at the lowest */
    FINDING_UNKNOWN, /* the lowest cannot be judged */
    FINDING_OTHER,   /* of a server of the user's own */
};

struct finding {
    enum finding_kind kind;
    unsigned up_to;              /* connections; 0 with NONE and UNKNOWN; with OTHER: from */
    char headline[FINDING_TEXT]; /* "Threads suffice up to 64 connections here" */
    char detail[FINDING_TEXT];   /* the numbers, a sentence or two, without a capital letter */
    struct finding_step step[FINDING_STEPS];
    size_t count;
};

/* What is asked of which points. */
struct finding_question {
    const struct point *points;
    size_t count;
    unsigned target;
    const char *target_words;    /* "a chapter of 22,961 bytes" */
    const unsigned *connections; /* rising */
    size_t connections_count;    /* at most FINDING_STEPS */
    double share;                /* 0.9 */
    double worst;                /* 0.8 */
};

/* Threads against events. Keeps pointers into question->points in finding->step. */
void finding_of_race(const struct finding_question *question, struct finding *finding);

/* A server of the user's own, alone: from how many connections on it answers at least `share` of
 * the most it answers at any, whether it keeps that at the most connections, and how long 99 in 100
 * requests take there. */
void finding_of_url(const struct finding_question *question, struct finding *finding);
