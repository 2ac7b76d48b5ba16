/* All sessions of a run, and the threads that carry them: what both I/O models need before and
 * after they differ. Each thread has a share of the sessions, and a tally, a
 * memory and a scratch of its own that only they use. */
#pragma once

#include "client/session.h"
#include "client/watch.h"

#include <pthread.h>

struct crew {
    const struct plan *plan;
    struct watch *watch;
    size_t stack_size;        /* of each thread */
    struct session *sessions; /* plan->connections */
    struct flight *flights;
    char *rooms;
    struct hand *hands; /* plan->threads */
    struct tally *tallies;
    struct tally *warmups; /* what the warm-up came to; NULL: there is none */
    struct gauge *gauges;
    _Atomic uint64_t *specimens; /* by target */
    struct reply_memory *memories;
    char *scratches;
    pthread_rwlock_t gate; /* shut until every thread is there; then all pass at once */
};

/* One of the threads, and its share of the sessions: `count` from crew->sessions[first] on. */
struct hand {
    struct crew *crew;
    size_t index;
    size_t first;
    size_t count;
    char *scratch;             /* SESSION_SCRATCH bytes */
    void *own;                 /* what the model keeps for it */
    struct toil before, after; /* the run */
    pthread_t thread;
    void (*work)(struct hand *hand);
};

/* Makes all sessions of the plan, for threads with stacks of so many bytes. False after
 * log_error(), which names the limit that leaves no room for them; crew_finish() is due in any
 * case. */
bool crew_init(struct crew *crew, const struct plan *plan, struct watch *watch, size_t stack_size);
void crew_finish(struct crew *crew);

/* Starts a thread for each hand, which begins to work(hand) when all are there, and returns when
 * the last one has come back from it. When the course is stopped, threads are interrupted (EINTR)
 * wherever they wait, until they come back. 0, or -errno when a thread could not be started: then
 * the course was stopped before it began, and log_error() has named the limit. */
int crew_work(struct crew *crew, void (*work)(struct hand *hand));

/* Adds up the tallies, and those of the warm-up. */
void crew_total(const struct crew *crew, struct tally *total, struct tally *warmup);
