#include "lib/http/bytes.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard left;
static struct guard right;

struct nocase_row {
    const char *name;
    struct bytes a;
    struct bytes b;
    bool equal;
};

static const struct nocase_row nocase_rows[] = {
    {"nothing_equals_nothing", TEXT(""), TEXT(""), true},
    {"letters_compare_without_case", TEXT("Content-Length"), TEXT("cONTENT-lENGTH"), true},
    {"lengths_differ", TEXT("close"), TEXT("closed"), false},
    {"at_sign_is_not_backquote", TEXT("@"), TEXT("`"), false},
    {"bracket_is_not_brace", TEXT("["), TEXT("{"), false},
    {"zero_is_not_dle", TEXT("0"), TEXT("\x10"), false},
    {"carriage_return_is_not_minus", TEXT("a\rb"), TEXT("a-b"), false},
    {"obs_text_has_no_case", TEXT("\xc4"), TEXT("\xe4"), false},
    {"nul_compares_as_a_byte", TEXT("a\0b"), TEXT("a\0c"), false},
};

static void check_nocase(void **state)
{
    const struct nocase_row *row = *state;
    struct bytes a = guard_copy(&left, row->a);
    struct bytes b = guard_copy(&right, row->b);

    assert_int_equal(bytes_equal_nocase(a, b), row->equal);
    assert_int_equal(bytes_equal_nocase(b, a), row->equal);
}

struct number_row {
    const char *name;
    struct bytes text;
    bool good;
    unsigned long long number;
};

static const struct number_row number_rows[] = {
    {"zero", TEXT("0"), true, 0},
    {"a_number", TEXT("2818213"), true, 2818213},
    {"leading_zeros_are_digits", TEXT("000000000000000000000000000042"), true, 42},
    {"largest_off_t", TEXT("9223372036854775807"), true, 9223372036854775807ULL},
    {"one_more_than_off_t_is_refused", TEXT("9223372036854775808"), false, 0},
    {"two_to_the_64_does_not_wrap", TEXT("18446744073709551616"), false, 0},
    {"two_to_the_64_and_five_does_not_wrap", TEXT("18446744073709551621"), false, 0},
    {"many_digits", TEXT("99999999999999999999999999999999999999"), false, 0},
    {"empty", TEXT(""), false, 0},
    {"plus_sign", TEXT("+5"), false, 0},
    {"minus_sign", TEXT("-5"), false, 0},
    {"hexadecimal", TEXT("0x5"), false, 0},
    {"exponent", TEXT("1e1"), false, 0},
    {"list", TEXT("5,5"), false, 0},
    {"space_before", TEXT(" 5"), false, 0},
    {"space_after", TEXT("5 "), false, 0},
    {"nul_after", TEXT("5\0"), false, 0},
    {"byte_below_zero", TEXT("5/"), false, 0},
    {"byte_above_nine", TEXT("5:"), false, 0},
    {"superscript_two_is_no_digit", TEXT("5\xb2"), false, 0},
};

static void check_number(void **state)
{
    const struct number_row *row = *state;
    unsigned long long number = 4711;

    assert_int_equal(bytes_to_number(guard_copy(&left, row->text), &number), row->good);
    assert_int_equal(number, row->good ? row->number : 4711);
}

struct digits_row {
    const char *name;
    unsigned long long number;
    struct bytes digits;
};

static const struct digits_row digits_rows[] = {
    {"writes_zero", 0, TEXT("0")},
    {"writes_nine", 9, TEXT("9")},
    {"writes_ten", 10, TEXT("10")},
    {"writes_the_largest_number", 18446744073709551615ULL, TEXT("18446744073709551615")},
};

static void check_digits(void **state)
{
    const struct digits_row *row = *state;
    char *room = guard_room(&left, 20);
    size_t len = bytes_from_number(room, row->number);

    assert_bytes(((struct bytes){room, len}), row->digits);
}

static void a_view_of_nothing_is_good_everywhere(void **state)
{
    struct bytes nothing = {0};
    unsigned long long number;

    (void)state;
    assert_true(bytes_equal(nothing, BYTES("")));
    assert_true(bytes_equal_nocase(nothing, BYTES("")));
    assert_false(bytes_equal(nothing, BYTES("a")));
    assert_false(bytes_to_number(nothing, &number));
    assert_ptr_equal(bytes_copy((char *)&number, nothing), &number);
}

/* Both end where nothing may be touched. */
static void copies_of_every_length_are_whole_and_no_more(void **state)
{
    char text[100], room[sizeof(text) + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i + 1);
    }
    for (size_t len = 0; len <= sizeof(text); len++) {
        struct bytes from = guard_copy(&left, (struct bytes){text, len});
        memset(room, 0, sizeof(room));
        struct bytes to = guard_copy(&right, (struct bytes){room, len});
        assert_ptr_equal(bytes_copy((char *)to.at, from), to.at + len);
        assert_bytes(to, ((struct bytes){text, len}));
        assert_ptr_equal(bytes_copy(room, from), room + len);
        assert_int_equal(room[len], 0);
    }
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&left, 100);
    guard_init(&right, 100);
    suite_add_rows(&suite, check_nocase, ROWS(nocase_rows));
    suite_add_rows(&suite, check_number, ROWS(number_rows));
    suite_add_rows(&suite, check_digits, ROWS(digits_rows));
    suite_add(&suite, CASE(copies_of_every_length_are_whole_and_no_more));
    suite_add(&suite, CASE(a_view_of_nothing_is_good_everywhere));
    int failed = suite_run(&suite, "http/bytes");
    guard_finish(&left);
    guard_finish(&right);
    return failed;
}
