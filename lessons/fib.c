/* fib sync|gen|async|threads|processes|all [N]
 *
 * fib(n) = fib(n-1) + fib(n-2), computed in the most naive way: nothing in it waits for anything.
 * An event loop helps those who wait. Who computes has nothing to give it, and pays: every call
 * becomes a task that has to be made, put into the queue and given a turn, on the same one core.
 * What does help is another core: threads, or processes. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/units.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- sync: plain recursion -------------------------------------------------------------------- */

/* Compilers can do better than to make every call; here they are to be counted. */
__attribute__((noinline)) static uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* --- gen: every call is a generator, which yields the call that it needs next ----------------- */

struct call {
    unsigned n;
    int at; /* where to go on */
    uint64_t value;
    struct call *caller;
};

static struct call *new_call(unsigned n, struct call *caller)
{
    struct call *call = malloc(sizeof(*call));
    if (call == NULL) {
        log_fatal(1, "out of memory");
    }
    *call = (struct call){.n = n, .caller = caller};
    return call;
}

/* Goes on with what the last yielded call has come to. NULL: its own value is there. */
static struct call *resume(struct call *call, uint64_t received)
{
    switch (call->at++) {
    case 0:
        call->value = call->n;
        return call->n < 2 ? NULL : new_call(call->n - 1, call);
    case 1:
        call->value = received;
        return new_call(call->n - 2, call);
    default:
        call->value += received;
        return NULL;
    }
}

static uint64_t fib_gen(unsigned n)
{
    uint64_t value = 0;
    struct call *call = new_call(n, NULL);
    while (call != NULL) {
        struct call *next = resume(call, value);
        if (next == NULL) {
            value = call->value;
            next = call->caller;
            free(call);
        }
        call = next;
    }
    return value;
}

/* --- async: every call is a task, and awaited through the loop -------------------------------- */

static void *fib_task(void *argument)
{
    uintptr_t n = (uintptr_t)argument;
    if (n < 2) {
        return argument;
    }
    uintptr_t a = (uintptr_t)task_await(task_spawn(NULL, fib_task, (void *)(n - 1)));
    uintptr_t b = (uintptr_t)task_await(task_spawn(NULL, fib_task, (void *)(n - 2)));
    return (void *)(a + b);
}

static void *fib_first(void *argument)
{
    uintptr_t *n = argument;
    *n = (uintptr_t)fib_task((void *)*n);
    return NULL;
}

static uint64_t fib_async(unsigned n)
{
    uintptr_t value = n;
    return sched_run(NULL, fib_first, &value) ? value : 0;
}

/* --- threads: the first few calls begin a thread each ----------------------------------------- */

struct piece {
    unsigned n, depth; /* how many more levels are split */
    uint64_t value;
};

/* Some more pieces than cores, because they are not of the same size. */
static unsigned levels(void)
{
    unsigned depth = 1;
    while (depth < 5 && (1L << depth) < 4 * sysconf(_SC_NPROCESSORS_ONLN)) {
        depth++;
    }
    return depth;
}

static const char *name_of(char *name, unsigned n)
{
    snprintf(name, TIMELINE_NAME, "fib(%u)", n);
    return name;
}

static uint64_t split_to_threads(unsigned n, unsigned depth);

static void *run_piece(void *argument)
{
    struct piece *piece = argument;
    char name[TIMELINE_NAME];
    act_begin(name_of(name, piece->n));
    piece->value = split_to_threads(piece->n, piece->depth);
    act_end();
    return NULL;
}

static uint64_t split_to_threads(unsigned n, unsigned depth)
{
    pthread_t thread;
    struct piece other = {.n = n - 1, .depth = depth - 1};
    if (n < 2 || depth == 0 || pthread_create(&thread, NULL, run_piece, &other) != 0) {
        return fib(n);
    }
    uint64_t mine = split_to_threads(n - 2, depth - 1);
    pthread_join(thread, NULL);
    return other.value + mine;
}

static uint64_t fib_threads(unsigned n)
{
    return split_to_threads(n, levels());
}

/* --- processes: the same, and the value comes back through a pipe ----------------------------- */

static uint64_t split_to_processes(unsigned n, unsigned depth);

static void run_child(unsigned n, unsigned depth, int to)
{
    char name[TIMELINE_NAME];
    act_begin(name_of(name, n));
    uint64_t value = split_to_processes(n, depth);
    act_end();
    _exit(write(to, &value, sizeof(value)) == sizeof(value) ? 0 : 1);
}

static uint64_t split_to_processes(unsigned n, unsigned depth)
{
    int ends[2];
    if (n < 2 || depth == 0 || pipe(ends) != 0) {
        return fib(n);
    }
    uint64_t theirs = 0;
    pid_t child = fork();
    if (child == 0) {
        run_child(n - 1, depth - 1, ends[1]);
    }
    close(ends[1]);
    uint64_t mine = split_to_processes(n - 2, depth - 1);
    if (read(ends[0], &theirs, sizeof(theirs)) != sizeof(theirs)) {
        theirs = fib(n - 1); /* there was no child */
    }
    close(ends[0]);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    return theirs + mine;
}

static uint64_t fib_processes(unsigned n)
{
    return split_to_processes(n, levels());
}

/* --- the comparison --------------------------------------------------------------------------- */

struct model {
    const char *name;
    uint64_t (*fib)(unsigned n);
};

static const struct model models[] = {
    {"sync", fib},
    {"gen", fib_gen},
    {"async", fib_async},
    {"threads", fib_threads},
    {"processes", fib_processes},
};

static uint64_t measure(const struct model *model, unsigned n, uint64_t *value)
{
    uint64_t begun_ns = clock_monotonic_ns();
    *value = model->fib(n);
    return clock_monotonic_ns() - begun_ns;
}

static void show(const struct model *model, unsigned n, uint64_t plain_ns)
{
    uint64_t value;
    char took[UNITS_TEXT], turns[UNITS_TEXT];
    int row = timeline_row(model->name);
    timeline_mark(row, MARK_RUNS, clock_monotonic_ns());
    uint64_t ns = measure(model, n, &value);
    timeline_mark(row, MARK_ENDED, clock_monotonic_ns());
    tell("%-10s fib(%u) = %llu in %s, %.1f times plain", model->name, n, (unsigned long long)value,
         units_write_duration(took, ns), (double)ns / (double)plain_ns);
    if (model->fib == fib_async) {
        tell("%-10s gave %s turns", model->name, units_write_count(turns, sched_turns()));
    }
}

/* The fastest of three, for the others are compared with it. */
static uint64_t measure_plain(unsigned n)
{
    uint64_t value, least_ns = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        uint64_t ns = measure(&models[0], n, &value);
        least_ns = ns < least_ns ? ns : least_ns;
    }
    return least_ns > 0 ? least_ns : 1;
}

bool lesson_fib(const struct asked *asked)
{
    unsigned n = asked->number[0];
    uint64_t plain_ns = measure_plain(n);
    for (unsigned i = 0; i < sizeof(models) / sizeof(*models); i++) {
        if (asked_for(asked, "all") || asked_for(asked, models[i].name)) {
            show(&models[i], n, plain_ns);
        }
    }
    return true;
}
