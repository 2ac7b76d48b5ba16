/* What has to be written about a reply, and the ring of such records between those who serve and
 * the one who writes.
 *
 * Any number of threads put, one takes; nobody waits. A record lies in whole cells of one cache
 * line, in one piece; the first word of its first cell says how many, and is written last: until
 * then the taker goes no further. Whoever finds no room drops the record and counts it. Memory
 * alone: no system call, no clock, no lock. */
#pragma once

#include "lib/http/bytes.h"
#include "server/client.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    RECORD_METHOD = 32, /* bytes of each text that are kept */
    RECORD_TARGET = 1024,
    RECORD_REFERER = 512,
    RECORD_AGENT = 512,
};

/* The texts of a record: they lie behind it in this order. */
enum record_text {
    TEXT_METHOD, /* empty: what came was no request, and TEXT_TARGET is its first line */
    TEXT_TARGET,
    TEXT_REFERER,
    TEXT_AGENT,
    RECORD_TEXTS,
};

struct record {
    atomic_uint cells; /* 0: not yet whole */
    uint16_t status;
    uint16_t len[RECORD_TEXTS];
    uint8_t absent;     /* bit per text: the field was not sent */
    uint8_t cut;        /* bit per text: it was longer */
    uint8_t minor;      /* HTTP/1.minor */
    uint8_t unfinished; /* the connection ended before the reply did */
    struct client client;
    uint32_t number;     /* of the request on its connection, from 1 */
    int64_t wall_s;      /* when the reply had left */
    uint64_t took_us;    /* from the first byte of the head to the last byte given to the kernel */
    uint64_t connection; /* from 1 */
    uint64_t body;       /* bytes of it that were sent */
};

/* What a record is made of. A text whose `at` is NULL is absent. */
struct entry {
    struct record record; /* but for what the ring fills in: cells, len, absent, cut */
    struct bytes text[RECORD_TEXTS];
};

enum {
    CELL = 64, /* bytes: a cache line */
    RECORD_MOST = (sizeof(struct record) + RECORD_METHOD + RECORD_TARGET + RECORD_REFERER +
                   RECORD_AGENT + CELL - 1) /
                  CELL * CELL,
};

struct ring {
    _Alignas(CELL) atomic_uint_fast64_t reserved; /* cells, ever, skipped ones too; the putters' */
    atomic_uint_fast64_t dropped;                 /* records that found no room */
    _Alignas(CELL) atomic_uint_fast64_t taken;    /* cells, ever; the taker's */
    uint64_t mask;                                /* cells - 1 */
    char *cells;                                  /* NULL: nobody takes; and RECORD_MOST behind */
};

/* Bytes of memory for a ring of so many cells, a power of two, twice RECORD_MOST at the least. */
static inline size_t ring_bytes(size_t cells)
{
    return cells * CELL + RECORD_MOST;
}

/* `memory`: ring_bytes(cells) of zeros, aligned to CELL. It stays the caller's. */
void ring_init(struct ring *ring, void *memory, size_t cells);

/* Copies a record in, or drops it. Any thread. */
void ring_put(struct ring *ring, const struct entry *entry);

/* The next whole record, or NULL; it holds until ring_free(). One thread. */
const struct record *ring_take(struct ring *ring);
/* Gives the room of the record taken last back. */
void ring_free(struct ring *ring, const struct record *record);

/* When there was nothing to take: begins at the front again, once some way has been gone, so that
 * the memory in use stays in a core's cache. The taker's. */
void ring_rewind(struct ring *ring);

/* A text of a record. */
static inline struct bytes record_text(const struct record *record, enum record_text which)
{
    const char *at = (const char *)(record + 1);
    for (unsigned i = 0; i < which; i++) {
        at += record->len[i];
    }
    return (struct bytes){at, record->len[which]};
}
