/* How the parsers of this room look at bytes: by a table of classes, and, where plain text is long,
 * eight bytes at a time. Private to lib/http. */
#pragma once

#include "lib/http/bytes.h"

#include <endian.h>
#include <stdint.h>

enum byte_class {
    BYTE_TOKEN = 1,       /* tchar, RFC 9110 5.6.2 */
    BYTE_REGNAME = 2,     /* unreserved and sub-delims, RFC 3986 2.2 and 2.3 */
    BYTE_UNRESERVED = 4,  /* RFC 3986 2.3 */
    BYTE_HEXDIGIT = 8,    /* 0-9 a-f A-F */
    BYTE_DIGIT = 16,      /* 0-9 */
    BYTE_LETTER = 32,     /* a-z A-Z */
    BYTE_WHITESPACE = 64, /* SP and HTAB, what OWS is made of, RFC 9110 5.6.3 */
    BYTE_TARGET = 128,    /* what target.h lets through */
};

/* The classes of every byte, or-ed. */
extern const uint8_t byte_classes[256];

/* Whether the byte is of any of these classes. */
static inline bool byte_is(char byte, unsigned classes)
{
    return byte_classes[(unsigned char)byte] & classes;
}

/* The value of a byte that is a hexadecimal digit. */
static inline unsigned hex_value(char digit)
{
    return byte_is(digit, BYTE_DIGIT) ? (unsigned)(digit - '0')
                                      : (unsigned)((digit | 32) - 'a' + 10);
}

/* The first byte in [at, end) that is not of these classes; `end` if there is none. */
static inline const char *scan_class(const char *at, const char *end, unsigned classes)
{
    for (; end - at >= 4; at += 4) {
        if (!byte_is(at[0], classes)) {
            return at;
        }
        if (!byte_is(at[1], classes)) {
            return at + 1;
        }
        if (!byte_is(at[2], classes)) {
            return at + 2;
        }
        if (!byte_is(at[3], classes)) {
            return at + 3;
        }
    }
    while (at < end && byte_is(*at, classes)) {
        at++;
    }
    return at;
}

/* The first byte in [at, end) that is below `limit` (1..127) or DEL; `end` if there is none.
 *
 * Of eight bytes at once, each in its own lane: without its top bit and turned by one, so that DEL
 * comes before NUL, a byte that is wanted is at most `limit`; what is above gets its top bit set by
 * the sum. No lane carries into the next. A byte with a top bit of its own is never wanted. */
static inline const char *scan_below(const char *at, const char *end, uint8_t limit)
{
    const uint64_t ones = 0x0101010101010101;
    const uint64_t low = ones * 0x7f;

    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        uint64_t turned = ((word & low) + ones) & low;
        uint64_t others = (turned + ones * (0x7f - limit)) | word;
        uint64_t wanted = ~others & ~low;
        if (wanted) {
            return at + __builtin_ctzll(wanted) / 8;
        }
    }
    while (at < end && (unsigned char)*at >= limit && *at != 0x7f) {
        at++;
    }
    return at;
}

/* The first control byte other than HTAB in [at, end); `end` if there is none: the run is what
 * field values and reason phrases may hold (RFC 9110 5.5, RFC 9112 4). */
static inline const char *scan_text(const char *at, const char *end)
{
    at = scan_below(at, end, ' ');
    while (at < end && *at == '\t') {
        at = scan_below(at + 1, end, ' ');
    }
    return at;
}

/* [at, end) without the whitespace around it. */
static inline struct bytes scan_trimmed(const char *at, const char *end)
{
    while (at < end && byte_is(*at, BYTE_WHITESPACE)) {
        at++;
    }
    while (at < end && byte_is(end[-1], BYTE_WHITESPACE)) {
        end--;
    }
    return (struct bytes){at, (size_t)(end - at)};
}

enum line_end {
    LINE_END,     /* CRLF is there */
    LINE_MORE,    /* it may still come */
    LINE_NOT_END, /* something else is there */
};

/* Whether a line ends at `at`: by CRLF and by nothing else (RFC 9112 2.2). */
static inline enum line_end scan_line_end(const char *at, const char *end)
{
    if (at == end) {
        return LINE_MORE;
    }
    if (*at != '\r') {
        return LINE_NOT_END;
    }
    if (end - at < 2) {
        return LINE_MORE;
    }
    return at[1] == '\n' ? LINE_END : LINE_NOT_END;
}
