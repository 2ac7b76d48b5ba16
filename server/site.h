/* What a server serves and by which rules. Filled once from the options, never changed while it
 * serves: every thread reads it, none writes but the counters. */
#pragma once

#include "lib/base/secret.h"
#include "lib/http/request.h"
#include "server/addresses.h"
#include "server/ledger/ledgers.h"
#include "server/shortage.h"
#include "server/store/store.h"

#include <stdatomic.h>
#include <stdint.h>

struct gate;

struct limits {
    struct request_limits request; /* bytes and fields of a head */
    uint64_t body;                 /* bytes of a request body that are read and dropped */
    uint64_t requests;             /* on one connection; 0: any number */
    uint64_t connections;          /* at once; 0: as many as there are descriptors */
    uint64_t per_address;          /* of those, from one address; 0: any number */
    uint64_t min_rate; /* bytes a second, in each span of the matching timeout; 0: none */
};

struct timeouts {
    uint64_t head_ns;  /* for a whole head, from its first byte; for the next piece of a body */
    uint64_t idle_ns;  /* without a request */
    uint64_t send_ns;  /* without any progress */
    uint64_t drain_ns; /* for running replies, once asked to stop */
};

struct site {
    struct store *store;
    uint64_t trust_ns;     /* --revalidate */
    struct bytes fallback; /* a path beneath the docroot; empty: none. Followed by a NUL */
    bool dotfiles;
    struct bytes fields; /* whole lines for every head */

    unsigned cores; /* of the machine: 1 at the least */
    struct limits limits;
    struct timeouts timeouts;
    struct addresses *addresses; /* --max-per-address; NULL: off */

    struct gate *gate; /* of TLS; NULL: it is spoken nowhere */

    struct ledgers *ledgers; /* NULL: nobody looks at what happens */
    struct shortage shortage;
    atomic_uint_fast64_t arrivals; /* so many conversations have begun: each has a number */
    atomic_bool handed_over;       /* to a successor, which accepts now */
    atomic_bool draining;          /* what /healthz tells */

    bool delays; /* --delay */
    uint64_t delay_low_ns, delay_high_ns;
    uint64_t seed;
    atomic_uint_fast64_t draws; /* so many delays were drawn: the k-th request anywhere waits the
                                   k-th draw of the seed */
    struct secret secret;       /* what boundaries of multipart replies are drawn from */
    atomic_uint_fast64_t boundaries; /* so many numbers were drawn for them */
    unsigned compute;                /* --compute: fib of it before each reply; 0: none */
};
