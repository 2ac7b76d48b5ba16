/* Whether a run's figures can be trusted: whether it was the server that they measured, and not the
 * generator or the machine. Pure; judges what client/evidence.h collected. */
#pragma once

#include "client/report.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TRUST_ENOUGH = 100, /* requests on each connection; fewer are too short to judge */
    TRUST_LOOKS = 20,   /* at requests in flight; fewer say nothing of them */

    /* Ceilings, in per cent: */
    TRUST_CPU_MOST = 90,   /* of a core by one thread, and of all cores by all */
    TRUST_QUEUE_MOST = 20, /* of the time that requests took: waiting for a core */
    TRUST_STOLEN_MOST = 5, /* of the machine's time, by its host */
    TRUST_FLIGHT_MOST = 5, /* between requests in flight, counted and computed */
    TRUST_LAG_MOST = 10,   /* of the median latency, or TRUST_LAG_US: send lag of one in 100 */
    TRUST_MISSED_MOST = 1, /* of the requests that were due */
    TRUST_LAG_US = 1000,
    TRUST_CLOCK_MS = 10, /* between two clocks, or half a per cent of the run */
};

enum trust_check {
    TRUST_FLIGHT,      /* Little's law: as many in flight as latencies and rate come to */
    TRUST_THREAD,      /* no thread of the generator was the limit */
    TRUST_CORES,       /* nor were its cores */
    TRUST_QUEUE,       /* it did not wait for a core */
    TRUST_LAG,         /* open loop: requests left at their moment */
    TRUST_MISSED,      /* and all of them */
    TRUST_STOLEN,      /* the host left the machine alone */
    TRUST_CLOCK,       /* the clock neither jumped nor slept */
    TRUST_DESCRIPTORS, /* there were enough of them, for the process and in the machine */
    TRUST_PORTS,
    TRUST_CHECKS,
};

enum trust_verdict {
    TRUSTED,
    NOT_TRUSTED,
    TOO_SHORT, /* to judge */
};

struct trust {
    enum trust_verdict verdict;
    bool fails[TRUST_CHECKS];

    /* What was looked at; shares are of 1. */
    double flying; /* in flight on average, as counted, and as latencies say */
    double flying_expected;
    double thread_share; /* of a core */
    double cores_share;  /* of all cores */
    double queue_share;  /* below 0: not known */
    double stolen_share;
    double clock_off_s;
    uint64_t lag_us; /* p99 */
    uint64_t lag_most_us;
};

struct trust trust_judge(const struct report *report);

enum {
    TRUST_TEXT = 320
};

/* Says of a check that failed what it found. Returns `to` (TRUST_TEXT bytes). */
char *trust_explain(char *to, const struct trust *trust, enum trust_check check,
                    const struct report *report);
