/* THE SEAM: the one thing that each I/O model defines. client/main.c is linked once with
 * client/sync/load.c and once with client/async/load.c, and that makes the two programs. */
#pragma once

#include "client/plan.h"
#include "client/tally.h"
#include "client/watch.h"
#include "lib/base/options.h"

/* What the model is called and what it has. */
struct model {
    const char *name;        /* "async" */
    const char *program;     /* "cristo-async-client" */
    const char *sister;      /* "cristo-sync-client" */
    enum option_owner owner; /* whose options it takes */
    bool one_thread_each;    /* a thread for each connection, whatever the plan says */
};

extern const struct model load_model;

/* Carries out the plan, and returns when it is done or the watch says stop: every connection is
 * closed then, and *total has been added all that came of it, *warmup what the warm-up did.
 * Outcome: 0, or -errno after log_error() when no run could be made of it (out of memory, of
 * threads): nothing was sent then, and both are as they were. One call at a time. */
int load_run(const struct plan *plan, struct watch *watch, struct tally *total,
             struct tally *warmup);
