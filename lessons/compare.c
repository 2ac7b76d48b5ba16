/* compare [MOST]
 *
 * Processes, threads, and tasks on one loop, side by side on this machine. Every cell is measured:
 *
 *     10 waits          how long ten waits of 0.5 s take, together
 *     cores used        by as many that compute as there are cores
 *     at once           how many there can be: tried until the system refuses, or up to a bound
 *     memory of one     of those, while it waits: its own pages, page tables and kernel stack
 *     time to make one
 *     one that blocks   whether the others go on meanwhile
 *
 * The bounds are 1,000 processes, 10,000 threads and 100,000 tasks, or MOST for each: a machine is
 * not to be used up. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/units.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WAITS = 10,
    COMPUTE_MS = 100,
    MOST = 100 * 1000,
};

/* What one model can do: begin `count` of something, and wait until all have ended. */
struct model {
    const char *name;
    unsigned most;
    void (*run_all)(unsigned count, void (*body)(unsigned index));
    void (*crowd)(unsigned most); /* fills at_once, memory and time to make one */
};

static struct {
    uint64_t waits_ns;
    double cores;
    unsigned at_once;
    bool refused; /* at_once is the limit, not the bound */
    double bytes, make_ns;
    unsigned went_on; /* steps of the others while one blocked */
} cell;

/* Seen by processes, too. */
static struct shared {
    atomic_uint steps;
    atomic_bool blocks;
} * shared;

/* --- what they do ----------------------------------------------------------------------------- */

static bool on_loop; /* whether they are tasks */

static void rest(double seconds)
{
    if (on_loop) {
        task_sleep(seconds);
    } else {
        block(seconds);
    }
}

