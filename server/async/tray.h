/* The slices that are read into memory on their way to a client: so many at once, and whoever comes
 * when there are as many waits for his turn. No more than half of them may wait for their clients,
 * so that slow readers never keep the others from theirs, nor more than half for helpers that may
 * wait for who knows what, so that no file system keeps those of another from theirs. One loop's.
 */
#pragma once

#include "server/async/helpers.h"

enum {
    TRAY_SLICES = 128, /* of all loops together: 32 MB */
    TRAY_LEAST = 2,
};

struct tray {
    unsigned taken, most;
    unsigned slow; /* of them, for jobs that are not prompt and have not come back */
    struct jobs prompt, other;
    uint64_t turns;
};

void tray_init(struct tray *tray, unsigned most);

/* A place for what the job will read. False: it waits for one, and is what tray_return() or
 * tray_leave() gives. */
bool tray_take(struct tray *tray, struct job *job);

/* A job that had a place has come back from its helper, and keeps the place. Returns a job that has
 * one now, or NULL. */
struct job *tray_return(struct tray *tray, const struct job *job);

/* A place is free again. Returns the job that has it now, or NULL. */
struct job *tray_leave(struct tray *tray);

/* Whether a slice that its client does not take may stay until it does. */
bool tray_is_roomy(const struct tray *tray);

/* Sends one away that waits; NULL: there is none. */
struct job *tray_dismiss(struct tray *tray);
