#include "client/reply.h"

#include "lib/base/clock.h"
#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct guard guard;

#define HEAD "HTTP/1.1 200 OK\r\n"
#define END "\r\n\r\n"

enum ending {
    BY_ITSELF,  /* the reply says where it ends */
    BY_CLOSING, /* the connection ends */
};

struct row {
    const char *name;
    enum method to;
    struct bytes text;
    enum ending ending;
    enum reply_outcome outcome;
    unsigned status;
    uint64_t body;
    bool persists;
    size_t rest; /* bytes that do not belong to it */
};

static const struct row rows[] = {
    {"length", METHOD_GET, TEXT(HEAD "Content-Length: 5" END "hello"), BY_ITSELF, REPLY_COMPLETE,
     200, 5, true, 0},
    {"length_zero", METHOD_GET, TEXT(HEAD "Content-Length: 0" END), BY_ITSELF, REPLY_COMPLETE, 200,
     0, true, 0},
    {"bytes_after_length_are_left", METHOD_GET, TEXT(HEAD "Content-Length: 5" END "hello!!"),
     BY_ITSELF, REPLY_COMPLETE, 200, 5, true, 2},
    {"chunked", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n"), BY_ITSELF,
     REPLY_COMPLETE, 200, 6, true, 0},
    {"chunked_with_trailers", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "2\r\nhi\r\n0\r\nA: b\r\n\r\nX"), BY_ITSELF,
     REPLY_COMPLETE, 200, 2, true, 1},
    {"chunked_overrides_length_and_ends_the_connection", METHOD_GET,
     TEXT(HEAD "Content-Length: 9\r\nTransfer-Encoding: chunked" END "2\r\nhi\r\n0\r\n\r\n"),
     BY_ITSELF, REPLY_COMPLETE, 200, 2, false, 0},
    {"neither_ends_with_the_connection", METHOD_GET, TEXT(HEAD "A: b" END "hello"), BY_CLOSING,
     REPLY_COMPLETE, 200, 5, false, 0},
    {"neither_and_empty", METHOD_GET, TEXT(HEAD "A: b" END), BY_CLOSING, REPLY_COMPLETE, 200, 0,
     false, 0},
    {"head_has_no_body", METHOD_HEAD, TEXT(HEAD "Content-Length: 5" END), BY_ITSELF, REPLY_COMPLETE,
     200, 0, true, 0},
    {"head_of_chunked_has_no_body", METHOD_HEAD, TEXT(HEAD "Transfer-Encoding: chunked" END),
     BY_ITSELF, REPLY_COMPLETE, 200, 0, true, 0},
    {"no_content", METHOD_GET, TEXT("HTTP/1.1 204 No Content\r\nA: b" END), BY_ITSELF,
     REPLY_COMPLETE, 204, 0, true, 0},
    {"not_modified_has_no_body_whatever_its_length", METHOD_GET,
     TEXT("HTTP/1.1 304 Not Modified\r\nContent-Length: 5" END), BY_ITSELF, REPLY_COMPLETE, 304, 0,
     true, 0},
    {"interim_replies_are_passed_over", METHOD_GET,
     TEXT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>" END HEAD
          "Content-Length: 2" END "ok"),
     BY_ITSELF, REPLY_COMPLETE, 200, 2, true, 0},
    {"interim_reply_may_not_switch_protocols", METHOD_GET,
     TEXT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x" END), BY_ITSELF, REPLY_BROKEN, 0, 0,
     false, 0},
    {"error_has_a_body_too", METHOD_GET,
     TEXT("HTTP/1.1 404 Not Found\r\nContent-Length: 4" END "nope"), BY_ITSELF, REPLY_COMPLETE, 404,
     4, true, 0},
    {"close_ends_the_connection", METHOD_GET,
     TEXT(HEAD "Connection: close\r\nContent-Length: 1" END "x"), BY_ITSELF, REPLY_COMPLETE, 200, 1,
     false, 0},
    {"http_1_0_ends_the_connection", METHOD_GET,
     TEXT("HTTP/1.0 200 OK\r\nContent-Length: 1" END "x"), BY_ITSELF, REPLY_COMPLETE, 200, 1, false,
     0},
    {"http_1_0_keeps_it_when_it_says_so", METHOD_GET,
     TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1" END "x"), BY_ITSELF,
     REPLY_COMPLETE, 200, 1, true, 0},
    {"http_1_0_without_length", METHOD_GET, TEXT("HTTP/1.0 200 OK" END "hello"), BY_CLOSING,
     REPLY_COMPLETE, 200, 5, false, 0},
    {"reason_may_be_missing", METHOD_GET, TEXT("HTTP/1.1 200\r\nContent-Length: 0" END), BY_ITSELF,
     REPLY_COMPLETE, 200, 0, true, 0},
    /* RFC 9112 5.2 */
    {"folded_length", METHOD_GET, TEXT(HEAD "Content-Length:\r\n 5" END "hello"), BY_ITSELF,
     REPLY_COMPLETE, 200, 5, true, 0},
    {"folded_codings", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: gzip,\r\n\tchunked" END "2\r\nhi\r\n0\r\n\r\n"), BY_ITSELF,
     REPLY_COMPLETE, 200, 2, true, 0},
    {"folded_again_and_again", METHOD_GET,
     TEXT(HEAD "A: b\r\n \r\n  c\r\n\td: e\r\nContent-Length: 1\r\n " END "\r\n x"), BY_ITSELF,
     REPLY_COMPLETE, 200, 1, true, 3},
    {"folded_interim_reply", METHOD_GET,
     TEXT("HTTP/1.1 103 Early Hints\r\nLink:\r\n </x>" END HEAD "Content-Length: 0" END), BY_ITSELF,
     REPLY_COMPLETE, 200, 0, true, 0},
    {"folded_trailer", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "0\r\nA: b\r\n c\r\n\t\r\nD:\r\n e\r\n\r\n"),
     BY_ITSELF, REPLY_COMPLETE, 200, 0, true, 0},
    {"folded_between_the_digits_of_a_length", METHOD_GET, TEXT(HEAD "Content-Length: 1\r\n 2" END),
     BY_ITSELF, REPLY_BROKEN, 200, 0, true, 0},
    {"folded_first_trailer", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "0\r\n c\r\n\r\n"), BY_ITSELF, REPLY_BROKEN, 200, 0,
     true, 0},
    {"folded_behind_the_status_line", METHOD_GET, TEXT(HEAD " A: b\r\nContent-Length: 0" END),
     BY_ITSELF, REPLY_BROKEN, 0, 0, false, 0},
    {"folded_and_malformed", METHOD_GET, TEXT(HEAD "A: b\r\n c\r\nD" END), BY_ITSELF, REPLY_BROKEN,
     0, 0, false, 0},

    {"closed_within_the_head", METHOD_GET, TEXT(HEAD "Content-Le"), BY_CLOSING, REPLY_BROKEN, 0, 0,
     false, 0},
    {"closed_within_the_body", METHOD_GET, TEXT(HEAD "Content-Length: 5" END "hell"), BY_CLOSING,
     REPLY_BROKEN, 200, 4, true, 0},
    {"closed_before_the_body", METHOD_GET, TEXT(HEAD "Content-Length: 5" END), BY_CLOSING,
     REPLY_BROKEN, 200, 0, true, 0},
    {"closed_within_a_chunk", METHOD_GET, TEXT(HEAD "Transfer-Encoding: chunked" END "5\r\nhel"),
     BY_CLOSING, REPLY_BROKEN, 200, 3, true, 0},
    {"closed_before_the_last_chunk", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "5\r\nhello\r\n"), BY_CLOSING, REPLY_BROKEN, 200, 5,
     true, 0},
    {"closed_within_the_trailers", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "0\r\nA: b\r\n"), BY_CLOSING, REPLY_BROKEN, 200, 0,
     true, 0},
    {"closed_after_an_interim_reply", METHOD_GET, TEXT("HTTP/1.1 100 Continue\r\n\r\n"), BY_CLOSING,
     REPLY_BROKEN, 0, 0, false, 0},
    {"not_http", METHOD_GET, TEXT("SSH-2.0-OpenSSH_9.2\r\n"), BY_ITSELF, REPLY_BROKEN, 0, 0, false,
     0},
    {"http_2", METHOD_GET, TEXT("HTTP/2.0 200 OK\r\n\r\n"), BY_ITSELF, REPLY_BROKEN, 0, 0, false,
     0},
    {"two_lengths_that_differ", METHOD_GET, TEXT(HEAD "Content-Length: 5\r\nContent-Length: 6" END),
     BY_ITSELF, REPLY_BROKEN, 200, 0, true, 0},
    {"length_is_no_number", METHOD_GET, TEXT(HEAD "Content-Length: 5x" END), BY_ITSELF,
     REPLY_BROKEN, 200, 0, true, 0},
    {"negative_length", METHOD_GET, TEXT(HEAD "Content-Length: -1" END), BY_ITSELF, REPLY_BROKEN,
     200, 0, true, 0},
    {"chunk_size_is_no_number", METHOD_GET, TEXT(HEAD "Transfer-Encoding: chunked" END "x\r\n"),
     BY_ITSELF, REPLY_BROKEN, 200, 0, true, 0},
    {"chunk_without_its_line_end", METHOD_GET,
     TEXT(HEAD "Transfer-Encoding: chunked" END "2\r\nhiXX"), BY_ITSELF, REPLY_BROKEN, 200, 2, true,
     0},
    {"field_without_a_name", METHOD_GET, TEXT(HEAD ": x" END), BY_ITSELF, REPLY_BROKEN, 0, 0, false,
     0},
    {"line_ends_without_cr", METHOD_GET, TEXT("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), BY_ITSELF,
     REPLY_BROKEN, 0, 0, false, 0},
};

