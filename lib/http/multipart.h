/* Several ranges in one reply: multipart/byteranges, written (RFC 9110 14.6, RFC 2046 5.1.1).
 *
 * Each slice comes behind a text of its own, the delimiter and the part's fields; a last text
 * closes. Texts and slices are written one by one, so that no more than one of each is held. */
#pragma once

#include "lib/http/range.h"
#include "lib/http/response.h"

enum {
    MULTIPART_BOUNDARY = 32,   /* bytes of a boundary, each good in a token */
    MULTIPART_TYPE = 80,       /* room for the value of the Content-Type of the whole */
    MULTIPART_TEXT_ROOM = 160, /* room for one text, without the part's own fields */
};

struct multipart {
    char boundary[MULTIPART_BOUNDARY]; /* occurs in no part: as good as certain when it is drawn by
                                          lot, from numbers that nobody outside can know */
    struct bytes fields;               /* of each part: whole lines, e.g. its Content-Type */
    uint64_t size;                     /* of the representation that the slices are of */
    const struct slice *slices;        /* never empty; in the order in which they are sent */
    size_t count;
};

/* Writes a boundary of 128 bits in hexadecimal. */
void multipart_bound(struct multipart *multipart, uint64_t high, uint64_t low);

/* Writes the value of the Content-Type field of the whole at `to` (room for MULTIPART_TYPE bytes)
 * and returns its length. */
size_t multipart_type(char *to, const struct multipart *multipart);

/* Writes what comes before slice `index`, or, when that is `count`, behind the last one. */
void multipart_text(struct head *head, const struct multipart *multipart, size_t index);

/* The bytes of the whole body: the texts and the slices. */
uint64_t multipart_size(const struct multipart *multipart);
