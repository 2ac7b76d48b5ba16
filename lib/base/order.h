/* Numbers side by side: moments, lengths, counts. */
#pragma once

#include <stdint.h>

static inline uint64_t lesser_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t greater_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* How much more `a` is than `b`: `a - b`, 0 when it is less. */
static inline uint64_t excess_of(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}
