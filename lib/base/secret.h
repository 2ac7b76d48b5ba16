/* Numbers that nobody outside can foretell: SipHash-2-4 (Aumasson, Bernstein, "SipHash: a fast
 * short-input PRF", 2012) of a counter, under a key drawn at start. Pure. */
#pragma once

#include <stdint.h>

/* Filled by getrandom(2). */
struct secret {
    uint64_t key[2];
};

static inline uint64_t secret_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void secret_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = secret_turn(v[1], 13) ^ v[0];
    v[0] = secret_turn(v[0], 32);
    v[2] += v[3];
    v[3] = secret_turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = secret_turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = secret_turn(v[1], 17) ^ v[2];
    v[2] = secret_turn(v[2], 32);
}

static inline void secret_mix(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    secret_round(v);
    secret_round(v);
    v[0] ^= word;
}

/* The `index`th number of this secret: SipHash-2-4 of its eight bytes, least significant first. */
static inline uint64_t secret_at(const struct secret *secret, uint64_t index)
{
    uint64_t v[4] = {
        secret->key[0] ^ UINT64_C(0x736f6d6570736575),
        secret->key[1] ^ UINT64_C(0x646f72616e646f6d),
        secret->key[0] ^ UINT64_C(0x6c7967656e657261),
        secret->key[1] ^ UINT64_C(0x7465646279746573),
    };

    secret_mix(v, index);
    secret_mix(v, UINT64_C(8) << 56); /* the length */
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) {
        secret_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
