#include "client/require.h"

#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRONG_TEXT = 200
};

static const char *wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *wrong(const char *format, ...)
{
    static _Thread_local char text[WRONG_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* "99.9" of "p99.9": of 100,000 samples; false unless it is in 0..100 with at most three decimals.
 */
static bool read_share(const char *text, uint32_t *per_100k)
{
    uint64_t value = 0;
    unsigned decimals = 0;
    bool point = false;
    bool digits = false;
    for (; *text != '\0' && value <= 100000; text++) {
        if (*text == '.' && !point && digits) {
            point = true;
        } else if (*text >= '0' && *text <= '9' && decimals < 3) {
            value = value * 10 + (uint64_t)(*text - '0');
            decimals += point;
            digits = true;
        } else {
            return false;
        }
    }
    for (; decimals < 3; decimals++) {
        value *= 10;
    }
    *per_100k = (uint32_t)value;
    return digits && value <= 100000;
}

static bool read_figure(const char *name, struct threshold *threshold)
{
    static const struct {
        const char *name;
        enum require_figure figure;
    } figures[] = {{"min", REQUIRE_MIN},
                   {"mean", REQUIRE_MEAN},
                   {"max", REQUIRE_MAX},
                   {"rps", REQUIRE_RPS},
                   {"errors", REQUIRE_ERRORS}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (strcmp(name, figures[i].name) == 0) {
            threshold->figure = figures[i].figure;
            return true;
        }
    }
    threshold->figure = REQUIRE_PERCENTILE;
    return name[0] == 'p' && read_share(name + 1, &threshold->per_100k);
}

/* Plain decimals: "1000", "0.5". */
static bool read_number(const char *text, double *value)
{
    char *end;
    if (text[0] == '\0' || strspn(text, "0123456789.") != strlen(text)) {
        return false;
    }
    *value = strtod(text, &end);
    return *end == '\0';
}

/* A count ("20k") or plain decimals. */
static bool read_amount(const char *text, double *value)
{
    uint64_t count;
    if (units_read_count(text, 0, INT64_MAX, &count)) {
        *value = (double)count;
        return true;
    }
    return read_number(text, value);
}

static const char *read_bound(const char *text, struct threshold *threshold)
{
    char number[REQUIRE_TEXT];
    uint64_t ns;
    size_t len = strlen(text);
    switch (threshold->figure) {
    case REQUIRE_RPS:
        return read_amount(text, &threshold->bound) ? NULL : "is not a number";
    case REQUIRE_ERRORS:
        if (len > 1 && text[len - 1] == '%') {
            snprintf(number, sizeof number, "%.*s", (int)len - 1, text);
            threshold->figure = REQUIRE_ERROR_SHARE;
            bool fine = read_number(number, &threshold->bound);
            threshold->bound /= 100;
            return fine ? NULL : "is not a share (try 0.1%)";
        }
        return read_amount(text, &threshold->bound) ? NULL : "is neither a number nor a share";
    default:
        if (!units_read_duration(text, &ns)) {
            return "is not a duration (try 50ms)";
        }
        threshold->bound = (double)ns / NS_PER_US;
        return NULL;
    }
}

/* The comparison at the beginning of a text; its length, 0 for none. */
static size_t read_relation(const char *text, enum require_relation *relation)
{
    static const struct {
        const char *sign;
        enum require_relation relation;
    } relations[] = {{"<=", REQUIRE_AT_MOST}, {">=", REQUIRE_AT_LEAST}, {"==", REQUIRE_EQUAL},
                     {"<", REQUIRE_BELOW},    {">", REQUIRE_ABOVE},     {"=", REQUIRE_EQUAL}};
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        size_t len = strlen(relations[i].sign);
        if (strncmp(text, relations[i].sign, len) == 0) {
            *relation = relations[i].relation;
            return len;
        }
    }
    return 0;
}

/* Copies what stands in [from, end) without the blanks around it. */
static void trim(char to[REQUIRE_TEXT], const char *from, const char *end)
{
    while (from < end && *from == ' ') {
        from++;
    }
    while (end > from && end[-1] == ' ') {
        end--;
    }
    snprintf(to, REQUIRE_TEXT, "%.*s", (int)(end - from), from);
}

/* Reads the one in [from, end). */
static const char *read_one(const char *from, const char *end, struct threshold *threshold)
{
    char name[REQUIRE_TEXT];
    char bound[REQUIRE_TEXT];
    trim(threshold->text, from, end);
    if (end - from >= REQUIRE_TEXT) {
        return wrong("\"%s...\" is too long", threshold->text);
    }
    if (threshold->text[0] == '\0') {
        return wrong("a threshold is missing (try 'p99<50ms,errors=0')");
    }
    const char *sign = from + strcspn(from, "<>=");
    if (sign >= end) {
        return wrong("\"%s\" compares with nothing (try %s<50ms)", threshold->text,
                     threshold->text);
    }
    trim(name, from, sign);
    trim(bound, sign + read_relation(sign, &threshold->relation), end);
    if (!read_figure(name, threshold)) {
        return wrong("\"%s\": \"%s\" is no figure (p50, p99.9, min, mean, max, rps, errors)",
                     threshold->text, name);
    }
    const char *why = read_bound(bound, threshold);
    return why == NULL ? NULL : wrong("\"%s\": \"%s\" %s", threshold->text, bound, why);
}

const char *require_read(const char *text, struct thresholds *thresholds)
{
    for (const char *from = text;; from++) {
        const char *end = from + strcspn(from, ",");
        if (thresholds->count == REQUIRE_MOST) {
            return "holds too many thresholds";
        }
        const char *why = read_one(from, end, &thresholds->at[thresholds->count]);
        if (why != NULL) {
            return why;
        }
        thresholds->count++;
        from = end;
        if (*end == '\0') {
            return NULL;
        }
    }
}

/* --- judging ---------------------------------------------------------------------------------- */

double require_figure(const struct threshold *threshold, const struct tally *tally,
                      uint64_t elapsed_ns)
{
    const struct histogram *latency = &tally->latency;
    uint64_t all = tally->ok + tally->failed;
    switch (threshold->figure) {
    case REQUIRE_RPS:
        return (double)tally->ok / ((double)(elapsed_ns + 1) / NS_PER_S);
    case REQUIRE_ERRORS:
        return (double)tally->failed;
    case REQUIRE_ERROR_SHARE:
        return all > 0 ? (double)tally->failed / (double)all : -1;
    default:
        break;
    }
    if (latency->count == 0) {
        return -1;
    }
    switch (threshold->figure) {
    case REQUIRE_MIN:
        return (double)histogram_min(latency);
    case REQUIRE_MEAN:
        return histogram_mean(latency);
    case REQUIRE_MAX:
        return (double)histogram_max(latency);
    default:
        return (double)histogram_percentile(latency, threshold->per_100k);
    }
}

bool require_holds(const struct threshold *threshold, const struct tally *tally,
                   uint64_t elapsed_ns)
{
    double figure = require_figure(threshold, tally, elapsed_ns);
    if (figure < 0) {
        return false;
    }
    switch (threshold->relation) {
    case REQUIRE_BELOW:
        return figure < threshold->bound;
    case REQUIRE_AT_MOST:
        return figure <= threshold->bound;
    case REQUIRE_EQUAL:
        return figure >= threshold->bound && figure <= threshold->bound;
    case REQUIRE_AT_LEAST:
        return figure >= threshold->bound;
    case REQUIRE_ABOVE:
        return figure > threshold->bound;
    }
    return false;
}

bool require_all_hold(const struct thresholds *thresholds, const struct tally *tally,
                      uint64_t elapsed_ns)
{
    bool hold = true;
    for (size_t i = 0; i < thresholds->count; i++) {
        hold = hold && require_holds(&thresholds->at[i], tally, elapsed_ns);
    }
    return hold;
}

bool require_allows_errors(const struct thresholds *thresholds, const struct tally *tally,
                           uint64_t elapsed_ns)
{
    bool said = false;
    for (size_t i = 0; i < thresholds->count; i++) {
        const struct threshold *threshold = &thresholds->at[i];
        bool errors =
            threshold->figure == REQUIRE_ERRORS || threshold->figure == REQUIRE_ERROR_SHARE;
        said = said || errors;
        if (errors && !require_holds(threshold, tally, elapsed_ns)) {
            return false;
        }
    }
    return said;
}
