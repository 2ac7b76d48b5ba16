/* sleep
 *
 * Four waits, each of which lets go of the thread, one after the other in the same task. Others
 * could run in the meantime, but there are no others: it takes the sum. A function that may be
 * awaited makes a program neither faster nor concurrent. For that, there must be more than one
 * task (see "gather"). */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

static void *sleep_four_times(void *argument)
{
    (void)argument;
    for (int i = 1; i <= 4; i++) {
        tell("sleeps for the %s time", (const char *[]){"first", "second", "third", "last"}[i - 1]);
        task_sleep(1);
    }
    tell("has slept enough");
    return NULL;
}

bool lesson_sleep(const struct asked *asked)
{
    (void)asked;
    return sched_run("one task", sleep_four_times, NULL);
}
