#include "lib/http/coding.h"

#include "lib/http/scan.h"

/* Weights are counted in half thousandths, so that there is one below the least that can be said.
 */
enum {
    WEIGHT_UNSAID = -1,
    WEIGHT_REFUSED = 0,
    WEIGHT_LAST_RESORT = 1,
    WEIGHT_FULL = 2000,
};

struct weights {
    int of[CODING_COUNT];
    int others; /* "*" */
};

/* clang-format off */
#define NAMED(literal) {literal, sizeof(literal) - 1}
/* clang-format on */

static const struct bytes names[CODING_COUNT] = {
    [CODING_NONE] = NAMED("identity"),
    [CODING_GZIP] = NAMED("gzip"),
    [CODING_BROTLI] = NAMED("br"),
    [CODING_ZSTD] = NAMED("zstd"),
};

struct bytes coding_name(enum coding coding)
{
    return names[coding];
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) (RFC 9110 12.4.2). */
static bool read_qvalue(struct bytes text, int *weight)
{
    int step = WEIGHT_FULL / 10;

    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.len > 1 && text.at[1] != '.')) {
        return false;
    }
    int sum = text.at[0] == '1' ? WEIGHT_FULL : 0;
    for (size_t i = 2; i < text.len; i++, step /= 10) {
        if (!byte_is(text.at[i], BYTE_DIGIT)) {
            return false;
        }
        sum += step * (text.at[i] - '0');
    }
    *weight = sum;
    return sum <= WEIGHT_FULL;
}

/* weight = OWS ";" OWS "q=" qvalue (RFC 9110 12.4.2), or nothing. */
static bool read_weight(const char *at, const char *end, int *weight)
{
    struct bytes text = scan_trimmed(at, end);

    if (text.len == 0) {
        *weight = WEIGHT_FULL;
        return true;
    }
    if (*text.at != ';') {
        return false;
    }
    text = scan_trimmed(text.at + 1, text.at + text.len);
    if (text.len < 2 || (text.at[0] | 32) != 'q' || text.at[1] != '=') {
        return false;
    }
    return read_qvalue((struct bytes){text.at + 2, text.len - 2}, weight);
}

/* Where the weight of what is named is kept; NULL for a coding that is not stored here. */
static int *place_of(struct weights *weights, struct bytes name)
{
    if (bytes_equal(name, BYTES("*"))) {
        return &weights->others;
    }
    if (bytes_equal_nocase(name, BYTES("x-gzip"))) {
        return &weights->of[CODING_GZIP];
    }
    for (int i = 0; i < CODING_COUNT; i++) {
        if (bytes_equal_nocase(name, names[i])) {
            return &weights->of[i];
        }
    }
    return NULL;
}

/* Accept-Encoding = #( codings [ weight ] ) */
static void read_value(struct bytes value, struct weights *weights)
{
    struct bytes member;

    while (list_next(&value, &member)) {
        const char *end = member.at + member.len;
        const char *stop = scan_class(member.at, end, BYTE_TOKEN);
        int *place = place_of(weights, (struct bytes){member.at, (size_t)(stop - member.at)});
        int weight;
        if (place != NULL && *place == WEIGHT_UNSAID && read_weight(stop, end, &weight)) {
            *place = weight;
        }
    }
}

static int weight_of(const struct weights *weights, enum coding coding)
{
    if (weights->of[coding] != WEIGHT_UNSAID) {
        return weights->of[coding];
    }
    if (weights->others != WEIGHT_UNSAID) {
        return weights->others;
    }
    return coding == CODING_NONE ? WEIGHT_LAST_RESORT : WEIGHT_REFUSED;
}

bool coding_choose(const struct fields *fields, unsigned stored, enum coding *coding)
{
    static const enum coding best_first[] = {CODING_BROTLI, CODING_ZSTD, CODING_GZIP, CODING_NONE};
    struct weights weights = {.others = WEIGHT_UNSAID};
    struct bytes rest = fields->lines;
    struct bytes value;
    int most = WEIGHT_REFUSED;

    for (int i = 0; i < CODING_COUNT; i++) {
        weights.of[i] = WEIGHT_UNSAID;
    }
    if (fields_repeat(fields, FIELD_ACCEPT_ENCODING)) {
        while (field_next_named(&rest, FIELD_ACCEPT_ENCODING, &value)) {
            read_value(value, &weights);
        }
    } else if (fields_have(fields, FIELD_ACCEPT_ENCODING)) {
        read_value(fields->value[FIELD_ACCEPT_ENCODING], &weights);
    }
    for (size_t i = 0; i < sizeof(best_first) / sizeof(best_first[0]); i++) {
        enum coding one = best_first[i];
        bool here = one == CODING_NONE || stored >> one & 1;
        if (here && weight_of(&weights, one) > most) {
            most = weight_of(&weights, one);
            *coding = one;
        }
    }
    return most > WEIGHT_REFUSED;
}
