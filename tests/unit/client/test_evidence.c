/* What is seen of gauges, and of this very process. */
#include "client/evidence.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

static const struct plan plan = {.connections = 3};

/* A run as its onlooker has it before him. */
struct run {
    struct course course;
    struct gauge gauges[2];
    struct pulse pulse;
    struct timeline *timeline;
    struct evidence evidence;
};

/* Begins at so many ns; 0 requests or ns: no limit, or no warm-up. */
static struct run *run_begin(uint64_t begin_ns, uint64_t requests, uint64_t duration_ns,
                             uint64_t warmup_ns)
{
    struct run *run = aligned_alloc(_Alignof(struct run), sizeof(*run));
    assert_non_null(run);
    memset(run, 0, sizeof(*run));
    run->timeline = run->evidence.timeline = timeline_create(&run->pulse, 1);
    assert_non_null(run->timeline);
    course_init(&run->course, requests, duration_ns, warmup_ns);
    course_begin(&run->course, begin_ns);
    return run;
}

static void run_end(struct run *run)
{
    timeline_destroy(run->timeline);
    free(run);
}

static void look(struct run *run, uint64_t now_ns)
{
    evidence_look(&run->evidence, &plan, &run->course, run->gauges, 2, now_ns);
}

static void look_back(struct run *run, uint64_t now_ns)
{
    evidence_look_back(&run->evidence, &run->course, run->gauges, 2, now_ns);
}

/* One after the other, in 10 ns each. */
static void answer_requests(struct run *run, int count)
{
    for (int i = 0; i < count; i++) {
        gauge_begin(&run->gauges[0]);
        gauge_end(&run->gauges[0], 10);
        pulse_count(&run->pulse, FAILURE_NONE, 10);
    }
}

static void looks_begin_after_ramp_up_and_end_before_the_tail(void **state)
{
    struct run *run = run_begin(1000, 10, 0, 0);
    const struct evidence *evidence = &run->evidence;
    uint64_t number;
    (void)state;
    gauge_begin(&run->gauges[0]);
    gauge_begin(&run->gauges[0]);
    gauge_begin(&run->gauges[1]);
    look(run, 2000);
    assert_int_equal(evidence->first.at_ns, 0); /* no request has ended */
    gauge_end(&run->gauges[0], 100);
    gauge_end(&run->gauges[0], 100);
    gauge_end(&run->gauges[1], 200);
    look(run, 3000); /* as many as connections */
    assert_int_equal(evidence->first.at_ns, 3000);
    assert_int_equal(evidence->first.spent_ns, 400);
    assert_int_equal(evidence->sightings, 0);
    gauge_begin(&run->gauges[1]);
    gauge_begin(&run->gauges[1]);
    look(run, 4000);
    gauge_begin(&run->gauges[0]);
    look(run, 5000);
    gauge_end(&run->gauges[1], 1500);
    while (course_draw(&run->course, &number)) {
    }
    look(run, 6000); /* none is left to be drawn */
    assert_int_equal(evidence->sightings, 2);
    assert_int_equal(evidence->last.at_ns, 5000);
    assert_int_equal(evidence->last.ended, 3);
    assert_true(evidence->flying_sum == 5 && evidence->flying_squares == 13);
    assert_int_equal(evidence->spent_ns, 1900); /* of all there were */
    run_end(run);
}

static void nothing_is_seen_of_a_warm_up(void **state)
{
    struct run *run = run_begin(1000, 0, 0, 1000);
    (void)state;
    answer_requests(run, 3);
    look(run, 1999);
    assert_int_equal(run->evidence.first.at_ns, 0);
    look(run, 2000);
    assert_int_equal(run->evidence.first.at_ns, 2000);
    run_end(run);
}

/* Its first point is the first look of what counts, its last one the end, whenever that is heard.
 */
static void a_timeline_goes_from_the_beginning_to_the_end(void **state)
{
    struct run *run = run_begin(0, 0, NS_PER_S, NS_PER_S);
    const struct timeline *timeline = run->timeline;
    (void)state;
    look(run, NS_PER_S - 1);
    assert_int_equal(timeline->count, 0);
    for (uint64_t ms = 1000; ms <= 2500; ms += 10) {
        look(run, ms * NS_PER_MS);
        answer_requests(run, 1);
    }
    assert_int_equal(timeline->at[0].at_ns, NS_PER_S);
    assert_int_equal(timeline->at[timeline->count - 1].at_ns, 1900 * NS_PER_MS);
    assert_int_equal(timeline->at[timeline->count - 1].ended, 90);
    look_back(run, 3 * NS_PER_S);
    assert_int_equal(timeline->at[timeline->count - 1].at_ns, 2 * NS_PER_S);
    assert_int_equal(timeline->at[timeline->count - 1].ended, 151);
    assert_int_equal(timeline->seen.ok, 151);
    assert_int_equal(run->evidence.spent_ns, 1510);
    run_end(run);
}

static void a_run_that_ends_in_its_warm_up_has_no_timeline(void **state)
{
    struct run *run = run_begin(0, 0, NS_PER_S, NS_PER_S);
    (void)state;
    course_stop(&run->course, NS_PER_S / 2);
    look_back(run, NS_PER_S / 2 + 1);
    assert_int_equal(run->timeline->count, 0);
    run_end(run);
}

static void looks_end_with_the_run(void **state)
{
    struct run *run = run_begin(1000, 0, 1000, 0);
    (void)state;
    answer_requests(run, 3);
    look(run, 1500);
    look(run, 1999);
    look(run, 2000);
    assert_int_equal(run->evidence.sightings, 1);
    run_end(run);
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
