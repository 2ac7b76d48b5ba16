/* Deadlines without timers: a list for each kind of wait, ordered by time.
 *
 * Waits of one kind last equally long, so whoever begins to wait goes to the end of its list, and
 * only the heads of the lists can be overdue: one timer serves them all. A wait that is renewed
 * stays where it is; when it comes to the head and its deadline has moved on, it is moved then. So
 * a connection that answers a thousand requests a second is moved once in an idle timeout, and its
 * neighbours in memory are left alone. */
#pragma once

#include "server/session.h"

enum {
    PATIENCE_ENDLESS = PATIENCE_KINDS,
    PATIENCE_LISTS
};

struct wait {
    struct wait *prev, *next;
    uint64_t until_ns;  /* the deadline */
    uint64_t listed_ns; /* the deadline by which it stands in its list: until_ns or earlier */
    uint8_t list;
};

struct waits {
    struct wait list[PATIENCE_LISTS]; /* rings */
};

void patience_init(struct waits *waits);

/* Enters a wait that is in no list, in the endless one. */
void patience_join(struct waits *waits, struct wait *wait);
void patience_leave(struct wait *wait);

/* Waits for another reason, or once more for the same one. `list`: an enum patience, or
 * PATIENCE_ENDLESS. True when the deadline may be the next of all. */
bool patience_wait(struct waits *waits, struct wait *wait, unsigned list, uint64_t until_ns);

/* Takes one overdue wait out into the endless list and returns it; NULL when there is none: then
 * *next_ns is when to ask again (CLOCK_NEVER: no need). */
struct wait *patience_overdue(struct waits *waits, uint64_t now_ns, uint64_t *next_ns);
