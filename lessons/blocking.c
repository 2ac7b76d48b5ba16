/* blocking
 *
 * Calls of the C library that stop a loop. A metronome is a task that wants to tick every 0.1 s;
 * while another task is in one of these calls, it cannot, and nor could anybody else:
 *
 *     call                   what to use instead on a loop
 *     sleep()                a timer
 *     read() from a pipe     wait until it is readable, then read
 *     waitpid()              a descriptor for the process (pidfd_open), readable when it has ended
 *     pthread_mutex_lock()   have a helper thread do what needs the lock
 *     getaddrinfo()          have a helper thread look it up
 *
 * First all calls as they are, then what to use instead. After each it is told how long it took and
 * how often the metronome ticked meanwhile. */
#include "lessons/lesson.h"
#include "lessons/pool.h"
#include "lessons/sched.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/log.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned ticks;

static void *metronome(void *argument)
{
    (void)argument;
    while (task_sleep(0.1)) {
        ticks++;
    }
    return NULL;
}

/* --- somebody to wait for --------------------------------------------------------------------- */

static int ends[2]; /* of a pipe */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t locked;

static void *write_after_a_second(void *argument)
{
    block(1);
    return write(ends[1], "x", 1) == 1 ? argument : NULL;
}

static void *unlock_after_a_second(void *argument)
{
    pthread_mutex_lock(&mutex);
    sem_post(&locked);
    block(1);
    pthread_mutex_unlock(&mutex);
    return argument;
}

static pthread_t begin_thread(void *(*body)(void *))
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, NULL);
    if (error != 0) {
        log_fatal(1, "blocking: no thread: %s", strerror(error));
    }
    return thread;
}

static pid_t end_after_a_second(void)
{
    pid_t child = fork();
    if (child == 0) {
        timeline_enter(-1); /* the row is that of the task */
        block(1);
        _exit(0);
    }
    return child;
}

/* --- the calls as they are -------------------------------------------------------------------- */

static void call_sleep(void)
{
    block(1);
}

static void call_read(void)
{
    char byte;
    pthread_t writer = begin_thread(write_after_a_second);
    blocks();
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
    runs();
    pthread_join(writer, NULL);
}

static void call_waitpid(void)
{
    pid_t child = end_after_a_second();
    blocks();
    waitpid(child, NULL, 0);
    runs();
}

static void call_mutex(void)
{
    pthread_t holder = begin_thread(unlock_after_a_second);
    sem_wait(&locked);
    blocks();
    pthread_mutex_lock(&mutex);
    runs();
    pthread_mutex_unlock(&mutex);
    pthread_join(holder, NULL);
}

static void call_getaddrinfo(void)
{
    struct addrinfo *found = NULL;
    blocks();
    if (getaddrinfo("localhost", "80", NULL, &found) == 0) {
        freeaddrinfo(found);
    }
    runs();
}

/* --- what to use instead ---------------------------------------------------------------------- */

static void mend_sleep(void)
{
    task_sleep(1);
}

static void mend_read(void)
{
    char byte;
    pthread_t writer = begin_thread(write_after_a_second);
    task_until(ends[0], EV_READ);
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
    pthread_join(writer, NULL);
}

static void mend_waitpid(void)
{
    pid_t child = end_after_a_second();
    int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    if (descriptor >= 0) {
        task_until(descriptor, EV_READ);
        close(descriptor);
    }
    waitpid(child, NULL, 0);
}

static void *use_mutex(void *argument)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return argument;
}

static void mend_mutex(void)
{
    pthread_t holder = begin_thread(unlock_after_a_second);
    while (sem_wait(&locked) != 0) {
    }
    pool_do(use_mutex, NULL);
    pthread_join(holder, NULL);
}

static void *look_up(void *argument)
{
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", "80", NULL, &found) == 0) {
        freeaddrinfo(found);
    }
    return argument;
}

static void mend_getaddrinfo(void)
{
    pool_do(look_up, NULL);
}

/* ---------------------------------------------------------------------------------------------- */

struct call {
    const char *name;
    void (*call)(void), (*mend)(void);
};

static const struct call calls[] = {
    {"sleep", call_sleep, mend_sleep},
    {"read", call_read, mend_read},
    {"waitpid", call_waitpid, mend_waitpid},
    {"mutex", call_mutex, mend_mutex},
    {"getaddrinfo", call_getaddrinfo, mend_getaddrinfo},
};

static void *measure(void *argument)
{
    void (*call)(void) = *(void (**)(void))argument;
    unsigned before = ticks;
    double begun_s = stage_clock_s();
    call();
    unsigned ticked = ticks - before;
    double took_s = stage_clock_s() - begun_s;
    tell("took %.2f s, and the metronome ticked %u times", took_s, ticked);
    return NULL;
}

static void *show_all(void *argument)
{
    bool mended = *(bool *)argument;
    struct task *beat = task_spawn("metronome", metronome, NULL);
    task_yield();
    for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        void (*call)(void) = mended ? calls[i].mend : calls[i].call;
        task_await(task_spawn(calls[i].name, measure, &call));
        task_sleep(0.25);
    }
    task_cancel(beat);
    task_await(beat);
    return NULL;
}

bool lesson_blocking(const struct asked *asked)
{
    bool mended = false;
    (void)asked;
    if (pipe(ends) != 0 || sem_init(&locked, 0, 0) != 0) {
        log_error("blocking: %s", strerror(errno));
        return false;
    }
    timeline_scene("calls that block");
    tell("calls that block:");
    bool fine = sched_run(NULL, show_all, &mended);

    timeline_scene("what to use instead");
    tell("what to use instead:");
    mended = true;
    fine = fine && pool_begin(1) && sched_run(NULL, show_all, &mended);
    pool_end();
    close(ends[0]);
    close(ends[1]);
    return fine;
}
