/* The chunked transfer coding, read (RFC 9112 7.1): a decoder fed in slices of any size. */
#pragma once

#include "lib/http/bytes.h"

#include <stdint.h>

/* Zero is the start state. Extensions and trailers are read, bounded and dropped. */
struct chunked {
    uint64_t left;     /* bytes of data still to come in this chunk */
    uint32_t overhead; /* bytes spent on sizes, extensions and trailers since the last data byte */
    uint8_t state;
    uint8_t digits;
};

enum chunked_outcome {
    CHUNKED_DATA, /* *data is the next piece of content, *used counts it */
    CHUNKED_MORE, /* all of `text` was used; feed more */
    CHUNKED_END,  /* the last chunk and the trailer section are over; *used bytes belong to them */
    CHUNKED_MALFORMED, /* bad size, size above 2^63 - 1, missing CRLF, control bytes in an
                          extension, a malformed trailer line, or more than 16 KB of overhead in a
                          row */
};

/* Takes the next step through `text`. Call again with the bytes after *used until MORE, END or
 * MALFORMED. Lifetime: *data points into `text`. */
enum chunked_outcome chunked_read(struct chunked *chunked, struct bytes text, size_t *used,
                                  struct bytes *data);
