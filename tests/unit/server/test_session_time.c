/* How long anything may take, delays, and the end of the server. The clock is the test's. */
#include "tests/unit/server/one_talk.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "server/compute.h"

#include <stdio.h>

#define POST "POST /a.txt" HOST "Content-Length: 9\r\n\r\n"

static uint64_t t0; /* the moment before */

/* Lets time pass and notes the moment. */
static void pass(uint64_t ns)
{
    talk_later(&talk, ns);
    t0 = talk.now.now_ns;
}

#define assert_deadline(kind, from, timeout)                      \
    do {                                                          \
        assert_int_equal(talk.step.patience, (kind));             \
        assert_int_equal(talk.step.until_ns, (from) + (timeout)); \
    } while (0)

static void answer_what_was_said(void)
{
    while (talk.step.kind != STEP_READ && talk_step(&talk)) {
    }
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void idle_time_counts_from_the_beginning_and_from_the_last_reply(void **state)
{
    (void)state;
    uint64_t idle_ns = talk.site.timeouts.idle_ns;
    pass(0);
    talk_begin(&talk);
    assert_deadline(PATIENCE_IDLE, t0, idle_ns);
    uint64_t begun = t0;
    pass(5 * NS_PER_S);
    tell(CAME_UNCHANGED); /* being asked again begins nothing */
    assert_deadline(PATIENCE_IDLE, begun, idle_ns);

    talk_said(&talk, BYTES(GET("/a.txt")));
    talk_looked_up(&talk);
    assert_step(&talk, STEP_SEND);
    pass(NS_PER_S);
    talk_sent(&talk, 0);
    assert_deadline(PATIENCE_IDLE, t0, idle_ns);

    tell(CAME_TIMED_OUT);
    assert_step(&talk, STEP_CLOSE); /* nothing is said to who asked for nothing (RFC 9112 9.5) */
    assert_false(talk.step.close.linger);
    talk_end(&talk);
}

static void a_head_has_its_time_from_its_first_byte(void **state)
{
    (void)state;
    uint64_t head_ns = talk.site.timeouts.head_ns;
    talk_begin(&talk);
    for (int requests = 0; requests < 2; requests++) {
        pass(20 * NS_PER_S);
        uint64_t first = t0;
        talk_said(&talk, BYTES("G"));
        assert_deadline(PATIENCE_HEAD, first, head_ns);
        static const char rest[] = "ET /a.txt" HOST "\r\n";
        for (size_t i = 0; i + 1 < sizeof(rest) - 1; i++) { /* a byte now and then moves nothing */
            pass(NS_PER_MS);
            talk_said(&talk, (struct bytes){rest + i, 1});
            assert_deadline(PATIENCE_HEAD, first, head_ns);
        }
        talk_said(&talk, BYTES("\n"));
        answer_what_was_said();
        assert_int_equal(talk.step.patience, PATIENCE_IDLE);
    }
    talk_end(&talk);
}

static void a_head_that_takes_too_long_is_408(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") "GET /b"));
    assert_int_equal(talk.step.patience, PATIENCE_HEAD);
    tell(CAME_TIMED_OUT);
    while (talk_step(&talk)) {
    }
    talk_replies(&talk, &replies, "GG");
    assert_int_equal(replies.count, 2);
    assert_int_equal(replies.at[1].status, 408);
    assert_true(replies.at[1].closes);
    assert_step(&talk, STEP_CLOSE);
    assert_true(talk.step.close.linger);
    talk_end(&talk);
}

/* The rest of a head that came behind another request has waited for the reply to that one. */
static void a_head_behind_another_request_has_its_time_from_that_reply(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt") "GET /b"));
    talk_looked_up(&talk);
    assert_step(&talk, STEP_SEND);
    pass(15 * NS_PER_S);
    talk_sent(&talk, 0);
    assert_deadline(PATIENCE_HEAD, t0, talk.site.timeouts.head_ns);
    talk_end(&talk);
}

static void each_piece_of_a_body_has_its_time(void **state)
{
    (void)state;
    talk_begin(&talk);
    pass(NS_PER_S);
    talk_said(&talk, BYTES(POST));
    for (int i = 0; i < 5; i++) {
        assert_deadline(PATIENCE_BODY, t0, talk.site.timeouts.head_ns);
        pass(9 * NS_PER_S);
        talk_said(&talk, BYTES("x"));
    }
    tell(CAME_TIMED_OUT);
    while (talk_step(&talk)) {
    }
    talk_replies(&talk, &replies, "P");
    assert_int_equal(replies.at[0].status, 408);
    assert_step(&talk, STEP_CLOSE);
    assert_true(talk.step.close.linger);
    talk_end(&talk);
}

static void a_body_that_was_asked_for_has_its_time_from_then(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES("GET /a.txt" HOST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"));
    assert_deadline(PATIENCE_SEND, talk.now.now_ns, talk.site.timeouts.send_ns);
    pass(9 * NS_PER_S);
    talk_sent(&talk, 0);
    assert_deadline(PATIENCE_BODY, t0, talk.site.timeouts.head_ns);
    talk_end(&talk);
}

static void a_reply_has_its_time_from_the_last_byte_that_was_taken(void **state)
{
    (void)state;
    uint64_t send_ns = talk.site.timeouts.send_ns;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    pass(3 * NS_PER_S); /* the disk took so long */
    talk_looked_up(&talk);
    assert_deadline(PATIENCE_SEND, t0, send_ns);
    for (int i = 0; i < 6; i++) {
        pass(29 * NS_PER_S);
        talk_sent(&talk, 100000);
        assert_deadline(PATIENCE_SEND, t0, send_ns);
        uint64_t taken = t0;
        pass(NS_PER_S);
        tell(CAME_UNCHANGED); /* nothing was taken */
        assert_deadline(PATIENCE_SEND, taken, send_ns);
    }
    talk_end(&talk);
}

static void lingering_has_an_end(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES("no request\r\n\r\n"));
    pass(2 * NS_PER_S);
    talk_sent(&talk, 0);
    assert_step(&talk, STEP_CLOSE);
    assert_true(talk.step.close.linger);
    assert_int_equal(talk.step.patience, PATIENCE_LINGER);
    assert_true(talk.step.until_ns > t0);
    assert_true(talk.step.until_ns <= t0 + 10 * NS_PER_S);
    talk_end(&talk);
}

static void endless_time_does_not_wrap(void **state)
{
    (void)state;
    talk.site.timeouts = (struct timeouts){CLOCK_NEVER, CLOCK_NEVER - 1, CLOCK_NEVER, CLOCK_NEVER};
    talk_begin(&talk);
    assert_int_equal(talk.step.until_ns, CLOCK_NEVER);
    talk_said(&talk, BYTES("GET"));
    assert_int_equal(talk.step.until_ns, CLOCK_NEVER);
    talk_said(&talk, BYTES(" /a.txt" HOST "\r\n"));
    talk_looked_up(&talk);
    assert_int_equal(talk.step.until_ns, CLOCK_NEVER);
    talk_end(&talk);
}

/* --- delay and work --------------------------------------------------------------------------- */

static void delays_are_the_draws_of_the_seed_in_order(void **state)
{
    (void)state;
    uint64_t drawn = 0;
    talk.site.delays = true;
    talk.site.delay_low_ns = 20 * NS_PER_MS;
    talk.site.delay_high_ns = 3 * NS_PER_S;
    for (uint64_t seed = 1; seed < 4; seed++) {
        talk.site.seed = seed;
        atomic_store(&talk.site.draws, 0);
        drawn = 0;
        for (int connections = 0; connections < 3; connections++) { /* one count for all of them */
            talk_begin(&talk);
            for (int requests = 0; requests < 3; requests++) {
                uint64_t delay_ns = random_between(seed, drawn++, 20 * NS_PER_MS, 3 * NS_PER_S);
                char expected[32];
                talk.output_len = 0;
                pass(NS_PER_S);
                talk_said(&talk, BYTES(GET("/a.txt")));
                assert_step(&talk, STEP_WAIT);
                assert_int_equal(talk.step.until_ns, t0 + delay_ns);
                answer_what_was_said();
                talk_replies(&talk, &replies, "G");
                snprintf(expected, sizeof(expected), "%u.%03u", (unsigned)(delay_ns / NS_PER_S),
                         (unsigned)(delay_ns / NS_PER_MS % 1000));
                assert_bytes(seen_field(&replies.at[0], "Delay"), bytes_of(expected));
            }
            talk_end(&talk);
        }
    }
}

static void each_of_several_requests_waits_for_its_own_time(void **state)
{
    (void)state;
    talk.site.delays = true;
    talk.site.delay_low_ns = talk.site.delay_high_ns = NS_PER_S;
    talk_begin(&talk);
    uint64_t from = talk.now.now_ns;
    talk_play(&talk, BYTES(GET("/a.txt") GET("/none") GET("/large")));
    talk_replies(&talk, &replies, "GGG");
    assert_int_equal(talk.waits, 3);
    assert_int_equal(talk.now.now_ns, from + 3 * NS_PER_S);
    for (int i = 0; i < 3; i++) {
        assert_bytes(seen_field(&replies.at[i], "Delay"), BYTES("1.000"));
    }
    talk_end(&talk);
}

static void no_reply_waits_with_the_next_request(void **state)
{
    (void)state;
    talk.site.delays = true;
    talk.site.delay_low_ns = talk.site.delay_high_ns = NS_PER_S;
    talk.site.compute = 3;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt") GET("/b.txt")));
    for (int i = 0; i < 2; i++) {
        assert_step(&talk, STEP_WAIT);
        talk_step(&talk);
        assert_step(&talk, STEP_WORK);
        talk_step(&talk);
        assert_step(&talk, STEP_FETCH);
        talk_step(&talk);
        assert_step(&talk, STEP_SEND);
        pass(NS_PER_S);
        talk_step(&talk);
    }
    assert_step(&talk, STEP_READ);
    talk_end(&talk);
}

static void without_delays_there_is_no_delay_field(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt")));
    talk_replies(&talk, &replies, "G");
    assert_null(seen_field(&replies.at[0], "Delay").at);
    assert_int_equal(talk.waits, 0);
    assert_int_equal(talk.works, 0);
    talk_end(&talk);
}

static void work_is_the_computation_that_was_asked_for(void **state)
{
    (void)state;
    talk.site.compute = 7;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt")));
    assert_step(&talk, STEP_WORK);
    assert_true(talk.step.work.call == compute);
    assert_int_equal(*(unsigned *)talk.step.work.argument, 7);
    talk_end(&talk);
}

/* A refusal is no reply to a request: nobody computes or waits for it. */
static void refusals_do_not_wait(void **state)
{
    (void)state;
    talk.site.delays = true;
    talk.site.delay_low_ns = talk.site.delay_high_ns = NS_PER_S;
    talk.site.compute = 7;
    talk_begin(&talk);
    talk_play(&talk, BYTES("no request\r\n\r\n"));
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.at[0].status, 400);
    assert_int_equal(talk.waits + talk.works, 0);
    assert_null(seen_field(&replies.at[0], "Delay").at);
    talk_end(&talk);
}

