#include "lab/race.h"

#include "lab/host.h"
#include "lab/play.h"
#include "lab/progress.h"
#include "lab/schedule.h"
#include "lab/waits.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONGEST_NS (30 * NS_PER_S)   /* for a client to end after its time */
#define OVERHEAD_NS (80 * NS_PER_MS) /* of a run, until it was measured */

enum {
    WARMUP_CONNECTIONS = 16,
    URL_SIZE = 4096,
};

struct race {
    const struct race_spec *spec;
    json_t *rows;
    char path[PLAN_TARGETS][URL_SIZE]; /* of each target; with --url the whole URL */
    int interrupt_fd;
    uint64_t started_ns;
    struct progress progress;
    char *why;
};

/* Everything that is known of one run, before it becomes a row. */
struct record {
    const struct schedule_run *run;
    char url[URL_SIZE + HOST_URL];
    uint64_t began_ns;
    struct play_result result;
    struct sampler sampler;
    bool watched;
    uint64_t cpu_ns; /* in the measured part */
    struct sample_stat stat_before, stat_after;
    struct sample_switches switches;
    bool switches_known;
    uint64_t switches_requests;
};

static bool choose_targets(struct race *race, json_t *bundle);
static enum race_outcome run_all(struct race *race, const struct schedule_run *runs, size_t count);
static void say_progress(struct race *race, const struct schedule_run *runs, size_t done,
                         size_t count);
static uint64_t left_ns(const struct race *race, const struct schedule_run *runs, size_t done,
                        size_t count);
static enum race_outcome run_one(struct race *race, const struct schedule_run *run, size_t order);
static enum race_outcome begin_server(struct race *race, const struct schedule_run *run,
                                      struct host *host);
static enum race_outcome measure(struct race *race, struct record *record);
static enum play_outcome warm_up(struct race *race, struct record *record);
static void settle_switches(struct record *record, const struct sample_switches *before,
                            struct host *host);
static json_t *row_json(const struct race *race, const struct record *record, size_t order);
static json_t *server_use_json(const struct race *race, const struct record *record);
static json_t *client_use_json(const struct race *race, const struct record *record);

enum race_outcome race_run(const struct race_spec *spec, json_t *bundle, int interrupt_fd,
                           char *why)
{
    struct race *race = calloc(1, sizeof *race);
    size_t count = 0;
    struct schedule_run *runs = schedule_make(spec->plan, spec->url != NULL, &count);
    enum race_outcome outcome = RACE_FAILED;

    if (race == NULL || runs == NULL) {
        snprintf(why, RACE_WHY, "out of memory");
        goto free_runs;
    }
    race->spec = spec;
    race->interrupt_fd = interrupt_fd;
    race->why = why;
    race->rows = json_object_get(bundle, "rows");
    race->started_ns = clock_monotonic_ns();
    progress_begin(&race->progress, spec->quiet);

    if (choose_targets(race, bundle)) {
        outcome = run_all(race, runs, count);
    }
    if (outcome == RACE_DONE && spec->plan->waits.ways > 0) {
        struct waits_spec waits = {
            .plan = spec->plan,
            .places = spec->places,
            .server_cores = spec->server_cores,
            .client_cores = spec->client_cores,
            .progress = &race->progress,
            .runs = count,
        };
        outcome = waits_run(&waits, json_object_get(bundle, "waits"), interrupt_fd, why);
    }
    progress_end(&race->progress);

free_runs:
    free(runs);
    free(race);
    return outcome;
}

