/* Middle values and how far they can be trusted. Pure: no allocation, no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A median between two order statistics of the same sample. */
struct band {
    double low;
    double mid;
    double high;
    double coverage; /* probability that [low, high] holds the true median, for independent
                        repeats of any one distribution: 0.75 for three, 0 for one */
    size_t count;    /* how many values; 0: nothing is known and the numbers mean nothing */
};

static inline bool band_known(const struct band *band)
{
    return band->count > 0;
}

/* The band of `count` values, which are sorted in place; NaN counts as absent. The band runs from
 * the k-th smallest to the k-th largest value, with the largest k that still covers the true median
 * with probability `wanted` (sign test: 1 - 2 P(Bin(count, 1/2) < k)); with too few values for
 * that, from the smallest to the largest. */
struct band statistics_band(double *values, size_t count, double wanted);

/* The band of a / b: the medians' ratio, and the extremes that the two bands allow. Unknown when
 * either is, or when b reaches down to 0. */
struct band statistics_ratio(const struct band *a, const struct band *b);
