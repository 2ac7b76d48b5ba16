/* Verdicts on injected evidence: each check fails where it should, and only that one. */
#include "client/trust.h"

#include "client/space.h"
#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

/* One run and what is known of it: ten seconds, four connections that were always busy, one thread
 * on one of two cores. */
struct world {
    struct plan plan;
    struct tally *tally;
    struct report report;
};

static struct world *world_create(void)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->tally = space_create(1, sizeof(*w->tally));
    assert_non_null(w->tally);
    w->plan = (struct plan){.connections = 4, .threads = 1};
    w->tally->sent = w->tally->ok = 4000;
    for (int i = 0; i < 4000; i++) {
        histogram_record(&w->tally->latency, 10000);
        histogram_record(&w->tally->lag, 50);
    }
    w->report = (struct report){
        .plan = &w->plan,
        .tally = w->tally,
        .elapsed_ns = 10 * NS_PER_S,
        .due = 4000,
        .cpu_user_ns = 3 * NS_PER_S,
        .cpu_system_ns = 5 * NS_PER_S,
        .evidence =
            {
                .first = {.at_ns = 100 * NS_PER_S, .ended = 40, .spent_ns = NS_PER_S},
                .last = {.at_ns = 109 * NS_PER_S, .ended = 3640, .spent_ns = 37 * NS_PER_S},
                .sightings = 1000,
                .flying_sum = 4000,
                .flying_squares = 16000,
                .threads = 1,
                .busiest_cpu_ns = 8 * NS_PER_S,
                .wait_ns = NS_PER_S,
                .wait_known = true,
                .spent_ns = 40 * NS_PER_S,
                .cores = 2,
                .begin = {NS_PER_S, 2 * NS_PER_S, 3 * NS_PER_S},
                .end = {11 * NS_PER_S, 12 * NS_PER_S, 13 * NS_PER_S},
                .machine_begin_ticks = 1000,
                .machine_end_ticks = 3000,
                .stolen_begin_ticks = 100,
                .stolen_end_ticks = 120,
            },
    };
    return w;
}

static void world_destroy(struct world *w)
{
    space_destroy(w->tally, 1, sizeof(*w->tally));
    free(w);
}

static void record_many(struct histogram *histogram, unsigned count, uint64_t us)
{
    for (unsigned i = 0; i < count; i++) {
        histogram_record(histogram, us);
    }
}

static void at_rest(struct world *w)
{
    (void)w;
}

static void more_in_flight(struct world *w)
{
    w->report.evidence.flying_sum *= 1.2;
    w->report.evidence.flying_squares *= 1.44;
}

static void slow_stopwatches(struct world *w)
{
    w->report.evidence.last.spent_ns = 28 * NS_PER_S;
}

static void few_percent_more_in_flight(struct world *w)
{
    w->report.evidence.flying_sum *= 1.03;
    w->report.evidence.flying_squares *= 1.061;
}

static void few_looks(struct world *w)
{
    w->report.evidence.sightings = TRUST_LOOKS - 1;
}

static void a_busy_thread(struct world *w)
{
    w->report.evidence.busiest_cpu_ns = 9100 * NS_PER_MS;
}

static void busy_cores(struct world *w)
{
    w->report.cpu_user_ns = 14 * NS_PER_S;
}

static void a_queue_for_the_core(struct world *w)
{
    w->report.evidence.wait_ns = 2100 * NS_PER_MS; /* all four connections had to wait with it */
}

static void a_queue_of_threads(struct world *w)
{
    w->plan.threads = w->report.evidence.threads = 4;
    w->report.evidence.wait_ns = 8400 * NS_PER_MS; /* of 40 s that requests took */
}

static void threads_that_wait_a_little(struct world *w)
{
    w->plan.threads = w->report.evidence.threads = 4;
    w->report.evidence.wait_ns = 7900 * NS_PER_MS;
}

static void a_queue_that_is_not_known(struct world *w)
{
    w->report.evidence.wait_ns = 9 * NS_PER_S;
    w->report.evidence.wait_known = false;
}

static void late_sends(struct world *w)
{
    w->plan.rate = 400;
    record_many(&w->tally->lag, 50, 2000);
}

static void late_sends_beside_slow_replies(struct world *w)
{
    w->plan.rate = 400;
    record_many(&w->tally->lag, 50, 2000);
    record_many(&w->tally->latency, 5000, 30000);
}

