/* The listening sockets of one loop: accepted from, shut when there is no room, closed in the end.
 */
#pragma once

#include "server/options.h"

#include <event2/event_struct.h>

struct doors;

/* Takes an accepted, non-blocking descriptor. */
typedef void doors_accepted(void *owner, int fd, const struct client *client);
/* Whether a further one may be accepted; when not, the doors are shut until doors_open(). */
typedef bool doors_has_room(const void *owner);

struct door {
    struct event event;
    struct doors *doors;
    int fd;
};

struct doors {
    doors_accepted *accepted;
    doors_has_room *has_room;
    void *owner;
    struct ledger *ledger;
    struct door door[LISTENERS_MAX];
    unsigned count;
    bool open;
    struct event reopen; /* pending while they are shut for want of descriptors or memory */
};

/* Opens them on the `index`th socket of each listener. */
void doors_init(struct doors *doors, struct event_base *base, const struct listener *listeners,
                unsigned count, unsigned index, doors_accepted *accepted, doors_has_room *has_room,
                void *owner, struct ledger *ledger);

/* There may be room again. Does nothing when there is none, or when they are shut for a pause. */
void doors_open(struct doors *doors);

/* Lets in who has come so far, then closes the sockets: who comes later is refused by the system.
 */
void doors_close(struct doors *doors);
