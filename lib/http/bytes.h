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

/* Compares ASCII letters without regard to case, as field names and tokens ask for
 * (RFC 9110 5.1); every other byte compares as it is. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* Reads a decimal number of digits alone, leading zeros allowed, into *number.
 * Outcome: false when empty, when any byte is not a digit, or when it exceeds 2^63 - 1, the
 *          largest length that an off_t can carry; *number is then untouched. */
bool bytes_to_number(struct bytes text, unsigned long long *number);

/* Writes `number` in decimal at `to` (room for 20 bytes) and returns how many were written. */
size_t bytes_from_number(char *to, unsigned long long number);
