#include "client/progress.h"

#include "client/counts.h"
#include "lib/base/order.h"
#include "lib/base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct progress {
    const struct plan *plan;
    struct course *course;
    const struct pulse *pulses;
    size_t pulse_count;
    uint64_t last_ns; /* the last line was drawn then, and said that so many were done */
    uint64_t last_done;
};

struct line {
    char text[256];
    size_t len;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct progress *progress_create(const struct plan *plan, struct course *course,
                                 const struct pulse *pulses, size_t count)
{
    struct progress *progress = malloc(sizeof(*progress));
    if (progress != NULL) {
        *progress = (struct progress){plan, course, pulses, count, 0, 0};
    }
    return progress;
}

void progress_destroy(struct progress *progress)
{
    free(progress);
}

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line->text + line->len, sizeof line->text - line->len, format, arguments);
    va_end(arguments);
    if (len > 0) {
        line->len += (size_t)len;
    }
    if (line->len >= sizeof line->text) {
        line->len = sizeof line->text - 1;
    }
}

static void add_done(struct line *line, const struct plan *plan, uint64_t done)
{
    char a[UNITS_TEXT];
    char b[UNITS_TEXT];
    add(line, "%s", units_write_count(a, done));
    if (plan->requests > 0) {
        add(line, " of %s", units_write_count(b, plan->requests));
    }
    add(line, " done");
}

static void add_latencies(struct line *line, const struct counts *counts)
{
    char a[UNITS_TEXT];
    char b[UNITS_TEXT];
    if (counts->ok > 0) {
        add(line, "  p50 %s  p99 %s", units_write_duration(a, counts_percentile_ns(counts, 50000)),
            units_write_duration(b, counts_percentile_ns(counts, 99000)));
    }
}

static unsigned long long whole_seconds(uint64_t ns)
{
    return (ns + NS_PER_S - 1) / NS_PER_S;
}

uint64_t progress_left_ns(const struct plan *plan, const struct course *course, uint64_t now_ns,
                          uint64_t done)
{
    uint64_t end_ns = course_end(course);
    uint64_t left_ns = end_ns == CLOCK_NEVER ? CLOCK_NEVER : excess_of(end_ns, now_ns);
    if (plan->requests > 0 && done > 0) {
        double each_ns = (double)(now_ns - course->begin_ns) / (double)done;
        double by_rate_ns = each_ns * (double)excess_of(plan->requests, done);
        left_ns = by_rate_ns < (double)left_ns ? (uint64_t)by_rate_ns : left_ns;
    }
    return left_ns;
}

static void add_left(struct line *line, const struct progress *progress, uint64_t now,
                     uint64_t done)
{
    uint64_t left_ns = progress_left_ns(progress->plan, progress->course, now, done);
    if (left_ns != CLOCK_NEVER) {
        unsigned long long left_s = whole_seconds(left_ns);
        add(line, left_s < 100 ? "  %llus left" : "  %llum left",
            left_s < 100 ? left_s : (left_s + 59) / 60);
    }
}

/* A line that wraps could not be drawn over. */
static size_t terminal_width(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? size.ws_col - 1u : 79;
}

static void show(const struct line *line)
{
    char shown[sizeof line->text + 8];
    size_t width = terminal_width();
    int len = snprintf(shown, sizeof shown, "\r%.*s\x1b[K",
                       (int)(line->len < width ? line->len : width), line->text);
    /* a terminal that is gone is no reason to stop */
    (void)!write(STDERR_FILENO, shown, (size_t)len);
}

void progress_draw(struct progress *progress)
{
    if (progress == NULL) {
        return;
    }
    struct counts counts = {0};
    struct line line = {.len = 0};
    char text[UNITS_TEXT];
    uint64_t now = clock_monotonic_ns();
    if (course_is_warming(progress->course, now)) {
        add(&line, "  warming up");
        add(&line, "  %llus left", whole_seconds(progress->course->begin_ns - now));
        show(&line);
        return;
    }
    counts_look(&counts, progress->pulses, progress->pulse_count);
    uint64_t done = counts.ok + counts.failed;
    uint64_t since_ns =
        now - (progress->last_ns > 0 ? progress->last_ns : progress->course->begin_ns);
    double rate = (double)(done - progress->last_done) * NS_PER_S / ((double)since_ns + 1);

    add(&line, "  ");
    add_done(&line, progress->plan, done);
    add(&line, "  %s/s", units_write_count(text, (uint64_t)rate));
    add_latencies(&line, &counts);
    add(&line, "  %s errors", units_write_count(text, counts.failed));
    add_left(&line, progress, now, done);
    show(&line);
    progress->last_ns = now;
    progress->last_done = done;
}

void progress_erase(struct progress *progress)
{
    if (progress != NULL) {
        (void)!write(STDERR_FILENO, "\r\x1b[K", 4);
    }
}
