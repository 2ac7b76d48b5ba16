/* tasks
 *
 * Two tasks are started ahead, and awaited later. Between, the main task goes on with what it has
 * to do, and takes a second for it. When it comes to await, some of the waits are already over: all
 * of it takes as long as the longest task, not the sum. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

static void *brew(void *argument)
{
    const double *seconds = argument;
    tell("begins");
    task_sleep(*seconds);
    tell("is done after %g s", *seconds);
    return NULL;
}

static void *breakfast(void *argument)
{
    double tea_s = 2, coffee_s = 3;
    (void)argument;

    struct task *tea = task_spawn("tea", brew, &tea_s);
    struct task *coffee = task_spawn("coffee", brew, &coffee_s);
    tell("both are started, and none has run yet");

    task_sleep(1); /* they begin now: this is the first time that main lets go of the thread */
    tell("has laid the table");

    task_await(tea);
    tell("has the tea");
    task_await(coffee);
    tell("has the coffee");
    return NULL;
}

bool lesson_tasks(const struct asked *asked)
{
    (void)asked;
    return sched_run("main", breakfast, NULL);
}
