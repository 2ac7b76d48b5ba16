#include "lib/http/scan.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;

struct class_row {
    const char *name;
    unsigned class;
    const char *members;
};

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* RFC 9110 5.6.2 and 5.6.3, RFC 3986 2.2 and 2.3, RFC 5234 B.1 */
static const struct class_row class_rows[] = {
    {"token_is_tchar", BYTE_TOKEN, DIGITS LETTERS "!#$%&'*+-.^_`|~"},
    {"regname_is_unreserved_and_sub_delims", BYTE_REGNAME, DIGITS LETTERS "-._~!$&'()*+,;="},
    {"unreserved", BYTE_UNRESERVED, DIGITS LETTERS "-._~"},
    {"hexdigit_of_both_cases", BYTE_HEXDIGIT, DIGITS "ABCDEFabcdef"},
    {"digit", BYTE_DIGIT, DIGITS},
    {"letter", BYTE_LETTER, LETTERS},
    {"whitespace_is_space_and_tab", BYTE_WHITESPACE, " \t"},
};

static void check_class(void **state)
{
    const struct class_row *row = *state;

    for (int byte = 0; byte < 256; byte++) {
        bool member = byte != 0 && strchr(row->members, byte) != NULL;
        assert_int_equal(byte_is((char)byte, row->class), member);
    }
}

/* Every byte value at every place of texts of every length up to three words and a rest. */
static void each_byte_is_found_at_each_place(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 27; len++) {
        for (size_t place = 0; place < len; place++) {
            char *text = guard_room(&guard, len);
            memset(text, 'x', len);
            for (int byte = 0; byte < 256; byte++) {
                text[place] = (char)byte;
                bool control = byte < ' ' || byte == 0x7f;
                bool not_text = control && byte != '\t';
                const char *end = text + len;
                const char *found = text + place;
                assert_ptr_equal(scan_below(text, end, ' '), control ? found : end);
                assert_ptr_equal(scan_below(text, end, '!'), control || byte == ' ' ? found : end);
                assert_ptr_equal(scan_text(text, end), not_text ? found : end);
                assert_ptr_equal(scan_class(text, end, BYTE_LETTER),
                                 byte_is((char)byte, BYTE_LETTER) ? end : found);
            }
        }
    }
}

/* The neighbours of a hit must not make a false one before it. */
static void the_first_of_two_is_found(void **state)
{
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            char *text = guard_room(&guard, 8);
            memcpy(text, "xxxxxxxx", 8);
            text[3] = (char)first;
            text[4] = (char)second;
            bool first_hit = first < ' ' || first == 0x7f;
            bool second_hit = second < ' ' || second == 0x7f;
            const char *expected = first_hit ? text + 3 : second_hit ? text + 4 : text + 8;
            assert_ptr_equal(scan_below(text, text + 8, ' '), expected);
        }
    }
}

static void tabs_are_passed_over(void **state)
{
    struct bytes text = guard_copy(&guard, BYTES("\t\ta\tbcdefghijkl\t\t\x01\t"));

    (void)state;
    assert_ptr_equal(scan_text(text.at, text.at + text.len), text.at + text.len - 2);
}

static void hex_digits_have_their_values(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(hex_value("0123456789abcdef"[i]), i);
        assert_int_equal(hex_value("0123456789ABCDEF"[i]), i);
    }
}

static void trimming_takes_space_and_tab_alone(void **state)
{
    struct bytes text = BYTES(" \t a b\t c \t");
    struct bytes blank = BYTES(" \t ");

    (void)state;
    assert_bytes(scan_trimmed(text.at, text.at + text.len), BYTES("a b\t c"));
    assert_bytes(scan_trimmed(blank.at, blank.at + blank.len), BYTES(""));
}

static void a_line_ends_in_crlf_alone(void **state)
{
    const char *text = "\r\n\r\r\n";

    (void)state;
    assert_int_equal(scan_line_end(text, text + 5), LINE_END);
    assert_int_equal(scan_line_end(text, text + 1), LINE_MORE);
    assert_int_equal(scan_line_end(text, text), LINE_MORE);
    assert_int_equal(scan_line_end(text + 1, text + 5), LINE_NOT_END);
    assert_int_equal(scan_line_end(text + 2, text + 5), LINE_NOT_END);
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 100);
    suite_add_rows(&suite, check_class, ROWS(class_rows));
    suite_add(&suite, CASE(each_byte_is_found_at_each_place));
    suite_add(&suite, CASE(the_first_of_two_is_found));
    suite_add(&suite, CASE(tabs_are_passed_over));
    suite_add(&suite, CASE(hex_digits_have_their_values));
    suite_add(&suite, CASE(trimming_takes_space_and_tab_alone));
    suite_add(&suite, CASE(a_line_ends_in_crlf_alone));
    int failed = suite_run(&suite, "http/scan");
    guard_finish(&guard);
    return failed;
}