/* --- the server is asked to stop -------------------------------------------------------------- */

enum {
    GRACE_MOST_S = 2 /* "a moment" */
};

static void drain(void)
{
    session_drain(&talk.session);
    if (talk.step.kind == STEP_READ) {
        tell(CAME_DRAINING);
    }
}

static void one_reply_and_it_is_the_last(const char *methods, unsigned count)
{
    while (talk_step(&talk)) {
    }
    talk_replies(&talk, &replies, methods);
    assert_int_equal(replies.count, count);
    assert_true(replies.at[count - 1].closes);
    assert_step(&talk, STEP_CLOSE);
    talk_end(&talk);
}

static void at_rest_a_request_on_its_way_is_waited_for_a_moment(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt")));
    pass(20 * NS_PER_S);
    drain();
    assert_step(&talk, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_DRAIN);
    assert_true(talk.step.until_ns > t0);
    assert_true(talk.step.until_ns <= t0 + GRACE_MOST_S * NS_PER_S);
    uint64_t until_ns = talk.step.until_ns;
    for (int i = 0; i < 5; i++) { /* being told again prolongs nothing */
        pass(50 * NS_PER_MS);
        drain();
        assert_deadline(PATIENCE_DRAIN, until_ns, 0);
    }
    talk_said(&talk, BYTES(GET("/b.txt") GET("/a.txt")));
    one_reply_and_it_is_the_last("GGG", 2);
}

