#include "client/report.h"

#include "client/trust.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <math.h>
#include <string.h>

enum {
    LABEL = REPORT_LABEL,
    COLUMN = 8, /* width of a column of figures */
};

/* Of 100,000 samples. */
static const struct {
    const char *name;
    uint32_t per_100k;
} columns[] = {
    {"p50", 50000}, {"p75", 75000},   {"p90", 90000},
    {"p99", 99000}, {"p99.9", 99900}, {"p99.99", 99990},
};

enum {
    COLUMNS = sizeof columns / sizeof columns[0]
};

static void print_label(FILE *to, const char *label)
{
    fprintf(to, "  %-*s", LABEL, label);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_target(const struct report *report, FILE *to)
{
    const struct plan *plan = report->plan;
    char connections[UNITS_TEXT];
    char threads[UNITS_TEXT];
    fprintf(to, "%s%s%s", report->interrupted ? "interrupted: " : "",
            strcmp(plan->method_text, "GET") == 0 ? "" : plan->method_text,
            strcmp(plan->method_text, "GET") == 0 ? "" : " ");
    fprintf(to, "%s", plan->targets[0].url);
    if (plan->target_count > 1) {
        fprintf(to, " and %zu more", plan->target_count - 1);
    }
    fprintf(to, "\n\n");
    print_label(to, report->model->name);
    fprintf(to, "%s%s connection%s", plan->ramps_connections ? "at most " : "",
            units_write_count(connections, plan->connections), plural(plan->connections));
    if (!report->model->one_thread_each) {
        fprintf(to, " on %s event loop%s\n", units_write_count(threads, plan->threads),
                plural(plan->threads));
    } else if (plan->connections == 1) {
        fprintf(to, ", a plain loop of requests\n");
    } else {
        fprintf(to, ", each with a thread that waits for it\n");
    }
}

/* "from 10 connections: 10s to 100, at once to 50, 20s to 50" */
static void print_stages(const struct report *report, FILE *to)
{
    const struct plan *plan = report->plan;
    const struct ramp *ramp = &plan->ramp;
    char text[UNITS_TEXT];
    if (ramp->count == 0) {
        return;
    }
    uint64_t from = (uint64_t)ramp->at[0].from;
    print_label(to, "stages");
    fprintf(to, "from %s %s%s%s:", units_write_count(text, from),
            plan->ramps_connections ? "connection" : "request", plural(from),
            plan->ramps_connections ? "" : "/s");
    for (size_t i = 0; i < ramp->count; i++) {
        const struct stage *stage = &ramp->at[i];
        fprintf(to, "%s %s", i > 0 ? "," : "",
                stage->length_ns > 0 ? units_write_duration(text, stage->length_ns) : "at once");
        fprintf(to, " to %s", units_write_count(text, (uint64_t)stage->to));
    }
    fprintf(to, "\n");
}

static void print_requests(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    uint64_t cut = tally->sent - tally->ok - tally->failed;
    char text[UNITS_TEXT];
    print_label(to, "requests");
    fprintf(to, "%s ok", units_write_count(text, tally->ok));
    fprintf(to, ", %s failed", units_write_count(text, tally->failed));
    if (cut > 0) {
        fprintf(to, ", %s cut off by the end", units_write_count(text, cut));
    }
    fprintf(to, " in %s\n", units_write_duration(text, report->elapsed_ns));
}

static void print_warmup(const struct report *report, FILE *to)
{
    const struct tally *warmup = report->warmup;
    char text[UNITS_TEXT];
    if (report->plan->warmup_ns == 0) {
        return;
    }
    print_label(to, "warm-up");
    fprintf(to, "%s before, ", units_write_duration(text, report->plan->warmup_ns));
    fprintf(to, "with %s request%s not count", units_write_count(text, warmup->sent),
            warmup->sent == 1 ? " that does" : "s that do");
    if (warmup->failed > 0) {
        fprintf(to, "; %s of them failed", units_write_count(text, warmup->failed));
    }
    fprintf(to, "\n");
}

/* Of an open loop: what was to be sent, and what was not, or too late. */
static void print_schedule(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    char rate[UNITS_TEXT];
    char due[UNITS_TEXT];
    char late[UNITS_TEXT];
    char never[UNITS_TEXT];
    if (report->plan->rate == 0) {
        return;
    }
    struct missed missed = report_missed(report);
    print_label(to, "schedule");
    if (report->plan->ramp.count > 0) {
        fprintf(to, "by the clock, in stages, %s due\n", units_write_count(due, report->due));
    } else {
        fprintf(to, "%s requests/s by the clock, %s due\n",
                units_write_count(rate, report->plan->rate), units_write_count(due, report->due));
    }
    if (tally->held_up > 0 || missed.no_connection > 0) {
        print_label(to, "");
        fprintf(to, "%s sent late and %s never, because no connection was free\n",
                units_write_count(late, tally->held_up),
                units_write_count(never, missed.no_connection));
    }
    if (missed.generator > 0) {
        print_label(to, "");
        fprintf(to, "%s never sent though a connection was free: the generator was late\n",
                units_write_count(never, missed.generator));
    }
}

static void print_throughput(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    double elapsed_s = (double)(report->elapsed_ns + 1) / NS_PER_S;
    double rate = (double)tally->ok / elapsed_s;
    char text[UNITS_TEXT];
    print_label(to, "throughput");
    if (rate < 100) {
        fprintf(to, "%.3g requests/s", rate);
    } else {
        fprintf(to, "%s requests/s", units_write_count(text, (uint64_t)rate));
    }
    fprintf(to, ", %s/s received\n",
            units_write_bytes(text, (double)tally->bytes_received / elapsed_s));
}

/* "TLSv1.3, TLS_AES_256_GCM_SHA384; 3 of 10 handshakes resumed" */
static void print_tls(const struct report *report, FILE *to)
{
    const struct tally *of = report_shaken(report);
    char count[UNITS_TEXT];
    if (of->handshake.count == 0) {
        return;
    }
    print_label(to, "tls");
    for (size_t i = 0; i < TALLY_SUITES && of->suites[i].handshakes > 0; i++) {
        fprintf(to, "%s%s, %s", i > 0 ? " or " : "", of->suites[i].protocol, of->suites[i].cipher);
    }
    fprintf(to, "; %s of ", units_write_count(count, of->resumed));
    fprintf(to, "%s handshake%s resumed%s\n", units_write_count(count, of->handshake.count),
            plural(of->handshake.count), of == report->tally ? "" : ", in the warm-up");
}

/* Durations here are microseconds; 0 is "below half a microsecond". */
static void print_figure(FILE *to, double us)
{
    char text[UNITS_TEXT];
    fprintf(to, " %*s", COLUMN, units_write_duration(text, (uint64_t)(us * NS_PER_US + 0.5)));
}

static void print_row(FILE *to, const char *label, const struct histogram *histogram)
{
    if (histogram->count == 0) {
        return;
    }
    print_label(to, label);
    print_figure(to, histogram_mean(histogram));
    print_figure(to, sqrt(histogram_variance(histogram)));
    for (size_t i = 0; i < COLUMNS; i++) {
        print_figure(to, (double)histogram_percentile(histogram, columns[i].per_100k));
    }
    print_figure(to, (double)histogram_max(histogram));
    fprintf(to, "\n");
}

static void print_times(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    if (tally->latency.count == 0 && tally->connect.count == 0) {
        return;
    }
    fprintf(to, "\n");
    print_label(to, "");
    fprintf(to, " %*s %*s", COLUMN, "mean", COLUMN, "stdev");
    for (size_t i = 0; i < COLUMNS; i++) {
        fprintf(to, " %*s", COLUMN, columns[i].name);
    }
    fprintf(to, " %*s\n", COLUMN, "max");
    print_row(to, "latency", &tally->latency);
    print_row(to, "raw", &tally->raw);
    print_row(to, "first byte", &tally->first_byte);
    print_row(to, "send lag", &tally->lag);
    print_row(to, "connect", &tally->connect);
    print_row(to, "handshake", &tally->handshake);
    if (tally->raw.count > 0) {
        fprintf(to,
                "\n  latency counts from the moment a request was due, raw from its sending, which "
                "hides the wait for a connection\n");
    }
    fprintf(to, "\n");
}

static void print_errors(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    const char *label = "errors";
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        const char *why = report_cause(report, (enum failure)kind);
        char text[UNITS_TEXT];
        if (tally->failures[kind] == 0) {
            continue;
        }
        print_label(to, label);
        fprintf(to, "%s %s", units_write_count(text, tally->failures[kind]),
                failure_name((enum failure)kind));
        fprintf(to, why != NULL ? " (%s)\n" : "\n", why);
        label = "";
    }
}

