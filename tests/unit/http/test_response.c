#include "lib/http/response.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;

enum {
    MOST_HEAD = 300,
    MOST_FIELDS = 5
};

static enum response_outcome read_first(struct bytes text, size_t len, struct response *response,
                                        const char **why)
{
    struct bytes copy = guard_copy(&guard, (struct bytes){text.at, len});

    return response_read(copy, MOST_HEAD, MOST_FIELDS, response, why);
}

struct good_row {
    const char *name;
    struct bytes head;
    unsigned status;
    unsigned minor;
    struct bytes reason;
    unsigned fields;
};

static const struct good_row good_rows[] = {
    {"ok", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), 200, 1, TEXT("OK"), 1},
    {"http_1_0", TEXT("HTTP/1.0 200 OK\r\n\r\n"), 200, 0, TEXT("OK"), 0},
    {"later_minor_counts_as_1", TEXT("HTTP/1.7 200 OK\r\n\r\n"), 200, 1, TEXT("OK"), 0},
    {"reason_of_several_words", TEXT("HTTP/1.1 404 Not  Found\there\r\n\r\n"), 404, 1,
     TEXT("Not  Found\there"), 0},
    {"reason_in_obs_text", TEXT("HTTP/1.1 200 \xc3\xa4\r\n\r\n"), 200, 1, TEXT("\xc3\xa4"), 0},
    {"reason_empty", TEXT("HTTP/1.1 200 \r\n\r\n"), 200, 1, TEXT(""), 0},
    {"space_before_reason_absent", TEXT("HTTP/1.1 200\r\n\r\n"), 200, 1, TEXT(""), 0},
    {"interim", TEXT("HTTP/1.1 100 Continue\r\n\r\n"), 100, 1, TEXT("Continue"), 0},
    {"status_without_meaning", TEXT("HTTP/1.1 799 What\r\nA: b\r\n\r\n"), 799, 1, TEXT("What"), 1},
    {"status_999", TEXT("HTTP/1.1 999 What\r\n\r\n"), 999, 1, TEXT("What"), 0},
    {"as_many_fields_as_allowed", TEXT("HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n"),
     200, 1, TEXT("OK"), 5},
};

static void check_good(void **state)
{
    const struct good_row *row = *state;
    struct response response;
    const char *why = NULL;

    for (size_t len = 0; len < row->head.len; len++) {
        assert_int_equal(read_first(row->head, len, &response, &why), RESPONSE_MORE);
    }
    assert_int_equal(read_first(row->head, row->head.len, &response, &why), RESPONSE_COMPLETE);
    assert_null(why);
    assert_int_equal(response.head_size, row->head.len);
    assert_int_equal(response.status, row->status);
    assert_int_equal(response.minor, row->minor);
    assert_bytes(response.reason, row->reason);
    assert_int_equal(response.fields.count, row->fields);
}

struct bad_row {
    const char *name;
    struct bytes good; /* nothing is wrong with this yet */
    struct bytes bad;  /* its first byte shows it */
    enum response_outcome outcome;
};

#define OK "HTTP/1.1 200 OK\r\n"
#define MALFORMED RESPONSE_MALFORMED

