#include "lib/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

/* The first outputs of the reference splitmix64 for seed 0. */
static void sequence_is_splitmix64(void **state)
{
    (void)state;
    assert_true(random_at(0, 0) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(random_at(0, 1) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(random_at(0, 2) == UINT64_C(0x06c45d188009454f));
}

static void draws_stay_within_both_ends(void **state)
{
    (void)state;
    bool low_seen = false;
    bool high_seen = false;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t draw = random_between(7, i, 10, 13);
        assert_true(draw >= 10 && draw <= 13);
        low_seen |= draw == 10;
        high_seen |= draw == 13;
    }
    assert_true(low_seen && high_seen);
}

static void span_of_one_is_that_number(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(random_between(1, i, 42, 42), 42);
    }
}

static void whole_range_is_the_sequence_itself(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(random_between(3, i, 0, UINT64_MAX) == random_at(3, i));
    }
}

/* 3,000 draws of four values: 750 of each expected, 24 is one standard deviation. */
static void draws_are_spread_evenly(void **state)
{
    (void)state;
    int seen[4] = {0};
    for (uint64_t i = 0; i < 3000; i++) {
        seen[random_between(99, i, 0, 3)]++;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(seen[i], 750 - 120, 750 + 120);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_is_splitmix64),
        cmocka_unit_test(draws_stay_within_both_ends),
        cmocka_unit_test(span_of_one_is_that_number),
        cmocka_unit_test(whole_range_is_the_sequence_itself),
        cmocka_unit_test(draws_are_spread_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
