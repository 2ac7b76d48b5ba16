#include "lib/http/target.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;
static struct guard output;

struct path_row {
    const char *name;
    struct bytes target;
    struct bytes path;
    struct bytes query;
};

#define NONE TEXT("")

static const struct path_row path_rows[] = {
    {"root", TEXT("/"), TEXT(""), NONE},
    {"file", TEXT("/a.txt"), TEXT("a.txt"), NONE},
    {"file_in_a_folder", TEXT("/chapters/001.txt"), TEXT("chapters/001.txt"), NONE},
    {"folder_keeps_its_slash", TEXT("/a/b/"), TEXT("a/b/"), NONE},
    {"all_that_a_segment_may_hold", TEXT("/aZ09-._~!$&'()*+,;=:@"), TEXT("aZ09-._~!$&'()*+,;=:@"),
     NONE},
    /* query */
    {"query", TEXT("/a?b=c"), TEXT("a"), TEXT("b=c")},
    {"query_empty", TEXT("/a?"), TEXT("a"), NONE},
    {"query_of_the_root", TEXT("/?b"), TEXT(""), TEXT("b")},
    {"query_begins_at_the_first_mark", TEXT("/a?b?c"), TEXT("a"), TEXT("b?c")},
    {"query_may_hold_slashes_and_dots", TEXT("/a?/../../b"), TEXT("a"), TEXT("/../../b")},
    {"query_is_not_decoded", TEXT("/a?%2e%zz%"), TEXT("a"), TEXT("%2e%zz%")},
    {"encoded_mark_begins_no_query", TEXT("/a%3Fb"), TEXT("a?b"), NONE},
    /* percent-encoding, RFC 3986 2.1 */
    {"encoded_letter", TEXT("/%61%62"), TEXT("ab"), NONE},
    {"encoded_space", TEXT("/a%20b"), TEXT("a b"), NONE},
    {"encoded_in_both_cases", TEXT("/%c3%A4"), TEXT("\xc3\xa4"), NONE},
    {"encoded_percent_is_decoded_once", TEXT("/%2561"), TEXT("%61"), NONE},
    {"encoded_percent_and_dots_are_decoded_once", TEXT("/%252e%252e/a"), TEXT("%2e%2e/a"), NONE},
    {"encoded_fragment_mark", TEXT("/a%23b"), TEXT("a#b"), NONE},
    {"encoded_backslash_is_no_slash", TEXT("/..%5c..%5ca"), TEXT("..\\..\\a"), NONE},
    {"plus_is_no_space", TEXT("/a+b"), TEXT("a+b"), NONE},
    {"last_byte_encoded", TEXT("/a%7E"), TEXT("a~"), NONE},
    /* dot segments, RFC 3986 5.2.4 */
    {"dot_at_the_end", TEXT("/."), TEXT(""), NONE},
    {"dot_and_slash", TEXT("/./"), TEXT(""), NONE},
    {"dots_at_the_end", TEXT("/.."), TEXT(""), NONE},
    {"dots_and_slash", TEXT("/../"), TEXT(""), NONE},
    {"dot_within", TEXT("/a/./b"), TEXT("a/b"), NONE},
    {"dots_within", TEXT("/a/../b"), TEXT("b"), NONE},
    {"dot_behind_a_folder", TEXT("/a/."), TEXT("a/"), NONE},
    {"dots_behind_a_folder", TEXT("/a/b/.."), TEXT("a/"), NONE},
    {"dots_behind_a_slash", TEXT("/a/b/../"), TEXT("a/"), NONE},
    {"dots_of_the_rfc_s_example", TEXT("/a/b/c/./../../g"), TEXT("a/g"), NONE},
    {"dots_behind_longer_names", TEXT("/chapters/one/../two"), TEXT("chapters/two"), NONE},
    {"climbing_stays_at_the_root", TEXT("/../../etc/passwd"), TEXT("etc/passwd"), NONE},
    {"climbing_from_within_stays_at_the_root", TEXT("/a/../../../b"), TEXT("b"), NONE},
    {"three_dots_are_a_name", TEXT("/.../a"), TEXT(".../a"), NONE},
    {"dots_before_a_name_are_a_name", TEXT("/..a/.b/c."), TEXT("..a/.b/c."), NONE},
    {"dots_and_a_semicolon_are_a_name", TEXT("/..;/a"), TEXT("..;/a"), NONE},
    {"encoded_dots_are_dots", TEXT("/a/%2e%2e/b"), TEXT("b"), NONE},
    {"encoded_dots_of_both_cases", TEXT("/a/%2E%2e/b"), TEXT("b"), NONE},
    {"one_of_two_dots_encoded", TEXT("/a/.%2e/b"), TEXT("b"), NONE},
    {"encoded_dot_is_a_dot", TEXT("/a/%2e/b"), TEXT("a/b"), NONE},
    {"encoded_dots_climb_no_higher", TEXT("/%2e%2e/%2e%2e/etc/passwd"), TEXT("etc/passwd"), NONE},
    {"overlong_utf_8_dots_are_a_name", TEXT("/%c0%ae%c0%ae/a"), TEXT("\xc0\xae\xc0\xae/a"), NONE},
    /* empty segments */
    {"empty_segment_within", TEXT("/a//b"), TEXT("a/b"), NONE},
    {"empty_segments_first", TEXT("//a"), TEXT("a"), NONE},
    {"empty_segments_alone", TEXT("///"), TEXT(""), NONE},
    {"empty_segments_last", TEXT("/a//"), TEXT("a/"), NONE},
    {"empty_segment_is_not_climbed", TEXT("/a/b//../c"), TEXT("a/c"), NONE},
    {"name_that_looks_like_a_host", TEXT("//example.org/a"), TEXT("example.org/a"), NONE},
    /* what browsers send */
    {"marks_that_rfc_3986_leaves_out", TEXT("/|^`{}\\[]?|^`{}\\[]"), TEXT("|^`{}\\[]"),
     TEXT("|^`{}\\[]")},
    /* absolute-form, RFC 9112 3.2.2 */
    {"absolute", TEXT("http://example.org/a/b?c"), TEXT("a/b"), TEXT("c")},
    {"absolute_https", TEXT("https://example.org/a"), TEXT("a"), NONE},
    {"absolute_scheme_has_no_case", TEXT("HtTp://example.org/a"), TEXT("a"), NONE},
    {"absolute_without_path", TEXT("http://example.org"), TEXT(""), NONE},
    {"absolute_without_path_but_query", TEXT("http://example.org?a/b"), TEXT(""), TEXT("a/b")},
    {"absolute_with_port", TEXT("http://example.org:8080/a"), TEXT("a"), NONE},
    {"absolute_with_ipv6", TEXT("http://[::1]:80/a"), TEXT("a"), NONE},
    {"absolute_with_dots", TEXT("http://a/../b/%2e%2e/c"), TEXT("c"), NONE},
    {"absolute_path_with_at_sign", TEXT("http://a/b@c"), TEXT("b@c"), NONE},
    {"scheme_within_a_path", TEXT("/http://a/b"), TEXT("http:/a/b"), NONE},
};

