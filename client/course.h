/* What the workers of one run share while it lasts: the requests still to be made, and its end.
 *
 * Requests are numbered; the number decides a request's URL, and with an open loop the moment it is
 * due. Connections draw the next number when they are free for it. Everything here is lock-free,
 * for any thread, except course_init() and course_begin(). */
#pragma once

#include "lib/base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct course {
    uint64_t requests; /* numbers below this one are drawn; UINT64_MAX: no limit */
    uint64_t duration_ns;
    uint64_t warmup_ns;
    uint64_t start_ns; /* this and the next are written once, before any session takes a step */
    uint64_t begin_ns; /* warmup_ns later: from here on all counts. CLOCK_NEVER before */

    _Alignas(64) _Atomic uint64_t end_ns; /* moves to the present when the run is stopped */
    _Atomic bool stopped;
    _Alignas(64) _Atomic uint64_t next; /* these two alone in their cache line: all workers write */
    _Atomic uint64_t warm_next;
};

/* `requests` and `duration_ns` may be 0: no limit. */
static inline void course_init(struct course *course, uint64_t requests, uint64_t duration_ns,
                               uint64_t warmup_ns)
{
    course->requests = requests == 0 ? UINT64_MAX : requests;
    course->duration_ns = duration_ns == 0 ? CLOCK_NEVER : duration_ns;
    course->warmup_ns = warmup_ns;
    course->start_ns = 0;
    course->begin_ns = warmup_ns > 0 ? CLOCK_NEVER : 0;
    atomic_init(&course->end_ns, CLOCK_NEVER);
    atomic_init(&course->stopped, false);
    atomic_init(&course->next, 0);
    atomic_init(&course->warm_next, 0);
}

/* The run begins now, with its warm-up if it has one. Once, before any worker passes its gate. */
static inline void course_begin(struct course *course, uint64_t now_ns)
{
    uint64_t unstopped = CLOCK_NEVER;
    course->start_ns = now_ns;
    course->begin_ns = now_ns + course->warmup_ns;
    atomic_compare_exchange_strong(&course->end_ns, &unstopped,
                                   clock_add(course->begin_ns, course->duration_ns));
}

/* Whether nothing counts yet. */
static inline bool course_is_warming(const struct course *course, uint64_t now_ns)
{
    return course->warmup_ns > 0 && now_ns < course->begin_ns;
}

/* The run ends now, whatever is left of it. */
static inline void course_stop(struct course *course, uint64_t now_ns)
{
    if (now_ns < atomic_load_explicit(&course->end_ns, memory_order_relaxed)) {
        atomic_store_explicit(&course->end_ns, now_ns, memory_order_relaxed);
    }
    atomic_store_explicit(&course->stopped, true, memory_order_relaxed);
}

static inline bool course_is_stopped(const struct course *course)
{
    return atomic_load_explicit(&course->stopped, memory_order_relaxed);
}

static inline uint64_t course_end(const struct course *course)
{
    return atomic_load_explicit(&course->end_ns, memory_order_relaxed);
}

/* Whether none is left to be drawn. */
static inline bool course_is_drawn(const struct course *course)
{
    return atomic_load_explicit(&course->next, memory_order_relaxed) >= course->requests;
}

/* Draws the number of a request of the warm-up. */
static inline uint64_t course_draw_warm(struct course *course)
{
    return atomic_fetch_add_explicit(&course->warm_next, 1, memory_order_relaxed);
}

/* Draws the number of the next request; false when none is left. */
static inline bool course_draw(struct course *course, uint64_t *number)
{
    *number = atomic_fetch_add_explicit(&course->next, 1, memory_order_relaxed);
    return *number < course->requests;
}
