/* What happened: counters of everything an administrator asks for, and the ring of records for the
 * access log.
 *
 * There is one ledger for each event loop, which alone counts in it, or for each core when
 * connections have threads of their own; whoever reads adds them up. Counting costs a few
 * instructions and no system call. A NULL ledger counts nothing: nobody looks. */
#pragma once

#include "lib/http/request.h"
#include "server/ledger/ring.h"

/* Limits, by the names of their options. */
enum limit {
    LIMIT_CONNECTIONS, /* no room for one more was found so often; those who came then waited */
    LIMIT_PER_ADDRESS,
    LIMIT_REQUESTS,
    LIMIT_HEAD,
    LIMIT_FIELDS,
    LIMIT_BODY,
    LIMIT_HEADER_TIMEOUT,
    LIMIT_IDLE_TIMEOUT,
    LIMIT_SEND_TIMEOUT,
    LIMIT_MIN_RATE,
    LIMIT_DRAIN_TIMEOUT,
    LIMITS,
};

/* What went wrong without being a limit. */
enum mishap {
    MISHAP_ACCEPT,     /* a connection could not be accepted, for want of descriptors or memory */
    MISHAP_THREAD,     /* no thread could be made for it: it was turned away */
    MISHAP_MEMORY,     /* no memory was there for it: it was turned away or cut */
    MISHAP_RECEIVE,    /* the connection broke while a request was waited for */
    MISHAP_INCOMPLETE, /* the client ended its side in the middle of a request */
    MISHAP_SEND,       /* the connection broke, or the file changed, in the middle of a reply */
    MISHAP_REQUEST,    /* what came was not a request of HTTP/1 */
    MISHAP_BUSY,       /* a file could not be opened for want of descriptors or memory */
    MISHAP_FILE,       /* a file could not be read */
    MISHAPS,
};

/* How handshakes of TLS came out. */
enum handshake {
    HANDSHAKE_FULL,
    HANDSHAKE_RESUMED, /* by a ticket */
    HANDSHAKE_FAILED,  /* one of the two refused the other, or the connection broke */
    HANDSHAKE_ENDED,   /* the client left in the middle of it */
    HANDSHAKE_LATE,    /* it was not done within the header timeout */
    HANDSHAKE_PLAIN,   /* the client spoke plain HTTP */
    HANDSHAKES,
};

/* Of those that were done. */
enum protocol {
    PROTOCOL_TLS_1_2,
    PROTOCOL_TLS_1_3,
    PROTOCOLS,
};

enum counter {
    COUNT_ACCEPTED, /* connections */
    COUNT_CLOSED,
    COUNT_TURNED_AWAY,
    COUNT_RECEIVED, /* bytes */
    COUNT_SENT,
    COUNT_CACHE_HITS,
    COUNT_CACHE_MISSES,
    COUNT_TOOK_US, /* the sum of what the histogram counts */
    COUNT_LIMITS,
    COUNT_MISHAPS = COUNT_LIMITS + LIMITS,
    COUNT_METHODS = COUNT_MISHAPS + MISHAPS,
    COUNT_HANDSHAKES = COUNT_METHODS + METHOD_OTHER + 1,
    COUNT_PROTOCOLS = COUNT_HANDSHAKES + HANDSHAKES,
    COUNT_STATUS = COUNT_PROTOCOLS + PROTOCOLS, /* from 100 on */
    COUNT_TOOK = COUNT_STATUS + 500,            /* a histogram: LEDGER_BOUNDS, then above */
    LEDGER_BOUNDS = 16,
    COUNTERS = COUNT_TOOK + LEDGER_BOUNDS + 1,
};

/* The upper bounds of the histogram's buckets, inclusive. */
extern const uint64_t ledger_bounds_us[LEDGER_BOUNDS];

struct ledger {
    struct ring ring;
    bool shared; /* several threads count here at once */
    bool silent; /* there is a ring, and nobody reads the counters */
    _Alignas(CELL) atomic_uint_fast64_t count[COUNTERS];
};

/* Zeroed memory is a ledger without a ring that one thread counts in. */

static inline void ledger_add(struct ledger *ledger, unsigned counter, uint64_t more)
{
    if (ledger == NULL || ledger->silent) {
        return;
    }
    atomic_uint_fast64_t *count = &ledger->count[counter];
    if (ledger->shared) {
        atomic_fetch_add_explicit(count, more, memory_order_relaxed);
    } else { /* the same without locking the line: nobody else writes */
        uint64_t before = atomic_load_explicit(count, memory_order_relaxed);
        atomic_store_explicit(count, before + more, memory_order_relaxed);
    }
}

static inline void ledger_count(struct ledger *ledger, unsigned counter)
{
    ledger_add(ledger, counter, 1);
}

static inline void ledger_limit(struct ledger *ledger, enum limit limit)
{
    ledger_add(ledger, COUNT_LIMITS + limit, 1);
}

static inline void ledger_mishap(struct ledger *ledger, enum mishap mishap)
{
    ledger_add(ledger, COUNT_MISHAPS + mishap, 1);
}

static inline void ledger_handshake(struct ledger *ledger, enum handshake handshake)
{
    ledger_add(ledger, COUNT_HANDSHAKES + handshake, 1);
}

/* Counts a reply that has left or was cut (its status, its time, and its method if what it answers
 * was a request), and puts it into the ring, if there is one. */
void ledger_reply(struct ledger *ledger, const struct entry *entry, bool was_request,
                  enum method method);
