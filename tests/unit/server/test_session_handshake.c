/* A talk that begins with a handshake: what comes of each way that it may go, and how long it may
 * take. */
#include "tests/unit/server/one_talk.h"

#include "lib/base/clock.h"

#include <stdlib.h>
#include <string.h>

static struct ledger *ledger;

static int begin(void **state)
{
    open_talk(state);
    ledger = aligned_alloc(_Alignof(struct ledger), sizeof(*ledger));
    assert_non_null(ledger);
    memset(ledger, 0, sizeof(*ledger));
    talk.ledger = ledger;
    talk.secured = true;
    return 0;
}

static int finish(void **state)
{
    close_talk(state);
    free(ledger);
    return 0;
}

static uint64_t handshakes(enum handshake outcome)
{
    return atomic_load(&ledger->count[COUNT_HANDSHAKES + outcome]);
}

static void expect_close(bool linger)
{
    assert_int_equal(talk.step.kind, STEP_CLOSE);
    assert_int_equal(talk.step.close.linger, linger);
    assert_true(talk.step.close.whole); /* nothing was begun */
}

static void it_comes_first_and_needs_no_buffers(void **state)
{
    (void)state;
    talk_begin(&talk);
    assert_int_equal(talk.step.kind, STEP_HANDSHAKE);
    assert_int_equal(talk.step.patience, PATIENCE_HANDSHAKE);
    assert_true(session_at_rest(&talk.session));
    assert_int_equal(talk.step.until_ns, talk.now.now_ns + talk.site.timeouts.head_ns);
    tell(CAME_DONE);
    talk_play(&talk, BYTES(GET("/a.txt")));
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 200);
    talk_end(&talk);
}

/* RFC 8446 6.1: the client may have said its end already, which must not reset the reply away. */
static void what_ends_by_the_clients_wish_lingers(void **state)
{
    static const char *const requests[] = {
        "GET /a.txt" HOST "Connection: close\r\n\r\n",
        "GET /a.txt HTTP/1.0\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        talk_begin(&talk);
        tell(CAME_DONE);
        talk_play(&talk, bytes_of(requests[i]));
        talk_replies(&talk, &replies, "G");
        assert_int_equal(replies.count, 1);
        expect_close(true);
        talk_end(&talk);
    }
}

static void without_one_none_is_asked_for(void **state)
{
    (void)state;
    talk.secured = false;
    talk_begin(&talk);
    assert_int_equal(talk.step.kind, STEP_READ);
    talk_end(&talk);
}

/* Progress does not put its end off. */
static void its_time_counts_from_the_start(void **state)
{
    (void)state;
    talk_begin(&talk);
    uint64_t until_ns = talk.step.until_ns;
    for (int i = 0; i < 3; i++) {
        talk.now.now_ns += NS_PER_S;
        tell(CAME_UNCHANGED);
        assert_int_equal(talk.step.kind, STEP_HANDSHAKE);
        assert_int_equal(talk.step.until_ns, until_ns);
    }
    talk.now.now_ns = until_ns;
    tell(CAME_TIMED_OUT);
    expect_close(false);
    assert_int_equal(handshakes(HANDSHAKE_LATE), 1);
    assert_int_equal(atomic_load(&ledger->count[COUNT_LIMITS + LIMIT_HEADER_TIMEOUT]), 1);
    talk_end(&talk);
}

/* The time without a request begins when one may be said. */
static void idle_time_counts_from_its_end(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk.now.now_ns += 5 * NS_PER_S;
    tell(CAME_DONE);
    assert_int_equal(talk.step.kind, STEP_READ);
    assert_int_equal(talk.step.until_ns, talk.now.now_ns + talk.site.timeouts.idle_ns);
    talk_end(&talk);
}

static void who_leaves_is_let_go(void **state)
{
    (void)state;
    static const struct {
        unsigned came;
        enum handshake counted;
    } ways[] = {{CAME_ENDED, HANDSHAKE_ENDED}, {CAME_FAILED, HANDSHAKE_FAILED}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        talk_begin(&talk);
        tell(ways[i].came);
        expect_close(false);
        assert_int_equal(handshakes(ways[i].counted), 1);
        talk_end(&talk);
    }
}

/* What it says behind that is dropped until it leaves, or it would never hear of it. */
static void who_is_refused_hears_of_it(void **state)
{
    (void)state;
    talk_begin(&talk);
    tell(CAME_REFUSED);
    expect_close(true);
    assert_int_equal(handshakes(HANDSHAKE_FAILED), 1);
    talk_end(&talk);
}

/* One reply in plain, which says that it is the last; what the client has said is not to be had,
 * and what it says yet is dropped. */
static void plain_http_is_answered_once(void **state)
{
    (void)state;
    talk_begin(&talk);
    exchange_init(talk.exchange, exchange_capacity(&talk.site));
    session_lend(&talk.session, talk.exchange);
    tell(CAME_PLAIN);
    talk_play(&talk, (struct bytes){0});
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 400);
    expect_close(true);
    assert_int_equal(handshakes(HANDSHAKE_PLAIN), 1);
    talk_end(&talk);
}

/* Once the server was asked to stop, a handshake has as long as a request that is on its way, and a
 * request behind it the same. */
static void drain_leaves_it_a_moment(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk.now.now_ns += NS_PER_S;
    session_drain(&talk.session);
    for (int i = 0; i < 2; i++) { /* it may be told more than once */
        tell(CAME_DRAINING);
        assert_int_equal(talk.step.kind, STEP_HANDSHAKE);
        assert_int_equal(talk.step.patience, PATIENCE_DRAIN);
        assert_int_equal(talk.step.until_ns, 1002 * NS_PER_S);
    }
    talk.now.now_ns += NS_PER_S / 2;
    tell(CAME_DONE);
    assert_int_equal(talk.step.kind, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_DRAIN);
    assert_int_equal(talk.step.until_ns, talk.now.now_ns + NS_PER_S);
    talk_play(&talk, BYTES(GET("/a.txt")));
    talk_replies(&talk, &replies, "G");
    assert_true(replies.at[0].status == 200 && replies.at[0].closes);
    talk_end(&talk);
}

/* So does one that only begins then: the server still accepts those who were on their way. */
static void what_comes_in_a_drain_has_a_moment(void **state)
{
    (void)state;
    talk_begin(&talk);
    session_drain(&talk.session);
    tell(CAME_UNCHANGED);
    assert_int_equal(talk.step.patience, PATIENCE_DRAIN);
    assert_int_equal(talk.step.until_ns, talk.now.now_ns + NS_PER_S);
    talk.now.now_ns = talk.step.until_ns;
    tell(CAME_TIMED_OUT);
    expect_close(false);
    assert_int_equal(handshakes(HANDSHAKE_LATE), 1);
    assert_int_equal(atomic_load(&ledger->count[COUNT_LIMITS + LIMIT_HEADER_TIMEOUT]), 0);
    talk_end(&talk);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(it_comes_first_and_needs_no_buffers));
    suite_add(&suite, CASE(without_one_none_is_asked_for));
    suite_add(&suite, CASE(what_ends_by_the_clients_wish_lingers));
    suite_add(&suite, CASE(its_time_counts_from_the_start));
    suite_add(&suite, CASE(idle_time_counts_from_its_end));
    suite_add(&suite, CASE(who_leaves_is_let_go));
    suite_add(&suite, CASE(who_is_refused_hears_of_it));
    suite_add(&suite, CASE(plain_http_is_answered_once));
    suite_add(&suite, CASE(drain_leaves_it_a_moment));
    suite_add(&suite, CASE(what_comes_in_a_drain_has_a_moment));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/session_handshake");
}
