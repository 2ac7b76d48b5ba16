/* What looks at a server while it serves: the access log and the admin listener, if they were asked
 * for. The parent opens what has to outlive a child; the child does the work. */
#pragma once

#include "server/ledger/admin.h"
#include "server/options.h"

struct observer {
    const struct server_options *options;
    int64_t started_s;
    int log;     /* where the access log goes; -1: nowhere */
    int line[2]; /* on which the parent hands over a new one; -1: none */

    /* The child's. */
    struct journal *journal;
    struct admin *admin;
};

/* The parent's: opens the log. False after log_error(). */
bool observer_open(struct observer *observer, const struct server_options *options);
/* The parent's: opens the log anew and hands it to the child, if there is one. */
void observer_reopen(struct observer *observer);

/* The child's, before it serves: has the site's ledgers made, and begins to look at them. `model`
 * is "sync" or "async"; `listener` is that of --admin. False after log_error(). */
bool observer_start(struct observer *observer, struct site *site, const char *model,
                    unsigned ledgers, bool shared, int listener);
/* The child's, after it has served: what is in the rings is written. */
void observer_finish(struct observer *observer);
