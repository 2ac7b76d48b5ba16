#include "lab/experiment.h"

#include "lab/bundle.h"
#include "lab/environment.h"
#include "lab/interrupt.h"
#include "lab/play.h"
#include "lab/race.h"
#include "lab/report.h"
#include "lab/sample.h"
#include "lab/summary.h"
#include "lab/table.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct experiment {
    const struct run_options *options;
    struct plan plan;
    struct places places;
    struct cores cores, server_cores, client_cores;
    char dir[PATH_MAX];
    json_t *bundle;
    uint64_t started_ns;
    int interrupt_fd;
};

static int load_plan(struct experiment *experiment, const char *name);
static void apply_options(struct experiment *experiment);
static int prepare(struct experiment *experiment);
static int try_url(const struct experiment *experiment);
static void begin_bundle(struct experiment *experiment);
static void warn_of_load(const struct experiment *experiment);
static json_t *setting_json(const struct experiment *experiment);
static int carry_out(struct experiment *experiment);
static void save(void *with);
static int conclude(struct experiment *experiment);

int experiment_run(const struct run_options *options, const char *name)
{
    static struct experiment experiment; /* too large for a stack frame one would like to see */
    experiment = (struct experiment){.options = options, .interrupt_fd = -1};

    int status = load_plan(&experiment, name);
    if (status == EXPERIMENT_WELL) {
        status = prepare(&experiment);
    }
    if (status == EXPERIMENT_WELL) {
        begin_bundle(&experiment);
        warn_of_load(&experiment);
        status = carry_out(&experiment);
    }
    json_decref(experiment.bundle);
    plan_finish(&experiment.plan);
    return status;
}

static int load_plan(struct experiment *experiment, const char *name)
{
    char why[PLAN_WHY];
    json_t *json = plan_find(name, why);
    bool well = json != NULL && plan_read(&experiment->plan, json, why) &&
                hypothesis_check(&experiment->plan, why);
    json_decref(json);
    if (!well) {
        log_error("%s: %s", name, why);
        return EXPERIMENT_MISUSE;
    }
    apply_options(experiment);
    return EXPERIMENT_WELL;
}

static void apply_options(struct experiment *experiment)
{
    const struct run_options *options = experiment->options;
    struct plan *plan = &experiment->plan;
    if (options->quick) {
        plan_make_quick(plan);
    }
    if (options->repeats > 0) {
        plan_set_repeats(plan, options->repeats);
    }
    if (options->duration != NULL) {
        plan_set_duration(plan, options->duration, options->duration_ns);
    }
    if (options->has_seed) {
        plan_set_seed(plan, options->seed);
    }
    if (options->url != NULL) {
        plan_make_url(plan, options->url);
    }
}

/* All that can be refused before anything is started. */
static int prepare(struct experiment *experiment)
{
    const struct run_options *options = experiment->options;
    char why[PLACES_WHY];
    bool misused = true;

    int failed = cores_allowed(&experiment->cores);
    if (failed != 0) {
        log_error("cannot tell which cores may be used: %s", strerror(-failed));
        return EXPERIMENT_FAILED;
    }
    cores_split(&experiment->cores, &experiment->server_cores, &experiment->client_cores);
    if (options->url != NULL) {
        experiment->client_cores =
            experiment->cores; /* the server is somewhere else, or anywhere */
    }
    if (!places_find(&experiment->places, options->programs, options->book, options->url == NULL,
                     why)) {
        log_error("%s", why);
        return options->programs != NULL || options->book != NULL ? EXPERIMENT_MISUSE
                                                                  : EXPERIMENT_FAILED;
    }
    if (options->pid != 0) {
        struct sampler sampler;
        failed = sampler_open(&sampler, options->pid);
        if (failed != 0) {
            log_error("--pid: %d: %s", (int)options->pid, strerror(-failed));
            return EXPERIMENT_MISUSE;
        }
        sampler_close(&sampler);
    }
    experiment->interrupt_fd = interrupt_open();
    if (experiment->interrupt_fd < 0) {
        log_error("cannot wait for signals: %s", strerror(-experiment->interrupt_fd));
        return EXPERIMENT_FAILED;
    }
    if (options->url != NULL) {
        int status = try_url(experiment);
        if (status != EXPERIMENT_WELL) {
            return status;
        }
    }
    if (!places_make_results(options->out, experiment->plan.name, experiment->dir, why, &misused)) {
        log_error("%s", why);
        return misused ? EXPERIMENT_MISUSE : EXPERIMENT_FAILED;
    }
    return EXPERIMENT_WELL;
}

/* One request, so that a server that is not there is told before a thousand ask it. */
static int try_url(const struct experiment *experiment)
{
    struct play_result result;
    struct play_spec play = {
        .program = experiment->places.client[MODEL_SYNC],
        .model = MODEL_SYNC,
        .url = experiment->options->url,
        .connections = 1,
        .requests = 1,
        .longest_ns = 40 * NS_PER_S,
        .cores = &experiment->client_cores,
    };
    enum play_outcome outcome = play_run(&play, NULL, experiment->interrupt_fd, &result);
    bool well = result.json != NULL && result.end.status == 0;
    if (outcome == PLAY_DONE && !well) {
        log_error("--url: %s: a first request failed%s%s", play.url,
                  result.complaint[0] != '\0' ? ": " : "", result.complaint);
    }
    play_result_finish(&result);
    if (outcome == PLAY_INTERRUPTED) {
        return 128 + interrupt_signal(experiment->interrupt_fd);
    }
    return well ? EXPERIMENT_WELL : EXPERIMENT_FAILED;
}

