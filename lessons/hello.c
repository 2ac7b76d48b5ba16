/* hello blocking|callback|generator|coroutine|thread|process [N]
 *
 * Say "hello", wait 3 s, say "world", N times. Whoever waits has to stop in the middle and go on
 * later, and something has to remember where: that is where the six ways differ.
 *
 *     way         who remembers the middle                     who else can run meanwhile
 *     blocking    the thread's stack                           nobody
 *     callback    nobody: the middle is another function       the loop
 *     generator   a number, "at", in a struct                  whoever resumes it
 *     coroutine   a stack of its own, in our memory            the scheduler
 *     thread      a stack of its own, and the kernel           the kernel's scheduler
 *     process     a memory of its own, and the kernel          the kernel's scheduler
 *
 * All but the first take 3 s in all. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST = 100
};

static const double wait_s = 3;

static const char *name_of(char *name, unsigned index)
{
    snprintf(name, TIMELINE_NAME, "number %u", index + 1);
    return name;
}

/* --- blocking: it simply stops there ---------------------------------------------------------- */

static bool say_blocking(unsigned count)
{
    char name[TIMELINE_NAME];
    for (unsigned i = 0; i < count; i++) {
        act_begin(name_of(name, i));
        tell("hello");
        block(wait_s);
        tell("world");
        act_end();
    }
    return true;
}

/* --- callback: what comes after the wait is a function of its own ----------------------------- */

static void on_waited(evutil_socket_t fd, short what, void *argument)
{
    const int *row = argument;
    (void)fd;
    (void)what;
    timeline_enter(*row);
    runs();
    tell("world");
    act_end();
}

static bool say_callback(unsigned count)
{
    struct event_base *base = event_base_new();
    struct timeval timeout = clock_timeval(stage_real_ns(wait_s) + NS_PER_US);
    char name[TIMELINE_NAME];
    int rows[MOST];
    for (unsigned i = 0; base != NULL && i < count; i++) {
        act_begin(name_of(name, i));
        rows[i] = timeline_here();
        tell("hello");
        timeline_mark(rows[i], MARK_WAITS, clock_monotonic_ns());
        if (event_base_once(base, -1, EV_TIMEOUT, on_waited, &rows[i], &timeout) != 0) {
            return false;
        }
    }
    bool fine = base != NULL && event_base_dispatch(base) >= 0;
    if (base != NULL) {
        event_base_free(base);
    }
    return fine;
}

/* --- generator: a function that can be entered in the middle ---------------------------------- */

struct greeting {
    int at; /* where to go on */
    uint64_t due_ns;
    int row;
};

/* Runs to its next wait. Returns how long that is, or a negative number when it was the end. */
static double resume(struct greeting *greeting)
{
    switch (greeting->at) {
    case 0:
        tell("hello");
        greeting->at = 1;
        return wait_s;
    default:
        tell("world");
        return -1;
    }
}

static void resume_when_due(struct greeting *greeting)
{
    struct timespec until = clock_timespec(greeting->due_ns);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    timeline_enter(greeting->row);
    runs();
    double rest_s = resume(greeting);
    if (rest_s < 0) {
        act_end();
        return;
    }
    uint64_t now_ns = clock_monotonic_ns();
    greeting->due_ns = now_ns + stage_real_ns(rest_s);
    timeline_mark(greeting->row, MARK_WAITS, now_ns);
}

/* All waits are equally long here, so resuming them in turn resumes each when it is due. */
static bool say_generator(unsigned count)
{
    struct greeting greetings[MOST] = {0};
    char name[TIMELINE_NAME];
    for (unsigned i = 0; i < count; i++) {
        greetings[i].row = timeline_row(name_of(name, i));
    }
    for (unsigned i = 0; i < 2 * count; i++) {
        resume_when_due(&greetings[i % count]);
    }
    return true;
}

/* --- coroutine: it simply stops there, too ---------------------------------------------------- */

static void *say_as_task(void *argument)
{
    (void)argument;
    tell("hello");
    task_sleep(wait_s);
    tell("world");
    return NULL;
}

static void *spawn_all(void *argument)
{
    unsigned count = *(unsigned *)argument;
    struct task *tasks[MOST];
    char name[TIMELINE_NAME];
    for (unsigned i = 0; i < count; i++) {
        tasks[i] = task_spawn(name_of(name, i), say_as_task, NULL);
    }
    task_gather(tasks, count, NULL);
    return NULL;
}

/* --- thread and process: blocking, and others go on all the same ------------------------------ */

static void *say_as_thread(void *argument)
{
    char name[TIMELINE_NAME];
    act_begin(name_of(name, *(unsigned *)argument));
    tell("hello");
    block(wait_s);
    tell("world");
    act_end();
    return NULL;
}

static bool say_thread(unsigned count)
{
    pthread_t threads[MOST];
    unsigned indices[MOST], started = 0;
    for (; started < count; started++) {
        indices[started] = started;
        if (pthread_create(&threads[started], NULL, say_as_thread, &indices[started]) != 0) {
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    return started == count;
}

static bool say_process(unsigned count)
{
    unsigned started = 0;
    for (; started < count; started++) {
        pid_t child = fork();
        if (child == 0) {
            say_as_thread(&started);
            _exit(0);
        }
        if (child < 0) {
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        wait(NULL);
    }
    return started == count;
}

/* ---------------------------------------------------------------------------------------------- */

bool lesson_hello(const struct asked *asked)
{
    unsigned count = asked->number[0];
    bool fine;
    if (asked_for(asked, "coroutine")) {
        return sched_run(NULL, spawn_all, &count);
    }
    if (asked_for(asked, "blocking")) {
        fine = say_blocking(count);
    } else if (asked_for(asked, "callback")) {
        fine = say_callback(count);
    } else if (asked_for(asked, "generator")) {
        fine = say_generator(count);
    } else if (asked_for(asked, "thread")) {
        fine = say_thread(count);
    } else {
        fine = say_process(count);
    }
    if (!fine) {
        log_error("hello: the system refuses so many");
    }
    return fine;
}
