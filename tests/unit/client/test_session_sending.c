/* Drives sessions by bytes and outcomes alone: requests in pieces, and several at a time. */
#include "tests/unit/client/world.h"

#include <string.h>

/* ---- sending ---- */

static void urls_take_the_turns_of_the_plan(void **state)
{
    static const struct target two[] = {{"http://h/1", &world_origins[0], TEXT(REQUEST)},
                                        {"http://h/2", &world_origins[0], TEXT(REQUEST)}};
    static const uint32_t turns[] = {1, 0, 1};
    (void)state;
    struct world *w = world_create(5);
    w->plan.targets = two;
    w->plan.target_count = 2;
    w->plan.turns = turns;
    w->plan.turn_count = 3;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK}});
    world_run(w);
    for (uint64_t i = 0; i < 5; i++) {
        assert_string_equal(w->verdicts[i].url, two[turns[i % 3]].url);
    }
    world_destroy(w);
}

static void a_request_may_leave_in_pieces_of_any_size(void **state)
{
    static const struct bytes body = TEXT("a=1&b=2");
    (void)state;
    for (size_t bite = 1; bite < sizeof(REQUEST) + 8; bite++) {
        struct world *w = world_create(2);
        w->plan.body = body;
        w->bite = bite;
        world_script(w, (struct script){.replies = {OK, OK}});
        world_run(w);
        assert_int_equal(w->tally->ok, 2);
        assert_int_equal(w->requests, 2 * (sizeof(REQUEST) - 1 + body.len));
        world_destroy(w);
    }
}

static void head_and_body_leave_in_one_call(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.body = BYTES("a=1");
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->sends, 2);
    world_destroy(w);
}

/* ---- pipelining ---- */

static void several_requests_leave_before_the_first_reply(void **state)
{
    (void)state;
    struct world *w = world_create(6);
    w->plan.pipeline = 3;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 6);
    assert_int_equal(w->connections, 1);
    assert_true(w->sends < 6);
    world_destroy(w);
}

static void pipelined_replies_are_told_apart_in_slices_of_any_size(void **state)
{
    (void)state;
    for (size_t slice = 1; slice < 3 * OK_SIZE; slice++) {
        struct world *w = world_create(5);
        w->plan.pipeline = 4;
        w->slice = slice;
        world_script(w,
                     (struct script){
                         .replies = {OK, HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OK,
                                     "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", OK}});
        world_run(w);
        assert_int_equal(w->tally->ok, 4);
        assert_int_equal(w->tally->failures[FAILURE_STATUS], 1);
        assert_int_equal(w->verdicts[3].status, 404);
        assert_int_equal(w->connections, 1);
        world_destroy(w);
    }
}

