/* Files whose close(2) may wait for another machine or another program: helpers close them, one
 * after the other. */
#pragma once

#include "server/async/helpers.h"
#include "server/store/file.h"

#include <pthread.h>

struct closing {
    struct closer closer; /* for the store */
    struct helpers *helpers;
    pthread_mutex_t lock; /* guards what follows; a leaf but for the helpers' */
    struct file *first;   /* chained by `next` */
    bool out;             /* a helper is at it, or about to be */
    bool ended;
    struct job job;
};

void closing_init(struct closing *closing, struct helpers *helpers);

/* Before the helpers are destroyed: from now on files are only freed. Their descriptors are left to
 * the end of the process, which need not wait for them any earlier. */
void closing_end(struct closing *closing);

/* Frees what nobody has closed. The helpers must be gone. */
void closing_finish(struct closing *closing);
