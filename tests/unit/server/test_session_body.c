/* Request bodies: dropped, bounded, and never taken for a request. */
#include "tests/unit/server/one_talk.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"
#define CONTINUE "Expect: 100-continue\r\n"

/* --- bodies that are dropped ------------------------------------------------------------------ */

/* A request with a body: then "GET /b.txt", which has to be answered as if there had been none. */
struct dropped_row {
    const char *name;
    const char *request;
    unsigned status;
};

static const struct dropped_row dropped_rows[] = {
    {"body_of_a_length", "POST /a.txt" HOST "Content-Length: 11\r\n\r\nhello world", 405},
    {"body_of_a_get", "GET /a.txt" HOST "Content-Length: 11\r\n\r\nhello world", 200},
    {"body_of_no_length", "POST /a.txt" HOST "Content-Length: 0\r\n\r\n", 405},
    {"body_that_looks_like_a_request",
     "POST /a.txt" HOST "Content-Length: 32\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: b\r\n\r\n", 405},
    {"chunked_body", "PUT /a.txt" HOST CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 405},
    {"chunked_body_of_a_get", "GET /a.txt" HOST CHUNKED "5\r\nhello\r\n0\r\n\r\n", 200},
    {"empty_chunked_body", "POST /a.txt" HOST CHUNKED "0\r\n\r\n", 405},
    {"chunked_body_with_trailers", "POST /a.txt" HOST CHUNKED "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n",
     405},
    {"chunked_body_with_extensions", "POST /a.txt" HOST CHUNKED "1;a=b\r\nx\r\n0;c\r\n\r\n", 405},
    {"chunk_that_looks_like_a_request",
     "POST /a.txt" HOST CHUNKED "20\r\nGET /a.txt HTTP/1.1\r\nHost: b\r\n\r\n\r\n0\r\n\r\n", 405},
};

static void dropped_row(void **state)
{
    const struct dropped_row *row = *state;
    char input[1024];
    snprintf(input, sizeof(input), "%s%s", row->request, GET("/b.txt"));
    for (talk.slice = 0; talk.slice < 40; talk.slice++) {
        play(input, "GG");
        assert_int_equal(replies.count, 2);
        assert_int_equal(replies.at[0].status, row->status);
        assert_bytes(replies.at[1].body, BYTES("The Pharaon"));
        assert_step(&talk, STEP_READ);
        talk_end(&talk);
    }
}

static size_t write_chunked(char *to, size_t size, size_t chunk)
{
    size_t len = 0;
    for (size_t done = 0; done < size; done += chunk) {
        size_t piece = size - done < chunk ? size - done : chunk;
        len += (size_t)sprintf(to + len, "%zx\r\n", piece);
        memset(to + len, 'x', piece);
        len += piece;
        len += (size_t)sprintf(to + len, "\r\n");
    }
    return len + (size_t)sprintf(to + len, "0\r\n\r\n");
}

/* `size` bytes of a body, by its length or in chunks, then another request. */
static struct bytes write_post(char *to, size_t size, size_t chunk)
{
    size_t len;
    if (chunk == 0) {
        len = (size_t)sprintf(to, "POST /a.txt" HOST "Content-Length: %zu\r\n\r\n", size);
        memset(to + len, 'x', size);
        len += size;
    } else {
        len = (size_t)sprintf(to, "POST /a.txt" HOST CHUNKED);
        len += write_chunked(to + len, size, chunk);
    }
    return (struct bytes){to, len + (size_t)sprintf(to + len, GET("/b.txt"))};
}

static void bodies_up_to_the_limit_are_dropped_and_no_larger_ones(void **state)
{
    (void)state;
    static char input[100000];
    static const size_t slices[] = {0, 1, 7, 4000};
    for (size_t chunk = 0; chunk < 20000; chunk = chunk * 7 + 5) {
        for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
            for (size_t over = 0; over < 2; over++) {
                talk.slice = slices[i];
                talk_begin(&talk);
                talk_play(&talk, write_post(input, talk.site.limits.body + over, chunk));
                talk_replies(&talk, &replies, "PG");
                assert_int_equal(replies.at[0].status, over ? 413 : 405);
                assert_int_equal(replies.count, over ? 1 : 2);
                assert_int_equal(talk.over, over);
                talk_end(&talk);
            }
        }
    }
}

