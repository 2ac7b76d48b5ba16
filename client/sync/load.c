/* The blocking model: a thread for each connection. The thread carries out one step after the
 * other, and sleeps inside the system call until the step is done or its time is up.
 *
 * client/async/load.c does the same with events; read them side by side. */
#include "client/load.h"

#include "client/session.h"
#include "client/space.h"
#include "client/trace.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

const struct model load_model = {
    .name = "sync",
    .program = "cristo-sync-client",
    .sister = "cristo-async-client",
    .owner = OPTION_SYNC,
    .one_thread_each = true,
};

enum {
    STACK_SIZE = 64 * 1024,
    WAKE = SIGUSR1, /* interrupts a thread that waits in a system call */
};

/* One connection, and the thread that is behind it. */
struct worker {
    struct load *load;
    pthread_t thread;
    uint64_t now_ns;
    struct stream stream;
    uint64_t receive_ns; /* how long the descriptor's calls wait at most */
    uint64_t send_ns;
    struct session session;
    char scratch[SESSION_SCRATCH];
    char room[SESSION_ROOM];
};

struct load {
    const struct plan *plan;
    struct watch *watch;
    pthread_mutex_t gate; /* closed until every thread is there */
    size_t count;         /* of workers, tallies and sessions */
    struct worker *workers;
    struct tally *tallies;
    struct flight *flights;
};

static bool load_init(struct load *load);
static void load_finish(struct load *load);
static int run_threads(struct load *load);
static void *work(void *argument);
static struct outcome carry_out(struct worker *worker, const struct step *step);
static struct outcome carry_connect(struct worker *worker, const struct step *step);
static struct outcome carry_send(struct worker *worker, const struct step *step);
static struct outcome carry_read(struct worker *worker, const struct step *step);
static struct outcome carry_discard(struct worker *worker, const struct step *step);
static struct outcome carry_wait(struct worker *worker, const struct step *step);
static struct outcome carry_close(struct worker *worker);

int load_run(const struct plan *plan, struct watch *watch, struct tally *total)
{
    struct load load = {.plan = plan, .watch = watch, .count = plan->connections};
    int error = load_init(&load) ? run_threads(&load) : -ENOMEM;
    for (size_t i = 0; error == 0 && i < load.count; i++) {
        tally_add(total, &load.tallies[i]);
    }
    load_finish(&load);
    return error;
}

static bool load_init(struct load *load)
{
    const struct plan *plan = load->plan;
    pthread_mutex_init(&load->gate, NULL);
    load->workers = space_create(load->count, sizeof *load->workers);
    load->tallies = space_create(load->count, sizeof *load->tallies);
    load->flights = space_create(load->count * plan->pipeline, sizeof *load->flights);
    if (load->workers == NULL || load->tallies == NULL || load->flights == NULL) {
        return false;
    }
    for (size_t i = 0; i < load->count; i++) {
        struct worker *worker = &load->workers[i];
        worker->load = load;
        session_init(&worker->session, &(struct session_place){
                                           .plan = plan,
                                           .course = &load->watch->course,
                                           .tally = &load->tallies[i],
                                           .pulse = watch_pulse(load->watch, i),
                                           .flights = &load->flights[i * plan->pipeline],
                                           .scratch = worker->scratch,
                                           .room = worker->room,
                                       });
    }
    return true;
}

static void load_finish(struct load *load)
{
    space_destroy(load->flights, load->count * load->plan->pipeline, sizeof *load->flights);
    space_destroy(load->tallies, load->count, sizeof *load->tallies);
    space_destroy(load->workers, load->count, sizeof *load->workers);
    pthread_mutex_destroy(&load->gate);
}

/* ---- threads ---- */

static void on_wake(int number)
{
    (void)number; /* that the call returns is all that is wanted */
}

/* Starts a thread for each worker; returns how many there are. */
static size_t start_threads(struct load *load, int *error)
{
    size_t started = 0;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    while (started < load->count && *error == 0) {
        struct worker *worker = &load->workers[started];
        *error = -pthread_create(&worker->thread, &attributes, work, worker);
        started += *error == 0;
    }
    pthread_attr_destroy(&attributes);
    return started;
}

static int run_threads(struct load *load)
{
    int error = 0;
    struct sigaction wake = {.sa_handler = on_wake};
    sigaction(WAKE, &wake, NULL);
    watch_expect(load->watch, load->count);
    pthread_mutex_lock(&load->gate);
    size_t started = start_threads(load, &error);
    if (error != 0) {
        course_stop(&load->watch->course);
    }
    course_begin(&load->watch->course, clock_monotonic_ns());
    pthread_mutex_unlock(&load->gate);
    while (error == 0 && watch_workers(load->watch) == WATCH_STOPPING) {
        for (size_t i = 0; i < started; i++) {
            pthread_kill(load->workers[i].thread, WAKE);
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(load->workers[i].thread, NULL);
    }
    return error;
}

/* ---- one thread's life ---- */

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct load *load = worker->load;
    struct outcome came = {CAME_NOTHING, 0, 0};
    pthread_mutex_lock(&load->gate);
    pthread_mutex_unlock(&load->gate);
    worker->now_ns = clock_monotonic_ns();
    for (;;) {
        const struct step *step = session_step(&worker->session, worker->now_ns, came);
        if (step->kind == STEP_FINISHED) {
            break;
        }
        came = carry_out(worker, step);
    }
    watch_leave(load->watch);
    return NULL;
}

