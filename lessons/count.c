/* count sync|async
 *
 * Three times: say one, wait a second, say two. In turn that takes 3 s, and every one is followed
 * by its two. Together it takes 1 s: all say one, then all wait, then all say two. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

enum {
    COUNTS = 3
};

static const char *const names[COUNTS] = {"A", "B", "C"};

static void count_in_turn(void)
{
    for (int i = 0; i < COUNTS; i++) {
        act_begin(names[i]);
        tell("one");
        block(1);
        tell("two");
        act_end();
    }
}

static void *count(void *argument)
{
    (void)argument;
    tell("one");
    task_sleep(1);
    tell("two");
    return NULL;
}

static void *count_together(void *argument)
{
    struct task *tasks[COUNTS];
    (void)argument;
    for (int i = 0; i < COUNTS; i++) {
        tasks[i] = task_spawn(names[i], count, NULL);
    }
    task_gather(tasks, COUNTS, NULL);
    return NULL;
}

bool lesson_count(const struct asked *asked)
{
    if (asked_for(asked, "async")) {
        return sched_run(NULL, count_together, NULL);
    }
    count_in_turn();
    return true;
}
