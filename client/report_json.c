#include "client/report.h"

#include "client/trust.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

static const char *verify_name(enum verify verify)
{
    static const char *const names[] = {
        [VERIFY_STATUS] = "status",
        [VERIFY_LENGTH] = "length",
        [VERIFY_BYTES] = "bytes",
    };
    return names[verify];
}

static double seconds(uint64_t ns)
{
    return (double)ns / NS_PER_S;
}

static json_t *count_or_null(uint64_t count)
{
    return count > 0 ? json_integer((json_int_t)count) : json_null();
}

static json_t *seconds_or_null(uint64_t ns)
{
    return ns > 0 ? json_real(seconds(ns)) : json_null();
}

static json_t *weights_json(const struct plan *plan)
{
    json_t *weights = plan->weights == NULL ? json_null() : json_array();
    for (size_t i = 0; plan->weights != NULL && i < plan->target_count; i++) {
        json_array_append_new(weights, json_integer(plan->weights[i]));
    }
    return weights;
}

static json_t *stages_json(const struct plan *plan)
{
    const struct ramp *ramp = &plan->ramp;
    if (ramp->count == 0) {
        return json_null();
    }
    json_t *to = json_array();
    for (size_t i = 0; i < ramp->count; i++) {
        json_array_append_new(
            to, json_pack("[f, I]", seconds(ramp->at[i].length_ns), (json_int_t)ramp->at[i].to));
    }
    return json_pack("{s:s, s:I, s:o}", "of", plan->ramps_connections ? "connections" : "rate",
                     "from", (json_int_t)ramp->at[0].from, "to", to);
}

static json_t *plan_tls_json(const struct plan *plan)
{
    if (plan->tls == NULL) {
        return json_null();
    }
    return json_pack("{s:b, s:b}", "verify", !plan->insecure, "resume", plan->resume);
}

static json_t *plan_json(const struct plan *plan)
{
    json_t *urls = json_array();
    for (size_t i = 0; i < plan->target_count; i++) {
        json_array_append_new(urls, json_string(plan->targets[i].url));
    }
    return json_pack(
        "{s:o, s:o, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:b, s:f, s:[f, f], s:I, s:s, "
        "s:o}",
        "urls", urls, "weights", weights_json(plan), "method", plan->method_text, "connections",
        (json_int_t)plan->connections, "threads", (json_int_t)plan->threads, "pipeline",
        (json_int_t)plan->pipeline, "rate", count_or_null(plan->rate), "stages", stages_json(plan),
        "requests", count_or_null(plan->requests), "duration_s", seconds_or_null(plan->duration_ns),
        "warmup_s", seconds_or_null(plan->warmup_ns), "close", plan->close, "timeout_s",
        seconds(plan->timeout_ns), "think_s", seconds(plan->think_low_ns),
        seconds(plan->think_high_ns), "seed", (json_int_t)plan->seed, "verify",
        verify_name(plan->verify), "tls", plan_tls_json(plan));
}

static json_t *errors_json(const struct tally *tally)
{
    json_t *errors = json_object();
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        json_object_set_new(errors, failure_name((enum failure)kind),
                            json_integer((json_int_t)tally->failures[kind]));
    }
    return errors;
}

static json_t *causes_json(const struct report *report)
{
    json_t *causes = json_object();
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        const char *why = report_cause(report, (enum failure)kind);
        if (report->tally->failures[kind] > 0 && why != NULL) {
            json_object_set_new(causes, failure_name((enum failure)kind), json_string(why));
        }
    }
    return causes;
}

static json_t *statuses_json(const struct tally *tally)
{
    json_t *statuses = json_object();
    for (int status = 0; status < TALLY_STATUSES; status++) {
        char name[16];
        if (tally->statuses[status] > 0) {
            snprintf(name, sizeof name, "%d", status);
            json_object_set_new(statuses, name, json_integer((json_int_t)tally->statuses[status]));
        }
    }
    return statuses;
}

static json_t *times_json(const struct histogram *histogram)
{
    static const struct {
        const char *name;
        uint32_t per_100k;
    } percentiles[] = {
        {"p50", 50000}, {"p75", 75000},   {"p90", 90000},
        {"p99", 99000}, {"p99.9", 99900}, {"p99.99", 99990},
    };
    json_t *times =
        json_pack("{s:I, s:f, s:f, s:I}", "count", (json_int_t)histogram->count, "mean",
                  histogram_mean(histogram), "stdev", sqrt(histogram_variance(histogram)), "min",
                  (json_int_t)histogram_min(histogram));
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        uint64_t us = histogram_percentile(histogram, percentiles[i].per_100k);
        json_object_set_new(times, percentiles[i].name, json_integer((json_int_t)us));
    }
    json_object_set_new(times, "max", json_integer((json_int_t)histogram_max(histogram)));
    return times;
}

