/* Byte ranges (RFC 9110 14). */
#pragma once

#include "lib/http/bytes.h"

#include <stdint.h>

/* Half-open [first, end), never empty. */
struct slice {
    uint64_t first;
    uint64_t end;
};

enum range_outcome {
    RANGE_SLICES,        /* 206: *count slices */
    RANGE_UNSATISFIABLE, /* 416 */
    RANGE_IGNORE,        /* 200: unknown unit, bad syntax, too many or abusive */
};

/* Reads a Range field against a body of `size` bytes (RFC 9110 14.1.2, 14.2).
 * Units:    byte offsets; slices are half-open [first, end) and never empty, in the order asked
 * for. Outcome:  RANGE_SLICES (1..max in *count; ranges that cannot be met are dropped when others
 * can), RANGE_UNSATISFIABLE (none of the ranges can be met), or RANGE_IGNORE. Abuse is ignored, as
 * RFC 9110 14.2 allows: more than `max` ranges, or two that overlap; so the slices together never
 * hold more bytes than the whole. A suffix of an empty body is ignored: 14.1.2 calls it met, and no
 * slice can say so. Lifetime: keeps nothing; `value` is only read. *count is written on SLICES
 * only; what *slices holds after another outcome is left open. Any thread. */
enum range_outcome range_parse(struct bytes value, uint64_t size, struct slice *slices, size_t max,
                               size_t *count);

/* Writes the value of a Content-Range field, "bytes 0-49/100", at `to` (room for 80 bytes) and
 * returns its length. */
size_t range_write_content(char *to, struct slice slice, uint64_t size);
/* The same for a 416 reply: "bytes *" "/100" (RFC 9110 14.4). */
size_t range_write_unsatisfied(char *to, uint64_t size);
