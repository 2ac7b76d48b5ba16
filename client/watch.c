#include "client/watch.h"

#include "client/progress.h"
#include "client/space.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    PULSES = 16, /* so many that threads on as many cores hardly meet on one */
    SHOW_MS = 250,
    STOPPING_MS = 5,
};

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

int watch_init(struct watch *watch, const struct plan *plan, bool show)
{
    sigset_t set;
    ending_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);

    *watch = (struct watch){.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                            .done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    course_init(&watch->course, plan->requests, plan->duration_ns);
    if (watch->signals < 0 || watch->done < 0) {
        int error = -errno;
        watch_finish(watch);
        return error;
    }
    if (show) { /* without memory for it, nothing is shown */
        watch->pulses = space_create(PULSES, sizeof(*watch->pulses));
        watch->progress = progress_create(plan, &watch->course, watch->pulses, PULSES);
    }
    return 0;
}

void watch_finish(struct watch *watch)
{
    progress_destroy(watch->progress);
    space_destroy(watch->pulses, PULSES, sizeof(*watch->pulses));
    if (watch->done >= 0) {
        close(watch->done);
    }
    if (watch->signals >= 0) {
        close(watch->signals);
    }
}

struct pulse *watch_pulse(struct watch *watch, size_t index)
{
    return watch->pulses == NULL ? NULL : &watch->pulses[index % PULSES];
}

void watch_expect(struct watch *watch, size_t workers)
{
    atomic_store(&watch->working, workers);
}

void watch_leave(struct watch *watch)
{
    if (atomic_fetch_sub(&watch->working, 1) == 1) {
        eventfd_write(watch->done, 1);
    }
}

/* The next signal ends the program, even one that was ignored when it was started. */
static void on_signal(struct watch *watch)
{
    sigset_t set;
    struct sigaction ending = {.sa_handler = SIG_DFL};
    struct signalfd_siginfo info;
    if (read(watch->signals, &info, sizeof info) != sizeof info) {
        return;
    }
    watch->interrupted = true;
    course_stop(&watch->course, clock_monotonic_ns());
    sigaction(SIGINT, &ending, NULL);
    sigaction(SIGTERM, &ending, NULL);
    ending_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

enum watch_outcome watch_workers(struct watch *watch)
{
    for (;;) {
        bool stopping = course_is_stopped(&watch->course);
        int timeout_ms = stopping ? STOPPING_MS : watch->progress != NULL ? SHOW_MS : -1;
        struct pollfd waited[] = {{watch->done, POLLIN, 0}, {watch->signals, POLLIN, 0}};
        poll(waited, 2, timeout_ms);
        if (waited[0].revents != 0) {
            progress_erase(watch->progress);
            return WATCH_LEFT;
        }
        if (waited[1].revents != 0) {
            on_signal(watch);
        }
        if (course_is_stopped(&watch->course)) {
            return WATCH_STOPPING;
        }
        progress_draw(watch->progress);
    }
}
