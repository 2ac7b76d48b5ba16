#include "server/async/helpers.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    pthread_mutex_t lock; /* guards the jobs */
    struct jobs jobs;
    int fd;
};

struct mailbox *mailbox_create(void)
{
    struct mailbox *mailbox = malloc(sizeof(*mailbox));
    if (mailbox == NULL) {
        return NULL;
    }
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0) {
        free(mailbox);
        return NULL;
    }
    pthread_mutex_init(&mailbox->lock, NULL);
    jobs_init(&mailbox->jobs);
    return mailbox;
}

void mailbox_destroy(struct mailbox *mailbox)
{
    if (mailbox != NULL) {
        close(mailbox->fd);
        pthread_mutex_destroy(&mailbox->lock);
        free(mailbox);
    }
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}

/* Only the first letter rings: the loop takes all that it finds. */
void mailbox_post(struct mailbox *mailbox, struct job *job)
{
    pthread_mutex_lock(&mailbox->lock);
    bool first = mailbox->jobs.first == NULL;
    jobs_add(&mailbox->jobs, job);
    pthread_mutex_unlock(&mailbox->lock);
    if (first) {
        eventfd_write(mailbox->fd, 1);
    }
}

void mailbox_empty(struct mailbox *mailbox)
{
    eventfd_t rings;
    eventfd_read(mailbox->fd, &rings);
    pthread_mutex_lock(&mailbox->lock);
    struct job *job = mailbox->jobs.first;
    jobs_init(&mailbox->jobs);
    pthread_mutex_unlock(&mailbox->lock);
    while (job != NULL) {
        struct job *next = job->next;
        job->done(job);
        job = next;
    }
}

struct helpers {
    pthread_mutex_t lock; /* guards what is above the threads */
    pthread_cond_t wanted;
    pthread_cond_t resting; /* nothing runs */
    struct jobs prompt, other;
    uint64_t turns;
    unsigned running, others_running;
    unsigned others_most; /* at once */
    bool ending;
    unsigned threads;
    pthread_t thread[];
};

/* The one given first of those that somebody is free for; NULL: there is none. */
static struct job *next_job(struct helpers *helpers)
{
    struct job *prompt = helpers->prompt.first;
    struct job *other =
        helpers->others_running < helpers->others_most ? helpers->other.first : NULL;
    if (prompt != NULL && (other == NULL || prompt->turn < other->turn)) {
        return jobs_take(&helpers->prompt);
    }
    return other != NULL ? jobs_take(&helpers->other) : NULL;
}

static void run(struct helpers *helpers, struct job *job)
{
    bool prompt = job->prompt;
    helpers->running++;
    helpers->others_running += !prompt;
    pthread_mutex_unlock(&helpers->lock);
    job->run(job);
    pthread_mutex_lock(&helpers->lock);
    helpers->others_running -= !prompt;
    if (--helpers->running == 0) {
        pthread_cond_broadcast(&helpers->resting);
    }
}

static void *help(void *argument)
{
    struct helpers *helpers = argument;
    pthread_mutex_lock(&helpers->lock);
    while (!helpers->ending) {
        struct job *job = next_job(helpers);
        if (job == NULL) {
            pthread_cond_wait(&helpers->wanted, &helpers->lock);
            continue;
        }
        run(helpers, job);
        if (job->home != NULL) {
            pthread_mutex_unlock(&helpers->lock);
            mailbox_post(job->home, job);
            pthread_mutex_lock(&helpers->lock);
        }
    }
    pthread_mutex_unlock(&helpers->lock);
    return NULL;
}

static void init_conditions(struct helpers *helpers)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&helpers->wanted, NULL);
    pthread_cond_init(&helpers->resting, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct helpers *helpers_create(unsigned threads, unsigned reserved)
{
    unsigned all = threads + reserved;
    struct helpers *helpers = calloc(1, sizeof(*helpers) + all * sizeof(helpers->thread[0]));
    if (helpers == NULL) {
        return NULL;
    }
    pthread_mutex_init(&helpers->lock, NULL);
    init_conditions(helpers);
    jobs_init(&helpers->prompt);
    jobs_init(&helpers->other);
    helpers->others_most = threads;
    for (; helpers->threads < all; helpers->threads++) {
        int error = pthread_create(&helpers->thread[helpers->threads], NULL, help, helpers);
        if (error != 0) {
            helpers_destroy(helpers);
            errno = error;
            return NULL;
        }
    }
    return helpers;
}

void helpers_do(struct helpers *helpers, struct job *job)
{
    pthread_mutex_lock(&helpers->lock);
    job->turn = helpers->turns++;
    jobs_add(job->prompt ? &helpers->prompt : &helpers->other, job);
    pthread_cond_signal(&helpers->wanted);
    pthread_mutex_unlock(&helpers->lock);
}

bool helpers_rest(struct helpers *helpers, uint64_t until_ns)
{
    struct timespec until = clock_timespec(until_ns);
    pthread_mutex_lock(&helpers->lock);
    while (helpers->running > 0 &&
           pthread_cond_timedwait(&helpers->resting, &helpers->lock, &until) != ETIMEDOUT) {
    }
    bool rests = helpers->running == 0;
    pthread_mutex_unlock(&helpers->lock);
    return rests;
}

void helpers_destroy(struct helpers *helpers)
{
    if (helpers == NULL) {
        return;
    }
    pthread_mutex_lock(&helpers->lock);
    helpers->ending = true;
    pthread_cond_broadcast(&helpers->wanted);
    pthread_mutex_unlock(&helpers->lock);
    for (unsigned i = 0; i < helpers->threads; i++) {
        pthread_join(helpers->thread[i], NULL);
    }
    pthread_cond_destroy(&helpers->wanted);
    pthread_cond_destroy(&helpers->resting);
    pthread_mutex_destroy(&helpers->lock);
    free(helpers);
}