static void wait_a_while(unsigned index)
{
    (void)index;
    rest(0.5);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Ten pieces; a task lets the others run after each. */
static void compute(unsigned index)
{
    (void)index;
    for (int piece = 0; piece < 10; piece++) {
        uint64_t until_ns = thread_cpu_ns() + COMPUTE_MS * NS_PER_MS / 10;
        while (thread_cpu_ns() < until_ns) {
        }
        if (on_loop) {
            task_yield();
        }
    }
}

/* The first blocks; the second counts its steps meanwhile, and in any case not for ever. */
static void block_or_step(unsigned index)
{
    if (index == 0) {
        rest(0.1); /* the other is on its way */
        atomic_store(&shared->blocks, true);
        block(0.5);
        atomic_store(&shared->blocks, false);
        return;
    }
    for (int i = 0; i < 20; i++) {
        rest(0.05);
        atomic_fetch_add(&shared->steps, atomic_load(&shared->blocks));
    }
}

/* --- processes -------------------------------------------------------------------------------- */

static pid_t child[MOST];

static void processes_run(unsigned count, void (*body)(unsigned index))
{
    for (unsigned i = 0; i < count; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            body(i);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (child[i] > 0) {
            waitpid(child[i], NULL, 0);
        }
    }
}

/* The sum of these lines of a file in /proc, in bytes. */
static double read_kilobytes(const char *path, const char *const *names, int count)
{
    char line[256];
    double sum = 0, kilobytes;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        for (int i = 0; i < count; i++) {
            size_t length = strlen(names[i]);
            if (strncmp(line, names[i], length) == 0 &&
                sscanf(line + length, ": %lf kB", &kilobytes) == 1) {
                sum += kilobytes * 1024;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return sum;
}

static double kernel_stacks(void)
{
    return read_kilobytes("/proc/meminfo", (const char *[]){"KernelStack"}, 1);
}

static double own_memory(void)
{
    return read_kilobytes("/proc/self/status", (const char *[]){"VmRSS", "VmPTE"}, 2);
}

/* What no other process shares with it. */
static double memory_of(pid_t pid)
{
    char rollup[64], status[64];
    snprintf(rollup, sizeof(rollup), "/proc/%d/smaps_rollup", (int)pid);
    snprintf(status, sizeof(status), "/proc/%d/status", (int)pid);
    return read_kilobytes(rollup, (const char *[]){"Private_Clean", "Private_Dirty"}, 2) +
           read_kilobytes(status, (const char *[]){"VmPTE"}, 1);
}

static void note_crowd(unsigned made, unsigned most, uint64_t begun_ns, uint64_t ended_ns,
                       double bytes)
{
    cell.at_once = made;
    cell.refused = made < most;
    cell.make_ns = made > 0 ? (double)(ended_ns - begun_ns) / made : 0;
    cell.bytes = made > 0 && bytes > 0 ? bytes / made : 0;
}

static void processes_crowd(unsigned most)
{
    double stacks = kernel_stacks();
    uint64_t begun_ns = clock_monotonic_ns();
    unsigned made = 0;
    for (; made < most && (child[made] = fork()) >= 0; made++) {
        if (child[made] == 0) {
            pause();
            _exit(0);
        }
    }
    uint64_t ended_ns = clock_monotonic_ns();
    double private = made > 0 ? memory_of(child[made / 2]) * made : 0;
    note_crowd(made, most, begun_ns, ended_ns, private + kernel_stacks() - stacks);
    for (unsigned i = 0; i < made; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

static pthread_t thread[MOST];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

struct part {
    void (*body)(unsigned index);
    unsigned index;
};

static void *run_part(void *argument)
{
    struct part *part = argument;
    part->body(part->index);
    return NULL;
}

static void threads_run(unsigned count, void (*body)(unsigned index))
{
    struct part *parts = calloc(count, sizeof(*parts));
    unsigned made = 0;
    for (; parts != NULL && made < count; made++) {
        parts[made] = (struct part){body, made};
        if (pthread_create(&thread[made], NULL, run_part, &parts[made]) != 0) {
            break;
        }
    }
    for (unsigned i = 0; i < made; i++) {
        pthread_join(thread[i], NULL);
    }
    free(parts);
}

static void *wait_at_the_gate(void *argument)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return argument;
}

static void threads_crowd(unsigned most)
{
    double before = own_memory() + kernel_stacks();
    uint64_t begun_ns = clock_monotonic_ns();
    unsigned made = 0;
    pthread_mutex_lock(&gate);
    while (made < most && pthread_create(&thread[made], NULL, wait_at_the_gate, NULL) == 0) {
        made++;
    }
    uint64_t ended_ns = clock_monotonic_ns();
    note_crowd(made, most, begun_ns, ended_ns, own_memory() + kernel_stacks() - before);
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < made; i++) {
        pthread_join(thread[i], NULL);
    }
}

/* --- tasks ------------------------------------------------------------------------------------ */

static struct task *task[MOST];

struct order {
    unsigned count;
    void (*body)(unsigned index);
};

static void *run_as_task(void *argument)
{
    return run_part(argument);
}

static void *run_tasks(void *argument)
{
    struct order *order = argument;
    struct part *parts = calloc(order->count, sizeof(*parts));
    for (unsigned i = 0; parts != NULL && i < order->count; i++) {
        parts[i] = (struct part){order->body, i};
        task[i] = task_spawn(NULL, run_as_task, &parts[i]);
    }
    task_gather(task, parts != NULL ? order->count : 0, NULL);
    free(parts);
    return NULL;
}

static void tasks_run(unsigned count, void (*body)(unsigned index))
{
    struct order order = {count, body};
    on_loop = true;
    sched_run(NULL, run_tasks, &order);
    on_loop = false;
}

static void *sleep_for_ever(void *argument)
{
    while (task_sleep(1e6)) {
    }
    return argument;
}

static void *crowd_of_tasks(void *argument)
{
    unsigned most = *(unsigned *)argument, made = 0;
    double before = own_memory();
    uint64_t begun_ns = clock_monotonic_ns();
    while (made < most && (task[made] = task_spawn(NULL, sleep_for_ever, NULL)) != NULL) {
        made++;
    }
    task_yield(); /* all fall asleep now */
    uint64_t ended_ns = clock_monotonic_ns();
    note_crowd(made, most, begun_ns, ended_ns, own_memory() - before);
    for (unsigned i = 0; i < made; i++) {
        task_cancel(task[i]);
    }
    task_gather(task, made, NULL);
    return NULL;
}

static void tasks_crowd(unsigned most)
{
    sched_run(NULL, crowd_of_tasks, &most);
}

/* --- the table -------------------------------------------------------------------------------- */

/* CPU time of this process and of the children that it has waited for. */
static uint64_t cpu_ns(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    uint64_t seconds = (uint64_t)(own.ru_utime.tv_sec + own.ru_stime.tv_sec +
                                  children.ru_utime.tv_sec + children.ru_stime.tv_sec);
    uint64_t rest_us = (uint64_t)(own.ru_utime.tv_usec + own.ru_stime.tv_usec +
                                  children.ru_utime.tv_usec + children.ru_stime.tv_usec);
    return seconds * NS_PER_S + rest_us * NS_PER_US;
}

static void measure(const struct model *model, unsigned cores, unsigned most)
{
    int row = timeline_row(model->name);
    timeline_mark(row, MARK_WAITS, clock_monotonic_ns());
    uint64_t begun_ns = clock_monotonic_ns();
    model->run_all(WAITS, wait_a_while);
    cell.waits_ns = clock_monotonic_ns() - begun_ns;

    timeline_mark(row, MARK_RUNS, clock_monotonic_ns());
    uint64_t cpu_begun_ns = cpu_ns();
    begun_ns = clock_monotonic_ns();
    model->run_all(cores, compute);
    cell.cores = (double)(cpu_ns() - cpu_begun_ns) / (double)(clock_monotonic_ns() - begun_ns);

    model->crowd(most > 0 ? most : model->most);

    timeline_mark(row, MARK_BLOCKS, clock_monotonic_ns());
    atomic_store(&shared->steps, 0);
    model->run_all(2, block_or_step);
    cell.went_on = atomic_load(&shared->steps);
    timeline_mark(row, MARK_ENDED, clock_monotonic_ns());
}

static const struct model models[] = {
    {"processes", 1000, processes_run, processes_crowd},
    {"threads", 10 * 1000, threads_run, threads_crowd},
    {"async", 100 * 1000, tasks_run, tasks_crowd},
};

enum {
    LINES = 6,
    TEXT = 32,
};

/* The column of one model. */
static void write_column(char text[LINES][TEXT], unsigned cores)
{
    char number[UNITS_TEXT];
    snprintf(text[0], TEXT, "%.2f s", stage_seconds(cell.waits_ns));
    snprintf(text[1], TEXT, "%.2f of %u", cell.cores, cores);
    snprintf(text[2], TEXT, "%s%s",
             cell.refused ? "" : ">= ", units_write_count(number, cell.at_once));
    snprintf(text[3], TEXT, "%s", units_write_bytes(number, cell.bytes));
    snprintf(text[4], TEXT, "%s", units_write_duration(number, (uint64_t)cell.make_ns));
    snprintf(text[5], TEXT, cell.went_on > 0 ? "others go on" : "all stand still");
}

bool lesson_compare(const struct asked *asked)
{
    static const char *const names[LINES] = {"10 waits, 0.5 s",  "cores used",
                                             "at once",          "memory of one",
                                             "time to make one", "one that blocks"};
    char text[3][LINES][TEXT];
    unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        log_error("compare: no memory");
        return false;
    }
    for (int i = 0; i < 3; i++) {
        measure(&models[i], cores, asked->number[0]);
        write_column(text[i], cores);
    }
    munmap(shared, sizeof(*shared));
    tell("%-17s %-13s %-13s %s", "", models[0].name, models[1].name, models[2].name);
    for (int line = 0; line < LINES; line++) {
        tell("%-17s %-13s %-13s %s", names[line], text[0][line], text[1][line], text[2][line]);
    }
    return true;
}
