/* An experiment as data: what is asked, what varies, how often. lab/plans/NAME.json, schema
 * "cristo-plan/1"; the plans are built into the program. */
#pragma once

#include "lab/model.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAN_TARGETS = 8,
    PLAN_STEPS = 32,
    PLAN_WAYS = 8,
    PLAN_HYPOTHESES = 32,
    PLAN_CONNECTIONS_MAX = 1000000,
    PLAN_WHY = 256,
};

/* Something to ask for, and at how many connections. */
struct plan_target {
    const char *name;  /* "chapter", as expressions call it */
    const char *label; /* "a chapter" */
    const char *path;  /* of the URL; with a "*", the file of the book that comes nearest in size */
    uint64_t near_bytes;
    unsigned connections[PLAN_STEPS]; /* rising */
    size_t steps;
};

/* A way to ask for the same few slow replies. */
struct plan_way {
    const char *name;
    const char *label;
    enum model client;
    unsigned connections;
};

/* The talk's demonstration: replies that are waited for. Absent when ways_count is 0. */
struct plan_waits {
    unsigned requests;
    const char *delay; /* "0s-3s", as --delay takes it */
    uint64_t delay_max_ns;
    uint64_t seed; /* the same for every way: all face the same waits */
    const char *path;
    struct plan_way way[PLAN_WAYS];
    size_t ways;
};

struct plan_hypothesis {
    const char *name;
    const char *words;
    const char *expression; /* expression.h */
};

/* Strings belong to `json`. */
struct plan {
    json_t *json; /* the plan as it is carried out, after plan_make_quick() and the like */
    const char *name;
    const char *title;
    const char *question;
    unsigned repeats;
    uint64_t seed;             /* of the order of runs */
    uint64_t duration_ns;      /* of a run, */
    uint64_t duration_many_ns; /* and of one with `many` connections or more, which first have to
                                  be made */
    unsigned many;
    uint64_t warmup_ns;
    struct plan_target target[PLAN_TARGETS];
    size_t targets;
    unsigned finding_target; /* which target the first sentence is about */
    double finding_share;    /* finding.h */
    double finding_worst;
    struct plan_waits waits;
    struct plan_hypothesis hypothesis[PLAN_HYPOTHESES];
    size_t hypotheses;
};

/* Reads a plan and holds `json` (one more reference) until plan_finish(). False when it is not one:
 * `why` (PLAN_WHY bytes) then says what is wrong where, and *plan is as after plan_finish().
 * Hypotheses are read as text; hypothesis_check() tries them. */
bool plan_read(struct plan *plan, json_t *json, char *why);
void plan_finish(struct plan *plan);

/* The plan of that name among those built in, as a new reference; NULL when there is none. A name
 * with a slash or ending in ".json" is a file; `why` (PLAN_WHY bytes) tells what was wrong. */
json_t *plan_find(const char *name, char *why);

/* How many are built in, and the name of each; for `list`. */
size_t plan_count(void);
const char *plan_name(size_t index);

/* How long a run with so many connections takes. */
uint64_t plan_duration_ns(const struct plan *plan, unsigned connections);

/* Settings that may be changed before a run; they change plan->json too, so that a bundle says what
 * was done. The json must not be shared with another plan. */
void plan_set_repeats(struct plan *plan, unsigned repeats);
/* The same for all runs, whatever their connections. */
void plan_set_duration(struct plan *plan, const char *text, uint64_t ns);
void plan_set_seed(struct plan *plan, uint64_t seed);
/* Applies the plan's own "quick" settings: fewer repeats, shorter runs, shorter waits. */
void plan_make_quick(struct plan *plan);
/* Keeps one target, asked for at `url`, and leaves out the waits and the hypotheses, which compare
 * two servers: for a server of the user's own. */
void plan_make_url(struct plan *plan, const char *url);
