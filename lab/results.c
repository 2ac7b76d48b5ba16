#include "lab/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool read_rows(struct results_store *store, const json_t *list, char *why);
static bool read_row(struct row *row, const struct plan *plan, const json_t *json);
static void read_metrics(struct row *row, const json_t *json);
static void drop_incomplete(struct row *row, const json_t *result);
static bool read_waits(struct results_store *store, const json_t *list, char *why);
static bool read_wait(struct wait_row *row, const struct plan *plan, const json_t *json);

static uint64_t count_at(const json_t *json, const char *section, const char *name);
static double real_at(const json_t *json, const char *section, const char *name);

static bool refuse(char *why, const char *list, size_t index)
{
    snprintf(why, PLAN_WHY, "%s[%zu]: is not a row of its plan", list, index);
    return false;
}

bool results_read(struct results_store *store, const struct plan *plan, const json_t *bundle,
                  char *why)
{
    *store = (struct results_store){.results.plan = plan};
    if (!read_rows(store, json_object_get(bundle, "rows"), why) ||
        !read_waits(store, json_object_get(bundle, "waits"), why)) {
        results_finish(store);
        return false;
    }
    store->points = calloc(store->rows_count + 1, sizeof *store->points);
    if (store->points == NULL) {
        results_finish(store);
        snprintf(why, PLAN_WHY, "out of memory");
        return false;
    }
    store->results.points = store->points;
    store->results.points_count =
        point_gather(store->rows, store->rows_count, store->points, store->rows_count);
    store->results.waits = store->waits;
    return true;
}

void results_finish(struct results_store *store)
{
    free(store->rows);
    free(store->points);
    free(store->waits);
    *store = (struct results_store){0};
}

static bool read_rows(struct results_store *store, const json_t *list, char *why)
{
    json_t *item;
    size_t index;

    store->rows = calloc(json_array_size(list) + 1, sizeof *store->rows);
    if (store->rows == NULL) {
        snprintf(why, PLAN_WHY, "out of memory");
        return false;
    }
    json_array_foreach(list, index, item)
    {
        struct row *row = &store->rows[store->rows_count++];
        if (!read_row(row, store->results.plan, item)) {
            return refuse(why, "rows", index);
        }
        store->failed += row->failed;
        store->incomplete += row->incomplete;
    }
    return true;
}

static bool read_row(struct row *row, const struct plan *plan, const json_t *json)
{
    const char *target, *server, *client;
    int connections;

    if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:i}", "target", &target, "server", &server,
                    "client", &client, "connections", &connections) != 0 ||
        !model_read(server, &row->server) || !model_read(client, &row->client) || connections < 1) {
        return false;
    }
    while (row->target < plan->targets && strcmp(plan->target[row->target].name, target) != 0) {
        row->target++;
    }
    row->connections = (unsigned)connections;

    const json_t *result = json_object_get(json, "result");
    row->ok = count_at(result, "requests", "ok");
    row->failed = count_at(result, "requests", "failed");
    if (row->failed == 0 && json_is_string(json_object_get(json, "error"))) {
        row->failed = 1;
    }
    read_metrics(row, json);
    drop_incomplete(row, result);
    return row->target < plan->targets;
}

/* A curve over connections must not hold points that had fewer of them. One in twenty may be
 * missing.
 */
static void drop_incomplete(struct row *row, const json_t *result)
{
    double made = real_at(result, "connect_us", "count");
    row->incomplete = made < 0.95 * row->connections; /* NaN: not told, and not doubted */
    for (int metric = 0; row->incomplete && metric < METRIC_COUNT; metric++) {
        row->value[metric] = NAN;
    }
}

static void read_metrics(struct row *row, const json_t *json)
{
    const json_t *result = json_object_get(json, "result");
    double ok = row->ok > 0 ? (double)row->ok : NAN;
    double elapsed_s = real_at(result, NULL, "elapsed_s");
    double cpu_s = real_at(json, "server_use", "cpu_s");
    double client_cpu_s =
        real_at(json, "client_use", "cpu_user_s") + real_at(json, "client_use", "cpu_system_s");
    double switches = real_at(json, "server_use", "switches_voluntary") +
                      real_at(json, "server_use", "switches_involuntary");
    double cores = real_at(json, "server_use", "cores");

    row->value[METRIC_REQUESTS_PER_S] =
        row->ok > 0 ? real_at(result, "rate", "requests_per_s") : (double)NAN;
    row->value[METRIC_P50_US] = row->ok > 0 ? real_at(result, "latency_us", "p50") : (double)NAN;
    row->value[METRIC_P99_US] = row->ok > 0 ? real_at(result, "latency_us", "p99") : (double)NAN;
    row->value[METRIC_CPU_US_PER_REQUEST] = cpu_s * 1e6 / ok;
    row->value[METRIC_SWITCHES_PER_REQUEST] =
        row->ok > 0 ? switches / real_at(json, "server_use", "switches_requests") : (double)NAN;
    row->value[METRIC_RSS_BYTES] = real_at(json, "server_use", "rss_bytes");
    row->value[METRIC_THREADS] = real_at(json, "server_use", "threads");
    row->value[METRIC_SERVER_BUSY] = fmin(1, cpu_s / (elapsed_s * cores));
    row->value[METRIC_CLIENT_CPU_US_PER_REQUEST] = client_cpu_s * 1e6 / ok;
    row->value[METRIC_CLIENT_BUSY] =
        fmin(1, client_cpu_s / (elapsed_s * real_at(json, "client_use", "cores")));
    if (isnan(cpu_s)) {
        row->value[METRIC_SERVER_BUSY] = NAN; /* fmin() prefers the number */
    }
    if (isnan(client_cpu_s)) {
        row->value[METRIC_CLIENT_BUSY] = NAN;
    }
}

static bool read_waits(struct results_store *store, const json_t *list, char *why)
{
    json_t *item;
    size_t index;

    store->waits = calloc(json_array_size(list) + 1, sizeof *store->waits);
    if (store->waits == NULL) {
        snprintf(why, PLAN_WHY, "out of memory");
        return false;
    }
    json_array_foreach(list, index, item)
    {
        struct wait_row *row = &store->waits[store->results.waits_count++];
        if (!read_wait(row, store->results.plan, item)) {
            return refuse(why, "waits", index);
        }
        store->failed += row->failed;
    }
    return true;
}

static bool read_wait(struct wait_row *row, const struct plan *plan, const json_t *json)
{
    const char *way, *server;

    if (json_unpack((json_t *)json, "{s:s, s:s}", "way", &way, "server", &server) != 0 ||
        !model_read(server, &row->server)) {
        return false;
    }
    while (row->way < plan->waits.ways && strcmp(plan->waits.way[row->way].name, way) != 0) {
        row->way++;
    }
    const json_t *result = json_object_get(json, "result");
    row->ok = count_at(result, "requests", "ok");
    row->failed = count_at(result, "requests", "failed");
    if (row->failed == 0 && json_is_string(json_object_get(json, "error"))) {
        row->failed = 1;
    }
    row->elapsed_s = real_at(result, NULL, "elapsed_s");
    row->delay_sum_s = real_at(result, "delay_s", "sum");
    row->delay_max_s = real_at(result, "delay_s", "max");
    return row->way < plan->waits.ways;
}

static uint64_t count_at(const json_t *json, const char *section, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(json_object_get(json, section), name));
    return value > 0 ? (uint64_t)value : 0;
}

/* NaN where there is no number. */
static double real_at(const json_t *json, const char *section, const char *name)
{
    const json_t *from = section != NULL ? json_object_get(json, section) : json;
    const json_t *value = json_object_get(from, name);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}
