/* What a run shows of itself while it lasts: coarse counts that workers add to and the main thread
 * reads, for the distribution over time and for whoever watches. Where workers are few each has a
 * pulse of its own, which costs it an addition for each request; where they are many, several share
 * one. Lock-free; any thread may read. */
#pragma once

#include "client/tally.h"
#include "lib/base/order.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Latencies lie in slots, in nanoseconds: below 128 ns one each, above, every octave has 64, so
 * that the middle of a slot is within 0.8 % of whatever it counts. */
enum {
    PULSE_OCTAVE = 64,
    PULSE_OCTAVES = 36,
    PULSE_SLOTS = (PULSE_OCTAVES + 1) * PULSE_OCTAVE,
};

#define PULSE_MAX_NS ((UINT64_C(1) << (PULSE_OCTAVES + 6)) - 1) /* over an hour */

struct pulse {
    _Alignas(64) bool shared; /* several workers write it: only by atomic additions */
    _Atomic uint64_t failures[FAILURE_COUNT];
    _Atomic uint64_t latencies[PULSE_SLOTS]; /* of good replies, and only these */
};

/* The slot of a latency, and the lowest and the middle of what it counts. */
static inline unsigned pulse_slot(uint64_t ns)
{
    ns = lesser_of(ns, PULSE_MAX_NS);
    unsigned octave = 57 - (unsigned)__builtin_clzll(ns | (2 * PULSE_OCTAVE - 1));
    return octave * PULSE_OCTAVE + (unsigned)(ns >> octave);
}

static inline uint64_t pulse_slot_lowest(unsigned slot)
{
    unsigned octave = slot < PULSE_OCTAVE ? 0 : slot / PULSE_OCTAVE - 1;
    return (uint64_t)(slot - octave * PULSE_OCTAVE) << octave;
}

static inline uint64_t pulse_slot_middle(unsigned slot)
{
    unsigned octave = slot < PULSE_OCTAVE ? 0 : slot / PULSE_OCTAVE - 1;
    return pulse_slot_lowest(slot) + ((UINT64_C(1) << octave) - 1) / 2;
}

/* Counts one verdict; only good replies have a latency. */
static inline void pulse_count(struct pulse *pulse, enum failure failure, uint64_t latency_ns)
{
    _Atomic uint64_t *count = failure == FAILURE_NONE ? &pulse->latencies[pulse_slot(latency_ns)]
                                                      : &pulse->failures[failure];
    if (pulse->shared) {
        atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    } else {
        uint64_t before = atomic_load_explicit(count, memory_order_relaxed);
        atomic_store_explicit(count, before + 1, memory_order_relaxed);
    }
}
