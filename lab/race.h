/* Carries a plan out: every client against every server at every number of connections, in shuffled
 * order, then the demonstration. A fresh server for each run, so that no run inherits another's
 * memory, threads or luck. Measures and writes down; judges nothing. */
#pragma once

#include "lab/cores.h"
#include "lab/places.h"
#include "lab/plan.h"

#include <jansson.h>

enum {
    RACE_WHY = 8192
};

struct race_spec {
    const struct plan *plan;
    const struct places *places;
    const struct cores *server_cores;
    const struct cores *client_cores;
    const char *url; /* a server of the user's own; NULL: race ours */
    pid_t pid;       /* its process, to be sampled; 0: not */
    bool quiet;
    /* Called after every round, with the rows so far in the bundle. */
    void (*save)(void *with);
    void *with;
};

enum race_outcome {
    RACE_DONE,        /* all runs were carried out, well or not: see the rows */
    RACE_FAILED,      /* it could not go on: `why` (RACE_WHY bytes) */
    RACE_INTERRUPTED, /* the rows so far are there */
};

/* Fills "targets", "rows" and "waits" of `bundle`. Whatever it starts has ended when it returns. */
enum race_outcome race_run(const struct race_spec *spec, json_t *bundle, int interrupt_fd,
                           char *why);
