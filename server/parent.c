#include "server/parent.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/listeners.h"
#include "server/notify.h"
#include "server/successor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RESTART_PAUSE_MS = 1000,
    END_MS = 10000, /* that a child may take to end, beyond the drain timeout */
    KILL_MS = 1000, /* and once it is killed */
    FAILED = 1
};

struct parent {
    const struct parent_spec *spec;
    int signals;

    pid_t child; /* 0: none */
    struct control control;
    bool ready;          /* some child has accepted by now */
    uint64_t restart_ns; /* when the next one begins; CLOCK_NEVER: one is there */

    struct successor successor; /* that was begun, and has not said yet that it accepts */
    int predecessor;            /* to be told that we do; -1: none */

    bool stopping;
    bool killed;
    uint64_t end_ns; /* until when the child has to have ended; CLOCK_NEVER: it may go on */
    bool ended;
    int status;
};

static void on_signal(struct parent *parent);
static void stop(struct parent *parent);
static void on_ready(struct parent *parent);
static void reap(struct parent *parent);
static void lose_child(struct parent *parent, const char *why);
static void on_child_end(struct parent *parent, int status);

/* --- signals ---------------------------------------------------------------------------------- */

static sigset_t ours(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaddset(&set, numbers[i]);
    }
    return set;
}

void parent_block_signals(void)
{
    sigset_t set = ours();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD,
           SIG_DFL); /* whoever started us may have ignored it: then nobody is waited for */
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The child obeys its parent alone: a terminal or a supervisor may signal both. */
static void leave_signals_to_parent(void)
{
    sigset_t set = ours();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* --- a child's life --------------------------------------------------------------------------- */

static void end_with(struct parent *parent, int status)
{
    parent->ended = true;
    parent->status = status;
}

static void become_child(struct parent *parent, struct control *control)
{
    const struct parent_spec *spec = parent->spec;
    control_close(&parent->control);
    close(parent->signals);
    successor_forget(&parent->successor);
    predecessor_forget(&parent->predecessor);
    leave_signals_to_parent();
    exit(spec->serve(spec->argument, control));
}

static void start_child(struct parent *parent)
{
    struct control its = {.fd = -1};
    parent->restart_ns = CLOCK_NEVER;
    int error = control_open(&parent->control, &its);
    if (error == 0) {
        fflush(stdout); /* or both would write what is still in its buffer */
        pid_t pid = fork();
        error = pid < 0 ? -errno : 0;
        if (pid == 0) {
            become_child(parent, &its);
        }
        parent->child = pid > 0 ? pid : 0;
    }
    control_close(&its);
    if (error != 0) {
        char why[128];
        snprintf(why, sizeof(why), "no process can be had to serve: %s", strerror(-error));
        lose_child(parent, why);
    }
}

static void on_ready(struct parent *parent)
{
    if (control_is_ready(&parent->control) && !parent->ready) {
        parent->ready = true;
        listeners_own(parent->spec->listeners, parent->spec->count);
        parent->spec->ready(parent->spec->argument);
        notify(NOTICE_READY);
        predecessor_tell(&parent->predecessor);
    }
}

/* Once some child has served, another takes the place of one that is lost; after a pause, so that
 * what cannot live does not spin. */
static void lose_child(struct parent *parent, const char *why)
{
    control_close(&parent->control);
    if (parent->ready && !parent->stopping) {
        log_error("%s; it is begun again in a second", why);
        parent->restart_ns = clock_monotonic_ns() + RESTART_PAUSE_MS * NS_PER_MS;
    } else {
        log_error("%s", why);
        end_with(parent, FAILED);
    }
}

static void on_child_end(struct parent *parent, int status)
{
    char why[96];
    on_ready(parent); /* it may have said so just before */
    control_close(&parent->control);
    parent->child = 0;
    int code = WEXITSTATUS(status);
    if (WIFEXITED(status) && (parent->stopping || (!parent->ready && code != 0))) {
        end_with(parent, code);
        return;
    }
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        snprintf(why, sizeof(why), "the process that serves was ended by SIG%s",
                 name != NULL ? name : "?");
    } else {
        snprintf(why, sizeof(why), "the process that serves ended with status %d", code);
    }
    lose_child(parent, why);
}

static void reap(struct parent *parent)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == parent->child) {
            on_child_end(parent, status);
        }
    }
}

/* --- orders ----------------------------------------------------------------------------------- */

static void end_within(struct parent *parent, uint64_t time_ns)
{
    uint64_t until_ns = clock_add(clock_monotonic_ns(), time_ns);
    parent->end_ns = until_ns < parent->end_ns ? until_ns : parent->end_ns;
}

/* A thread that asks a file system which does not answer keeps its process from ending, even when
 * it is killed. Whoever waits for us need not wait for that. */
static void on_late(struct parent *parent)
{
    if (parent->killed) {
        log_error("the process that serves, %jd, cannot be ended, and is left to itself",
                  (intmax_t)parent->child);
        end_with(parent, FAILED);
        return;
    }
    log_warn("the process that serves, %jd, does not end, and is killed", (intmax_t)parent->child);
    parent->killed = true;
    kill(parent->child, SIGKILL);
    parent->end_ns = clock_monotonic_ns() + KILL_MS * NS_PER_MS;
}