static const struct bad_row bad_rows[] = {
    {"http_0_9", TEXT(""), TEXT("<html>\r\n"), MALFORMED},
    {"empty_line_before", TEXT(""), TEXT("\r\n" OK "\r\n"), MALFORMED},
    {"version_lower_case", TEXT(""), TEXT("http/1.1 200 OK\r\n\r\n"), MALFORMED},
    {"version_2", TEXT("HTTP/"), TEXT("2.0 200 OK\r\n\r\n"), MALFORMED},
    {"version_2_without_minor", TEXT("HTTP/"), TEXT("2 200 OK\r\n\r\n"), MALFORMED},
    {"version_minor_with_two_digits", TEXT("HTTP/1.1"), TEXT("0 200 OK\r\n\r\n"), MALFORMED},
    {"two_spaces_before_status", TEXT("HTTP/1.1 "), TEXT(" 200 OK\r\n\r\n"), MALFORMED},
    {"tab_before_status", TEXT("HTTP/1.1"), TEXT("\t200 OK\r\n\r\n"), MALFORMED},
    {"status_of_two_digits", TEXT("HTTP/1.1 20"), TEXT(" OK\r\n\r\n"), MALFORMED},
    {"status_of_four_digits", TEXT("HTTP/1.1 200"), TEXT("0 OK\r\n\r\n"), MALFORMED},
    {"status_with_sign", TEXT("HTTP/1.1 "), TEXT("-20 OK\r\n\r\n"), MALFORMED},
    {"status_below_100", TEXT("HTTP/1.1 09"), TEXT("9 OK\r\n\r\n"), MALFORMED},
    {"letter_behind_status", TEXT("HTTP/1.1 200"), TEXT("OK\r\n\r\n"), MALFORMED},
    {"tab_behind_status", TEXT("HTTP/1.1 200"), TEXT("\tOK\r\n\r\n"), MALFORMED},
    {"nul_in_reason", TEXT("HTTP/1.1 200 O"), TEXT("\0K\r\n\r\n"), MALFORMED},
    {"bare_lf_after_reason", TEXT("HTTP/1.1 200 OK"), TEXT("\n\r\n"), MALFORMED},
    {"bare_cr_after_reason", TEXT("HTTP/1.1 200 OK\r"), TEXT("A: b\r\n\r\n"), MALFORMED},
    {"bare_lf_ends_no_field", TEXT(OK "A: b"), TEXT("\n\r\n"), MALFORMED},
    {"space_before_colon", TEXT(OK "Content-Length"), TEXT(" : 3\r\n\r\n"), MALFORMED},
    {"obsolete_folding", TEXT(OK "A: b\r\n"), TEXT(" c\r\n\r\n"), MALFORMED},
    {"nul_in_value", TEXT(OK "A: b"), TEXT("\0\r\n\r\n"), MALFORMED},
    {"more_fields_than_allowed", TEXT(OK "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n"), TEXT("F:\r\n\r\n"),
     RESPONSE_TOO_LARGE},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    char text[300];
    struct bytes whole = {text, row->good.len + row->bad.len};

    memcpy(text, row->good.at, row->good.len);
    memcpy(text + row->good.len, row->bad.at, row->bad.len);
    for (size_t len = 0; len <= whole.len; len++) {
        struct response response;
        const char *why = NULL;
        enum response_outcome outcome = read_first(whole, len, &response, &why);
        assert_int_equal(outcome, len <= row->good.len ? RESPONSE_MORE : row->outcome);
        assert_int_equal(why != NULL && *why != '\0', len > row->good.len);
    }
}

/* ---- folded lines ---- */

struct fold_row {
    const char *name;
    struct bytes text;
    struct bytes unfolded; /* nothing: it has no folded line */
};

static const struct fold_row fold_rows[] = {
    {"fold_is_spaces", TEXT(OK "A: b\r\n c\r\n\r\n"), TEXT(OK "A: b   c\r\n\r\n")},
    {"fold_with_a_tab", TEXT(OK "A: b\r\n\tc\r\n\r\n"), TEXT(OK "A: b  \tc\r\n\r\n")},
    {"fold_before_the_value", TEXT(OK "A:\r\n b\r\n\r\n"), TEXT(OK "A:   b\r\n\r\n")},
    {"folds_of_one_line", TEXT(OK "A: b\r\n c\r\n d\r\n"), TEXT(OK "A: b   c   d\r\n")},
    {"folds_of_two_lines", TEXT(OK "A:\r\n b\r\nC:\r\n d\r\n"), TEXT(OK "A:   b\r\nC:   d\r\n")},
    {"fold_of_nothing", TEXT(OK "A: b\r\n \r\n\r\n"), TEXT(OK "A: b   \r\n\r\n")},
    {"fold_at_the_end_of_what_is_there", TEXT(OK "A: b\r\n "), TEXT(OK "A: b   ")},
    {"fold_is_not_looked_for_in_a_body", TEXT(OK "A:\r\n b\r\n\r\nx\r\n y"),
     TEXT(OK "A:   b\r\n\r\nx\r\n y")},
    {"no_fold", TEXT(OK "A: b\r\nC: d\r\n\r\n"), {0}},
    {"no_fold_behind_the_status_line", TEXT(OK " b\r\n\r\n"), {0}},
    {"no_fold_behind_a_bare_line_end", TEXT(OK "A: b\n c\r\n\r\n"), {0}},
    {"no_fold_in_a_body_alone", TEXT(OK "\r\nx\r\n y"), {0}},
    {"no_fold_yet", TEXT(OK "A: b\r\n"), {0}},
    {"no_fold_without_a_line_end", TEXT("HTTP/1.1 200 OK"), {0}},
    {"no_fold_in_nothing", {0}, {0}},
};

