#include "lib/http/date.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <time.h>

static struct guard guard;

enum {
    NOW_S = 1767225600 /* 2026-01-01T00:00:00Z */
};
static const int64_t last_second = 253402300799;

struct read_row {
    const char *name;
    struct bytes text;
    int64_t seconds;
};

static const struct read_row good_rows[] = {
    {"imf_fixdate", TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777},
    {"rfc_850", TEXT("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777},
    {"asctime", TEXT("Sun Nov  6 08:49:37 1994"), 784111777},
    {"asctime_of_two_digits", TEXT("Wed Nov 16 08:49:37 1994"), 784975777},
    {"asctime_of_a_zero", TEXT("Sun Nov 06 08:49:37 1994"), 784111777},
    {"epoch", TEXT("Thu, 01 Jan 1970 00:00:00 GMT"), 0},
    {"before_the_epoch", TEXT("Wed, 31 Dec 1969 23:59:59 GMT"), -1},
    {"year_1900", TEXT("Mon, 01 Jan 1900 00:00:00 GMT"), -2208988800},
    {"year_0", TEXT("Sat, 01 Jan 0000 00:00:00 GMT"), -62167219200},
    {"year_9999", TEXT("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799},
    {"leap_day", TEXT("Thu, 29 Feb 2024 12:00:00 GMT"), 1709208000},
    {"leap_day_of_2000", TEXT("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400},
    {"day_after_leap_day", TEXT("Fri, 01 Mar 2024 00:00:00 GMT"), 1709251200},
    {"leap_second_is_the_next_minute", TEXT("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800},
    {"wrong_weekday_is_let_through", TEXT("Mon, 06 Nov 1994 08:49:37 GMT"), 784111777},
    {"after_32_bits", TEXT("Tue, 19 Jan 2038 03:14:08 GMT"), 2147483648},
    /* RFC 9110 5.6.7: a two-digit year more than 50 years ahead is in the past. Now: 2026-01-01 */
    {"rfc_850_this_year", TEXT("Thursday, 01-Jan-26 00:00:00 GMT"), NOW_S},
    {"rfc_850_in_50_years", TEXT("Wednesday, 01-Jan-76 00:00:00 GMT"), 3345062400},
    {"rfc_850_in_50_years_and_a_second", TEXT("Thursday, 01-Jan-76 00:00:01 GMT"), 189302401},
    {"rfc_850_in_51_years", TEXT("Saturday, 01-Jan-77 00:00:00 GMT"), 220924800},
    {"rfc_850_in_99", TEXT("Friday, 31-Dec-99 23:59:59 GMT"), 946684799},
    {"rfc_850_in_00", TEXT("Saturday, 01-Jan-00 00:00:00 GMT"), 946684800},
    {"rfc_850_leap_day", TEXT("Tuesday, 29-Feb-00 00:00:00 GMT"), 951782400},
};

static void check_good(void **state)
{
    const struct read_row *row = *state;
    int64_t seconds = 4711;

    assert_true(date_read(guard_copy(&guard, row->text), NOW_S, &seconds));
    assert_true(seconds == row->seconds);
    for (size_t len = 0; len < row->text.len; len++) {
        struct bytes text = guard_copy(&guard, (struct bytes){row->text.at, len});
        assert_false(date_read(text, NOW_S, &seconds));
    }
}

struct bad_row {
    const char *name;
    struct bytes text;
};

static const struct bad_row bad_rows[] = {
    {"empty", TEXT("")},
    {"zero", TEXT("0")},
    {"number", TEXT("784111777")},
    {"iso_8601", TEXT("1994-11-06T08:49:37Z")},
    {"weekday_unknown", TEXT("Xyz, 06 Nov 1994 08:49:37 GMT")},
    {"weekday_lower_case", TEXT("sun, 06 Nov 1994 08:49:37 GMT")},
    {"weekday_long_in_imf", TEXT("Sunday, 06 Nov 1994 08:49:37 GMT")},
    {"weekday_short_in_rfc_850", TEXT("Sun, 06-Nov-94 08:49:37 GMT")},
    {"weekday_absent", TEXT("06 Nov 1994 08:49:37 GMT")},
    {"month_unknown", TEXT("Sun, 06 Nox 1994 08:49:37 GMT")},
    {"month_unknown_in_rfc_850", TEXT("Sunday, 06-Nox-94 08:49:37 GMT")},
    {"month_unknown_in_asctime", TEXT("Sun Nox  6 08:49:37 1994")},
    {"month_upper_case", TEXT("Sun, 06 NOV 1994 08:49:37 GMT")},
    {"day_zero", TEXT("Sun, 00 Nov 1994 08:49:37 GMT")},
    {"day_zero_in_asctime", TEXT("Sun Nov  0 08:49:37 1994")},
    {"day_31_of_november", TEXT("Sun, 31 Nov 1994 08:49:37 GMT")},
    {"day_32", TEXT("Sun, 32 Dec 1994 08:49:37 GMT")},
    {"day_30_of_february", TEXT("Sun, 30 Feb 2024 08:49:37 GMT")},
    {"leap_day_of_a_common_year", TEXT("Sun, 29 Feb 2023 08:49:37 GMT")},
    {"leap_day_of_1900", TEXT("Sun, 29 Feb 1900 08:49:37 GMT")},
    {"leap_day_of_a_common_year_in_rfc_850", TEXT("Sunday, 29-Feb-23 08:49:37 GMT")},
    {"day_of_one_digit", TEXT("Sun, 6 Nov 1994 08:49:37 GMT")},
    {"day_padded_by_space", TEXT("Sun,  6 Nov 1994 08:49:37 GMT")},
    {"year_of_two_digits_in_imf", TEXT("Sun, 06 Nov 94 08:49:37 GMT")},
    {"year_of_four_digits_in_rfc_850", TEXT("Sunday, 06-Nov-1994 08:49:37 GMT")},
    {"year_of_five_digits", TEXT("Sun, 06 Nov 19940 08:49:37 GMT")},
    {"year_with_sign", TEXT("Sun, 06 Nov -994 08:49:37 GMT")},
    {"hour_24", TEXT("Sun, 06 Nov 1994 24:00:00 GMT")},
    {"minute_60", TEXT("Sun, 06 Nov 1994 08:60:00 GMT")},
    {"second_61", TEXT("Sun, 06 Nov 1994 08:49:61 GMT")},
    {"hour_of_one_digit", TEXT("Sun, 06 Nov 1994 8:49:37 GMT")},
    {"zone_utc", TEXT("Sun, 06 Nov 1994 08:49:37 UTC")},
    {"zone_by_offset", TEXT("Sun, 06 Nov 1994 08:49:37 +0000")},
    {"zone_absent", TEXT("Sun, 06 Nov 1994 08:49:37")},
    {"zone_lower_case", TEXT("Sun, 06 Nov 1994 08:49:37 gmt")},
    {"dashes_in_imf", TEXT("Sun, 06-Nov-1994 08:49:37 GMT")},
    {"no_comma", TEXT("Sun 06 Nov 1994 08:49:37 GMT")},
    {"text_behind", TEXT("Sun, 06 Nov 1994 08:49:37 GMTx")},
    {"length_behind", TEXT("Sun, 06 Nov 1994 08:49:37 GMT; length=5")},
    {"space_before", TEXT(" Sun, 06 Nov 1994 08:49:37 GMT")},
    {"two_spaces", TEXT("Sun,  06 Nov 1994 08:49:37 GM")},
    {"nul_within", TEXT("Sun, 06 Nov 1994 08:49:3\0 GMT")},
    {"asctime_with_zone", TEXT("Sun Nov  6 08:49:37 1994 GMT")},
    {"rfc_850_weekday_alone", TEXT("Sunday")},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    int64_t seconds = 4711;

    assert_false(date_read(guard_copy(&guard, row->text), NOW_S, &seconds));
    assert_true(seconds == 4711);
}

struct write_row {
    const char *name;
    int64_t seconds;
    struct bytes text;
};

static const struct write_row write_rows[] = {
    {"writes_the_rfc_s_example", 784111777, TEXT("Sun, 06 Nov 1994 08:49:37 GMT")},
    {"writes_the_epoch", 0, TEXT("Thu, 01 Jan 1970 00:00:00 GMT")},
    {"writes_a_leap_day", 1709208000, TEXT("Thu, 29 Feb 2024 12:00:00 GMT")},
    {"writes_the_last_second", 253402300799, TEXT("Fri, 31 Dec 9999 23:59:59 GMT")},
    {"clamps_below", -1, TEXT("Thu, 01 Jan 1970 00:00:00 GMT")},
    {"clamps_far_below", INT64_MIN, TEXT("Thu, 01 Jan 1970 00:00:00 GMT")},
    {"clamps_above", 253402300800, TEXT("Fri, 31 Dec 9999 23:59:59 GMT")},
    {"clamps_far_above", INT64_MAX, TEXT("Fri, 31 Dec 9999 23:59:59 GMT")},
};

static void check_write(void **state)
{
    const struct write_row *row = *state;
    char *room = guard_room(&guard, DATE_SIZE);

    date_write(room, row->seconds);
    assert_bytes(((struct bytes){room, DATE_SIZE}), row->text);
}

/* The C library agrees on every day from 1970 to 9999, and what was written reads back. */
static void every_day_is_written_as_the_c_library_does(void **state)
{
    (void)state;
    for (int64_t day = 0; day <= last_second / 86400; day++) {
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        char expected[40];
        char *room = guard_room(&guard, DATE_SIZE);
        int64_t back = 0;
        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        date_write(room, seconds);
        assert_memory_equal(room, expected, DATE_SIZE);
        assert_true(date_read((struct bytes){room, DATE_SIZE}, NOW_S, &back));
        assert_true(back == seconds);
    }
}

/* Whatever `now` is, a two-digit year lies less than a hundred years off, and at most 50 ahead. */
static void two_digit_years_stay_within_50_years_ahead(void **state)
{
    const int64_t year_s = 31556952;
    const int64_t nows[] = {0, 946684799, 946684800, NOW_S, 4102444800, last_second};
    char text[] = "Sunday, 15-Jun-00 00:00:00 GMT";

    (void)state;
    for (size_t i = 0; i < sizeof(nows) / sizeof(nows[0]); i++) {
        for (int year = 0; year < 100; year++) {
            int64_t seconds;
            text[15] = (char)('0' + year / 10);
            text[16] = (char)('0' + year % 10);
            assert_true(date_read(bytes_of(text), nows[i], &seconds));
            assert_true(seconds <= nows[i] + 50 * year_s + 86400);
            assert_true(seconds > nows[i] - 100 * year_s);
        }
    }
}

/* A clock that is off the scale still gives an answer. */
static void any_now_will_do(void **state)
{
    const struct bytes text = BYTES("Sunday, 06-Nov-94 08:49:37 GMT");
    int64_t seconds;

    (void)state;
    assert_true(date_read(text, INT64_MIN, &seconds));
    assert_true(date_read(text, INT64_MAX, &seconds));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 100);
    suite_add_rows(&suite, check_good, ROWS(good_rows));
    suite_add_rows(&suite, check_bad, ROWS(bad_rows));
    suite_add_rows(&suite, check_write, ROWS(write_rows));
    suite_add(&suite, CASE(every_day_is_written_as_the_c_library_does));
    suite_add(&suite, CASE(two_digit_years_stay_within_50_years_ahead));
    suite_add(&suite, CASE(any_now_will_do));
    int failed = suite_run(&suite, "http/date");
    guard_finish(&guard);
    return failed;
}
