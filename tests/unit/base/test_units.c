#include "lib/base/units.h"

#include "lib/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])
#define UNTOUCHED UINT64_C(0xdeadbeef)

struct reading {
    const char *text;
    bool fine;
    uint64_t value;
};

static void check(const struct reading *row, bool fine, uint64_t value)
{
    if (fine != row->fine || value != (row->fine ? row->value : UNTOUCHED)) {
        fail_msg("\"%s\": %s, %llu", row->text, fine ? "taken" : "refused",
                 (unsigned long long)value);
    }
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct reading rows[] = {
        {"0", true, 0},
        {"10", true, 10 * NS_PER_S},
        {"10s", true, 10 * NS_PER_S},
        {"2.5s", true, 2500 * NS_PER_MS},
        {".5", true, 500 * NS_PER_MS},
        {"250ms", true, 250 * NS_PER_MS},
        {"1.5ms", true, 1500 * NS_PER_US},
        {"7us", true, 7 * NS_PER_US},
        {"0.001us", true, 1},
        {"0.0001us", true, 0},
        {"1m", true, 60 * NS_PER_S},
        {"1.5m", true, 90 * NS_PER_S},
        {"1h", true, 3600 * NS_PER_S},
        {"0.25h", true, 900 * NS_PER_S},
        {"10000h", true, 36000000 * NS_PER_S},
        {"10000.1h", false, 0},
        {"10001h", false, 0},
        {"36000001s", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999h", false, 0},
        {"5124095576030431h", false, 0}, /* 2^64 ns and a little, were it not checked */
        {"", false, 0},
        {".", false, 0},
        {"s", false, 0},
        {"1.", false, 0},
        {"1.s", false, 0},
        {".s", false, 0},
        {"1.2.3s", false, 0},
        {"1,5s", false, 0},
        {"-1s", false, 0},
        {"+1s", false, 0},
        {" 1s", false, 0},
        {"1 s", false, 0},
        {"1s ", false, 0},
        {"1S", false, 0},
        {"1sec", false, 0},
        {"1e3", false, 0},
        {"0x10", false, 0},
        {"inf", false, 0},
        {"nan", false, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t ns = UNTOUCHED;
        bool fine = units_read_duration(rows[i].text, &ns);
        check(&rows[i], fine, ns);
    }
}

static void sizes_are_read(void **state)
{
    (void)state;
    static const struct reading rows[] = {
        {"0", true, 0},
        {"10", true, 10},
        {"64k", true, 65536},
        {"64K", true, 65536},
        {"2M", true, 2097152},
        {"2m", true, 2097152},
        {"1G", true, 1073741824},
        {"3g", true, UINT64_C(3221225472)},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"18014398509481984k", false, 0},
        {"17179869183G", true, UINT64_C(17179869183) << 30},
        {"17179869184G", false, 0},
        {"", false, 0},
        {"k", false, 0},
        {"1kB", false, 0},
        {"1.5k", false, 0},
        {"1T", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t bytes = UNTOUCHED;
        bool fine = units_read_size(rows[i].text, &bytes);
        check(&rows[i], fine, bytes);
    }
}

static void counts_are_read_within_their_ends(void **state)
{
    (void)state;
    static const struct reading rows[] = {
        {"1", true, 1},
        {"20k", true, 20000},
        {"20K", true, 20000},
        {"1M", true, 1000000},
        {"0", false, 0},
        {"1000001", false, 0},
        {"2M", false, 0},
        {"", false, 0},
        {"k", false, 0},
        {"-1", false, 0},
        {"1.5k", false, 0},
        {"1G", false, 0},
        {"00010", true, 10},
        {"1m", false, 0},
        {"18446744073709551617", false, 0},
        {"18446744073709552k", false, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t count = UNTOUCHED;
        bool fine = units_read_count(rows[i].text, 1, 1000000, &count);
        check(&rows[i], fine, count);
    }
}

static void spans_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
        uint64_t low;
        uint64_t high;
    } rows[] = {
        {"0s-3s", true, 0, 3 * NS_PER_S},
        {"5ms-10ms", true, 5 * NS_PER_MS, 10 * NS_PER_MS},
        {"0-0.5", true, 0, 500 * NS_PER_MS},
        {"1s", true, NS_PER_S, NS_PER_S},
        {"2s-2s", true, 2 * NS_PER_S, 2 * NS_PER_S},
        {"500ms-1s", true, 500 * NS_PER_MS, NS_PER_S},
        {"3s-0s", false, 0, 0},
        {"-3s", false, 0, 0},
        {"3s-", false, 0, 0},
        {"-", false, 0, 0},
        {"", false, 0, 0},
        {"1s-2s-3s", false, 0, 0},
        {"1s--2s", false, 0, 0},
        {"1.-2s", false, 0, 0},
        {"a-2s", false, 0, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t low = UNTOUCHED;
        uint64_t high = UNTOUCHED;
        bool fine = units_read_span(rows[i].text, &low, &high);
        if (fine != rows[i].fine || low != (fine ? rows[i].low : UNTOUCHED) ||
            high != (fine ? rows[i].high : UNTOUCHED)) {
            fail_msg("\"%s\": %s", rows[i].text, fine ? "taken" : "refused");
        }
    }
}

static void durations_are_written_with_three_digits(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } rows[] = {
        {0, "0ns"},
        {1, "1ns"},
        {999, "999ns"},
        {1000, "1.00us"},
        {789000, "789us"},
        {12345, "12.3us"},
        {999499, "999us"},
        {999500, "1.00ms"},
        {1230000, "1.23ms"},
        {9996000, "10.0ms"},
        {99960000, "100ms"},
        {4560000000, "4.56s"},
        {75300 * NS_PER_MS, "75.3s"},
        {600 * NS_PER_S, "600s"},
        {1000 * NS_PER_S, "16.7m"},
        {7200 * NS_PER_S, "120m"},
        {90000 * NS_PER_S, "25.0h"},
        {36000000 * NS_PER_S, "10000h"},
        {UINT64_MAX, "5124096h"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[UNITS_TEXT];
        assert_ptr_equal(units_write_duration(text, rows[i].ns), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void bytes_are_written_with_three_digits(void **state)
{
    (void)state;
    static const struct {
        double bytes;
        const char *text;
    } rows[] = {
        {0, "0B"},           {1, "1B"},           {512, "512B"},     {999.4, "999B"},
        {999.6, "1.00kB"},   {14000, "14.0kB"},   {23456, "23.5kB"}, {999600, "1.00MB"},
        {2787172, "2.79MB"}, {1.906e9, "1.91GB"}, {3e12, "3.00TB"},  {4.5e15, "4.50PB"},
        {1e18, "1000PB"},    {-5, "0B"},          {0.0 / 0.0, "0B"}, {1e300, "1000000000PB"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[UNITS_TEXT];
        assert_ptr_equal(units_write_bytes(text, rows[i].bytes), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void counts_are_written_in_groups_of_three(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *text;
    } rows[] = {
        {0, "0"},          {999, "999"},           {1000, "1,000"},
        {12345, "12,345"}, {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[UNITS_TEXT];
        assert_ptr_equal(units_write_count(text, rows[i].count), text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(counts_are_read_within_their_ends),
        cmocka_unit_test(spans_are_read),
        cmocka_unit_test(durations_are_written_with_three_digits),
        cmocka_unit_test(bytes_are_written_with_three_digits),
        cmocka_unit_test(counts_are_written_in_groups_of_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