static void body_that_is_too_large_by_its_length_is_not_read(void **state)
{
    (void)state;
    play("POST /a.txt" HOST "Content-Length: 9223372036854775807\r\n\r\n", "P");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 413);
    assert_true(replies.at[0].closes);
    assert_step(&talk, STEP_CLOSE);
    assert_true(talk.step.close.linger);
    talk_end(&talk);
}

static void a_limit_of_nothing_lets_empty_bodies_through(void **state)
{
    (void)state;
    talk.site.limits.body = 0;
    play("POST /a.txt" HOST "Content-Length: 0\r\n\r\n"
         "POST /a.txt" HOST CHUNKED "0\r\n\r\n"
         "POST /a.txt" HOST CHUNKED "1\r\nx\r\n0\r\n\r\n",
         "PPP");
    assert_int_equal(replies.count, 3);
    assert_int_equal(replies.at[0].status, 405);
    assert_int_equal(replies.at[1].status, 405);
    assert_int_equal(replies.at[2].status, 413);
    talk_end(&talk);
}

/* Wherever in its room a head happens to end, its body passes behind it and leaves it whole. */
static void a_head_anywhere_in_its_room_keeps_room_for_its_body(void **state)
{
    (void)state;
    static char input[20000];
    for (size_t pad = 0; pad < 900; pad += 7) {
        for (size_t chunk = 0; chunk < 6000; chunk += 3001) {
            char *at = input;
            for (int i = 0; i < 4; i++) {
                at += sprintf(at, "GET /a.txt?%0*d" HOST "\r\n", (int)pad + 1, 0);
            }
            at += sprintf(at, "GET /b.txt" HOST "X-%0*d: y\r\n", (int)pad + 1, 0);
            size_t size = 5000;
            if (chunk == 0) {
                at += sprintf(at, "Content-Length: %zu\r\n\r\n", size);
                memset(at, 'x', size);
                at += size;
            } else {
                at += sprintf(at, CHUNKED);
                at += write_chunked(at, size, chunk);
            }
            at += sprintf(at, GET("/disk"));
            talk_begin(&talk);
            talk_play(&talk, (struct bytes){input, (size_t)(at - input)});
            talk_replies(&talk, &replies, "GGGGGG");
            assert_int_equal(replies.count, 6);
            assert_bytes(replies.at[4].body, BYTES("The Pharaon"));
            assert_bytes(replies.at[5].body, BYTES("on disk"));
            talk_end(&talk);
        }
    }
}

static void what_is_ready_leaves_before_a_body_is_waited_for(void **state)
{
    (void)state;
    static const char *const bodies[] = {"Content-Length: 5\r\n\r\nab", CHUNKED "5\r\nab"};
    for (int i = 0; i < 2; i++) {
        char input[256];
        snprintf(input, sizeof(input), GET("/a.txt") "POST /a.txt" HOST "%s", bodies[i]);
        play(input, "G");
        assert_int_equal(replies.count, 1);
        assert_step(&talk, STEP_READ);
        assert_int_equal(talk.step.patience, PATIENCE_BODY);
        talk_end(&talk);
    }
}

static void malformed_chunks_are_400_and_the_end(void **state)
{
    (void)state;
    static const char *const bodies[] = {"x\r\n",
                                         "5\r\nhelloX\r\n",
                                         "-1\r\n",
                                         "5\nhello\r\n0\r\n\r\n",
                                         "0\r\nA b\r\n\r\n",
                                         "ffffffffffffffff\r\n"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char input[256];
        snprintf(input, sizeof(input), "POST /a.txt" HOST CHUNKED "%s" GET("/b.txt"), bodies[i]);
        for (talk.slice = 0; talk.slice < 5; talk.slice++) {
            play(input, "P");
            assert_int_equal(replies.count, 1);
            assert_int_equal(replies.at[0].status, 400);
            assert_true(replies.at[0].closes);
            assert_step(&talk, STEP_CLOSE);
            assert_true(talk.step.close.linger);
            talk_end(&talk);
        }
    }
}

