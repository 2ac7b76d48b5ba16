#include "lib/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void monotonic_time_never_goes_back(void **state)
{
    (void)state;
    uint64_t last = clock_monotonic_ns();
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void wall_time_is_unix_time(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_wall_s();
    assert_true(now >= before - 1 && now <= (int64_t)time(NULL));
}

static void sum_beyond_the_last_moment_is_never(void **state)
{
    (void)state;
    assert_int_equal(clock_add(5, 6), 11);
    assert_true(clock_add(CLOCK_NEVER, 1) == CLOCK_NEVER);
    assert_true(clock_add(CLOCK_NEVER - 1, 1) == CLOCK_NEVER);
    assert_true(clock_add(1, CLOCK_NEVER) == CLOCK_NEVER);
    assert_true(clock_add(CLOCK_NEVER, CLOCK_NEVER) == CLOCK_NEVER);
}

static void nanoseconds_are_split_exactly(void **state)
{
    (void)state;
    struct timespec spec = clock_timespec(UINT64_C(12345678901));
    assert_int_equal(spec.tv_sec, 12);
    assert_int_equal(spec.tv_nsec, 345678901);
    struct timeval val = clock_timeval(UINT64_C(12345678901));
    assert_int_equal(val.tv_sec, 12);
    assert_int_equal(val.tv_usec, 345678);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(wall_time_is_unix_time),
        cmocka_unit_test(sum_beyond_the_last_moment_is_never),
        cmocka_unit_test(nanoseconds_are_split_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
