/* Tells contents apart: XXH64 (Collet, "xxHash fast digest algorithm"), eight bytes at a time. Not
 * a defence: who wants two contents of one digest can make them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t lane[4];
    uint64_t total;         /* bytes added so far */
    unsigned char tail[32]; /* the last total % 32 of them */
};

void digest_init(struct digest *digest);
/* However content is cut, the same comes of it. */
void digest_add(struct digest *digest, const void *content, size_t size);
uint64_t digest_end(const struct digest *digest);