/* The parent's own descriptors go first, so that the child's are the last ones. */
static void leave(struct parent *parent, enum order_kind order)
{
    parent->stopping = true;
    end_within(parent, clock_add(parent->spec->drain_ns, END_MS * NS_PER_MS));
    listeners_close(parent->spec->listeners, parent->spec->count);
    control_order(&parent->control, order);
    if (parent->child == 0) { /* between a crash and the next child */
        end_with(parent, order == ORDER_HAND_OVER ? 0 : FAILED);
    }
}

static void stop(struct parent *parent)
{
    if (parent->stopping) {
        control_order(&parent->control, ORDER_CUT);
        end_within(parent, END_MS * NS_PER_MS);
        return;
    }
    successor_dismiss(&parent->successor);
    notify(NOTICE_STOPPING);
    listeners_remove(parent->spec->listeners, parent->spec->count);
    listeners_refuse(parent->spec->listeners, parent->spec->count);
    leave(parent, ORDER_DRAIN);
}

/* --- succession ------------------------------------------------------------------------------- */

static void begin_successor(struct parent *parent)
{
    const struct parent_spec *spec = parent->spec;
    if (parent->stopping || !parent->ready) {
        log_warn("a server that %s is not replaced", parent->stopping ? "ends" : "only begins");
    } else if (parent->successor.pid != 0) {
        log_warn("a successor has been begun already");
    } else {
        notify(NOTICE_CHANGING); /* before the successor can tell anything */
        if (!successor_begin(&parent->successor, spec->argv, spec->listeners, spec->count)) {
            notify(NOTICE_READY);
        }
    }
}

static void on_successor(struct parent *parent)
{
    switch (successor_hear(&parent->successor)) {
    case SUCCESSOR_QUIET:
        break;
    case SUCCESSOR_READY:
        notify_succession(parent->successor.pid);
        successor_forget(&parent->successor);
        leave(parent, ORDER_HAND_OVER);
        break;
    case SUCCESSOR_FAILED:
        log_error("the successor did not come to accept; this server goes on");
        notify(NOTICE_READY);
        successor_forget(&parent->successor);
        break;
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static void reopen(struct parent *parent)
{
    bool told = parent->ready && !parent->stopping;
    if (told) {
        notify(NOTICE_CHANGING);
    }
    parent->spec->reopen(parent->spec->argument, &parent->control);
    if (told) {
        notify(NOTICE_READY);
    }
}

/* --- what is heard ---------------------------------------------------------------------------- */

static void on_signal(struct parent *parent)
{
    struct signalfd_siginfo signal;
    if (read(parent->signals, &signal, sizeof(signal)) != sizeof(signal)) {
        return;
    }
    switch (signal.ssi_signo) {
    case SIGCHLD:
        reap(parent);
        break;
    case SIGHUP:
        reopen(parent);
        break;
    case SIGUSR2:
        begin_successor(parent);
        break;
    default:
        stop(parent);
    }
}

static int ms_until(uint64_t until_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;
    return ms > INT_MAX ? -1 : (int)ms;
}

static void wait_for_something(struct parent *parent)
{
    struct pollfd heard[] = {
        {.fd = parent->signals, .events = POLLIN},
        {.fd = parent->ready ? -1 : parent->control.fd, .events = POLLIN}, /* it says one thing */
        {.fd = parent->successor.pid != 0 ? parent->successor.word : -1, .events = POLLIN},
    };
    uint64_t until_ns = parent->end_ns < parent->restart_ns ? parent->end_ns : parent->restart_ns;
    int count = poll(heard, 3, ms_until(until_ns));
    if (count > 0 && heard[1].revents != 0) {
        on_ready(parent);
    }
    if (count > 0 && heard[2].revents != 0) {
        on_successor(parent);
    }
    if (count > 0 && heard[0].revents != 0) {
        on_signal(parent);
    }
    if (parent->child == 0 && !parent->ended && clock_monotonic_ns() >= parent->restart_ns) {
        start_child(parent);
    }
    if (parent->child != 0 && !parent->ended && clock_monotonic_ns() >= parent->end_ns) {
        on_late(parent);
    }
}

int parent_run(const struct parent_spec *spec)
{
    sigset_t set = ours();
    struct parent parent = {.spec = spec,
                            .control = {.fd = -1},
                            .end_ns = CLOCK_NEVER,
                            .signals = signalfd(-1, &set, SFD_CLOEXEC),
                            .predecessor = predecessor_find()};
    if (parent.signals < 0) {
        log_error("signals cannot be heard: %s", strerror(errno));
        end_with(&parent, FAILED);
    } else {
        start_child(&parent);
    }
    while (!parent.ended) {
        wait_for_something(&parent);
    }
    if (!parent.stopping) {
        listeners_remove(spec->listeners, spec->count);
        listeners_close(spec->listeners, spec->count);
    }
    predecessor_forget(&parent.predecessor);
    close(parent.signals);
    return parent.status;
}
