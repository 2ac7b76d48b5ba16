/* Tells the operator what has run out, and which limit it was. It comes in crowds: each kind is
 * told once a minute at the most. Counters tell how often it was (server/ledger). Any thread. */
#pragma once

#include "lib/base/bounds.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum shortage_kind {
    SHORT_OF_CONNECTIONS,
    SHORT_OF_DESCRIPTORS,
    SHORT_OF_THREADS,
    SHORTAGES,
};

struct shortage {
    uint64_t connections;  /* that are let in at once */
    uint64_t descriptors;  /* that this process may have */
    bool asked_for;        /* it was an option that bounds connections, and not the descriptors */
    struct bounds threads; /* as they were before the server was confined: it cannot look again */
    atomic_uint_fast64_t told_ns[SHORTAGES];
};

/* Looks at what bounds threads, if connections have threads of their own: `stack` bytes for each,
 * else 0. Says so if threads are too few for the connections that were asked for. Before there are
 * threads. */
void shortage_init(struct shortage *shortage, uint64_t connections, uint64_t descriptors,
                   bool asked_for, uint64_t stack);

/* There is no room for one more connection: others wait. */
void shortage_of_connections(struct shortage *shortage);

/* One could not be accepted, for this errno. */
void shortage_of_descriptors(struct shortage *shortage, int error);

/* One was turned away, because there was no thread for it. */
void shortage_of_threads(struct shortage *shortage);