static void check_fold(void **state)
{
    const struct fold_row *row = *state;
    static struct guard to;
    guard_init(&to, 100);
    struct bytes text = guard_copy(&guard, row->text);
    char *room = guard_room(&to, row->text.len);

    assert_int_equal(response_unfold(text, room), row->unfolded.len > 0);
    if (row->unfolded.len > 0) {
        assert_bytes(((struct bytes){room, text.len}), row->unfolded);
    }
    guard_finish(&to);
}

static void a_head_of_just_the_limit_is_good(void **state)
{
    struct bytes head = guard_copy(&guard, BYTES(OK "A: b\r\n\r\n"));
    struct response response;
    const char *why;

    (void)state;
    assert_int_equal(response_read(head, head.len, 1, &response, &why), RESPONSE_COMPLETE);
    assert_int_equal(response_read(head, head.len - 1, 1, &response, &why), RESPONSE_TOO_LARGE);
}

static void a_head_without_end_is_too_large(void **state)
{
    char text[MOST_HEAD];
    struct response response;
    const char *why;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "HTTP/1.1 200 ", 13);
    struct bytes head = {text, sizeof(text)};
    assert_int_equal(read_first(head, MOST_HEAD - 1, &response, &why), RESPONSE_MORE);
    assert_int_equal(read_first(head, MOST_HEAD, &response, &why), RESPONSE_TOO_LARGE);
}

static void nothing_at_all_wants_more(void **state)
{
    struct response response;
    const char *why;

    (void)state;
    assert_int_equal(response_read((struct bytes){0}, 100, 10, &response, &why), RESPONSE_MORE);
}

/* ---- writing ---- */

static void write_head(struct head *head)
{
    head_status(head, 206);
    head_field(head, BYTES("Content-Type"), BYTES("text/plain"));
    head_field(head, BYTES("Empty"), (struct bytes){0});
    head_field_number(head, BYTES("Content-Length"), 18446744073709551615ULL);
    head_text(head, BYTES("Accept-Ranges: bytes\r\n"));
    head_end(head);
}

static const struct bytes written = TEXT("HTTP/1.1 206 Partial Content\r\n"
                                         "Content-Type: text/plain\r\n"
                                         "Empty: \r\n"
                                         "Content-Length: 18446744073709551615\r\n"
                                         "Accept-Ranges: bytes\r\n"
                                         "\r\n");

static void a_head_that_just_fits_is_written_whole(void **state)
{
    struct head head = {.at = guard_room(&guard, written.len), .room = written.len};
    struct response response;
    const char *why;

    (void)state;
    write_head(&head);
    assert_false(head_overflowed(&head));
    assert_bytes(head_bytes(&head), written);
    assert_int_equal(response_read(head_bytes(&head), MOST_HEAD, MOST_FIELDS, &response, &why),
                     RESPONSE_COMPLETE);
}

static void a_head_that_does_not_fit_stays_within_its_room(void **state)
{
    (void)state;
    for (size_t room = 0; room < written.len; room++) {
        struct head head = {.at = guard_room(&guard, room), .room = room};
        write_head(&head);
        assert_true(head_overflowed(&head));
        assert_int_equal(head.len, written.len);
    }
}

static void nothing_is_written_after_an_overflow(void **state)
{
    char room[8] = "........";
    struct head head = {.at = room, .room = sizeof(room)};

    (void)state;
    head_text(&head, BYTES("1234"));
    head_text(&head, BYTES("56789"));
    head_text(&head, BYTES("a"));
    assert_true(head_overflowed(&head));
    assert_memory_equal(room, "1234....", sizeof(room));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, MOST_HEAD);
    suite_add_rows(&suite, check_good, ROWS(good_rows));
    suite_add_rows(&suite, check_bad, ROWS(bad_rows));
    suite_add_rows(&suite, check_fold, ROWS(fold_rows));
    suite_add(&suite, CASE(a_head_of_just_the_limit_is_good));
    suite_add(&suite, CASE(a_head_without_end_is_too_large));
    suite_add(&suite, CASE(nothing_at_all_wants_more));
    suite_add(&suite, CASE(a_head_that_just_fits_is_written_whole));
    suite_add(&suite, CASE(a_head_that_does_not_fit_stays_within_its_room));
    suite_add(&suite, CASE(nothing_is_written_after_an_overflow));
    int failed = suite_run(&suite, "http/response");
    guard_finish(&guard);
    return failed;
}