static json_t *tls_json(const struct report *report)
{
    const struct tally *of = report_shaken(report);
    if (report->plan->tls == NULL) {
        return json_null();
    }
    json_t *agreed = json_array();
    for (size_t i = 0; i < TALLY_SUITES && of->suites[i].handshakes > 0; i++) {
        json_array_append_new(agreed,
                              json_pack("{s:s, s:s, s:I}", "protocol", of->suites[i].protocol,
                                        "cipher", of->suites[i].cipher, "handshakes",
                                        (json_int_t)of->suites[i].handshakes));
    }
    return json_pack("{s:I, s:I, s:o}", "handshakes", (json_int_t)report->tally->handshake.count,
                     "resumed", (json_int_t)report->tally->resumed, "agreed", agreed);
}

static json_t *open_loop_json(const struct report *report)
{
    const struct tally *tally = report->tally;
    if (report->plan->rate == 0) {
        return json_null();
    }
    struct missed missed = report_missed(report);
    return json_pack("{s:I, s:I, s:{s:I, s:I}, s:o, s:o}", "due", (json_int_t)report->due,
                     "held_up", (json_int_t)tally->held_up, "missed", "no_connection",
                     (json_int_t)missed.no_connection, "generator", (json_int_t)missed.generator,
                     "raw_us", times_json(&tally->raw), "lag_us", times_json(&tally->lag));
}

static json_t *histogram_json(const struct histogram *histogram)
{
    json_t *pairs = json_array();
    for (uint32_t slot = histogram->low; slot < histogram->high; slot++) {
        if (histogram->slots[slot] > 0) {
            json_array_append_new(pairs,
                                  json_pack("[I, I]", (json_int_t)histogram_slot_highest(slot),
                                            (json_int_t)histogram->slots[slot]));
        }
    }
    return json_pack("{s:o}", "latency_us", pairs);
}

static json_t *generator_json(const struct report *report)
{
    uint64_t done = report->tally->ok + report->tally->failed;
    uint64_t cpu_ns = report->cpu_user_ns + report->cpu_system_ns;
    double per_request_us = done > 0 ? (double)cpu_ns / (double)done / NS_PER_US : 0;
    return json_pack("{s:f, s:f, s:f, s:I}", "cpu_user_s", seconds(report->cpu_user_ns),
                     "cpu_system_s", seconds(report->cpu_system_ns), "cpu_us_per_request",
                     per_request_us, "threads", (json_int_t)report->plan->threads);
}

static json_t *warmup_json(const struct report *report)
{
    const struct tally *warmup = report->warmup;
    if (report->plan->warmup_ns == 0) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:I, s:o}", "sent", (json_int_t)warmup->sent, "ok",
                     (json_int_t)warmup->ok, "failed", (json_int_t)warmup->failed, "errors",
                     errors_json(warmup));
}

static json_t *require_json(const struct report *report)
{
    json_t *all = json_array();
    for (size_t i = 0; i < report->thresholds->count; i++) {
        const struct threshold *threshold = &report->thresholds->at[i];
        double value = require_figure(threshold, report->tally, report->elapsed_ns);
        bool holds = require_holds(threshold, report->tally, report->elapsed_ns);
        json_array_append_new(all, json_pack("{s:s, s:o, s:b}", "threshold", threshold->text,
                                             "value", value < 0 ? json_null() : json_real(value),
                                             "holds", holds));
    }
    return all;
}

static json_t *timeline_json(const struct report *report)
{
    const struct timeline *timeline = report->evidence.timeline;
    json_t *points = json_array();
    for (size_t i = 0; timeline != NULL && i < timeline->count; i++) {
        const struct sighting *now = &timeline->at[i];
        const struct sighting *before = i == 0 ? now : now - 1;
        uint64_t ended = now->ended - before->ended;
        double mean_us = (double)(now->spent_ns - before->spent_ns) / NS_PER_US / (double)ended;
        json_array_append_new(points, json_pack("[f, I, o]", seconds(report_point(report, i)),
                                                (json_int_t)ended,
                                                ended > 0 ? json_real(mean_us) : json_null()));
    }
    return points;
}

static json_t *step_times_json(const struct counts *counts)
{
    static const struct {
        const char *name;
        uint32_t per_100k;
    } percentiles[] = {{"p50", 50000}, {"p90", 90000}, {"p99", 99000}};
    if (counts->ok == 0) {
        return json_null();
    }
    json_t *times = json_object();
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        uint64_t ns = counts_percentile_ns(counts, percentiles[i].per_100k);
        json_object_set_new(times, percentiles[i].name, json_real((double)ns / NS_PER_US));
    }
    json_object_set_new(times, "max", json_real((double)counts_max_ns(counts) / NS_PER_US));
    return times;
}

static json_t *over_time_json(const struct report *report)
{
    const struct timeline *timeline = report->evidence.timeline;
    json_t *steps = json_array();
    for (size_t i = 1; timeline != NULL && i < timeline->count; i++) {
        const struct counts *counts = &timeline->steps[i];
        uint64_t from_ns = i == 1 ? 0 : report_point(report, i - 1);
        json_array_append_new(
            steps,
            json_pack("{s:f, s:f, s:I, s:I, s:o}", "from_s", seconds(from_ns), "to_s",
                      seconds(report_point(report, i)), "ok", (json_int_t)counts->ok, "failed",
                      (json_int_t)counts->failed, "latency_us", step_times_json(counts)));
    }
    return steps;
}