static bool choose_targets(struct race *race, json_t *bundle)
{
    const struct race_spec *spec = race->spec;
    json_t *list = json_object_get(bundle, "targets");

    for (size_t i = 0; i < spec->plan->targets; i++) {
        const struct plan_target *target = &spec->plan->target[i];
        uint64_t bytes = 0;
        char why[PLACES_WHY];
        if (spec->url != NULL) {
            snprintf(race->path[i], URL_SIZE, "%s", spec->url);
        } else if (!places_choose(spec->places, target->path, target->near_bytes, race->path[i],
                                  URL_SIZE, &bytes, why)) {
            snprintf(race->why, RACE_WHY, "%s", why);
            return false;
        }
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:o}", "name", target->name, "label", target->label,
                            "path", race->path[i], "bytes",
                            spec->url != NULL ? json_null() : json_integer((json_int_t)bytes)));
    }
    return true;
}

static enum race_outcome run_all(struct race *race, const struct schedule_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && runs[i].repeat != runs[i - 1].repeat) {
            race->spec->save(race->spec->with);
        }
        say_progress(race, runs, i, count);
        enum race_outcome outcome = run_one(race, &runs[i], i + 1);
        if (outcome != RACE_DONE) {
            return outcome;
        }
    }
    return RACE_DONE;
}

static void say_progress(struct race *race, const struct schedule_run *runs, size_t done,
                         size_t count)
{
    const struct schedule_run *run = &runs[done];
    const char *plural = run->connections == 1 ? "" : "s";
    char text[256], number[UNITS_TEXT];

    units_write_count(number, run->connections);
    if (run->server == MODEL_OTHER) {
        snprintf(text, sizeof text, "%s connection%s, asked by %s", number, plural,
                 model_word(run->client));
    } else {
        snprintf(text, sizeof text, "%s, %s connection%s: served by %s, asked by %s",
                 race->spec->plan->target[run->target].label, number, plural,
                 model_word(run->server), model_word(run->client));
    }
    progress_say(&race->progress, done + 1, count, left_ns(race, runs, done, count), text);
}

static uint64_t planned_ns(const struct plan *plan, const struct schedule_run *runs, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += plan->warmup_ns + plan_duration_ns(plan, runs[i].connections);
    }
    return sum;
}

/* What is planned, what each run took beyond its plan so far, and the demonstration, whose plain
 * loop waits half the longest time, on average. */
static uint64_t left_ns(const struct race *race, const struct schedule_run *runs, size_t done,
                        size_t count)
{
    const struct plan *plan = race->spec->plan;
    uint64_t overhead_ns = OVERHEAD_NS;
    if (done > 0) {
        uint64_t passed_ns = clock_monotonic_ns() - race->started_ns;
        uint64_t wanted_ns = planned_ns(plan, runs, done);
        overhead_ns = passed_ns > wanted_ns ? (passed_ns - wanted_ns) / done : 0;
    }
    uint64_t waits_ns =
        plan->waits.ways > 0 ? plan->waits.requests * plan->waits.delay_max_ns / 2 : 0;
    return planned_ns(plan, runs + done, count - done) + overhead_ns * (count - done) + waits_ns;
}

static enum race_outcome run_one(struct race *race, const struct schedule_run *run, size_t order)
{
    struct host host = {0};
    struct record *record = calloc(1, sizeof *record);
    enum race_outcome outcome = RACE_FAILED;
    struct sample_switches before = {0};
    char why[HOST_WHY]; /* nobody hears about a server that is stopped half-way */

    if (record == NULL) {
        snprintf(race->why, RACE_WHY, "out of memory");
        return RACE_FAILED;
    }
    record->run = run;
    if (run->server != MODEL_OTHER) {
        outcome = begin_server(race, run, &host);
        if (outcome != RACE_DONE) {
            goto free_record;
        }
    }
    pid_t pid = run->server == MODEL_OTHER ? race->spec->pid : host.child.pid;
    snprintf(record->url, sizeof record->url, "%s%s", host.url, race->path[run->target]);