static void at_rest_it_ends_without_a_word(void **state)
{
    (void)state;
    talk_begin(&talk);
    drain();
    tell(CAME_TIMED_OUT);
    assert_step(&talk, STEP_CLOSE);
    assert_false(talk.step.close.linger);
    assert_int_equal(talk.output_len, 0);
    talk_end(&talk);
}

static void a_head_that_has_begun_may_come_to_its_end(void **state)
{
    (void)state;
    talk_begin(&talk);
    pass(0);
    talk_said(&talk, BYTES("GET /a.t"));
    uint64_t first = t0;
    pass(NS_PER_S);
    drain();
    assert_deadline(PATIENCE_HEAD, first, talk.site.timeouts.head_ns);
    talk_said(&talk, BYTES("xt" HOST "\r\n"));
    one_reply_and_it_is_the_last("G", 1);
}

static void a_body_that_has_begun_may_come_to_its_end(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(POST "xxxx"));
    pass(NS_PER_S);
    drain();
    assert_int_equal(talk.step.patience, PATIENCE_BODY);
    talk_said(&talk, BYTES("xxxxx"));
    one_reply_and_it_is_the_last("P", 1);
}

/* Wherever a request is when the server is asked to stop: its reply is the last, and says so. */
static void a_request_that_is_being_answered_is_the_last(void **state)
{
    (void)state;
    talk.site.delays = true;
    talk.site.delay_low_ns = talk.site.delay_high_ns = NS_PER_S;
    talk.site.compute = 3;
    static const enum step_kind steps[] = {STEP_WAIT, STEP_WORK, STEP_FETCH};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        talk_begin(&talk);
        talk_said(&talk, BYTES(GET("/a.txt") GET("/b.txt")));
        while (talk.step.kind != steps[i]) {
            talk_step(&talk);
        }
        drain();
        one_reply_and_it_is_the_last("GG", 1);
        assert_true(talk.step.close.linger); /* the client did not wish it so */
    }
}