static json_t *trusted_json(const struct trust *trust)
{
    return trust->verdict == TOO_SHORT ? json_null() : json_boolean(trust->verdict == TRUSTED);
}

static json_t *trust_json(const struct report *report, const struct trust *trust)
{
    const struct tally *tally = report->tally;
    json_t *why = json_array();
    for (int check = 0; check < TRUST_CHECKS; check++) {
        char text[TRUST_TEXT];
        if (trust->fails[check]) {
            trust_explain(text, trust, (enum trust_check)check, report);
            json_array_append_new(why, json_string(text));
        }
    }
    return json_pack("{s:o, s:{s:I, s:f, s:f}, s:f, s:f, s:o, s:f, s:f, s:I, s:I}", "why", why,
                     "in_flight", "looks", (json_int_t)report->evidence.sightings, "counted",
                     trust->flying, "computed", trust->flying_expected, "thread_share",
                     trust->thread_share, "cores_share", trust->cores_share, "queue_share",
                     trust->queue_share < 0 ? json_null() : json_real(trust->queue_share),
                     "stolen_share", trust->stolen_share, "clock_off_s", trust->clock_off_s,
                     "no_descriptor",
                     (json_int_t)(tally->no_descriptor + tally->no_descriptor_of_machine),
                     "no_port", (json_int_t)tally->no_port);
}

static void set_started(json_t *root, uint64_t ms)
{
    char text[32];
    struct tm date;
    time_t s = (time_t)(ms / 1000);
    gmtime_r(&s, &date);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(ms % 1000));
    json_object_set_new(root, "started", json_string(text));
}

static void set_counts(json_t *root, const struct report *report)
{
    const struct tally *tally = report->tally;
    double elapsed_s = seconds(report->elapsed_ns + 1);
    json_object_set_new(root, "requests",
                        json_pack("{s:I, s:I, s:I}", "sent", (json_int_t)tally->sent, "ok",
                                  (json_int_t)tally->ok, "failed", (json_int_t)tally->failed));
    json_object_set_new(root, "errors", errors_json(tally));
    json_object_set_new(root, "causes", causes_json(report));
    json_object_set_new(root, "statuses", statuses_json(tally));
    json_object_set_new(root, "bytes",
                        json_pack("{s:I, s:I, s:I}", "received", (json_int_t)tally->bytes_received,
                                  "body", (json_int_t)tally->bytes_body, "sent",
                                  (json_int_t)tally->bytes_sent));
    json_object_set_new(root, "rate",
                        json_pack("{s:f, s:f}", "requests_per_s", (double)tally->ok / elapsed_s,
                                  "bytes_per_s", (double)tally->bytes_received / elapsed_s));
    json_object_set_new(root, "delay_s",
                        json_pack("{s:I, s:f, s:f}", "count", (json_int_t)tally->delay_count, "sum",
                                  seconds(tally->delay_sum_ns), "max",
                                  seconds(tally->delay_max_ns)));
}

static json_t *report_json(const struct report *report)
{
    const struct tally *tally = report->tally;
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:o}", "schema", "cristo-client/1", "program",
                             report->model->program, "version", CRISTO_VERSION, "model",
                             report->model->name, "plan", plan_json(report->plan));
    if (root == NULL) {
        return NULL;
    }
    set_started(root, report->started_ms);
    json_object_set_new(root, "elapsed_s", json_real(seconds(report->elapsed_ns)));
    json_object_set_new(root, "interrupted", json_boolean(report->interrupted));
    set_counts(root, report);
    json_object_set_new(root, "latency_us", times_json(&tally->latency));
    json_object_set_new(root, "first_byte_us", times_json(&tally->first_byte));
    json_object_set_new(root, "connect_us", times_json(&tally->connect));
    json_object_set_new(root, "handshake_us",
                        report->plan->tls == NULL ? json_null() : times_json(&tally->handshake));
    json_object_set_new(root, "tls", tls_json(report));
    json_object_set_new(root, "open_loop", open_loop_json(report));
    json_object_set_new(root, "histogram", histogram_json(&tally->latency));
    struct trust trust = trust_judge(report);
    json_object_set_new(root, "timeline", timeline_json(report));
    json_object_set_new(root, "over_time", over_time_json(report));
    json_object_set_new(root, "warmup", warmup_json(report));
    json_object_set_new(root, "require", require_json(report));
    json_object_set_new(root, "generator", generator_json(report));
    json_object_set_new(root, "trusted", trusted_json(&trust));
    json_object_set_new(root, "trust", trust_json(report, &trust));
    return root;
}

int report_write_json(const struct report *report, FILE *to)
{
    json_t *root = report_json(report);
    if (root == NULL) {
        return -ENOMEM;
    }
    errno = EIO;
    bool written = json_dumpf(root, to, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) == 0 &&
                   fputc('\n', to) != EOF && fflush(to) == 0;
    int error = written ? 0 : -errno;
    json_decref(root);
    return error;
}