    record->watched = pid != 0 && sampler_open(&record->sampler, sample_worker(pid)) == 0;
    record->switches_known = sampler_switches(&record->sampler, &before);
    outcome = measure(race, record);
    settle_switches(record, &before, &host);
    if (outcome == RACE_DONE) {
        json_array_append_new(race->rows, row_json(race, record, order));
    }
    sampler_close(&record->sampler);
    play_result_finish(&record->result);

free_record:
    host_stop(&host, NULL, why);
    free(record);
    return outcome;
}

static enum race_outcome begin_server(struct race *race, const struct schedule_run *run,
                                      struct host *host)
{
    const struct race_spec *spec = race->spec;
    char why[HOST_WHY];
    struct host_spec server = {
        .program = spec->places->server[run->server],
        .model = run->server,
        .book = spec->places->book,
        .cores = spec->server_cores,
    };
    switch (host_start(host, &server, race->interrupt_fd, why)) {
    case HOST_READY:
        return RACE_DONE;
    case HOST_INTERRUPTED:
        return RACE_INTERRUPTED;
    case HOST_FAILED:
        break;
    }
    snprintf(race->why, RACE_WHY, "%s", why);
    return RACE_FAILED;
}

static enum race_outcome measure(struct race *race, struct record *record)
{
    const struct schedule_run *run = record->run;
    struct sampler *sampler = &record->sampler;
    struct play_spec play = {
        .program = race->spec->places->client[run->client],
        .model = run->client,
        .url = record->url,
        .connections = run->connections,
        .duration_ns = plan_duration_ns(race->spec->plan, run->connections),
        .longest_ns = LONGEST_NS,
        .cores = race->spec->client_cores,
    };
    uint64_t cpu_before = 0, cpu_after = 0;

    if (warm_up(race, record) == PLAY_INTERRUPTED) {
        return RACE_INTERRUPTED;
    }
    record->began_ns = clock_monotonic_ns() - race->started_ns;
    record->watched = record->watched && sampler_stat(sampler, &record->stat_before) &&
                      sampler_cpu(sampler, &cpu_before);
    sampler->threads_max = 0;
    if (play_run(&play, record->watched ? sampler : NULL, race->interrupt_fd, &record->result) ==
        PLAY_INTERRUPTED) {
        return RACE_INTERRUPTED;
    }
    record->watched = record->watched && sampler_cpu(sampler, &cpu_after) &&
                      sampler_stat(sampler, &record->stat_after);
    record->cpu_ns = cpu_after - cpu_before;
    if (record->watched && !sampler->weighed) {
        sampler_weigh(sampler); /* the client ended before its time */
    }
    return RACE_DONE;
}

static enum play_outcome warm_up(struct race *race, struct record *record)
{
    const struct schedule_run *run = record->run;
    struct play_spec play = {
        .program = race->spec->places->client[run->client],
        .model = run->client,
        .url = record->url,
        .connections =
            run->connections < WARMUP_CONNECTIONS ? run->connections : WARMUP_CONNECTIONS,
        .duration_ns = race->spec->plan->warmup_ns,
        .longest_ns = LONGEST_NS,
        .cores = race->spec->client_cores,
    };
    struct play_result result;
    if (play.duration_ns == 0) {
        return PLAY_DONE;
    }
    enum play_outcome outcome = play_run(&play, NULL, race->interrupt_fd, &result);
    record->switches_requests = play_requests(&result);
    play_result_finish(&result);
    return outcome;
}

/* For a server of ours the kernel's account of the whole life is exact, ended threads included, and
 * the few of the parent that waits for it; its start is taken off, its warm-up stays and its
 * requests are counted with it. For another's, the
 * difference over the threads that live, which means nothing if threads came or went. */
static void settle_switches(struct record *record, const struct sample_switches *before,
                            struct host *host)
{
    struct sample_switches after = {0};
    struct child_end end = {0};

