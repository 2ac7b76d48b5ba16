/* Threads that do for an event loop what would block it, and the mailbox through which it hears of
 * it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mailbox;

/* Embedded in whatever it is about. It belongs to the helpers from helpers_do() until `done` is
 * called. */
struct job {
    struct job *next;
    void (*run)(struct job *);  /* on a helper; NULL: nothing to run */
    void (*done)(struct job *); /* on the loop, when it empties its mailbox */
    struct mailbox *home;       /* NULL: nobody hears of it */
    bool prompt;                /* it waits for a disk at the most, not for who knows what */
    uint64_t turn;              /* of whoever has it wait: in which order they were given */
};

/* First in, first out. Guarded by its owner's lock, if others use it. */
struct jobs {
    struct job *first;
    struct job **end; /* where the next one is linked */
};

static inline void jobs_init(struct jobs *jobs)
{
    jobs->first = NULL;
    jobs->end = &jobs->first;
}

static inline void jobs_add(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
}

/* There has to be one. */
static inline struct job *jobs_take(struct jobs *jobs)
{
    struct job *job = jobs->first;
    jobs->first = job->next;
    if (jobs->first == NULL) {
        jobs->end = &jobs->first;
    }
    return job;
}

/* One for each loop. Any thread may post, one thread empties. */
struct mailbox *mailbox_create(void);
void mailbox_destroy(struct mailbox *mailbox);
/* Readable when there is something in it. */
int mailbox_fd(const struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct job *job);
/* Calls `done` of all that is in it. */
void mailbox_empty(struct mailbox *mailbox);

struct helpers;

/* Starts `threads` threads, and `reserved` more so that there are always as many for prompt jobs:
 * when a file system has died, and holds everybody who asked it, the others go on. NULL, and errno,
 * when the system will not. */
struct helpers *helpers_create(unsigned threads, unsigned reserved);
/* Has a helper run the job, then posts it to job->home. Any thread. Jobs begin in the order given,
 * but for prompt ones that overtake what nobody is free for. */
void helpers_do(struct helpers *helpers, struct job *job);
/* Waits until no job runs, or until then. False: some still does. */
bool helpers_rest(struct helpers *helpers, uint64_t until_ns);
/* Lets the running jobs end, and drops those that wait; joins the threads. NULL is fine. */
void helpers_destroy(struct helpers *helpers);
