#include "server/ledger/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* By the names of their options. */
static const char *const limit_names[LIMITS] = {
    [LIMIT_CONNECTIONS] = "max-connections",
    [LIMIT_PER_ADDRESS] = "max-per-address",
    [LIMIT_REQUESTS] = "max-requests",
    [LIMIT_HEAD] = "max-head",
    [LIMIT_FIELDS] = "max-fields",
    [LIMIT_BODY] = "max-body",
    [LIMIT_HEADER_TIMEOUT] = "header-timeout",
    [LIMIT_IDLE_TIMEOUT] = "idle-timeout",
    [LIMIT_SEND_TIMEOUT] = "send-timeout",
    [LIMIT_MIN_RATE] = "min-rate",
    [LIMIT_DRAIN_TIMEOUT] = "drain-timeout",
};

static const char *const mishap_names[MISHAPS] = {
    [MISHAP_ACCEPT] = "accept",
    [MISHAP_THREAD] = "thread",
    [MISHAP_MEMORY] = "memory",
    [MISHAP_RECEIVE] = "receive",
    [MISHAP_INCOMPLETE] = "incomplete",
    [MISHAP_SEND] = "send",
    [MISHAP_REQUEST] = "request",
    [MISHAP_BUSY] = "busy",
    [MISHAP_FILE] = "file",
};

static const char *const handshake_names[HANDSHAKES] = {
    [HANDSHAKE_FULL] = "full",   [HANDSHAKE_RESUMED] = "resumed", [HANDSHAKE_FAILED] = "failed",
    [HANDSHAKE_ENDED] = "ended", [HANDSHAKE_LATE] = "late",       [HANDSHAKE_PLAIN] = "plain-http",
};

static const char *const protocol_names[PROTOCOLS] = {
    [PROTOCOL_TLS_1_2] = "TLSv1.2",
    [PROTOCOL_TLS_1_3] = "TLSv1.3",
};

