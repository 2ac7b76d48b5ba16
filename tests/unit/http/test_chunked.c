#include "lib/http/chunked.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdlib.h>

static struct guard guard;

enum {
    MOST = 100 * 1000
};

/* What came out of a decoder. */
struct result {
    enum chunked_outcome outcome; /* the last one */
    size_t used;                  /* in all */
    char content[MOST];
    size_t len;
};

/* Feeds one slice, and goes on until there is nothing to be had from it. */
static void feed(struct chunked *chunked, struct bytes slice, struct result *result)
{
    do {
        size_t used = 0;
        struct bytes data;
        result->outcome = chunked_read(chunked, slice, &used, &data);
        if (result->outcome == CHUNKED_MALFORMED) {
            return;
        }
        assert_true(used <= slice.len);
        if (result->outcome == CHUNKED_MORE) {
            assert_int_equal(used, slice.len);
        }
        if (result->outcome == CHUNKED_DATA) {
            assert_true(data.len > 0);
            assert_ptr_equal(data.at + data.len, slice.at + used);
            assert_true(result->len + data.len <= MOST);
            memcpy(result->content + result->len, data.at, data.len);
            result->len += data.len;
        }
        result->used += used;
        slice = (struct bytes){slice.at + used, slice.len - used};
    } while (result->outcome == CHUNKED_DATA);
}

/* Feeds `text` in slices of `step` bytes, the first one of `first`, each ending at an unmapped
 * page. */
static struct result *read_in_slices(struct bytes text, size_t first, size_t step)
{
    static struct result result;
    struct chunked chunked = {0};
    size_t at = 0;

    result.outcome = CHUNKED_MORE;
    result.used = 0;
    result.len = 0;
    while (at < text.len && result.outcome == CHUNKED_MORE) {
        size_t len = at == 0 && first > 0 ? first : step;
        len = len < text.len - at ? len : text.len - at;
        feed(&chunked, guard_copy(&guard, (struct bytes){text.at + at, len}), &result);
        at += len;
    }
    return &result;
}

/* A body of `count` times `piece`, from `start` on. */
static struct bytes repeated(const char *start, const char *piece, size_t count)
{
    static char text[MOST * 2];
    size_t len = strlen(start);
    size_t each = strlen(piece);

    memcpy(text, start, len);
    for (size_t i = 0; i < count; i++, len += each) {
        assert_true(len + each <= sizeof(text));
        memcpy(text + len, piece, each);
    }
    return (struct bytes){text, len};
}

/* ---- bodies that end ---- */

struct good_row {
    const char *name;
    struct bytes body;
    struct bytes content;
};

