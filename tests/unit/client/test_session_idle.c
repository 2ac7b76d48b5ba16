/* Drives sessions by bytes and outcomes alone: connections that wait for the next request's time.
 */
#include "tests/unit/client/world.h"

#include <string.h>

static struct world *thinking(uint64_t requests)
{
    struct world *w = world_create(requests);
    w->plan.think_low_ns = 5 * NS_PER_MS;
    w->plan.think_high_ns = 9 * NS_PER_MS;
    return w;
}

/* RFC 9112 9.5: either side may close at any time. That is seen before the next request leaves, so
 * it matters not whether that one might be sent again. */
static void closed_while_idle_is_no_error_to_any_method(void **state)
{
    static const enum manner manners[] = {CLOSES, RESETS};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct world *w = thinking(5);
        w->plan.repeatable = i < 2;
        w->plan.method = i < 2 ? METHOD_GET : METHOD_POST;
        world_script(w, (struct script){.replies = {OK, OK}, .then = manners[i % 2]});
        world_script(w, (struct script){.replies = {OK, OK, OK}});
        world_run(w);
        assert_int_equal(w->tally->ok, 5);
        assert_int_equal(w->tally->failed, 0);
        assert_int_equal(w->connections, 2);
        assert_int_equal(w->requests, 5 * (sizeof(REQUEST) - 1));
        world_destroy(w);
    }
}

/* It is held open meanwhile, as the others are; but a server that takes connections and drops them
 * is not asked for one after the other. */
static void another_connection_is_made_at_once_and_a_third_when_it_is_needed(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.rate = 1;
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES});
    world_script(w, (struct script){.then = CLOSES});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->connections, 3);
    assert_int_equal(w->finished_ns, 2 * NS_PER_S + 50 + LATENCY);
    world_destroy(w);
}

static void a_server_that_keeps_no_connection_is_not_hammered(void **state)
{
    (void)state;
    struct world *w = world_create(10);
    w->plan.rate = 1;
    world_script(w, (struct script){.then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 10);
    assert_true(w->connections <= 20);
    world_destroy(w);
}

struct unasked_row {
    const char *name;
    const char *text;
    enum verify verify;
    bool is_failure;
};

static const struct unasked_row unasked_rows[] = {
    /* RFC 9112 9.2: it is no valid reply to anything */
    {"unasked_reply", OK, VERIFY_LENGTH, true},
    {"unasked_byte", "!", VERIFY_LENGTH, true},
    {"unasked_interim_reply", "HTTP/1.1 100 Continue\r\n\r\n", VERIFY_BYTES, true},
    {"unasked_reply_where_nobody_looks", OK, VERIFY_STATUS, false},
    /* RFC 9110 15.5.9: it says why the connection is closed */
    {"unasked_request_timeout", "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
     VERIFY_LENGTH, false},
    {"unasked_408_of_something_else", "HTTP/1.1 4080\r\n\r\n", VERIFY_LENGTH, true},
};

static void is_never_taken_for_a_reply(void **state)
{
    const struct unasked_row *row = *state;
    struct world *w = thinking(3);
    w->plan.verify = row->verify;
    world_script(w, (struct script){.replies = {OK}, .unasked = row->text});
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->verdicts[0].failure, FAILURE_NONE);
    assert_int_equal(w->verdicts[1].failure, row->is_failure ? FAILURE_FRAMING : FAILURE_NONE);
    assert_int_equal(w->verdicts[2].failure, FAILURE_NONE);
    assert_int_equal(w->connections, 2); /* the first one can be trusted no more */
    assert_int_equal(w->requests, (row->is_failure ? 2 : 3) * (sizeof(REQUEST) - 1));
    assert_int_equal(w->tally->bytes_received,
                     (row->is_failure ? 2 : 3) * OK_SIZE + strlen(row->text));
    world_destroy(w);
}

static void what_fails_before_its_time_is_no_lag(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.rate = 10;
    world_script(w, (struct script){.replies = {OK}, .unasked = "!"});
    world_run(w);
    assert_int_equal(w->verdicts[1].failure, FAILURE_FRAMING);
    assert_int_equal(w->verdicts[1].took_ns, 0);
    assert_int_equal(histogram_max(&w->tally->lag), 0);
    world_destroy(w);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(closed_while_idle_is_no_error_to_any_method));
    suite_add(&suite, CASE(another_connection_is_made_at_once_and_a_third_when_it_is_needed));
    suite_add(&suite, CASE(a_server_that_keeps_no_connection_is_not_hammered));
    suite_add_rows(&suite, is_never_taken_for_a_reply, ROWS(unasked_rows));
    suite_add(&suite, CASE(what_fails_before_its_time_is_no_lag));
    return suite_run(&suite, "client/session_idle");
}
