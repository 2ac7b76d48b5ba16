#include "lessons/pool.h"

#include "lessons/sched.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    POOL_MOST = 16
};

/* Lies on the stack of the task that waits for it. */
struct job {
    struct job *next;
    void *(*body)(void *);
    void *argument, *result;
    int done; /* an eventfd: something to wait for that a thread can write to */
};

static struct {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t given;
    struct job *first, **last;
    bool ends;
    pthread_t thread[POOL_MOST];
    unsigned threads;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .given = PTHREAD_COND_INITIALIZER};

/* NULL when the pool ends and nothing is left to do. */
static struct job *next_job(void)
{
    pthread_mutex_lock(&pool.lock);
    while (pool.first == NULL && !pool.ends) {
        pthread_cond_wait(&pool.given, &pool.lock);
    }
    struct job *job = pool.first;
    if (job != NULL) {
        pool.first = job->next;
        pool.last = pool.first == NULL ? &pool.first : pool.last;
    }
    pthread_mutex_unlock(&pool.lock);
    return job;
}

static void *help(void *argument)
{
    int row = *(int *)argument;
    struct job *job;
    timeline_enter(row);
    timeline_mark(row, MARK_AWAITS, clock_monotonic_ns());
    while ((job = next_job()) != NULL) {
        timeline_mark(row, MARK_RUNS, clock_monotonic_ns());
        job->result = job->body(job->argument);
        timeline_mark(row, MARK_AWAITS, clock_monotonic_ns());
        if (eventfd_write(job->done, 1) != 0) { /* job is gone when it has been read */
            log_fatal(1, "a helper cannot say that it is done");
        }
    }
    timeline_mark(row, MARK_ENDED, clock_monotonic_ns());
    return NULL;
}

bool pool_begin(unsigned threads)
{
    static int rows[POOL_MOST];
    char name[TIMELINE_NAME];
    pool.first = NULL;
    pool.last = &pool.first;
    pool.ends = false;
    for (pool.threads = 0; pool.threads < threads && pool.threads < POOL_MOST; pool.threads++) {
        snprintf(name, sizeof(name), "helper %u", pool.threads + 1);
        rows[pool.threads] = timeline_row(name);
        int error = pthread_create(&pool.thread[pool.threads], NULL, help, &rows[pool.threads]);
        if (error != 0) {
            log_error("no thread for a helper: %s", strerror(error));
            pool_end();
            return false;
        }
    }
    return true;
}

void pool_end(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.ends = true;
    pthread_cond_broadcast(&pool.given);
    pthread_mutex_unlock(&pool.lock);
    for (unsigned i = 0; i < pool.threads; i++) {
        pthread_join(pool.thread[i], NULL);
    }
    pool.threads = 0;
}

static void give(struct job *job)
{
    pthread_mutex_lock(&pool.lock);
    *pool.last = job;
    pool.last = &job->next;
    pthread_cond_signal(&pool.given);
    pthread_mutex_unlock(&pool.lock);
}

void *pool_do(void *(*body)(void *), void *argument)
{
    struct job job = {.body = body, .argument = argument, .done = eventfd(0, EFD_CLOEXEC)};
    eventfd_t value;
    if (job.done < 0) { /* no descriptor is left: then it is done here, and everybody waits */
        return body(argument);
    }
    give(&job);
    task_until(job.done, EV_READ);
    while (eventfd_read(job.done, &value) != 0 && errno == EINTR) {
    } /* which waits when the task was cancelled: a helper still uses what lies on this stack */
    close(job.done);
    return job.result;
}
