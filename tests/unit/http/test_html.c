#include "lib/http/html.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard, output;

#define ODD "\xef\xbf\xbd"

struct row {
    const char *name;
    struct bytes text;
    struct bytes written;
};

static const struct row rows[] = {
    {"nothing", TEXT(""), TEXT("")},
    {"letters", TEXT("abc XYZ 019 -._~"), TEXT("abc XYZ 019 -._~")},
    {"element", TEXT("<script>"), TEXT("&lt;script&gt;")},
    {"reference", TEXT("&lt;"), TEXT("&amp;lt;")},
    {"quotes", TEXT("\"'"), TEXT("&quot;&#39;")},
    {"nul", TEXT("a\0b"), TEXT("a" ODD "b")},
    {"line_end", TEXT("a\r\nb"), TEXT("a" ODD ODD "b")},
    {"tab_and_escape", TEXT("\t\033"), TEXT(ODD ODD)},
    {"delete", TEXT("\x7f"), TEXT(ODD)},
    /* RFC 3629 4 */
    {"two_bytes", TEXT("Dant\xc3\xa8s"), TEXT("Dant\xc3\xa8s")},
    {"three_bytes", TEXT("\xe5\x9f\xba"), TEXT("\xe5\x9f\xba")},
    {"four_bytes", TEXT("\xf0\x9f\x98\x80"), TEXT("\xf0\x9f\x98\x80")},
    {"first_and_last_of_two", TEXT("\xc2\xa0\xdf\xbf"), TEXT("\xc2\xa0\xdf\xbf")},
    {"first_and_last_of_three", TEXT("\xe0\xa0\x80\xef\xbf\xbf"), TEXT("\xe0\xa0\x80\xef\xbf\xbf")},
    {"first_and_last_of_four", TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
     TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
    {"around_the_surrogates", TEXT("\xed\x9f\xbf\xee\x80\x80"), TEXT("\xed\x9f\xbf\xee\x80\x80")},
    {"control_of_two_bytes", TEXT("\xc2\x85"), TEXT(ODD ODD)},
    {"surrogate", TEXT("\xed\xa0\x80"), TEXT(ODD ODD ODD)},
    {"overlong_slash", TEXT("\xc0\xaf"), TEXT(ODD ODD)},
    {"overlong_of_three", TEXT("\xe0\x9f\xbf"), TEXT(ODD ODD ODD)},
    {"overlong_of_four", TEXT("\xf0\x8f\xbf\xbf"), TEXT(ODD ODD ODD ODD)},
    {"beyond_the_last", TEXT("\xf4\x90\x80\x80"), TEXT(ODD ODD ODD ODD)},
    {"five_bytes", TEXT("\xf8\x88\x80\x80\x80"), TEXT(ODD ODD ODD ODD ODD)},
    {"continuation_alone", TEXT("\x80"), TEXT(ODD)},
    {"cut_of_two", TEXT("\xc3"), TEXT(ODD)},
    {"cut_of_three", TEXT("\xe5\x9f"), TEXT(ODD ODD)},
    {"cut_of_four", TEXT("\xf0\x9f\x98"), TEXT(ODD ODD ODD)},
    {"cut_swallows_nothing", TEXT("\xc3<"), TEXT(ODD "&lt;")},
    {"longer_cut_swallows_nothing", TEXT("\xf0\x9f\"<"), TEXT(ODD ODD "&quot;&lt;")},
    {"latin_1", TEXT("Dant\xe8s"), TEXT("Dant" ODD "s")},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct head head = {guard_room(&output, row->written.len), row->written.len, 0};

    html_text(&head, guard_copy(&guard, row->text));
    assert_bytes(head_bytes(&head), row->written);
}

/* Every cut of every text is read without looking beyond it. */
static void check_prefixes(void **state)
{
    const struct row *row = *state;

    for (size_t len = 0; len <= row->text.len; len++) {
        struct head head = {guard_room(&output, 200), 200, 0};
        html_text(&head, guard_copy(&guard, (struct bytes){row->text.at, len}));
        assert_false(head_overflowed(&head));
        assert_true(head.len >= len && head.len <= 6 * len);
    }
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 500);
    guard_init(&output, 500);
    suite_add_rows(&suite, check, ROWS(rows));
    suite_add_rows(&suite, check_prefixes, ROWS(rows));
    int failed = suite_run(&suite, "http/html");
    guard_finish(&guard);
    guard_finish(&output);
    return failed;
}
