#include "lab/statistics.h"

#include <math.h>
#include <stdlib.h>

static size_t drop_absent(double *values, size_t count);
static size_t widest_rank(size_t count, double wanted, double *coverage);
static int by_value(const void *a, const void *b);

struct band statistics_band(double *values, size_t count, double wanted)
{
    count = drop_absent(values, count);
    if (count == 0) {
        return (struct band){0};
    }
    qsort(values, count, sizeof *values, by_value);

    struct band band = {.count = count};
    size_t rank = widest_rank(count, wanted, &band.coverage);
    band.low = values[rank - 1];
    band.mid = (values[(count - 1) / 2] + values[count / 2]) / 2;
    band.high = values[count - rank];
    return band;
}

struct band statistics_ratio(const struct band *a, const struct band *b)
{
    if (!band_known(a) || !band_known(b) || b->low <= 0) {
        return (struct band){0};
    }
    return (struct band){
        .low = a->low / b->high,
        .mid = a->mid / b->mid,
        .high = a->high / b->low,
        .coverage = a->coverage * b->coverage,
        .count = a->count < b->count ? a->count : b->count,
    };
}

static size_t drop_absent(double *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            values[kept++] = values[i];
        }
    }
    return kept;
}

/* The order statistics k and count + 1 - k enclose the median unless fewer than k of `count` fair
 * coins fall on one side. */
static size_t widest_rank(size_t count, double wanted, double *coverage)
{
    double term = pow(0.5, (double)count); /* P(exactly i of count), from i = 0 upwards */
    double below = 0;                      /* P(fewer than k) */
    size_t rank = 0;

    for (size_t k = 1; k <= (count + 1) / 2; k++) {
        below += term;
        term *= (double)(count - k + 1) / (double)k;
        double covered = fmax(0, 1 - 2 * below);
        if (k > 1 && covered < wanted) {
            break;
        }
        rank = k;
        *coverage = covered;
    }
    return rank;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}
