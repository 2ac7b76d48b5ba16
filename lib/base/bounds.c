#include "lib/base/bounds.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KB = 1024,
    GUARD_KB = 4, /* glibc puts a page that must not be touched below every stack */
    MAPS_EACH = 2,
    RESERVED_PIDS = 300, /* numbers that the kernel gives out but once, to those that come first */
    SPARE = 64,          /* threads or mappings */
    SPARE_KB = 16 * KB,
    CAP_SYS_ADMIN_BIT = 21,
    CAP_SYS_RESOURCE_BIT = 24,
    FILE_ROOM = 8 * KB,
};

static void add(struct bounds *bounds, const char *name, uint64_t most, uint64_t used,
                uint64_t each, uint64_t spare)
{
    struct bound *bound = &bounds->at[bounds->count];
    if (bounds->count == BOUNDS_MOST || most == UINT64_MAX) {
        return;
    }
    *bound = (struct bound){.most = most, .used = used, .each = each, .spare = spare};
    snprintf(bound->name, sizeof bound->name, "%s", name);
    bounds->count++;
}

/* --- files ------------------------------------------------------------------------------------ */

static int open_below(const char *root, const char *path)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    return open(whole, O_RDONLY | O_CLOEXEC);
}

/* The beginning of a file, as a string; empty when there is none. */
static const char *read_file(char text[FILE_ROOM], const char *root, const char *path)
{
    int fd = open_below(root, path);
    size_t len = 0;
    ssize_t got = fd < 0 ? 0 : 1;
    while (got > 0 && len < FILE_ROOM - 1) {
        got = read(fd, text + len, FILE_ROOM - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    text[len] = '\0';
    return text;
}

/* The number that stands there, behind blanks; UINT64_MAX for "max", "unlimited" and whatever is
 * none. */
static uint64_t number_at(const char *at, int base)
{
    char *end;
    uint64_t number = strtoull(at, &end, base);
    return end == at ? UINT64_MAX : number;
}

/* The number behind a label that begins a line. */
static uint64_t number_of(const char *text, const char *label, int base)
{
    size_t len = strlen(label);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, label, len) == 0) {
            return number_at(line + len, base);
        }
    }
    return UINT64_MAX;
}

static uint64_t read_number(const char *root, const char *path)
{
    char text[FILE_ROOM];
    return number_at(read_file(text, root, path), 10);
}

/* The soft limit, as /proc/self/limits has it: bytes where it is of memory. */
static uint64_t process_limit(const char *root, const char *label)
{
    char text[FILE_ROOM];
    return number_of(read_file(text, root, "/proc/self/limits"), label, 10);
}

static uint64_t or_none(uint64_t number)
{
    return number == UINT64_MAX ? 0 : number;
}

/* --- memory ----------------------------------------------------------------------------------- */

static void add_limit_kb(struct bounds *bounds, const char *root, const char *name,
                         const char *label, const char *used, uint64_t each_kb)
{
    char text[FILE_ROOM];
    uint64_t bytes = process_limit(root, label);
    uint64_t used_kb = number_of(read_file(text, root, "/proc/self/status"), used, 10);
    add(bounds, name, bytes == UINT64_MAX ? bytes : bytes / KB, or_none(used_kb), each_kb,
        SPARE_KB);
}

/* What the machine lets all programs together be promised, if it keeps count strictly. */
static void add_commitment(struct bounds *bounds, const char *root, uint64_t each_kb)
{
    char text[FILE_ROOM];
    if (read_number(root, "/proc/sys/vm/overcommit_memory") != 2) {
        return;
    }
    read_file(text, root, "/proc/meminfo");
    add(bounds, "CommitLimit (vm.overcommit_kbytes)", number_of(text, "CommitLimit:", 10),
        or_none(number_of(text, "Committed_AS:", 10)), each_kb, SPARE_KB);
}

static void add_memory(struct bounds *bounds, const char *root, uint64_t bytes, uint64_t guard_kb)
{
    uint64_t kb = (bytes + KB - 1) / KB;
    add_limit_kb(bounds, root, "ulimit -v", "Max address space", "VmSize:", kb + guard_kb);
    add_limit_kb(bounds, root, "ulimit -d", "Max data size", "VmData:", kb);
    add_commitment(bounds, root, kb);
}

void bounds_of_memory(struct bounds *bounds, uint64_t bytes, const char *root)
{
    bounds->count = 0;
    add_memory(bounds, root, bytes, 0);
}

/* --- mappings --------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *root, const char *path)
{
    char text[FILE_ROOM];
    uint64_t lines = 0;
    ssize_t got;
    int fd = open_below(root, path);
    while (fd >= 0 && (got = read(fd, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            lines += text[i] == '\n';
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return lines;
}

static void add_mappings(struct bounds *bounds, const char *root)
{
    add(bounds, "vm.max_map_count", read_number(root, "/proc/sys/vm/max_map_count"),
        count_lines(root, "/proc/self/maps"), MAPS_EACH, SPARE);
}

/* --- the machine's and the user's threads ----------------------------------------------------- */

/* Threads that are seen from here. */
struct census {
    uint64_t mine; /* of this user */
    uint64_t all;
    uint64_t first; /* of these, of processes that came first */
};

static void count_process(struct census *census, const char *root, const char *pid, uint64_t user)
{
    char path[64];
    char text[FILE_ROOM];
    snprintf(path, sizeof path, "/proc/%.20s/status", pid);
    uint64_t threads = or_none(number_of(read_file(text, root, path), "Threads:", 10));
    census->mine += number_of(text, "Uid:", 10) == user ? threads : 0;
    census->all += threads;
    census->first += strtoul(pid, NULL, 10) < RESERVED_PIDS ? threads : 0;
}

