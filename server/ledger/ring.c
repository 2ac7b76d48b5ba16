#include "server/ledger/ring.h"

static const uint16_t most[RECORD_TEXTS] = {
    [TEXT_METHOD] = RECORD_METHOD,
    [TEXT_TARGET] = RECORD_TARGET,
    [TEXT_REFERER] = RECORD_REFERER,
    [TEXT_AGENT] = RECORD_AGENT,
};

void ring_init(struct ring *ring, void *memory, size_t cells)
{
    atomic_init(&ring->reserved, 0);
    atomic_init(&ring->taken, 0);
    atomic_init(&ring->dropped, 0);
    ring->mask = cells - 1;
    ring->cells = memory;
}

/* A record that begins near the end goes on behind it, in the room that is there for that; the
 * cells at the front that it stands for are left alone for this round. */
static struct record *record_at(const struct ring *ring, uint64_t cell)
{
    return (struct record *)(void *)(ring->cells + (cell & ring->mask) * CELL);
}

/* Where a record of so many cells may be written; NULL: nowhere. */
static struct record *reserve(struct ring *ring, unsigned cells)
{
    for (;;) { /* in this order: what is reserved is never less than what was taken before */
        uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
        uint64_t from = atomic_load_explicit(&ring->reserved, memory_order_relaxed);
        if (from + cells - taken > ring->mask + 1) {
            return NULL;
        }
        if (atomic_compare_exchange_weak_explicit(&ring->reserved, &from, from + cells,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            return record_at(ring, from);
        }
    }
}

static unsigned cells_of(const struct entry *entry)
{
    size_t size = sizeof(struct record);
    for (int i = 0; i < RECORD_TEXTS; i++) {
        size += entry->text[i].len < most[i] ? entry->text[i].len : most[i];
    }
    return (unsigned)((size + CELL - 1) / CELL);
}

/* All but the first word: that is for the end. */
static void fill(struct record *record, const struct entry *entry)
{
    const size_t behind = offsetof(struct record, status);
    char *to = (char *)(record + 1);
    memcpy((char *)record + behind, (const char *)&entry->record + behind,
           sizeof(*record) - behind);
    record->absent = record->cut = 0;
    for (int i = 0; i < RECORD_TEXTS; i++) {
        struct bytes text = entry->text[i];
        if (text.len > most[i]) {
            text.len = most[i];
            record->cut |= (uint8_t)(1 << i);
        }
        record->absent |= (uint8_t)((text.at == NULL) << i);
        record->len[i] = (uint16_t)text.len;
        to = bytes_copy(to, text);
    }
}

void ring_put(struct ring *ring, const struct entry *entry)
{
    unsigned cells = cells_of(entry);
    struct record *record = reserve(ring, cells);
    if (record == NULL) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return;
    }
    fill(record, entry);
    atomic_store_explicit(&record->cells, cells, memory_order_release);
}

const struct record *ring_take(struct ring *ring)
{
    struct record *record =
        record_at(ring, atomic_load_explicit(&ring->taken, memory_order_relaxed));
    return atomic_load_explicit(&record->cells, memory_order_acquire) != 0 ? record : NULL;
}

/* Whatever a client put into the texts, the first word of every cell is 0 when it is reserved
 * again, for any of them may become the first of a record. */
void ring_free(struct ring *ring, const struct record *record)
{
    uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    unsigned cells = atomic_load_explicit(&record->cells, memory_order_relaxed);
    char *cell = (char *)record_at(ring, taken);
    for (unsigned i = 0; i < cells; i++) {
        atomic_store_explicit(&((struct record *)(void *)(cell + (size_t)i * CELL))->cells, 0,
                              memory_order_relaxed);
    }
    atomic_store_explicit(&ring->taken, taken + cells, memory_order_release);
}

/* In this order: what is reserved is never less than what is taken. A putter who meets the first
 * without the second finds less room than there is, but for all that was skipped. */
void ring_rewind(struct ring *ring)
{
    uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    uint64_t reserved = taken;
    uint64_t front = (taken | ring->mask) + 1;
    if ((taken & ring->mask) > ring->mask / 16 &&
        atomic_compare_exchange_strong_explicit(&ring->reserved, &reserved, front,
                                                memory_order_relaxed, memory_order_relaxed)) {
        atomic_store_explicit(&ring->taken, front, memory_order_release);
    }
}
