/* What is to be done: which targets, how many connections, how long. Made from the options before
 * anything starts, and `const` from then on. */
#pragma once

#include "client/means.h"
#include "client/ramp.h"
#include "lib/base/clock.h"
#include "lib/http/bytes.h"
#include "lib/http/request.h"
#include "lib/net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_client;
struct tls_recall;

/* Somewhere to connect to. */
struct origin {
    struct address address;
    bool tcp;
    char *host; /* that its certificate has to be for, as the URL has it; NULL: no TLS */
    struct tls_recall *recall; /* of its last session; NULL: every handshake is a full one */
};

/* Something to ask for there, ready to be sent. */
struct target {
    const char *url;
    const struct origin *origin;
    struct bytes request; /* the whole head; the plan's body follows it */
};

/* What makes a reply a good one; each asks for all that those before it ask for. */
enum verify {
    VERIFY_STATUS, /* a status below 400 */
    VERIFY_LENGTH, /* and exactly the bytes that its framing promised */
    VERIFY_BYTES,  /* and the body of the first good reply to its URL */
};

struct plan {
    const struct target *targets; /* asked for in turn */
    size_t target_count;
    const uint32_t *weights;      /* of the targets; NULL: all are alike */
    const uint32_t *turns;        /* with weights: whose turn it is, round and round */
    size_t turn_count;            /* length of a round: target_count, or the sum of all weights */
    const struct origin *origins; /* where they are */
    size_t origin_count;
    struct tls_client *tls;        /* for those that speak it; NULL: none does */
    const struct address *sources; /* connections come from these in turn */
    size_t source_count;           /* 0: from where the system likes */
    char *url_text;                /* the file that some were read from; NULL: none */
    struct bytes body;             /* sent with every request */

    enum method method;
    const char *method_text;
    bool repeatable; /* idempotent: may be sent again when a connection was lost */

    uint64_t connections; /* the most at once */
    uint64_t threads;     /* that carry them */
    uint64_t descriptors; /* that are needed for all this */
    uint64_t pipeline;    /* requests in flight on a connection, at least 1 */
    uint64_t rate;        /* requests a second in all, sent by the clock; 0: as replies come */
    uint64_t requests;    /* 0: as many as the duration allows */
    uint64_t duration_ns; /* 0: as long as the requests take */
    uint64_t warmup_ns;   /* load for so long first, which counts toward neither */
    uint64_t timeout_ns;  /* from a request's first byte to its reply's last */
    uint64_t connect_timeout_ns;
    uint64_t think_low_ns; /* between a reply and the next request: uniform, drawn from the seed */
    uint64_t think_high_ns;
    uint64_t seed;

    bool close; /* a new connection for every request */
    bool trace; /* every verdict is told as it comes */
    enum verify verify;
    bool insecure; /* certificates are not looked at */
    bool resume;   /* sessions of TLS are */

    bool ramps_connections; /* how many are at work is the ramp's to say */
    struct ramp ramp;       /* of the connections, or, when there is one, of the rate, which is then
                               what it begins with; count 0: neither changes */
};

/* The schedule of an open loop (rate > 0), in ns after its beginning: when the request of
 * this number is due, and how many are due before a moment. In the warm-up the rate stays what it
 * begins with. */
static inline uint64_t plan_warm_due_ns(const struct plan *plan, uint64_t number)
{
    return number / plan->rate * NS_PER_S + number % plan->rate * NS_PER_S / plan->rate;
}

static inline uint64_t plan_due_ns(const struct plan *plan, uint64_t number)
{
    return plan->ramp.count > 0 ? ramp_due_ns(&plan->ramp, number) : plan_warm_due_ns(plan, number);
}

static inline uint64_t plan_due_before(const struct plan *plan, uint64_t elapsed_ns)
{
    if (plan->ramp.count > 0) {
        return ramp_due_before(&plan->ramp, elapsed_ns);
    }
    uint64_t part = elapsed_ns % NS_PER_S * plan->rate;
    return elapsed_ns / NS_PER_S * plan->rate + (part + NS_PER_S - 1) / NS_PER_S;
}

/* What the request of this number asks for. */
static inline const struct target *plan_target(const struct plan *plan, uint64_t number)
{
    uint64_t turn = number % plan->turn_count;
    return &plan->targets[plan->turns == NULL ? turn : plan->turns[turn]];
}

struct options;

enum plan_outcome {
    PLAN_READY,
    PLAN_MISUSE,  /* the options contradict each other, or this machine */
    PLAN_FAILURE, /* a host or a file is not to be found */
};

enum {
    PLAN_TEXT = 640
};

/* Makes a plan of the options, for a program that has these means and gives every connection a
 * thread or not. Looks up hosts (blocks), reads the body file, writes the requests. When not ready,
 * `why` (PLAN_TEXT bytes) says what is wrong, by the option or the URL, and there is nothing to
 * finish.
 */
enum plan_outcome plan_init(struct plan *plan, const struct options *options, bool one_thread_each,
                            const struct means *means, char *why);
void plan_finish(struct plan *plan);