/* Shows the reply `slice` bytes more at a time, what was not used again, as the contract asks. */
static enum reply_outcome feed(struct reply *reply, const struct row *row, size_t slice,
                               size_t *used_in_all)
{
    const char *why = NULL;
    struct reply_memory memory = {0};
    size_t from = 0;
    enum reply_outcome outcome = REPLY_MORE;
    for (size_t to = slice; outcome == REPLY_MORE && from < row->text.len; to += slice) {
        size_t end = to < row->text.len ? to : row->text.len;
        struct bytes shown = {row->text.at + from, end - from};
        size_t used = 0;
        outcome = reply_read(reply, &memory, row->to, guard_copy(&guard, shown), NULL, &used, &why);
        assert_true(used <= shown.len);
        from += outcome == REPLY_BROKEN ? 0 : used;
        if (end == row->text.len) {
            break;
        }
    }
    if (outcome == REPLY_MORE) {
        assert_int_equal(row->ending, BY_CLOSING);
        outcome = reply_end(reply, &why);
    }
    if (outcome == REPLY_BROKEN) {
        assert_non_null(why);
    }
    *used_in_all = from;
    return outcome;
}

static void is_read_in_slices_of_any_size(void **state)
{
    const struct row *row = *state;
    for (size_t slice = 1; slice <= row->text.len; slice++) {
        struct reply reply = {0};
        size_t used;
        assert_int_equal(feed(&reply, row, slice, &used), row->outcome);
        assert_int_equal(reply.status, row->status);
        assert_int_equal(reply.body, row->body);
        if (row->outcome == REPLY_COMPLETE) {
            assert_int_equal(reply.persists, row->persists);
            /* what lies beyond the end may or may not have been shown */
            assert_true(used <= row->text.len - row->rest);
            assert_true(used + row->rest <= row->text.len);
            assert_int_equal(used, row->text.len - row->rest);
        }
    }
}

