/* What a running program uses, as the kernel tells it in /proc.
 *
 * Sampling costs time on the measured machine, so it is rare, each kind is as cheap as it can be,
 * and the sampler counts its own CPU time. CPU time itself is not sampled but read before and
 * after from the program's CPU clock, which is exact to the nanosecond and keeps the time of
 * threads that have ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* /proc/PID/stat, as far as it is used. */
struct sample_stat {
    uint64_t user_ticks; /* of sysconf(_SC_CLK_TCK) a second; threads that ended included */
    uint64_t system_ticks;
    uint64_t threads;
};

/* /proc/PID/smaps_rollup: exact, unlike the sums in stat and statm, which lag behind by up to 64
 * pages a thread and so hide most of a thousand small stacks. Kernel memory (16 KB of stack for
 * each thread, socket buffers) is in neither. */
struct sample_memory {
    uint64_t rss_bytes;
    uint64_t pss_bytes;       /* shared pages counted by share */
    uint64_t anonymous_bytes; /* heap and stacks */
};

struct sample_switches {
    uint64_t voluntary;   /* it waited */
    uint64_t involuntary; /* it was made to wait */
    uint64_t threads;     /* how many were asked */
};

struct sampler {
    pid_t pid;
    clockid_t clock;
    int stat_fd;
    uint64_t threads_max;
    struct sample_memory memory; /* the last weighed */
    bool weighed;
    unsigned samples;
    uint64_t cost_ns; /* CPU time of the calling thread spent here */
};

/* The process that does the work of this one: its only child, its child's only child and so on; a
 * server may leave the serving to a child that it watches over. Else the process itself. */
pid_t sample_worker(pid_t pid);

/* Begins to watch a process: 0, or -errno (-ESRCH when there is none). sampler_close() accepts the
 * zero value and what sampler_open() failed on. */
int sampler_open(struct sampler *sampler, pid_t pid);
void sampler_close(struct sampler *sampler);

/* The CPU time so far, user and system, in nanoseconds; false when the process has gone. */
bool sampler_cpu(struct sampler *sampler, uint64_t *cpu_ns);

/* Reads stat, and keeps the most threads seen. False when the process has gone. */
bool sampler_stat(struct sampler *sampler, struct sample_stat *stat);

/* Weighs the memory, into sampler->memory: about a microsecond per mapping. False when it may not,
 * or the process has gone. */
bool sampler_weigh(struct sampler *sampler);

/* Adds up the context switches of the threads that live now: some ten microseconds a thread, and
 * blind to those that have ended. */
bool sampler_switches(struct sampler *sampler, struct sample_switches *switches);

/* Reads the text of a stat file. The second field, the program's name, may hold spaces and
 * brackets. False when it is not one. Pure. */
bool sample_read_stat(const char *text, struct sample_stat *stat);

/* The number behind "NAME:" at the beginning of a line, as in /proc/PID/status; false when there is
 * none. Pure. */
bool sample_read_field(const char *text, const char *name, uint64_t *number);