/* Only when they say more than that all went well. */
static void print_statuses(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    const char *before = "";
    if (tally->statuses[200] == tally->ok && tally->failures[FAILURE_STATUS] == 0) {
        return;
    }
    print_label(to, "statuses");
    for (int status = 0; status < TALLY_STATUSES; status++) {
        char text[UNITS_TEXT];
        if (tally->statuses[status] > 0) {
            fprintf(to, "%s%d: %s", before, status,
                    units_write_count(text, tally->statuses[status]));
            before = ", ";
        }
    }
    fprintf(to, "\n");
}

static void print_delay(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    char sum[UNITS_TEXT];
    char most[UNITS_TEXT];
    if (tally->delay_count > 0) {
        print_label(to, "delay");
        fprintf(to, "the server waited %s in all, %s at most\n",
                units_write_duration(sum, tally->delay_sum_ns),
                units_write_duration(most, tally->delay_max_ns));
    }
}

static void print_generator(const struct report *report, FILE *to)
{
    uint64_t cpu_ns = report->cpu_user_ns + report->cpu_system_ns;
    uint64_t done = report->tally->ok + report->tally->failed;
    char text[UNITS_TEXT];
    print_label(to, "generator");
    fprintf(to, "%s of CPU", units_write_duration(text, cpu_ns));
    fprintf(to, ", %.0f %% of a core", 100.0 * (double)cpu_ns / (double)(report->elapsed_ns + 1));
    if (done > 0) {
        fprintf(to, ", %s a request", units_write_duration(text, cpu_ns / done));
    }
    fprintf(to, "\n");
}