static const struct good_row good_rows[] = {
    {"no_content", TEXT("0\r\n\r\n"), TEXT("")},
    {"one_chunk", TEXT("5\r\nhello\r\n0\r\n\r\n"), TEXT("hello")},
    {"two_chunks", TEXT("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), TEXT("hello world")},
    {"size_in_hexadecimal_of_both_cases", TEXT("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"),
     TEXT("01234567890123456789a")},
    {"size_with_leading_zeros", TEXT("0005\r\nhello\r\n0000\r\n\r\n"), TEXT("hello")},
    {"size_of_two_digits", TEXT("10\r\n0123456789abcdef\r\n0\r\n\r\n"), TEXT("0123456789abcdef")},
    {"content_that_looks_like_framing", TEXT("9\r\n0\r\n\r\n5\r\n\r\r\n0\r\n\r\n"),
     TEXT("0\r\n\r\n5\r\n\r")},
    {"content_of_any_byte", TEXT("4\r\n\0\n\r\xff\r\n0\r\n\r\n"), TEXT("\0\n\r\xff")},
    {"extension", TEXT("5;a\r\nhello\r\n0\r\n\r\n"), TEXT("hello")},
    {"extension_with_value", TEXT("5;a=b;c=\"d e;\"\r\nhello\r\n0;x\r\n\r\n"), TEXT("hello")},
    {"whitespace_before_extension", TEXT("5 \t; a = b\r\nhello\r\n0\r\n\r\n"), TEXT("hello")},
    {"whitespace_around_everything", TEXT("1;a\t =\t\"b\" \t;c = d\t;e\r\nx\r\n0 ; f\r\n\r\n"),
     TEXT("x")},
    {"quoted_extension_holds_what_would_end_it", TEXT("1;a=\";\\\"\\\\=,\t\";b\r\nx\r\n0\r\n\r\n"),
     TEXT("x")},
    {"empty_quoted_extension", TEXT("1;a=\"\"\r\nx\r\n0\r\n\r\n"), TEXT("x")},
    {"extension_in_obs_text", TEXT("5;a=\"\xc3\xa4\"\r\nhello\r\n0\r\n\r\n"), TEXT("hello")},
    {"trailer", TEXT("5\r\nhello\r\n0\r\nA: b\r\n\r\n"), TEXT("hello")},
    {"trailers", TEXT("0\r\nA: b\r\nC:\r\nD:\t\xff \r\n\r\n"), TEXT("")},
    {"trailer_that_would_frame_is_dropped",
     TEXT("1\r\na\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\n\r\n"), TEXT("a")},
};

static void check_good(void **state)
{
    const struct good_row *row = *state;

    for (size_t first = 0; first <= row->body.len; first++) {
        for (size_t step = 1; step <= row->body.len; step++) {
            struct result *result = read_in_slices(row->body, first, step);
            assert_int_equal(result->outcome, CHUNKED_END);
            assert_int_equal(result->used, row->body.len);
            assert_bytes(((struct bytes){result->content, result->len}), row->content);
        }
    }
}

/* Of a body that is not whole the content so far is given out, and more is wanted. */
static void check_prefixes(void **state)
{
    const struct good_row *row = *state;

    for (size_t len = 1; len < row->body.len; len++) {
        struct result *result = read_in_slices((struct bytes){row->body.at, len}, 0, len);
        assert_int_equal(result->outcome, CHUNKED_MORE);
        assert_int_equal(result->used, len);
        assert_true(result->len <= row->content.len);
        assert_memory_equal(result->content, row->content.at, result->len);
    }
}

/* What follows the end is the next message's, and END is said again without touching it. */
static void check_tail(void **state)
{
    const struct good_row *row = *state;
    static char text[200];
    struct chunked chunked = {0};
    static struct result result;

    memcpy(text, row->body.at, row->body.len);
    memcpy(text + row->body.len, "GET / ", 6);
    result.used = 0;
    result.len = 0;
    struct bytes both = guard_copy(&guard, (struct bytes){text, row->body.len + 6});
    feed(&chunked, both, &result);
    assert_int_equal(result.outcome, CHUNKED_END);
    assert_int_equal(result.used, row->body.len);
    result.used = 0;
    feed(&chunked, BYTES("GET / "), &result);
    assert_int_equal(result.outcome, CHUNKED_END);
    assert_int_equal(result.used, 0);
}

/* ---- bodies that are refused ---- */

struct bad_row {
    const char *name;
    struct bytes good; /* nothing is wrong with this yet */
    struct bytes bad;  /* its first byte shows it */
};

static const struct bad_row bad_rows[] = {
    {"size_empty", TEXT(""), TEXT("\r\n")},
    {"size_empty_before_extension", TEXT(""), TEXT(";a\r\n")},
    {"size_with_0x", TEXT("0"), TEXT("x5\r\nhello\r\n")},
    {"size_with_plus", TEXT(""), TEXT("+5\r\nhello\r\n")},
    {"size_with_minus", TEXT(""), TEXT("-5\r\nhello\r\n")},
    {"size_with_space_before", TEXT(""), TEXT(" 5\r\nhello\r\n")},
    {"size_with_letter", TEXT("5"), TEXT("g\r\nhello\r\n")},
    {"size_with_underscore", TEXT("1"), TEXT("_0\r\n")},
    {"size_with_quote", TEXT(""), TEXT("\"5\"\r\n")},
    {"size_with_nul", TEXT("5"), TEXT("\0\r\nhello\r\n")},
    {"size_of_two_to_the_63", TEXT("800000000000000"), TEXT("0\r\n")},
    {"size_of_seventeen_digits", TEXT("1000000000000000"), TEXT("0\r\n")},
    {"size_that_wraps_64_bits", TEXT("1000000000000000"), TEXT("5\r\nhello\r\n")},
    {"size_and_bare_lf", TEXT("5"), TEXT("\nhello\r\n")},
    {"size_and_bare_cr", TEXT("5\r"), TEXT("hello\r\n")},
    {"size_and_two_crs", TEXT("5\r"), TEXT("\r\nhello\r\n")},
    {"space_after_size_without_extension", TEXT("5 "), TEXT("\r\nhello\r\n")},
    {"text_after_size", TEXT("5 "), TEXT("5\r\nhello\r\n")},
    {"comma_after_size", TEXT("5"), TEXT(",5\r\nhello\r\n")},
    {"semicolon_alone", TEXT("5;"), TEXT("\r\nhello\r\n")},
    {"semicolon_and_space", TEXT("5; "), TEXT("\r\nhello\r\n")},
    {"two_semicolons", TEXT("5;"), TEXT(";a\r\nhello\r\n")},
    {"extension_without_name", TEXT("5;"), TEXT("=a\r\nhello\r\n")},
    {"extension_with_quoted_name", TEXT("5;"), TEXT("\"a\"\r\nhello\r\n")},
    {"extension_with_separator_in_name", TEXT("5;a"), TEXT("(b\r\nhello\r\n")},
    {"extension_of_two_words", TEXT("5;a "), TEXT("b\r\nhello\r\n")},
    {"whitespace_behind_extension", TEXT("5;a "), TEXT("\r\nhello\r\n")},
    {"extension_without_value", TEXT("5;a="), TEXT("\r\nhello\r\n")},
    {"extension_with_two_values", TEXT("5;a=b"), TEXT("=c\r\nhello\r\n")},
    {"extension_with_separator_in_value", TEXT("5;a=b"), TEXT("/c\r\nhello\r\n")},
    {"value_of_two_words", TEXT("5;a=b "), TEXT("c\r\nhello\r\n")},
    {"whitespace_behind_value", TEXT("5;a=b "), TEXT("\r\nhello\r\n")},
    {"quote_that_is_not_closed", TEXT("5;a=\"b;c"), TEXT("\r\nhello\r\n")},
    {"quote_whose_end_is_escaped", TEXT("5;a=\"b\\\""), TEXT("\r\nhello\r\n")},
    {"escaped_line_end_in_quotes", TEXT("5;a=\"\\"), TEXT("\r\nhello\r\n")},
    {"escaped_nul_in_quotes", TEXT("5;a=\"\\"), TEXT("\0\"\r\nhello\r\n")},
    {"text_behind_quotes", TEXT("5;a=\"b\""), TEXT("c\r\nhello\r\n")},
    {"bare_lf_in_extension", TEXT("5;a"), TEXT("\nhello\r\n")},
    {"bare_cr_in_extension", TEXT("5;a\r"), TEXT("b\r\nhello\r\n")},
    {"bare_lf_in_quoted_extension", TEXT("5;a=\""), TEXT("\n\"\r\nhello\r\n")},
    {"nul_in_extension", TEXT("5;a"), TEXT("\0\r\nhello\r\n")},
    {"control_byte_in_extension", TEXT("5;a"), TEXT("\x1b\r\nhello\r\n")},
    {"del_in_extension", TEXT("5;a"), TEXT("\x7f\r\nhello\r\n")},
    {"content_longer_than_size", TEXT("4\r\nhell"), TEXT("o\r\n0\r\n\r\n")},
    {"content_longer_by_a_cr", TEXT("4\r\nhell\r"), TEXT("\r\n0\r\n\r\n")},
    {"bare_lf_after_content", TEXT("5\r\nhello"), TEXT("\n0\r\n\r\n")},
    {"bare_cr_after_content", TEXT("5\r\nhello\r"), TEXT("0\r\n\r\n")},
    {"nothing_after_content", TEXT("5\r\nhello"), TEXT("0\r\n\r\n")},
    {"bare_lf_after_last_chunk", TEXT("0"), TEXT("\n\r\n")},
    {"bare_lf_at_the_end", TEXT("0\r\n"), TEXT("\n")},
    {"bare_cr_at_the_end", TEXT("0\r\n\r"), TEXT("GET /")},
    {"trailer_without_colon", TEXT("0\r\nA"), TEXT("\r\n\r\n")},
    {"trailer_without_name", TEXT("0\r\n"), TEXT(": b\r\n\r\n")},
    {"trailer_with_space_before_colon", TEXT("0\r\nA"), TEXT(" : b\r\n\r\n")},
    {"trailer_with_space_first", TEXT("0\r\n"), TEXT(" A: b\r\n\r\n")},
    {"trailer_folded", TEXT("0\r\nA: b\r\n"), TEXT(" c\r\n\r\n")},
    {"trailer_with_bare_lf", TEXT("0\r\nA: b"), TEXT("\n\r\n")},
    {"trailer_with_bare_cr", TEXT("0\r\nA: b\r"), TEXT("c\r\n\r\n")},
    {"trailer_with_nul", TEXT("0\r\nA: b"), TEXT("\0\r\n\r\n")},
    {"next_request_in_place_of_the_end", TEXT("0\r\nGET"), TEXT(" / HTTP/1.1\r\n\r\n")},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    char text[100];
    size_t whole = row->good.len + row->bad.len;

    memcpy(text, row->good.at, row->good.len);
    memcpy(text + row->good.len, row->bad.at, row->bad.len);
    for (size_t step = 1; step <= whole; step++) {
        for (size_t len = 1; len <= whole; len++) {
            struct result *result = read_in_slices((struct bytes){text, len}, 0, step);
            assert_int_equal(result->outcome,
                             len <= row->good.len ? CHUNKED_MORE : CHUNKED_MALFORMED);
        }
    }
}

/* ---- sizes, bounds and states ---- */

static void the_largest_size_is_two_to_the_63_less_one(void **state)
{
    struct chunked chunked = {0};
    size_t used;
    struct bytes data;

    (void)state;
    assert_int_equal(chunked_read(&chunked, BYTES("7fffffffffffffff\r\nab"), &used, &data),
                     CHUNKED_DATA);
    assert_bytes(data, BYTES("ab"));
    assert_int_equal(chunked_ahead(&chunked), INT64_MAX - 2);
    chunked_pass(&chunked, INT64_MAX - 2);
    assert_int_equal(chunked_read(&chunked, BYTES("\r\n0\r\n\r\n"), &used, &data), CHUNKED_END);
}

/* As a client has to bear it (RFC 9112 5.2). */
static void trailers_may_be_folded_where_that_is_wanted(void **state)
{
    static const struct {
        struct bytes text;
        enum chunked_outcome outcome;
    } rows[] = {
        {TEXT("0\r\nA: b\r\n c\r\n\r\n"), CHUNKED_END},
        {TEXT("0\r\nA: b\r\n\tc\r\n d\r\nE: f\r\n g: h\r\n\r\n"), CHUNKED_END},
        {TEXT("0\r\nA: b\r\n \r\n\r\n"), CHUNKED_END},
        {TEXT("0\r\n c\r\n\r\n"), CHUNKED_MALFORMED},
        {TEXT("0\r\nA: b\r\n\n"), CHUNKED_MALFORMED},
    };
    size_t used;
    struct bytes data;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct chunked chunked = {.folds = true};
        assert_int_equal(chunked_read(&chunked, rows[i].text, &used, &data), rows[i].outcome);
        assert_true(rows[i].outcome != CHUNKED_END || used == rows[i].text.len);
    }
}

static void malformed_is_final(void **state)
{
    struct chunked chunked = {0};
    size_t used;
    struct bytes data;

    (void)state;
    assert_int_equal(chunked_read(&chunked, BYTES("x"), &used, &data), CHUNKED_MALFORMED);
    assert_int_equal(chunked_read(&chunked, BYTES("0\r\n\r\n"), &used, &data), CHUNKED_MALFORMED);
    assert_int_equal(chunked_read(&chunked, (struct bytes){0}, &used, &data), CHUNKED_MALFORMED);
}

static void just_16_kb_of_overhead_is_good(void **state)
{
    struct bytes text = repeated("5;", "a", 16 * 1024 - 2);

    (void)state;
    assert_int_equal(read_in_slices(text, 0, text.len)->outcome, CHUNKED_MORE);
    text = repeated("5;", "a", 16 * 1024 - 1);
    assert_int_equal(read_in_slices(text, 0, text.len)->outcome, CHUNKED_MALFORMED);
}

static void nothing_at_all_wants_more(void **state)
{
    struct chunked chunked = {0};
    size_t used = 1;
    struct bytes data;

    (void)state;
    assert_int_equal(chunked_read(&chunked, (struct bytes){0}, &used, &data), CHUNKED_MORE);
    assert_int_equal(used, 0);
}

static void content_may_be_dropped_unseen(void **state)
{
    struct chunked chunked = {0};
    size_t used;
    struct bytes data;

    (void)state;
    assert_int_equal(chunked_ahead(&chunked), 0);
    assert_int_equal(chunked_read(&chunked, BYTES("a"), &used, &data), CHUNKED_MORE);
    assert_int_equal(chunked_ahead(&chunked), 0);
    assert_int_equal(chunked_read(&chunked, BYTES("\r\n01"), &used, &data), CHUNKED_DATA);
    assert_int_equal(chunked_ahead(&chunked), 8);
    chunked_pass(&chunked, 5);
    assert_int_equal(chunked_ahead(&chunked), 3);
    chunked_pass(&chunked, 0);
    chunked_pass(&chunked, 3);
    assert_int_equal(chunked_ahead(&chunked), 0);
    chunked_pass(&chunked, 0);
    assert_int_equal(chunked_read(&chunked, BYTES("\r\n0\r\n\r\n"), &used, &data), CHUNKED_END);
    assert_int_equal(used, 7);
}

struct bound_row {
    const char *name;
    const char *start;
    const char *piece;
    size_t count;
    bool good;
};

static const struct bound_row bound_rows[] = {
    {"extension_of_16_kb_is_good", "5;", "aaaaaaaaaaaaaaaa", 1023, true},
    {"extension_beyond_16_kb", "5;", "aaaaaaaaaaaaaaaa", 1025, false},
    {"leading_zeros_beyond_16_kb", "0", "0000000000000000", 1025, false},
    {"trailer_beyond_16_kb", "0\r\nA: ", "aaaaaaaaaaaaaaaa", 1025, false},
    {"trailers_beyond_16_kb", "0\r\n", "A: b\r\n", 3000, false},
    {"chunks_of_one_byte_go_on_for_ever", "", "1\r\na\r\n", 15000, true},
    {"chunks_of_one_byte_with_small_extensions_go_on", "", "1;ab=c\r\na\r\n", 7000, true},
    {"small_chunks_with_large_extensions_do_not", "",
     "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n", 1000, false},
};

static void check_bound(void **state)
{
    const struct bound_row *row = *state;
    struct bytes text = repeated(row->start, row->piece, row->count);
    enum chunked_outcome expected = row->good ? CHUNKED_MORE : CHUNKED_MALFORMED;

    assert_int_equal(read_in_slices(text, 0, text.len)->outcome, expected);
    assert_int_equal(read_in_slices(text, 0, 1)->outcome, expected);
    assert_int_equal(read_in_slices(text, 0, 1460)->outcome, expected);
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, MOST * 2);
    suite_add_rows(&suite, check_good, ROWS(good_rows));
    suite_add_rows(&suite, check_prefixes, ROWS(good_rows));
    suite_add_rows(&suite, check_tail, ROWS(good_rows));
    suite_add_rows(&suite, check_bad, ROWS(bad_rows));
    suite_add_rows(&suite, check_bound, ROWS(bound_rows));
    suite_add(&suite, CASE(the_largest_size_is_two_to_the_63_less_one));
    suite_add(&suite, CASE(trailers_may_be_folded_where_that_is_wanted));
    suite_add(&suite, CASE(malformed_is_final));
    suite_add(&suite, CASE(just_16_kb_of_overhead_is_good));
    suite_add(&suite, CASE(nothing_at_all_wants_more));
    suite_add(&suite, CASE(content_may_be_dropped_unseen));
    int failed = suite_run(&suite, "http/chunked");
    guard_finish(&guard);
    return failed;
}