struct delay_row {
    const char *name;
    const char *value;
    bool has;
    uint64_t ns;
};

static const struct delay_row delay_rows[] = {
    {"delay_whole_seconds", "3", true, 3 * NS_PER_S},
    {"delay_with_decimals", "1.25", true, 1250 * NS_PER_MS},
    {"delay_to_the_nanosecond", "0.000000001", true, 1},
    {"delay_beyond_the_nanosecond", "0.0000000019", true, 1},
    {"delay_zero", "0.000000", true, 0},
    {"delay_with_words", "1s", false, 0},
    {"delay_negative", "-1", false, 0},
    {"delay_empty", "", false, 0},
    {"delay_without_whole_part", ".5", false, 0},
    {"delay_of_centuries", "99999999999", false, 0},
};

static void delay_is_read(void **state)
{
    const struct delay_row *row = *state;
    char text[128];
    struct reply_memory memory = {0};
    const char *why;
    size_t used;
    struct reply reply = {0};
    int len = snprintf(text, sizeof(text), HEAD "Delay: %s\r\nContent-Length: 0" END, row->value);
    struct bytes shown = guard_copy(&guard, (struct bytes){text, (size_t)len});
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, shown, NULL, &used, &why),
                     REPLY_COMPLETE);
    assert_int_equal(reply.has_delay, row->has);
    if (row->has) {
        assert_int_equal(reply.delay_ns, row->ns);
    }
}

