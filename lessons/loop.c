/* loop
 *
 * What an event loop is: a list of what is waited for, each with a function to call when it comes,
 * and one wait for whatever comes first. There is no magic below it; libevent and the scheduler of
 * the other lessons do the same, with descriptors besides timers and a faster list.
 *
 * Here four timers of 4, 3, 2 and 1 s are set at the same time. The loop takes 4 s for all. */
#include "lessons/lesson.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"

struct timer {
    const char *name;
    double seconds;
    uint64_t due_ns;                /* when it is to be called */
    void (*on_due)(struct timer *); /* NULL: nobody waits for it any more */
    int row;
};

static void on_due(struct timer *timer)
{
    tell("its %g s are over", timer->seconds);
    timer->on_due = NULL; /* it could as well set itself again */
}

static void set(struct timer *timer)
{
    uint64_t now_ns = clock_monotonic_ns();
    timer->row = timeline_row(timer->name);
    timer->due_ns = now_ns + stage_real_ns(timer->seconds);
    timer->on_due = on_due;
    timeline_mark(timer->row, MARK_WAITS, now_ns);
}

/* The one that is due first; NULL when none is set. */
static struct timer *first_of(struct timer *timers, int count)
{
    struct timer *first = NULL;
    for (int i = 0; i < count; i++) {
        if (timers[i].on_due != NULL && (first == NULL || timers[i].due_ns < first->due_ns)) {
            first = &timers[i];
        }
    }
    return first;
}

/* The only place in the program where anybody waits. */
static void wait_until(uint64_t due_ns)
{
    struct timespec until = clock_timespec(due_ns);
    while (clock_monotonic_ns() < due_ns) {
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
}

/* The callback has the thread now; when it returns, the loop has it back. */
static void call(struct timer *timer)
{
    timeline_mark(timer->row, MARK_READY, timer->due_ns);
    timeline_enter(timer->row);
    runs();
    timer->on_due(timer);
    act_end();
}

bool lesson_loop(const struct asked *asked)
{
    struct timer timers[] = {
        {.name = "A", .seconds = 4},
        {.name = "B", .seconds = 3},
        {.name = "C", .seconds = 2},
        {.name = "D", .seconds = 1},
    };
    (void)asked;
    for (int i = 0; i < 4; i++) {
        set(&timers[i]);
    }
    struct timer *next;
    while ((next = first_of(timers, 4)) != NULL) { /* the loop */
        wait_until(next->due_ns);
        call(next);
    }
    return true;
}
