/* What is seen of gauges, and of this very process. */
#include "client/evidence.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

static const struct plan plan = {.connections = 3};

static void looks_begin_after_ramp_up_and_end_before_the_tail(void **state)
{
    struct gauge gauges[2] = {0};
    struct evidence evidence = {0};
    struct course course;
    uint64_t number;
    (void)state;
    course_init(&course, 10, 0, 0);
    course_begin(&course, 1000);
    gauge_begin(&gauges[0]);
    gauge_begin(&gauges[0]);
    gauge_begin(&gauges[1]);
    evidence_look(&evidence, &plan, &course, gauges, 2, 2000);
    assert_int_equal(evidence.first.at_ns, 0); /* no request has ended */
    gauge_end(&gauges[0], 100);
    gauge_end(&gauges[0], 100);
    gauge_end(&gauges[1], 200);
    evidence_look(&evidence, &plan, &course, gauges, 2, 3000); /* as many as connections */
    assert_int_equal(evidence.first.at_ns, 3000);
    assert_int_equal(evidence.first.spent_ns, 400);
    assert_int_equal(evidence.sightings, 0);
    gauge_begin(&gauges[1]);
    gauge_begin(&gauges[1]);
    evidence_look(&evidence, &plan, &course, gauges, 2, 4000);
    gauge_begin(&gauges[0]);
    evidence_look(&evidence, &plan, &course, gauges, 2, 5000);
    gauge_end(&gauges[1], 1500);
    while (course_draw(&course, &number)) {
    }
    evidence_look(&evidence, &plan, &course, gauges, 2, 6000); /* none is left to be drawn */
    assert_int_equal(evidence.sightings, 2);
    assert_int_equal(evidence.last.at_ns, 5000);
    assert_int_equal(evidence.last.ended, 3);
    assert_true(evidence.flying_sum == 5 && evidence.flying_squares == 13);
    assert_int_equal(evidence.spent_ns, 1900); /* of all there were */
}

static void nothing_is_seen_of_a_warm_up(void **state)
{
    struct gauge gauge = {0};
    struct evidence evidence = {0};
    struct course course;
    (void)state;
    course_init(&course, 0, 0, 1000);
    course_begin(&course, 1000);
    for (int i = 0; i < 3; i++) {
        gauge_begin(&gauge);
        gauge_end(&gauge, 10);
    }
    evidence_look(&evidence, &plan, &course, &gauge, 1, 1999);
    assert_int_equal(evidence.first.at_ns, 0);
    evidence_look(&evidence, &plan, &course, &gauge, 1, 2000);
    assert_int_equal(evidence.first.at_ns, 2000);
}

/* Its first point is the first look of what counts, its last one the end, whenever that is heard.
 */
static void a_timeline_goes_from_the_beginning_to_the_end(void **state)
{
    static struct pulse pulse;
    struct gauge gauge = {0};
    struct timeline *timeline = timeline_create(&pulse, 1);
    struct evidence evidence = {.timeline = timeline};
    struct course course;
    (void)state;
    assert_non_null(timeline);
    course_init(&course, 0, NS_PER_S, NS_PER_S);
    course_begin(&course, 0);
    evidence_look(&evidence, &plan, &course, &gauge, 1, NS_PER_S - 1);
    assert_int_equal(timeline->count, 0);
    for (uint64_t ms = 1000; ms <= 2500; ms += 10) {
        evidence_look(&evidence, &plan, &course, &gauge, 1, ms * NS_PER_MS);
        gauge_begin(&gauge);
        gauge_end(&gauge, 10);
        pulse_count(&pulse, FAILURE_NONE, 10);
    }
    assert_int_equal(timeline->at[0].at_ns, NS_PER_S);
    assert_int_equal(timeline->at[timeline->count - 1].at_ns, 1900 * NS_PER_MS);
    assert_int_equal(timeline->at[timeline->count - 1].ended, 90);
    evidence_look_back(&evidence, &course, &gauge, 1, 3 * NS_PER_S);
    assert_int_equal(timeline->at[timeline->count - 1].at_ns, 2 * NS_PER_S);
    assert_int_equal(timeline->at[timeline->count - 1].ended, 151);
    assert_int_equal(timeline->seen.ok, 151);
    assert_int_equal(evidence.spent_ns, 1510);
    timeline_destroy(timeline);
}

