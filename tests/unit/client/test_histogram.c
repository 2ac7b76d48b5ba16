#include "client/histogram.h"

#include "lib/base/random.h"
#include "tests/support/suite.h"

#include <math.h>
#include <stdlib.h>

static struct histogram *new_histogram(void)
{
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    assert_non_null(histogram);
    return histogram;
}

/* ---- slots ---- */

static void every_microsecond_below_2048_has_a_slot_of_its_own(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 2048; us++) {
        size_t slot = histogram_slot(us);
        assert_int_equal(histogram_slot_lowest(slot), us);
        assert_int_equal(histogram_slot_highest(slot), us);
    }
}

static void slots_follow_each_other_without_gap(void **state)
{
    (void)state;
    for (size_t slot = 0; slot + 1 < HISTOGRAM_SLOTS; slot++) {
        assert_int_equal(histogram_slot_highest(slot) + 1, histogram_slot_lowest(slot + 1));
        assert_int_equal(histogram_slot(histogram_slot_lowest(slot)), slot);
        assert_int_equal(histogram_slot(histogram_slot_highest(slot)), slot);
    }
}

static void no_slot_is_wider_than_a_thousandth_of_its_values(void **state)
{
    (void)state;
    for (size_t slot = 2048; slot < HISTOGRAM_SLOTS; slot++) {
        uint64_t lowest = histogram_slot_lowest(slot);
        uint64_t width = histogram_slot_highest(slot) - lowest + 1;
        assert_true(width * 1000 < lowest);
    }
}

static void an_hour_has_a_slot(void **state)
{
    (void)state;
    assert_true(histogram_slot(HISTOGRAM_MAX_US) < HISTOGRAM_SLOTS);
}

/* ---- samples ---- */

static void empty_says_zero(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    assert_int_equal(histogram_percentile(h, 50000), 0);
    assert_int_equal(histogram_min(h), 0);
    assert_int_equal(histogram_max(h), 0);
    assert_true(histogram_mean(h) == 0);
    assert_true(histogram_variance(h) == 0);
    free(h);
}

static void one_sample_is_every_percentile(void **state)
{
    static const uint32_t percentiles[] = {1, 1000, 50000, 99000, 99999, 100000};
    (void)state;
    struct histogram *h = new_histogram();
    histogram_record(h, 1234);
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
        assert_int_equal(histogram_percentile(h, percentiles[i]), 1234);
    }
    assert_int_equal(histogram_min(h), 1234);
    assert_int_equal(histogram_max(h), 1234);
    assert_true(histogram_mean(h) == 1234);
    assert_true(histogram_variance(h) == 0);
    free(h);
}

struct percentile_row {
    const char *name;
    uint64_t count; /* samples 1, 2, ... count */
    uint32_t per_100k;
    uint64_t expected; /* the smallest value that so many samples do not exceed */
};

static const struct percentile_row percentile_rows[] = {
    {"median_of_ten_is_the_fifth", 10, 50000, 5},
    {"median_of_nine_is_the_fifth", 9, 50000, 5},
    {"p90_of_nine_is_the_ninth", 9, 90000, 9},
    {"p75_of_four_is_the_third", 4, 75000, 3},
    {"p99_of_a_hundred_is_the_99th", 100, 99000, 99},
    {"p99_of_99_is_the_last", 99, 99000, 99},
    {"p99_9_of_a_thousand_is_the_999th", 1000, 99900, 999},
    {"p99_99_of_a_thousand_is_the_last", 1000, 99990, 1000},
    {"p100_is_the_last", 1000, 100000, 1000},
    {"p0_001_is_the_first", 1000, 1, 1},
};

static void percentile_is_as_defined(void **state)
{
    const struct percentile_row *row = *state;
    struct histogram *h = new_histogram();
    for (uint64_t us = 1; us <= row->count; us++) {
        histogram_record(h, us);
    }
    assert_int_equal(histogram_percentile(h, row->per_100k), row->expected);
    free(h);
}

