#include "lab/child.h"

#include "lab/interrupt.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_output(struct child *child, int *write_end);
static void become(const struct child_spec *spec, int output, int errors, int report, pid_t parent)
    __attribute__((noreturn));
static int hear_exec(int report);
static enum child_wait wait_for(int fd, uint64_t deadline_ns, int interrupt_fd);
static void reap(struct child *child, struct child_end *end);
static void close_fd(int *fd);

int child_start(struct child *child, const struct child_spec *spec)
{
    struct child new = {.pidfd = -1, .output = -1, .errors = -1, .pipe = spec->pipe};
    int write_end = -1;
    int report[2] = {-1, -1};
    int result = open_output(&new, &write_end);
    pid_t parent = getpid();

    if (result == 0 && pipe2(report, O_CLOEXEC) != 0) {
        result = -errno;
    }
    if (result == 0 && (new.pid = fork()) < 0) {
        result = -errno;
        new.pid = 0;
    }
    if (result == 0 && new.pid == 0) {
        become(spec, write_end, new.errors, report[1], parent);
    }
    close_fd(&write_end);
    close_fd(&report[1]);
    if (result == 0) {
        new.pidfd = (int)syscall(SYS_pidfd_open, new.pid, 0);
        result = new.pidfd < 0 ? -errno : hear_exec(report[0]);
    }
    close_fd(&report[0]);
    if (result != 0) {
        child_finish(&new);
        return result;
    }
    *child = new;
    return 0;
}

static int open_output(struct child *child, int *write_end)
{
    child->errors = memfd_create("stderr", MFD_CLOEXEC);
    if (child->errors < 0) {
        return -errno;
    }
    if (child->pipe) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            return -errno;
        }
        child->output = ends[0];
        *write_end = ends[1];
        return 0;
    }
    child->output = memfd_create("stdout", MFD_CLOEXEC);
    *write_end = child->output < 0 ? -1 : fcntl(child->output, F_DUPFD_CLOEXEC, 0);
    return *write_end < 0 ? -errno : 0;
}

/* The child's side. Whatever fails goes to the parent as an errno through `report`, which a
 * successful exec closes. */
static void become(const struct child_spec *spec, int output, int errors, int report, pid_t parent)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int failed = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    interrupt_restore();
    if (getppid() != parent) {
        failed = ESRCH; /* the lab died between fork and prctl */
    } else if (dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) {
        failed = errno;
    } else if (spec->cores != NULL) {
        failed = -cores_pin(spec->cores);
    }
    if (failed == 0) {
        execv(spec->argv[0], (char *const *)spec->argv);
        failed = errno;
    }
    ssize_t written = write(report, &failed, sizeof failed);
    _exit(written == sizeof failed ? 127 : 126);
}

static int hear_exec(int report)
{
    int failed = 0;
    ssize_t got;
    do {
        got = read(report, &failed, sizeof failed);
    } while (got < 0 && errno == EINTR);
    return got == sizeof failed ? -failed : 0;
}

enum child_wait child_read_line(struct child *child, uint64_t deadline_ns, int interrupt_fd,
                                char *line)
{
    size_t len = 0;
    for (;;) {
        enum child_wait outcome = wait_for(child->output, deadline_ns, interrupt_fd);
        if (outcome != CHILD_READY) {
            return outcome;
        }
        /* One byte at a time leaves later lines where they are; there are few. */
        char byte;
        ssize_t got = read(child->output, &byte, 1);
        if (got <= 0 && errno != EINTR) {
            return CHILD_GONE;
        }
        if (got == 1 && byte == '\n') {
            line[len] = '\0';
            return CHILD_READY;
        }
        if (got == 1 && len < CHILD_LINE - 1) {
            line[len++] = byte;
        }
    }
}

enum child_wait child_await(const struct child *child, uint64_t deadline_ns, int interrupt_fd)
{
    return wait_for(child->pidfd, deadline_ns, interrupt_fd);
}

static enum child_wait wait_for(int fd, uint64_t deadline_ns, int interrupt_fd)
{
    struct pollfd wait[2] = {
        {.fd = interrupt_fd, .events = POLLIN},
        {.fd = fd, .events = POLLIN},
    };
    for (;;) {
        uint64_t now = clock_monotonic_ns();
        uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
        struct timespec timeout = clock_timespec(left);
        int ready = ppoll(wait, 2, &timeout, NULL);
        if (ready < 0) {
            continue; /* EINTR: a stop and a continue */
        }
        if (ready == 0) {
            return CHILD_LATE;
        }
        return wait[0].revents != 0 ? CHILD_INTERRUPTED : CHILD_READY;
    }
}

/* It and its own children: they are in its group. */
static void kill_all(const struct child *child)
{
    kill(child->pid, SIGKILL);
    kill(-child->pid, SIGKILL);
}

void child_stop(struct child *child, uint64_t grace_ns, struct child_end *end)
{
    struct child_end unused;
    if (child->pid == 0) {
        return;
    }
    kill(child->pid, SIGTERM);
    if (wait_for(child->pidfd, clock_add(clock_monotonic_ns(), grace_ns), -1) != CHILD_READY) {
        kill_all(child);
    }
    reap(child, end != NULL ? end : &unused);
}

/* A zombie keeps its pid until here, so the signals above reached nobody else. */
static void reap(struct child *child, struct child_end *end)
{
    int status = 0;
    while (wait4(child->pid, &status, 0, &end->use) < 0 && errno == EINTR) {
    }
    end->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    child->pid = 0;
}

char *child_output(const struct child *child, size_t *size)
{
    struct stat status;
    if (fstat(child->output, &status) != 0) {
        return NULL;
    }
    size_t room = (size_t)status.st_size;
    char *text = malloc(room + 1);
    if (text == NULL) {
        return NULL;
    }
    ssize_t got = pread(child->output, text, room, 0);
    *size = got > 0 ? (size_t)got : 0;
    text[*size] = '\0';
    return text;
}

char *child_complaint(const struct child *child, char *to)
{
    char text[CHILD_LINE];
    off_t size = child->errors >= 0 ? lseek(child->errors, 0, SEEK_END) : 0;
    off_t from = size > (off_t)sizeof text - 1 ? size - ((off_t)sizeof text - 1) : 0;
    ssize_t got = size > 0 ? pread(child->errors, text, (size_t)(size - from), from) : 0;
    size_t end = got > 0 ? (size_t)got : 0;

    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r')) {
        end--;
    }
    text[end] = '\0';
    for (size_t i = 0; i < end; i++) {
        bool plain = text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~');
        text[i] = plain ? text[i] : '?'; /* it may have been cut within a letter */
    }
    const char *start = strrchr(text, '\n');
    strcpy(to, start != NULL ? start + 1 : text);
    return to;
}

void child_finish(struct child *child)
{
    if (child->pid != 0) {
        kill_all(child);
        reap(child, &(struct child_end){0});
    }
    if (child->errors != 0) { /* never the zero value's */
        close_fd(&child->pidfd);
        close_fd(&child->output);
        close_fd(&child->errors);
    }
    *child = (struct child){0};
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}
