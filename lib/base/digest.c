#include "lib/base/digest.h"

#include <endian.h>
#include <string.h>

enum {
    STRIPE = 32
};

static const uint64_t prime[] = {UINT64_C(0x9e3779b185ebca87), UINT64_C(0xc2b2ae3d27d4eb4f),
                                 UINT64_C(0x165667b19e3779f9), UINT64_C(0x85ebca77c2b2ae63),
                                 UINT64_C(0x27d4eb2f165667c5)};

static inline uint64_t turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline uint64_t load8(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

static inline uint64_t load4(const unsigned char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return le32toh(word);
}

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
    return turn(lane + word * prime[1], 31) * prime[0];
}

void digest_init(struct digest *digest)
{
    *digest = (struct digest){.lane = {prime[0] + prime[1], prime[1], 0, 0 - prime[0]}};
}

/* Whole stripes; how many bytes they are. */
static size_t add_stripes(struct digest *digest, const unsigned char *at, size_t size)
{
    size_t used = 0;

    for (; size - used >= STRIPE; used += STRIPE) {
        for (int i = 0; i < 4; i++) {
            digest->lane[i] = mix(digest->lane[i], load8(at + used + 8 * i));
        }
    }
    return used;
}

void digest_add(struct digest *digest, const void *content, size_t size)
{
    const unsigned char *at = content;
    size_t held = digest->total % STRIPE;

    if (size == 0) {
        return;
    }
    digest->total += size;
    if (held > 0) {
        size_t take = size < STRIPE - held ? size : STRIPE - held;
        memcpy(digest->tail + held, at, take);
        if (held + take < STRIPE) {
            return;
        }
        add_stripes(digest, digest->tail, STRIPE);
        at += take;
        size -= take;
    }
    size_t used = add_stripes(digest, at, size);
    memcpy(digest->tail, at + used, size - used);
}

static uint64_t join_lanes(const struct digest *digest)
{
    const uint64_t *lane = digest->lane;
    uint64_t hash = turn(lane[0], 1) + turn(lane[1], 7) + turn(lane[2], 12) + turn(lane[3], 18);

    for (int i = 0; i < 4; i++) {
        hash = (hash ^ mix(0, lane[i])) * prime[0] + prime[3];
    }
    return hash;
}

static uint64_t add_tail(uint64_t hash, const unsigned char *at, size_t size)
{
    const unsigned char *end = at + size;

    for (; end - at >= 8; at += 8) {
        hash = turn(hash ^ mix(0, load8(at)), 27) * prime[0] + prime[3];
    }
    if (end - at >= 4) {
        hash = turn(hash ^ load4(at) * prime[0], 23) * prime[1] + prime[2];
        at += 4;
    }
    for (; at < end; at++) {
        hash = turn(hash ^ *at * prime[4], 11) * prime[0];
    }
    return hash;
}

uint64_t digest_end(const struct digest *digest)
{
    uint64_t hash = digest->total >= STRIPE ? join_lanes(digest) : prime[4];

    hash = add_tail(hash + digest->total, digest->tail, digest->total % STRIPE);
    hash = (hash ^ hash >> 33) * prime[1];
    hash = (hash ^ hash >> 29) * prime[2];
    return hash ^ hash >> 32;
}
