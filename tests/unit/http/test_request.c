#include "lib/http/request.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;

static const struct request_limits limits = {.head = 1000, .target = 500, .fields = 20};

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

/* Reads the first `len` bytes of `text`, which end at an unmapped page. */
static enum request_outcome read_first(struct bytes text, size_t len, struct request *request,
                                       const char **why)
{
    struct bytes copy = guard_copy(&guard, (struct bytes){text.at, len});

    return request_read(copy, &limits, request, why);
}

/* ---- heads that are good ---- */

struct good_row {
    const char *name;
    struct bytes head;
    enum method method;
    unsigned minor;
    struct bytes target;
    unsigned fields;
};

static const struct good_row good_rows[] = {
    {"what_wrk_sends", TEXT("GET / HTTP/1.1\r\nHost: 127.0.0.1:8081\r\n\r\n"), METHOD_GET, 1,
     TEXT("/"), 1},
    {"http_1_0_needs_no_host", TEXT("GET /a HTTP/1.0\r\n\r\n"), METHOD_GET, 0, TEXT("/a"), 0},
    {"http_1_0_may_have_a_host", TEXT("GET /a HTTP/1.0\r\n" HOST "\r\n"), METHOD_GET, 0, TEXT("/a"),
     1},
    {"later_minor_counts_as_1", TEXT("GET / HTTP/1.9\r\n" HOST "\r\n"), METHOD_GET, 1, TEXT("/"),
     1},
    {"one_empty_line_before_is_skipped", TEXT("\r\n" GET HOST "\r\n"), METHOD_GET, 1, TEXT("/"), 1},
    {"head", TEXT("HEAD / HTTP/1.1\r\n" HOST "\r\n"), METHOD_HEAD, 1, TEXT("/"), 1},
    {"post", TEXT("POST / HTTP/1.1\r\n" HOST "\r\n"), METHOD_POST, 1, TEXT("/"), 1},
    {"put", TEXT("PUT / HTTP/1.1\r\n" HOST "\r\n"), METHOD_PUT, 1, TEXT("/"), 1},
    {"delete", TEXT("DELETE / HTTP/1.1\r\n" HOST "\r\n"), METHOD_DELETE, 1, TEXT("/"), 1},
    {"patch", TEXT("PATCH / HTTP/1.1\r\n" HOST "\r\n"), METHOD_PATCH, 1, TEXT("/"), 1},
    {"trace", TEXT("TRACE / HTTP/1.1\r\n" HOST "\r\n"), METHOD_TRACE, 1, TEXT("/"), 1},
    {"options_asterisk", TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), METHOD_OPTIONS, 1, TEXT("*"),
     1},
    {"connect_authority", TEXT("CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"), METHOD_CONNECT, 1,
     TEXT("a:80"), 1},
    {"method_is_case_sensitive", TEXT("get / HTTP/1.1\r\n" HOST "\r\n"), METHOD_OTHER, 1, TEXT("/"),
     1},
    {"any_token_is_a_method", TEXT("M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1\r\n" HOST "\r\n"),
     METHOD_OTHER, 1, TEXT("/"), 1},
    {"method_that_begins_like_get", TEXT("GETS / HTTP/1.1\r\n" HOST "\r\n"), METHOD_OTHER, 1,
     TEXT("/"), 1},
    {"absolute_form", TEXT("GET http://a/b?c HTTP/1.1\r\n" HOST "\r\n"), METHOD_GET, 1,
     TEXT("http://a/b?c"), 1},
    {"obs_text_in_target_is_judged_elsewhere", TEXT("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"),
     METHOD_GET, 1, TEXT("/\xc3\xa4"), 1},
    {"field_names_have_no_case", TEXT(GET "hOST: a\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 1},
    {"host_may_be_empty", TEXT(GET "Host:\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 1},
    {"host_may_be_blank", TEXT(GET "Host: \t \r\n\r\n"), METHOD_GET, 1, TEXT("/"), 1},
    {"host_may_be_ipv6", TEXT(GET "Host: [::1]:80\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 1},
    {"whitespace_around_a_value_is_none_of_it", TEXT(GET "Host:\t a \t\r\n\r\n"), METHOD_GET, 1,
     TEXT("/"), 1},
    {"tab_within_a_value", TEXT(GET HOST "X: a\tb\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 2},
    {"obs_text_in_a_value", TEXT(GET HOST "X: \x80\xff\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 2},
    {"value_may_be_empty", TEXT(GET HOST "X:\r\nY: \r\n\r\n"), METHOD_GET, 1, TEXT("/"), 3},
    {"colon_within_a_value", TEXT(GET HOST "X::a:b\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 2},
    {"lists_may_stand_on_several_lines",
     TEXT(GET HOST "If-Match: \"a\"\r\nIf-Match: \"b\"\r\nIf-None-Match: \"a\"\r\n"
                   "If-None-Match: \"b\"\r\nConnection: a\r\nConnection: b\r\n"
                   "Accept-Encoding: a\r\nAccept-Encoding: b\r\nExpect: a\r\nExpect: b\r\n\r\n"),
     METHOD_GET, 1, TEXT("/"), 11},
    {"unknown_fields_may_be_repeated", TEXT(GET HOST "X: 1\r\nX: 2\r\n\r\n"), METHOD_GET, 1,
     TEXT("/"), 3},
    {"repeated_content_length_is_for_the_framing",
     TEXT(GET HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), METHOD_GET, 1, TEXT("/"), 3},
};

static void check_good(void **state)
{
    const struct good_row *row = *state;
    struct request request;
    const char *why = NULL;

    for (size_t len = 0; len < row->head.len; len++) {
        assert_int_equal(read_first(row->head, len, &request, &why), REQUEST_MORE);
    }
    assert_int_equal(read_first(row->head, row->head.len, &request, &why), REQUEST_COMPLETE);
    assert_null(why);
    assert_int_equal(request.head_size, row->head.len);
    assert_int_equal(request.method, row->method);
    assert_int_equal(request.minor, row->minor);
    assert_bytes(request.target, row->target);
    assert_int_equal(request.fields.count, row->fields);
}

/* What follows a head, be it a body, the next request or rubbish, is no part of it. */
static void check_good_and_more(void **state)
{
    const struct good_row *row = *state;
    const struct bytes tails[] = {BYTES("\r\n"), BYTES("\0\n"), BYTES(" folded: no\r\n"),
                                  BYTES("GET / HTTP/1.1\r\n\r\n")};
    char text[700];

    memcpy(text, row->head.at, row->head.len);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        struct request request;
        const char *why = NULL;
        memcpy(text + row->head.len, tails[i].at, tails[i].len);
        struct bytes both = {text, row->head.len + tails[i].len};
        assert_int_equal(read_first(both, both.len, &request, &why), REQUEST_COMPLETE);
        assert_int_equal(request.head_size, row->head.len);
    }
}

/* ---- heads that are refused ---- */

struct bad_row {
    const char *name;
    struct bytes good; /* nothing is wrong with this yet */
    struct bytes bad;  /* its first byte shows it */
    enum request_outcome outcome;
};

#define MALFORMED REQUEST_MALFORMED

static const struct bad_row bad_rows[] = {
    /* RFC 9112 2.2: before the request line */
    {"two_empty_lines_before", TEXT("\r\n"), TEXT("\r\n" GET HOST "\r\n"), MALFORMED},
    {"bare_lf_before", TEXT(""), TEXT("\n" GET HOST "\r\n"), MALFORMED},
    {"bare_cr_before", TEXT("\r"), TEXT(GET HOST "\r\n"), MALFORMED},
    {"two_crs_before", TEXT("\r"), TEXT("\r\n" GET HOST "\r\n"), MALFORMED},
    {"space_before", TEXT(""), TEXT(" " GET HOST "\r\n"), MALFORMED},
    {"nul_before", TEXT(""), TEXT("\0" GET HOST "\r\n"), MALFORMED},
    /* RFC 9112 3: request line */
    {"tls_hello", TEXT(""), TEXT("\x16\x03\x01\x02\x00\x01"), MALFORMED},
    {"method_empty", TEXT(""), TEXT(" / HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"method_with_colon", TEXT("GET"), TEXT(": / HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"method_with_obs_text", TEXT("G"), TEXT("\xc3\xa4T / HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"method_with_nul", TEXT("GET"), TEXT("\0 / HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"method_and_tab", TEXT("GET"), TEXT("\t/ HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"method_and_line_end", TEXT("GET"), TEXT("\r\n" HOST "\r\n"), MALFORMED},
    {"two_spaces_before_target", TEXT("GET "), TEXT(" / HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"two_spaces_before_target_of_post", TEXT("POST "), TEXT(" / HTTP/1.1\r\n" HOST "\r\n"),
     MALFORMED},
    {"tab_before_target", TEXT("GET "), TEXT("\t/ HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"two_spaces_before_version", TEXT("GET / "), TEXT(" HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"tab_before_version", TEXT("GET /"), TEXT("\tHTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"tab_after_space_before_version", TEXT("GET / "), TEXT("\tHTTP/1.1\r\n" HOST "\r\n"),
     MALFORMED},
    {"space_in_target", TEXT("GET /a "), TEXT("b HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"nul_in_target", TEXT("GET /a"), TEXT("\0 HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"del_in_target", TEXT("GET /a"), TEXT("\x7f HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"bare_cr_in_target", TEXT("GET /a"), TEXT("\r HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"vertical_tab_in_target", TEXT("GET /a"), TEXT("\vb HTTP/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"http_0_9", TEXT("GET /"), TEXT("\r\n"), MALFORMED},
    {"http_0_9_with_lf", TEXT("GET /"), TEXT("\n"), MALFORMED},
    /* RFC 9112 2.3: version */
    {"version_missing", TEXT("GET / "), TEXT("\r\n" HOST "\r\n"), MALFORMED},
    {"version_lower_case", TEXT("GET / "), TEXT("http/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"version_of_another_protocol", TEXT("GET / HTTP"), TEXT("S/1.1\r\n" HOST "\r\n"), MALFORMED},
    {"version_major_with_two_digits", TEXT("GET / HTTP/0"), TEXT("1.1\r\n" HOST "\r\n"), MALFORMED},
    {"version_major_12", TEXT("GET / HTTP/1"), TEXT("2.0\r\n" HOST "\r\n"), MALFORMED},
    {"version_minor_with_two_digits", TEXT("GET / HTTP/1.1"), TEXT("0\r\n" HOST "\r\n"), MALFORMED},
    {"version_without_minor", TEXT("GET / HTTP/1"), TEXT("\r\n" HOST "\r\n"), MALFORMED},
    {"version_minor_empty", TEXT("GET / HTTP/1."), TEXT("\r\n" HOST "\r\n"), MALFORMED},
    {"version_with_comma", TEXT("GET / HTTP/1"), TEXT(",1\r\n" HOST "\r\n"), MALFORMED},
    {"version_with_a_sign", TEXT("GET / HTTP/"), TEXT("+1.1\r\n" HOST "\r\n"), MALFORMED},
    {"version_with_a_letter", TEXT("GET / HTTP/1."), TEXT("x\r\n" HOST "\r\n"), MALFORMED},
    {"space_after_version", TEXT("GET / HTTP/1.1"), TEXT(" \r\n" HOST "\r\n"), MALFORMED},
    {"bare_lf_after_version", TEXT("GET / HTTP/1.1"), TEXT("\n" HOST "\r\n"), MALFORMED},
    {"bare_cr_after_version", TEXT("GET / HTTP/1.1\r"), TEXT(HOST "\r\n"), MALFORMED},
    {"two_crs_after_version", TEXT("GET / HTTP/1.1\r"), TEXT("\r\n" HOST "\r\n"), MALFORMED},
    {"http_2_0", TEXT("GET / HTTP/2.0\r"), TEXT("\n" HOST "\r\n"), REQUEST_VERSION},
    {"http_2_preface", TEXT("PRI * HTTP/2.0\r"), TEXT("\n\r\nSM\r\n\r\n"), REQUEST_VERSION},
    {"http_0_9_said", TEXT("GET / HTTP/0.9\r"), TEXT("\n\r\n"), REQUEST_VERSION},
    {"http_9_1", TEXT("GET / HTTP/9.1\r"), TEXT("\n\r\n"), REQUEST_VERSION},
    {"http_2_with_bare_lf_is_malformed", TEXT("GET / HTTP/2.0"), TEXT("\n\r\n"), MALFORMED},
    /* RFC 9112 2.2, 5: field lines */
    {"bare_lf_ends_no_field", TEXT(GET "Host: a"), TEXT("\n\r\n"), MALFORMED},
    {"bare_cr_ends_no_field", TEXT(GET "Host: a\r"), TEXT("X: b\r\n\r\n"), MALFORMED},
    {"two_crs_end_no_field", TEXT(GET "Host: a\r"), TEXT("\r\n\r\n"), MALFORMED},
    {"bare_lf_ends_no_head", TEXT(GET HOST), TEXT("\n"), MALFORMED},
    {"bare_cr_ends_no_head", TEXT(GET HOST "\r"), TEXT("X: b\r\n\r\n"), MALFORMED},
    {"nul_in_value", TEXT(GET "X: a"), TEXT("\0b\r\n" HOST "\r\n"), MALFORMED},
    {"control_byte_in_value", TEXT(GET "X: a"), TEXT("\x01\r\n" HOST "\r\n"), MALFORMED},
    {"escape_in_value", TEXT(GET "X: a"), TEXT("\x1b[2J\r\n" HOST "\r\n"), MALFORMED},
    {"del_in_value", TEXT(GET "X: a"), TEXT("\x7f\r\n" HOST "\r\n"), MALFORMED},
    {"vertical_tab_before_value", TEXT(GET "Transfer-Encoding:"), TEXT("\vchunked\r\n" HOST "\r\n"),
     MALFORMED},
    {"form_feed_after_value", TEXT(GET "Transfer-Encoding: chunked"), TEXT("\f\r\n" HOST "\r\n"),
     MALFORMED},
    {"space_before_colon", TEXT(GET "Host"), TEXT(" : a\r\n\r\n"), MALFORMED},
    {"tab_before_colon", TEXT(GET "Host"), TEXT("\t: a\r\n\r\n"), MALFORMED},
    {"space_before_first_field", TEXT(GET), TEXT(" Host: a\r\n\r\n"), MALFORMED},
    {"obsolete_folding", TEXT(GET HOST "X: a\r\n"), TEXT(" b\r\n\r\n"), MALFORMED},
    {"obsolete_folding_with_tab", TEXT(GET HOST "X: a\r\n"), TEXT("\tb\r\n\r\n"), MALFORMED},
    {"name_empty", TEXT(GET HOST), TEXT(": a\r\n\r\n"), MALFORMED},
    {"name_with_space", TEXT(GET HOST "X"), TEXT(" Y: a\r\n\r\n"), MALFORMED},
    {"name_with_slash", TEXT(GET HOST "X"), TEXT("/Y: a\r\n\r\n"), MALFORMED},
    {"name_with_nul", TEXT(GET HOST "X"), TEXT("\0: a\r\n\r\n"), MALFORMED},
    {"name_with_obs_text", TEXT(GET HOST "X"), TEXT("\xe4: a\r\n\r\n"), MALFORMED},
    {"name_with_cr", TEXT(GET HOST "Transfer"), TEXT("\rEncoding: a\r\n\r\n"), MALFORMED},
    {"line_without_colon", TEXT(GET HOST "X"), TEXT("\r\n\r\n"), MALFORMED},
    /* RFC 9112 3.2: Host; only the end of the head shows it */
    {"host_missing", TEXT(GET "\r"), TEXT("\n"), MALFORMED},
    {"host_missing_among_others", TEXT(GET "Hos: a\r\nHosts: a\r\nX-Host: a\r\n\r"), TEXT("\n"),
     MALFORMED},
    {"two_hosts", TEXT(GET HOST "Host: b\r\n\r"), TEXT("\n"), MALFORMED},
    {"two_equal_hosts", TEXT(GET HOST HOST "\r"), TEXT("\n"), MALFORMED},
    {"two_hosts_of_different_case", TEXT(GET HOST "hOsT: a\r\n\r"), TEXT("\n"), MALFORMED},
    {"two_hosts_in_http_1_0", TEXT("GET / HTTP/1.0\r\n" HOST HOST "\r"), TEXT("\n"), MALFORMED},
    {"host_list", TEXT(GET "Host: a, b\r\n\r"), TEXT("\n"), MALFORMED},
    {"host_with_userinfo", TEXT(GET "Host: u@a\r\n\r"), TEXT("\n"), MALFORMED},
    {"host_with_path", TEXT(GET "Host: a/b\r\n\r"), TEXT("\n"), MALFORMED},
    {"host_with_space", TEXT(GET "Host: a b\r\n\r"), TEXT("\n"), MALFORMED},
    {"host_with_bad_port", TEXT(GET "Host: a:b\r\n\r"), TEXT("\n"), MALFORMED},
    {"host_with_open_bracket", TEXT(GET "Host: [::1\r\n\r"), TEXT("\n"), MALFORMED},
    {"host_malformed_in_http_1_0", TEXT("GET / HTTP/1.0\r\nHost: a/b\r\n\r"), TEXT("\n"),
     MALFORMED},
    {"host_missing_in_absolute_form", TEXT("GET http://a/ HTTP/1.1\r\n\r"), TEXT("\n"), MALFORMED},
    /* RFC 9110 5.3: fields that stand but once */
    {"two_ranges", TEXT(GET HOST "Range: bytes=0-1\r\nRange: bytes=0-1\r\n\r"), TEXT("\n"),
     MALFORMED},
    {"two_if_ranges", TEXT(GET HOST "If-Range: \"a\"\r\nIf-Range: \"a\"\r\n\r"), TEXT("\n"),
     MALFORMED},
    {"two_dates", TEXT(GET HOST "Date: a\r\nDate: a\r\n\r"), TEXT("\n"), MALFORMED},
    {"two_content_types", TEXT(GET HOST "Content-Type: a/b\r\nContent-Type: a/b\r\n\r"), TEXT("\n"),
     MALFORMED},
    {"two_if_modified_sinces", TEXT(GET HOST "If-Modified-Since: a\r\nIf-Modified-Since: a\r\n\r"),
     TEXT("\n"), MALFORMED},
    {"two_if_unmodified_sinces",
     TEXT(GET HOST "If-Unmodified-Since: a\r\nIf-Unmodified-Since: a\r\n\r"), TEXT("\n"),
     MALFORMED},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    char text[1000];
    struct bytes whole = {text, row->good.len + row->bad.len};

    memcpy(text, row->good.at, row->good.len);
    memcpy(text + row->good.len, row->bad.at, row->bad.len);
    for (size_t len = 0; len <= whole.len; len++) {
        struct request request;
        const char *why = NULL;
        enum request_outcome outcome = read_first(whole, len, &request, &why);
        assert_int_equal(outcome, len <= row->good.len ? REQUEST_MORE : row->outcome);
        assert_int_equal(why != NULL && *why != '\0', len > row->good.len);
    }
}

/* ---- limits ---- */

enum {
    HUGE_TEXT = 4000
};

static enum request_outcome read_within(struct bytes text, struct request_limits tight)
{
    struct request request;
    const char *why;

    return request_read(guard_copy(&guard, text), &tight, &request, &why);
}

static void a_head_of_just_the_limit_is_good(void **state)
{
    const struct bytes head = BYTES(GET HOST "\r\n");

    (void)state;
    assert_int_equal(read_within(head, (struct request_limits){head.len, 100, 10}),
                     REQUEST_COMPLETE);
    assert_int_equal(read_within(head, (struct request_limits){head.len - 1, 100, 10}),
                     REQUEST_FIELDS_TOO_LARGE);
}

static void an_empty_line_before_is_no_part_of_the_head_limit(void **state)
{
    const struct bytes head = BYTES("\r\n" GET HOST "\r\n");

    (void)state;
    assert_int_equal(read_within(head, (struct request_limits){head.len - 2, 100, 10}),
                     REQUEST_COMPLETE);
}

static void a_head_that_does_not_end_within_the_limit_is_too_large(void **state)
{
    const char start[] = GET "Host: ";
    char text[HUGE_TEXT];
    const struct request_limits tight = {.head = 1000, .target = 100, .fields = 10};

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, start, sizeof(start) - 1);
    assert_int_equal(read_within((struct bytes){text, 999}, tight), REQUEST_MORE);
    assert_int_equal(read_within((struct bytes){text, 1000}, tight), REQUEST_FIELDS_TOO_LARGE);
    assert_int_equal(read_within((struct bytes){text, 4000}, tight), REQUEST_FIELDS_TOO_LARGE);
}

static void a_method_without_end_is_too_long(void **state)
{
    char text[HUGE_TEXT];

    (void)state;
    memset(text, 'A', sizeof(text));
    assert_int_equal(read_within((struct bytes){text, sizeof(text)}, limits),
                     REQUEST_METHOD_TOO_LONG);
    assert_int_equal(read_within((struct bytes){text, limits.head - 1}, limits), REQUEST_MORE);
}

static void a_target_of_just_the_limit_is_good(void **state)
{
    const struct bytes head = BYTES("GET /4567 HTTP/1.1\r\n" HOST "\r\n");

    (void)state;
    assert_int_equal(read_within(head, (struct request_limits){100, 5, 10}), REQUEST_COMPLETE);
    assert_int_equal(read_within(head, (struct request_limits){100, 4, 10}),
                     REQUEST_TARGET_TOO_LONG);
}

static void a_target_too_long_is_told_by_the_first_byte_too_many(void **state)
{
    const struct request_limits tight = {.head = 100, .target = 5, .fields = 10};

    (void)state;
    assert_int_equal(read_within(BYTES("GET /4567"), tight), REQUEST_MORE);
    assert_int_equal(read_within(BYTES("GET /45678"), tight), REQUEST_TARGET_TOO_LONG);
}

static void a_target_longer_than_the_head_may_be_is_too_long(void **state)
{
    char text[HUGE_TEXT];
    const struct request_limits tight = {.head = 1000, .target = 2000, .fields = 10};

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    assert_int_equal(read_within((struct bytes){text, 999}, tight), REQUEST_MORE);
    enum request_outcome outcome = read_within((struct bytes){text, sizeof(text)}, tight);
    assert_int_equal(outcome, REQUEST_TARGET_TOO_LONG);
}

static void just_as_many_fields_as_allowed_are_good(void **state)
{
    const struct bytes head = BYTES(GET HOST "A: 1\r\nB: 2\r\n\r\n");

    (void)state;
    assert_int_equal(read_within(head, (struct request_limits){100, 100, 3}), REQUEST_COMPLETE);
    assert_int_equal(read_within(head, (struct request_limits){100, 100, 2}),
                     REQUEST_TOO_MANY_FIELDS);
}

/* ---- the parts that are kept ---- */

static void known_fields_are_kept_by_name(void **state)
{
    const struct bytes head =
        BYTES("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: t/p\r\n"
              "If-None-Match: \"1\"\r\nIf-None-Match: \"2\"\r\nOther: o\r\n\r\n12345");
    struct request request;
    const char *why;

    (void)state;
    assert_int_equal(read_first(head, head.len, &request, &why), REQUEST_COMPLETE);
    assert_bytes(request.method_text, BYTES("POST"));
    assert_int_equal(request.head_size, head.len - 5);
    assert_int_equal(request.fields.count, 6);
    assert_bytes(request.fields.value[FIELD_HOST], BYTES("h"));
    assert_bytes(request.fields.value[FIELD_CONTENT_LENGTH], BYTES("5"));
    assert_bytes(request.fields.value[FIELD_CONTENT_TYPE], BYTES("t/p"));
    assert_bytes(request.fields.value[FIELD_IF_NONE_MATCH], BYTES("\"1\""));
    assert_true(fields_repeat(&request.fields, FIELD_IF_NONE_MATCH));
    assert_false(fields_repeat(&request.fields, FIELD_HOST));
    assert_false(fields_have(&request.fields, FIELD_RANGE));
}

static void pipelined_requests_are_read_one_by_one(void **state)
{
    const struct bytes text = BYTES(GET HOST "\r\n"
                                             "HEAD /b HTTP/1.1\r\n" HOST "\r\n"
                                             "OPTIONS * HTTP/1.0\r\n\r\n");
    const enum method methods[] = {METHOD_GET, METHOD_HEAD, METHOD_OPTIONS};
    struct bytes rest = guard_copy(&guard, text);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct request request;
        const char *why;
        assert_int_equal(request_read(rest, &limits, &request, &why), REQUEST_COMPLETE);
        assert_int_equal(request.method, methods[i]);
        rest = (struct bytes){rest.at + request.head_size, rest.len - request.head_size};
    }
    assert_int_equal(rest.len, 0);
}

static void nothing_at_all_wants_more(void **state)
{
    struct request request;
    const char *why;

    (void)state;
    assert_int_equal(request_read((struct bytes){0}, &limits, &request, &why), REQUEST_MORE);
}

/* ---- methods ---- */

struct method_row {
    const char *name;
    enum method method;
};

static const struct method_row method_rows[] = {
    {"GET", METHOD_GET},        {"HEAD", METHOD_HEAD},       {"POST", METHOD_POST},
    {"PUT", METHOD_PUT},        {"DELETE", METHOD_DELETE},   {"CONNECT", METHOD_CONNECT},
    {"TRACE", METHOD_TRACE},    {"OPTIONS", METHOD_OPTIONS}, {"PATCH", METHOD_PATCH},
    {"get", METHOD_OTHER},      {"Get", METHOD_OTHER},       {"GE", METHOD_OTHER},
    {"GETX", METHOD_OTHER},     {"HEAd", METHOD_OTHER},      {"TRACK", METHOD_OTHER},
    {"DELET", METHOD_OTHER},    {"DELETF", METHOD_OTHER},    {"OPTIONX", METHOD_OTHER},
    {"PROPFIND", METHOD_OTHER}, {"", METHOD_OTHER},
};

static void check_method(void **state)
{
    const struct method_row *row = *state;

    assert_int_equal(method_of(guard_copy(&guard, bytes_of(row->name))), row->method);
}

/* ---- expectations ---- */

struct expectation_row {
    const char *name;
    struct bytes head;
    enum expectation expectation;
};

static const struct expectation_row expectation_rows[] = {
    {"no_expect_is_nothing", TEXT(GET HOST "\r\n"), EXPECTS_NOTHING},
    {"empty_expect_is_nothing", TEXT(GET HOST "Expect:\r\n\r\n"), EXPECTS_NOTHING},
    {"expect_of_commas_is_nothing", TEXT(GET HOST "Expect: , ,\r\n\r\n"), EXPECTS_NOTHING},
    {"continue_is_expected", TEXT(GET HOST "Expect: 100-continue\r\n\r\n"), EXPECTS_CONTINUE},
    {"continue_has_no_case", TEXT(GET HOST "expect: 100-CONTINUE\r\n\r\n"), EXPECTS_CONTINUE},
    {"empty_members_are_skipped", TEXT(GET HOST "Expect: , 100-continue,\r\n\r\n"),
     EXPECTS_CONTINUE},
    {"continue_twice_is_once",
     TEXT(GET HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), EXPECTS_CONTINUE},
    {"another_word", TEXT(GET HOST "Expect: 200-ok\r\n\r\n"), EXPECTS_OTHER},
    {"longer_word", TEXT(GET HOST "Expect: 100-continued\r\n\r\n"), EXPECTS_OTHER},
    {"parameter_makes_another", TEXT(GET HOST "Expect: 100-continue;x\r\n\r\n"), EXPECTS_OTHER},
    {"another_in_the_list", TEXT(GET HOST "Expect: 100-continue, x\r\n\r\n"), EXPECTS_OTHER},
    {"another_on_the_next_line", TEXT(GET HOST "Expect: 100-continue\r\nExpect: x\r\n\r\n"),
     EXPECTS_OTHER},
    {"http_1_0_expects_nothing", TEXT("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"),
     EXPECTS_NOTHING},
};

static void check_expectation(void **state)
{
    const struct expectation_row *row = *state;
    struct request request;
    const char *why;

    assert_int_equal(read_first(row->head, row->head.len, &request, &why), REQUEST_COMPLETE);
    assert_int_equal(request_expectation(&request), row->expectation);
}

/* ---- writing ---- */

static void a_written_head_reads_back(void **state)
{
    const struct request_head head = {BYTES("GET"), BYTES("/a?b"), BYTES("h:80"),
                                      BYTES("X: 1\r\nConnection: close\r\n")};
    const struct bytes text =
        BYTES("GET /a?b HTTP/1.1\r\nHost: h:80\r\nX: 1\r\nConnection: close\r\n\r\n");
    char *room = guard_room(&guard, text.len);
    struct request request;
    const char *why;

    (void)state;
    assert_int_equal(request_write(room, text.len, &head), text.len);
    assert_bytes(((struct bytes){room, text.len}), text);
    assert_int_equal(request_read((struct bytes){room, text.len}, &limits, &request, &why),
                     REQUEST_COMPLETE);
}

static void a_head_without_fields_is_host_alone(void **state)
{
    const struct request_head head = {BYTES("HEAD"), BYTES("/"), BYTES("h"), {0}};
    const struct bytes text = BYTES("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    char *room = guard_room(&guard, text.len);

    (void)state;
    assert_int_equal(request_write(room, text.len, &head), text.len);
    assert_bytes(((struct bytes){room, text.len}), text);
}

static void a_head_larger_than_the_room_tells_its_size(void **state)
{
    const struct request_head head = {BYTES("GET"), BYTES("/a"), BYTES("h"), {0}};
    const size_t size = sizeof("GET /a HTTP/1.1\r\nHost: h\r\n\r\n") - 1;

    (void)state;
    for (size_t room = 0; room < size; room++) {
        assert_int_equal(request_write(guard_room(&guard, room), room, &head), size);
    }
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, HUGE_TEXT);
    suite_add_rows(&suite, check_good, ROWS(good_rows));
    suite_add_rows(&suite, check_good_and_more, ROWS(good_rows));
    suite_add_rows(&suite, check_bad, ROWS(bad_rows));
    suite_add_rows(&suite, check_method, ROWS(method_rows));
    suite_add_rows(&suite, check_expectation, ROWS(expectation_rows));
    suite_add(&suite, CASE(a_head_of_just_the_limit_is_good));
    suite_add(&suite, CASE(an_empty_line_before_is_no_part_of_the_head_limit));
    suite_add(&suite, CASE(a_head_that_does_not_end_within_the_limit_is_too_large));
    suite_add(&suite, CASE(a_method_without_end_is_too_long));
    suite_add(&suite, CASE(a_target_of_just_the_limit_is_good));
    suite_add(&suite, CASE(a_target_too_long_is_told_by_the_first_byte_too_many));
    suite_add(&suite, CASE(a_target_longer_than_the_head_may_be_is_too_long));
    suite_add(&suite, CASE(just_as_many_fields_as_allowed_are_good));
    suite_add(&suite, CASE(known_fields_are_kept_by_name));
    suite_add(&suite, CASE(pipelined_requests_are_read_one_by_one));
    suite_add(&suite, CASE(nothing_at_all_wants_more));
    suite_add(&suite, CASE(a_written_head_reads_back));
    suite_add(&suite, CASE(a_head_without_fields_is_host_alone));
    suite_add(&suite, CASE(a_head_larger_than_the_room_tells_its_size));
    int failed = suite_run(&suite, "http/request");
    guard_finish(&guard);
    return failed;
}
