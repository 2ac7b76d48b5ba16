/* A view of bytes that belong to somebody else: pointer and length, not NUL-terminated. The zero
 * value is a view of nothing, and good wherever a view is asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *at;
    size_t len;
};

/* A view of a string literal. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const char *string)
{
    return (struct bytes){string, strlen(string)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Copies all of it to `to`, where there is room for it and which lies elsewhere; returns the end of
 * the copy. For texts that are mostly short: it takes no call. */
static inline char *bytes_copy(char *to, struct bytes from)
{
    char *end = to + from.len;
    if (from.len < 4) {
        for (size_t i = 0; i < from.len; i++) {
            to[i] = from.at[i];
        }
        return end;
    }
    const char *last = from.at + from.len;
    if (from.len > 16) {
        for (const char *at = from.at; last - at > 16; at += 16, to += 16) {
            memcpy(to, at, 16);
        }
        memcpy(end - 16, last - 16, 16);
    } else if (from.len >= 8) {
        memcpy(to, from.at, 8);
        memcpy(end - 8, last - 8, 8);
    } else {
        memcpy(to, from.at, 4);
        memcpy(end - 4, last - 4, 4);
    }
    return end;
}

/* Compares ASCII letters without regard to case, as field names and tokens ask for
 * (RFC 9110 5.1); every other byte compares as it is. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* Reads a decimal number of digits alone, leading zeros allowed, into *number.
 * Outcome: false when empty, when any byte is not a digit, or when it exceeds 2^63 - 1, the
 *          largest length that an off_t can carry; *number is then untouched. */
bool bytes_to_number(struct bytes text, unsigned long long *number);

/* Writes `number` in decimal at `to` (room for 20 bytes) and returns how many were written. */
size_t bytes_from_number(char *to, unsigned long long number);
