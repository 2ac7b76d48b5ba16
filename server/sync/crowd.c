#include "server/sync/crowd.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Its handler does nothing, without SA_RESTART: that it came is what ends a blocking call. */
#define WAKE_SIGNAL SIGRTMIN

static void on_wake(int signal)
{
    (void)signal;
}

static bool init_attributes(struct crowd *crowd, size_t stack)
{
    struct sigaction wake = {.sa_handler = on_wake};
    return pthread_attr_init(&crowd->attributes) == 0 &&
           pthread_attr_setdetachstate(&crowd->attributes, PTHREAD_CREATE_DETACHED) == 0 &&
           pthread_attr_setstacksize(&crowd->attributes, stack) == 0 &&
           sigaction(WAKE_SIGNAL, &wake, NULL) == 0;
}

/* --- the watchman ----------------------------------------------------------------------------- */

static void wake_overdue(struct crowd *crowd, uint64_t now_ns)
{
    for (struct member *m = crowd->list.next; m != &crowd->list; m = m->next) {
        if (atomic_load_explicit(&m->until_ns, memory_order_relaxed) <= now_ns) {
            pthread_kill(m->thread, WAKE_SIGNAL);
        }
    }
}

/* Who is overdue and about to wait misses the call, and is called again in the next round. */
static void *watch(void *argument)
{
    struct crowd *crowd = argument;
    pthread_mutex_lock(&crowd->lock);
    while (!crowd->closing) {
        if (crowd->count == 0) {
            pthread_cond_wait(&crowd->begun, &crowd->lock);
            continue;
        }
        struct timespec until = clock_timespec(clock_monotonic_ns() + crowd->round_ns);
        pthread_cond_timedwait(&crowd->begun, &crowd->lock, &until);
        wake_overdue(crowd, clock_monotonic_ns());
    }
    pthread_mutex_unlock(&crowd->lock);
    return NULL;
}

static void dismiss_watchman(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    crowd->closing = true;
    pthread_cond_signal(&crowd->begun);
    pthread_mutex_unlock(&crowd->lock);
    pthread_join(crowd->watchman, NULL);
}

/* --- the crowd -------------------------------------------------------------------------------- */

