#include "lib/http/range.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;
static struct guard output;

enum {
    MOST = 4 /* ranges that are let through */
};

struct row {
    const char *name;
    struct bytes value;
    uint64_t size;
    enum range_outcome outcome;
    size_t count;
    struct slice slices[MOST];
};

#define IGNORE       \
    RANGE_IGNORE, 0, \
    {                \
        {            \
            0, 0     \
        }            \
    }
#define UNSATISFIABLE       \
    RANGE_UNSATISFIABLE, 0, \
    {                       \
        {                   \
            0, 0            \
        }                   \
    }
#define ONE(first, end)    \
    RANGE_SLICES, 1,       \
    {                      \
        {                  \
            (first), (end) \
        }                  \
    }
#define TWO(a, b, c, d) \
    RANGE_SLICES, 2,    \
    {                   \
        {(a), (b)},     \
        {               \
            (c), (d)    \
        }               \
    }
#define LARGE 9000000000000000000u

/* RFC 9110 14.1.1, 14.1.2, 14.2 */
static const struct row rows[] = {
    {"first_byte", TEXT("bytes=0-0"), 100, ONE(0, 1)},
    {"last_byte", TEXT("bytes=99-99"), 100, ONE(99, 100)},
    {"first_fifty_bytes_are_0_to_49", TEXT("bytes=0-49"), 100, ONE(0, 50)},
    {"middle", TEXT("bytes=10-19"), 100, ONE(10, 20)},
    {"whole", TEXT("bytes=0-99"), 100, ONE(0, 100)},
    {"from_the_first_on_is_whole", TEXT("bytes=0-"), 100, ONE(0, 100)},
    {"open_end", TEXT("bytes=90-"), 100, ONE(90, 100)},
    {"last_beyond_the_end_is_cut", TEXT("bytes=90-100"), 100, ONE(90, 100)},
    {"last_far_beyond_the_end_is_cut", TEXT("bytes=90-999999999"), 100, ONE(90, 100)},
    {"last_beyond_64_bits_is_cut", TEXT("bytes=0-999999999999999999999"), 100, ONE(0, 100)},
    {"last_of_the_largest_64_bits_is_cut", TEXT("bytes=0-18446744073709551615"), 100, ONE(0, 100)},
    {"last_that_wraps_is_cut", TEXT("bytes=50-18446744073709551620"), 100, ONE(50, 100)},
    {"leading_zeros_are_digits", TEXT("bytes=000-0000000000000000000000049"), 100, ONE(0, 50)},
    {"suffix", TEXT("bytes=-10"), 100, ONE(90, 100)},
    {"suffix_of_one_byte", TEXT("bytes=-1"), 100, ONE(99, 100)},
    {"suffix_as_long_as_file_is_whole_file", TEXT("bytes=-100"), 100, ONE(0, 100)},
    {"suffix_longer_than_file_is_whole_file", TEXT("bytes=-500"), 100, ONE(0, 100)},
    {"suffix_beyond_64_bits_is_whole_file", TEXT("bytes=-99999999999999999999"), 100, ONE(0, 100)},
    {"suffix_of_zero_cannot_be_met", TEXT("bytes=-0"), 100, UNSATISFIABLE},
    {"suffix_of_many_zeros_cannot_be_met", TEXT("bytes=-000"), 100, UNSATISFIABLE},
    {"first_at_the_end_cannot_be_met", TEXT("bytes=100-"), 100, UNSATISFIABLE},
    {"first_and_last_at_the_end_cannot_be_met", TEXT("bytes=100-100"), 100, UNSATISFIABLE},
    {"first_beyond_the_end_cannot_be_met", TEXT("bytes=101-200"), 100, UNSATISFIABLE},
    {"first_beyond_64_bits_cannot_be_met", TEXT("bytes=999999999999999999999-"), 100,
     UNSATISFIABLE},
    {"first_that_wraps_to_zero_cannot_be_met", TEXT("bytes=18446744073709551616-"), 100,
     UNSATISFIABLE},
    {"both_beyond_64_bits_cannot_be_met", TEXT("bytes=999999999999999999998-999999999999999999999"),
     100, UNSATISFIABLE},
    {"size_of_many_bytes", TEXT("bytes=8999999999999999999-"), LARGE,
     ONE(8999999999999999999u, LARGE)},
    {"suffix_of_many_bytes", TEXT("bytes=-1"), LARGE, ONE(8999999999999999999u, LARGE)},
    /* an empty body: no first byte is in it, and every suffix but -0 is all of it */
    {"empty_body_has_no_first_byte", TEXT("bytes=0-0"), 0, UNSATISFIABLE},
    {"empty_body_has_nothing_from_0_on", TEXT("bytes=0-"), 0, UNSATISFIABLE},
    {"empty_body_meets_a_suffix_without_a_slice", TEXT("bytes=-5"), 0, IGNORE},
    {"empty_body_meets_no_suffix_of_zero", TEXT("bytes=-0"), 0, UNSATISFIABLE},
    {"body_of_one_byte", TEXT("bytes=0-0"), 1, ONE(0, 1)},
    {"body_of_one_byte_has_no_second", TEXT("bytes=1-1"), 1, UNSATISFIABLE},
    /* units */
    {"unit_has_no_case", TEXT("BYTES=0-0"), 100, ONE(0, 1)},
    {"unit_of_mixed_case", TEXT("bYtEs=0-0"), 100, ONE(0, 1)},
    {"other_unit", TEXT("lines=0-0"), 100, IGNORE},
    {"longer_unit", TEXT("bytesx=0-0"), 100, IGNORE},
    {"shorter_unit", TEXT("byte=0-0"), 100, IGNORE},
    {"no_unit", TEXT("0-0"), 100, IGNORE},
    {"no_equals_sign", TEXT("bytes 0-0"), 100, IGNORE},
    {"colon_for_equals_sign", TEXT("bytes:0-0"), 100, IGNORE},
    {"space_before_equals_sign", TEXT("bytes =0-0"), 100, IGNORE},
    {"space_after_equals_sign", TEXT("bytes= 0-0"), 100, IGNORE},
    /* bad syntax */
    {"empty", TEXT(""), 100, IGNORE},
    {"unit_alone", TEXT("bytes"), 100, IGNORE},
    {"unit_and_equals_sign_alone", TEXT("bytes="), 100, IGNORE},
    {"comma_alone", TEXT("bytes=,"), 100, IGNORE},
    {"commas_alone", TEXT("bytes=, ,\t,"), 100, IGNORE},
    {"dash_alone", TEXT("bytes=-"), 100, IGNORE},
    {"number_alone", TEXT("bytes=5"), 100, IGNORE},
    {"last_before_first", TEXT("bytes=5-4"), 100, IGNORE},
    {"last_before_first_beyond_the_end", TEXT("bytes=200-150"), 100, IGNORE},
    {"last_before_first_beyond_64_bits", TEXT("bytes=999999999999999999999-5"), 100, IGNORE},
    {"last_before_first_both_beyond_64_bits",
     TEXT("bytes=999999999999999999999-999999999999999999998"), 100, IGNORE},
    {"last_before_first_spoils_the_others", TEXT("bytes=0-0,5-4"), 100, IGNORE},
    {"rubbish_spoils_the_others", TEXT("bytes=0-0,x"), 100, IGNORE},
    {"two_dashes", TEXT("bytes=0--1"), 100, IGNORE},
    {"dash_before_first", TEXT("bytes=-5-10"), 100, IGNORE},
    {"three_numbers", TEXT("bytes=1-2-3"), 100, IGNORE},
    {"plus_sign", TEXT("bytes=+1-2"), 100, IGNORE},
    {"hexadecimal", TEXT("bytes=0x0-0x9"), 100, IGNORE},
    {"fraction", TEXT("bytes=0.5-1"), 100, IGNORE},
    {"spaces_around_the_dash", TEXT("bytes=0 - 5"), 100, IGNORE},
    {"space_between_numbers", TEXT("bytes=0-5 6"), 100, IGNORE},
    {"semicolon_for_comma", TEXT("bytes=0-1;2-3"), 100, IGNORE},
    {"quoted", TEXT("\"bytes=0-1\""), 100, IGNORE},
    {"quoted_range", TEXT("bytes=\"0-1\""), 100, IGNORE},
    {"nul", TEXT("bytes=0-1\0"), 100, IGNORE},
    {"unit_twice", TEXT("bytes=0-1,bytes=2-3"), 100, IGNORE},
    /* several */
    {"two", TEXT("bytes=0-9,20-29"), 100, TWO(0, 10, 20, 30)},
    {"two_that_touch", TEXT("bytes=0-9,10-19"), 100, TWO(0, 10, 10, 20)},
    {"two_in_the_order_asked_for", TEXT("bytes=20-29,0-9"), 100, TWO(20, 30, 0, 10)},
    {"two_with_a_suffix", TEXT("bytes=0-0,-1"), 100, TWO(0, 1, 99, 100)},
    {"whitespace_around_commas", TEXT("bytes=0-0 , \t5-5"), 100, TWO(0, 1, 5, 6)},
    {"empty_members_are_skipped", TEXT("bytes=,0-0,, ,5-5,"), 100, TWO(0, 1, 5, 6)},
    {"what_cannot_be_met_is_dropped", TEXT("bytes=0-0,200-300,5-5"), 100, TWO(0, 1, 5, 6)},
    {"what_cannot_be_met_is_dropped_first", TEXT("bytes=-0,0-0"), 100, ONE(0, 1)},
    {"none_of_two_can_be_met", TEXT("bytes=100-,200-300"), 100, UNSATISFIABLE},
    {"as_many_as_allowed",
     TEXT("bytes=0-0,2-2,4-4,6-6"),
     100,
     RANGE_SLICES,
     4,
     {{0, 1}, {2, 3}, {4, 5}, {6, 7}}},
    {"more_than_allowed", TEXT("bytes=0-0,2-2,4-4,6-6,8-8"), 100, IGNORE},
    {"more_than_allowed_though_not_met", TEXT("bytes=0-0,200-,200-,200-,200-"), 100, IGNORE},
    {"two_that_overlap", TEXT("bytes=0-9,5-14"), 100, IGNORE},
    {"two_that_share_one_byte", TEXT("bytes=0-9,9-14"), 100, IGNORE},
    {"two_that_are_the_same", TEXT("bytes=0-9,0-9"), 100, IGNORE},
    {"one_within_another", TEXT("bytes=0-99,5-5"), 100, IGNORE},
    {"one_around_another", TEXT("bytes=5-5,0-99"), 100, IGNORE},
    {"suffixes_overlap", TEXT("bytes=-1,-2"), 100, IGNORE},
    {"overlap_by_the_cut", TEXT("bytes=90-200,-1"), 100, IGNORE},
    {"overlap_not_next_to_each_other", TEXT("bytes=0-9,20-29,5-6"), 100, IGNORE},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct bytes value = guard_copy(&guard, row->value);
    struct slice *slices = (void *)guard_room(&output, MOST * sizeof(struct slice));
    size_t count = 77;

    assert_int_equal(range_parse(value, row->size, slices, MOST, &count), row->outcome);
    assert_int_equal(count, row->outcome == RANGE_SLICES ? row->count : 77);
    for (size_t i = 0; i < row->count; i++) {
        assert_int_equal(slices[i].first, row->slices[i].first);
        assert_int_equal(slices[i].end, row->slices[i].end);
    }
}