/* ---- content that is not looked at ---- */

static struct reply begun(const char *text)
{
    struct reply reply = {0};
    struct reply_memory memory = {0};
    const char *why;
    size_t used;
    struct bytes shown = bytes_of(text);
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, shown, NULL, &used, &why), REPLY_MORE);
    assert_int_equal(used, shown.len);
    return reply;
}

static void body_of_known_length_need_not_be_seen(void **state)
{
    (void)state;
    struct reply reply = begun(HEAD "Content-Length: 5000000000" END "abc");
    assert_int_equal(reply_unseen(&reply), UINT64_C(4999999997));
    assert_int_equal(reply_pass(&reply, UINT64_C(4999999996)), REPLY_MORE);
    assert_int_equal(reply_pass(&reply, 1), REPLY_COMPLETE);
    assert_int_equal(reply.body, UINT64_C(5000000000));
}

static void body_until_close_need_not_be_seen(void **state)
{
    const char *why;
    (void)state;
    struct reply reply = begun(HEAD "A: b" END);
    assert_int_equal(reply_unseen(&reply), UINT64_MAX);
    assert_int_equal(reply_pass(&reply, 123456), REPLY_MORE);
    assert_int_equal(reply_end(&reply, &why), REPLY_COMPLETE);
    assert_int_equal(reply.body, 123456);
}

static void chunk_sizes_must_be_seen_and_chunks_need_not(void **state)
{
    struct reply_memory memory = {0};
    const char *why;
    size_t used;
    (void)state;
    struct reply reply = begun(HEAD "Transfer-Encoding: chunked" END "10");
    assert_int_equal(reply_unseen(&reply), 0);
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, BYTES("\r\n"), NULL, &used, &why),
                     REPLY_MORE);
    assert_int_equal(reply_unseen(&reply), 16);
    assert_int_equal(reply_pass(&reply, 16), REPLY_MORE);
    assert_int_equal(reply_unseen(&reply), 0);
    struct bytes rest = BYTES("\r\n0\r\n\r\n");
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, rest, NULL, &used, &why),
                     REPLY_COMPLETE);
    assert_int_equal(reply.body, 16);
}

static void head_must_be_seen(void **state)
{
    (void)state;
    struct reply reply = {0};
    assert_int_equal(reply_unseen(&reply), 0);
}

static void head_without_end_is_given_up(void **state)
{
    static char text[REPLY_HEAD_MAX + 1];
    struct reply_memory memory = {0};
    const char *why;
    size_t used;
    (void)state;
    struct reply reply = {0};
    memset(text, 'x', sizeof(text));
    memcpy(text, HEAD "A: ", sizeof(HEAD "A: ") - 1);
    struct bytes nearly = {text, REPLY_HEAD_MAX - 1};
    struct bytes all = {text, REPLY_HEAD_MAX};
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, nearly, NULL, &used, &why),
                     REPLY_MORE);
    assert_int_equal(used, 0);
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, all, NULL, &used, &why), REPLY_BROKEN);
}

/* ---- heads that come again ---- */

/* Reads one reply that is shown whole, in a fresh struct. */
static struct reply read_whole(struct reply_memory *memory, const char *text)
{
    struct reply reply = {0};
    const char *why;
    size_t used;
    struct bytes shown = guard_copy(&guard, bytes_of(text));
    assert_int_equal(reply_read(&reply, memory, METHOD_GET, shown, NULL, &used, &why),
                     REPLY_COMPLETE);
    assert_int_equal(used, shown.len);
    return reply;
}

static void the_same_head_again_comes_to_the_same(void **state)
{
    static const char *const texts[] = {
        HEAD "Content-Length: 5" END "hello",
        HEAD "Connection: close\r\nDelay: 1.5\r\nContent-Length: 5" END "hello",
        HEAD "Transfer-Encoding: chunked" END "5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 5" END "hello",
        "HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 5" END "hello",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct reply_memory memory = {0};
        struct reply first = read_whole(&memory, texts[i]);
        struct reply again = read_whole(&memory, texts[i]);
        assert_int_equal(again.status, first.status);
        assert_int_equal(again.persists, first.persists);
        assert_int_equal(again.has_delay, first.has_delay);
        assert_int_equal(again.delay_ns, first.delay_ns);
        assert_int_equal(again.body, 5);
    }
}

