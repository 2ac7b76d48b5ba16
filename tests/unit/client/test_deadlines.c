#include "client/async/deadlines.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "tests/support/suite.h"

enum {
    MOST = 200
};

static struct deadline *heap[MOST + 1];
static struct deadline all[MOST];

static struct deadlines fresh(void)
{
    for (size_t i = 0; i < MOST; i++) {
        all[i] = (struct deadline){0};
    }
    return (struct deadlines){.heap = heap};
}

static void none_is_never(void **state)
{
    (void)state;
    struct deadlines deadlines = fresh();
    assert_null(deadlines_take(&deadlines, CLOCK_NEVER - 1));
    assert_true(deadlines_next(&deadlines) == CLOCK_NEVER);
}

static void one_is_taken_at_its_moment_and_once(void **state)
{
    (void)state;
    struct deadlines deadlines = fresh();
    deadlines_set(&deadlines, &all[0], 10);
    assert_int_equal(deadlines_next(&deadlines), 10);
    assert_null(deadlines_take(&deadlines, 9));
    assert_ptr_equal(deadlines_take(&deadlines, 10), &all[0]);
    assert_null(deadlines_take(&deadlines, 11));
}

static void put_off_it_is_not_taken_at_the_old_moment(void **state)
{
    (void)state;
    struct deadlines deadlines = fresh();
    deadlines_set(&deadlines, &all[0], 10);
    deadlines_set(&deadlines, &all[0], 20);
    assert_true(deadlines_next(&deadlines) <= 20);
    assert_null(deadlines_take(&deadlines, 19));
    assert_ptr_equal(deadlines_take(&deadlines, 20), &all[0]);
}

static void brought_forward_it_is_taken_earlier(void **state)
{
    (void)state;
    struct deadlines deadlines = fresh();
    deadlines_set(&deadlines, &all[0], 15);
    deadlines_set(&deadlines, &all[1], 20);
    deadlines_set(&deadlines, &all[1], 5);
    assert_int_equal(deadlines_next(&deadlines), 5);
    assert_ptr_equal(deadlines_take(&deadlines, 5), &all[1]);
    assert_null(deadlines_take(&deadlines, 5));
}

static void taken_back_it_is_never_taken(void **state)
{
    (void)state;
    struct deadlines deadlines = fresh();
    deadlines_set(&deadlines, &all[0], CLOCK_NEVER);
    deadlines_set(&deadlines, &all[1], 10);
    deadlines_set(&deadlines, &all[1], CLOCK_NEVER);
    assert_null(deadlines_take(&deadlines, 1000));
    assert_true(deadlines_next(&deadlines) == CLOCK_NEVER);
    deadlines_set(&deadlines, &all[1], 2000);
    assert_ptr_equal(deadlines_take(&deadlines, 2000), &all[1]);
}

/* Sets deadlines at random for a while, and compares with looking at every one. */
static void whatever_is_set_comes_due_when_it_should(void **state)
{
    (void)state;
    struct deadlines deadlines = fresh();
    uint64_t expected[MOST];
    for (size_t i = 0; i < MOST; i++) {
        expected[i] = CLOCK_NEVER;
    }
    for (uint64_t now = 0; now < 20000; now++) {
        size_t i = (size_t)random_between(1, now, 0, MOST - 1);
        expected[i] = now + random_between(2, now, 0, 3000);
        deadlines_set(&deadlines, &all[i], expected[i]);
        struct deadline *due;
        while ((due = deadlines_take(&deadlines, now)) != NULL) {
            assert_true(expected[due - all] <= now);
            expected[due - all] = CLOCK_NEVER;
        }
        for (size_t k = 0; k < MOST; k++) {
            assert_true(expected[k] > now);
            assert_true(deadlines_next(&deadlines) <= expected[k]);
        }
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(none_is_never));
    suite_add(&suite, CASE(one_is_taken_at_its_moment_and_once));
    suite_add(&suite, CASE(put_off_it_is_not_taken_at_the_old_moment));
    suite_add(&suite, CASE(brought_forward_it_is_taken_earlier));
    suite_add(&suite, CASE(taken_back_it_is_never_taken));
    suite_add(&suite, CASE(whatever_is_set_comes_due_when_it_should));
    return suite_run(&suite, "client/deadlines");
}
