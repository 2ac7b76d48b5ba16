#include "lab/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static void assert_near(double is, double ought)
{
    if (fabs(is - ought) > 1e-9 * fmax(1, fabs(ought))) {
        fail_msg("%.12g is not %.12g", is, ought);
    }
}

/* The k-th of n values and the k-th from the end enclose the median unless fewer than k fall on one
 * side: 1 - 2 P(Bin(n, 1/2) < k). The rows are that sum, by hand. */
static void band_runs_between_order_statistics(void **state)
{
    (void)state;
    static const struct {
        size_t count; /* the values are 1, 2, ... */
        double low, mid, high, coverage;
    } rows[] = {
        {1, 1, 1, 1, 0},
        {2, 1, 1.5, 2, 0.5},
        {3, 1, 2, 3, 0.75},
        {5, 1, 3, 5, 0.9375},
        {6, 1, 3.5, 6, 0.96875},
        {8, 1, 4.5, 8, 0.9921875},        /* with 2 and 7 only 0.9296875 */
        {9, 2, 5, 8, 1 - 2 * 10 / 512.0}, /* 1 + 9 of 512 */
        {20, 6, 10.5, 15, 1 - 2 * 21700 / 1048576.0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        double values[20];
        for (size_t j = 0; j < rows[i].count; j++) {
            values[j] = (double)(rows[i].count - j); /* falling: it sorts */
        }
        struct band band = statistics_band(values, rows[i].count, 0.95);
        assert_int_equal(band.count, rows[i].count);
        assert_near(band.low, rows[i].low);
        assert_near(band.mid, rows[i].mid);
        assert_near(band.high, rows[i].high);
        assert_near(band.coverage, rows[i].coverage);
    }
}

static void absent_values_do_not_count(void **state)
{
    (void)state;
    double values[] = {NAN, 7, NAN, 3};
    struct band band = statistics_band(values, 4, 0.95);
    assert_int_equal(band.count, 2);
    assert_near(band.mid, 5);

    double nothing[] = {NAN, NAN};
    band = statistics_band(nothing, 2, 0.95);
    assert_false(band_known(&band));
    band = statistics_band(NULL, 0, 0.95);
    assert_false(band_known(&band));
}

static void ratio_spans_the_extremes(void **state)
{
    (void)state;
    struct band a = {.low = 8, .mid = 10, .high = 12, .coverage = 0.75, .count = 3};
    struct band b = {.low = 4, .mid = 5, .high = 6, .coverage = 0.75, .count = 5};
    struct band ratio = statistics_ratio(&a, &b);
    assert_near(ratio.low, 8.0 / 6);
    assert_near(ratio.mid, 2);
    assert_near(ratio.high, 3);
    assert_int_equal(ratio.count, 3);
}

static void ratio_to_nothing_is_unknown(void **state)
{
    (void)state;
    struct band known = {.low = 1, .mid = 1, .high = 1, .count = 1};
    struct band zero = {.low = 0, .mid = 1, .high = 1, .count = 3};
    struct band unknown = {0};
    struct band ratio = statistics_ratio(&known, &zero);
    assert_false(band_known(&ratio));
    ratio = statistics_ratio(&known, &unknown);
    assert_false(band_known(&ratio));
    ratio = statistics_ratio(&unknown, &known);
    assert_false(band_known(&ratio));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(band_runs_between_order_statistics),
        cmocka_unit_test(absent_values_do_not_count),
        cmocka_unit_test(ratio_spans_the_extremes),
        cmocka_unit_test(ratio_to_nothing_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