static void a_run_that_ends_in_its_warm_up_has_no_timeline(void **state)
{
    static struct pulse pulse;
    struct gauge gauge = {0};
    struct timeline *timeline = timeline_create(&pulse, 1);
    struct evidence evidence = {.timeline = timeline};
    struct course course;
    (void)state;
    assert_non_null(timeline);
    course_init(&course, 0, NS_PER_S, NS_PER_S);
    course_begin(&course, 0);
    course_stop(&course, NS_PER_S / 2);
    evidence_look_back(&evidence, &course, &gauge, 1, NS_PER_S / 2 + 1);
    assert_int_equal(timeline->count, 0);
    timeline_destroy(timeline);
}

static void looks_end_with_the_run(void **state)
{
    struct gauge gauge = {0};
    struct evidence evidence = {0};
    struct course course;
    (void)state;
    course_init(&course, 0, 1000, 0);
    course_begin(&course, 1000);
    for (int i = 0; i < 3; i++) {
        gauge_begin(&gauge);
        gauge_end(&gauge, 10);
    }
    evidence_look(&evidence, &plan, &course, &gauge, 1, 1500);
    evidence_look(&evidence, &plan, &course, &gauge, 1, 1999);
    evidence_look(&evidence, &plan, &course, &gauge, 1, 2000);
    assert_int_equal(evidence.sightings, 1);
}

/* Not in step with anything, and more seldom where there is more to look at. */
static void looks_come_at_irregular_moments(void **state)
{
    struct evidence evidence = {0};
    uint64_t now = 1000000;
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    (void)state;
    for (; evidence.sightings < 1000; evidence.sightings++) {
        uint64_t next = evidence_next_look(&evidence, 1, now);
        least = next - now < least ? next - now : least;
        most = next - now > most ? next - now : most;
        now = next;
    }
    assert_in_range(least, 2 * NS_PER_MS, 4 * NS_PER_MS);
    assert_in_range(most, 6 * NS_PER_MS, 8 * NS_PER_MS);
    assert_true(evidence_next_look(&evidence, 10000, now) > now + 90 * NS_PER_MS);
}

static void a_thread_s_toil_is_what_it_used(void **state)
{
    struct evidence evidence;
    volatile unsigned spin = 0;
    (void)state;
    evidence_begin(&evidence, NULL);
    assert_true(evidence.cores >= 1);
    struct toil before = toil_now();
    struct toil after = before;
    while (after.cpu_ns < before.cpu_ns + 20 * NS_PER_MS) {
        spin++;
        after.cpu_ns = toil_now().cpu_ns;
    }
    after = toil_now();
    evidence_add(&evidence, &before, &after);
    evidence_end(&evidence);
    assert_int_equal(evidence.threads, 1);
    assert_true(evidence.busiest_cpu_ns >= 20 * NS_PER_MS);
    assert_true(evidence.cpu_user_ns + evidence.cpu_system_ns >= 10 * NS_PER_MS);
    assert_true(evidence.cpu_user_ns + evidence.cpu_system_ns < 3600 * NS_PER_S);
    assert_true(evidence.end.monotonic_ns - evidence.begin.monotonic_ns >= 20 * NS_PER_MS);
    assert_true(evidence.machine_end_ticks >= evidence.machine_begin_ticks);
    assert_true(evidence.machine_begin_ticks > 0);
    assert_true(after.wait_ns >= before.wait_ns);
}

static void the_busiest_thread_is_remembered_and_waits_are_added_up(void **state)
{
    static const struct toil begin = {10, 5, true};
    static const struct toil ends[] = {{30, 6, true}, {90, 7, true}, {50, 9, true}};
    static const struct toil unknown = {11, 0, false};
    struct evidence evidence = {.wait_known = true};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        evidence_add(&evidence, &begin, &ends[i]);
    }
    assert_int_equal(evidence.busiest_cpu_ns, 80);
    assert_int_equal(evidence.wait_ns, 1 + 2 + 4);
    assert_int_equal(evidence.threads, 3);
    assert_true(evidence.wait_known);
    evidence_add(&evidence, &begin, &unknown);
    assert_false(evidence.wait_known);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(looks_begin_after_ramp_up_and_end_before_the_tail));
    suite_add(&suite, CASE(nothing_is_seen_of_a_warm_up));
    suite_add(&suite, CASE(a_timeline_goes_from_the_beginning_to_the_end));
    suite_add(&suite, CASE(a_run_that_ends_in_its_warm_up_has_no_timeline));
    suite_add(&suite, CASE(looks_end_with_the_run));
    suite_add(&suite, CASE(looks_come_at_irregular_moments));
    suite_add(&suite, CASE(a_thread_s_toil_is_what_it_used));
    suite_add(&suite, CASE(the_busiest_thread_is_remembered_and_waits_are_added_up));
    return suite_run(&suite, "client/evidence");
}
