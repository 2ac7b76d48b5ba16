#include "lab/progress.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define QUIET_NS (10 * NS_PER_S) /* between lines where nobody watches */

void progress_begin(struct progress *progress, bool quiet)
{
    *progress = (struct progress){.shown = !quiet, .terminal = isatty(STDERR_FILENO) == 1};
}

void progress_say(struct progress *progress, size_t done, size_t total, uint64_t left_ns,
                  const char *text)
{
    uint64_t now = clock_monotonic_ns();
    if (!progress->shown ||
        (!progress->terminal && progress->said_ns != 0 && now - progress->said_ns < QUIET_NS)) {
        return;
    }
    progress->said_ns = now;
    unsigned left_s = (unsigned)((left_ns + NS_PER_S - 1) / NS_PER_S);
    fprintf(stderr, "%s[%3zu/%zu] %s, %u:%02u left%s", progress->terminal ? "\r\033[K" : "", done,
            total, text, left_s / 60, left_s % 60, progress->terminal ? "" : "\n");
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown && progress->terminal) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
