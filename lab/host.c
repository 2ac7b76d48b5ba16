#include "lab/host.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <string.h>

#define READY_NS (10 * NS_PER_S)
#define GRACE_NS (5 * NS_PER_S)

static enum host_outcome await_ready(struct host *host, const struct host_spec *spec,
                                     int interrupt_fd, char *why);
static void explain(const struct host *host, const struct host_spec *spec, const char *what,
                    char *why);

enum host_outcome host_start(struct host *host, const struct host_spec *spec, int interrupt_fd,
                             char *why)
{
    char loops[16], seed[24];
    const char *argv[CHILD_ARGUMENTS] = {
        spec->program, "--listen", "127.0.0.1:0", "--fallback", "/count-of-monte-cristo.txt",
    };
    size_t count = 5;

    if (spec->model == MODEL_ASYNC) {
        snprintf(loops, sizeof loops, "%zu", spec->cores->count);
        argv[count++] = "--threads";
        argv[count++] = loops;
    }
    if (spec->delay != NULL) {
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)spec->delay_seed);
        argv[count++] = "--delay";
        argv[count++] = spec->delay;
        argv[count++] = "--seed";
        argv[count++] = seed;
    }
    argv[count++] = spec->book;

    *host = (struct host){0};
    int failed = child_start(&host->child, &(struct child_spec){argv, spec->cores, .pipe = true});
    if (failed != 0) {
        snprintf(why, HOST_WHY, "cannot start %s: %s", spec->program, strerror(-failed));
        return HOST_FAILED;
    }
    enum host_outcome outcome = await_ready(host, spec, interrupt_fd, why);
    if (outcome != HOST_READY) {
        child_finish(&host->child);
    }
    return outcome;
}

static enum host_outcome await_ready(struct host *host, const struct host_spec *spec,
                                     int interrupt_fd, char *why)
{
    char line[CHILD_LINE];
    uint64_t deadline_ns = clock_monotonic_ns() + READY_NS;

    switch (child_read_line(&host->child, deadline_ns, interrupt_fd, line)) {
    case CHILD_READY:
        break;
    case CHILD_INTERRUPTED:
        return HOST_INTERRUPTED;
    case CHILD_LATE:
        explain(host, spec, "did not say within ten seconds that it listens", why);
        return HOST_FAILED;
    case CHILD_GONE:
        explain(host, spec, "ended at once", why);
        return HOST_FAILED;
    }
    if (!host_read_ready(line, host->url, host->about)) {
        explain(host, spec, "did not say where it listens", why);
        return HOST_FAILED;
    }
    return HOST_READY;
}

static void explain(const struct host *host, const struct host_spec *spec, const char *what,
                    char *why)
{
    char complaint[CHILD_LINE];
    child_complaint(&host->child, complaint);
    snprintf(why, HOST_WHY, "%s %s%s%s", spec->program, what, complaint[0] != '\0' ? ": " : "",
             complaint);
}

bool host_stop(struct host *host, struct child_end *end, char *why)
{
    struct child_end own = {0};
    struct child_end *how = end != NULL ? end : &own;
    char complaint[CHILD_LINE];

    if (host->child.pid == 0) {
        return true;
    }
    child_stop(&host->child, GRACE_NS, how);
    bool well = how->status == 0;
    if (!well) {
        child_complaint(&host->child, complaint);
        snprintf(why, HOST_WHY, "the server ended with status %d%s%s", how->status,
                 complaint[0] != '\0' ? ": " : "", complaint);
    }
    child_finish(&host->child);
    return well;
}

bool host_read_ready(const char *line, char *url, char *about)
{
    static const char start[] = "listening on http";
    const char *from = line + strlen("listening on ");
    if (strncmp(line, start, strlen(start)) != 0) {
        return false;
    }
    size_t len = strcspn(from, " ");
    const char *open = strchr(from, '(');
    const char *close = open != NULL ? strchr(open, ')') : NULL;
    if (len > 0 && from[len - 1] == '/') {
        len--;
    }
    if (len < strlen("http://h") || len >= HOST_URL || close == NULL || close - open > HOST_URL) {
        return false;
    }
    memcpy(url, from, len);
    url[len] = '\0';
    snprintf(about, HOST_URL, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}
