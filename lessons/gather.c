/* gather
 *
 * Four tasks sleep 4, 3, 2 and 1 s, together. They end in the order of their waits, the shortest
 * first. What they return is put together in the order in which they were asked: whoever gathers
 * need not know who was fast. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

enum {
    TASKS = 4
};

struct nap {
    const char *name;
    double seconds;
};

static void *sleep_and_return(void *argument)
{
    struct nap *nap = argument;
    task_sleep(nap->seconds);
    tell("slept %g s", nap->seconds);
    return nap;
}

static void *gather_all(void *argument)
{
    struct nap naps[TASKS] = {{"A", 4}, {"B", 3}, {"C", 2}, {"D", 1}};
    struct task *tasks[TASKS];
    void *results[TASKS];
    (void)argument;
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_spawn(naps[i].name, sleep_and_return, &naps[i]);
    }
    task_gather(tasks, TASKS, results);
    for (int i = 0; i < TASKS; i++) {
        struct nap *nap = results[i];
        tell("result %d is that of %s", i + 1, nap->name);
    }
    return NULL;
}

bool lesson_gather(const struct asked *asked)
{
    (void)asked;
    return sched_run("main", gather_all, NULL);
}