static void another_head_comes_to_something_else(void **state)
{
    struct reply_memory memory = {0};
    (void)state;
    read_whole(&memory, HEAD "Content-Length: 5" END "hello");
    assert_int_equal(read_whole(&memory, HEAD "Content-Length: 4" END "hell").body, 4);
    assert_int_equal(read_whole(&memory, HEAD "Content-Length: 5" END "hello").body, 5);
    assert_int_equal(read_whole(&memory, "HTTP/1.1 404 OK\r\nContent-Length: 5" END "hello").status,
                     404);
}

static void the_beginning_of_the_same_head_is_not_the_head(void **state)
{
    struct reply_memory memory = {0};
    struct reply reply = {0};
    const char *why;
    size_t used;
    (void)state;
    read_whole(&memory, HEAD "Content-Length: 0" END);
    struct bytes part = guard_copy(&guard, BYTES(HEAD "Content-Length: 0\r\n"));
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, part, NULL, &used, &why), REPLY_MORE);
    assert_int_equal(used, 0);
    part = guard_copy(&guard, BYTES(HEAD "Content-Length: 0\r\nA: b" END));
    assert_int_equal(reply_read(&reply, &memory, METHOD_GET, part, NULL, &used, &why),
                     REPLY_COMPLETE);
    assert_int_equal(used, part.len);
}

static void a_long_head_is_read_each_time(void **state)
{
    static char text[2 * REPLY_MEMORY_MAX];
    struct reply_memory memory = {0};
    (void)state;
    int len = snprintf(text, sizeof(text), HEAD "Content-Length: 0\r\nA: ");
    memset(text + len, 'x', REPLY_MEMORY_MAX);
    strcpy(text + len + REPLY_MEMORY_MAX, END);
    assert_int_equal(read_whole(&memory, text).status, 200);
    assert_int_equal(memory.size, 0);
    assert_int_equal(read_whole(&memory, text).status, 200);
}

/* However it is framed and cut, and whatever stood in the head. */
static void content_is_digested_without_its_framing(void **state)
{
    static const struct bytes replies[] = {
        TEXT(HEAD "Content-Length: 8" END "helloyou"),
        TEXT(HEAD "Transfer-Encoding: chunked" END "5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\nA: b" END),
        TEXT("HTTP/1.1 100 Continue" END HEAD "A: b" END "helloyou"),
    };
    struct digest wanted;
    (void)state;
    digest_init(&wanted);
    digest_add(&wanted, "helloyou", 8);
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        for (size_t slice = 1; slice <= replies[i].len; slice++) {
            struct reply reply = {0};
            struct reply_memory memory = {0};
            struct digest content;
            size_t from = 0;
            for (size_t to = slice; from < replies[i].len; to += slice) {
                const char *why;
                size_t used;
                size_t end = to < replies[i].len ? to : replies[i].len;
                struct bytes shown = {replies[i].at + from, end - from};
                assert_true(reply_read(&reply, &memory, METHOD_GET, shown, &content, &used, &why) !=
                            REPLY_BROKEN);
                from += used;
            }
            assert_int_equal(reply.body, 8);
            assert_true(digest_end(&content) == digest_end(&wanted));
        }
    }
}

int main(void)
{
    static struct suite suite;
    guard_init(&guard, 4096);
    suite_add_rows(&suite, is_read_in_slices_of_any_size, ROWS(rows));
    suite_add_rows(&suite, delay_is_read, ROWS(delay_rows));
    suite_add(&suite, CASE(body_of_known_length_need_not_be_seen));
    suite_add(&suite, CASE(body_until_close_need_not_be_seen));
    suite_add(&suite, CASE(chunk_sizes_must_be_seen_and_chunks_need_not));
    suite_add(&suite, CASE(head_must_be_seen));
    suite_add(&suite, CASE(head_without_end_is_given_up));
    suite_add(&suite, CASE(the_same_head_again_comes_to_the_same));
    suite_add(&suite, CASE(another_head_comes_to_something_else));
    suite_add(&suite, CASE(the_beginning_of_the_same_head_is_not_the_head));
    suite_add(&suite, CASE(a_long_head_is_read_each_time));
    suite_add(&suite, CASE(content_is_digested_without_its_framing));
    return suite_run(&suite, "client/reply");
}
