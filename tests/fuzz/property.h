/* What every fuzz target needs: its entry, input taken in pieces, and properties that can fail. */
#pragma once

#include "lib/http/bytes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, and so shows the input, unless `holds`. */
#define PROPERTY(holds)                                                                \
    do {                                                                               \
        if (!(holds)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* Takes a number from the beginning of the input; bytes that are not there count as 0. */
static inline uint64_t take_number(struct bytes *input, size_t bytes)
{
    uint64_t number = 0;

    for (size_t i = 0; i < bytes && input->len > 0; i++) {
        number = number << 8 | (unsigned char)*input->at;
        input->at++;
        input->len--;
    }
    return number;
}

/* A number told by the last bytes of the input, the `back`th on from the end, which stay in it: so
 * plain messages are good seeds. */
static inline uint64_t tail_number(struct bytes input, size_t back, size_t bytes)
{
    size_t skip = input.len > back ? input.len - back : 0;
    struct bytes tail = {input.at + skip, input.len - skip};

    return take_number(&tail, bytes);
}

/* Whether `inner` lies within `outer`. */
static inline bool lies_within(struct bytes inner, struct bytes outer)
{
    return inner.len <= outer.len && inner.at >= outer.at &&
           inner.at + inner.len <= outer.at + outer.len;
}

/* Whether any byte is one that no head may hold beside its line ends. */
static inline bool holds_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return true;
        }
    }
    return false;
}
