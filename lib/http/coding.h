/* Content codings: which of the stored ones a request accepts (RFC 9110 8.4, 12.5.3). */
#pragma once

#include "lib/http/field.h"

enum coding {
    CODING_NONE, /* "identity" */
    CODING_GZIP,
    CODING_BROTLI,
    CODING_ZSTD,
    CODING_COUNT,
};

/* What stands in Content-Encoding: "gzip", "br", "zstd"; "identity" for none, which does not. */
struct bytes coding_name(enum coding coding);

/* Chooses among no coding and those in `stored` (bit per enum coding) for a request with these
 * fields.
 *
 * The one of the greatest weight is chosen, and of equals the one that packs best: br, zstd, gzip,
 * none. What is not named has the weight of "*"; without that, no coding at all is the last resort,
 * and a coding is not accepted. "x-gzip" is gzip (8.4.1.3). Without the field, or with an empty
 * one, it is none: who did not ask for a coding may not know it. A member that is malformed is not
 * there; of two with the same name the first counts.
 *
 * Outcome: false when nothing is acceptable, which takes a "q=0" for "identity" or "*": 406.
 *          *coding is written on true only. Any thread. */
bool coding_choose(const struct fields *fields, unsigned stored, enum coding *coding);
