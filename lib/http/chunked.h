/* The chunked transfer coding, read (RFC 9112 7.1): a decoder fed in slices of any size. */
#pragma once

#include "lib/http/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero, with `folds` as it is wanted, is the start state. Extensions and trailers are read, bounded
 * and dropped. What they and the sizes cost counts as overhead, which content pays off: two bytes
 * for each of its own, and 16 for each chunk that is not empty. */
struct chunked {
    uint64_t left;     /* bytes of content still to come in this chunk */
    uint32_t overhead; /* bytes not paid for */
    uint8_t state;
    bool folds; /* a trailer line may go on behind a line end and whitespace, as only a client has
                   to bear it (RFC 9112 5.2) */
};

enum chunked_outcome {
    CHUNKED_DATA, /* *data is the next piece of content, never empty; *used counts it, and any
                     framing before it */
    CHUNKED_MORE, /* all of `text` was used; feed more */
    CHUNKED_END,  /* the last chunk and the trailer section are over; *used counts up to there, and
                     what follows is the next message */
    CHUNKED_MALFORMED, /* a bad size or one above 2^63 - 1, a line end other than CRLF, a malformed
                          extension or trailer line, or more than 16 KB of overhead that nothing
                          pays for */
};

/* Takes the next step through `text`. Call again with the bytes behind *used until MORE, END or
 * MALFORMED; the last two are final. How the body is cut into slices changes neither its content
 * nor its end, and what is malformed is said at the first byte that shows it.
 * Lifetime: *data points into `text`. *used and *data are written on success only, *data on DATA
 *           only. One thread at a time for each decoder. */
enum chunked_outcome chunked_read(struct chunked *chunked, struct bytes text, size_t *used,
                                  struct bytes *data);

/* How many bytes of content come next, before any other byte: 0 where framing comes next. A reader
 * that need not see them may drop up to that many, and then says with chunked_pass() how many it
 * dropped. */
uint64_t chunked_ahead(const struct chunked *chunked);
void chunked_pass(struct chunked *chunked, uint64_t count);