static struct census take_census(const char *root, uint64_t user)
{
    struct census census = {0};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc", root);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            count_process(&census, root, entry->d_name, user);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return census;
}

/* Whether ulimit -u does not hold for this process: it is root's, or has what root may do; in a
 * user namespace of its own neither counts. */
static bool is_above_user_limit(const char *root, const char *status)
{
    const uint64_t powers = UINT64_C(1) << CAP_SYS_ADMIN_BIT | UINT64_C(1) << CAP_SYS_RESOURCE_BIT;
    char text[FILE_ROOM];
    unsigned long long inside, outside, count;
    read_file(text, root, "/proc/self/uid_map");
    bool everybody = sscanf(text, "%llu %llu %llu", &inside, &outside, &count) == 3 &&
                     inside == 0 && outside == 0 && count == UINT32_MAX;
    uint64_t able = or_none(number_of(status, "CapEff:", 16));
    return everybody && (number_of(status, "Uid:", 10) == 0 || (able & powers) != 0);
}

/* How many threads the machine has: "0.20 0.18 0.12 1/80 11206" (proc(5)). */
static uint64_t count_all(const char *root)
{
    char text[FILE_ROOM];
    const char *slash = strchr(read_file(text, root, "/proc/loadavg"), '/');
    return slash == NULL ? 0 : or_none(number_at(slash + 1, 10));
}

static void add_tasks(struct bounds *bounds, const char *root)
{
    char status[FILE_ROOM];
    read_file(status, root, "/proc/self/status");
    struct census census = take_census(root, number_of(status, "Uid:", 10));
    uint64_t unused = census.first < RESERVED_PIDS ? RESERVED_PIDS - census.first : 0;
    if (!is_above_user_limit(root, status)) {
        add(bounds, "ulimit -u", process_limit(root, "Max processes"), census.mine, 1, SPARE);
    }
    add(bounds, "kernel.pid_max", read_number(root, "/proc/sys/kernel/pid_max"),
        census.all + unused, 1, SPARE);
    add(bounds, "kernel.threads-max", read_number(root, "/proc/sys/kernel/threads-max"),
        count_all(root), 1, SPARE);
}

/* --- control groups --------------------------------------------------------------------------- */

/* A group's limit, if it has one. False when there is no such group. */
static bool read_group(struct bound *bound, const char *root, const char *group)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3900s/pids.current", group);
    uint64_t used = read_number(root, path);
    snprintf(path, sizeof path, "%.3900s/pids.max", group);
    uint64_t most = read_number(root, path);
    *bound = (struct bound){.most = most, .used = or_none(used), .each = 1, .spare = SPARE};
    snprintf(bound->name, sizeof bound->name, "%.*s", (int)sizeof bound->name - 1, path);
    return most != UINT64_MAX;
}

/* Of a group and all those around it, the one with the least room. */
static void add_group(struct bounds *bounds, const char *root, const char *hierarchy,
                      const char *path, size_t path_len)
{
    struct bound tightest = {.most = UINT64_MAX, .each = 1};
    struct bound bound;
    char group[PATH_MAX];
    snprintf(group, sizeof group, "%s%.*s", hierarchy, (int)path_len, path);
    while (strlen(group) >= strlen(hierarchy)) {
        if (read_group(&bound, root, group) && bound_room(&bound) < bound_room(&tightest)) {
            tightest = bound;
        }
        *strrchr(group, '/') = '\0';
    }
    if (tightest.most != UINT64_MAX) {
        add(bounds, tightest.name, tightest.most, tightest.used, 1, SPARE);
    }
}

/* Lines are "ID:CONTROLLERS:PATH" (cgroups(7)); version 2 names none. */
static void add_groups(struct bounds *bounds, const char *root)
{
    char text[FILE_ROOM];
    char *rest = text;
    char *line;
    read_file(text, root, "/proc/self/cgroup");
    while ((line = strsep(&rest, "\n")) != NULL) {
        strsep(&line, ":");
        const char *controllers = strsep(&line, ":");
        if (line == NULL) {
            continue;
        }
        size_t len = strlen(line) - (strcmp(line, "/") == 0);
        if (*controllers == '\0') {
            add_group(bounds, root, "/sys/fs/cgroup", line, len);
        } else if (strcmp(controllers, "pids") == 0) {
            add_group(bounds, root, "/sys/fs/cgroup/pids", line, len);
        }
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

void bounds_of_threads(struct bounds *bounds, uint64_t stack, const char *root)
{
    bounds->count = 0;
    add_memory(bounds, root, stack, GUARD_KB);
    add_mappings(bounds, root);
    add_tasks(bounds, root);
    add_groups(bounds, root);
}

uint64_t bound_room(const struct bound *bound)
{
    return bound->most > bound->used ? (bound->most - bound->used) / bound->each : 0;
}

const struct bound *bounds_tightest(const struct bounds *bounds)
{
    const struct bound *tightest = NULL;
    for (size_t i = 0; i < bounds->count; i++) {
        if (tightest == NULL || bound_room(&bounds->at[i]) < bound_room(tightest)) {
            tightest = &bounds->at[i];
        }
    }
    return tightest;
}

char *bounds_explain(char *to, const struct bounds *bounds, uint64_t more)
{
    const struct bound *bound = bounds_tightest(bounds);
    uint64_t needed = bound == NULL ? 0 : bound->used + more * bound->each + bound->spare;
    if (bound == NULL || needed <= bound->most) {
        snprintf(to, BOUNDS_TEXT, "no limit that the system tells of; memory may be short");
    } else {
        snprintf(to, BOUNDS_TEXT, "%s is %llu and must be %llu", bound->name,
                 (unsigned long long)bound->most, (unsigned long long)needed);
    }
    return to;
}
