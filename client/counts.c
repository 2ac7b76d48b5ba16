#include "client/counts.h"

#include <string.h>

static uint64_t read_count(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void add_latencies(struct counts *counts, uint32_t slot, uint64_t more)
{
    if (more == 0) {
        return;
    }
    if (counts->high == 0 || slot < counts->low) {
        counts->low = slot;
    }
    if (slot >= counts->high) {
        counts->high = slot + 1;
    }
    counts->latencies[slot] += more;
    counts->ok += more;
}

static void add_failures(struct counts *counts, int kind, uint64_t more)
{
    counts->failures[kind] += more;
    counts->failed += more;
}

void counts_look(struct counts *counts, const struct pulse *pulses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (int kind = 0; kind < FAILURE_COUNT; kind++) {
            add_failures(counts, kind, read_count(&pulses[i].failures[kind]));
        }
        for (uint32_t slot = 0; slot < PULSE_SLOTS; slot++) {
            add_latencies(counts, slot, read_count(&pulses[i].latencies[slot]));
        }
    }
}

void counts_add_since(struct counts *counts, const struct counts *now, const struct counts *before)
{
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        add_failures(counts, kind, now->failures[kind] - before->failures[kind]);
    }
    for (uint32_t slot = now->low; slot < now->high; slot++) {
        add_latencies(counts, slot, now->latencies[slot] - before->latencies[slot]);
    }
}

void counts_add(struct counts *counts, const struct counts *from)
{
    static const struct counts none;
    counts_add_since(counts, from, &none);
}

void counts_clear(struct counts *counts)
{
    memset(&counts->latencies[counts->low], 0,
           (counts->high - counts->low) * sizeof counts->latencies[0]);
    memset(counts->failures, 0, sizeof counts->failures);
    counts->ok = counts->failed = 0;
    counts->low = counts->high = 0;
}

uint64_t counts_percentile_ns(const struct counts *counts, uint32_t per_100k)
{
    double wanted = (double)counts->ok * per_100k / 100000;
    uint64_t reached = 0;
    for (uint32_t slot = counts->low; slot < counts->high; slot++) {
        reached += counts->latencies[slot];
        if ((double)reached >= wanted) {
            return pulse_slot_middle(slot);
        }
    }
    return counts_max_ns(counts);
}

uint64_t counts_max_ns(const struct counts *counts)
{
    return counts->high == 0 ? 0 : pulse_slot_middle(counts->high - 1);
}
