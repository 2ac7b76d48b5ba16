/* The listening sockets of one loop: accepted from, shut when there is no room, closed in the end.
 */
#pragma once

#include "server/options.h"
#include "server/shortage.h"

#include <event2/event_struct.h>

struct doors;

/* Takes an accepted, non-blocking descriptor; `tls`: what is spoken at that door. */
typedef void doors_accepted(void *owner, int fd, const struct client *client, bool tls);
/* Whether a further one may be accepted; when not, the doors are shut until doors_open(). */
typedef bool doors_has_room(const void *owner);
/* The last call is over, and they are closed. */
typedef void doors_closed(void *owner);

struct door {
    struct event event;
    struct doors *doors;
    int fd;
    bool tls;
    bool lent; /* others hold the socket too */
};

struct doors {
    doors_accepted *accepted;
    doors_has_room *has_room;
    doors_closed *closed;
    void *owner;
    struct ledger *ledger;
    struct shortage *shortage;
    struct door *door;
    unsigned count;
    bool open;
    struct event reopen; /* pending while they are shut for want of descriptors or memory */
    struct event last;   /* pending during the last call */
};

/* Opens them on each `loops`th socket of each listener, from the `index`th on. False when out of
 * memory. */
bool doors_init(struct doors *doors, struct event_base *base, const struct listener *listeners,
                unsigned count, unsigned index, unsigned loops, doors_accepted *accepted,
                doors_has_room *has_room, void *owner, struct ledger *ledger,
                struct shortage *shortage);

/* There may be room again. Does nothing when there is none, or when they are shut for a pause. */
void doors_open(struct doors *doors);

/* Nobody accepts here after us: no new client is let in, but who has come before has another moment
 * to be accepted, until nobody waits any more. Then they are closed, and `closed` is told. */
void doors_last_call(struct doors *doors, doors_closed *closed);

/* Closes the sockets at once. A second time does nothing. */
void doors_close(struct doors *doors);
/* Whether they are. */
bool doors_are_closed(const struct doors *doors);

/* The sockets are left as they are. */
void doors_finish(struct doors *doors);
