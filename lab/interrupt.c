#include "lab/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill(sigset_t *set);

int interrupt_open(void)
{
    sigset_t set;
    fill(&set);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return -errno;
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : -errno;
}

bool interrupt_came(int interrupt_fd)
{
    struct pollfd wait = {.fd = interrupt_fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

int interrupt_signal(int interrupt_fd)
{
    struct signalfd_siginfo info;
    return read(interrupt_fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

void interrupt_restore(void)
{
    sigset_t set;
    fill(&set);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}