static struct outcome carry_out(struct worker *worker, const struct step *step)
{
    switch (step->kind) {
    case STEP_CONNECT:
        return carry_connect(worker, step);
    case STEP_SEND:
        return carry_send(worker, step);
    case STEP_READ:
        return carry_read(worker, step);
    case STEP_DISCARD:
        return carry_discard(worker, step);
    case STEP_WAIT:
        return carry_wait(worker, step);
    case STEP_TELL:
        trace_verdict(step->verdict);
        break;
    case STEP_CLOSE:
        return carry_close(worker);
    case STEP_BEGIN:
    case STEP_FINISHED:
        break;
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

/* What a call returned, as the session is told. */
static struct outcome outcome_of(ssize_t count)
{
    if (count > 0) {
        return (struct outcome){CAME_DONE, 0, (size_t)count};
    }
    if (count == 0) {
        return (struct outcome){CAME_ENDED, 0, 0};
    }
    bool in_vain = count == STREAM_AGAIN || count == -EINTR;
    return (struct outcome){in_vain ? CAME_TIMED_OUT : CAME_FAILED, (int)-count, 0};
}

/* Looks at the clock, and says whether a call that came back empty-handed shall be made again:
 * it was woken early, neither by the deadline nor by the end of the run. */
static bool was_early(struct worker *worker, const struct step *step, ssize_t count)
{
    worker->now_ns = clock_monotonic_ns();
    return (count == STREAM_AGAIN || count == -EINTR) && worker->now_ns < step->deadline_ns &&
           worker->now_ns < course_end(&worker->load->watch->course);
}

static uint64_t time_left(const struct worker *worker, const struct step *step)
{
    return step->deadline_ns > worker->now_ns ? step->deadline_ns - worker->now_ns : 0;
}

/* Bounds how long the next call may wait. The kernel is told only when the bound it has is off by
 * more than a 64th, so that a train of quick replies costs nothing. */
static void bound_wait(struct worker *worker, const struct step *step, int option,
                       uint64_t *bound_ns)
{
    uint64_t wait_ns = time_left(worker, step);
    uint64_t off_ns = *bound_ns > wait_ns ? *bound_ns - wait_ns : wait_ns - *bound_ns;
    if (off_ns > wait_ns / 64) {
        struct timeval bound = clock_timeval(wait_ns + NS_PER_US);
        setsockopt(worker->stream.fd, SOL_SOCKET, option, &bound, sizeof bound);
        *bound_ns = wait_ns;
    }
}

static struct outcome carry_connect(struct worker *worker, const struct step *step)
{
    int fd;
    do {
        fd = connect_blocking(&step->origin->address, time_left(worker, step));
    } while (was_early(worker, step, fd));
    if (fd < 0) {
        bool in_vain = fd == -ETIMEDOUT || fd == -EINTR;
        return (struct outcome){in_vain ? CAME_TIMED_OUT : CAME_FAILED, -fd, 0};
    }
    stream_init(&worker->stream, fd, step->origin->tcp);
    worker->receive_ns = worker->send_ns = CLOCK_NEVER;
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome carry_send(struct worker *worker, const struct step *step)
{
    ssize_t sent;
    do {
        bound_wait(worker, step, SO_SNDTIMEO, &worker->send_ns);
        sent = stream_send(&worker->stream, step->pieces, step->piece_count, false);
    } while (sent < 0 && was_early(worker, step, sent));
    return outcome_of(sent);
}

static struct outcome carry_read(struct worker *worker, const struct step *step)
{
    ssize_t got;
    do {
        bound_wait(worker, step, SO_RCVTIMEO, &worker->receive_ns);
        got = stream_receive(&worker->stream, step->space, step->size);
    } while (was_early(worker, step, got));
    return outcome_of(got);
}

static struct outcome carry_discard(struct worker *worker, const struct step *step)
{
    ssize_t got;
    do {
        bound_wait(worker, step, SO_RCVTIMEO, &worker->receive_ns);
        got = stream_discard(&worker->stream, step->size, worker->scratch, SESSION_SCRATCH);
    } while (was_early(worker, step, got));
    return outcome_of(got);
}

static struct outcome carry_wait(struct worker *worker, const struct step *step)
{
    struct timespec until = clock_timespec(step->deadline_ns);
    ssize_t slept;
    do {
        slept = -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    } while (was_early(worker, step, slept));
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome carry_close(struct worker *worker)
{
    close(worker->stream.fd);
    return (struct outcome){CAME_DONE, 0, 0};
}
