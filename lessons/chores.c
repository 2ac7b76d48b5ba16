/* chores sync|async|yielding
 *
 *     the dishwasher runs 3 s             the washing machine runs 3 s, then the dryer 3 s
 *     water boils after 4 s               14 potatoes take 0.5 s of full attention each
 *
 * One after the other: 20 s, and most of the time somebody watches a machine. As tasks, the
 * machines wait by themselves; but whoever peels does not look up before the last potato, and the
 * laundry that was done after 3 s comes into the dryer only after 7: all of it takes 10 s. Looking
 * up after each potato costs nothing, the dryer starts in time, and it takes the 7 s that the
 * potatoes do.
 *
 * A task that computes is such a peeler: the loop runs nobody else until it lets go. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

enum {
    POTATOES = 14
};

/* --- one after the other ---------------------------------------------------------------------- */

static void watch(const char *machine, double seconds)
{
    act_begin(machine);
    tell("on");
    block(seconds);
    tell("done");
    act_end();
}

static void do_in_turn(void)
{
    watch("dishwasher", 3);
    watch("washing", 3);
    watch("dryer", 3);
    watch("water", 4);
    act_begin("potatoes");
    tell("the first one");
    for (int i = 0; i < POTATOES; i++) {
        work(0.5);
    }
    tell("all peeled");
    act_end();
}

/* --- as tasks --------------------------------------------------------------------------------- */

static void *machine(void *argument)
{
    const double *seconds = argument;
    tell("on");
    task_sleep(*seconds);
    tell("done");
    return NULL;
}

static void *laundry(void *argument)
{
    machine(argument);
    tell("now into the dryer");
    return task_await(task_spawn("dryer", machine, argument));
}

static void *peel(void *argument)
{
    const bool *looks_up = argument;
    tell("the first one");
    for (int i = 0; i < POTATOES; i++) {
        work(0.5);
        if (*looks_up) {
            task_yield();
        }
    }
    tell("all peeled");
    return NULL;
}

static void *do_together(void *argument)
{
    double three = 3, four = 4;
    struct task *tasks[] = {
        task_spawn("dishwasher", machine, &three),
        task_spawn("washing", laundry, &three),
        task_spawn("water", machine, &four),
        task_spawn("potatoes", peel, argument),
    };
    task_gather(tasks, 4, NULL);
    return NULL;
}

bool lesson_chores(const struct asked *asked)
{
    if (asked_for(asked, "sync")) {
        do_in_turn();
        return true;
    }
    bool looks_up = asked_for(asked, "yielding");
    return sched_run(NULL, do_together, &looks_up);
}