/* The first thing that is wrong decides, however much comes at once. */
static void chunks_beyond_the_limit_are_413_whatever_follows(void **state)
{
    (void)state;
    static const char input[] = "POST /a.txt" HOST CHUNKED "1\r\nx\r\n9\r\n123456789\r\nx\r\n";
    talk.site.limits.body = 5;
    for (talk.slice = 0; talk.slice < 90; talk.slice++) {
        play(input, "P");
        assert_int_equal(replies.count, 1);
        assert_int_equal(replies.at[0].status, 413);
        talk_end(&talk);
    }
}

/* --- bodies that are asked for (RFC 9110 10.1.1) ---------------------------------------------- */

static void an_expected_body_is_asked_for(void **state)
{
    (void)state;
    static const char *const heads[] = {"GET /a.txt" HOST "Content-Length: 5\r\n" CONTINUE "\r\n",
                                        "GET /a.txt" HOST CONTINUE CHUNKED,
                                        "GET /a.txt" HOST "Expect: 100-Continue\r\n" CHUNKED};
    static const char *const bodies[] = {"hello", "5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n"};
    for (int i = 0; i < 3; i++) {
        play(heads[i], "G");
        assert_int_equal(replies.count, 1);
        assert_int_equal(replies.at[0].status, 100);
        assert_step(&talk, STEP_READ);
        assert_int_equal(talk.step.patience, PATIENCE_BODY);
        talk_play(&talk, bytes_of(bodies[i]));
        talk_replies(&talk, &replies, "G");
        assert_int_equal(replies.count, 2);
        assert_int_equal(replies.at[1].status, 200);
        assert_step(&talk, STEP_READ);
        talk_end(&talk);
    }
}

static void it_is_asked_for_after_the_replies_before_it(void **state)
{
    (void)state;
    char input[4096] = "";
    char methods[64] = "";
    for (unsigned before = 0; before < 2 * BATCH_REPLIES; before++) {
        char all[sizeof(input) + 128];
        snprintf(all, sizeof(all), "%sGET /b.txt" HOST "Content-Length: 2\r\n" CONTINUE "\r\n",
                 input);
        talk_begin(&talk);
        for (struct bytes rest = bytes_of(all); rest.len > 0; rest = talk.input) {
            talk_play(&talk, rest);
        }
        talk_replies(&talk, &replies, methods);
        assert_int_equal(replies.count, before + 1);
        assert_int_equal(replies.at[before].status, 100);
        talk_play(&talk, BYTES("ab" GET("/a.txt")));
        char more[sizeof(methods) + 3];
        snprintf(more, sizeof(more), "%sGG", methods);
        talk_replies(&talk, &replies, more);
        assert_int_equal(replies.count, before + 3);
        assert_bytes(replies.at[before + 1].body, BYTES("The Pharaon"));
        talk_end(&talk);
        strcat(input, "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        strcat(methods, "G");
    }
}

static void a_body_that_is_here_is_not_asked_for(void **state)
{
    (void)state;
    play("GET /a.txt" HOST "Content-Length: 5\r\n" CONTINUE "\r\nhel", "G");
    assert_int_equal(replies.count, 0);
    talk_play(&talk, BYTES("lo"));
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 200);
    talk_end(&talk);
}

static void http_1_0_does_not_know_it(void **state)
{
    (void)state;
    play("GET /a.txt HTTP/1.0\r\nContent-Length: 5\r\n" CONTINUE "\r\n", "G");
    assert_int_equal(replies.count, 0);
    talk_play(&talk, BYTES("hello"));
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 200);
    talk_end(&talk);
}

static void without_a_body_there_is_nothing_to_expect(void **state)
{
    (void)state;
    play("GET /a.txt" HOST CONTINUE "\r\n", "G");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 200);
    talk_end(&talk);
}

/* Refused at once: whether the client sends the body all the same cannot be known, so nothing more
 * is read as a request. */
