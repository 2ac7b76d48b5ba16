#include "server/async/closing.h"

#include <stddef.h>
#include <stdlib.h>

static struct file *take_first(struct closing *closing)
{
    pthread_mutex_lock(&closing->lock);
    struct file *file = closing->first;
    if (file != NULL) {
        closing->first = file->next;
    }
    closing->out = file != NULL;
    pthread_mutex_unlock(&closing->lock);
    return file;
}

static void run_closing(struct job *job)
{
    struct closing *closing = (struct closing *)((char *)job - offsetof(struct closing, job));
    for (struct file *file; (file = take_first(closing)) != NULL;) {
        file_destroy(file);
    }
}

static void take(struct closer *closer, struct file *file)
{
    struct closing *closing = (struct closing *)closer;
    pthread_mutex_lock(&closing->lock);
    file->next = closing->first;
    closing->first = file;
    if (!closing->out && !closing->ended) {
        closing->out = true;
        helpers_do(closing->helpers, &closing->job);
    }
    pthread_mutex_unlock(&closing->lock);
}

void closing_init(struct closing *closing, struct helpers *helpers)
{
    *closing =
        (struct closing){.closer = {.take = take}, .helpers = helpers, .job = {.run = run_closing}};
    pthread_mutex_init(&closing->lock, NULL);
}

void closing_end(struct closing *closing)
{
    pthread_mutex_lock(&closing->lock);
    closing->ended = true;
    pthread_mutex_unlock(&closing->lock);
}

void closing_finish(struct closing *closing)
{
    while (closing->first != NULL) {
        struct file *file = closing->first;
        closing->first = file->next;
        free(file);
    }
    pthread_mutex_destroy(&closing->lock);
}
