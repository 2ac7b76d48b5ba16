/* HTTP dates (RFC 9110 5.6.7). */
#pragma once

#include "lib/http/bytes.h"

#include <stdint.h>

enum {
    DATE_SIZE = 29
};

/* Writes an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", at `to` (DATE_SIZE bytes, no NUL).
 * `seconds` counts from 1970-01-01T00:00:00Z and is clamped to the years 1970..9999. */
void date_write(char *to, int64_t seconds);

/* Reads any of the three forms that a recipient must accept: IMF-fixdate, RFC 850, asctime.
 * A two-digit year is one of the century of `now`, or of the century before when the date would lie
 * more than 50 years ahead of `now` (seconds since 1970). A weekday that is not the date's is let
 * through; second 60 counts as the first of the next minute.
 * Outcome: false on anything else, a day that its month does not have included; *seconds, which
 *          is below zero before 1970, is then untouched. */
bool date_read(struct bytes text, int64_t now, int64_t *seconds);
