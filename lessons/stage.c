#include "lessons/stage.h"

#include "lessons/book.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static double speed = 1;
static uint64_t begun_ns;

void stage_begin(double how_fast)
{
    prctl(PR_SET_TIMERSLACK, 1UL); /* or the kernel lets every wait take 50 us more */
    speed = how_fast;
    begun_ns = clock_monotonic_ns();
}

void stage_restart(void)
{
    begun_ns = clock_monotonic_ns();
}

double stage_speed(void)
{
    return speed;
}

uint64_t stage_real_ns(double seconds)
{
    return (uint64_t)ceil(seconds / speed * 1e9);
}

double stage_seconds(uint64_t real_ns)
{
    return (double)real_ns / 1e9 * speed;
}

double stage_time_s(uint64_t at_ns)
{
    return at_ns > begun_ns ? stage_seconds(at_ns - begun_ns) : 0;
}

double stage_clock_s(void)
{
    return stage_time_s(clock_monotonic_ns());
}

/* "  12.34 s", and " 1:02:03 h" for what would take a minute to count. */
static int write_time(char *to, size_t size, double seconds)
{
    if (seconds < 1000) {
        return snprintf(to, size, "%7.2f s", seconds);
    }
    unsigned whole = (unsigned)seconds;
    return snprintf(to, size, "%3u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
}

/* In one piece, so that threads and processes do not mix their lines. */
static void write_line(const char *line, size_t size)
{
    fflush(stdout);
    while (size > 0) {
        ssize_t done = write(STDOUT_FILENO, line, size);
        if (done < 0 && errno != EINTR) {
            return;
        }
        line += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
}

void tell(const char *format, ...)
{
    char line[256], text[TIMELINE_TEXT];
    uint64_t now_ns = clock_monotonic_ns();
    int row = timeline_here();
    const char *name = row >= 0 ? book_open()->row[row].name : "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    timeline_say(row, now_ns, text);

    char at[32];
    write_time(at, sizeof(at), stage_time_s(now_ns));
    int size = snprintf(line, sizeof(line), "%s  %-12s %s\n", at, name, text);
    write_line(line, (size_t)size);
}

static void sleep_for(double seconds)
{
    struct timespec until = clock_timespec(clock_monotonic_ns() + stage_real_ns(seconds));
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

void blocks(void)
{
    timeline_mark(timeline_here(), MARK_BLOCKS, clock_monotonic_ns());
}

void runs(void)
{
    timeline_mark(timeline_here(), MARK_RUNS, clock_monotonic_ns());
}

void block(double seconds)
{
    blocks();
    sleep_for(seconds);
    runs();
}

void work(double seconds)
{
    sleep_for(seconds);
}

void act_begin(const char *name)
{
    timeline_enter(timeline_row(name));
    runs();
}

void act_end(void)
{
    timeline_mark(timeline_here(), MARK_ENDED, clock_monotonic_ns());
    timeline_enter(-1);
}
