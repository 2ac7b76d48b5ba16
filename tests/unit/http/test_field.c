#include "lib/http/field.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct guard guard;

/* Every known name in its canonical spelling, and which one it is. */
struct name_row {
    const char *name;
    enum field_name known;
};

static const struct name_row name_rows[] = {
    {"Accept-Encoding", FIELD_ACCEPT_ENCODING},
    {"Connection", FIELD_CONNECTION},
    {"Content-Length", FIELD_CONTENT_LENGTH},
    {"Content-Type", FIELD_CONTENT_TYPE},
    {"Date", FIELD_DATE},
    {"Delay", FIELD_DELAY},
    {"Expect", FIELD_EXPECT},
    {"Host", FIELD_HOST},
    {"If-Match", FIELD_IF_MATCH},
    {"If-Modified-Since", FIELD_IF_MODIFIED_SINCE},
    {"If-None-Match", FIELD_IF_NONE_MATCH},
    {"If-Range", FIELD_IF_RANGE},
    {"If-Unmodified-Since", FIELD_IF_UNMODIFIED_SINCE},
    {"Keep-Alive", FIELD_KEEP_ALIVE},
    {"Range", FIELD_RANGE},
    {"Referer", FIELD_REFERER},
    {"Transfer-Encoding", FIELD_TRANSFER_ENCODING},
    {"User-Agent", FIELD_USER_AGENT},
};

static struct bytes line_of(char *room, size_t size, const char *name)
{
    int len = snprintf(room, size, "%s: v\r\n\r\n", name);

    return guard_copy(&guard, (struct bytes){room, (size_t)len});
}

static uint32_t seen_in(const char *name)
{
    char room[100];
    struct fields fields;
    size_t size;

    assert_int_equal(field_section_read(line_of(room, sizeof(room), name), 10, &fields, &size),
                     FIELD_SECTION_COMPLETE);
    assert_int_equal(fields.count, 1);
    return fields.seen;
}

static void check_name(void **state)
{
    const struct name_row *row = *state;
    const uint32_t bit = (uint32_t)1 << row->known;
    char name[40];
    size_t len = strlen(row->name);

    assert_bytes(field_spelling(row->known), bytes_of(row->name));
    assert_int_equal(seen_in(row->name), bit);

    /* in any case; and no longer once any byte of it is another */
    for (size_t i = 0; i < len; i++) {
        strcpy(name, row->name);
        if (name[i] == '-') {
            continue;
        }
        name[i] ^= 0x20;
        assert_int_equal(seen_in(name), bit);
        name[i] = '~';
        assert_int_equal(seen_in(name), 0);
    }
    strcpy(name, row->name);
    strcat(name, "s");
    assert_int_equal(seen_in(name), 0);
    name[len - 1] = '\0';
    assert_int_equal(seen_in(name), 0);
    assert_int_equal(seen_in(row->name + 1), 0);
}

static void every_known_name_has_a_row(void **state)
{
    (void)state;
    assert_int_equal(sizeof(name_rows) / sizeof(name_rows[0]), FIELD_COUNT);
}

static const struct bytes section =
    TEXT("Host: h\r\nConnection: a\r\nX-Y:\t \r\nconnection:b,c \r\nEtag:\"x\"\r\n\r\n");

static void a_section_says_what_it_holds(void **state)
{
    struct bytes text = guard_copy(&guard, section);
    struct fields fields;
    size_t size = 0;

    (void)state;
    assert_int_equal(field_section_read(text, 5, &fields, &size), FIELD_SECTION_COMPLETE);
    assert_int_equal(size, section.len);
    assert_int_equal(fields.count, 5);
    assert_ptr_equal(fields.lines.at, text.at);
    assert_int_equal(fields.lines.len, section.len - 2);
    assert_int_equal(fields.seen, 1U << FIELD_HOST | 1U << FIELD_CONNECTION);
    assert_int_equal(fields.repeated, 1U << FIELD_CONNECTION);
    assert_bytes(fields.value[FIELD_CONNECTION], BYTES("a"));
}

static void every_prefix_of_a_section_wants_more(void **state)
{
    struct fields fields;
    size_t size;

    (void)state;
    for (size_t len = 0; len < section.len; len++) {
        struct bytes text = guard_copy(&guard, (struct bytes){section.at, len});
        assert_int_equal(field_section_read(text, 5, &fields, &size), FIELD_SECTION_MORE);
    }
}

static void a_section_may_be_empty(void **state)
{
    struct fields fields;
    struct field field;
    size_t size = 0;

    (void)state;
    assert_int_equal(field_section_read(BYTES("\r\nx"), 0, &fields, &size), FIELD_SECTION_COMPLETE);
    assert_int_equal(size, 2);
    assert_int_equal(fields.count, 0);
    assert_int_equal(fields.seen, 0);
    assert_false(field_next(&fields.lines, &field));
}

static void more_lines_than_allowed_are_too_many(void **state)
{
    struct fields fields;
    size_t size;

    (void)state;
    assert_int_equal(field_section_read(section, 4, &fields, &size), FIELD_SECTION_TOO_MANY);
}

static void lines_are_walked_in_order(void **state)
{
    static const struct field expected[] = {
        {TEXT("Host"), TEXT("h")},         {TEXT("Connection"), TEXT("a")}, {TEXT("X-Y"), TEXT("")},
        {TEXT("connection"), TEXT("b,c")}, {TEXT("Etag"), TEXT("\"x\"")},
    };
    struct bytes rest = guard_copy(&guard, (struct bytes){section.at, section.len - 2});
    struct field field;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_true(field_next(&rest, &field));
        assert_bytes(field.name, expected[i].name);
        assert_bytes(field.value, expected[i].value);
    }
    assert_false(field_next(&rest, &field));
}