static const char *const method_names[METHOD_OTHER + 1] = {
    [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",         [METHOD_DELETE] = "DELETE", [METHOD_CONNECT] = "CONNECT",
    [METHOD_OPTIONS] = "OPTIONS", [METHOD_TRACE] = "TRACE",   [METHOD_PATCH] = "PATCH",
    [METHOD_OTHER] = "other",
};

static void head(FILE *to, const char *name, const char *type, const char *help)
{
    fprintf(to, "# HELP cristo_%s %s\n# TYPE cristo_%s %s\n", name, help, name, type);
}

static void one(FILE *to, const char *name, const char *type, const char *help, uint64_t value)
{
    head(to, name, type, help);
    fprintf(to, "cristo_%s %" PRIu64 "\n", name, value);
}

static void many(FILE *to, const struct metrics *m, const char *name, const char *label,
                 const char *const *values, unsigned count, unsigned counter)
{
    for (unsigned i = 0; i < count; i++) {
        fprintf(to, "cristo_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, values[i],
                ledgers_sum(m->ledgers, counter + i));
    }
}

static void write_server(FILE *to, const struct metrics *m)
{
    head(to, "build_info", "gauge", "The program, as labels; always 1.");
    fprintf(to, "cristo_build_info{model=\"%s\",version=\"%s\"} 1\n", m->model, CRISTO_VERSION);
    fprintf(to,
            "# HELP process_start_time_seconds When the server was started, since 1970.\n"
            "# TYPE process_start_time_seconds gauge\n"
            "process_start_time_seconds %" PRId64 "\n",
            m->started_s);
    one(to, "draining", "gauge", "Whether the server was asked to stop.", m->draining);
}

/* Closed ones are read first, so that there are never less than none open. */
static void write_connections(FILE *to, const struct metrics *m)
{
    uint64_t closed = ledgers_sum(m->ledgers, COUNT_CLOSED);
    uint64_t accepted = ledgers_sum(m->ledgers, COUNT_ACCEPTED);
    one(to, "connections_accepted_total", "counter", "Connections that were let in.", accepted);
    one(to, "connections_open", "gauge", "Connections that are open now.", accepted - closed);
    one(to, "connections_turned_away_total", "counter",
        "Connections that were answered 503 and closed.",
        ledgers_sum(m->ledgers, COUNT_TURNED_AWAY));
    one(to, "received_bytes_total", "counter", "Bytes received, heads and all.",
        ledgers_sum(m->ledgers, COUNT_RECEIVED));
    one(to, "sent_bytes_total", "counter", "Bytes sent, heads and all.",
        ledgers_sum(m->ledgers, COUNT_SENT));
}

static void write_handshakes(FILE *to, const struct metrics *m)
{
    head(to, "tls_handshakes_total", "counter",
         "Handshakes of TLS: done in full, or resumed by a ticket; or failed because one side "
         "refused the other, ended by the client, late by the header timeout, or begun in plain "
         "HTTP.");
    many(to, m, "tls_handshakes_total", "outcome", handshake_names, HANDSHAKES, COUNT_HANDSHAKES);
    head(to, "tls_connections_total", "counter", "Those that were done, by protocol.");
    many(to, m, "tls_connections_total", "protocol", protocol_names, PROTOCOLS, COUNT_PROTOCOLS);
}

static void write_statuses(FILE *to, const struct metrics *m)
{
    uint64_t classes[5] = {0};
    head(to, "responses_total", "counter", "Replies that have left or were cut, by status.");
    for (unsigned i = 0; i < 500; i++) {
        uint64_t count = ledgers_sum(m->ledgers, COUNT_STATUS + i);
        classes[i / 100] += count;
        if (count > 0) {
            fprintf(to, "cristo_responses_total{status=\"%u\"} %" PRIu64 "\n", 100 + i, count);
        }
    }
    head(to, "responses_class_total", "counter", "The same, by class of status.");
    for (unsigned i = 0; i < 5; i++) {
        fprintf(to, "cristo_responses_class_total{class=\"%uxx\"} %" PRIu64 "\n", i + 1,
                classes[i]);
    }
}

static void write_requests(FILE *to, const struct metrics *m)
{
    head(to, "requests_total", "counter", "Requests that were answered, by method.");
    many(to, m, "requests_total", "method", method_names, METHOD_OTHER + 1, COUNT_METHODS);
    write_statuses(to, m);
    head(to, "limits_total", "counter", "How often each limit was hit, by its option.");
    many(to, m, "limits_total", "limit", limit_names, LIMITS, COUNT_LIMITS);
    head(to, "errors_total", "counter",
         "What went wrong without being a limit: accept, thread and memory ran out; receive, send "
         "and incomplete are clients that left too early; request is what was none; busy and file "
         "are files that could not be opened or read.");
    many(to, m, "errors_total", "kind", mishap_names, MISHAPS, COUNT_MISHAPS);
    one(to, "cache_hits_total", "counter", "Files that were known without asking the file system.",
        ledgers_sum(m->ledgers, COUNT_CACHE_HITS));
    one(to, "cache_misses_total", "counter", "Files that the file system was asked for.",
        ledgers_sum(m->ledgers, COUNT_CACHE_MISSES));
}

static void write_durations(FILE *to, const struct metrics *m)
{
    uint64_t sum_us = ledgers_sum(m->ledgers, COUNT_TOOK_US);
    uint64_t count = 0;
    head(to, "request_duration_seconds", "histogram",
         "From the first byte of a request to the last byte of its reply given to the kernel.");
    for (unsigned i = 0; i < LEDGER_BOUNDS; i++) {
        count += ledgers_sum(m->ledgers, COUNT_TOOK + i);
        fprintf(to, "cristo_request_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                (double)ledger_bounds_us[i] / 1e6, count);
    }
    count += ledgers_sum(m->ledgers, COUNT_TOOK + LEDGER_BOUNDS);
    fprintf(to,
            "cristo_request_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
            "cristo_request_duration_seconds_sum %" PRIu64 ".%06" PRIu64 "\n"
            "cristo_request_duration_seconds_count %" PRIu64 "\n",
            count, sum_us / 1000000, sum_us % 1000000, count);
}

static void write_log(FILE *to, const struct metrics *m)
{
    one(to, "log_lines_total", "counter", "Lines of the access log that were written.",
        journal_written(m->journal));
    one(to, "log_dropped_total", "counter", "Lines of the access log that were lost.",
        journal_lost(m->journal));
}

char *metrics_write(const struct metrics *metrics, size_t *len)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, len);
    if (to == NULL) {
        return NULL;
    }
    write_server(to, metrics);
    write_connections(to, metrics);
    write_handshakes(to, metrics);
    write_requests(to, metrics);
    write_durations(to, metrics);
    write_log(to, metrics);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
