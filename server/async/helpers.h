/* Threads that do for an event loop what would block it, and the mailbox through which it hears of
 * it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mailbox;

/* Embedded in whatever it is about. It belongs to the helpers from helpers_do() until `done` is
 * called. */
struct job {
    struct job *next;
    void (*run)(struct job *);  /* on a helper; NULL: nothing to run */
    void (*done)(struct job *); /* on the loop, when it empties its mailbox */
    struct mailbox *home;
};

/* One for each loop. Any thread may post, one thread empties. */
struct mailbox *mailbox_create(void);
void mailbox_destroy(struct mailbox *mailbox);
/* Readable when there is something in it. */
int mailbox_fd(const struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct job *job);
/* Calls `done` of all that is in it. */
void mailbox_empty(struct mailbox *mailbox);

struct helpers;

/* Starts `threads` threads; NULL, and errno, when the system will not. */
struct helpers *helpers_create(unsigned threads);
/* Has a helper run the job, then posts it to job->home. Any thread. Jobs begin in the order given.
 */
void helpers_do(struct helpers *helpers, struct job *job);
/* Lets the running jobs end, and drops those that wait; joins the threads. NULL is fine. */
void helpers_destroy(struct helpers *helpers);
