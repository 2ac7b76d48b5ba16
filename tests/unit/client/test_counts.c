/* Pulses, and what is read from them. */
#include "client/counts.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <string.h>

static struct pulse pulses[2];
static struct counts counts;
static struct counts other;

static int setup(void **state)
{
    (void)state;
    memset(pulses, 0, sizeof pulses);
    memset(&counts, 0, sizeof counts);
    memset(&other, 0, sizeof other);
    return 0;
}

static void slots_lie_side_by_side(void **state)
{
    (void)state;
    for (unsigned slot = 0; slot + 1 < PULSE_SLOTS; slot++) {
        uint64_t lowest = pulse_slot_lowest(slot);
        uint64_t after = pulse_slot_lowest(slot + 1);
        assert_true(lowest < after);
        assert_int_equal(pulse_slot(lowest), slot);
        assert_int_equal(pulse_slot(after - 1), slot);
        assert_int_equal(pulse_slot(after), slot + 1);
    }
    assert_int_equal(pulse_slot(0), 0);
    assert_int_equal(pulse_slot(PULSE_MAX_NS), PULSE_SLOTS - 1);
    assert_int_equal(pulse_slot(UINT64_MAX), PULSE_SLOTS - 1);
    assert_true(PULSE_MAX_NS > 3600 * NS_PER_S);
}

static void the_middle_of_a_slot_is_within_8_in_1000_of_what_it_counts(void **state)
{
    (void)state;
    for (unsigned slot = 1; slot + 1 < PULSE_SLOTS; slot++) {
        double middle = (double)pulse_slot_middle(slot);
        double lowest = (double)pulse_slot_lowest(slot);
        double highest = (double)pulse_slot_lowest(slot + 1) - 1;
        assert_true(middle >= lowest && middle <= highest);
        assert_true(middle - lowest <= 0.008 * lowest && highest - middle <= 0.008 * highest);
    }
}

static void figures_of_injected_samples_are_within_a_hundredth(void **state)
{
    static const struct {
        uint32_t per_100k;
        uint64_t ms;
    } expected[] = {{1000, 1}, {50000, 50}, {90000, 90}, {99000, 99}, {99900, 100}, {100000, 100}};
    (void)state;
    for (uint64_t ms = 1; ms <= 100; ms++) {
        pulse_count(&pulses[ms % 2], FAILURE_NONE, ms * NS_PER_MS);
    }
    counts_look(&counts, pulses, 2);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        uint64_t ns = expected[i].ms * NS_PER_MS;
        uint64_t said = counts_percentile_ns(&counts, expected[i].per_100k);
        assert_in_range(said, ns - ns / 100, ns + ns / 100);
    }
    assert_in_range(counts_max_ns(&counts), 99 * NS_PER_MS, 101 * NS_PER_MS);
    assert_int_equal(counts.ok, 100);
    assert_int_equal(counts.failed, 0);
}

static void failures_are_counted_by_kind_and_have_no_latency(void **state)
{
    (void)state;
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        for (int i = 0; i <= kind; i++) {
            pulse_count(&pulses[i % 2], (enum failure)kind, NS_PER_S);
        }
    }
    counts_look(&counts, pulses, 2);
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        assert_int_equal(counts.failures[kind], kind + 1);
    }
    assert_int_equal(counts.failed, FAILURE_COUNT * (FAILURE_COUNT + 1) / 2);
    assert_int_equal(counts.ok, 0);
    assert_int_equal(counts_max_ns(&counts), 0);
    assert_int_equal(counts_percentile_ns(&counts, 50000), 0);
}

/* Whatever is between two looks is in their difference, and a sum of differences is the whole. */
static void steps_add_up_to_the_whole(void **state)
{
    static struct counts before;
    static struct counts now;
    static struct counts steps;
    (void)state;
    memset(&before, 0, sizeof before);
    memset(&steps, 0, sizeof steps);
    for (uint64_t i = 0; i < 10; i++) {
        for (uint64_t us = 1; us < 1000; us++) {
            pulse_count(&pulses[us % 2], FAILURE_NONE, us * (i + 1) * NS_PER_US);
        }
        pulse_count(&pulses[0], FAILURE_RESET, 0);
        memset(&now, 0, sizeof now);
        counts_look(&now, pulses, 2);
        counts_clear(&other);
        counts_add_since(&other, &now, &before);
        assert_int_equal(other.ok, 999);
        assert_int_equal(other.failed, 1);
        uint64_t max_ns = 999 * (i + 1) * NS_PER_US;
        assert_in_range(counts_max_ns(&other), max_ns - max_ns / 100, max_ns + max_ns / 100);
        counts_add(&steps, &other);
        before = now;
    }
    assert_memory_equal(&steps, &now, sizeof now);
}

static void cleared_counts_are_all_zero(void **state)
{
    static const struct counts none;
    (void)state;
    pulse_count(&pulses[0], FAILURE_NONE, 1);
    pulse_count(&pulses[0], FAILURE_NONE, NS_PER_S);
    pulse_count(&pulses[0], FAILURE_STATUS, 1);
    counts_look(&counts, pulses, 2);
    assert_memory_not_equal(&counts, &none, sizeof none);
    counts_clear(&counts);
    assert_memory_equal(&counts, &none, sizeof none);
    counts_clear(&counts);
}

enum {
    BEATS = 1000000
};

static pthread_barrier_t together;

static void *beat(void *argument)
{
    pthread_barrier_wait(&together);
    for (int i = 0; i < BEATS; i++) {
        pulse_count(argument, i % 10 == 0 ? FAILURE_RESET : FAILURE_NONE, 1000);
    }
    return NULL;
}

static void nothing_is_lost_of_what_two_threads_count_in_one_pulse(void **state)
{
    pthread_t threads[2];
    (void)state;
    pulses[0].shared = true;
    pthread_barrier_init(&together, NULL, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, beat, &pulses[0]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&together);
    counts_look(&counts, pulses, 1);
    assert_int_equal(counts.ok, 2 * BEATS * 9 / 10);
    assert_int_equal(counts.failed, 2 * BEATS / 10);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(slots_lie_side_by_side));
    suite_add(&suite, CASE(the_middle_of_a_slot_is_within_8_in_1000_of_what_it_counts));
    suite_add(&suite, CASE(figures_of_injected_samples_are_within_a_hundredth));
    suite_add(&suite, CASE(failures_are_counted_by_kind_and_have_no_latency));
    suite_add(&suite, CASE(steps_add_up_to_the_whole));
    suite_add(&suite, CASE(cleared_counts_are_all_zero));
    suite_add(&suite, CASE(nothing_is_lost_of_what_two_threads_count_in_one_pulse));
    suite_frame(&suite, setup, NULL);
    return suite_run(&suite, "client/counts");
}