static void check_path(void **state)
{
    const struct path_row *row = *state;
    struct bytes target = guard_copy(&guard, row->target);
    char *room = guard_room(&output, target.len + 1);
    struct bytes path;
    struct bytes query;

    assert_int_equal(target_read(METHOD_GET, target, room, &path, &query), TARGET_PATH);
    assert_bytes(path, row->path);
    assert_bytes(query, row->query);
    assert_int_equal(path.at[path.len], '\0');
    assert_int_equal(target_read(METHOD_HEAD, target, room, &path, NULL), TARGET_PATH);
    assert_bytes(path, row->path);
}

static bool climbs(struct bytes path)
{
    struct bytes rest = path;

    while (rest.len > 0) {
        const char *slash = memchr(rest.at, '/', rest.len);
        size_t len = slash ? (size_t)(slash - rest.at) : rest.len;
        struct bytes segment = {rest.at, len};
        size_t step = slash ? len + 1 : len;
        if (len == 0 || bytes_equal(segment, BYTES(".")) || bytes_equal(segment, BYTES(".."))) {
            return true;
        }
        rest = (struct bytes){rest.at + step, rest.len - step};
    }
    return false;
}

/* Every cut of every target is read within bounds; a path that comes of it never climbs. */
static void check_prefixes(void **state)
{
    const struct path_row *row = *state;

    for (size_t len = 0; len <= row->target.len; len++) {
        struct bytes target = guard_copy(&guard, (struct bytes){row->target.at, len});
        char *room = guard_room(&output, len + 1);
        struct bytes path;
        if (target_read(METHOD_GET, target, room, &path, NULL) == TARGET_PATH) {
            assert_false(climbs(path));
        }
    }
}

