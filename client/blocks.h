/* Heights in one cell of a terminal: what pictures in text are made of. Pure. */
#pragma once

#include <stdbool.h>

enum {
    BLOCK_FULL = 8
};

/* A cell that is filled from below by so many eighths, at most BLOCK_FULL: in block characters of
 * UTF-8 or, without `fine`, in ASCII, the denser the fuller. Static. */
const char *block_of(unsigned eighths, bool fine);

/* `value` in eighths of `most`: at least one for what is more than nothing. */
unsigned block_height(double value, double most);

/* Whether the characters of the environment's locale are UTF-8's. */
bool block_is_fine(void);
