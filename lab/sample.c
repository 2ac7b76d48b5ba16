#include "lab/sample.h"

#include "lib/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t thread_cpu_ns(void);
static bool read_at(int fd, char *text, size_t size);
static bool read_path(const char *path, char *text, size_t size);
static bool add_task(int tasks, const char *tid, struct sample_switches *switches);

pid_t sample_worker(pid_t pid)
{
    char path[64], text[64];
    for (;;) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
        char *end = text;
        long child = read_path(path, text, sizeof text) ? strtol(text, &end, 10) : 0;
        if (end == text || child <= 0 || end[strspn(end, " ")] != '\0') {
            return pid;
        }
        pid = (pid_t)child;
    }
}

int sampler_open(struct sampler *sampler, pid_t pid)
{
    char path[64];
    *sampler = (struct sampler){.pid = pid, .stat_fd = -1};
    int result = clock_getcpuclockid(pid, &sampler->clock);
    if (result != 0) {
        sampler->pid = 0;
        return -result;
    }
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    sampler->stat_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (sampler->stat_fd < 0) {
        sampler->pid = 0;
        return errno == ENOENT ? -ESRCH : -errno;
    }
    return 0;
}

void sampler_close(struct sampler *sampler)
{
    if (sampler->pid != 0) {
        close(sampler->stat_fd);
    }
    sampler->pid = 0;
}

bool sampler_cpu(struct sampler *sampler, uint64_t *cpu_ns)
{
    struct timespec now;
    if (sampler->pid == 0 || clock_gettime(sampler->clock, &now) != 0) {
        return false;
    }
    *cpu_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
    return true;
}

bool sampler_stat(struct sampler *sampler, struct sample_stat *stat)
{
    uint64_t before = thread_cpu_ns();
    char text[1024];
    bool well = sampler->pid != 0 && read_at(sampler->stat_fd, text, sizeof text) &&
                sample_read_stat(text, stat);
    if (well) {
        sampler->samples++;
        if (stat->threads > sampler->threads_max) {
            sampler->threads_max = stat->threads;
        }
    }
    sampler->cost_ns += thread_cpu_ns() - before;
    return well;
}

bool sampler_weigh(struct sampler *sampler)
{
    uint64_t before = thread_cpu_ns();
    char path[64], text[4096];
    struct sample_memory memory = {0};
    uint64_t rss_kb = 0, pss_kb = 0, anonymous_kb = 0;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)sampler->pid);
    bool well = sampler->pid != 0 && read_path(path, text, sizeof text) &&
                sample_read_field(text, "Rss", &rss_kb);
    if (well) {
        sample_read_field(text, "Pss", &pss_kb);
        sample_read_field(text, "Anonymous", &anonymous_kb);
        memory.rss_bytes = rss_kb * 1024;
        memory.pss_bytes = pss_kb * 1024;
        memory.anonymous_bytes = anonymous_kb * 1024;
        sampler->memory = memory;
        sampler->weighed = true;
        sampler->samples++;
    }
    sampler->cost_ns += thread_cpu_ns() - before;
    return well;
}

bool sampler_switches(struct sampler *sampler, struct sample_switches *switches)
{
    uint64_t before = thread_cpu_ns();
    char path[64];
    struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%d/task", (int)sampler->pid);
    DIR *tasks = sampler->pid != 0 ? opendir(path) : NULL;
    if (tasks == NULL) {
        return false;
    }
    *switches = (struct sample_switches){0};
    while ((entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] != '.') {
            switches->threads += add_task(dirfd(tasks), entry->d_name, switches);
        }
    }
    closedir(tasks);
    sampler->samples++;
    sampler->cost_ns += thread_cpu_ns() - before;
    return switches->threads > 0;
}

static bool add_task(int tasks, const char *tid, struct sample_switches *switches)
{
    char path[300], text[4096];
    uint64_t voluntary, involuntary;

    snprintf(path, sizeof path, "%s/status", tid);
    int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false; /* it ended in between */
    }
    bool well = read_at(fd, text, sizeof text) &&
                sample_read_field(text, "voluntary_ctxt_switches", &voluntary) &&
                sample_read_field(text, "nonvoluntary_ctxt_switches", &involuntary);
    close(fd);
    if (well) {
        switches->voluntary += voluntary;
        switches->involuntary += involuntary;
    }
    return well;
}

bool sample_read_stat(const char *text, struct sample_stat *stat)
{
    enum {
        STATE = 3,
        USER = 14,
        SYSTEM = 15,
        THREADS = 20
    };
    const char *at = strrchr(text, ')');
    if (at == NULL) {
        return false;
    }
    at++;
    struct sample_stat read = {0};
    for (int field = STATE; field <= THREADS; field++) {
        at += strspn(at, " ");
        if (*at == '\0') {
            return false;
        }
        uint64_t number = strtoull(at, NULL, 10);
        read.user_ticks = field == USER ? number : read.user_ticks;
        read.system_ticks = field == SYSTEM ? number : read.system_ticks;
        read.threads = field == THREADS ? number : read.threads;
        at += strcspn(at, " ");
    }
    *stat = read;
    return true;
}

bool sample_read_field(const char *text, const char *name, uint64_t *number)
{
    size_t len = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            char *end;
            uint64_t read = strtoull(line + len + 1, &end, 10);
            if (end == line + len + 1) {
                return false;
            }
            *number = read;
            return true;
        }
    }
    return false;
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool read_at(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);
    if (got <= 0) {
        return false;
    }
    text[got] = '\0';
    return true;
}

static bool read_path(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool well = read_at(fd, text, size);
    close(fd);
    return well;
}
