#include "lib/base/units.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MINUTE)
#define DURATION_MAX_NS (10000 * NS_PER_HOUR)

struct unit {
    const char *name;
    uint64_t size;
};

static const struct unit durations[] = {
    {"us", NS_PER_US},  {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", NS_PER_MINUTE},
    {"h", NS_PER_HOUR}, {"", NS_PER_S},    {NULL, 0},
};

static const struct unit sizes[] = {
    {"", 1},        {"k", 1 << 10}, {"K", 1 << 10}, {"m", 1 << 20},
    {"M", 1 << 20}, {"g", 1 << 30}, {"G", 1 << 30}, {NULL, 0},
};

static const struct unit counts[] = {
    {"", 1}, {"k", 1000}, {"K", 1000}, {"M", 1000000}, {NULL, 0},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The size of the unit named by all of `text`; 0: there is none. */
static uint64_t unit_size(const struct unit *units, const char *text, size_t length)
{
    for (; units->name != NULL; units++) {
        if (strlen(units->name) == length && memcmp(units->name, text, length) == 0) {
            return units->size;
        }
    }
    return 0;
}

/* Reads the digits at *text, which moves past them; no digits are 0. False on overflow. */
static bool read_digits(const char **text, uint64_t *value)
{
    uint64_t sum = 0;
    const char *at = *text;
    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum)) {
            return false;
        }
    }
    *text = at;
    *value = sum;
    return true;
}

static bool read_whole(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t number;
    const char *at = text;
    if (!is_digit(*at) || !read_digits(&at, &number)) {
        return false;
    }
    uint64_t size = unit_size(units, at, strlen(at));
    return size != 0 && !__builtin_mul_overflow(number, size, value);
}

bool units_read_size(const char *text, uint64_t *bytes)
{
    uint64_t value;
    if (!read_whole(text, sizes, &value)) {
        return false;
    }
    *bytes = value;
    return true;
}

bool units_read_count(const char *text, uint64_t low, uint64_t high, uint64_t *count)
{
    uint64_t value;
    if (!read_whole(text, counts, &value) || value < low || value > high) {
        return false;
    }
    *count = value;
    return true;
}

/* `digits` after the point, as parts of `unit`; what is finer than a nanosecond is dropped. */
static uint64_t fraction_ns(const char *digits, const char *end, uint64_t unit)
{
    uint64_t ns = 0;
    for (; digits < end && unit > 1; digits++) {
        unit /= 10;
        ns += (uint64_t)(*digits - '0') * unit;
    }
    return ns;
}

/* A duration that is the first `length` bytes of `text`. */
static bool read_duration(const char *text, size_t length, uint64_t *ns)
{
    const char *end = text + length;
    const char *at = text;
    uint64_t whole;
    if (!read_digits(&at, &whole) || whole > DURATION_MAX_NS) {
        return false;
    }
    bool any = at > text;
    const char *fraction = at;
    const char *fraction_end = at;
    if (*at == '.') {
        fraction = ++at;
        while (is_digit(*at)) {
            at++;
        }
        fraction_end = at;
        any = fraction_end > fraction;
    }
    uint64_t unit = any && at <= end ? unit_size(durations, at, (size_t)(end - at)) : 0;
    uint64_t sum;
    if (unit == 0 || __builtin_mul_overflow(whole, unit, &sum)) {
        return false;
    }
    sum += fraction_ns(fraction, fraction_end, unit); /* below 2^64: the fraction is below 2^42 */
    if (sum > DURATION_MAX_NS) {
        return false;
    }
    *ns = sum;
    return true;
}

bool units_read_duration(const char *text, uint64_t *ns)
{
    return read_duration(text, strlen(text), ns);
}

bool units_read_span(const char *text, uint64_t *low_ns, uint64_t *high_ns)
{
    const char *dash = strchr(text, '-');
    uint64_t low;
    uint64_t high;
    if (dash == NULL) {
        if (!units_read_duration(text, &low)) {
            return false;
        }
        high = low;
    } else if (!read_duration(text, (size_t)(dash - text), &low) ||
               !units_read_duration(dash + 1, &high) || low > high) {
        return false;
    }
    *low_ns = low;
    *high_ns = high;
    return true;
}

/* Three significant digits, below 999.5; whole beyond. */
static char *write_digits(char *to, double value, const char *unit)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(to, UNITS_TEXT, "%.*f%s", decimals, value, unit);
    return to;
}

char *units_write_duration(char *to, uint64_t ns)
{
    static const struct unit scale[] = {
        {"us", NS_PER_US},    {"ms", NS_PER_MS},  {"s", NS_PER_S},
        {"m", NS_PER_MINUTE}, {"h", NS_PER_HOUR},
    };
    if (ns < 1000) {
        snprintf(to, UNITS_TEXT, "%uns", (unsigned)ns);
        return to;
    }
    size_t last = sizeof scale / sizeof scale[0] - 1;
    size_t i = 0;
    while (i < last && (double)ns / (double)scale[i].size >= 999.5) {
        i++;
    }
    return write_digits(to, (double)ns / (double)scale[i].size, scale[i].name);
}

char *units_write_bytes(char *to, double bytes)
{
    static const char *const scale[] = {"kB", "MB", "GB", "TB", "PB"};
    if (!(bytes >= 999.5)) {
        snprintf(to, UNITS_TEXT, "%.0fB", bytes > 0 ? bytes : 0);
        return to;
    }
    size_t last = sizeof scale / sizeof scale[0] - 1;
    size_t i = 0;
    for (bytes /= 1000; i < last && bytes >= 999.5; i++) {
        bytes /= 1000;
    }
    return write_digits(to, bytes < 1e9 ? bytes : 1e9, scale[i]);
}

char *units_write_count(char *to, uint64_t count)
{
    char digits[UNITS_TEXT];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    char *at = to;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
    return to;
}
