/* Drives sessions with servers of https by bytes and outcomes alone. */
#include "tests/unit/client/world.h"

#include <errno.h>
#include <string.h>

#define UNTIL_CLOSE HEAD "\r\nhello"

static struct world *secured(uint64_t requests)
{
    struct world *w = world_create(requests);
    world_secure(w);
    return w;
}

/* ---- handshakes that are done ---- */

static void a_connection_has_one_handshake_before_its_first_request(void **state)
{
    (void)state;
    struct world *w = secured(3);
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->connections, 1);
    assert_int_equal(w->handshakes, 1);
    world_destroy(w);
}

static void connecting_and_shaking_hands_are_told_apart(void **state)
{
    (void)state;
    struct world *w = secured(1);
    w->handshake_takes_ns = 7 * NS_PER_MS;
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(histogram_max(&w->tally->connect), 0); /* 50 ns */
    assert_in_range(histogram_max(&w->tally->handshake), 7000, 7010);
    assert_int_equal(w->verdicts[0].took_ns, LATENCY); /* from the sending */
    assert_string_equal(w->tally->suites[0].protocol, "TLSv1.3");
    assert_int_equal(w->tally->suites[0].handshakes, 1);
    world_destroy(w);
}

static void with_close_each_request_has_a_handshake(void **state)
{
    (void)state;
    struct world *w = secured(5);
    w->plan.close = true;
    w->resumes = true;
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->tally->handshake.count, 5);
    assert_int_equal(w->tally->resumed, 4);
    assert_int_equal(w->closes, 5);
    world_destroy(w);
}

static void requests_in_flight_wait_for_the_handshake_and_then_leave_together(void **state)
{
    (void)state;
    struct world *w = secured(4);
    w->plan.pipeline = 4;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 4);
    assert_int_equal(w->sends, 1);
    world_destroy(w);
}

static void a_handshake_of_the_warm_up_counts_there(void **state)
{
    (void)state;
    struct world *w = secured(2);
    w->plan.warmup_ns = 10 * NS_PER_US;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_true(w->warmup->handshake.count > 0);
    world_destroy(w);
}

/* ---- and those that are not ---- */

struct failure_row {
    const char *name;
    int handshake_error;
    struct cause cause;
    uint64_t took_ns; /* all of the connection */
};

static const struct failure_row failure_rows[] = {
    {"refused", HANDSHAKE_REFUSED, {.why = REFUSED}, 50 + 3 * NS_PER_US},
    {"reset", ECONNRESET, {.error = ECONNRESET}, 50 + 3 * NS_PER_US},
    /* the timeout counts from when the connection was begun */
    {"silent", HANDSHAKE_NEVER, {.why = "no handshake in time"}, 3 * NS_PER_S},
};

static void fails_its_request_as_tls(void **state)
{
    const struct failure_row *row = *state;
    struct world *w = secured(1);
    world_script(w, (struct script){.handshake_error = row->handshake_error});
    world_run(w);
    const struct cause *cause = &w->verdicts[0].cause;
    assert_int_equal(w->verdicts[0].failure, FAILURE_TLS);
    assert_int_equal(cause->error, row->cause.error);
    assert_string_equal(cause->why != NULL ? cause->why : "",
                        row->cause.why != NULL ? row->cause.why : "");
    /* the connection, and what it had to say, is gone */
    assert_string_equal(w->tally->causes[FAILURE_TLS].why,
                        row->cause.why != NULL ? row->cause.why : "");
    assert_int_equal(w->tally->connect.count, 1);
    assert_int_equal(w->tally->handshake.count, 0);
    assert_int_equal(w->closes, 1);
    assert_int_equal(w->sends, 0);
    assert_in_range(w->finished_ns - NS_PER_S, row->took_ns, row->took_ns + 2 * NS_PER_MS);
    world_destroy(w);
}

static void a_failed_handshake_is_followed_by_a_new_connection(void **state)
{
    (void)state;
    struct world *w = secured(3);
    world_script(w, (struct script){.handshake_error = HANDSHAKE_REFUSED});
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_TLS], 1);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

static void only_one_of_many_in_flight_fails_with_a_handshake(void **state)
{
    (void)state;
    struct world *w = secured(4);
    w->plan.pipeline = 4;
    w->plan.repeatable = false; /* none has left, so all may be sent */
    world_script(w, (struct script){.handshake_error = ECONNRESET});
    world_script(w, (struct script){.replies = {OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_TLS], 1);
    assert_int_equal(w->tally->ok, 3);
    world_destroy(w);
}

static void the_time_to_connect_is_one_for_both(void **state)
{
    (void)state;
    struct world *w = secured(1);
    world_script(w, (struct script){.handshake_error = HANDSHAKE_NEVER});
    world_begin(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    assert_int_equal(step->kind, STEP_CONNECT);
    came = world_take(w, step);
    w->now = NS_PER_S + 2 * NS_PER_S; /* it took two of its three seconds */
    step = session_step(&w->session, w->now, came);
    assert_int_equal(step->kind, STEP_HANDSHAKE);
    assert_int_equal(step->until_ns, NS_PER_S + 3 * NS_PER_S);
    world_destroy(w);
}

static void the_end_of_the_run_ends_a_handshake_and_blames_nobody(void **state)
{
    (void)state;
    struct world *w = secured(0);
    w->plan.duration_ns = 2 * NS_PER_S;
    world_script(w, (struct script){.handshake_error = HANDSHAKE_NEVER});
    world_run(w);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->sent, 0);
    assert_int_equal(w->closes, 1);
    assert_int_equal(w->finished_ns, 3 * NS_PER_S);
    world_destroy(w);
}

/* As long as a request is not due there is time to try again. */
static void a_handshake_ahead_of_its_time_may_fail(void **state)
{
    (void)state;
    struct world *w = secured(2);
    w->plan.rate = 1;
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES});
    world_script(w, (struct script){.handshake_error = ECONNRESET});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->connections, 3);
    world_destroy(w);
}