static void percentile_is_the_highest_of_its_slot(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    histogram_record(h, 4096); /* slots of 4 us: 4096..4099 */
    assert_int_equal(histogram_percentile(h, 50000), 4099);
    assert_int_equal(histogram_min(h), 4096);
    assert_int_equal(histogram_max(h), 4099);
    free(h);
}

static void mean_and_deviation_of_small_values_are_exact(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    static const uint64_t samples[] = {2, 4, 4, 4, 5, 5, 7, 9};
    for (size_t i = 0; i < 8; i++) {
        histogram_record(h, samples[i]);
    }
    assert_true(histogram_mean(h) == 5);
    assert_true(sqrt(histogram_variance(h)) == 2);
    free(h);
}

static void what_is_longer_than_an_hour_counts_as_an_hour(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    histogram_record(h, HISTOGRAM_MAX_US);
    histogram_record(h, HISTOGRAM_MAX_US + 1);
    histogram_record(h, UINT64_MAX);
    assert_int_equal(h->count, 3);
    assert_int_equal(h->clamped, 2);
    assert_int_equal(h->slots[histogram_slot(HISTOGRAM_MAX_US)], 3);
    assert_int_equal(h->sum_us, 3 * HISTOGRAM_MAX_US);
    free(h);
}

static void percentiles_of_many_samples_stay_within_64_bits(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    histogram_record(h, 10);
    histogram_record(h, 20);
    h->slots[10] = h->slots[20] = h->count = UINT64_C(1) << 60;
    h->count *= 2;
    assert_int_equal(histogram_percentile(h, 50000), 10);
    assert_int_equal(histogram_percentile(h, 50001), 20);
    free(h);
}

/* ---- merging ---- */

/* Microseconds to minutes, most of them short. */
static uint64_t sample(uint64_t index)
{
    return random_at(7, index) >> (34 + random_at(8, index) % 28);
}

static void eight_shards_merged_equal_one(void **state)
{
    (void)state;
    struct histogram *one = new_histogram();
    struct histogram *sum = new_histogram();
    for (uint64_t shard = 0; shard < 8; shard++) {
        struct histogram *part = new_histogram();
        /* the last ones are uneven, and one has nothing at all */
        for (uint64_t i = 0; i < (shard == 5 ? 0 : 10000 + shard); i++) {
            histogram_record(part, sample(shard * 100000 + i));
            histogram_record(one, sample(shard * 100000 + i));
        }
        histogram_add(sum, part);
        free(part);
    }
    assert_memory_equal(one, sum, sizeof(*one));
    free(one);
    free(sum);
}

static void merging_an_empty_one_changes_nothing(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    struct histogram *before = new_histogram();
    struct histogram *empty = new_histogram();
    histogram_record(h, 77);
    *before = *h;
    histogram_add(h, empty);
    assert_memory_equal(before, h, sizeof(*h));
    histogram_add(empty, h);
    assert_memory_equal(before, empty, sizeof(*h));
    free(h);
    free(before);
    free(empty);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(every_microsecond_below_2048_has_a_slot_of_its_own));
    suite_add(&suite, CASE(slots_follow_each_other_without_gap));
    suite_add(&suite, CASE(no_slot_is_wider_than_a_thousandth_of_its_values));
    suite_add(&suite, CASE(an_hour_has_a_slot));
    suite_add(&suite, CASE(empty_says_zero));
    suite_add(&suite, CASE(one_sample_is_every_percentile));
    suite_add_rows(&suite, percentile_is_as_defined, ROWS(percentile_rows));
    suite_add(&suite, CASE(percentile_is_the_highest_of_its_slot));
    suite_add(&suite, CASE(mean_and_deviation_of_small_values_are_exact));
    suite_add(&suite, CASE(what_is_longer_than_an_hour_counts_as_an_hour));
    suite_add(&suite, CASE(percentiles_of_many_samples_stay_within_64_bits));
    suite_add(&suite, CASE(eight_shards_merged_equal_one));
    suite_add(&suite, CASE(merging_an_empty_one_changes_nothing));
    return suite_run(&suite, "client/histogram");
}
