/* THE SEAM: what each I/O model defines, and all that main.c knows of it. */
#pragma once

#include "server/control.h"
#include "server/options.h"

enum {
    LAST_CALL_MS = 200, /* for a handshake that was under way when a drain begins */
    LAST_WORD_MS = 200, /* for what a cut has let go on to leave */
};

/* Accepts on the listeners and carries out sessions until it is told otherwise through `control`;
 * it says there when it accepts. Told to drain, it lets running replies end, within the drain
 * timeout, and accepts for another moment who has come before (told to hand over, others do). Told
 * to cut, it ends at once. Returns 0, the sockets of the listeners (one for each loop at the least)
 * closed; or 1 after log_error() when it could not begin, the sockets left as they were. Threads
 * that are stuck in a system call or at work are left behind, and use the site until the process
 * ends. */
int serve(struct site *site, const struct server_options *options, const struct listener *listeners,
          unsigned count, struct control *control);

/* The model, for messages and options. */
extern const struct serve_model {
    const char *program; /* "cristo-sync-server" */
    const char *sister;  /* the other one */
    enum option_owner owner;
    const char *address; /* to listen on when none is given */
    /* "sync, a thread for each connection" */
    void (*describe)(char *to, size_t room, const struct server_options *options);
} serve_model;
