#include "lib/http/range.h"

#include "lib/http/field.h"
#include "lib/http/scan.h"

/* One member of the set, as asked for: nothing is clamped before its form is known. */
struct spec {
    enum {
        SPEC_FROM_TO, /* "5-9" */
        SPEC_FROM,    /* "5-" */
        SPEC_SUFFIX,  /* "-5": the last 5 bytes */
    } form;
    struct bytes first; /* digits, without leading zeros */
    struct bytes last;  /* digits; of a suffix its length */
};

/* Takes the digits at *at, and moves *at behind them. */
static struct bytes take_digits(const char **at, const char *end)
{
    const char *stop = scan_class(*at, end, BYTE_DIGIT);
    const char *from = *at;

    while (stop - from > 1 && *from == '0') {
        from++;
    }
    *at = stop;
    return (struct bytes){from, (size_t)(stop - from)};
}

/* Compares numbers of any length: digits without leading zeros. */
static bool digits_less(struct bytes a, struct bytes b)
{
    return a.len != b.len ? a.len < b.len : memcmp(a.at, b.at, a.len) < 0;
}

/* A number too large for any body stands for one that is just that. */
static uint64_t digits_value(struct bytes digits)
{
    unsigned long long number;

    return bytes_to_number(digits, &number) ? number : UINT64_MAX;
}

/* range-spec = int-range / suffix-range (RFC 9110 14.1.1). */
static bool spec_read(struct bytes text, struct spec *spec)
{
    const char *at = text.at;
    const char *end = at + text.len;

    spec->first = take_digits(&at, end);
    if (at == end || *at++ != '-') {
        return false;
    }
    spec->last = take_digits(&at, end);
    if (at != end) {
        return false;
    }
    if (spec->first.len == 0) {
        spec->form = SPEC_SUFFIX;
        return spec->last.len > 0;
    }
    spec->form = spec->last.len > 0 ? SPEC_FROM_TO : SPEC_FROM;
    return spec->form == SPEC_FROM || !digits_less(spec->last, spec->first);
}

/* Whether a body of `size` bytes can meet the spec at all (RFC 9110 14.1.2). That of no bytes
 * meets every suffix but "-0", with a slice that is empty. */
static bool spec_meet(const struct spec *spec, uint64_t size, struct slice *slice)
{
    uint64_t last = digits_value(spec->last);

    if (spec->form == SPEC_SUFFIX) {
        *slice = (struct slice){last < size ? size - last : 0, size};
        return last > 0;
    }
    slice->first = digits_value(spec->first);
    slice->end = spec->form == SPEC_FROM || last >= size ? size : last + 1;
    return slice->first < size;
}

static bool overlaps_any(struct slice slice, const struct slice *slices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice.first < slices[i].end && slices[i].first < slice.end) {
            return true;
        }
    }
    return false;
}

/* Cuts "bytes=" off. */
static bool take_unit(struct bytes *value)
{
    const struct bytes unit = BYTES("bytes=");

    if (value->len <= unit.len || !bytes_equal_nocase((struct bytes){value->at, unit.len}, unit) ||
        byte_is(value->at[unit.len], BYTE_WHITESPACE)) {
        return false;
    }
    *value = (struct bytes){value->at + unit.len, value->len - unit.len};
    return true;
}

enum range_outcome range_parse(struct bytes value, uint64_t size, struct slice *slices, size_t max,
                               size_t *count)
{
    struct bytes member;
    size_t asked = 0;
    size_t met = 0;

    if (!take_unit(&value)) {
        return RANGE_IGNORE;
    }
    while (list_next(&value, &member)) {
        struct spec spec;
        struct slice slice;
        if (!spec_read(member, &spec) || ++asked > max) {
            return RANGE_IGNORE;
        }
        if (!spec_meet(&spec, size, &slice)) {
            continue;
        }
        if (slice.first == slice.end || overlaps_any(slice, slices, met)) {
            return RANGE_IGNORE;
        }
        slices[met++] = slice;
    }
    if (asked == 0) {
        return RANGE_IGNORE;
    }
    if (met == 0) {
        return RANGE_UNSATISFIABLE;
    }
    *count = met;
    return RANGE_SLICES;
}

static size_t put(char *to, struct bytes text)
{
    memcpy(to, text.at, text.len);
    return text.len;
}

size_t range_write_content(char *to, struct slice slice, uint64_t size)
{
    size_t len = put(to, BYTES("bytes "));

    len += bytes_from_number(to + len, slice.first);
    to[len++] = '-';
    len += bytes_from_number(to + len, slice.end - 1);
    to[len++] = '/';
    return len + bytes_from_number(to + len, size);
}

size_t range_write_unsatisfied(char *to, uint64_t size)
{
    size_t len = put(to, BYTES("bytes */"));

    return len + bytes_from_number(to + len, size);
}
