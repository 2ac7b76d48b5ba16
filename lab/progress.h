/* What is being done and how long it will still take, on stderr: one line that is written over on a
 * terminal, now and then a new line elsewhere. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown; /* false: nothing is written */
    bool terminal;
    uint64_t said_ns;
};

/* `quiet` shows nothing. */
void progress_begin(struct progress *progress, bool quiet);

/* "[ 37/120] TEXT   1:12 left". `done` of `total` steps, `left_ns` until the end. */
void progress_say(struct progress *progress, size_t done, size_t total, uint64_t left_ns,
                  const char *text);

/* Clears the line, so that other output begins on a clean one. */
void progress_end(struct progress *progress);