static void begin_bundle(struct experiment *experiment)
{
    const struct run_options *options = experiment->options;
    char started[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));

    json_t *environment = environment_machine(&experiment->cores);
    json_object_set_new(
        environment, "versions",
        environment_versions(&experiment->places, options->url == NULL, experiment->interrupt_fd));
    json_object_set_new(environment, "book",
                        options->url == NULL ? environment_book(experiment->places.book)
                                             : json_null());
    experiment->started_ns = clock_monotonic_ns();
    experiment->bundle = json_pack(
        "{s:s, s:s, s:s, s:s, s:f, s:b, s:b, s:O, s:o, s:o, s:[], s:[], s:[], s:n}", "schema",
        BUNDLE_SCHEMA, "kind", options->url != NULL ? "url" : "race", "cristo", CRISTO_VERSION,
        "started", started, "elapsed_s", 0.0, "interrupted", true, "quick", options->quick, "plan",
        experiment->plan.json, "environment", environment, "setting", setting_json(experiment),
        "targets", "rows", "waits", "summary");
}

/* Before two minutes are spent on a machine that is busy with other things. */
static void warn_of_load(const struct experiment *experiment)
{
    double load = 0, cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    if (!experiment->options->quiet && getloadavg(&load, 1) == 1 && load > cores / 2) {
        log_warn("this machine is busy (load %.1f on %.0f cores): measure on a quiet one", load,
                 cores);
    }
}

static json_t *setting_json(const struct experiment *experiment)
{
    char server[CORES_TEXT], client[CORES_TEXT];
    bool ours = experiment->options->url == NULL;
    cores_write(server, &experiment->server_cores);
    cores_write(client, &experiment->client_cores);
    return json_pack(
        "{s:o, s:s, s:o, s:i, s:b, s:o}", "server_cores", ours ? json_string(server) : json_null(),
        "client_cores", client, "server_loops",
        ours ? json_integer((json_int_t)experiment->server_cores.count) : json_null(),
        "client_loops", (int)experiment->client_cores.count, "cores_shared",
        ours && experiment->cores.count < 2, "pid",
        experiment->options->pid != 0 ? json_integer(experiment->options->pid) : json_null());
}

static int carry_out(struct experiment *experiment)
{
    const struct run_options *options = experiment->options;
    char why[RACE_WHY];
    struct race_spec spec = {
        .plan = &experiment->plan,
        .places = &experiment->places,
        .server_cores = &experiment->server_cores,
        .client_cores = &experiment->client_cores,
        .url = options->url,
        .pid = options->pid,
        .quiet = options->quiet,
        .save = save,
        .with = experiment,
    };
    enum race_outcome outcome = race_run(&spec, experiment->bundle, experiment->interrupt_fd, why);
    if (outcome == RACE_DONE) {
        json_object_set_new(experiment->bundle, "interrupted", json_false());
    }
    int status = conclude(experiment);
    if (outcome == RACE_FAILED) {
        log_error("%s", why);
        return EXPERIMENT_FAILED;
    }
    if (outcome == RACE_INTERRUPTED) {
        log_error("interrupted; what was measured until then is kept");
        return 128 + interrupt_signal(experiment->interrupt_fd);
    }
    return status;
}

/* What there is so far, marked as interrupted until the end; a failure to write is told at the end.
 */
static void save(void *with)
{
    struct experiment *experiment = with;
    char why[BUNDLE_WHY];
    bundle_save(experiment->bundle, experiment->dir, why);
}

static int conclude(struct experiment *experiment)
{
    static struct summary summary;
    char why[BUNDLE_WHY], address[REPORT_ADDRESS];
    json_t *bundle = experiment->bundle;

    json_object_set_new(
        bundle, "elapsed_s",
        json_real((double)(clock_monotonic_ns() - experiment->started_ns) / (double)NS_PER_S));
    if (!summary_make(&summary, bundle, why)) {
        log_error("%s", why);
        return EXPERIMENT_FAILED;
    }
    json_object_set_new(bundle, "summary", summary_json(&summary));
    bool written =
        bundle_save(bundle, experiment->dir, why) && report_write(bundle, experiment->dir, why);
    table_print(stdout, &summary);
    fflush(stdout);
    table_print_failures(stderr, &summary);
    uint64_t failed = summary.store.failed;
    summary_finish(&summary);
    if (!written) {
        log_error("%s", why);
        return EXPERIMENT_FAILED;
    }
    printf("\nThe page: %s\n", report_address(address, experiment->dir));
    fflush(stdout);
    return failed > 0 ? EXPERIMENT_FAILED : EXPERIMENT_WELL;
}