static void pipelined_requests_are_sent_again_after_a_close(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    w->plan.pipeline = 4;
    world_script(
        w, (struct script){.replies = {OK, HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n"},
                           .then = CLOSES});
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

static void a_request_to_another_origin_waits_for_the_pipeline_to_empty(void **state)
{
    static const struct target two[] = {{"http://a/", &world_origins[0], TEXT(REQUEST)},
                                        {"http://b/", &world_origins[1], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(5);
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    w->plan.pipeline = 4;
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->connections, 5);
    world_destroy(w);
}

static void a_deaf_connection_is_read_to_its_end(void **state)
{
    (void)state;
    struct world *w = world_create(6);
    w->plan.pipeline = 3;
    /* the third reply is still to come when the server takes no more */
    world_script(w, (struct script){.replies = {OK, OK, OK}, .then = CLOSES, .deaf_after = 3});
    world_script(w, (struct script){.replies = {OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 6);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

static void only_the_oldest_request_fails_with_its_connection(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.pipeline = 3;
    world_script(w,
                 (struct script){.replies = {HEAD "Content-Length: 5\r\n\r\nhel"}, .then = CLOSES});
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_FRAMING], 1);
    assert_int_equal(w->tally->ok, 2);
    world_destroy(w);
}

static void all_fail_with_their_connection_when_they_may_not_be_repeated(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.pipeline = 3;
    w->plan.repeatable = false;
    w->plan.method = METHOD_POST;
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 2);
    world_destroy(w);
}

/* A connection that is given up is of no use to any of them, and one that stalls is not to be sent
 * the same again and again. */
static void all_whose_time_is_up_fail_together(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    w->plan.pipeline = 4;
    world_script(w, (struct script){.replies = {OK}});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 3);
    assert_string_equal(w->verdicts[3].cause.why, "no whole reply in time");
    assert_int_equal(w->connections, 1);
    world_destroy(w);
}

static void one_that_was_sent_later_is_not_late_yet(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.pipeline = 2;
    w->receive_takes_ns = NS_PER_S;
    /* the third leaves when the first is answered, a second after the second */
    world_script(w, (struct script){.replies = {OK}});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->verdicts[1].failure, FAILURE_TIMEOUT);
    assert_int_equal(w->verdicts[2].failure, FAILURE_NONE);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

/* ---- requests that may not be sent again, behind one that fails or is the last ---- */

#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define NOTHING "0\r\n\r\n"

struct last_row {
    const char *name;
    const char *reply; /* the second of four, and no other comes */
    enum manner then;
    enum failure failure;   /* of its request */
    enum failure following; /* of the two behind it */
};

static const struct last_row last_rows[] = {
    /* RFC 9112 9.6: behind this a server carries out nothing */
    {"close_is_said", HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n", CLOSES, FAILURE_NONE,
     FAILURE_NONE},
    {"http_1_0_says_so_by_default", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", CLOSES,
     FAILURE_NONE, FAILURE_NONE},
    /* but it may have carried out what it cannot answer any more, or does not answer in time */
    {"closed_in_silence", HEAD "Content-Length: 0\r\n\r\n", CLOSES, FAILURE_NONE, FAILURE_RESET},
    {"until_close_in_silence", HEAD "\r\nhello", CLOSES, FAILURE_NONE, FAILURE_RESET},
    {"framed_twice", HEAD CHUNKED "Content-Length: 5\r\n\r\n" NOTHING, STAYS, FAILURE_NONE,
     FAILURE_RESET},
    {"cut_off", HEAD "Content-Length: 5\r\n\r\nhel", CLOSES, FAILURE_FRAMING, FAILURE_RESET},
    {"cut_off_though_close_is_said", HEAD "Connection: close\r\nContent-Length: 5\r\n\r\nhel",
     CLOSES, FAILURE_FRAMING, FAILURE_RESET},
    {"broken", "HTTP/1.1 OK\r\n", STAYS, FAILURE_FRAMING, FAILURE_RESET},
    {"reset", HEAD, RESETS, FAILURE_RESET, FAILURE_RESET},
    {"late", HEAD, STAYS, FAILURE_TIMEOUT, FAILURE_TIMEOUT},
};

static void is_not_sent_twice(void **state)
{
    const struct last_row *row = *state;
    bool again = row->following == FAILURE_NONE;
    struct world *w = world_create(4);
    w->plan.pipeline = 4;
    w->plan.repeatable = false;
    w->plan.method = METHOD_POST;
    world_script(w, (struct script){.replies = {OK, row->reply}, .then = row->then});
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->verdicts[0].failure, FAILURE_NONE);
    assert_int_equal(w->verdicts[1].failure, row->failure);
    assert_int_equal(w->verdicts[2].failure, row->following);
    assert_int_equal(w->verdicts[3].failure, row->following);
    assert_int_equal(w->connections, again ? 2 : 1);
    assert_int_equal(w->requests, (again ? 6 : 4) * (sizeof(REQUEST) - 1));
    world_destroy(w);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(urls_take_the_turns_of_the_plan));
    suite_add(&suite, CASE(a_request_may_leave_in_pieces_of_any_size));
    suite_add(&suite, CASE(head_and_body_leave_in_one_call));
    suite_add(&suite, CASE(several_requests_leave_before_the_first_reply));
    suite_add(&suite, CASE(pipelined_replies_are_told_apart_in_slices_of_any_size));
    suite_add(&suite, CASE(pipelined_requests_are_sent_again_after_a_close));
    suite_add(&suite, CASE(a_request_to_another_origin_waits_for_the_pipeline_to_empty));
    suite_add(&suite, CASE(a_deaf_connection_is_read_to_its_end));
    suite_add(&suite, CASE(only_the_oldest_request_fails_with_its_connection));
    suite_add(&suite, CASE(all_fail_with_their_connection_when_they_may_not_be_repeated));
    suite_add(&suite, CASE(all_whose_time_is_up_fail_together));
    suite_add(&suite, CASE(one_that_was_sent_later_is_not_late_yet));
    suite_add_rows(&suite, is_not_sent_twice, ROWS(last_rows));
    return suite_run(&suite, "client/session_sending");
}
