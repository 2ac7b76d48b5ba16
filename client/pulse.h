/* What a run shows of itself while it lasts: coarse counts that workers add to and the progress
 * line reads. Several workers may share one. Lock-free; any thread. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PULSE_OCTAVE = 64, /* slots in an octave: within 1.6 % */
    PULSE_SLOTS = 27 * PULSE_OCTAVE,
};

struct pulse {
    _Alignas(64) _Atomic uint64_t ok;
    _Atomic uint64_t failed;
    _Atomic uint32_t latencies[PULSE_SLOTS];
};

/* The slot of a latency, and the middle of what it counts. */
static inline unsigned pulse_slot(uint64_t us)
{
    us = us < UINT32_MAX ? us : UINT32_MAX;
    unsigned octave = 57 - (unsigned)__builtin_clzll(us | (2 * PULSE_OCTAVE - 1));
    return octave * PULSE_OCTAVE + (unsigned)(us >> octave);
}

static inline uint64_t pulse_slot_middle(unsigned slot)
{
    unsigned octave = slot < PULSE_OCTAVE ? 0 : slot / PULSE_OCTAVE - 1;
    uint64_t lowest = (uint64_t)(slot - octave * PULSE_OCTAVE) << octave;
    return lowest + ((UINT64_C(1) << octave) - 1) / 2;
}

/* Counts one verdict; only good replies have a latency. */
static inline void pulse_count(struct pulse *pulse, bool ok, uint64_t latency_us)
{
    if (ok) {
        unsigned slot = pulse_slot(latency_us);
        atomic_fetch_add_explicit(&pulse->latencies[slot], 1, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(ok ? &pulse->ok : &pulse->failed, 1, memory_order_relaxed);
}
