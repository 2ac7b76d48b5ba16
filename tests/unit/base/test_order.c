#include "lib/base/order.h"

#include "tests/support/suite.h"

static const struct row {
    const char *name;
    uint64_t a, b, lesser, greater, excess;
} rows[] = {
    {"alike", 7, 7, 7, 7, 0},
    {"the_first_is_less", 2, 9, 2, 9, 0},
    {"the_first_is_greater", 9, 2, 2, 9, 7},
    {"nothing_and_the_most", 0, UINT64_MAX, 0, UINT64_MAX, 0},
    {"the_most_and_nothing", UINT64_MAX, 0, 0, UINT64_MAX, UINT64_MAX},
    {"no_sign_is_taken_for_one", UINT64_C(1) << 63, 1, 1, UINT64_C(1) << 63, INT64_MAX},
};

static void numbers_are_told_apart(void **state)
{
    const struct row *row = *state;
    assert_true(lesser_of(row->a, row->b) == row->lesser);
    assert_true(greater_of(row->a, row->b) == row->greater);
    assert_true(excess_of(row->a, row->b) == row->excess);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, numbers_are_told_apart, ROWS(rows));
    return suite_run(&suite, "base/order");
}
