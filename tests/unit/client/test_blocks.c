#include "client/blocks.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

static void what_is_more_than_nothing_is_seen(void **state)
{
    (void)state;
    assert_int_equal(block_height(0, 100), 0);
    assert_int_equal(block_height(0, 0), 0);
    assert_int_equal(block_height(1e-9, 100), 1);
    assert_int_equal(block_height(12.5, 100), 1);
    assert_int_equal(block_height(12.6, 100), 2);
    assert_int_equal(block_height(87.6, 100), 8);
    assert_int_equal(block_height(100, 100), 8);
    assert_int_equal(block_height(101, 100), 8);
}

static void a_fine_block_is_a_character_of_utf_8(void **state)
{
    (void)state;
    for (unsigned eighths = 1; eighths <= BLOCK_FULL; eighths++) {
        /* U+2581 LOWER ONE EIGHTH BLOCK to U+2588 FULL BLOCK */
        const char expected[] = {'\xe2', '\x96', (char)(0x80 + eighths), '\0'};
        assert_string_equal(block_of(eighths, true), expected);
    }
    assert_string_equal(block_of(0, true), " ");
}

static void a_coarse_block_is_ascii_and_none_is_another(void **state)
{
    (void)state;
    for (unsigned a = 0; a <= BLOCK_FULL; a++) {
        assert_int_equal(strlen(block_of(a, false)), 1);
        assert_true(block_of(a, false)[0] >= ' ' && block_of(a, false)[0] < 0x7f);
        for (unsigned b = 0; b < a; b++) {
            assert_string_not_equal(block_of(a, false), block_of(b, false));
        }
    }
}

static const struct locale_row {
    const char *name, *value;
    bool fine;
} locales[] = {
    {"utf_8_is_fine", "C.UTF-8", true},
    {"the_c_locale_is_not", "C", false},
    {"a_locale_that_is_not_there_is_not", "xx_XX.UTF-8", false},
};

static void or_so_says_the_environment(void **state)
{
    const struct locale_row *row = *state;
    setenv("LC_ALL", row->value, 1);
    assert_int_equal(block_is_fine(), row->fine);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(what_is_more_than_nothing_is_seen));
    suite_add(&suite, CASE(a_fine_block_is_a_character_of_utf_8));
    suite_add(&suite, CASE(a_coarse_block_is_ascii_and_none_is_another));
    suite_add_rows(&suite, or_so_says_the_environment, ROWS(locales));
    return suite_run(&suite, "client/blocks");
}
