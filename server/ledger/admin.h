/* The private listener of --admin: /metrics and /healthz, served by one thread of its own, beside
 * either I/O model. It waits for all of its few clients at once; each has a few seconds in all,
 * whatever it does, and one reply. */
#pragma once

#include "server/ledger/metrics.h"

struct admin;

struct admin_spec {
    int listener;                   /* non-blocking; stays the caller's */
    const atomic_bool *draining;    /* then /healthz says 503 */
    const atomic_bool *handed_over; /* then nobody is accepted any more: a successor does */
    struct metrics metrics;         /* but for `draining` */
};

/* Starts the thread. NULL after log_error(). */
struct admin *admin_start(const struct admin_spec *spec);
/* Ends it, and what it still has to say. NULL is fine. */
void admin_finish(struct admin *admin);
