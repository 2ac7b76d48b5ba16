/* How a talk ends: refusals, ends that come early, ends that were wished for, and that nothing is
 * said or read behind them. */
#include "tests/unit/server/one_talk.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define FILL_100                                                                                  \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "123456789"
#define FILL_500 FILL_100 FILL_100 FILL_100 FILL_100 FILL_100
#define FIELDS_5 "A: b\r\nC: d\r\nE: f\r\nG: h\r\nI: j\r\n"

/* --- refusals --------------------------------------------------------------------------------- */

/* One reply, which says that it is the last; the connection lingers so that the reply is not reset
 * away by what still comes (RFC 9112 9.6). */
struct refused_row {
    const char *name;
    const char *request;
    unsigned status;
};

static const struct refused_row refused_rows[] = {
    {"no_request_line", "\r\n\r\n", 400},
    {"words_that_are_no_request", "hello there\r\n\r\n", 400},
    {"two_spaces", "GET  /a.txt" HOST "\r\n", 400},
    {"tab_for_a_space", "GET\t/a.txt" HOST "\r\n", 400},
    {"no_version", "GET /a.txt\r\nHost: a\r\n\r\n", 400},
    {"version_in_lower_case", "GET /a.txt http/1.1\r\nHost: a\r\n\r\n", 400},
    {"bare_line_feeds", "GET /a.txt HTTP/1.1\nHost: a\n\n", 400},
    {"bare_carriage_return", "GET /a.txt" HOST "A: b\rC: d\r\n\r\n", 400},
    {"control_byte", "GET /a.txt" HOST "A: \001\r\n\r\n", 400},
    {"space_before_the_colon", "GET /a.txt" HOST "A : b\r\n\r\n", 400},
    {"folded_line", "GET /a.txt" HOST "A: b\r\n c\r\n\r\n", 400},
    {"empty_name", "GET /a.txt" HOST ": b\r\n\r\n", 400},
    {"no_host", "GET /a.txt HTTP/1.1\r\n\r\n", 400},
    {"two_hosts", "GET /a.txt" HOST "Host: a\r\n\r\n", 400},
    {"bad_host", "GET /a.txt HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"two_lengths", "GET /a.txt" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
    {"list_of_lengths", "GET /a.txt" HOST "Content-Length: 1, 1\r\n\r\nx", 400},
    {"length_with_a_sign", "GET /a.txt" HOST "Content-Length: +1\r\n\r\nx", 400},
    {"length_beside_coding", "GET /a.txt" HOST "Content-Length: 1\r\n" CHUNKED "\r\n0\r\n\r\n",
     400},
    {"chunked_not_last", "GET /a.txt" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {"chunked_twice", "GET /a.txt" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {"coding_in_http_1_0", "GET /a.txt HTTP/1.0\r\n" CHUNKED "\r\n0\r\n\r\n", 400},
    {"unknown_coding", "GET /a.txt" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"version_2", "GET /a.txt HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"version_0_9", "GET /a.txt HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"target_too_long", "GET /" FILL_500 FILL_500 FILL_100 HOST "\r\n", 414},
    {"head_too_large", "GET /a.txt" HOST "A: " FILL_500 FILL_500 FILL_500 FILL_500 FILL_100 "\r\n",
     431},
    {"too_many_fields", "GET /a.txt" HOST FIELDS_5 FIELDS_5 FIELDS_5 FIELDS_5 "\r\n", 431},
};

static void refused_row(void **state)
{
    const struct refused_row *row = *state;
    static char input[8192];
    for (int before = 0; before < 3; before++) {
        snprintf(input, sizeof(input), "%s%s" GET("/b.txt") GET("/b.txt"),
                 before == 2   ? GET("/a.txt") GET("/none")
                 : before == 1 ? GET("/a.txt")
                               : "",
                 row->request);
        static const size_t slices[] = {0, 1, 2, 64};
        for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
            talk.slice = slices[i];
            talk_begin(&talk);
            talk_play(&talk, bytes_of(input));
            talk_replies(&talk, &replies, "GGG");
            assert_int_equal(replies.count, before + 1);
            const struct seen *last = &replies.at[before];
            assert_int_equal(last->status, row->status);
            assert_true(last->closes);
            assert_true(last->body.len > 0);
            assert_bytes(seen_field(last, "Date"), BYTES("Sun, 06 Nov 1994 08:49:37 GMT"));
            assert_step(&talk, STEP_CLOSE);
            assert_true(talk.step.close.linger);
            talk_end(&talk);
        }
    }
}

/* The largest that are allowed, byte by byte. */
static void limits_are_reached_without_harm(void **state)
{
    (void)state;
    static char input[4096];
    for (int over = 0; over < 2; over++) {
        int len = snprintf(input, sizeof(input), "GET /");
        int fill = (int)talk.site.limits.request.target - 1 + over;
        len += snprintf(input + len, sizeof(input) - (size_t)len, "%0*d" HOST "\r\n", fill, 0);
        for (talk.slice = 0; talk.slice < 3; talk.slice++) {
            talk_begin(&talk);
            talk_play(&talk, (struct bytes){input, (size_t)len});
            talk_replies(&talk, &replies, "G");
            assert_int_equal(replies.at[0].status, over ? 414 : 404);
            talk_end(&talk);
        }

        len = snprintf(input, sizeof(input), "GET /a.txt" HOST "A: ");
        fill = (int)talk.site.limits.request.head - len - 4 + over;
        len += snprintf(input + len, sizeof(input) - (size_t)len, "%0*d\r\n\r\n", fill, 0);
        for (talk.slice = 0; talk.slice < 3; talk.slice++) {
            talk_begin(&talk);
            talk_play(&talk, (struct bytes){input, (size_t)len});
            talk_replies(&talk, &replies, "G");
            assert_int_equal(replies.at[0].status, over ? 431 : 200);
            talk_end(&talk);
        }
    }
}

/* --- ends that come early --------------------------------------------------------------------- */

static void an_end_at_rest_is_the_end(void **state)
{
    (void)state;
    for (int requests = 0; requests < 2; requests++) {
        talk_begin(&talk);
        talk_play(&talk, requests ? BYTES(GET("/a.txt")) : BYTES(""));
        size_t said = talk.output_len;
        talk_tell(&talk, (struct outcome){CAME_ENDED, 0});
        assert_step(&talk, STEP_CLOSE);
        assert_false(talk.step.close.linger);
        assert_int_equal(talk.output_len, said);
        talk_end(&talk);
    }
}

/* A request that did not come to its end is not answered (RFC 9112 8). */
static void an_end_within_a_head_is_the_end(void **state)
{
    (void)state;
    static const char request[] = GET("/a.txt");
    for (size_t len = 1; len < sizeof(request) - 1; len++) {
        talk_begin(&talk);
        talk_play(&talk, (struct bytes){request, len});
        talk_tell(&talk, (struct outcome){CAME_ENDED, 0});
        assert_step(&talk, STEP_CLOSE);
        assert_int_equal(talk.output_len, 0);
        talk_end(&talk);
    }
}

/* A client may end its side behind its last request and still be owed the replies. */
static void replies_are_sent_before_an_end_is_looked_for(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") GET("/large") GET("/b.txt")));
    talk_replies(&talk, &replies, "GGG");
    assert_int_equal(replies.count, 3);
    talk_tell(&talk, (struct outcome){CAME_ENDED, 0});
    assert_step(&talk, STEP_CLOSE);
    talk_end(&talk);
}

/* A connection that is no more has nobody to linger for, whatever it had said before. */
static void a_lost_connection_is_closed_at_once(void **state)
{
    (void)state;
    static const char *const heard[] = {"", "GET /a",
                                        "POST /a.txt" HOST "Content-Length: 5\r\n\r\nab"};
    for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++) {
        talk_begin(&talk);
        talk_play(&talk, bytes_of(heard[i]));
        talk_tell(&talk, (struct outcome){CAME_FAILED, 0});
        assert_step(&talk, STEP_CLOSE);
        assert_false(talk.step.close.linger);
        assert_int_equal(talk.output_len, 0);
        talk_end(&talk);
    }
}

/* The client is gone or took nothing since the last deadline, or the file is not what its head
 * said: the reply must not look whole, and whatever else was asked for is not answered. */
static void a_send_that_fails_cuts_the_connection(void **state)
{
    (void)state;
    static const char *const inputs[] = {GET("/large"),         GET("/large") GET("/b.txt"),
                                         GET("/a.txt") "GET /", "GET /a.txt HTTP/1.0\r\n\r\nmore",
                                         "no request\r\n\r\n",  GET("/large") "GET /b"};
    static const struct outcome ends[] = {{CAME_FAILED, 0}, {CAME_TIMED_OUT, 0}};
    for (size_t i = 0; i < 2 * sizeof(inputs) / sizeof(inputs[0]); i++) {
        talk_begin(&talk);
        talk_said(&talk, bytes_of(inputs[i / 2]));
        while (talk.step.kind == STEP_FETCH) {
            talk_looked_up(&talk);
        }
        talk_sent(&talk, 5);
        assert_sends(&talk);
        talk_tell(&talk, ends[i % 2]);
        if (ends[i % 2].kind == CAME_TIMED_OUT) { /* the first deadline only looks */
            assert_sends(&talk);
            talk_tell(&talk, ends[i % 2]);
        }
        assert_step(&talk, STEP_CLOSE);
        assert_false(talk.step.close.linger);
        assert_int_equal(talk.output_len, 5);
        talk_end(&talk);
    }
}

/* The kernel says that a socket is writable only when a third of what it holds has been taken: a
 * slow reader is told by what is still unsent at one deadline and at the next. */
static void a_reader_who_takes_little_is_waited_for(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    talk_sent(&talk, 5);
    for (size_t unsent = 4000; unsent > 0; unsent -= 1000) {
        talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, unsent});
        assert_sends(&talk);
    }
    talk_sent(&talk, 5);
    talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, 1004}); /* it took one byte meanwhile */
    assert_sends(&talk);
    talk_sent(&talk, 5);
    talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, 1009}); /* what was sent is all still there */
    assert_step(&talk, STEP_CLOSE);
    talk_end(&talk);
}

