#include "server/successor.h"

#include "lib/base/log.h"
#include "lib/base/units.h"
#include "server/inherited.h"
#include "server/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD_VARIABLE "CRISTO_PREDECESSOR" /* the descriptor to which the word is written */

/* --- the predecessor -------------------------------------------------------------------------- */

static char *heritage_of(const struct listener *listeners, unsigned count)
{
    struct inherited *sockets = calloc(listeners_sockets(listeners, count), sizeof(*sockets));
    unsigned all = 0;
    char *text = NULL;
    if (sockets == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < listeners[i].sockets; j++) {
            sockets[all++] = (struct inherited){.fd = listeners[i].fds[j],
                                                .group = i,
                                                .asked = listeners[i].asked,
                                                .lent = listeners[i].lent,
                                                .tls = listeners[i].tls};
        }
    }
    text = inherited_write(sockets, all);
    free(sockets);
    return text;
}

static bool keep_open(int fd)
{
    return fcntl(fd, F_SETFD, 0) == 0;
}

/* The successor's first moments, before it is the new program. */
static void become(char **argv, const struct listener *listeners, unsigned count, int word,
                   const char *heritage)
{
    char number[16];
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    bool kept = keep_open(word);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < listeners[i].sockets; j++) {
            kept = keep_open(listeners[i].fds[j]) && kept;
        }
    }
    snprintf(number, sizeof(number), "%d", word);
    if (kept && setenv(INHERITED_VARIABLE, heritage, 1) == 0 &&
        setenv(WORD_VARIABLE, number, 1) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
        execvp(argv[0], argv);
    }
    log_error("%s: cannot be begun: %s", argv[0], strerror(errno));
    _exit(127);
}

/* Begins the successor, tells its number, or -errno, and is gone. */
_Noreturn static void go_between(char **argv, const struct listener *listeners, unsigned count,
                                 int word, const char *heritage, int told)
{
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, listeners, count, word, heritage);
    }
    pid = pid < 0 ? -errno : pid;
    _exit(write(told, &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
}

/* The successor is nobody's child but of whoever takes in orphans: systemd takes another process
 * for the service's only if it is its own to wait for. Its number, or -errno. */
static pid_t begin_orphan(char **argv, const struct listener *listeners, unsigned count, int word,
                          const char *heritage)
{
    int told[2];
    if (pipe2(told, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid_t between = fork();
    if (between == 0) {
        go_between(argv, listeners, count, word, heritage, told[1]);
    }
    pid_t pid = between < 0 ? -errno : -ECHILD;
    close(told[1]);
    ssize_t got = read(told[0], &pid, sizeof(pid));
    (void)got; /* or it has died before it could tell */
    close(told[0]);
    if (between > 0) {
        waitpid(between, NULL, 0);
    }
    return pid;
}

bool successor_begin(struct successor *successor, char **argv, const struct listener *listeners,
                     unsigned count)
{
    int ends[2] = {-1, -1};
    char *heritage = heritage_of(listeners, count);
    pid_t pid = heritage == NULL ? -ENOMEM
                : pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0
                    ? -errno
                    : begin_orphan(argv, listeners, count, ends[1], heritage);
    free(heritage);
    if (ends[1] >= 0) {
        close(ends[1]);
    }
    if (pid < 0) {
        if (ends[0] >= 0) {
            close(ends[0]);
        }
        log_error("%s: cannot be begun: %s", argv[0], strerror(-pid));
        return false;
    }
    *successor = (struct successor){pid, ends[0]};
    return true;
}

enum successor_news successor_hear(const struct successor *successor)
{
    char word;
    ssize_t got = read(successor->word, &word, 1);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return SUCCESSOR_QUIET;
    }
    return got == 1 ? SUCCESSOR_READY : SUCCESSOR_FAILED;
}

void successor_forget(struct successor *successor)
{
    if (successor->pid != 0) {
        close(successor->word);
    }
    *successor = (struct successor){0};
}

/* As long as nothing is heard it has not ended, and the number is still its own. */
void successor_dismiss(struct successor *successor)
{
    if (successor->pid != 0 && successor_hear(successor) != SUCCESSOR_FAILED) {
        kill(successor->pid, SIGTERM);
    }
    successor_forget(successor);
}

/* --- the successor ---------------------------------------------------------------------------- */

int predecessor_find(void)
{
    const char *number = getenv(WORD_VARIABLE);
    uint64_t fd;
    bool found = number != NULL && units_read_count(number, 3, INT32_MAX, &fd) &&
                 fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0;
    unsetenv(WORD_VARIABLE);
    return found ? (int)fd : -1;
}

void predecessor_tell(int *predecessor)
{
    if (*predecessor >= 0) {
        ssize_t written = write(*predecessor, "", 1);
        (void)written; /* one that has died meanwhile need not know */
    }
    predecessor_forget(predecessor);
}

void predecessor_forget(int *predecessor)
{
    if (*predecessor >= 0) {
        close(*predecessor);
    }
    *predecessor = -1;
}