static void lines_of_one_name_are_walked_in_order(void **state)
{
    struct bytes rest = guard_copy(&guard, (struct bytes){section.at, section.len - 2});
    struct bytes value;

    (void)state;
    assert_true(field_next_named(&rest, FIELD_CONNECTION, &value));
    assert_bytes(value, BYTES("a"));
    assert_true(field_next_named(&rest, FIELD_CONNECTION, &value));
    assert_bytes(value, BYTES("b,c"));
    assert_false(field_next_named(&rest, FIELD_CONNECTION, &value));
}

/* ---- lists ---- */

struct list_row {
    const char *name;
    struct bytes list;
    struct bytes members[4];
};

static const struct list_row list_rows[] = {
    {"list_of_nothing", TEXT(""), {{0}}},
    {"list_of_commas", TEXT(" , ,\t,"), {{0}}},
    {"list_of_one", TEXT("a"), {TEXT("a")}},
    {"list_of_three", TEXT("a, b\t,c"), {TEXT("a"), TEXT("b"), TEXT("c")}},
    {"empty_members_are_skipped", TEXT(",a,,b,"), {TEXT("a"), TEXT("b")}},
    {"whitespace_within_a_member_stays", TEXT(" a b , c"), {TEXT("a b"), TEXT("c")}},
    {"comma_within_quotes_splits_nothing", TEXT("a=\"b,c\",d"), {TEXT("a=\"b,c\""), TEXT("d")}},
    {"escaped_quote_ends_no_quotes", TEXT("\"a\\\",b\",c"), {TEXT("\"a\\\",b\""), TEXT("c")}},
    {"escaped_backslash_escapes_nothing", TEXT("\"a\\\\\",c"), {TEXT("\"a\\\\\""), TEXT("c")}},
    {"open_quotes_reach_to_the_end", TEXT("a,\"b,c"), {TEXT("a"), TEXT("\"b,c")}},
    {"backslash_at_the_end", TEXT("\"a\\"), {TEXT("\"a\\")}},
    {"backslash_outside_of_quotes", TEXT("a\\,b"), {TEXT("a\\"), TEXT("b")}},
};

static void check_list(void **state)
{
    const struct list_row *row = *state;
    struct bytes rest = guard_copy(&guard, row->list);
    struct bytes member;

    for (size_t i = 0; i < 4 && row->members[i].len > 0; i++) {
        assert_true(list_next(&rest, &member));
        assert_bytes(member, row->members[i]);
    }
    assert_false(list_next(&rest, &member));
    assert_false(list_next(&rest, &member));
}

struct lists_row {
    const char *name;
    struct bytes lines;
    bool close;
};

/* Whether Connection lists "close". */
static const struct lists_row lists_rows[] = {
    {"no_field_lists_nothing", TEXT("\r\n"), false},
    {"alone", TEXT("Connection: close\r\n\r\n"), true},
    {"in_any_case", TEXT("Connection: cLoSe\r\n\r\n"), true},
    {"among_others", TEXT("Connection: a, close ,b\r\n\r\n"), true},
    {"on_the_second_line", TEXT("Connection: a\r\nX: y\r\nConnection: close\r\n\r\n"), true},
    {"with_parameters", TEXT("Connection: close ; q=1\r\n\r\n"), true},
    {"part_of_a_token_is_not_it", TEXT("Connection: closed, xclose\r\n\r\n"), false},
    {"parameter_is_not_it", TEXT("Connection: a;close\r\n\r\n"), false},
    {"quoted_is_not_it", TEXT("Connection: \"a, close, b\"\r\n\r\n"), false},
    {"in_another_field", TEXT("Connection: a\r\nX: close\r\n\r\n"), false},
    {"empty_field", TEXT("Connection:\r\n\r\n"), false},
};

static void check_lists(void **state)
{
    const struct lists_row *row = *state;
    struct fields fields;
    size_t size;

    assert_int_equal(field_section_read(guard_copy(&guard, row->lines), 10, &fields, &size),
                     FIELD_SECTION_COMPLETE);
    assert_int_equal(fields_list(&fields, FIELD_CONNECTION, BYTES("close")), row->close);
}

static void a_token_is_of_tchar_alone(void **state)
{
    (void)state;
    assert_true(is_token(BYTES("a")));
    assert_true(is_token(BYTES("!#$%&'*+-.^_`|~0Zz")));
    assert_false(is_token(BYTES("")));
    assert_false(is_token((struct bytes){0}));
    assert_false(is_token(BYTES("a b")));
    assert_false(is_token(BYTES("a\0")));
    assert_false(is_token(BYTES("a/b")));
    assert_false(is_token(BYTES("\xe4")));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 200);
    suite_add_rows(&suite, check_name, ROWS(name_rows));
    suite_add(&suite, CASE(every_known_name_has_a_row));
    suite_add(&suite, CASE(a_section_says_what_it_holds));
    suite_add(&suite, CASE(every_prefix_of_a_section_wants_more));
    suite_add(&suite, CASE(a_section_may_be_empty));
    suite_add(&suite, CASE(more_lines_than_allowed_are_too_many));
    suite_add(&suite, CASE(lines_are_walked_in_order));
    suite_add(&suite, CASE(lines_of_one_name_are_walked_in_order));
    suite_add_rows(&suite, check_list, ROWS(list_rows));
    suite_add_rows(&suite, check_lists, ROWS(lists_rows));
    suite_add(&suite, CASE(a_token_is_of_tchar_alone));
    int failed = suite_run(&suite, "http/field");
    guard_finish(&guard);
    return failed;
}