static void init_locks(struct crowd *crowd)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&crowd->lock, NULL);
    pthread_cond_init(&crowd->gone, &monotonic);
    pthread_cond_init(&crowd->begun, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void finish_locks(struct crowd *crowd)
{
    pthread_cond_destroy(&crowd->begun);
    pthread_cond_destroy(&crowd->gone);
    pthread_mutex_destroy(&crowd->lock);
}

bool crowd_init(struct crowd *crowd, unsigned cores, size_t stack, size_t most, size_t capacity,
                uint64_t round_ns)
{
    *crowd = (struct crowd){.most = most, .capacity = capacity, .round_ns = round_ns};
    crowd->list.prev = crowd->list.next = &crowd->list;
    crowd->pools = cores;
    crowd->pool = aligned_alloc(_Alignof(struct pool), crowd->pools * sizeof(struct pool));
    if (crowd->pool == NULL || !init_attributes(crowd, stack)) {
        free(crowd->pool);
        return false;
    }
    init_locks(crowd);
    if (pthread_create(&crowd->watchman, NULL, watch, crowd) != 0) {
        finish_locks(crowd);
        pthread_attr_destroy(&crowd->attributes);
        free(crowd->pool);
        return false;
    }
    for (unsigned i = 0; i < crowd->pools; i++) {
        pthread_mutex_init(&crowd->pool[i].lock, NULL);
        crowd->pool[i].spare = NULL;
        crowd->pool[i].spares = 0;
    }
    atomic_init(&crowd->drain_until_ns, CLOCK_NEVER);
    return true;
}

void crowd_finish(struct crowd *crowd)
{
    dismiss_watchman(crowd);
    for (unsigned i = 0; i < crowd->pools; i++) {
        for (struct exchange *x; (x = crowd->pool[i].spare) != NULL;) {
            crowd->pool[i].spare = x->next;
            free(x);
        }
        pthread_mutex_destroy(&crowd->pool[i].lock);
    }
    free(crowd->pool);
    pthread_attr_destroy(&crowd->attributes);
    finish_locks(crowd);
}

bool crowd_has_room(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    bool room = crowd->count < crowd->most;
    pthread_mutex_unlock(&crowd->lock);
    return room;
}

static void count_down(struct crowd *crowd)
{
    if (--crowd->count == 0) {
        pthread_cond_broadcast(&crowd->gone);
    }
}

bool crowd_start(struct crowd *crowd, void *(*run)(void *), void *argument)
{
    pthread_t thread;
    pthread_mutex_lock(&crowd->lock);
    if (crowd->count++ == 0) {
        pthread_cond_signal(&crowd->begun);
    }
    pthread_mutex_unlock(&crowd->lock);
    if (pthread_create(&thread, &crowd->attributes, run, argument) == 0) {
        return true;
    }
    pthread_mutex_lock(&crowd->lock);
    count_down(crowd);
    pthread_mutex_unlock(&crowd->lock);
    return false;
}

void crowd_join(struct crowd *crowd, struct member *member, int fd)
{
    member->thread = pthread_self();
    member->fd = fd;
    atomic_init(&member->until_ns, CLOCK_NEVER);
    pthread_mutex_lock(&crowd->lock);
    member->next = &crowd->list;
    member->prev = crowd->list.prev;
    member->prev->next = member;
    crowd->list.prev = member;
    pthread_mutex_unlock(&crowd->lock);
}

/* The descriptor is closed under the lock, so that crowd_cut() never meets another's in its place.
 */
void crowd_leave(struct crowd *crowd, struct member *member)
{
    pthread_mutex_lock(&crowd->lock);
    member->prev->next = member->next;
    member->next->prev = member->prev;
    close(member->fd);
    count_down(crowd);
    pthread_mutex_unlock(&crowd->lock);
}

static struct pool *pool_here(struct crowd *crowd)
{
    int core = sched_getcpu();
    return &crowd->pool[core < 0 ? 0 : (unsigned)core % crowd->pools];
}

struct exchange *crowd_lend(struct crowd *crowd)
{
    struct pool *pool = pool_here(crowd);
    pthread_mutex_lock(&pool->lock);
    struct exchange *x = pool->spare;
    if (x != NULL) {
        pool->spare = x->next;
        pool->spares--;
    }
    pthread_mutex_unlock(&pool->lock);
    if (x == NULL) {
        x = malloc(exchange_size(crowd->capacity));
    }
    if (x != NULL) {
        exchange_init(x, crowd->capacity);
    }
    return x;
}

/* What was lent in a rush is given back to the system after it. */
void crowd_take_back(struct crowd *crowd, struct exchange *x)
{
    struct pool *pool = pool_here(crowd);
    pthread_mutex_lock(&pool->lock);
    bool keep = pool->spares < SPARES_MOST;
    if (keep) {
        x->next = pool->spare;
        pool->spare = x;
        pool->spares++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep) {
        free(x);
    }
}

void crowd_wake(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    for (struct member *m = crowd->list.next; m != &crowd->list; m = m->next) {
        pthread_kill(m->thread, WAKE_SIGNAL);
    }
    pthread_mutex_unlock(&crowd->lock);
}

void crowd_cut(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    for (struct member *m = crowd->list.next; m != &crowd->list; m = m->next) {
        shutdown(m->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&crowd->lock);
}

size_t crowd_wait(struct crowd *crowd, uint64_t until_ns)
{
    struct timespec until = clock_timespec(until_ns);
    pthread_mutex_lock(&crowd->lock);
    while (crowd->count > 0 &&
           pthread_cond_timedwait(&crowd->gone, &crowd->lock, &until) != ETIMEDOUT) {
    }
    size_t left = crowd->count;
    pthread_mutex_unlock(&crowd->lock);
    return left;
}
