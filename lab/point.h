/* From single runs to points of a curve: the middle of the repeats, with its band. Pure. */
#pragma once

#include "lab/model.h"
#include "lab/statistics.h"

#include <stdint.h>

/* What is known of one run. All numbers of a metric are doubles; NaN: not measured. */
enum metric {
    METRIC_REQUESTS_PER_S,
    METRIC_P50_US,
    METRIC_P99_US,
    METRIC_CPU_US_PER_REQUEST, /* of the server, user and system */
    METRIC_SWITCHES_PER_REQUEST,
    METRIC_RSS_BYTES,   /* of the server, near the end of the run */
    METRIC_THREADS,     /* of the server, the most seen */
    METRIC_SERVER_BUSY, /* share of its cores that the server used, 0..1 */
    METRIC_CLIENT_CPU_US_PER_REQUEST,
    METRIC_CLIENT_BUSY,
    METRIC_COUNT,
};

/* The name used in expressions, bundle.json and rows.csv: "requests_per_s". */
const char *metric_name(enum metric metric);
/* False when there is no such metric. */
bool metric_read(const char *name, enum metric *metric);

enum {
    POINT_MODELS = MODEL_ALL,
    POINT_ROWS_MAX = 512, /* repeats of one point that count */
};

/* The confidence asked of every band (statistics.h says what few repeats give). */
#define POINT_COVERAGE 0.95

/* One client played against one server at one number of connections, once. */
struct row {
    enum model server;
    enum model client;
    unsigned target; /* index into the plan's targets */
    unsigned connections;
    uint64_t ok;
    uint64_t failed; /* requests; also 1 for a run that ended without a result */
    bool incomplete; /* not all connections could be made in its time: nothing of it counts */
    double value[METRIC_COUNT];
};

/* All repeats of it. */
struct point {
    enum model server;
    enum model client;
    unsigned target;
    unsigned connections;
    uint64_t ok;
    uint64_t failed;
    unsigned incomplete; /* repeats that do not count */
    struct band value[METRIC_COUNT];
};

/* Gathers rows into points, in order of target, connections, server, client.
 * Returns how many, at most `max`; further ones are dropped, so give room for as many as rows. */
size_t point_gather(const struct row *rows, size_t count, struct point *points, size_t max);

/* The point of these four, or NULL. */
const struct point *point_find(const struct point *points, size_t count, enum model server,
                               enum model client, unsigned target, unsigned connections);

/* The point of the client that gets more replies a second out of this server here (by median; sync
 * on a tie), or NULL when neither was measured. A server is judged by what it can do, and a client
 * that is itself at its limit would hide it. */
const struct point *point_best(const struct point *points, size_t count, enum model server,
                               unsigned target, unsigned connections);