/* ---- replies ---- */

struct end_row {
    const char *name;
    const char *reply;
    enum manner then;
    enum verify verify;
    enum failure failure;
};

static const struct end_row end_rows[] = {
    {"ended_until_close", UNTIL_CLOSE, CLOSES, VERIFY_LENGTH, FAILURE_NONE},
    /* RFC 9112 9.8: complete only if a closure alert has come */
    {"cut_until_close", UNTIL_CLOSE, CUTS, VERIFY_LENGTH, FAILURE_FRAMING},
    {"cut_until_close_where_nobody_looks", UNTIL_CLOSE, CUTS, VERIFY_STATUS, FAILURE_NONE},
    {"cut_behind_a_length", OK, CUTS, VERIFY_LENGTH, FAILURE_NONE},
    {"cut_behind_the_last_chunk", HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
     CUTS, VERIFY_LENGTH, FAILURE_NONE},
    {"cut_within_a_length", HEAD "Content-Length: 9\r\n\r\nhello", CUTS, VERIFY_LENGTH,
     FAILURE_FRAMING},
    {"cut_within_chunks", HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CUTS,
     VERIFY_LENGTH, FAILURE_FRAMING},
    {"cut_within_the_head", HEAD, CUTS, VERIFY_LENGTH, FAILURE_FRAMING},
    {"cut_before_the_head", "", CUTS, VERIFY_LENGTH, FAILURE_RESET},
    {"broken_before_the_head", "", BREAKS, VERIFY_LENGTH, FAILURE_TLS},
    {"broken_within_a_length", HEAD "Content-Length: 9\r\n\r\nhello", BREAKS, VERIFY_LENGTH,
     FAILURE_TLS},
    {"broken_until_close", UNTIL_CLOSE, BREAKS, VERIFY_LENGTH, FAILURE_TLS},
};

static void ends_as_tls_does(void **state)
{
    const struct end_row *row = *state;
    struct world *w = secured(1);
    w->plan.verify = row->verify;
    world_script(w, (struct script){.replies = {row->reply}, .then = row->then});
    world_run(w);
    assert_int_equal(w->verdicts[0].failure, row->failure);
    if (row->failure == FAILURE_TLS) {
        assert_string_equal(w->verdicts[0].cause.why, REFUSED);
    }
    world_destroy(w);
}

static void a_cut_reply_says_what_it_lacks(void **state)
{
    (void)state;
    struct world *w = secured(1);
    world_script(w, (struct script){.replies = {UNTIL_CLOSE}, .then = CUTS});
    world_run(w);
    assert_string_equal(w->verdicts[0].cause.why, "closed without an end of TLS");
    world_destroy(w);
}

static void a_connection_that_is_cut_while_idle_is_no_error(void **state)
{
    (void)state;
    struct world *w = secured(4);
    world_script(w, (struct script){.replies = {OK, OK}, .then = CUTS});
    world_run(w);
    assert_int_equal(w->tally->ok, 4);
    assert_int_equal(w->handshakes, 2);
    world_destroy(w);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_connection_has_one_handshake_before_its_first_request));
    suite_add(&suite, CASE(connecting_and_shaking_hands_are_told_apart));
    suite_add(&suite, CASE(with_close_each_request_has_a_handshake));
    suite_add(&suite, CASE(requests_in_flight_wait_for_the_handshake_and_then_leave_together));
    suite_add(&suite, CASE(a_handshake_of_the_warm_up_counts_there));
    suite_add_rows(&suite, fails_its_request_as_tls, ROWS(failure_rows));
    suite_add(&suite, CASE(a_failed_handshake_is_followed_by_a_new_connection));
    suite_add(&suite, CASE(only_one_of_many_in_flight_fails_with_a_handshake));
    suite_add(&suite, CASE(the_time_to_connect_is_one_for_both));
    suite_add(&suite, CASE(the_end_of_the_run_ends_a_handshake_and_blames_nobody));
    suite_add(&suite, CASE(a_handshake_ahead_of_its_time_may_fail));
    suite_add_rows(&suite, ends_as_tls_does, ROWS(end_rows));
    suite_add(&suite, CASE(a_cut_reply_says_what_it_lacks));
    suite_add(&suite, CASE(a_connection_that_is_cut_while_idle_is_no_error));
    return suite_run(&suite, "client/session_tls");
}
