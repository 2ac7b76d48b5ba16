#include "lib/http/condition.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct guard guard;

/* What is served in every row: last modified at MODIFIED, asked for at NOW. */
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

enum {
    MODIFIED_S = 784111777,
    NOW_S = MODIFIED_S + 3600
};

static const struct validators ours = {
    .exists = true, .etag = TEXT("\"a\""), .last_modified = MODIFIED_S};
static const struct validators none = {.exists = false, .etag = TEXT("")};
static const struct validators weak = {
    .exists = true, .etag = TEXT("\"a\""), .last_modified = MODIFIED_S, .weak = true};
static const struct validators undated = {.exists = true, .etag = TEXT("\"a\""), .undated = true};

struct row {
    const char *name;
    const char *method;
    const char *fields;
    enum condition_outcome outcome;
};

#define GO CONDITION_GO
#define WHOLE CONDITION_GO_WHOLE
#define NOT_MODIFIED CONDITION_NOT_MODIFIED
#define FAILED CONDITION_FAILED
#define RANGE "Range: bytes=0-0\r\n"

static const struct row rows[] = {
    {"no_condition_goes", "GET", "", GO},
    /* If-None-Match, RFC 9110 13.1.2 */
    {"none_match_ours_is_not_modified", "GET", "If-None-Match: \"a\"\r\n", NOT_MODIFIED},
    {"none_match_ours_for_head", "HEAD", "If-None-Match: \"a\"\r\n", NOT_MODIFIED},
    {"none_match_ours_for_put_fails", "PUT", "If-None-Match: \"a\"\r\n", FAILED},
    {"none_match_ours_for_delete_fails", "DELETE", "If-None-Match: \"a\"\r\n", FAILED},
    {"none_match_another_goes", "GET", "If-None-Match: \"b\"\r\n", GO},
    {"none_match_compares_weakly", "GET", "If-None-Match: W/\"a\"\r\n", NOT_MODIFIED},
    {"none_match_in_a_list", "GET", "If-None-Match: \"b\", W/\"c\",\"a\" ,\"d\"\r\n", NOT_MODIFIED},
    {"none_match_in_a_list_with_empty_members", "GET", "If-None-Match: ,, \"a\"\r\n", NOT_MODIFIED},
    {"none_match_on_the_second_line", "GET", "If-None-Match: \"b\"\r\nIf-None-Match: \"a\"\r\n",
     NOT_MODIFIED},
    {"none_match_on_no_line", "GET", "If-None-Match: \"b\"\r\nIf-None-Match: \"c\"\r\n", GO},
    {"none_match_asterisk_is_whatever_exists", "GET", "If-None-Match: *\r\n", NOT_MODIFIED},
    {"none_match_asterisk_for_put_fails", "PUT", "If-None-Match: *\r\n", FAILED},
    {"none_match_quoted_asterisk_is_a_tag", "GET", "If-None-Match: \"*\"\r\n", GO},
    {"none_match_unquoted_is_no_tag", "GET", "If-None-Match: a\r\n", GO},
    {"none_match_is_case_sensitive", "GET", "If-None-Match: \"A\"\r\n", GO},
    {"none_match_lower_case_w_is_no_tag", "GET", "If-None-Match: w/\"a\"\r\n", GO},
    {"none_match_with_comma_in_a_tag", "GET", "If-None-Match: \"x,\"a\"\r\n", GO},
    {"none_match_after_a_tag_with_comma", "GET", "If-None-Match: \"x,y\", \"a\"\r\n", NOT_MODIFIED},
    {"none_match_within_a_tag_with_commas", "GET", "If-None-Match: \"x,!,a,\"\r\n", GO},
    {"none_match_backslash_escapes_nothing", "GET", "If-None-Match: \"x\\\", \"a\"\r\n",
     NOT_MODIFIED},
    {"none_match_after_an_empty_tag", "GET", "If-None-Match: \"\", \"a\"\r\n", NOT_MODIFIED},
    {"none_match_after_a_tag_with_space", "GET", "If-None-Match: \"x y\", \"a\"\r\n", NOT_MODIFIED},
    {"none_match_open_quote", "GET", "If-None-Match: \"a\r\n", GO},
    {"none_match_text_behind_a_tag", "GET", "If-None-Match: \"a\"x\r\n", GO},
    {"none_match_empty", "GET", "If-None-Match:\r\n", GO},
    {"none_match_after_rubbish", "GET", "If-None-Match: rubbish, \"a\"\r\n", NOT_MODIFIED},
    /* If-Modified-Since, 13.1.3 */
    {"modified_since_the_very_second", "GET", "If-Modified-Since: " MODIFIED "\r\n", NOT_MODIFIED},
    {"modified_since_later", "GET", "If-Modified-Since: " LATER "\r\n", NOT_MODIFIED},
    {"modified_since_earlier", "GET", "If-Modified-Since: " EARLIER "\r\n", GO},
    {"modified_since_for_head", "HEAD", "If-Modified-Since: " MODIFIED "\r\n", NOT_MODIFIED},
    {"modified_since_counts_for_get_and_head_alone", "POST", "If-Modified-Since: " MODIFIED "\r\n",
     GO},
    {"modified_since_no_date_is_ignored", "GET", "If-Modified-Since: yesterday\r\n", GO},
    {"modified_since_empty_is_ignored", "GET", "If-Modified-Since:\r\n", GO},
    {"modified_since_in_rfc_850", "GET", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n",
     NOT_MODIFIED},
    {"modified_since_in_asctime", "GET", "If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n",
     NOT_MODIFIED},
    {"none_match_overrides_modified_since", "GET",
     "If-None-Match: \"b\"\r\nIf-Modified-Since: " LATER "\r\n", GO},
    {"none_match_malformed_overrides_modified_since", "GET",
     "If-None-Match: b\r\nIf-Modified-Since: " LATER "\r\n", GO},
    {"modified_since_does_not_unmatch", "GET",
     "If-None-Match: \"a\"\r\nIf-Modified-Since: " EARLIER "\r\n", NOT_MODIFIED},
    /* If-Match, 13.1.1 */
    {"match_ours_goes", "GET", "If-Match: \"a\"\r\n", GO},
    {"match_another_fails", "GET", "If-Match: \"b\"\r\n", FAILED},
    {"match_another_fails_for_put", "PUT", "If-Match: \"b\"\r\n", FAILED},
    {"match_compares_strongly", "GET", "If-Match: W/\"a\"\r\n", FAILED},
    {"match_in_a_list", "GET", "If-Match: \"b\", \"a\"\r\n", GO},
    {"match_on_the_second_line", "GET", "If-Match: \"b\"\r\nIf-Match: \"a\"\r\n", GO},
    {"match_asterisk_is_whatever_exists", "GET", "If-Match: *\r\n", GO},
    {"match_empty_fails", "GET", "If-Match:\r\n", FAILED},
    {"match_unquoted_fails", "GET", "If-Match: a\r\n", FAILED},
    {"match_then_none_match", "GET", "If-Match: \"a\"\r\nIf-None-Match: \"a\"\r\n", NOT_MODIFIED},
    {"match_fails_before_none_match", "GET", "If-Match: \"b\"\r\nIf-None-Match: \"a\"\r\n", FAILED},
    /* If-Unmodified-Since, 13.1.4 */
    {"unmodified_since_the_very_second", "GET", "If-Unmodified-Since: " MODIFIED "\r\n", GO},
    {"unmodified_since_later", "GET", "If-Unmodified-Since: " LATER "\r\n", GO},
    {"unmodified_since_earlier_fails", "GET", "If-Unmodified-Since: " EARLIER "\r\n", FAILED},
    {"unmodified_since_earlier_fails_for_put", "PUT", "If-Unmodified-Since: " EARLIER "\r\n",
     FAILED},
    {"unmodified_since_no_date_is_ignored", "GET", "If-Unmodified-Since: x\r\n", GO},
    {"match_overrides_unmodified_since", "GET",
     "If-Match: \"a\"\r\nIf-Unmodified-Since: " EARLIER "\r\n", GO},
    {"unmodified_since_then_modified_since", "GET",
     "If-Unmodified-Since: " MODIFIED "\r\nIf-Modified-Since: " MODIFIED "\r\n", NOT_MODIFIED},
    {"unmodified_since_then_none_match", "GET",
     "If-Unmodified-Since: " EARLIER "\r\nIf-None-Match: \"a\"\r\n", FAILED},
    /* If-Range, 13.1.5 */
    {"range_without_condition", "GET", RANGE, GO},
    {"if_range_ours", "GET", RANGE "If-Range: \"a\"\r\n", GO},
    {"if_range_another", "GET", RANGE "If-Range: \"b\"\r\n", WHOLE},
    {"if_range_compares_strongly", "GET", RANGE "If-Range: W/\"a\"\r\n", WHOLE},
    {"if_range_asterisk_is_no_tag", "GET", RANGE "If-Range: *\r\n", WHOLE},
    {"if_range_list_is_no_tag", "GET", RANGE "If-Range: \"a\", \"b\"\r\n", WHOLE},
    {"if_range_rubbish", "GET", RANGE "If-Range: x\r\n", WHOLE},
    {"if_range_empty", "GET", RANGE "If-Range:\r\n", WHOLE},
    {"if_range_date_exactly_ours", "GET", RANGE "If-Range: " MODIFIED "\r\n", GO},
    {"if_range_date_later", "GET", RANGE "If-Range: " LATER "\r\n", WHOLE},
    {"if_range_date_earlier", "GET", RANGE "If-Range: " EARLIER "\r\n", WHOLE},
    {"if_range_without_range_is_ignored", "GET", "If-Range: \"b\"\r\n", GO},
    {"if_range_counts_for_get_alone", "HEAD", RANGE "If-Range: \"b\"\r\n", GO},
    {"none_match_before_if_range", "GET", RANGE "If-Range: \"a\"\r\nIf-None-Match: \"a\"\r\n",
     NOT_MODIFIED},
    {"match_and_if_range", "GET", RANGE "If-Match: \"a\"\r\nIf-Range: \"b\"\r\n", WHOLE},
    /* 13.2.1: methods that select no representation */
    {"options_has_no_preconditions", "OPTIONS", "If-Match: \"b\"\r\n", GO},
    {"trace_has_no_preconditions", "TRACE", "If-None-Match: *\r\n", GO},
    {"connect_has_no_preconditions", "CONNECT", "If-Match: \"b\"\r\n", GO},
};