static void a_body_for_nothing_is_refused_before_it_comes(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        unsigned status;
    } rows[] = {
        {"POST /a.txt" HOST "Content-Length: 5\r\n" CONTINUE "\r\n", 405},
        {"BREW /a.txt" HOST "Content-Length: 5\r\n" CONTINUE "\r\n", 501},
        {"PUT /a.txt" HOST CONTINUE CHUNKED, 405},
        {"GET /a.txt" HOST "Content-Length: 20000\r\n" CONTINUE "\r\n", 413},
        {"GET /a.txt" HOST "Content-Length: 5\r\nExpect: 200-ok\r\n\r\n", 417},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char input[512];
        snprintf(input, sizeof(input), "%s" GET("/b.txt"), rows[i].request);
        play(input, "P");
        assert_int_equal(replies.count, 1);
        assert_int_equal(replies.at[0].status, rows[i].status);
        assert_true(replies.at[0].closes);
        assert_step(&talk, STEP_CLOSE);
        assert_true(talk.step.close.linger);
        talk_end(&talk);
    }
}

/* --- bodies that do not come ------------------------------------------------------------------ */

static void a_body_that_ends_early_ends_the_talk(void **state)
{
    (void)state;
    static const char *const begun[] = {"POST /a.txt" HOST "Content-Length: 5\r\n\r\nab",
                                        "POST /a.txt" HOST "Content-Length: 5\r\n\r\n",
                                        "POST /a.txt" HOST CHUNKED "5\r\nab",
                                        "POST /a.txt" HOST CHUNKED "0\r\n"};
    for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
        play(begun[i], "");
        assert_int_equal(talk.step.patience, PATIENCE_BODY);
        talk_tell(&talk, (struct outcome){CAME_ENDED, 0});
        assert_step(&talk, STEP_CLOSE);
        assert_int_equal(talk.output_len, 0);
        talk_end(&talk);

        play(begun[i], "");
        talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, 0});
        while (talk_step(&talk)) {
        }
        talk_replies(&talk, &replies, "P");
        assert_int_equal(replies.count, 1);
        assert_int_equal(replies.at[0].status, 408);
        assert_true(replies.at[0].closes);
        assert_step(&talk, STEP_CLOSE);
        talk_end(&talk);
    }
}

static void a_head_request_is_refused_without_a_page(void **state)
{
    (void)state;
    play("HEAD /a.txt" HOST "Content-Length: 20000\r\n\r\n", "H");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 413);
    talk_end(&talk);
    play("HEAD /a.txt" HOST CHUNKED "x\r\n", "H");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 400);
    talk_end(&talk);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, dropped_row, ROWS(dropped_rows));
    suite_add(&suite, CASE(bodies_up_to_the_limit_are_dropped_and_no_larger_ones));
    suite_add(&suite, CASE(body_that_is_too_large_by_its_length_is_not_read));
    suite_add(&suite, CASE(a_limit_of_nothing_lets_empty_bodies_through));
    suite_add(&suite, CASE(a_head_anywhere_in_its_room_keeps_room_for_its_body));
    suite_add(&suite, CASE(what_is_ready_leaves_before_a_body_is_waited_for));
    suite_add(&suite, CASE(malformed_chunks_are_400_and_the_end));
    suite_add(&suite, CASE(chunks_beyond_the_limit_are_413_whatever_follows));
    suite_add(&suite, CASE(an_expected_body_is_asked_for));
    suite_add(&suite, CASE(it_is_asked_for_after_the_replies_before_it));
    suite_add(&suite, CASE(a_body_that_is_here_is_not_asked_for));
    suite_add(&suite, CASE(http_1_0_does_not_know_it));
    suite_add(&suite, CASE(without_a_body_there_is_nothing_to_expect));
    suite_add(&suite, CASE(a_body_for_nothing_is_refused_before_it_comes));
    suite_add(&suite, CASE(a_body_that_ends_early_ends_the_talk));
    suite_add(&suite, CASE(a_head_request_is_refused_without_a_page));
    suite_frame(&suite, open_talk, close_talk);
    return suite_run(&suite, "server/session_body");
}
