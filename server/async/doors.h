/* The listening sockets of one loop: accepted from, shut when there is no room, closed in the end.
 */
#pragma once

#include "server/options.h"

#include <event2/event_struct.h>

struct doors;

/* Takes an accepted, non-blocking descriptor. False: there is no room for a further one; the doors
 * are shut until doors_open(). */
typedef bool doors_accepted(void *owner, int fd, bool tcp);

struct door {
    struct event event;
    struct doors *doors;
    int fd;
    bool tcp;
};

struct doors {
    doors_accepted *accepted;
    void *owner;
    struct door door[LISTENERS_MAX];
    unsigned count;
    bool open;
    struct event reopen; /* pending while they are shut for want of descriptors or memory */
};

/* Opens them on the `index`th socket of each listener. */
void doors_init(struct doors *doors, struct event_base *base, const struct listener *listeners,
                unsigned count, unsigned index, doors_accepted *accepted, void *owner);

/* There is room again. Does nothing when they are open, or shut for a pause. */
void doors_open(struct doors *doors);

/* Lets in who has come so far, then closes the sockets: who comes later is refused by the system.
 */
void doors_close(struct doors *doors);
