#include "client/trace.h"

#include "lib/base/units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    DATE_TEXT = 32,
    LINE_TEXT = 4096, /* atomic on a pipe */
};

/* "2026-11-22 06:12:05.123", local time. */
static const char *write_now(char *to)
{
    struct timespec now;
    struct tm date;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &date);
    size_t len = strftime(to, DATE_TEXT, "%Y-%m-%d %H:%M:%S", &date);
    snprintf(to + len, DATE_TEXT - len, ".%03ld", now.tv_nsec / 1000000);
    return to;
}

/* "200", "404 status", "timeout (no whole reply in time)" */
static void write_result(char *to, size_t room, const struct verdict *verdict)
{
    const char *why =
        verdict->cause.error != 0 ? strerrordesc_np(verdict->cause.error) : verdict->cause.why;
    if (verdict->failure == FAILURE_NONE || verdict->failure == FAILURE_STATUS) {
        snprintf(to, room, "%u", verdict->status);
    } else if (why == NULL) {
        snprintf(to, room, "%s", failure_name(verdict->failure));
    } else {
        snprintf(to, room, "%s: %s", failure_name(verdict->failure), why);
    }
}

void trace_verdict(const struct verdict *verdict)
{
    char line[LINE_TEXT];
    char date[DATE_TEXT];
    char result[TALLY_WHY + 32];
    char bytes[UNITS_TEXT];
    char delay[UNITS_TEXT] = "-";
    char took[UNITS_TEXT];
    write_result(result, sizeof result, verdict);
    if (verdict->has_delay) {
        units_write_duration(delay, verdict->delay_ns);
    }
    int len =
        snprintf(line, sizeof line - 1, "%s  %s  %s  %s bytes  delay %5s  took %s", write_now(date),
                 verdict->url, result, units_write_count(bytes, verdict->body), delay,
                 units_write_duration(took, verdict->took_ns));
    size_t size = (size_t)len < sizeof line - 1 ? (size_t)len : sizeof line - 2;
    line[size++] = '\n';
    /* a reader that has left ends the program by SIGPIPE, as it would any filter */
    (void)!write(STDOUT_FILENO, line, size);
}