/* Every cut of every value is read without looking beyond it, and what comes of it is in bounds. */
static void check_prefixes(void **state)
{
    const struct row *row = *state;

    for (size_t len = 0; len < row->value.len; len++) {
        struct bytes value = guard_copy(&guard, (struct bytes){row->value.at, len});
        struct slice slices[MOST];
        size_t count = 0;
        if (range_parse(value, row->size, slices, MOST, &count) != RANGE_SLICES) {
            continue;
        }
        assert_in_range(count, 1, MOST);
        for (size_t i = 0; i < count; i++) {
            assert_true(slices[i].first < slices[i].end && slices[i].end <= row->size);
        }
    }
}

static void where_one_is_allowed_two_are_ignored(void **state)
{
    struct slice *slice = (void *)guard_room(&output, sizeof(struct slice));
    size_t count;

    (void)state;
    assert_int_equal(range_parse(BYTES("bytes=0-0,2-2"), 10, slice, 1, &count), RANGE_IGNORE);
    assert_int_equal(range_parse(BYTES("bytes=2-2"), 10, slice, 1, &count), RANGE_SLICES);
    assert_int_equal(range_parse(BYTES("bytes=2-2"), 10, NULL, 0, &count), RANGE_IGNORE);
    assert_int_equal(range_parse((struct bytes){0}, 10, slice, 1, &count), RANGE_IGNORE);
}

