#include "lib/http/framing.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct guard guard;

static struct bytes copy_of(const char *start, const char *fields)
{
    char room[400];
    int len = snprintf(room, sizeof(room), "%s\r\n%s\r\n", start, fields);

    return guard_copy(&guard, (struct bytes){room, (size_t)len});
}

static struct request request_of(const char *line, const char *fields)
{
    const struct request_limits limits = {.head = 500, .target = 100, .fields = 20};
    struct request request;
    const char *why;

    assert_int_equal(request_read(copy_of(line, fields), &limits, &request, &why),
                     REQUEST_COMPLETE);
    return request;
}

static struct response response_of(const char *line, const char *fields)
{
    struct response response;
    const char *why;

    assert_int_equal(response_read(copy_of(line, fields), 500, 20, &response, &why),
                     RESPONSE_COMPLETE);
    return response;
}

/* ---- requests ---- */

struct request_row {
    const char *name;
    const char *line;
    const char *fields;
    struct framing framing;
};

#define GET_1_0 "GET / HTTP/1.0"
#define POST "POST / HTTP/1.1"
#define H "Host: a\r\n"
#define CL "Content-Length: "
#define TE "Transfer-Encoding: "
#define NONE                 \
    {                        \
        .kind = FRAMING_NONE \
    }
#define LENGTH(n)                             \
    {                                         \
        .kind = FRAMING_LENGTH, .length = (n) \
    }
#define CHUNKED                 \
    {                           \
        .kind = FRAMING_CHUNKED \
    }
#define CLOSE                 \
    {                         \
        .kind = FRAMING_CLOSE \
    }
#define REFUSED(code)                             \
    {                                             \
        .kind = FRAMING_REFUSED, .status = (code) \
    }

