/* coroutine
 *
 * The same breakfast as in "tasks", but for one word: here the two are created, not spawned. A
 * coroutine that was created is only a promise. Nobody has put it into the queue of those that are
 * ready, so it does not run while main does other things. It begins when it is awaited, and then
 * main has nothing else to do than to wait for it: all of it takes the sum. */
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

    struct task *tea = task_create("tea", brew, &tea_s);
    struct task *coffee = task_create("coffee", brew, &coffee_s);
    tell("both are created, and nobody starts them");

    task_sleep(1);
    tell("has laid the table");

    task_await(tea);
    tell("has the tea");
    task_await(coffee);
    tell("has the coffee");
    return NULL;
}

bool lesson_coroutine(const struct asked *asked)
{
    (void)asked;
    return sched_run("main", breakfast, NULL);
}
