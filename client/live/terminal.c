#include "client/live/terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* --- which one, and whether it will do -------------------------------------------------------- */

/* Standard output or error; -1: neither is one. */
static int terminal_at(void)
{
    return isatty(STDOUT_FILENO) ? STDOUT_FILENO : isatty(STDERR_FILENO) ? STDERR_FILENO : -1;
}

bool terminal_fits(char *why)
{
    const char *term = getenv("TERM");
    int found = 0;
    if (terminal_at() < 0) {
        snprintf(why, TERMINAL_TEXT, "--live: standard output is no terminal, nor standard error");
        return false;
    }
    if (term == NULL || *term == '\0') {
        snprintf(why, TERMINAL_TEXT, "--live: TERM is not set, which says what the terminal can");
        return false;
    }
    bool known = setupterm(NULL, terminal_at(), &found) == OK;
    char move[] = "cup";
    const char *moves = known ? tigetstr(move) : NULL;
    bool fits = known && moves != NULL && moves != (const char *)-1;
    if (!fits) {
        snprintf(why, TERMINAL_TEXT, "--live: TERM is %.60s, %s", term,
                 known ? "which cannot move its cursor" : "of which nothing is known here");
    }
    if (known) {
        del_curterm(cur_term);
    }
    return fits;
}

int terminal_open(void)
{
    int at = terminal_at();
    const char *name = at < 0 ? NULL : ttyname(at);
    int fd = name == NULL ? -1 : open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

void terminal_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

bool terminal_is_ours(int fd)
{
    pid_t group = tcgetpgrp(fd);
    return group < 0 || group == getpgrp(); /* below 0: it has no jobs to tell apart */
}

/* --- the way back ----------------------------------------------------------------------------- */

/* Signals that end a process, and that no part of a client waits for. */
static const int deadly[] = {SIGHUP,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
                             SIGBUS,  SIGFPE,  SIGSEGV, SIGPIPE, SIGALRM,
                             SIGUSR2, SIGSYS,  SIGXCPU, SIGXFSZ, SIGVTALRM};

enum {
    DEADLY = sizeof deadly / sizeof deadly[0],
    LEAVE_MOST = 512,
};

/* What the handler needs. */
static struct {
    atomic_bool guarded; /* fd and modes are what they should be */
    bool hooked;         /* atexit(3) knows */
    bool taken;          /* the signals are ours */
    int fd;
    struct termios modes;
    char leave[LEAVE_MOST];
    atomic_size_t size;
    struct sigaction before[DEADLY];
} way_back;

/* Async-signal-safe. Only the first one who comes does it. */
static void go_back(void)
{
    if (atomic_exchange(&way_back.guarded, false)) {
        (void)!write(way_back.fd, way_back.leave, atomic_load(&way_back.size));
        tcsetattr(way_back.fd, TCSANOW, &way_back.modes);
    }
}

/* A fault of an instruction that is made again, unless somebody only sent its signal. */
static bool comes_again(int number, const siginfo_t *info)
{
    bool fault = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
    return fault && info->si_code > 0;
}

/* Gives the signal back to whom it belonged, and lets it come again: a fault by itself, so that
 * whoever looks at it then sees where it was. */
static void on_deadly(int number, siginfo_t *info, void *context)
{
    int error = errno;
    (void)context;
    go_back();
    for (size_t i = 0; i < DEADLY; i++) {
        if (deadly[i] == number) {
            sigaction(number, &way_back.before[i], NULL);
        }
    }
    if (!comes_again(number, info)) {
        raise(number);
    }
    errno = error;
}

static bool is_left_alone(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_IGN;
}

void terminal_leave_by(const char *bytes, size_t size)
{
    size = size < LEAVE_MOST ? size : LEAVE_MOST;
    memcpy(way_back.leave, bytes, size);
    atomic_store(&way_back.size, size);
}

void terminal_guard(int fd)
{
    struct sigaction dying = {.sa_sigaction = on_deadly, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&dying.sa_mask);
    way_back.fd = fd;
    tcgetattr(fd, &way_back.modes);
    if (!way_back.hooked) {
        way_back.hooked = atexit(go_back) == 0;
    }
    atomic_store(&way_back.guarded, true);
    for (size_t i = 0; i < DEADLY && !way_back.taken; i++) {
        sigaction(deadly[i], NULL, &way_back.before[i]);
        if (!is_left_alone(&way_back.before[i])) {
            sigaction(deadly[i], &dying, NULL);
        }
    }
    way_back.taken = true;
}

void terminal_release(void)
{
    for (size_t i = 0; i < DEADLY && way_back.taken; i++) {
        sigaction(deadly[i], &way_back.before[i], NULL);
    }
    way_back.taken = false;
    atomic_store(&way_back.guarded, false);
    atomic_store(&way_back.size, 0);
}