struct bad_row {
    const char *name;
    struct bytes target;
};

static const struct bad_row bad_rows[] = {
    {"empty", TEXT("")},
    {"asterisk_for_get", TEXT("*")},
    {"asterisk_and_more", TEXT("*a")},
    {"relative", TEXT("a/b")},
    {"relative_dots", TEXT("../a")},
    {"query_alone", TEXT("?a")},
    {"authority_form", TEXT("example.org:80")},
    {"fragment", TEXT("/a#b")},
    {"fragment_in_query", TEXT("/a?b#c")},
    {"fragment_in_absolute", TEXT("http://a#b")},
    {"percent_at_the_end", TEXT("/a%")},
    {"percent_and_one_digit", TEXT("/a%4")},
    {"percent_and_another_letter", TEXT("/a%4g")},
    {"percent_and_another_letter_first", TEXT("/a%g4")},
    {"percent_u", TEXT("/%u002e%u002e/a")},
    {"percent_and_percent", TEXT("/%%32%65")},
    {"percent_cut_by_the_query", TEXT("/a%2?e")},
    {"percent_cut_by_a_slash", TEXT("/a%2/e")},
    {"encoded_nul", TEXT("/a%00")},
    {"encoded_nul_within", TEXT("/a%00.txt")},
    {"encoded_slash", TEXT("/a%2Fb")},
    {"encoded_slash_lower_case", TEXT("/a%2fb")},
    {"encoded_dots_and_slash", TEXT("/%2e%2e%2fetc/passwd")},
    {"space", TEXT("/a b")},
    {"tab", TEXT("/a\tb")},
    {"nul", TEXT("/a\0b")},
    {"line_end", TEXT("/a\r\nb")},
    {"del", TEXT("/a\x7f")},
    {"byte_from_0x80_on", TEXT("/\xc3\xa4")},
    {"byte_from_0x80_on_in_query", TEXT("/a?\xe4")},
    {"last_byte_of_all", TEXT("/\xff")},
    {"quote", TEXT("/a\"b")},
    {"angle_bracket", TEXT("/<a")},
    {"angle_bracket_in_query", TEXT("/a?b>")},
    {"space_in_query", TEXT("/a?b c")},
    {"absolute_with_userinfo", TEXT("http://user@example.org/a")},
    {"absolute_with_password", TEXT("http://user:pw@example.org/a")},
    {"absolute_with_empty_userinfo", TEXT("http://@example.org/a")},
    {"absolute_without_host", TEXT("http:///a")},
    {"absolute_of_a_scheme_alone", TEXT("http://")},
    {"absolute_with_port_but_no_host", TEXT("http://:80/a")},
    {"absolute_with_bad_port", TEXT("http://a:b/c")},
    {"absolute_with_bad_brackets", TEXT("http://[::1/a")},
    {"absolute_with_space", TEXT("http://a b/c")},
    {"absolute_with_backslash", TEXT("http://a\\@b/c")},
    {"absolute_of_another_scheme", TEXT("ftp://example.org/a")},
    {"absolute_file", TEXT("file:///etc/passwd")},
    {"absolute_with_one_slash", TEXT("http:/example.org/a")},
    {"absolute_with_no_slash", TEXT("http:example.org")},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct bytes target = guard_copy(&guard, row->target);
    char *room = guard_room(&output, target.len + 1);
    struct bytes path = {0};
    struct bytes query = {0};

    assert_int_equal(target_read(METHOD_GET, target, room, &path, &query), TARGET_MALFORMED);
    assert_null(path.at);
    assert_null(query.at);
}

