#include "client/live/chart.h"

#include "tests/support/suite.h"
#include "tests/unit/client/live/picture.h"

#include <math.h>

static const struct layer_paints paints = {PAINT_P50, PAINT_P99, PAINT_P50_UNDER_P99};
static const struct area whole = {0, 0, 2, 6};
static const struct layers layers[] = {{0, 0},      {0.5, 0.5}, {0.25, 1},
                                       {0.5, 0.75}, {1, 1},     {0.001, 0.002}};

static void two_layers_share_a_cell_by_colours(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 2, 6));
    chart_layers(&picture, &whole, layers, &paints);
    assert_string_equal(picture_text(), "  █▄█ | █▄██▁|");
    assert_int_equal(canvas_at(&picture, 0, 2)->paint, PAINT_P99);
    assert_int_equal(canvas_at(&picture, 1, 2)->paint, PAINT_P50_UNDER_P99);
    assert_int_equal(canvas_at(&picture, 0, 3)->paint, PAINT_P99);
    assert_int_equal(canvas_at(&picture, 1, 3)->paint, PAINT_P50);
    assert_int_equal(canvas_at(&picture, 1, 5)->paint, PAINT_P50);
}

static void without_colours_the_upper_layer_is_a_shade(void **state)
{
    (void)state;
    picture.colours = false;
    assert_true(canvas_begin(&picture, 2, 6));
    chart_layers(&picture, &whole, layers, &paints);
    assert_string_equal(picture_text(), "  ░░█ | █▄██▁|");
    assert_string_equal(chart_layer_sample(&picture, false), "█");
    assert_string_equal(chart_layer_sample(&picture, true), "░");
}

static void ascii_has_shades_of_its_own(void **state)
{
    (void)state;
    picture.colours = picture.fine = false;
    assert_true(canvas_begin(&picture, 2, 6));
    chart_layers(&picture, &whole, layers, &paints);
    assert_string_equal(picture_text(), "  :.# | #=##=|");
}

static void a_bar_lies_in_its_column(void **state)
{
    (void)state;
    assert_true(canvas_begin(&picture, 3, 4));
    chart_bar(&picture, &(struct area){1, 1, 2, 2}, 1, 0.75, PAINT_RATE);
    assert_string_equal(picture_text(), "    |  ▄ |  █ |");
    chart_bar(&picture, &(struct area){1, 1, 2, 2}, 0, 7, PAINT_RATE);
    assert_string_equal(picture_text(), "    | █▄ | ██ |");
}

static bool is_near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static const struct round_row {
    const char *name;
    double value, expected;
} rounds[] = {
    {"nothing_needs_some_scale", 0, 1}, {"one_is_round", 1, 1},
    {"99_goes_to_100", 99, 100},        {"100_is_round", 100, 100},
    {"101_goes_to_150", 101, 150},      {"85432_goes_to_100000", 85432, 100000},
    {"0_03_is_round", 0.03, 0.03},
};

static void is_where_a_scale_ends(void **state)
{
    const struct round_row *row = *state;
    assert_true(is_near(chart_round_up(row->value), row->expected));
}

static const struct decades_row {
    const char *name;
    double least, most, low, high;
} decades[] = {
    {"ends_are_1_2_or_5", 3.1e6, 7e6, 2e6, 1e7},
    {"round_values_are_ends", 1e6, 1e8, 1e6, 1e8},
    {"equal_values_have_room", 3e6, 3e6, 2e6, 5e6},
    {"equal_round_values_have_room", 1e6, 1e6, 1e6, 2e6},
    {"over_decades", 900, 4e9, 500, 5e9},
};

static void is_the_scale_of(void **state)
{
    const struct decades_row *row = *state;
    struct decades made = chart_decades(row->least, row->most);
    assert_true(is_near(made.low, row->low) && is_near(made.high, row->high));
    assert_true(chart_decade_place(&made, row->low * 0.5) == 0);
    assert_true(chart_decade_place(&made, row->high * 2) == 1);
    double middle = sqrt(made.low * made.high);
    assert_true(is_near(chart_decade_place(&made, middle), 0.5));
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(two_layers_share_a_cell_by_colours));
    suite_add(&suite, CASE(without_colours_the_upper_layer_is_a_shade));
    suite_add(&suite, CASE(ascii_has_shades_of_its_own));
    suite_add(&suite, CASE(a_bar_lies_in_its_column));
    suite_add_rows(&suite, is_where_a_scale_ends, ROWS(rounds));
    suite_add_rows(&suite, is_the_scale_of, ROWS(decades));
    suite_frame(&suite, picture_begin, picture_end);
    return suite_run(&suite, "client/live/chart");
}
