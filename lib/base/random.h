/* Reproducible pseudo-random numbers (splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom
 * number generators", OOPSLA 2014). Not for secrets. */
#pragma once

#include <stdint.h>

__extension__ typedef unsigned __int128 random_wide;

/* The `index`th number of the sequence that `seed` begins: a pure function, so that threads may
 * draw by a shared counter and still, together, draw the same numbers in every run. */
static inline uint64_t random_at(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [low, high], both included. */
static inline uint64_t random_between(uint64_t seed, uint64_t index, uint64_t low, uint64_t high)
{
    uint64_t span = high - low + 1;
    uint64_t draw = random_at(seed, index);
    return span == 0 ? draw : low + (uint64_t)(((random_wide)draw * span) >> 64);
}