    if (record->run->server == MODEL_OTHER) {
        record->switches_known = record->switches_known &&
                                 sampler_switches(&record->sampler, &after) &&
                                 after.threads == before->threads;
    } else {
        char why[HOST_WHY];
        if (!host_stop(host, &end, why) && record->result.why[0] == '\0') {
            snprintf(record->result.why, sizeof record->result.why, "%s", why);
        }
        after.voluntary = (uint64_t)end.use.ru_nvcsw;
        after.involuntary = (uint64_t)end.use.ru_nivcsw;
    }
    record->switches_known = record->switches_known && after.voluntary >= before->voluntary &&
                             after.involuntary >= before->involuntary;
    record->switches.voluntary = after.voluntary - before->voluntary;
    record->switches.involuntary = after.involuntary - before->involuntary;
    record->switches_requests += play_requests(&record->result);
}

static json_t *row_json(const struct race *race, const struct record *record, size_t order)
{
    const struct schedule_run *run = record->run;
    const struct play_result *result = &record->result;
    return json_pack(
        "{s:I, s:f, s:i, s:s, s:i, s:s, s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "order",
        (json_int_t)order, "at_s", (double)record->began_ns / 1e9, "repeat", run->repeat, "target",
        race->spec->plan->target[run->target].name, "connections", run->connections, "server",
        model_name(run->server), "client", model_name(run->client), "url", record->url, "error",
        result->why[0] != '\0' ? json_string(result->why) : json_null(), "client_status",
        result->end.status, "result",
        result->json != NULL ? json_incref(result->json) : json_null(), "server_use",
        server_use_json(race, record), "client_use", client_use_json(race, record), "sampling",
        json_pack("{s:i, s:f}", "samples", record->sampler.samples, "cpu_s",
                  (double)record->sampler.cost_ns / 1e9));
}

static json_t *number_or_null(bool known, uint64_t number)
{
    return known ? json_integer((json_int_t)number) : json_null();
}

static json_t *server_use_json(const struct race *race, const struct record *record)
{
    const struct sampler *sampler = &record->sampler;
    double tick = (double)sysconf(_SC_CLK_TCK);
    uint64_t user = record->stat_after.user_ticks - record->stat_before.user_ticks;
    uint64_t system = record->stat_after.system_ticks - record->stat_before.system_ticks;
    bool known = record->switches_known;

    if (!record->watched) {
        return json_null();
    }
    bool ours = record->run->server != MODEL_OTHER;
    return json_pack("{s:o, s:f, s:f, s:f, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "cores",
                     number_or_null(ours, race->spec->server_cores->count), "cpu_s",
                     (double)record->cpu_ns / 1e9, "cpu_user_s", (double)user / tick,
                     "cpu_system_s", (double)system / tick, "rss_bytes",
                     number_or_null(sampler->weighed, sampler->memory.rss_bytes), "pss_bytes",
                     number_or_null(sampler->weighed, sampler->memory.pss_bytes), "anonymous_bytes",
                     number_or_null(sampler->weighed, sampler->memory.anonymous_bytes), "threads",
                     (json_int_t)sampler->threads_max, "switches_voluntary",
                     number_or_null(known, record->switches.voluntary), "switches_involuntary",
                     number_or_null(known, record->switches.involuntary), "switches_requests",
                     number_or_null(known, record->switches_requests));
}

static json_t *client_use_json(const struct race *race, const struct record *record)
{
    const struct rusage *use = &record->result.end.use;
    return json_pack(
        "{s:I, s:f, s:f, s:I, s:I, s:I}", "cores", (json_int_t)race->spec->client_cores->count,
        "cpu_user_s", (double)use->ru_utime.tv_sec + (double)use->ru_utime.tv_usec / 1e6,
        "cpu_system_s", (double)use->ru_stime.tv_sec + (double)use->ru_stime.tv_usec / 1e6,
        "rss_max_bytes", (json_int_t)use->ru_maxrss * 1024, "switches_voluntary",
        (json_int_t)use->ru_nvcsw, "switches_involuntary", (json_int_t)use->ru_nivcsw);
}