static void late_sends_of_a_closed_loop(struct world *w)
{
    record_many(&w->tally->lag, 50, 2000);
}

static void missed_sends(struct world *w)
{
    w->plan.rate = 400;
    w->report.due = 4100;
    w->tally->missed = 42;
}

static void sends_missed_for_want_of_a_connection(struct world *w)
{
    w->plan.rate = 400;
    w->report.due = 8000;
    w->tally->held_up = 3000;
}

static void stolen_time(struct world *w)
{
    w->report.evidence.stolen_end_ticks = 202;
}

static void a_clock_that_was_slewed(struct world *w)
{
    w->report.evidence.end.raw_ns += 51 * NS_PER_MS;
}

static void a_clock_that_is_a_little_off(struct world *w)
{
    w->report.evidence.end.raw_ns -= 49 * NS_PER_MS;
}

static void a_machine_that_slept(struct world *w)
{
    w->report.evidence.end.boot_ns += 3 * NS_PER_S;
}

static void no_descriptors(struct world *w)
{
    w->tally->no_descriptor = 1;
    w->plan.descriptors = 16;
    w->report.evidence.means.descriptors = 12;
}

/* Some part of the program has more of them open than the plan reckoned with. */
static void unexpected_descriptors(struct world *w)
{
    w->tally->no_descriptor = 1;
    w->plan.descriptors = 16;
    w->report.evidence.means.descriptors = 20;
}

static void no_descriptors_of_the_machine(struct world *w)
{
    w->tally->no_descriptor_of_machine = 3;
    w->report.evidence.means.machine = 1000;
}

/* Of two addresses with 100 ports each, within two seconds of the run's beginning. */
static void no_ports(struct world *w)
{
    w->plan.source_count = 2;
    w->report.evidence.means.ports = 100;
    w->report.begin_ns = 50 * NS_PER_S;
    w->tally->no_port = 1;
    w->tally->no_port_ns = 52 * NS_PER_S;
    record_many(&w->tally->connect, 4, 10);
}

static void many_connections_without_ports(struct world *w)
{
    no_ports(w);
    w->plan.connections = 40;
    w->plan.source_count = 0;
    w->tally->ok = 40000;
    w->report.evidence.means.ports = 15;
}

static void no_ports_for_connections_that_come_and_go(struct world *w)
{
    no_ports(w);
    record_many(&w->tally->connect, 1, 10);
}

static void no_ports_after_minutes(struct world *w)
{
    no_ports_for_connections_that_come_and_go(w);
    w->tally->no_port_ns = 250 * NS_PER_S;
}

static void no_ports_in_a_warm_up(struct world *w)
{
    no_ports_for_connections_that_come_and_go(w);
    w->plan.warmup_ns = 10 * NS_PER_S;
}

enum {
    NONE = TRUST_CHECKS
};

struct row {
    const char *name;
    void (*change)(struct world *w);
    int check; /* that fails, and no other */
    const char *words;
};

