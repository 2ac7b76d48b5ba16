#include "lab/point.h"

#include <stdlib.h>

static const char *const metric_names[METRIC_COUNT] = {
    [METRIC_REQUESTS_PER_S] = "requests_per_s",
    [METRIC_P50_US] = "p50_us",
    [METRIC_P99_US] = "p99_us",
    [METRIC_CPU_US_PER_REQUEST] = "cpu_us_per_request",
    [METRIC_SWITCHES_PER_REQUEST] = "switches_per_request",
    [METRIC_RSS_BYTES] = "rss_bytes",
    [METRIC_THREADS] = "threads",
    [METRIC_SERVER_BUSY] = "server_busy",
    [METRIC_CLIENT_CPU_US_PER_REQUEST] = "client_cpu_us_per_request",
    [METRIC_CLIENT_BUSY] = "client_busy",
};

static bool has_point(const struct point *points, size_t count, const struct row *row);
static struct point gather_one(const struct row *rows, size_t count, const struct row *like);
static bool same_point(const struct row *a, const struct row *b);
static int by_place(const void *a, const void *b);

const char *metric_name(enum metric metric)
{
    return metric_names[metric];
}

bool metric_read(const char *name, enum metric *metric)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (strcmp(name, metric_names[i]) == 0) {
            *metric = (enum metric)i;
            return true;
        }
    }
    return false;
}

size_t point_gather(const struct row *rows, size_t count, struct point *points, size_t max)
{
    size_t found = 0;
    for (size_t i = 0; i < count && found < max; i++) {
        if (!has_point(points, found, &rows[i])) {
            points[found++] = gather_one(rows, count, &rows[i]);
        }
    }
    qsort(points, found, sizeof *points, by_place);
    return found;
}

const struct point *point_find(const struct point *points, size_t count, enum model server,
                               enum model client, unsigned target, unsigned connections)
{
    for (size_t i = 0; i < count; i++) {
        const struct point *at = &points[i];
        if (at->server == server && at->client == client && at->target == target &&
            at->connections == connections) {
            return at;
        }
    }
    return NULL;
}

const struct point *point_best(const struct point *points, size_t count, enum model server,
                               unsigned target, unsigned connections)
{
    const struct point *best = NULL;
    for (int client = 0; client < MODEL_PAIR; client++) {
        const struct point *at =
            point_find(points, count, server, (enum model)client, target, connections);
        if (at == NULL || !band_known(&at->value[METRIC_REQUESTS_PER_S])) {
            continue;
        }
        if (best == NULL ||
            at->value[METRIC_REQUESTS_PER_S].mid > best->value[METRIC_REQUESTS_PER_S].mid) {
            best = at;
        }
    }
    return best;
}

static bool has_point(const struct point *points, size_t count, const struct row *row)
{
    return point_find(points, count, row->server, row->client, row->target, row->connections) !=
           NULL;
}

static struct point gather_one(const struct row *rows, size_t count, const struct row *like)
{
    struct point point = {
        .server = like->server,
        .client = like->client,
        .target = like->target,
        .connections = like->connections,
    };
    for (size_t i = 0; i < count; i++) {
        if (same_point(&rows[i], like)) {
            point.ok += rows[i].ok;
            point.failed += rows[i].failed;
            point.incomplete += rows[i].incomplete;
        }
    }
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        double values[POINT_ROWS_MAX];
        size_t used = 0;
        for (size_t i = 0; i < count && used < POINT_ROWS_MAX; i++) {
            if (same_point(&rows[i], like)) {
                values[used++] = rows[i].value[metric];
            }
        }
        point.value[metric] = statistics_band(values, used, POINT_COVERAGE);
    }
    return point;
}

static bool same_point(const struct row *a, const struct row *b)
{
    return a->server == b->server && a->client == b->client && a->target == b->target &&
           a->connections == b->connections;
}

static int by_place(const void *a, const void *b)
{
    const struct point *x = a;
    const struct point *y = b;
    if (x->target != y->target) {
        return x->target < y->target ? -1 : 1;
    }
    if (x->connections != y->connections) {
        return x->connections < y->connections ? -1 : 1;
    }
    if (x->server != y->server) {
        return x->server < y->server ? -1 : 1;
    }
    return (x->client > y->client) - (x->client < y->client);
}
