#include "client/trust.h"

#include "lib/base/clock.h"
#include "lib/base/order.h"
#include "lib/base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TIME_WAIT_NS (60 * NS_PER_S) /* TCP_TIMEWAIT_LEN: how long Linux keeps what was closed */

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static bool exceeds(double share, int most_percent)
{
    return share * 100 > most_percent;
}

/* --- requests in flight ----------------------------------------------------------------------- */

/* What the span's time of requests may be off by because its ends cut through some of them: those
 * begun before it bring in time from outside, those unfinished after it leave some out, and where
 * more are in flight at one end than at the other, as when a load grows, that does not cancel. */
static double cut_ns(const struct evidence *evidence, double each_ns)
{
    return fabs((double)evidence->last.flying - (double)evidence->first.flying) * each_ns;
}

/* Little's law: on average as many requests are in flight as the time that all took together comes
 * to, over the time that passed. Both sides are of the same span, but one was counted by an
 * onlooker and the other measured by stop-watches. Few looks at what varies much allow for some
 * chance. */
static bool flight_fails(const struct evidence *evidence, struct trust *trust)
{
    double looks = (double)evidence->sightings;
    double span_ns = (double)(evidence->last.at_ns - evidence->first.at_ns);
    double spent_ns = (double)(evidence->last.spent_ns - evidence->first.spent_ns);
    double ended = (double)(evidence->last.ended - evidence->first.ended);
    if (evidence->sightings < TRUST_LOOKS || ended < 1) {
        return false;
    }
    trust->flying = evidence->flying_sum / looks;
    trust->flying_expected = spent_ns / span_ns;
    /* looks closer together than a request takes see the same requests */
    double independent = fmax(1, fmin(looks, span_ns * ended / (2 * spent_ns + 1)));
    double variance = fmax(0, evidence->flying_squares / looks - trust->flying * trust->flying);
    double allowed = trust->flying_expected * TRUST_FLIGHT_MOST / 100 +
                     4 * sqrt(variance / independent) + TRUST_FLIGHT_MOST / 100.0 +
                     cut_ns(evidence, spent_ns / ended) / span_ns;
    return fabs(trust->flying - trust->flying_expected) > allowed;
}

/* --- the generator ---------------------------------------------------------------------------- */

/* How much of the time that requests took went by while a thread that had to do with them waited
 * for a core. A thread that has many in flight holds all of them up. */
static double queue_share(const struct evidence *evidence, const struct tally *tally,
                          double elapsed_ns)
{
    double in_all_ns = fmax((double)evidence->spent_ns, (double)tally->latency.sum_us * NS_PER_US);
    double of_threads_ns = elapsed_ns * (double)evidence->threads;
    if (!evidence->wait_known) {
        return -1;
    }
    return fmin(1, share((double)evidence->wait_ns, fmin(in_all_ns, of_threads_ns)));
}

static void judge_generator(const struct report *report, struct trust *trust)
{
    const struct evidence *evidence = &report->evidence;
    double elapsed_ns = (double)report->elapsed_ns;
    double whole_ns = elapsed_ns + (double)report->plan->warmup_ns; /* that threads worked */
    double cpu_ns = (double)(report->cpu_user_ns + report->cpu_system_ns);
    trust->thread_share = share((double)evidence->busiest_cpu_ns, whole_ns);
    trust->cores_share = share(cpu_ns, elapsed_ns * evidence->cores);
    trust->queue_share = queue_share(evidence, report->tally, whole_ns);
    trust->fails[TRUST_THREAD] = exceeds(trust->thread_share, TRUST_CPU_MOST);
    trust->fails[TRUST_CORES] = exceeds(trust->cores_share, TRUST_CPU_MOST);
    trust->fails[TRUST_QUEUE] = exceeds(trust->queue_share, TRUST_QUEUE_MOST);
}