/* With nothing there, RFC 9110 13.1. */
static const struct row none_rows[] = {
    {"nothing_there_and_match_asterisk_fails", "PUT", "If-Match: *\r\n", FAILED},
    {"nothing_there_and_match_fails", "PUT", "If-Match: \"a\"\r\n", FAILED},
    {"nothing_there_and_match_empty_tag_fails", "PUT", "If-Match: \"\"\r\n", FAILED},
    {"nothing_there_and_none_match_asterisk_goes", "PUT", "If-None-Match: *\r\n", GO},
    {"nothing_there_and_none_match_goes", "GET", "If-None-Match: \"a\"\r\n", GO},
    {"nothing_there_and_modified_since_is_ignored", "GET", "If-Modified-Since: " LATER "\r\n", GO},
    {"nothing_there_and_unmodified_since_is_ignored", "PUT",
     "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", GO},
    {"nothing_there_and_if_range_is_whole", "GET", RANGE "If-Range: \"a\"\r\n", WHOLE},
};

/* With a tag that is weak itself, RFC 9110 8.8.3.2. */
static const struct row weak_rows[] = {
    {"weak_tag_and_none_match", "GET", "If-None-Match: W/\"a\"\r\n", NOT_MODIFIED},
    {"weak_tag_and_none_match_of_a_strong_one", "GET", "If-None-Match: \"a\"\r\n", NOT_MODIFIED},
    {"weak_tag_and_none_match_of_another", "GET", "If-None-Match: W/\"b\"\r\n", GO},
    {"weak_tag_and_match_fails", "GET", "If-Match: W/\"a\"\r\n", FAILED},
    {"weak_tag_and_match_of_a_strong_one_fails", "GET", "If-Match: \"a\"\r\n", FAILED},
    {"weak_tag_and_match_asterisk", "GET", "If-Match: *\r\n", GO},
    {"weak_tag_and_if_range_is_whole", "GET", RANGE "If-Range: W/\"a\"\r\n", WHOLE},
    {"weak_tag_and_if_range_of_a_strong_one_is_whole", "GET", RANGE "If-Range: \"a\"\r\n", WHOLE},
    {"weak_tag_and_if_range_by_date", "GET", RANGE "If-Range: " MODIFIED "\r\n", GO},
};

