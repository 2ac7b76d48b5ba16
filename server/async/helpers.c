#include "server/async/helpers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* First in, first out. Guarded by its owner's lock. */
struct queue {
    struct job *first;
    struct job **end; /* where the next one is linked */
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_add(struct queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct job *queue_take(struct queue *queue)
{
    struct job *job = queue->first;
    queue->first = job->next;
    if (queue->first == NULL) {
        queue->end = &queue->first;
    }
    return job;
}

struct mailbox {
    pthread_mutex_t lock; /* guards the queue */
    struct queue queue;
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
    queue_init(&mailbox->queue);
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
    bool first = mailbox->queue.first == NULL;
    queue_add(&mailbox->queue, job);
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
    struct job *job = mailbox->queue.first;
    queue_init(&mailbox->queue);
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
    struct queue queue;
    bool ending;
    unsigned threads;
    pthread_t thread[];
};

static void *help(void *argument)
{
    struct helpers *helpers = argument;
    pthread_mutex_lock(&helpers->lock);
    while (!helpers->ending) {
        if (helpers->queue.first == NULL) {
            pthread_cond_wait(&helpers->wanted, &helpers->lock);
            continue;
        }
        struct job *job = queue_take(&helpers->queue);
        pthread_mutex_unlock(&helpers->lock);
        job->run(job);
        mailbox_post(job->home, job);
        pthread_mutex_lock(&helpers->lock);
    }
    pthread_mutex_unlock(&helpers->lock);
    return NULL;
}

struct helpers *helpers_create(unsigned threads)
{
    struct helpers *helpers = calloc(1, sizeof(*helpers) + threads * sizeof(helpers->thread[0]));
    if (helpers == NULL) {
        return NULL;
    }
    pthread_mutex_init(&helpers->lock, NULL);
    pthread_cond_init(&helpers->wanted, NULL);
    queue_init(&helpers->queue);
    for (; helpers->threads < threads; helpers->threads++) {
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
    queue_add(&helpers->queue, job);
    pthread_cond_signal(&helpers->wanted);
    pthread_mutex_unlock(&helpers->lock);
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
    pthread_mutex_destroy(&helpers->lock);
    free(helpers);
}
