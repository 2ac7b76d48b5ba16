/* A histogram of durations: three significant digits from 1 us to 1 h.
 *
 * The layout is HdrHistogram's (lowest value 1, highest 3,600,000,000, three digits): values below
 * 2,048 us have a slot each; above, every octave has 1,024 slots, so that a slot is never wider
 * than a thousandth of its values. Two histograms are merged by adding their slots, and then equal
 * the one that would have been filled with both sets of samples.
 *
 * All zero is the empty histogram. It is 185 KB wide, and whoever keeps it in fresh zero pages pays
 * only for those it touches. One thread at a time; no allocation, no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_MAX_US UINT64_C(3600000000)

enum {
    HISTOGRAM_HALF = 1024, /* slots in an octave */
    HISTOGRAM_OCTAVES = 22,
    HISTOGRAM_SLOTS = (HISTOGRAM_OCTAVES + 1) * HISTOGRAM_HALF,
};

struct histogram {
    uint64_t count;
    uint64_t clamped;   /* samples above HISTOGRAM_MAX_US, counted as that */
    uint64_t sum_us;    /* of the samples as they were counted */
    uint32_t low, high; /* the used slots lie in [low, high); both 0: none */
    uint64_t slots[HISTOGRAM_SLOTS];
};

/* The slot that counts a value of at most HISTOGRAM_MAX_US, and the values that a slot counts:
 * from its lowest to its highest, both included. */
static inline size_t histogram_slot(uint64_t us)
{
    unsigned octave = 53 - (unsigned)__builtin_clzll(us | (2 * HISTOGRAM_HALF - 1));
    return (size_t)octave * HISTOGRAM_HALF + (size_t)(us >> octave);
}

uint64_t histogram_slot_lowest(size_t slot);
uint64_t histogram_slot_highest(size_t slot);

/* Counts one sample. */
static inline void histogram_record(struct histogram *histogram, uint64_t us)
{
    if (us > HISTOGRAM_MAX_US) {
        us = HISTOGRAM_MAX_US;
        histogram->clamped++;
    }
    uint32_t slot = (uint32_t)histogram_slot(us);
    if (histogram->count == 0 || slot < histogram->low) {
        histogram->low = slot;
    }
    if (slot >= histogram->high) {
        histogram->high = slot + 1;
    }
    histogram->slots[slot]++;
    histogram->sum_us += us;
    histogram->count++;
}

/* Adds all of `from` to `to`. Reads only the slots that `from` uses. */
void histogram_add(struct histogram *to, const struct histogram *from);

/* The value that `per_100k` of 100,000 samples do not exceed (p99.9 is 99,900): the highest value
 * of the slot in which the count, taken from below, first reaches that share of all samples,
 * rounded up. 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, uint32_t per_100k);

/* The lowest value of the first used slot and the highest of the last one; 0 when empty. */
uint64_t histogram_min(const struct histogram *histogram);
uint64_t histogram_max(const struct histogram *histogram);

/* Mean of the samples; deviation of the middles of their slots about it. 0 when empty. */
double histogram_mean(const struct histogram *histogram);
double histogram_variance(const struct histogram *histogram);
