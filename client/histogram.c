#include "client/histogram.h"

/* The octave that a slot belongs to: 0 for the first two halves, whose slots are 1 us wide. */
static unsigned octave_of(size_t slot)
{
    size_t half = slot / HISTOGRAM_HALF;
    return half == 0 ? 0 : (unsigned)half - 1;
}

uint64_t histogram_slot_lowest(size_t slot)
{
    unsigned octave = octave_of(slot);
    return (uint64_t)(slot - (size_t)octave * HISTOGRAM_HALF) << octave;
}

uint64_t histogram_slot_highest(size_t slot)
{
    return histogram_slot_lowest(slot) + (UINT64_C(1) << octave_of(slot)) - 1;
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
    if (from->count == 0) {
        return;
    }
    if (to->count == 0 || from->low < to->low) {
        to->low = from->low;
    }
    if (from->high > to->high) {
        to->high = from->high;
    }
    for (size_t slot = from->low; slot < from->high; slot++) {
        to->slots[slot] += from->slots[slot];
    }
    to->count += from->count;
    to->clamped += from->clamped;
    to->sum_us += from->sum_us;
}

/* ceil(count * per_100k / 100,000) without leaving 64 bits, and at least 1. */
static uint64_t samples_up_to(uint64_t count, uint32_t per_100k)
{
    const uint64_t all = 100000;
    uint64_t whole = count / all * per_100k;
    uint64_t rest = (count % all * per_100k + all - 1) / all;
    return whole + rest == 0 ? 1 : whole + rest;
}

uint64_t histogram_percentile(const struct histogram *histogram, uint32_t per_100k)
{
    uint64_t wanted = samples_up_to(histogram->count, per_100k);
    uint64_t reached = 0;
    for (size_t slot = histogram->low; slot < histogram->high; slot++) {
        reached += histogram->slots[slot];
        if (reached >= wanted) {
            return histogram_slot_highest(slot);
        }
    }
    return histogram_max(histogram);
}

uint64_t histogram_min(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : histogram_slot_lowest(histogram->low);
}

uint64_t histogram_max(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : histogram_slot_highest(histogram->high - 1);
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum_us / (double)histogram->count;
}

double histogram_variance(const struct histogram *histogram)
{
    if (histogram->count == 0) {
        return 0;
    }
    double mean = histogram_mean(histogram);
    double sum = 0;
    for (size_t slot = histogram->low; slot < histogram->high; slot++) {
        uint64_t lowest = histogram_slot_lowest(slot);
        double middle = (double)(lowest + histogram_slot_highest(slot)) / 2;
        sum += (double)histogram->slots[slot] * (middle - mean) * (middle - mean);
    }
    return sum / (double)histogram->count;
}
