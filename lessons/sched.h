/* A scheduler, small enough to be read in one go: tasks that take turns on one thread.
 *
 * A task is a function with a stack of its own. It runs until it waits; then the scheduler lets
 * another run, and when none can, it asks libevent to wait for the first timer or descriptor that
 * makes one ready. No task is ever interrupted against its will, so between two waits nobody else
 * changes anything; and a task that does not wait keeps all the others waiting.
 *
 *               spawn, or awaited                       its turn comes
 *     created ─────────────────────▶ ready ◀────────────────────────────▶ running ──▶ ended
 *                                      ▲        yield                        │
 *                                      └──────────────── waiting ◀───────────┘
 *                                        timer, descriptor,     sleep, until,
 *                                        end of another, cancel    await
 *
 * There is one scheduler at a time, in one thread. Whatever has a name leaves its marks on the time
 * line; a task without one (NULL) leaves none. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct task;

/* What a task runs; what it returns is what who awaits it gets. */
typedef void *task_body(void *argument);

/* Runs `body` as the first task. When it has returned, tasks that are left are cancelled and may
 * come to their end. False when there is no memory, or when everybody waits for somebody else. */
bool sched_run(const char *name, task_body *body, void *argument);

/* Everything below is called by tasks. */

/* Makes a task that does not run before it is awaited. NULL when there is no room for its stack. */
struct task *task_create(const char *name, task_body *body, void *argument);

/* Makes a task and puts it at the end of the queue of those that are ready. NULL as above. */
struct task *task_spawn(const char *name, task_body *body, void *argument);

/* Waits for the end of `task`, and gives what it returned. The task is gone then: each may be
 * awaited once, by one. */
void *task_await(struct task *task);

/* Waits for the end of all; results[i] (unless `results` is NULL) is what tasks[i] returned,
 * whichever ended first. */
void task_gather(struct task *const *tasks, size_t count, void **results);

/* Has `task` end as soon as it can. If it never ran, it never will. If it awaits another, that one
 * is cancelled in its place. Else what it waits for returns false, now and from now on: the task
 * puts its things in order and returns. It is still to be awaited. */
void task_cancel(struct task *task);

/* The waits. True when what was waited for has come, false when the task was cancelled. */

/* Lets all those run that are ready, then goes on. */
bool task_yield(void);

/* Waits for so many seconds, divided by --speed. A sleep of 0 is a yield. */
bool task_sleep(double seconds);

/* Waits until `fd` is ready for `what`: EV_READ or EV_WRITE of libevent. False also when such a
 * descriptor cannot be waited for: errno is then EPERM, and 0 when the task was cancelled. */
bool task_until(int fd, short what);

/* How many times a task was given its turn so far, since sched_run() began. */
size_t sched_turns(void);
