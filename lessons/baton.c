/* baton [N]
 *
 * Two tasks count to N, and sleep for 0 s after each number. Such a sleep takes no time: it puts
 * the task at the end of the queue of those that are ready, and so passes the baton to the other.
 * Without it, the first would count to the end before the second begins: tasks cooperate, or they
 * do not take turns at all. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

static void *count(void *argument)
{
    const unsigned *most = argument;
    for (unsigned i = 1; i <= *most; i++) {
        work(0.1); /* so that there is something to see on the time line */
        tell("%u", i);
        task_sleep(0);
    }
    return NULL;
}

static void *count_both(void *argument)
{
    struct task *first = task_spawn("A", count, argument);
    struct task *second = task_spawn("B", count, argument);
    task_await(first);
    task_await(second);
    return NULL;
}

bool lesson_baton(const struct asked *asked)
{
    unsigned most = asked->number[0];
    return sched_run(NULL, count_both, &most);
}
