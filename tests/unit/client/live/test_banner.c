#include "client/live/banner.h"

#include "tests/support/suite.h"
#include "tests/unit/client/live/picture.h"

#include <string.h>

static void a_banner_is_digits_and_a_unit_at_the_foot(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 3, 17));
    banner_draw(&picture, 0, 1, 16, PAINT_P50, "12.0ms");
    assert_string_equal(picture_text(), " ▄█  ▀▀█   █▀█   |"
                                        "  █  █▀▀   █ █   |"
                                        " ▀▀▀ ▀▀▀ ▀ ▀▀▀ ms|");
    assert_int_equal(banner_cols("12.0ms"), 16);
}

static void what_does_not_fit_is_text(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 3, 14));
    banner_draw(&picture, 0, 1, 15, PAINT_P50, "12.0ms");
    assert_string_equal(picture_text(), "              |              | 12.0ms       |");
    picture.fine = false;
    assert_true(canvas_begin(&picture, 3, 14));
    banner_draw(&picture, 0, 1, 99, PAINT_P50, "7");
    assert_string_equal(picture_text(), "              |              | 7            |");
}

static void every_digit_has_a_form_of_its_own(void **state)
{
    static char forms[10][256];
    (void)state;
    for (int digit = 0; digit < 10; digit++) {
        const char figure[] = {(char)('0' + digit), '\0'};
        assert_true(canvas_begin(&picture, 3, 4));
        banner_draw(&picture, 0, 0, 4, PAINT_PLAIN, figure);
        strcpy(forms[digit], picture_text());
        for (int other = 0; other < digit; other++) {
            assert_string_not_equal(forms[digit], forms[other]);
        }
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_banner_is_digits_and_a_unit_at_the_foot));
    suite_add(&suite, CASE(what_does_not_fit_is_text));
    suite_add(&suite, CASE(every_digit_has_a_form_of_its_own));
    suite_frame(&suite, picture_begin, picture_end);
    return suite_run(&suite, "client/live/banner");
}
