#include "server/ledger/ledger.h"

const uint64_t ledger_bounds_us[LEDGER_BOUNDS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,    25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000, 60000000,
};

static unsigned bucket_of(uint64_t took_us)
{
    unsigned i = 0;
    while (i < LEDGER_BOUNDS && took_us > ledger_bounds_us[i]) {
        i++;
    }
    return i;
}

static void count_reply(struct ledger *ledger, const struct record *record)
{
    ledger_count(ledger, COUNT_STATUS + record->status - 100);
    ledger_count(ledger, COUNT_TOOK + bucket_of(record->took_us));
    ledger_add(ledger, COUNT_TOOK_US, record->took_us);
}

void ledger_reply(struct ledger *ledger, const struct entry *entry, bool was_request,
                  enum method method)
{
    if (!ledger->silent) {
        count_reply(ledger, &entry->record);
    }
    if (was_request) {
        ledger_count(ledger, COUNT_METHODS + method);
    }
    if (ledger->ring.cells != NULL) {
        ring_put(&ledger->ring, entry);
    }
}
