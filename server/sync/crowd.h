/* The threads of the blocking server: started, counted, woken, seen off; and the memory that they
 * lend from each other.
 *
 * A thread that waits too long is woken by a watchman, a thread of its own that looks at all
 * deadlines from time to time. The kernel would end a wait in time by itself (SO_RCVTIMEO,
 * SO_SNDTIMEO), at the price of a timer that is set and taken back for every request, and would not
 * end a long sendfile(2) to somebody who takes a little now and then.
 *
 * Lock order: the crowd's lock and the locks of its pools are leaves; none is held across a call
 * that may block. */
#pragma once

#include "server/session.h"

#include <pthread.h>
#include <stdatomic.h>

/* One thread that talks to one client. */
struct member {
    struct member *prev, *next;
    pthread_t thread;
    int fd;
    atomic_uint_fast64_t until_ns; /* when what it waits for is overdue; CLOCK_NEVER: never */
};

/* Spare exchanges, one list for each core, so that the memory used last is used next, by whichever
 * thread, and is still in that core's cache. */
struct pool {
    _Alignas(64) pthread_mutex_t lock;
    struct exchange *spare;
    unsigned spares; /* SPARES_MOST at the most */
};

enum {
    SPARES_MOST = 64
};

struct crowd {
    pthread_mutex_t lock; /* guards the list and the count */
    pthread_cond_t gone;  /* count fell to 0 */
    struct member list;   /* a ring; its own entry is no member */
    size_t count;         /* threads started and not yet gone */
    size_t most;
    pthread_attr_t attributes;

    pthread_t watchman;
    pthread_cond_t begun; /* count rose from 0, or it is closing time */
    uint64_t round_ns;    /* from one of his looks to the next */
    bool closing;

    atomic_bool draining;
    atomic_uint_fast64_t drain_until_ns;

    size_t capacity; /* of an exchange */
    unsigned pools;
    struct pool *pool;
};

/* `cores` is how many pools there are, `stack` the bytes of each thread's stack, `most` how many
 * threads there may be, `capacity` what exchanges take, `round_ns` how late a deadline may be
 * noticed. False when out of memory. */
bool crowd_init(struct crowd *crowd, unsigned cores, size_t stack, size_t most, size_t capacity,
                uint64_t round_ns);
/* Everybody must be gone. */
void crowd_finish(struct crowd *crowd);

/* From the accepting thread. */
bool crowd_has_room(struct crowd *crowd);
/* Starts a detached thread; false when the system has none left. */
bool crowd_start(struct crowd *crowd, void *(*run)(void *), void *argument);

/* From a thread that was started: first and last calls. crowd_leave() gives the exchange back
 * (NULL: none). */
void crowd_join(struct crowd *crowd, struct member *member, int fd);
void crowd_leave(struct crowd *crowd, struct member *member);

/* From a member: from this moment on it is woken out of the call it waits in (EINTR), again and
 * again, until it says something else. CLOCK_NEVER: it is left alone. */
static inline void crowd_until(struct member *member, uint64_t until_ns)
{
    atomic_store_explicit(&member->until_ns, until_ns, memory_order_relaxed);
}

/* An empty exchange, or NULL when out of memory; and back. */
struct exchange *crowd_lend(struct crowd *crowd);
void crowd_take_back(struct crowd *crowd, struct exchange *exchange);

/* Wakes every thread out of the call it waits in (EINTR). A thread about to wait misses it: repeat.
 */
void crowd_wake(struct crowd *crowd);
/* Ends every connection under its thread. */
void crowd_cut(struct crowd *crowd);
/* Waits until everybody is gone, or until then; how many are left. */
size_t crowd_wait(struct crowd *crowd, uint64_t until_ns);