static const struct request_row request_rows[] = {
    /* RFC 9112 6.3: items 5 to 7 */
    {"no_field_is_no_body", "GET / HTTP/1.1", H, NONE},
    {"post_without_length_has_no_body", POST, H, NONE},
    {"length", POST, H CL "5\r\n", LENGTH(5)},
    {"length_zero", POST, H CL "0\r\n", LENGTH(0)},
    {"length_of_a_get", "GET / HTTP/1.1", H CL "5\r\n", LENGTH(5)},
    {"length_in_http_1_0", GET_1_0, CL "5\r\n", LENGTH(5)},
    {"length_with_leading_zeros", POST, H CL "0005\r\n", LENGTH(5)},
    {"length_with_whitespace_around", POST, H "Content-Length:\t5 \t\r\n", LENGTH(5)},
    {"length_of_the_largest_off_t", POST, H CL "9223372036854775807\r\n",
     LENGTH(9223372036854775807)},
    {"chunked", POST, H TE "chunked\r\n", CHUNKED},
    {"chunked_in_any_case", POST, H "tRANSFER-eNCODING: ChUnKeD\r\n", CHUNKED},
    {"chunked_after_tab", POST, H "Transfer-Encoding:\tchunked\r\n", CHUNKED},
    {"chunked_after_nothing", POST, H "Transfer-Encoding:chunked \r\n", CHUNKED},
    /* a length that is none, RFC 9110 8.6 */
    {"length_empty", POST, H CL "\r\n", REFUSED(400)},
    {"length_with_plus", POST, H CL "+5\r\n", REFUSED(400)},
    {"length_with_minus", POST, H CL "-5\r\n", REFUSED(400)},
    {"length_minus_zero", POST, H CL "-0\r\n", REFUSED(400)},
    {"length_hexadecimal", POST, H CL " 0x5\r\n", REFUSED(400)},
    {"length_with_exponent", POST, H CL "1e1\r\n", REFUSED(400)},
    {"length_with_fraction", POST, H CL "5.0\r\n", REFUSED(400)},
    {"length_with_underscore", POST, H CL "1_0\r\n", REFUSED(400)},
    {"length_with_space_within", POST, H CL "1 0\r\n", REFUSED(400)},
    {"length_with_text", POST, H CL "5 bytes\r\n", REFUSED(400)},
    {"length_quoted", POST, H CL "\"5\"\r\n", REFUSED(400)},
    {"length_in_other_digits", POST, H CL "\xd9\xa5\r\n", REFUSED(400)},
    {"length_above_off_t", POST, H CL "9223372036854775808\r\n", REFUSED(400)},
    {"length_that_wraps_64_bits", POST, H CL "18446744073709551621\r\n", REFUSED(400)},
    {"length_that_wraps_32_bits_is_large", POST, H CL "4294967301\r\n", LENGTH(4294967301)},
    {"length_of_many_digits", POST, H CL "99999999999999999999999999999999\r\n", REFUSED(400)},
    {"length_list_of_equals", POST, H CL "5,5\r\n", REFUSED(400)},
    {"length_list_of_others", POST, H CL "5, 6\r\n", REFUSED(400)},
    {"length_with_comma", POST, H CL "5,\r\n", REFUSED(400)},
    {"length_twice", POST, H CL "5\r\n" CL "5\r\n", REFUSED(400)},
    {"length_twice_and_different", POST, H CL "5\r\n" CL "6\r\n", REFUSED(400)},
    {"length_twice_first_empty", POST, H CL "\r\n" CL "5\r\n", REFUSED(400)},
    {"length_twice_in_http_1_0", GET_1_0, CL "5\r\n" CL "6\r\n", REFUSED(400)},
    /* RFC 9112 6.1 and 6.3, item 3 and 4 */
    {"length_and_chunked", POST, H CL "5\r\n" TE "chunked\r\n", REFUSED(400)},
    {"chunked_and_length", POST, H TE "chunked\r\n" CL "5\r\n", REFUSED(400)},
    {"length_zero_and_chunked", POST, H CL "0\r\n" TE "chunked\r\n", REFUSED(400)},
    {"length_and_another_coding", POST, H CL "5\r\n" TE "identity\r\n", REFUSED(400)},
    {"length_and_empty_coding", POST, H CL "5\r\n" TE "\r\n", REFUSED(400)},
    {"chunked_in_http_1_0", "POST / HTTP/1.0", TE "chunked\r\n", REFUSED(400)},
    {"chunked_and_length_in_http_1_0", "POST / HTTP/1.0", CL "5\r\n" TE "chunked\r\n",
     REFUSED(400)},
    {"coding_empty", POST, H TE "\r\n", REFUSED(400)},
    {"xchunked", POST, H TE "xchunked\r\n", REFUSED(400)},
    {"chunkedx", POST, H TE "chunkedx\r\n", REFUSED(400)},
    {"chunked_without_d", POST, H TE "chunke\r\n", REFUSED(400)},
    {"chunked_with_space_within", POST, H TE "chunked x\r\n", REFUSED(400)},
    {"chunked_quoted", POST, H TE "\"chunked\"\r\n", REFUSED(400)},
    {"chunked_single_quoted", POST, H TE "'chunked'\r\n", REFUSED(400)},
    {"chunked_with_obs_text", POST, H TE "chunked\xa0\r\n", REFUSED(400)},
    {"chunked_behind_obs_text", POST,
     H TE "\xa0"
          "chunked\r\n",
     REFUSED(400)},
    {"chunked_with_long_s", POST,
     H TE "chun\xe2\x84\xaa"
          "ed\r\n",
     REFUSED(400)},
    {"chunked_with_parameter", POST, H TE "chunked;q=1\r\n", REFUSED(400)},
    {"chunked_with_semicolon", POST, H TE "chunked;\r\n", REFUSED(400)},
    {"chunked_with_colon", POST, H TE ": chunked\r\n", REFUSED(400)},
    {"chunked_with_slash", POST, H TE "chunked/1.1\r\n", REFUSED(400)},
    {"chunked_twice", POST, H TE "chunked, chunked\r\n", REFUSED(400)},
    {"chunked_twice_on_two_lines", POST, H TE "chunked\r\n" TE "chunked\r\n", REFUSED(400)},
    {"chunked_not_last", POST, H TE "chunked, gzip\r\n", REFUSED(400)},
    {"chunked_not_last_on_two_lines", POST, H TE "chunked\r\n" TE "identity\r\n", REFUSED(400)},
    {"chunked_last_on_two_lines", POST, H TE "x\r\n" TE "chunked\r\n", REFUSED(400)},
    {"chunked_beside_empty_line", POST, H TE "\r\n" TE "chunked\r\n", REFUSED(400)},
    {"chunked_first_and_last", POST, H TE "chunked, gzip, chunked\r\n", REFUSED(400)},
    {"chunked_after_comma", POST, H TE ", chunked\r\n", REFUSED(400)},
    {"chunked_before_comma", POST, H TE "chunked,\r\n", REFUSED(400)},
    {"identity_alone", POST, H TE "identity\r\n", REFUSED(400)},
    {"gzip_alone", POST, H TE "gzip\r\n", REFUSED(400)},
    {"chunked_hidden_in_quotes", POST, H TE "a;b=\", chunked\"\r\n", REFUSED(400)},
    {"malformed_coding_before_chunked", POST, H TE "g zip, chunked\r\n", REFUSED(400)},
    {"gzip_then_chunked", POST, H TE "gzip, chunked\r\n", REFUSED(501)},
    {"unknown_then_chunked", POST, H TE "foo ,chunked\r\n", REFUSED(501)},
    {"unknown_with_parameter_then_chunked", POST, H TE "foo;a=b, chunked\r\n", REFUSED(501)},
    {"identity_then_chunked", POST, H TE "identity, chunked\r\n", REFUSED(501)},
};

