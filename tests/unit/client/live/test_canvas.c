#include "client/live/canvas.h"

#include "tests/support/suite.h"
#include "tests/unit/client/live/picture.h"

static void what_lies_outside_is_cut_off(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 2, 4));
    canvas_put(&picture, 0, -2, PAINT_PLAIN, "abc");
    canvas_put(&picture, 0, 2, PAINT_PLAIN, "defg");
    canvas_right(&picture, 1, 3, PAINT_PLAIN, "12345");
    canvas_put(&picture, 2, 0, PAINT_PLAIN, "x");
    canvas_put(&picture, -1, 0, PAINT_PLAIN, "x");
    assert_string_equal(picture_text(), "c de|345 |");
}

static void what_is_no_printable_ascii_is_a_question_mark(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 1, 6));
    canvas_put(&picture, 0, 0, PAINT_PLAIN, "a\x1b[\x7f\xc3~");
    assert_string_equal(picture_text(), "a?[??~|");
}

static void a_canvas_is_blank_at_any_size(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 1, 3));
    canvas_fill(&picture, 0, PAINT_HEAD);
    canvas_put(&picture, 0, 0, PAINT_BAD, "abc");
    assert_true(canvas_begin(&picture, 3, 2));
    assert_string_equal(picture_text(), "  |  |  |");
    assert_int_equal(canvas_at(&picture, 0, 0)->paint, PAINT_PLAIN);
    assert_true(canvas_begin(&picture, 1, 1));
    assert_string_equal(picture_text(), " |");
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(what_lies_outside_is_cut_off));
    suite_add(&suite, CASE(what_is_no_printable_ascii_is_a_question_mark));
    suite_add(&suite, CASE(a_canvas_is_blank_at_any_size));
    suite_frame(&suite, picture_begin, picture_end);
    return suite_run(&suite, "client/live/canvas");
}