/* A threshold's figure in the words of its bound. */
static void print_value(FILE *to, const struct threshold *threshold, double value)
{
    char text[UNITS_TEXT];
    switch (threshold->figure) {
    case REQUIRE_RPS:
    case REQUIRE_ERRORS:
        fprintf(to, "%s", units_write_count(text, (uint64_t)value));
        break;
    case REQUIRE_ERROR_SHARE:
        fprintf(to, "%.3g%%", 100 * value);
        break;
    default:
        fprintf(to, "%s", units_write_duration(text, (uint64_t)(value * NS_PER_US)));
        break;
    }
}

static void print_thresholds(const struct report *report, FILE *to)
{
    const char *label = "required";
    for (size_t i = 0; i < report->thresholds->count; i++) {
        const struct threshold *threshold = &report->thresholds->at[i];
        double value = require_figure(threshold, report->tally, report->elapsed_ns);
        bool holds = require_holds(threshold, report->tally, report->elapsed_ns);
        print_label(to, label);
        fprintf(to, "%s %s", threshold->text, holds ? "holds: " : "is missed: ");
        if (value < 0) {
            fprintf(to, "no reply");
        } else {
            print_value(to, threshold, value);
        }
        fprintf(to, "\n");
        label = "";
    }
}

static void print_trust(const struct report *report, FILE *to)
{
    struct trust trust = trust_judge(report);
    const char *label = "not trusted";
    char text[TRUST_TEXT];
    switch (trust.verdict) {
    case TRUSTED:
        print_label(to, "trusted");
        fprintf(to, "yes: clock, cores, sends and requests in flight were looked at\n");
        break;
    case TOO_SHORT:
        print_label(to, "trusted");
        fprintf(to, "too short to judge: under %d requests on each connection\n", TRUST_ENOUGH);
        break;
    case NOT_TRUSTED:
        for (int check = 0; check < TRUST_CHECKS; check++) {
            if (trust.fails[check]) {
                print_label(to, label);
                fprintf(to, "%s\n", trust_explain(text, &trust, (enum trust_check)check, report));
                label = "";
            }
        }
        break;
    }
}

/* Every percentile at which a further half of a half of ... the samples is passed, in five steps
 * each, as HdrHistogram prints them. */
static void print_table(const struct histogram *histogram, FILE *to)
{
    double percentile = 0;
    uint64_t reached = 0;
    char text[UNITS_TEXT];
    fprintf(to, "\n  %*s  percentile  %*s  1/(1-percentile)\n", LABEL, "latency", LABEL,
            "requests");
    for (uint32_t slot = histogram->low; slot < histogram->high; slot++) {
        reached += histogram->slots[slot];
        double share = 100.0 * (double)reached / (double)histogram->count;
        if (histogram->slots[slot] == 0 || (share < percentile && reached < histogram->count)) {
            continue;
        }
        uint64_t us = histogram_slot_highest(slot);
        fprintf(to, "  %*s  %10.6f", LABEL, units_write_duration(text, us * NS_PER_US),
                share / 100);
        fprintf(to, "  %*s", LABEL, units_write_count(text, reached));
        if (reached < histogram->count) {
            fprintf(to, "  %16.2f\n", 100 / (100 - share));
        } else {
            fprintf(to, "  %16s\n", "all");
        }
        while (percentile <= share && reached < histogram->count) {
            double halves = floor(log2(100 / (100 - percentile))) + 1;
            percentile += 100 / (5 * exp2(halves));
        }
    }
}

void report_print(const struct report *report, bool full, FILE *to)
{
    print_target(report, to);
    print_warmup(report, to);
    print_stages(report, to);
    print_requests(report, to);
    print_schedule(report, to);
    print_throughput(report, to);
    print_tls(report, to);
    print_times(report, to);
    report_print_over_time(report, to);
    print_errors(report, to);
    print_statuses(report, to);
    print_delay(report, to);
    print_generator(report, to);
    print_thresholds(report, to);
    print_trust(report, to);
    if (full && report->tally->latency.count > 0) {
        print_table(&report->tally->latency, to);
    }
}