static void content_range_tells_the_last_byte(void **state)
{
    char room[80];
    size_t len = range_write_content(room, (struct slice){0, 50}, 100);

    (void)state;
    assert_bytes(((struct bytes){room, len}), BYTES("bytes 0-49/100"));
    len = range_write_content(room, (struct slice){99, 100}, 100);
    assert_bytes(((struct bytes){room, len}), BYTES("bytes 99-99/100"));
}

static void content_range_of_the_largest_numbers_fits(void **state)
{
    char room[80];
    size_t len = range_write_content(room, (struct slice){UINT64_MAX - 1, UINT64_MAX}, UINT64_MAX);

    (void)state;
    assert_true(len <= sizeof(room));
    assert_bytes(((struct bytes){room, len}),
                 BYTES("bytes 18446744073709551614-18446744073709551614/18446744073709551615"));
}

static void content_range_of_a_416_has_an_asterisk(void **state)
{
    char room[80];
    size_t len = range_write_unsatisfied(room, 0);

    (void)state;
    assert_bytes(((struct bytes){room, len}), BYTES("bytes */0"));
    len = range_write_unsatisfied(room, 2818213);
    assert_bytes(((struct bytes){room, len}), BYTES("bytes */2818213"));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 100);
    guard_init(&output, 100);
    suite_add_rows(&suite, check, ROWS(rows));
    suite_add_rows(&suite, check_prefixes, ROWS(rows));
    suite_add(&suite, CASE(where_one_is_allowed_two_are_ignored));
    suite_add(&suite, CASE(content_range_tells_the_last_byte));
    suite_add(&suite, CASE(content_range_of_the_largest_numbers_fits));
    suite_add(&suite, CASE(content_range_of_a_416_has_an_asterisk));
    int failed = suite_run(&suite, "http/range");
    guard_finish(&guard);
    guard_finish(&output);
    return failed;
}
