/* What came of the requests: counts, errors by kind, latencies. Every worker fills a tally of its
 * own, and they are added up when all have left.
 *
 * All zero is the empty tally. It is nearly a megabyte wide and meant for fresh zero pages
 * (client/space.h). One thread at a time; no allocation, no clock. */
#pragma once

#include "client/histogram.h"

#include <stdbool.h>
#include <stdint.h>

/* Why a request failed: each failed request counts once, under the first that applies. */
enum failure {
    FAILURE_CONNECT, /* no connection could be made */
    FAILURE_TLS,     /* connected, but the handshake failed, or TLS did later */
    FAILURE_TIMEOUT, /* the reply was not there in time */
    FAILURE_RESET,   /* the connection was lost: reset, or closed before a reply began */
    FAILURE_STATUS,  /* the reply's status is 400 or above */
    FAILURE_FRAMING, /* not HTTP, closed before the reply's end, or bytes after it */
    FAILURE_CONTENT, /* the body is not the one it should be */
    FAILURE_COUNT,
    FAILURE_NONE = FAILURE_COUNT,
};

/* What caused a failure: an errno, or a phrase, or neither. */
struct cause {
    int error;
    const char *why;
};

/* What a handshake of TLS came to. The texts are static. */
struct agreement {
    const char *protocol; /* "TLSv1.3" */
    const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
    bool resumed;         /* an earlier session */
};

enum {
    TALLY_STATUSES = 1000,
    TALLY_WHY = 256, /* bytes of a phrase that are kept, with its NUL */
    TALLY_SUITES = 4,
};

struct tally {
    uint64_t
        sent; /* requests taken up; those neither ok nor failed were cut off by the run's end */
    uint64_t ok;
    uint64_t failed;
    uint64_t failures[FAILURE_COUNT];
    struct {
        int error;
        char why[TALLY_WHY];
    } causes[FAILURE_COUNT]; /* the first of each kind */

    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t bytes_body; /* content of replies, without heads and chunk framing */

    /* Of an open loop, whose requests are due by the clock: */
    uint64_t held_up; /* sent late, because no connection was free at their moment */
    uint64_t missed;  /* never sent, though a connection was */

    /* Connections that failed because the process had no descriptor left for them, the machine
     * none, or their address no local port; and when it first had none (0: never). */
    uint64_t no_descriptor;
    uint64_t no_descriptor_of_machine;
    uint64_t no_port;
    uint64_t no_port_ns;

    uint64_t delay_count; /* replies that carried a Delay field, and what these said */
    uint64_t delay_sum_ns;
    uint64_t delay_max_ns;

    uint64_t resumed; /* handshakes that went on with an earlier session */
    struct {
        const char *protocol, *cipher;
        uint64_t handshakes;
    } suites[TALLY_SUITES]; /* what was agreed on; the first few, if it was more */

    uint64_t ended_ns; /* when the last session finished */

    uint64_t statuses[TALLY_STATUSES]; /* whole replies by status */
    struct histogram latency;          /* of requests that were answered well, and only these */
    struct histogram first_byte;       /* of the same */
    struct histogram connect;          /* of connections made */
    struct histogram handshake;        /* of TLS, of those that were done */
    struct histogram raw;              /* open loop: of `latency`'s requests, from their sending */
    struct histogram lag; /* open loop: how late requests were that a free connection waited for */
};

/* Counts a reply that came as it should. Times are durations. */
void tally_ok(struct tally *tally, uint64_t latency_ns, uint64_t first_byte_ns);

/* Counts a request that failed; keeps a copy of the first cause of every kind. */
void tally_failure(struct tally *tally, enum failure failure, struct cause cause);

/* Counts a connection made, or one that was not to be had now for this error (an errno). */
void tally_connect(struct tally *tally, uint64_t took_ns);
void tally_no_connection(struct tally *tally, int error, uint64_t now_ns);

/* Counts a handshake that was done. */
void tally_handshake(struct tally *tally, uint64_t took_ns, const struct agreement *agreed);

/* Counts, of an open loop, the same reply from the request's sending, and how late the generator
 * was to send one. */
void tally_raw(struct tally *tally, uint64_t latency_ns);
void tally_lag(struct tally *tally, uint64_t lag_ns);

/* Counts a Delay field. */
void tally_delay(struct tally *tally, uint64_t delay_ns);

/* Adds all of `from` to `to`. */
void tally_add(struct tally *to, const struct tally *from);

/* "connect", "timeout", ...; for FAILURE_NONE "ok". Static. */
const char *failure_name(enum failure failure);