static const struct row rows[] = {
    {"an_ordinary_run", at_rest, NONE, ""},
    {"more_in_flight_than_latencies_say", more_in_flight, TRUST_FLIGHT, "4.8 were counted, 4 "},
    {"latencies_that_are_too_short", slow_stopwatches, TRUST_FLIGHT, "4 were counted, 3 "},
    {"a_few_per_cent_between_them", few_percent_more_in_flight, NONE, ""},
    {"too_few_looks_at_them", few_looks, NONE, ""},
    {"a_thread_that_is_busy_all_the_time", a_busy_thread, TRUST_THREAD, "91 % of a core"},
    {"cores_that_are_all_busy", busy_cores, TRUST_CORES, "95 % of all cores"},
    {"a_loop_that_waits_for_its_core", a_queue_for_the_core, TRUST_QUEUE, "21 % of the time"},
    {"threads_that_wait_for_cores", a_queue_of_threads, TRUST_QUEUE, "21 % of the time"},
    {"threads_that_wait_a_little", threads_that_wait_a_little, NONE, ""},
    {"waits_that_nobody_knows", a_queue_that_is_not_known, NONE, ""},
    {"requests_that_are_sent_late", late_sends, TRUST_LAG, "2.00ms late"},
    {"as_late_but_for_replies_that_take_long", late_sends_beside_slow_replies, NONE, ""},
    {"no_schedule_no_lag", late_sends_of_a_closed_loop, NONE, ""},
    {"requests_that_are_not_sent", missed_sends, TRUST_MISSED, "never sent 42 requests"},
    {"no_free_connection_is_the_server_s_doing", sends_missed_for_want_of_a_connection, NONE, ""},
    {"a_host_that_takes_time_away", stolen_time, TRUST_STOLEN, "5 % of this machine's time"},
    {"a_clock_that_jumps", a_clock_that_was_slewed, TRUST_CLOCK, "0.051 s"},
    {"a_clock_that_is_a_little_off", a_clock_that_is_a_little_off, NONE, ""},
    {"a_machine_that_sleeps", a_machine_that_slept, TRUST_CLOCK, "3 s"},
    {"no_descriptor_left", no_descriptors, TRUST_DESCRIPTORS,
     "1 connections found no free descriptor: ulimit -n is 12 and must be 16"},
    {"no_descriptor_left_where_there_should_be", unexpected_descriptors, TRUST_DESCRIPTORS,
     "1 connections found no free descriptor: ulimit -n is 20 and must be 24"},
    {"no_descriptor_left_in_the_machine", no_descriptors_of_the_machine, TRUST_DESCRIPTORS,
     "3 connections found no free descriptor: fs.file-max is 1000 and must be 1004"},
    {"no_port_left", no_ports, TRUST_PORTS,
     "1 connections found no free local port of the 100 in net.ipv4.ip_local_port_range: name 3 "
     "addresses with --source"},
    {"no_port_left_for_many", many_connections_without_ports, TRUST_PORTS, "name 4 addresses"},
    {"no_port_for_connections_that_come_and_go", no_ports_for_connections_that_come_and_go,
     TRUST_PORTS,
     "no free local port: each of the 100 in net.ipv4.ip_local_port_range is kept for a minute "
     "after its connection: name 63 addresses with --source, or make no more than 3.33 "
     "connections a second (-R)"},
    {"no_port_after_minutes", no_ports_after_minutes, TRUST_PORTS, "name 3 addresses"},
    {"no_port_in_a_warm_up", no_ports_in_a_warm_up, TRUST_PORTS, "name 13 addresses"},
};

static void is_judged(void **state)
{
    const struct row *row = *state;
    char text[TRUST_TEXT];
    struct world *w = world_create();
    row->change(w);
    struct trust trust = trust_judge(&w->report);
    for (int check = 0; check < TRUST_CHECKS; check++) {
        assert_int_equal(trust.fails[check], check == row->check);
    }
    assert_int_equal(trust.verdict, row->check == NONE ? TRUSTED : NOT_TRUSTED);
    trust_explain(text, &trust, (enum trust_check)row->check, &w->report);
    if (strstr(text, row->words) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", row->words, text);
    }
    world_destroy(w);
}

/* The demonstration: twenty requests on twenty connections. */
static void few_requests_are_too_short_to_judge(void **state)
{
    (void)state;
    struct world *w = world_create();
    a_busy_thread(w);
    w->plan.connections = 20;
    w->tally->ok = 20;
    struct trust trust = trust_judge(&w->report);
    assert_int_equal(trust.verdict, TOO_SHORT);
    assert_false(trust.fails[TRUST_THREAD]);
    w->tally->ok = 20 * TRUST_ENOUGH - 1;
    assert_int_equal(trust_judge(&w->report).verdict, TOO_SHORT);
    w->tally->failed = 1;
    assert_int_equal(trust_judge(&w->report).verdict, NOT_TRUSTED);
    world_destroy(w);
}

static void scarcity_needs_no_long_run(void **state)
{
    (void)state;
    struct world *w = world_create();
    w->tally->ok = 1;
    w->tally->no_descriptor = 1;
    assert_int_equal(trust_judge(&w->report).verdict, NOT_TRUSTED);
    world_destroy(w);
}

static void nothing_at_all_is_too_short(void **state)
{
    (void)state;
    struct world *w = world_create();
    memset(w->tally, 0, sizeof(*w->tally));
    w->report = (struct report){.plan = &w->plan, .tally = w->tally};
    assert_int_equal(trust_judge(&w->report).verdict, TOO_SHORT);
    world_destroy(w);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, is_judged, ROWS(rows));
    suite_add(&suite, CASE(few_requests_are_too_short_to_judge));
    suite_add(&suite, CASE(scarcity_needs_no_long_run));
    suite_add(&suite, CASE(nothing_at_all_is_too_short));
    return suite_run(&suite, "client/trust");
}
