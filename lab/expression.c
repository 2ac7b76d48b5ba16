#include "lab/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 32 /* brackets within brackets */
};

/* Kleene's three values, so that min is "and" and max is "or". */
enum truth {
    TRUTH_NO,
    TRUTH_UNSURE,
    TRUTH_YES,
};

struct reader {
    const char *text;
    const char *at;
    const struct expression_source *source;
    const char *why; /* the first error; NULL while all is well */
    const char *why_at;
    unsigned depth;
};

static enum truth read_judgement(struct reader *reader);
static enum truth read_conjunct(struct reader *reader);
static enum truth read_comparison(struct reader *reader);
static struct band read_sum(struct reader *reader);
static struct band read_product(struct reader *reader);
static struct band read_value(struct reader *reader);
static struct band read_number(struct reader *reader);
static struct band read_call(struct reader *reader);

static enum truth compare(const struct band *a, char sign, bool or_equal, const struct band *b);
static struct band combine(const struct band *a, char sign, const struct band *b);

static void fail(struct reader *reader, const char *why)
{
    if (reader->why == NULL) {
        reader->why = why;
        reader->why_at = reader->at;
    }
}

static char peek(struct reader *reader)
{
    while (isspace((unsigned char)*reader->at)) {
        reader->at++;
    }
    return *reader->at;
}

static bool take(struct reader *reader, char sign)
{
    if (peek(reader) != sign) {
        return false;
    }
    reader->at++;
    return true;
}

static bool take_word(struct reader *reader, const char *word)
{
    peek(reader);
    size_t len = strlen(word);
    if (strncmp(reader->at, word, len) != 0 || isalnum((unsigned char)reader->at[len])) {
        return false;
    }
    reader->at += len;
    return true;
}

enum expression_outcome expression_judge(const char *text, const struct expression_source *source,
                                         const char **why, size_t *at)
{
    struct reader reader = {.text = text, .at = text, .source = source};
    enum truth truth = read_judgement(&reader);

    if (peek(&reader) != '\0') {
        fail(&reader, "nothing more was expected here");
    }
    if (reader.why != NULL) {
        *why = reader.why;
        *at = (size_t)(reader.why_at - text);
        return EXPRESSION_MALFORMED;
    }
    static const enum expression_outcome outcomes[] = {
        [TRUTH_NO] = EXPRESSION_NOT_HELD,
        [TRUTH_UNSURE] = EXPRESSION_UNDECIDED,
        [TRUTH_YES] = EXPRESSION_HELD,
    };
    return outcomes[truth];
}

static enum truth read_judgement(struct reader *reader)
{
    enum truth truth = read_conjunct(reader);
    while (reader->why == NULL && take_word(reader, "or")) {
        enum truth next = read_conjunct(reader);
        truth = next > truth ? next : truth;
    }
    return truth;
}

static enum truth read_conjunct(struct reader *reader)
{
    enum truth truth = read_comparison(reader);
    while (reader->why == NULL && take_word(reader, "and")) {
        enum truth next = read_comparison(reader);
        truth = next < truth ? next : truth;
    }
    return truth;
}

static enum truth read_comparison(struct reader *reader)
{
    struct band left = read_sum(reader);
    char sign = peek(reader);

    if (sign != '<' && sign != '>') {
        fail(reader, "a comparison was expected here: < <= > >=");
        return TRUTH_UNSURE;
    }
    reader->at++;
    bool or_equal = *reader->at == '=';
    reader->at += or_equal;
    struct band right = read_sum(reader);
    return compare(&left, sign, or_equal, &right);
}

static struct band read_sum(struct reader *reader)
{
    struct band sum = read_product(reader);
    while (reader->why == NULL && (peek(reader) == '+' || peek(reader) == '-')) {
        char sign = *reader->at++;
        struct band next = read_product(reader);
        sum = combine(&sum, sign, &next);
    }
    return sum;
}

static struct band read_product(struct reader *reader)
{
    struct band product = read_value(reader);
    while (reader->why == NULL && (peek(reader) == '*' || peek(reader) == '/')) {
        char sign = *reader->at++;
        struct band next = read_value(reader);
        product = combine(&product, sign, &next);
    }
    return product;
}