static void assert_framing(struct framing framing, struct framing expected)
{
    assert_int_equal(framing.kind, expected.kind);
    if (expected.kind == FRAMING_LENGTH) {
        assert_int_equal(framing.length, expected.length);
    }
    if (expected.kind == FRAMING_REFUSED) {
        assert_int_equal(framing.status, expected.status);
        assert_non_null(framing.why);
    }
}

static void check_request(void **state)
{
    const struct request_row *row = *state;
    struct request request = request_of(row->line, row->fields);

    assert_framing(framing_of_request(&request), row->framing);
}

/* ---- responses ---- */

struct response_row {
    const char *name;
    enum method to;
    const char *line;
    const char *fields;
    struct framing framing;
};

#define OK "HTTP/1.1 200 OK"

static const struct response_row response_rows[] = {
    /* RFC 9112 6.3: items 1 and 2 */
    {"to_head_has_no_body", METHOD_HEAD, OK, CL "5\r\n", NONE},
    {"to_head_has_no_chunks", METHOD_HEAD, OK, TE "chunked\r\n", NONE},
    {"to_head_has_no_body_whatever_the_length", METHOD_HEAD, OK, CL "x\r\n", NONE},
    {"interim_has_no_body", METHOD_GET, "HTTP/1.1 100 Continue", CL "5\r\n", NONE},
    {"103_has_no_body", METHOD_GET, "HTTP/1.1 103 Early Hints", "", NONE},
    {"204_has_no_body", METHOD_GET, "HTTP/1.1 204 No Content", CL "5\r\n", NONE},
    {"304_has_no_body", METHOD_GET, "HTTP/1.1 304 Not Modified", CL "5\r\n", NONE},
    {"304_has_no_chunks", METHOD_GET, "HTTP/1.1 304 Not Modified", TE "chunked\r\n", NONE},
    {"2xx_to_connect_has_no_body", METHOD_CONNECT, OK, CL "5\r\n", NONE},
    {"3xx_to_connect_has_a_body", METHOD_CONNECT, "HTTP/1.1 300 No", CL "5\r\n", LENGTH(5)},
    {"4xx_to_connect_has_a_body", METHOD_CONNECT, "HTTP/1.1 405 No", CL "5\r\n", LENGTH(5)},
    /* items 4 to 8 */
    {"chunked_response", METHOD_GET, OK, TE "chunked\r\n", CHUNKED},
    {"chunked_last_of_several", METHOD_GET, OK, TE "gzip, chunked\r\n", CHUNKED},
    {"chunked_last_of_several_lines", METHOD_GET, OK, TE "gzip\r\n" TE "chunked\r\n", CHUNKED},
    {"chunked_overrides_length", METHOD_GET, OK, CL "5\r\n" TE "chunked\r\n", CHUNKED},
    {"other_coding_ends_with_the_connection", METHOD_GET, OK, TE "gzip\r\n", CLOSE},
    {"other_coding_overrides_length", METHOD_GET, OK, CL "5\r\n" TE "gzip\r\n", CLOSE},
    {"chunked_twice_is_refused", METHOD_GET, OK, TE "chunked\r\n" TE "chunked\r\n", REFUSED(0)},
    {"chunked_not_last_ends_with_the_connection", METHOD_GET, OK, TE "chunked, gzip\r\n", CLOSE},
    {"chunked_not_last_on_two_lines_does", METHOD_GET, OK, TE "chunked\r\n" TE "a, b\r\n", CLOSE},
    {"chunked_first_and_last_is_refused", METHOD_GET, OK, TE "chunked, gzip, chunked\r\n",
     REFUSED(0)},
    {"malformed_coding_is_refused", METHOD_GET, OK, TE "chunked x\r\n", REFUSED(0)},
    {"empty_coding_is_refused", METHOD_GET, OK, TE "\r\n", REFUSED(0)},
    {"chunked_in_http_1_0_is_refused", METHOD_GET, "HTTP/1.0 200 OK", TE "chunked\r\n", REFUSED(0)},
    {"length_response", METHOD_GET, OK, CL "5\r\n", LENGTH(5)},
    {"length_response_in_http_1_0", METHOD_GET, "HTTP/1.0 200 OK", CL "5\r\n", LENGTH(5)},
    {"length_of_206", METHOD_GET, "HTTP/1.1 206 Part", CL "1\r\n", LENGTH(1)},
    {"length_of_205", METHOD_GET, "HTTP/1.1 205 Reset Content", CL "0\r\n", LENGTH(0)},
    {"length_malformed_is_refused", METHOD_GET, OK, CL "5x\r\n", REFUSED(400)},
    {"lengths_that_differ_are_refused", METHOD_GET, OK, CL "5\r\n" CL "6\r\n", REFUSED(400)},
    {"length_too_large_is_refused", METHOD_GET, OK, CL "9223372036854775808\r\n", REFUSED(400)},
    {"no_field_ends_with_the_connection", METHOD_GET, OK, "", CLOSE},
    {"no_field_to_post_ends_with_the_connection", METHOD_POST, OK, "", CLOSE},
    {"error_without_field_ends_with_the_connection", METHOD_GET, "HTTP/1.1 404 No", "", CLOSE},
};