static void after_the_end_nothing_else_is_asked_for(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES("no request\r\n\r\n"));
    assert_step(&talk, STEP_CLOSE);
    struct step first = talk.step;
    for (int kind = CAME_DONE; kind <= CAME_FAILED; kind++) {
        talk_tell(&talk, (struct outcome){(unsigned)kind, 0});
        assert_step(&talk, STEP_CLOSE);
        assert_int_equal(talk.step.close.linger, first.close.linger);
    }
    talk_end(&talk);
}

/* --- ends that the server wishes for ---------------------------------------------------------- */

static void the_last_of_so_many_requests_says_so(void **state)
{
    (void)state;
    for (unsigned most = 1; most < 5; most++) {
        for (talk.slice = 0; talk.slice < 30; talk.slice += 29) {
            talk.site.limits.requests = most;
            talk_begin(&talk);
            talk_play(&talk, BYTES(GET("/a.txt") GET("/none") GET("/a.txt") GET("/b.txt")
                                       GET("/a.txt") GET("/a.txt")));
            talk_replies(&talk, &replies, "GGGGGG");
            assert_int_equal(replies.count, most);
            for (unsigned i = 0; i < most; i++) {
                assert_int_equal(replies.at[i].closes, i == most - 1);
            }
            assert_step(&talk, STEP_CLOSE);
            assert_true(talk.step.close.linger); /* the client may be saying more */
            talk_end(&talk);
        }
    }
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, refused_row, ROWS(refused_rows));
    suite_add(&suite, CASE(limits_are_reached_without_harm));
    suite_add(&suite, CASE(an_end_at_rest_is_the_end));
    suite_add(&suite, CASE(an_end_within_a_head_is_the_end));
    suite_add(&suite, CASE(replies_are_sent_before_an_end_is_looked_for));
    suite_add(&suite, CASE(a_lost_connection_is_closed_at_once));
    suite_add(&suite, CASE(a_send_that_fails_cuts_the_connection));
    suite_add(&suite, CASE(a_reader_who_takes_little_is_waited_for));
    suite_add(&suite, CASE(after_the_end_nothing_else_is_asked_for));
    suite_add(&suite, CASE(the_last_of_so_many_requests_says_so));
    suite_frame(&suite, open_talk, close_talk);
    return suite_run(&suite, "server/session_end");
}
