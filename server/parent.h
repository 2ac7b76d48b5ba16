/* The process that was started. It holds what must outlive the one that serves, the listeners
 * above all, passes orders on to it, and starts it again should it crash. It reads no byte from
 * the network, and has no thread.
 *
 * SIGTERM, SIGINT   have the child drain; the next one has it end at once
 * SIGHUP            opens anew what is written to, and reads anew what was read
 * SIGUSR2           begins a successor; once that accepts, the child drains
 * SIGCHLD           a child has ended
 *
 * A supervisor is told of all that (notify.h). */
#pragma once

#include "server/control.h"
#include "server/options.h"

struct parent_spec {
    char **argv; /* to begin a successor with */
    struct listener *listeners;
    unsigned count;
    uint64_t drain_ns; /* the drain timeout: some time after it a child that was told to end is
                          killed, and left to itself if even that does not end it */

    /* Serves, in a process of its own: its end is that of the process. `control` is the child's end
     * of the line. */
    int (*serve)(void *argument, struct control *control);
    /* The first child accepts. */
    void (*ready)(void *argument);
    /* What is written to shall be opened anew, and what was read, read anew, for the children to
     * come and the one there is, if `child` still leads to one. */
    void (*reopen)(void *argument, const struct control *child);
    void *argument;
};

/* Blocks the signals that are meant for the parent. Before any thread begins, and before anything
 * is opened: a signal that comes meanwhile is heard by parent_run(). */
void parent_block_signals(void);

/* Runs children until one has ended as it was asked to, or the first could not begin; the
 * listeners are closed, and their socket files gone, then. Returns the status to exit with: the
 * child's. */
int parent_run(const struct parent_spec *spec);
