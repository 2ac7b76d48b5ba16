#include "server/ledger/ledgers.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Pages of it come into being when they are first written. */
static void *ring_memory(size_t cells)
{
    void *memory =
        mmap(NULL, ring_bytes(cells), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static bool ledger_init(struct ledger *ledger, bool shared, bool silent, size_t cells)
{
    memset(ledger, 0, sizeof(*ledger));
    ledger->shared = shared;
    ledger->silent = silent;
    if (cells > 0) {
        void *memory = ring_memory(cells);
        if (memory == NULL) {
            return false;
        }
        ring_init(&ledger->ring, memory, cells);
    }
    return true;
}

struct ledgers *ledgers_create(unsigned count, bool shared, bool silent, size_t cells)
{
    struct ledgers *ledgers = calloc(1, sizeof(*ledgers));
    if (ledgers == NULL) {
        return NULL;
    }
    ledgers->at = aligned_alloc(_Alignof(struct ledger), count * sizeof(struct ledger));
    while (ledgers->at != NULL && ledgers->count < count) {
        if (!ledger_init(&ledgers->at[ledgers->count], shared, silent, cells)) {
            break;
        }
        ledgers->count++;
    }
    if (ledgers->at == NULL || ledgers->count < count) {
        ledgers_destroy(ledgers);
        return NULL;
    }
    return ledgers;
}

void ledgers_destroy(struct ledgers *ledgers)
{
    if (ledgers == NULL) {
        return;
    }
    for (unsigned i = 0; i < ledgers->count; i++) {
        const struct ring *ring = &ledgers->at[i].ring;
        if (ring->cells != NULL) {
            munmap(ring->cells, ring_bytes((size_t)ring->mask + 1));
        }
    }
    free(ledgers->at);
    free(ledgers);
}

struct ledger *ledgers_here(const struct ledgers *ledgers)
{
    if (ledgers == NULL) {
        return NULL;
    }
    int core = sched_getcpu();
    return &ledgers->at[core < 0 ? 0 : (unsigned)core % ledgers->count];
}

uint64_t ledgers_sum(const struct ledgers *ledgers, unsigned counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ledgers->count; i++) {
        sum += atomic_load_explicit(&ledgers->at[i].count[counter], memory_order_relaxed);
    }
    return sum;
}

uint64_t ledgers_dropped(const struct ledgers *ledgers)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ledgers->count; i++) {
        sum += atomic_load_explicit(&ledgers->at[i].ring.dropped, memory_order_relaxed);
    }
    return sum;
}