/* Its head has left, so it could not say that it is the last: the client may send one more. */
static void behind_a_reply_that_is_being_sent_one_more_is_waited_for(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    talk_sent(&talk, 1000);
    drain();
    while (talk.step.kind == STEP_LOAD) {
        pass(NS_PER_S);
        talk_sent(&talk, 0);
    }
    assert_step(&talk, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_DRAIN);
    assert_true(talk.step.until_ns > t0);
    assert_true(talk.step.until_ns <= t0 + GRACE_MOST_S * NS_PER_S);
    talk_said(&talk, BYTES(GET("/a.txt")));
    one_reply_and_it_is_the_last("GG", 2);
}

static void who_comes_last_is_let_in_for_a_moment(void **state)
{
    (void)state;
    pass(0);
    talk_begin(&talk);
    talk_end(&talk);
    talk_begin(&talk);
    session_drain(&talk.session);
    tell(CAME_UNCHANGED);
    assert_int_equal(talk.step.patience, PATIENCE_DRAIN);
    assert_true(talk.step.until_ns > t0);
    assert_true(talk.step.until_ns <= t0 + GRACE_MOST_S * NS_PER_S);
    talk_said(&talk, BYTES(GET("/a.txt")));
    one_reply_and_it_is_the_last("G", 1);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(idle_time_counts_from_the_beginning_and_from_the_last_reply));
    suite_add(&suite, CASE(a_head_has_its_time_from_its_first_byte));
    suite_add(&suite, CASE(a_head_that_takes_too_long_is_408));
    suite_add(&suite, CASE(a_head_behind_another_request_has_its_time_from_that_reply));
    suite_add(&suite, CASE(each_piece_of_a_body_has_its_time));
    suite_add(&suite, CASE(a_body_that_was_asked_for_has_its_time_from_then));
    suite_add(&suite, CASE(a_reply_has_its_time_from_the_last_byte_that_was_taken));
    suite_add(&suite, CASE(lingering_has_an_end));
    suite_add(&suite, CASE(endless_time_does_not_wrap));
    suite_add(&suite, CASE(delays_are_the_draws_of_the_seed_in_order));
    suite_add(&suite, CASE(each_of_several_requests_waits_for_its_own_time));
    suite_add(&suite, CASE(no_reply_waits_with_the_next_request));
    suite_add(&suite, CASE(without_delays_there_is_no_delay_field));
    suite_add(&suite, CASE(work_is_the_computation_that_was_asked_for));
    suite_add(&suite, CASE(refusals_do_not_wait));
    suite_add(&suite, CASE(at_rest_a_request_on_its_way_is_waited_for_a_moment));
    suite_add(&suite, CASE(at_rest_it_ends_without_a_word));
    suite_add(&suite, CASE(a_head_that_has_begun_may_come_to_its_end));
    suite_add(&suite, CASE(a_body_that_has_begun_may_come_to_its_end));
    suite_add(&suite, CASE(a_request_that_is_being_answered_is_the_last));
    suite_add(&suite, CASE(behind_a_reply_that_is_being_sent_one_more_is_waited_for));
    suite_add(&suite, CASE(who_comes_last_is_let_in_for_a_moment));
    suite_frame(&suite, open_talk, close_talk);
    return suite_run(&suite, "server/session_time");
}
