/* All ledgers of a server: one for each loop, or for each core. */
#pragma once

#include "server/ledger/ledger.h"

struct ledgers {
    unsigned count;
    struct ledger *at;
};

/* `shared`: any thread counts in any of them; `silent`: nobody reads the counters; `cells`: of each
 * ring, 0 for none. NULL when out of memory. */
struct ledgers *ledgers_create(unsigned count, bool shared, bool silent, size_t cells);
void ledgers_destroy(struct ledgers *ledgers);

/* One of them; NULL when there are none. */
static inline struct ledger *ledgers_at(const struct ledgers *ledgers, unsigned index)
{
    return ledgers != NULL ? &ledgers->at[index] : NULL;
}

/* The one of the core that the caller happens to run on; NULL when there are none. */
struct ledger *ledgers_here(const struct ledgers *ledgers);

/* What all of them have counted, and dropped, so far. */
uint64_t ledgers_sum(const struct ledgers *ledgers, unsigned counter);
uint64_t ledgers_dropped(const struct ledgers *ledgers);
