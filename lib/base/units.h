/* Numbers with units, read from command lines and written for people.
 *
 * The readers take the whole text or nothing: no sign, no blanks, no exponent. They return false,
 * and leave the out-parameters alone, for anything else and for what does not fit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "10", "2.5s", "250ms", "1h": a duration in nanoseconds; us ms s m h, seconds without a unit.
 * Fractions are allowed ("0.5", ".5"). False also above 10,000 hours. */
bool units_read_duration(const char *text, uint64_t *ns);

/* "10", "64k", "2M", "1G": powers of 1024 with k M G in either case. */
bool units_read_size(const char *text, uint64_t *bytes);

/* A whole number of `low`..`high`; k and M stand for thousands and millions ("20k" is 20,000). */
bool units_read_count(const char *text, uint64_t low, uint64_t high, uint64_t *count);

/* "0s-3s", "5ms-10ms", "1s" (both ends the same): two durations. False also when the first exceeds
 * the second. */
bool units_read_span(const char *text, uint64_t *low_ns, uint64_t *high_ns);

enum {
    UNITS_TEXT = 32
};

/* The writers return `to` (UNITS_TEXT bytes). */

/* "1.23ms", "4.56s", "789us": three significant digits; ns us ms s m h, in seconds up to 999s. */
char *units_write_duration(char *to, uint64_t ns);
/* "1.91GB", "14.0kB", "512B": three significant digits, powers of 1000. Below zero counts as 0. */
char *units_write_bytes(char *to, double bytes);
/* "1,234,567" */
char *units_write_count(char *to, uint64_t count);
