#include "lab/environment.h"

#include "lab/child.h"
#include "lib/base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static json_t *processor_name(void);
static bool in_cpuinfo(const char *name, char *to, size_t size);
static json_t *governor(void);
static json_t *congestion_control(void);
static json_t *limits(void);
static json_t *limit(int which);
static json_t *file_line(const char *path);
static json_t *file_number(const char *path);
static unsigned count_chapters(const char *book);
static json_t *version_of(const char *program, int interrupt_fd);

json_t *environment_machine(const struct cores *allowed)
{
    struct utsname name;
    char kernel[256] = "unknown", cores[CORES_TEXT], flags[4096];
    double load[1] = {0};
    long pages = sysconf(_SC_PHYS_PAGES);

    if (uname(&name) == 0) {
        snprintf(kernel, sizeof kernel, "%s %s %s", name.sysname, name.release, name.machine);
    }
    bool virtual = in_cpuinfo("flags", flags, sizeof flags) && strstr(flags, " hypervisor");
    return json_pack("{s:o, s:i, s:s, s:b, s:o, s:I, s:s, s:o, s:o, s:f}", "processor",
                     processor_name(), "cores", (int)sysconf(_SC_NPROCESSORS_ONLN), "cores_allowed",
                     cores_write(cores, allowed), "virtual", virtual, "governor", governor(),
                     "memory_bytes", (json_int_t)pages * sysconf(_SC_PAGESIZE), "kernel", kernel,
                     "congestion_control", congestion_control(), "limits", limits(), "load_before",
                     getloadavg(load, 1) == 1 ? load[0] : 0.0);
}

static json_t *processor_name(void)
{
    char name[256];
    if (in_cpuinfo("model name", name, sizeof name) || in_cpuinfo("Model", name, sizeof name)) {
        return json_string(name);
    }
    return json_string("unknown");
}

/* The first value of that name in /proc/cpuinfo. */
static bool in_cpuinfo(const char *name, char *to, size_t size)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, name, strlen(name)) == 0) {
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(to, size, "%s", colon + 1 + strspn(colon + 1, " "));
            found = true;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

/* null where the kernel leaves the frequency alone, as in most virtual machines. */
static json_t *governor(void)
{
    return file_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

/* Of TCP: it decides how large replies leave, over loopback too. */
static json_t *congestion_control(void)
{
    return file_line("/proc/sys/net/ipv4/tcp_congestion_control");
}

static json_t *limits(void)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "descriptors", limit(RLIMIT_NOFILE),
                     "processes", limit(RLIMIT_NPROC), "threads_max",
                     file_number("/proc/sys/kernel/threads-max"), "pid_max",
                     file_number("/proc/sys/kernel/pid_max"), "map_count_max",
                     file_number("/proc/sys/vm/max_map_count"), "backlog_max",
                     file_number("/proc/sys/net/core/somaxconn"));
}

/* [soft, hard]; null is unlimited. */
static json_t *limit(int which)
{
    struct rlimit found;
    if (getrlimit((__rlimit_resource_t)which, &found) != 0) {
        return json_null();
    }
    return json_pack(
        "[o, o]",
        found.rlim_cur == RLIM_INFINITY ? json_null() : json_integer((json_int_t)found.rlim_cur),
        found.rlim_max == RLIM_INFINITY ? json_null() : json_integer((json_int_t)found.rlim_max));
}

static json_t *file_line(const char *path)
{
    char line[1024];
    json_t *found = NULL;
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(line, sizeof line, file) != NULL) {
            static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark */
            line[strcspn(line, "\r\n")] = '\0';
            found = json_string(strncmp(line, mark, 3) == 0 ? line + 3 : line);
        }
        fclose(file);
    }
    return found != NULL ? found : json_null();
}

static json_t *file_number(const char *path)
{
    json_t *line = file_line(path);
    json_t *number =
        json_is_string(line) ? json_integer(atoll(json_string_value(line))) : json_null();
    json_decref(line);
    return number;
}

json_t *environment_book(const char *book)
{
    char path[PATH_MAX];
    struct stat status = {0};

    snprintf(path, sizeof path, "%s/count-of-monte-cristo.txt", book);
    if (stat(path, &status) != 0) {
        return json_null();
    }
    json_t *line = file_line(path);
    const char *text = json_is_string(line) ? json_string_value(line) : "";
    bool stands_in = strcasestr(text, "stand-in") != NULL;
    return json_pack("{s:s, s:o, s:I, s:i}", "source", stands_in ? "stand-in" : "text",
                     "first_line", line, "bytes", (json_int_t)status.st_size, "chapters",
                     (int)count_chapters(book));
}

static unsigned count_chapters(const char *book)
{
    char path[PATH_MAX];
    unsigned count = 0;
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/chapters", book);
    DIR *folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        count += dot != NULL && strcmp(dot, ".txt") == 0;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

json_t *environment_versions(const struct places *places, bool servers, int interrupt_fd)
{
    json_t *versions = json_object();
    for (int i = 0; i < MODEL_PAIR; i++) {
        const char *both[] = {places->client[i], servers ? places->server[i] : NULL};
        for (size_t j = 0; j < 2 && both[j] != NULL; j++) {
            json_object_set_new(versions, strrchr(both[j], '/') + 1,
                                version_of(both[j], interrupt_fd));
        }
    }
    return versions;
}

/* "cristo-async-server 0.1.0" -> "0.1.0". */
static json_t *version_of(const char *program, int interrupt_fd)
{
    const char *argv[] = {program, "--version", NULL};
    char line[CHILD_LINE];
    struct child child = {0};
    json_t *version = NULL;

    if (child_start(&child, &(struct child_spec){argv, NULL, .pipe = true}) == 0 &&
        child_read_line(&child, clock_monotonic_ns() + 5 * NS_PER_S, interrupt_fd, line) ==
            CHILD_READY) {
        const char *space = strrchr(line, ' ');
        version = json_string(space != NULL ? space + 1 : line);
    }
    child_finish(&child);
    return version != NULL ? version : json_null();
}
