/* A run over time: where its points lie, and what is counted between them. */
#include "client/timeline.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <string.h>

#define BEGIN (100 * NS_PER_S)

static struct pulse pulse;
static struct timeline *timeline;

static int setup(void **state)
{
    (void)state;
    memset(&pulse, 0, sizeof pulse);
    timeline = timeline_create(&pulse, 1);
    return timeline == NULL;
}

static int teardown(void **state)
{
    (void)state;
    timeline_destroy(timeline);
    return 0;
}

static void count(size_t requests, uint64_t latency_ns)
{
    for (size_t i = 0; i < requests; i++) {
        pulse_count(&pulse, FAILURE_NONE, latency_ns);
    }
}

static struct sighting at_ms(uint64_t ms)
{
    return (struct sighting){.at_ns = BEGIN + ms * NS_PER_MS};
}

static void look_ms(uint64_t ms)
{
    struct sighting sighting = at_ms(ms);
    timeline_look(timeline, &sighting);
}

static void end_ms(uint64_t ms)
{
    struct sighting sighting = at_ms(ms);
    timeline_end(timeline, BEGIN, &sighting);
}

static uint64_t p99_ms(size_t step)
{
    return (counts_percentile_ns(&timeline->steps[step], 99000) + NS_PER_MS / 2) / NS_PER_MS;
}

static void a_step_holds_what_ended_in_it(void **state)
{
    (void)state;
    look_ms(0);
    count(3, 20 * NS_PER_MS);
    look_ms(60);
    count(2, 10 * NS_PER_MS);
    look_ms(104);
    assert_int_equal(timeline->count, 2); /* 60 ms after the first there was no point yet */
    assert_int_equal(timeline->steps[1].ok, 5);
    assert_int_equal(p99_ms(1), 20);
    count(4, 50 * NS_PER_MS);
    pulse_count(&pulse, FAILURE_TIMEOUT, NS_PER_S);
    look_ms(210);
    assert_int_equal(timeline->count, 3);
    assert_int_equal(timeline->steps[2].ok, 4);
    assert_int_equal(timeline->steps[2].failures[FAILURE_TIMEOUT], 1);
    assert_int_equal(p99_ms(2), 50);
    look_ms(320);
    assert_int_equal(timeline->steps[3].ok + timeline->steps[3].failed, 0);
}

/* What ended before the first look lies in the first step. */
static void the_first_step_begins_with_the_run(void **state)
{
    (void)state;
    count(7, NS_PER_MS);
    look_ms(5);
    count(1, NS_PER_MS);
    look_ms(105);
    assert_int_equal(timeline->steps[1].ok, 8);
}

static const struct end_row {
    const char *name;
    uint64_t looks_ms[3];
    uint64_t end_ms;
    size_t points;
} ends[] = {
    {"a_run_over_before_the_first_look_is_one_step", {0}, 3, 2},
    {"a_run_shorter_than_a_step_is_one_step", {1}, 30, 2},
    {"a_short_rest_belongs_to_the_step_before", {1, 101, 203}, 252, 3},
    {"a_long_rest_is_a_step_of_its_own", {1, 101, 203}, 254, 4},
};

static void is_how_a_run_ends(void **state)
{
    const struct end_row *row = *state;
    for (size_t i = 0; i < 3 && row->looks_ms[i] > 0; i++) {
        look_ms(row->looks_ms[i]);
        count(10, NS_PER_MS);
    }
    count(1, 2 * NS_PER_MS);
    end_ms(row->end_ms);
    assert_int_equal(timeline->count, row->points);
    assert_int_equal(timeline->at[row->points - 1].at_ns, BEGIN + row->end_ms * NS_PER_MS);
    assert_int_equal(p99_ms(row->points - 1), 2);
    uint64_t ok = 0;
    for (size_t i = 1; i < timeline->count; i++) {
        ok += timeline->steps[i].ok;
    }
    assert_int_equal(ok, timeline->seen.ok);
    assert_int_equal(timeline->steps[0].ok, 0);
}

/* However long a run is, there is room for it: steps grow, and none of their requests is lost or
 * comes to another time. Request i ends i ms after the beginning, and takes i us. */
static void steps_are_merged_by_addition(void **state)
{
    static struct counts all;
    const uint64_t requests = 300000;
    (void)state;
    look_ms(0);
    for (uint64_t i = 1; i <= requests; i++) {
        count(1, i * NS_PER_US);
        look_ms(i);
    }
    end_ms(requests + 1);
    assert_in_range(timeline->count, TIMELINE_MOST / 2, TIMELINE_MOST);
    assert_int_equal(timeline->step_ns, 1600 * NS_PER_MS);
    memset(&all, 0, sizeof all);
    for (size_t i = 1; i < timeline->count; i++) {
        uint64_t from_ms = (timeline->at[i - 1].at_ns - BEGIN) / NS_PER_MS;
        uint64_t to_ms = (timeline->at[i].at_ns - BEGIN) / NS_PER_MS;
        to_ms = to_ms < requests ? to_ms : requests;
        assert_int_equal(timeline->steps[i].ok, to_ms - from_ms);
        uint64_t max_us = counts_max_ns(&timeline->steps[i]) / NS_PER_US;
        assert_in_range(max_us, to_ms - to_ms / 100, to_ms + to_ms / 100);
        counts_add(&all, &timeline->steps[i]);
    }
    assert_int_equal(all.ok, requests);
    assert_memory_equal(&all, &timeline->seen, sizeof all);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_step_holds_what_ended_in_it));
    suite_add(&suite, CASE(the_first_step_begins_with_the_run));
    suite_add_rows(&suite, is_how_a_run_ends, ROWS(ends));
    suite_add(&suite, CASE(steps_are_merged_by_addition));
    suite_frame(&suite, setup, teardown);
    return suite_run(&suite, "client/timeline");
}