static void check_response(void **state)
{
    const struct response_row *row = *state;
    struct response response = response_of(row->line, row->fields);
    struct framing framing = framing_of_response(&response, row->to);

    assert_int_equal(framing.kind, row->framing.kind);
    if (framing.kind == FRAMING_LENGTH) {
        assert_int_equal(framing.length, row->framing.length);
    }
    if (framing.kind == FRAMING_REFUSED) {
        assert_non_null(framing.why);
    }
}

/* ---- persistence ---- */

struct persist_row {
    const char *name;
    unsigned minor;
    const char *fields;
    bool persists;
};

/* RFC 9112 9.3 */
static const struct persist_row persist_rows[] = {
    {"http_1_1_persists", 1, "", true},
    {"http_1_1_with_close_ends", 1, "Connection: close\r\n", false},
    {"http_1_1_with_close_in_any_case_ends", 1, "Connection: Close\r\n", false},
    {"http_1_1_with_close_among_others_ends", 1, "Connection: upgrade, close\r\n", false},
    {"http_1_1_with_close_on_another_line_ends", 1,
     "Connection: keep-alive\r\nConnection: close\r\n", false},
    {"http_1_1_with_keep_alive_persists", 1, "Connection: keep-alive\r\n", true},
    {"http_1_1_with_another_option_persists", 1, "Connection: Upgrade\r\n", true},
    {"close_beats_keep_alive", 1, "Connection: keep-alive, close\r\n", false},
    {"http_1_0_ends", 0, "", false},
    {"http_1_0_with_keep_alive_persists", 0, "Connection: Keep-Alive\r\n", true},
    {"http_1_0_with_keep_alive_on_another_line_persists", 0,
     "Connection: x\r\nConnection: keep-alive\r\n", true},
    {"http_1_0_with_both_ends", 0, "Connection: keep-alive, close\r\n", false},
    {"http_1_0_with_another_option_ends", 0, "Connection: x\r\n", false},
    {"keep_alive_field_alone_persists_nothing", 0, "Keep-Alive: timeout=5\r\n", false},
};

static void check_persist(void **state)
{
    const struct persist_row *row = *state;
    char fields[200];

    snprintf(fields, sizeof(fields), "Host: a\r\n%s", row->fields);
    struct request request = request_of(row->minor ? "GET / HTTP/1.1" : "GET / HTTP/1.0", fields);
    assert_int_equal(framing_request_persists(&request), row->persists);
    struct response response =
        response_of(row->minor ? "HTTP/1.1 200 OK" : "HTTP/1.0 200 OK", row->fields);
    assert_int_equal(framing_response_persists(&response), row->persists);
}

/* RFC 9112 6.3: such a message may be an attempt at smuggling. */
static void a_response_with_length_and_coding_ends_its_connection(void **state)
{
    struct response response = response_of(OK, CL "5\r\n" TE "chunked\r\n");

    (void)state;
    assert_false(framing_response_persists(&response));
    response = response_of(OK, CL "5\r\n");
    assert_true(framing_response_persists(&response));
    response = response_of(OK, TE "chunked\r\n");
    assert_true(framing_response_persists(&response));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 400);
    suite_add_rows(&suite, check_request, ROWS(request_rows));
    suite_add_rows(&suite, check_response, ROWS(response_rows));
    suite_add_rows(&suite, check_persist, ROWS(persist_rows));
    suite_add(&suite, CASE(a_response_with_length_and_coding_ends_its_connection));
    int failed = suite_run(&suite, "http/framing");
    guard_finish(&guard);
    return failed;
}
