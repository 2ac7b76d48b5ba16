#include "client/watch.h"

#include "client/live/live.h"
#include "client/progress.h"
#include "client/space.h"
#include "lib/base/order.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    PULSES_MOST = 64, /* so many that threads on as many cores hardly meet on one */
    LINE_MS = 250,
    STOPPING_MS = 5,
    DRAWING_SHARE = 20,
};

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

/* A view gives the terminal back before the process is stopped, and takes it again afterwards. */
static void view_signals(sigset_t *set)
{
    struct sigaction stopping;
    sigaddset(set, SIGCONT);
    sigaddset(set, SIGWINCH);
    if (sigaction(SIGTSTP, NULL, &stopping) == 0 && stopping.sa_handler != SIG_IGN) {
        sigaddset(set, SIGTSTP);
    }
}

/* One for each worker, or so many that they share. False when out of memory. */
static bool make_pulses(struct watch *watch)
{
    size_t workers = watch->plan->threads;
    watch->pulse_count = workers < PULSES_MOST ? workers : PULSES_MOST;
    watch->pulses = space_create(watch->pulse_count, sizeof(*watch->pulses));
    if (watch->pulses == NULL) {
        return false;
    }
    for (size_t i = 0; i < watch->pulse_count; i++) {
        watch->pulses[i].shared = workers > watch->pulse_count;
    }
    watch->timeline = timeline_create(watch->pulses, watch->pulse_count);
    return watch->timeline != NULL;
}

/* Without memory for a line nothing is shown; a view is asked for by name. False: there is none. */
static bool make_show(struct watch *watch, const struct model *model, enum watch_show show)
{
    const struct plan *plan = watch->plan;
    if (show == SHOW_LINE) {
        watch->progress = progress_create(plan, &watch->course, watch->pulses, watch->pulse_count);
    } else if (show == SHOW_VIEW) {
        watch->live = live_create(model, plan, &watch->course, watch->timeline);
    }
    return show != SHOW_VIEW || watch->live != NULL;
}

int watch_init(struct watch *watch, const struct model *model, const struct plan *plan,
               enum watch_show show)
{
    sigset_t set;
    ending_signals(&set);
    if (show == SHOW_VIEW) {
        view_signals(&set);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);

    *watch = (struct watch){.plan = plan,
                            .signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                            .done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    course_init(&watch->course, plan->requests, plan->duration_ns, plan->warmup_ns);
    if (watch->signals < 0 || watch->done < 0 || !make_pulses(watch) ||
        !make_show(watch, model, show)) {
        return -errno;
    }
    return 0;
}

void watch_finish(struct watch *watch)
{
    live_destroy(watch->live);
    progress_destroy(watch->progress);
    timeline_destroy(watch->timeline);
    space_destroy(watch->pulses, watch->pulse_count, sizeof(*watch->pulses));
    if (watch->done >= 0) {
        close(watch->done);
    }
    if (watch->signals >= 0) {
        close(watch->signals);
    }
}

struct pulse *watch_pulse(struct watch *watch, size_t index)
{
    return &watch->pulses[index % watch->pulse_count];
}

void watch_expect(struct watch *watch, const struct gauge *gauges, size_t workers)
{
    watch->gauges = gauges;
    watch->gauge_count = workers;
    atomic_store(&watch->working, workers);
}

void watch_leave(struct watch *watch)
{
    if (atomic_fetch_sub(&watch->working, 1) == 1) {
        eventfd_write(watch->done, 1);
    }
}

/* The run ends now. The next signal ends the program, even one that was ignored when it was
 * started: the terminal is given back before. */
static void stop(struct watch *watch)
{
    sigset_t set;
    struct sigaction ending = {.sa_handler = SIG_DFL};
    watch->interrupted = true;
    course_stop(&watch->course, clock_monotonic_ns());
    live_leave(watch->live);
    sigaction(SIGINT, &ending, NULL);
    sigaction(SIGTERM, &ending, NULL);
    ending_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Ctrl-Z: all threads stop here, and go on when somebody has them go on. */
static void pause_all(struct watch *watch)
{
    sigset_t set;
    struct sigaction stopping = {.sa_handler = SIG_DFL};
    live_leave(watch->live);
    sigaction(SIGTSTP, &stopping, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* All that have come; SIGWINCH only has the view drawn again. */
static void on_signals(struct watch *watch)
{
    struct signalfd_siginfo info;
    while (read(watch->signals, &info, sizeof info) == sizeof info) {
        watch->show_ns = 0;
        if (info.ssi_signo == SIGTSTP) {
            pause_all(watch);
        } else if (info.ssi_signo == SIGCONT) {
            live_leave(watch->live); /* who knows what became of the terminal meanwhile */
        } else if (info.ssi_signo != SIGWINCH) {
            stop(watch);
        }
    }
}

/* Draws, and says when to draw again: a terminal that takes long is drawn on more seldom, so that a
 * generator spends no more than a twentieth of a core on being looked at. */
static void show(struct watch *watch)
{
    uint64_t begin_ns = clock_monotonic_ns();
    progress_draw(watch->progress);
    live_draw(watch->live, watch->gauges, watch->gauge_count);
    uint64_t end_ns = clock_monotonic_ns();
    uint64_t usual_ns = (watch->live != NULL ? LIVE_MS : LINE_MS) * NS_PER_MS;
    uint64_t least_ns = (end_ns - begin_ns) * DRAWING_SHARE;
    watch->show_ns = end_ns + greater_of(usual_ns, least_ns);
    if (live_is_quit(watch->live)) {
        stop(watch);
    }
}

/* What is due of looking and showing. */
static void look_around(struct watch *watch, uint64_t now_ns)
{
    if (!watch->counting && !course_is_warming(&watch->course, now_ns)) {
        watch->counting = true;
        evidence_count(&watch->evidence);
    }
    if (now_ns >= watch->look_ns) {
        evidence_look(&watch->evidence, watch->plan, &watch->course, watch->gauges,
                      watch->gauge_count, now_ns);
        watch->look_ns = evidence_next_look(&watch->evidence, watch->gauge_count, now_ns);
    }
    if (now_ns >= watch->show_ns) {
        show(watch);
    }
}

/* Sleeps until a signal or the last worker's leave, or the time to look around. */
static void sleep_lightly(struct watch *watch, struct pollfd waited[2])
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t next_ns = lesser_of(watch->look_ns, watch->show_ns);
    if (!watch->counting) {
        next_ns = lesser_of(next_ns, watch->course.begin_ns);
    }
    struct timespec wait = clock_timespec(excess_of(next_ns, now_ns));
    struct timespec stopping = clock_timespec(STOPPING_MS * NS_PER_MS);
    ppoll(waited, 2, course_is_stopped(&watch->course) ? &stopping : &wait, NULL);
}

enum watch_outcome watch_workers(struct watch *watch)
{
    for (;;) {
        struct pollfd waited[2] = {{watch->done, POLLIN, 0}, {watch->signals, POLLIN, 0}};
        sleep_lightly(watch, waited);
        if (waited[0].revents != 0) {
            evidence_look_back(&watch->evidence, &watch->course, watch->gauges, watch->gauge_count,
                               clock_monotonic_ns());
            progress_erase(watch->progress);
            live_leave(watch->live);
            return WATCH_LEFT;
        }
        if (waited[1].revents != 0) {
            on_signals(watch);
        }
        if (course_is_stopped(&watch->course)) {
            return WATCH_STOPPING;
        }
        look_around(watch, clock_monotonic_ns());
    }
}