static void judge_schedule(const struct report *report, struct trust *trust)
{
    const struct tally *tally = report->tally;
    uint64_t share_us = histogram_percentile(&tally->latency, 50000) * TRUST_LAG_MOST / 100;
    if (report->plan->rate == 0) {
        return;
    }
    trust->lag_us = histogram_percentile(&tally->lag, 99000);
    trust->lag_most_us = greater_of(share_us, TRUST_LAG_US);
    trust->fails[TRUST_LAG] = trust->lag_us > trust->lag_most_us;
    double missed = share((double)report_missed(report).generator, (double)report->due);
    trust->fails[TRUST_MISSED] = exceeds(missed, TRUST_MISSED_MOST);
}

/* --- the machine ------------------------------------------------------------------------------ */

static double difference_s(uint64_t begin_a, uint64_t end_a, uint64_t begin_b, uint64_t end_b)
{
    return fabs((double)(end_a - begin_a) - (double)(end_b - begin_b)) / NS_PER_S;
}

static void judge_machine(const struct evidence *evidence, struct trust *trust)
{
    const struct clocks *begin = &evidence->begin;
    const struct clocks *end = &evidence->end;
    double slewed_s =
        difference_s(begin->monotonic_ns, end->monotonic_ns, begin->raw_ns, end->raw_ns);
    double slept_s =
        difference_s(begin->monotonic_ns, end->monotonic_ns, begin->boot_ns, end->boot_ns);
    double whole_s = (double)(end->monotonic_ns - begin->monotonic_ns) / NS_PER_S;
    trust->clock_off_s = fmax(slewed_s, slept_s);
    trust->fails[TRUST_CLOCK] = trust->clock_off_s > fmax(TRUST_CLOCK_MS / 1e3, whole_s / 200);
    trust->stolen_share =
        share((double)(evidence->stolen_end_ticks - evidence->stolen_begin_ticks),
              (double)(evidence->machine_end_ticks - evidence->machine_begin_ticks));
    trust->fails[TRUST_STOLEN] = exceeds(trust->stolen_share, TRUST_STOLEN_MOST);
}

struct trust trust_judge(const struct report *report)
{
    const struct tally *tally = report->tally;
    struct trust trust = {.verdict = TRUSTED};
    trust.fails[TRUST_FLIGHT] = flight_fails(&report->evidence, &trust);
    judge_generator(report, &trust);
    judge_schedule(report, &trust);
    judge_machine(&report->evidence, &trust);
    trust.fails[TRUST_DESCRIPTORS] = tally->no_descriptor + tally->no_descriptor_of_machine > 0;
    trust.fails[TRUST_PORTS] = tally->no_port > 0;
    for (int check = 0; check < TRUST_CHECKS; check++) {
        trust.verdict = trust.fails[check] ? NOT_TRUSTED : trust.verdict;
    }
    bool scarce = trust.fails[TRUST_DESCRIPTORS] || trust.fails[TRUST_PORTS];
    if (tally->ok + tally->failed < TRUST_ENOUGH * report->plan->connections && !scarce) {
        memset(trust.fails, 0, sizeof trust.fails);
        trust.verdict = TOO_SHORT;
    }
    return trust;
}

/* --- in words --------------------------------------------------------------------------------- */

static double percent(double share)
{
    return share * 100;
}

static void explain_descriptors(char *to, const struct report *report)
{
    const struct tally *tally = report->tally;
    const struct means *means = &report->evidence.means;
    bool own = tally->no_descriptor > 0;
    uint64_t failed = own ? tally->no_descriptor : tally->no_descriptor_of_machine;
    uint64_t limit = own ? means->descriptors : means->machine;
    uint64_t needed = limit + report->plan->connections;
    char count[UNITS_TEXT];
    if (own && limit < report->plan->descriptors) {
        needed = report->plan->descriptors;
    }
    snprintf(to, TRUST_TEXT, "%s connections found no free descriptor: %s is %llu and must be %llu",
             units_write_count(count, failed), own ? "ulimit -n" : "fs.file-max",
             (unsigned long long)limit, (unsigned long long)needed);
}

