/* The event loops of the server, and what the connections of one loop share. What a connection does
 * is in serve.c; here is what turns beneath it. */
#pragma once

#include "server/async/closing.h"
#include "server/async/doors.h"
#include "server/async/patience.h"
#include "server/async/tray.h"
#include "server/calendar.h"
#include "server/control.h"

#include <pthread.h>

struct loop;

/* What a loop calls, on its own thread. */
struct loop_calls {
    doors_accepted *accepted;           /* the owner is the loop */
    void (*overdue)(struct wait *wait); /* its deadline has passed */
    void (*stop)(struct loop *loop);    /* asked to drain */
    void (*cut)(struct loop *loop);     /* the time to drain is over; the loop ends in a moment */
};

/* One thread's. Nobody else touches it but through its mailbox. */
struct loop {
    struct server *server;
    pthread_t thread;
    struct event_base *base;
    struct calendar calendar;
    struct cache *cache;
    struct doors doors;
    struct ledger *ledger; /* NULL: nobody counts */

    struct waits waits;   /* every connection is in one of its lists */
    struct event overdue; /* the timer for all of them */
    uint64_t overdue_ns;  /* what it is set to */
    size_t connections, most;
    struct exchange *spare;
    unsigned spares;
    struct tray tray;

    struct mailbox *mailbox;
    struct event mail;
    struct job stop, cut; /* posted by the main thread */
    bool draining, cutting;
    struct event drained; /* the end of the drain timeout, then of the moment for last words */
};

struct server {
    struct site *site;
    const struct loop_calls *calls;
    struct helpers *files; /* open, read and close */
    struct closing closing;
    struct helpers *offload; /* compute; NULL: the loops do it themselves */
    int ended;               /* an eventfd that counts the loops that have ended */
    bool draining, cutting;  /* what was posted to the loops */
    bool handed_over;        /* set before they are told to drain: others accept */
    unsigned loops;
    struct loop *loop;
};

/* Sets everything up but the threads. NULL after log_error(). */
struct server *server_create(struct site *site, const struct server_options *options,
                             const struct loop_calls *calls);
void server_destroy(struct server *server);

enum server_end {
    SERVER_ENDED,  /* all loops have; what is left of their connections is the caller's */
    SERVER_LEFT,   /* some loop is still at work, and has to be left to the end of the process */
    SERVER_FAILED, /* after log_error(): a thread could not be created, and none is running */
};

/* Turns all loops until they have ended, as `control` told them to. */
enum server_end server_run(struct server *server, const struct listener *listeners, unsigned count,
                           struct control *control);

/* An empty exchange, the one used last, which is still in the core's cache; NULL when out of
 * memory. And back; NULL is fine. */
struct exchange *loop_lend(struct loop *loop);
void loop_take_back(struct loop *loop, struct exchange *exchange);

/* Has a helper read a slice, as soon as there is a place for it on the tray. */
void loop_carry(struct loop *loop, struct job *job);
/* That job has come back; what it has read keeps the place. */
void loop_carried(struct loop *loop, const struct job *job);
/* Gives that place back: `memory` is freed, NULL if nothing came of it. */
void loop_clear(struct loop *loop, char *memory);

/* Waits, in this list of patience.h, until then. */
void loop_wait(struct loop *loop, struct wait *wait, unsigned list, uint64_t until_ns);

/* Counts a connection in, and out. */
void loop_enter(struct loop *loop, struct wait *wait);
void loop_leave(struct loop *loop, struct wait *wait);

/* Calls `each` for every connection; it may leave. */
void loop_each(struct loop *loop, void (*each)(struct wait *wait));
