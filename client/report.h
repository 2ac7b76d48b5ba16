/* What a run came to: text for people, JSON for programs.
 *
 * The JSON is one object, described by client/schema.json ("cristo-client/1"). Members may be added
 * to it; should one go or change its meaning, the number rises:
 *
 *   plan       what was asked for; requests or duration_s is null where it was not limited
 *   requests   sent = ok + failed + those that the end of the run cut off
 *   errors     the failed ones by kind; each counts once. causes: what the first of each kind was
 *              caused by, where there is more to say
 *   statuses   whole replies by status, good or not
 *   bytes      received: all of them, heads too; body: content of whole replies
 *   rate       per second of elapsed time: requests that were answered well, bytes received
 *   latency_us, first_byte_us    of the requests that were answered well; connect_us of
 *              connections, without the handshakes of TLS, which are handshake_us
 *   tls        null, as is handshake_us, unless a URL is https. agreed: what with, and how often;
 *              that of the warm-up when there was no handshake since
 *   histogram  the latencies by value: [highest microsecond of the slot, how many], ascending
 *   open_loop  null unless the plan has a rate. due: requests whose moment came; those that were
 *              not sent are missed: because no connection was free, or though one was, and then by
 *              the generator's fault. held_up: sent late because no connection was free. raw_us: as
 *              latency_us, but from the sending. lag_us: how late requests were sent that a free
 *              connection waited for
 *   timeline   [seconds since the beginning, requests that ended since the point before, their mean
 *              time in microseconds from the sending, or null], the first point being the beginning
 *   over_time  the steps between these points, side by side from the beginning to the end: the
 *              requests whose verdict came in a step, and the latencies of the good ones, each
 *              within 1 % of the truth; null where there were none. Added up they are `requests`
 *   delay_s    what the Delay fields of replies said
 *   warmup     null unless there was one: what it came to, and is in no other figure
 *   require    each threshold, what its figure came to, and whether it holds; value is null when
 *              there was no reply to have one. Durations are in microseconds, shares of 1
 *   trusted    whether these figures can be: null when the run was too short to judge. trust: why
 *              not, in words, and what was looked at (client/trust.h)
 *   generator  this program's own effort; cpu_us_per_request is over ok and failed */
#pragma once

#include "client/evidence.h"
#include "client/load.h"
#include "client/plan.h"
#include "client/require.h"
#include "client/tally.h"
#include "lib/base/order.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct report {
    const struct model *model;
    const struct plan *plan;
    const struct tally *tally;  /* of the whole run, but for its warm-up */
    const struct tally *warmup; /* what is not in it */
    const struct thresholds *thresholds;
    uint64_t started_ms; /* since 1970 */
    uint64_t begin_ns;   /* on the monotonic clock, when the warm-up was over */
    uint64_t elapsed_ns; /* without the warm-up */
    uint64_t due;        /* open loop: requests whose moment came, sent or not */
    uint64_t cpu_user_ns;
    uint64_t cpu_system_ns;
    struct evidence evidence;
    bool interrupted;
    bool fine_blocks; /* the reader's characters are UTF-8's (client/blocks.h) */
};

enum {
    REPORT_LABEL = 12 /* width of the words on the left of the summary */
};

/* When a point of the timeline was, since the beginning. */
static inline uint64_t report_point(const struct report *report, size_t point)
{
    uint64_t at_ns = report->evidence.timeline->at[point].at_ns;
    return excess_of(at_ns, report->begin_ns);
}

/* Of an open loop, requests that were due and never sent. */
struct missed {
    uint64_t no_connection; /* none was free for them */
    uint64_t generator;     /* one was, but the generator was late */
};

static inline struct missed report_missed(const struct report *report)
{
    uint64_t all = report->due - report->tally->sent;
    uint64_t generator = lesser_of(report->tally->missed, all);
    return (struct missed){all - generator, generator};
}

/* Of a run with TLS, where its handshakes are counted: in the warm-up, if there were none since. */
static inline const struct tally *report_shaken(const struct report *report)
{
    return report->tally->handshake.count > 0 ? report->tally : report->warmup;
}

/* What first caused a kind of failure, in words; NULL: there are none. */
static inline const char *report_cause(const struct report *report, enum failure kind)
{
    int error = report->tally->causes[kind].error;
    const char *why = report->tally->causes[kind].why;
    return error != 0 ? strerror(error) : *why != '\0' ? why : NULL;
}

/* Prints the summary; with `full`, the whole table of percentiles too. */
void report_print(const struct report *report, bool full, FILE *to);

/* Of these, the course over time as a picture of two lines, if there were two steps or more. */
void report_print_over_time(const struct report *report, FILE *to);

/* Prints it in the words of wrk, for programs that read these; with `full`, as with its --latency.
 */
void report_print_wrk(const struct report *report, bool full, FILE *to);

/* Writes the JSON object and a line end. 0 or -errno. */
int report_write_json(const struct report *report, FILE *to);