static struct band read_value(struct reader *reader)
{
    char first = peek(reader);
    if (isdigit((unsigned char)first)) {
        return read_number(reader);
    }
    if (isalpha((unsigned char)first)) {
        return read_call(reader);
    }
    if (!take(reader, '(')) {
        fail(reader, "a number, a name or a bracket was expected here");
        return (struct band){0};
    }
    if (++reader->depth > DEPTH_MAX) {
        fail(reader, "too many brackets within brackets");
        return (struct band){0};
    }
    struct band sum = read_sum(reader);
    if (reader->why == NULL && !take(reader, ')')) {
        fail(reader, "a closing bracket is missing here");
    }
    reader->depth--;
    return sum;
}

static struct band read_number(struct reader *reader)
{
    char *end;
    double number = strtod(reader->at, &end);
    reader->at = end;
    return (struct band){.low = number, .mid = number, .high = number, .coverage = 1, .count = 1};
}

static bool read_name(struct reader *reader, char *to)
{
    peek(reader);
    size_t len = strspn(reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-");
    if (len == 0 || len >= EXPRESSION_WORD) {
        fail(reader, len == 0 ? "a word was expected here" : "this word is too long");
        return false;
    }
    memcpy(to, reader->at, len);
    to[len] = '\0';
    reader->at += len;
    return true;
}

static struct band read_call(struct reader *reader)
{
    struct expression_call call = {.count = 0};
    const char *start = reader->at;

    if (!read_name(reader, call.name)) {
        return (struct band){0};
    }
    if (!take(reader, '(')) {
        fail(reader, "a bracket was expected behind this name");
        return (struct band){0};
    }
    do {
        if (call.count == EXPRESSION_WORDS) {
            fail(reader, "too many words in these brackets");
            return (struct band){0};
        }
        if (!read_name(reader, call.word[call.count++])) {
            return (struct band){0};
        }
    } while (take(reader, ','));
    if (!take(reader, ')')) {
        fail(reader, "a closing bracket is missing here");
        return (struct band){0};
    }

    struct band value = {0};
    switch (reader->source->look(reader->source->with, &call, &value)) {
    case EXPRESSION_FOUND:
        return value;
    case EXPRESSION_ABSENT:
        break;
    case EXPRESSION_UNKNOWN:
        reader->at = start;
        fail(reader, "nothing is known by this name with these words");
        break;
    }
    return (struct band){0};
}

static enum truth compare(const struct band *a, char sign, bool or_equal, const struct band *b)
{
    if (!band_known(a) || !band_known(b)) {
        return TRUTH_UNSURE;
    }
    const struct band *less = sign == '<' ? a : b;
    const struct band *more = sign == '<' ? b : a;
    if (or_equal ? less->high <= more->low : less->high < more->low) {
        return TRUTH_YES;
    }
    if (or_equal ? less->low > more->high : less->low >= more->high) {
        return TRUTH_NO;
    }
    return TRUTH_UNSURE;
}

static double apply(double a, char sign, double b)
{
    switch (sign) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    default:
        return a / b;
    }
}

/* All four operations are monotone in each argument (division because an interval with 0 in it
 * makes the result unknown), so the extremes lie at the corners. */
static struct band combine(const struct band *a, char sign, const struct band *b)
{
    if (!band_known(a) || !band_known(b) || (sign == '/' && b->low <= 0 && b->high >= 0)) {
        return (struct band){0};
    }
    struct band result = {
        .low = INFINITY,
        .mid = apply(a->mid, sign, b->mid),
        .high = -INFINITY,
        .coverage = a->coverage * b->coverage,
        .count = a->count < b->count ? a->count : b->count,
    };
    for (int corner = 0; corner < 4; corner++) {
        double value = apply(corner & 1 ? a->low : a->high, sign, corner & 2 ? b->low : b->high);
        result.low = fmin(result.low, value);
        result.high = fmax(result.high, value);
    }
    return result;
}