/* Ports that nobody gives back are had in twice as many addresses. Those of connections that end
 * come back, but each after a minute, when it was this side that ended first: for want of as many
 * as that takes at the pace at which they went, there is only a slower pace. */
static void explain_ports(char *to, const struct report *report)
{
    const struct tally *tally = report->tally;
    const struct plan *plan = report->plan;
    uint64_t ports = greater_of(report->evidence.means.ports, 1);
    uint64_t sources = greater_of(plan->source_count, 1);
    uint64_t start_ns = report->begin_ns - plan->warmup_ns;
    uint64_t lasted_ns = greater_of(tally->no_port_ns, start_ns + 1) - start_ns;
    char count[UNITS_TEXT];
    units_write_count(count, tally->no_port);
    if (tally->connect.count <= plan->connections) {
        snprintf(to, TRUST_TEXT,
                 "%s connections found no free local port of the %llu in "
                 "net.ipv4.ip_local_port_range: name %llu addresses with --source",
                 count, (unsigned long long)ports,
                 (unsigned long long)(sources + (plan->connections + ports - 1) / ports));
        return;
    }
    uint64_t turns = TIME_WAIT_NS / lasted_ns + 1;
    snprintf(to, TRUST_TEXT,
             "%s connections found no free local port: each of the %llu in "
             "net.ipv4.ip_local_port_range is kept for a minute after its connection: name %llu "
             "addresses with --source, or make no more than %.3g connections a second (-R)",
             count, (unsigned long long)ports, (unsigned long long)(sources * turns + 1),
             (double)(ports * sources) * NS_PER_S / TIME_WAIT_NS);
}

char *trust_explain(char *to, const struct trust *trust, enum trust_check check,
                    const struct report *report)
{
    char a[UNITS_TEXT];
    char b[UNITS_TEXT];
    switch (check) {
    case TRUST_FLIGHT:
        snprintf(to, TRUST_TEXT,
                 "requests in flight do not add up: %.3g were counted, %.3g follow "
                 "from the latencies",
                 trust->flying, trust->flying_expected);
        break;
    case TRUST_THREAD:
        snprintf(to, TRUST_TEXT,
                 "the generator was the limit: a thread of it used %.0f %% of a core "
                 "(at most %d %%)",
                 percent(trust->thread_share), TRUST_CPU_MOST);
        break;
    case TRUST_CORES:
        snprintf(to, TRUST_TEXT,
                 "the generator was the limit: it used %.0f %% of all cores it may "
                 "run on (at most %d %%)",
                 percent(trust->cores_share), TRUST_CPU_MOST);
        break;
    case TRUST_QUEUE:
        snprintf(to, TRUST_TEXT,
                 "the generator waited for a core in %.0f %% of the time that "
                 "requests took (at most %d %%): give it cores of its own",
                 percent(trust->queue_share), TRUST_QUEUE_MOST);
        break;
    case TRUST_LAG:
        snprintf(to, TRUST_TEXT,
                 "the generator sent one request in 100 %s late or more (at most "
                 "%s)",
                 units_write_duration(a, trust->lag_us * NS_PER_US),
                 units_write_duration(b, trust->lag_most_us * NS_PER_US));
        break;
    case TRUST_MISSED:
        snprintf(to, TRUST_TEXT,
                 "the generator never sent %s requests, though a connection was free",
                 units_write_count(a, report_missed(report).generator));
        break;
    case TRUST_STOLEN:
        snprintf(to, TRUST_TEXT, "the host took %.0f %% of this machine's time (at most %d %%)",
                 percent(trust->stolen_share), TRUST_STOLEN_MOST);
        break;
    case TRUST_CLOCK:
        snprintf(to, TRUST_TEXT, "the clock jumped, or the machine slept, by %.3g s",
                 trust->clock_off_s);
        break;
    case TRUST_DESCRIPTORS:
        explain_descriptors(to, report);
        break;
    case TRUST_PORTS:
        explain_ports(to, report);
        break;
    case TRUST_CHECKS:
        to[0] = '\0';
        break;
    }
    return to;
}
