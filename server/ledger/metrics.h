/* What the ledgers have counted, in the text format of Prometheus (version 0.0.4). */
#pragma once

#include "lib/http/bytes.h"
#include "server/ledger/journal.h"

struct metrics {
    const struct ledgers *ledgers;
    const struct journal *journal; /* NULL: no access log is written */
    const char *model;             /* "sync", "async" */
    int64_t started_s;             /* when the server did, since 1970 */
    bool draining;
};

/* Writes all of them: malloc'd text of *len bytes, or NULL when out of memory. Any thread. */
char *metrics_write(const struct metrics *metrics, size_t *len);
