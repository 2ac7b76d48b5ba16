/* Programs that the lab starts: pinned, watched, and never left behind.
 *
 * A child is in a process group of its own, so that Ctrl-C reaches the lab alone, which then stops
 * its children in order. Should the lab itself be killed, the kernel kills them
 * (PR_SET_PDEATHSIG). One thread starts and stops them all. */
#pragma once

#include "lab/cores.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* The zero value is a child that was never started; child_stop() accepts it. */
struct child {
    pid_t pid;  /* 0: not running (any more) */
    int pidfd;  /* readable once it has ended */
    int output; /* its stdout: the reading end of a pipe, or a file in memory */
    int errors; /* its stderr: a file in memory */
    bool pipe;
};

/* How it ended. */
struct child_end {
    int status; /* as WEXITSTATUS, or 128 + signal */
    struct rusage use;
};

enum {
    CHILD_ARGUMENTS = 32,
    CHILD_LINE = 512,
};

/* What to start. `argv` ends with NULL; argv[0] is the program's path. With `pipe`, stdout is read
 * line by line while it runs (child_read_line); else it is kept for child_output(). */
struct child_spec {
    const char *const *argv;
    const struct cores *cores;
    bool pipe;
};

/* 0, or -errno (-ENOENT above all when there is no such program) with nothing left open. */
int child_start(struct child *child, const struct child_spec *spec);

/* Outcomes of waiting. */
enum child_wait {
    CHILD_READY,       /* what was waited for has come */
    CHILD_LATE,        /* the deadline passed first */
    CHILD_INTERRUPTED, /* interrupt.h's descriptor became readable first */
    CHILD_GONE,        /* child_read_line: it ended, or closed its stdout, without a line */
};

/* The next line of stdout, without its end, cut at CHILD_LINE - 1 bytes. `line` has CHILD_LINE. */
enum child_wait child_read_line(struct child *child, uint64_t deadline_ns, int interrupt_fd,
                                char *line);

/* Waits for its end without reaping it: child_stop() does that. */
enum child_wait child_await(const struct child *child, uint64_t deadline_ns, int interrupt_fd);

/* Ends it, if it runs: SIGTERM, and SIGKILL when `grace_ns` has passed. Reaps it, says how it
 * ended, and keeps its output until child_finish(). */
void child_stop(struct child *child, uint64_t grace_ns, struct child_end *end);

/* All of its stdout (without `pipe`), NUL-terminated, to be freed; NULL when out of memory. */
char *child_output(const struct child *child, size_t *size);

/* The last line that it wrote to stderr, in printable ASCII: `to` has CHILD_LINE bytes; "" when
 * there is none. */
char *child_complaint(const struct child *child, char *to);

/* Stops it if need be (at once) and closes everything; afterwards it is the zero value. */
void child_finish(struct child *child);
