/* Who runs where: the processors this program may use, split between server and client. */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    CORES_MAX = CPU_SETSIZE,
    CORES_TEXT = 256,
};

struct cores {
    unsigned number[CORES_MAX]; /* as the kernel counts processors */
    size_t count;
};

/* The processors that the calling thread may use, neighbours in hardware next to each other
 * (by package, then core), so that no core's two threads end up on both sides of a split.
 * 0 or -errno. */
int cores_allowed(struct cores *cores);

/* The first half for the server and the rest for the client; an odd one goes to the client, and
 * a single one serves both. */
void cores_split(const struct cores *all, struct cores *server, struct cores *client);

/* "0-3,8": `to` has CORES_TEXT bytes; cut with "..." when longer. Returns `to`. */
char *cores_write(char *to, const struct cores *cores);

/* Keeps the calling thread, and what it starts, on these. 0 or -errno. */
int cores_pin(const struct cores *cores);