/* What has no date of its last change, 13.1.3 and 13.1.4. */
static const struct row undated_rows[] = {
    {"undated_and_modified_since_is_ignored", "GET", "If-Modified-Since: " LATER "\r\n", GO},
    {"undated_and_unmodified_since_is_ignored", "GET",
     "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", GO},
    {"undated_and_if_range_by_date_is_whole", "GET",
     RANGE "If-Range: Thu, 01 Jan 1970 00:00:00 GMT\r\n", WHOLE},
    {"undated_and_if_range_by_tag", "GET", RANGE "If-Range: \"a\"\r\n", GO},
    {"undated_and_none_match", "GET", "If-None-Match: \"a\"\r\n", NOT_MODIFIED},
};

static enum condition_outcome judge(const char *method, const char *fields,
                                    const struct validators *have, int64_t now)
{
    const struct request_limits limits = {.head = 500, .target = 100, .fields = 20};
    struct request request;
    const char *why;
    char room[500];
    int len = snprintf(room, sizeof(room), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    struct bytes text = guard_copy(&guard, (struct bytes){room, (size_t)len});

    assert_int_equal(request_read(text, &limits, &request, &why), REQUEST_COMPLETE);
    return condition_judge(&request, have, now);
}

static void check(void **state)
{
    const struct row *row = *state;

    assert_int_equal(judge(row->method, row->fields, &ours, NOW_S), row->outcome);
}

static void check_none(void **state)
{
    const struct row *row = *state;

    assert_int_equal(judge(row->method, row->fields, &none, NOW_S), row->outcome);
}

static void check_weak(void **state)
{
    const struct row *row = *state;

    assert_int_equal(judge(row->method, row->fields, &weak, NOW_S), row->outcome);
}

static void check_undated(void **state)
{
    const struct row *row = *state;

    assert_int_equal(judge(row->method, row->fields, &undated, NOW_S), row->outcome);
}

/* RFC 9110 8.8.2.2: within the second of the change another change would not show. */
static void a_last_modified_of_this_second_is_weak(void **state)
{
    const char *fields = RANGE "If-Range: " MODIFIED "\r\n";

    (void)state;
    assert_int_equal(judge("GET", fields, &ours, MODIFIED_S), CONDITION_GO_WHOLE);
    assert_int_equal(judge("GET", fields, &ours, MODIFIED_S + 1), CONDITION_GO);
}

static void without_a_tag_none_matches_but_the_asterisk(void **state)
{
    const struct validators tagless = {
        .exists = true, .etag = TEXT(""), .last_modified = MODIFIED_S};

    (void)state;
    assert_int_equal(judge("GET", "If-None-Match: \"\"\r\n", &tagless, NOW_S), CONDITION_GO);
    assert_int_equal(judge("GET", "If-Match: \"\"\r\n", &tagless, NOW_S), CONDITION_FAILED);
    assert_int_equal(judge("GET", "If-Match: *\r\n", &tagless, NOW_S), CONDITION_GO);
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 500);
    suite_add_rows(&suite, check, ROWS(rows));
    suite_add_rows(&suite, check_none, ROWS(none_rows));
    suite_add_rows(&suite, check_weak, ROWS(weak_rows));
    suite_add_rows(&suite, check_undated, ROWS(undated_rows));
    suite_add(&suite, CASE(a_last_modified_of_this_second_is_weak));
    suite_add(&suite, CASE(without_a_tag_none_matches_but_the_asterisk));
    int failed = suite_run(&suite, "http/condition");
    guard_finish(&guard);
    return failed;
}
