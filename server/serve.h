/* THE SEAM: what each I/O model defines, and all that main.c knows of it. */
#pragma once

#include "server/options.h"

/* Accepts on the listeners and carries out sessions until `signals`, a signalfd for SIGINT and
 * SIGTERM, becomes readable; then lets running replies end, within the drain timeout. A second
 * signal ends it at once. Returns 0, or 1 after log_error() when it could not begin. The sockets of
 * the listeners are closed then. Threads that are stuck in a system call or at work are left
 * behind, and use the site until the process ends. */
int serve(struct site *site, const struct server_options *options, const struct listener *listeners,
          unsigned count, int signals);

/* The model, for messages and options. */
extern const struct serve_model {
    const char *program; /* "cristo-sync-server" */
    const char *sister;  /* the other one */
    enum option_owner owner;
    const char *address; /* to listen on when none is given */
    /* "sync, a thread for each connection" */
    void (*describe)(char *to, size_t room, const struct server_options *options);
} serve_model;