static void an_asterisk_is_for_options_alone(void **state)
{
    char room[2];
    struct bytes path;

    (void)state;
    assert_int_equal(target_read(METHOD_OPTIONS, BYTES("*"), room, &path, NULL), TARGET_ASTERISK);
    assert_int_equal(target_read(METHOD_HEAD, BYTES("*"), room, &path, NULL), TARGET_MALFORMED);
    assert_int_equal(target_read(METHOD_OPTIONS, BYTES("/"), room, &path, NULL), TARGET_PATH);
}

/* ---- encoding ---- */

struct encode_row {
    const char *name;
    struct bytes path;
    struct bytes encoded;
};

static const struct encode_row encode_rows[] = {
    {"encodes_nothing", TEXT(""), TEXT("")},
    {"unreserved_bytes_and_slashes_stay", TEXT("a/b-c_d.e~f/09AZ/"), TEXT("a/b-c_d.e~f/09AZ/")},
    {"spaces_are_encoded", TEXT("a b"), TEXT("a%20b")},
    {"marks_are_encoded", TEXT("?#%\"<>&'"), TEXT("%3F%23%25%22%3C%3E%26%27")},
    {"colons_are_encoded", TEXT("a:b"), TEXT("a%3Ab")},
    {"line_ends_are_encoded", TEXT("a\r\nb"), TEXT("a%0D%0Ab")},
    {"bytes_from_0x80_on_are_encoded", TEXT("\xc3\xa4\xff"), TEXT("%C3%A4%FF")},
};

static void check_encode(void **state)
{
    const struct encode_row *row = *state;
    struct bytes path = guard_copy(&guard, row->path);

    for (size_t room = 0; room <= row->encoded.len; room++) {
        char *to = guard_room(&output, room);
        assert_int_equal(target_encode(to, room, path), row->encoded.len);
        if (room == row->encoded.len) {
            assert_bytes(((struct bytes){to, room}), row->encoded);
        }
    }
}

static void what_is_encoded_reads_back(void **state)
{
    char bytes[255];
    char target[1 + sizeof(bytes) * 3] = "/";
    char room[sizeof(target) + 1];
    struct bytes path;
    size_t count = 0;

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        if (byte != '/') {
            bytes[count++] = (char)byte;
        }
    }
    size_t len = target_encode(target + 1, sizeof(target) - 1, (struct bytes){bytes, count});
    struct bytes whole = {target, len + 1};
    assert_int_equal(target_read(METHOD_GET, whole, room, &path, NULL), TARGET_PATH);
    assert_bytes(path, ((struct bytes){bytes, count}));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 100);
    guard_init(&output, 100);
    suite_add_rows(&suite, check_path, ROWS(path_rows));
    suite_add_rows(&suite, check_prefixes, ROWS(path_rows));
    suite_add_rows(&suite, check_bad, ROWS(bad_rows));
    suite_add(&suite, CASE(an_asterisk_is_for_options_alone));
    suite_add_rows(&suite, check_encode, ROWS(encode_rows));
    suite_add(&suite, CASE(what_is_encoded_reads_back));
    int failed = suite_run(&suite, "http/target");
    guard_finish(&guard);
    guard_finish(&output);
    return failed;
}
