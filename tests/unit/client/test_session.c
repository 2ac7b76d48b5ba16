/* Drives sessions by bytes and outcomes alone: replies, connections, failures. */
#include "lib/base/random.h"
#include "tests/unit/client/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one request: reply in, verdict out ---- */

struct reply_row {
    const char *name;
    const char *reply;
    enum manner then;
    enum failure failure;
    unsigned status;
    uint64_t body;
    enum method method;
    enum verify verify;
};

#define LENGTH VERIFY_LENGTH
#define STATUS VERIFY_STATUS

static const struct reply_row reply_rows[] = {
    {"length_is_ok", OK, STAYS, FAILURE_NONE, 200, 5, METHOD_GET, LENGTH},
    {"length_and_close_is_ok", OK, CLOSES, FAILURE_NONE, 200, 5, METHOD_GET, LENGTH},
    {"empty_is_ok", HEAD "Content-Length: 0\r\n\r\n", STAYS, FAILURE_NONE, 200, 0, METHOD_GET,
     LENGTH},
    {"chunked_is_ok",
     HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\nA: b\r\n\r\n", STAYS,
     FAILURE_NONE, 200, 8, METHOD_GET, LENGTH},
    {"until_close_is_ok", HEAD "\r\nhello", CLOSES, FAILURE_NONE, 200, 5, METHOD_GET, LENGTH},
    {"http_1_0_is_ok", "HTTP/1.0 200 OK\r\n\r\nhello", CLOSES, FAILURE_NONE, 200, 5, METHOD_GET,
     LENGTH},
    {"interim_then_final_is_ok", "HTTP/1.1 100 Continue\r\n\r\n" OK, STAYS, FAILURE_NONE, 200, 5,
     METHOD_GET, LENGTH},
    {"redirect_is_ok", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", STAYS,
     FAILURE_NONE, 302, 0, METHOD_GET, LENGTH},
    {"no_content_is_ok", "HTTP/1.1 204 No Content\r\n\r\n", STAYS, FAILURE_NONE, 204, 0, METHOD_GET,
     LENGTH},
    {"not_modified_is_ok", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", STAYS,
     FAILURE_NONE, 304, 0, METHOD_GET, LENGTH},
    {"head_has_no_body", HEAD "Content-Length: 5\r\n\r\n", STAYS, FAILURE_NONE, 200, 0, METHOD_HEAD,
     LENGTH},

    {"not_found_is_status", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", STAYS,
     FAILURE_STATUS, 404, 4, METHOD_GET, LENGTH},
    {"server_error_is_status", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", STAYS,
     FAILURE_STATUS, 503, 0, METHOD_GET, LENGTH},
    {"status_is_looked_at_by_verify_status", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", STAYS,
     FAILURE_STATUS, 500, 0, METHOD_GET, STATUS},

    {"closed_without_a_byte_is_reset", "", CLOSES, FAILURE_RESET, 0, 0, METHOD_GET, LENGTH},
    {"reset_without_a_byte_is_reset", "", RESETS, FAILURE_RESET, 0, 0, METHOD_GET, LENGTH},
    {"reset_within_the_head_is_reset", "HTTP/1.1 200", RESETS, FAILURE_RESET, 0, 0, METHOD_GET,
     LENGTH},
    {"reset_within_the_body_is_reset", HEAD "Content-Length: 5\r\n\r\nhel", RESETS, FAILURE_RESET,
     200, 3, METHOD_GET, LENGTH},
    {"closed_within_the_head_is_framing", "HTTP/1.1 200", CLOSES, FAILURE_FRAMING, 0, 0, METHOD_GET,
     LENGTH},
    {"closed_within_the_body_is_framing", HEAD "Content-Length: 5\r\n\r\nhel", CLOSES,
     FAILURE_FRAMING, 200, 3, METHOD_GET, LENGTH},
    {"closed_within_a_chunk_is_framing", HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", CLOSES,
     FAILURE_FRAMING, 200, 3, METHOD_GET, LENGTH},
    {"short_body_is_let_through_by_verify_status", HEAD "Content-Length: 5\r\n\r\nhel", CLOSES,
     FAILURE_NONE, 200, 3, METHOD_GET, STATUS},
    {"short_head_is_not", "HTTP/1.1 200", CLOSES, FAILURE_FRAMING, 0, 0, METHOD_GET, STATUS},
    {"garbage_is_framing", "220 mail.example ESMTP\r\n", STAYS, FAILURE_FRAMING, 0, 0, METHOD_GET,
     LENGTH},
    {"two_lengths_are_framing", HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", STAYS,
     FAILURE_FRAMING, 200, 0, METHOD_GET, LENGTH},
    {"bad_chunk_is_framing", HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", STAYS,
     FAILURE_FRAMING, 200, 0, METHOD_GET, LENGTH},

    {"silence_is_timeout", "", STAYS, FAILURE_TIMEOUT, 0, 0, METHOD_GET, LENGTH},
    {"half_a_head_is_timeout", "HTTP/1.1 200 OK\r\nContent-", STAYS, FAILURE_TIMEOUT, 0, 0,
     METHOD_GET, LENGTH},
    {"half_a_body_is_timeout", HEAD "Content-Length: 5\r\n\r\nhel", STAYS, FAILURE_TIMEOUT, 200, 3,
     METHOD_GET, LENGTH},
};

static void has_its_verdict_in_slices_of_any_size(void **state)
{
    const struct reply_row *row = *state;
    for (size_t slice = 1; slice <= strlen(row->reply) + 1; slice++) {
        struct world *w = world_create(1);
        w->plan.method = row->method;
        w->plan.verify = row->verify;
        w->slice = slice;
        world_script(w, (struct script){.replies = {row->reply}, .then = row->then});
        world_run(w);
        assert_int_equal(w->verdict_count, 1);
        assert_int_equal(w->verdicts[0].failure, row->failure);
        assert_int_equal(w->verdicts[0].status, row->status);
        assert_int_equal(w->verdicts[0].body, row->body);
        assert_string_equal(w->verdicts[0].url, "http://h/");
        assert_int_equal(w->tally->sent, 1);
        assert_int_equal(w->connections, 1);
        world_destroy(w);
    }
}

/* Bytes behind a reply are found when they come with its last ones. */
static void stray_bytes_are_framing(void **state)
{
    (void)state;
    for (size_t slice = OK_SIZE - 4; slice <= OK_SIZE + 3; slice++) {
        struct world *w = world_create(1);
        w->slice = slice;
        world_script(w, (struct script){.replies = {OK "!!"}});
        world_run(w);
        /* by two calls, or by one; not when a call ends exactly at the reply's end */
        bool together = OK_SIZE % slice != 0;
        assert_int_equal(w->verdicts[0].failure, together ? FAILURE_FRAMING : FAILURE_NONE);
        world_destroy(w);
    }
}

static void stray_bytes_spend_the_connection(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.verify = VERIFY_STATUS;
    world_script(w, (struct script){.replies = {OK "!!", OK}});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

/* ---- verify bytes ---- */

#define HELLO_CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
#define OTHER HEAD "Content-Length: 5\r\n\r\nhallo"

static void a_body_unlike_the_first_is_content(void **state)
{
    (void)state;
    for (size_t slice = 1; slice < OK_SIZE + 2; slice++) {
        struct world *w = world_create(5);
        w->plan.verify = VERIFY_BYTES;
        w->slice = slice;
        world_script(w, (struct script){.replies = {OK, HELLO_CHUNKED, OTHER, OK, OTHER}});
        world_run(w);
        assert_int_equal(w->tally->ok, 3);
        assert_int_equal(w->tally->failures[FAILURE_CONTENT], 2);
        assert_int_equal(w->verdicts[2].failure, FAILURE_CONTENT);
        assert_string_equal(w->verdicts[2].cause.why, "not the body that came first");
        assert_int_equal(w->connections, 1); /* it can be used again */
        world_destroy(w);
    }
}

static void lengths_alone_do_not_tell_bodies_apart(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.replies = {OK, OTHER}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    world_destroy(w);
}

static void every_url_has_a_first_body_of_its_own(void **state)
{
    static const struct target two[] = {{"http://h/1", &world_origins[0], TEXT(REQUEST)},
                                        {"http://h/2", &world_origins[0], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(6);
    w->plan.verify = VERIFY_BYTES;
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    world_script(w, (struct script){.replies = {OK, OTHER, OK, OTHER, OTHER, OTHER}});
    world_run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->verdicts[4].failure, FAILURE_CONTENT);
    world_destroy(w);
}

static void a_failure_s_body_is_no_measure(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.verify = VERIFY_BYTES;
    world_script(
        w, (struct script){.replies = {"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_STATUS], 1);
    assert_int_equal(w->tally->ok, 2);
    world_destroy(w);
}

/* Every byte is seen, and the last one counts. */
static void large_bodies_are_read_where_bytes_are_verified(void **state)
{
    static char large[60000];
    static char other[60000];
    (void)state;
    struct world *w = world_create(4);
    w->plan.verify = VERIFY_BYTES;
    int head = snprintf(large, sizeof(large), HEAD "Content-Length: 50000\r\n\r\n");
    memset(large + head, 'x', 50000);
    memcpy(other, large, sizeof(large));
    other[head + 49999] = 'y';
    world_script(w, (struct script){.replies = {large, large, other, large}});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->tally->failures[FAILURE_CONTENT], 1);
    assert_int_equal(w->discards, 0);
    world_destroy(w);
}

/* ---- connections ---- */

static void one_connection_carries_many_requests(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    world_script(w, (struct script){.replies = {OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 4);
    assert_int_equal(w->tally->sent, 4);
    assert_int_equal(w->tally->connect.count, 1);
    assert_int_equal(w->connections, 1);
    assert_int_equal(w->closes, 1);
    assert_int_equal(w->tally->statuses[200], 4);
    assert_int_equal(w->tally->bytes_body, 20);
    assert_int_equal(w->tally->bytes_received, 4 * OK_SIZE);
    assert_int_equal(w->tally->bytes_sent, 4 * (sizeof(REQUEST) - 1));
    world_destroy(w);
}

static void small_replies_cost_one_send_and_one_read_each(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    world_script(w, (struct script){.replies = {OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->sends, 4);
    assert_int_equal(w->reads, 4);
    assert_int_equal(w->discards, 0);
    world_destroy(w);
}

static void large_bodies_are_discarded(void **state)
{
    static char large[60000];
    (void)state;
    struct world *w = world_create(3);
    int head = snprintf(large, sizeof(large), HEAD "Content-Length: 50000\r\n\r\n");
    memset(large + head, 'x', 50000);
    world_script(w, (struct script){.replies = {large, large, large}});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->tally->bytes_body, 150000);
    assert_int_equal(w->tally->bytes_received, 3 * (50000 + (size_t)head));
    /* once the size is known: one read for the head, one discard for the body */
    assert_int_equal(w->reads, 3);
    assert_int_equal(w->discards, 3);
    world_destroy(w);
}

static void bytes_behind_a_discarded_body_are_framing(void **state)
{
    static char large[60000];
    (void)state;
    struct world *w = world_create(1);
    int head = snprintf(large, sizeof(large), HEAD "Content-Length: 50000\r\n\r\n");
    memset(large + head, 'x', 50001);
    world_script(w, (struct script){.replies = {large}});
    world_run(w);
    assert_int_equal(w->verdicts[0].failure, FAILURE_FRAMING);
    world_destroy(w);
}

static void large_chunks_are_discarded(void **state)
{
    static char large[60000];
    (void)state;
    struct world *w = world_create(2);
    int head = snprintf(large, sizeof(large), HEAD "Transfer-Encoding: chunked\r\n\r\nc350\r\n");
    memset(large + head, 'x', 50000);
    strcpy(large + head + 50000, "\r\n0\r\n\r\n");
    world_script(w, (struct script){.replies = {large, large}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->tally->bytes_body, 100000);
    assert_true(w->discards >= 2);
    world_destroy(w);
}

static void close_makes_a_connection_for_every_request(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.close = true;
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->connections, 3);
    assert_int_equal(w->closes, 3);
    world_destroy(w);
}

/* The third of four sessions, whose connections are the third, the seventh and so on of all. One
 * that failed had its turn too. */
static void connections_take_sources_in_turn(void **state)
{
    static const struct address sources[3];
    static const size_t turns[] = {2, 0, 1, 2, 0, 1};
    (void)state;
    struct world *w = world_create(6);
    w->plan.close = true;
    w->plan.connections = 4;
    w->plan.sources = sources;
    w->plan.source_count = 3;
    w->rank = 2;
    world_script(w, (struct script){.replies = {OK}});
    world_script(w, (struct script){.connect_error = EADDRNOTAVAIL});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->connections, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_ptr_equal(w->sources[i], &sources[turns[i]]);
    }
    world_destroy(w);
}

static void a_server_that_closes_is_connected_to_again(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    world_script(
        w, (struct script){
               .replies = {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
               .then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->connections, 3);
    assert_int_equal(w->waits, 0);
    world_destroy(w);
}

/* RFC 9112 9.3.1 */
static void an_idle_connection_that_was_closed_is_no_error(void **state)
{
    static const enum manner manners[] = {CLOSES, RESETS};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_create(3);
        world_script(w, (struct script){.replies = {OK, OK}, .then = manners[i]});
        world_script(w, (struct script){.replies = {OK}});
        world_run(w);
        assert_int_equal(w->tally->ok, 3);
        assert_int_equal(w->tally->failed, 0);
        assert_int_equal(w->tally->sent, 3);
        assert_int_equal(w->connections, 2);
        assert_int_equal(w->waits, 0);
        world_destroy(w);
    }
}

static void an_idle_connection_that_takes_no_bytes_is_no_error(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES, .deaf_after = 1});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

static void a_request_is_repeated_once_and_not_again(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES});
    world_script(w, (struct script){.then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 1);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

/* RFC 9110 9.2.2 */
static void a_request_that_is_not_idempotent_is_not_repeated(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.method = METHOD_POST;
    w->plan.repeatable = false;
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 1);
    world_destroy(w);
}

static void the_wait_of_a_repeated_request_counts_from_its_first_sending(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.replies = {OK}, .then = CLOSES});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    /* first: one reply; second: a connection more as well */
    assert_int_equal(w->verdicts[0].took_ns, LATENCY);
    assert_int_equal(w->verdicts[1].took_ns, LATENCY + 50);
    world_destroy(w);
}

static void a_new_connection_that_closes_is_an_error(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    world_script(w, (struct script){.then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 1);
    assert_int_equal(w->connections, 1);
    world_destroy(w);
}

static void an_early_reply_is_read_though_sending_failed(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->plan.method = METHOD_POST;
    w->plan.repeatable = false;
    world_begin(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    assert_int_equal(step->kind, STEP_CONNECT);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_SEND);
    step = session_step(&w->session, w->now, (struct outcome){CAME_FAILED, EPIPE, 0});
    assert_int_equal(step->kind, STEP_READ);
    static const char reply[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    memcpy(step->space, reply, sizeof(reply) - 1);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, sizeof(reply) - 1});
    assert_int_equal(step->kind, STEP_TELL);
    assert_int_equal(step->verdict->failure, FAILURE_STATUS);
    assert_int_equal(step->verdict->status, 413);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_CLOSE);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_FINISHED);
    world_destroy(w);
}

/* A reset is told to one call alone. When that was a sending one, the end that is received then is
 * no end of a body; but it is one when there was an end already before the server took no more. */
static void an_end_behind_a_reset_ends_no_reply(void **state)
{
    static const struct {
        const char *reply;
        int error;
        enum failure failure;
    } rows[] = {
        {HEAD "\r\nhel", ECONNRESET, FAILURE_RESET},
        {HEAD "\r\nhello", EPIPE, FAILURE_NONE},
        {HEAD "Content-Length: 5\r\n\r\nhel", ECONNRESET, FAILURE_RESET},
        {HEAD "Content-Length: 5\r\n\r\nhel", EPIPE, FAILURE_FRAMING},
        {"", ECONNRESET, FAILURE_RESET},
        {"", EPIPE, FAILURE_RESET},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_create(1);
        world_script(w, (struct script){.replies = {rows[i].reply}, .then = CLOSES});
        world_begin(w);
        struct outcome came = {CAME_NOTHING, 0, 0};
        const struct step *step = session_step(&w->session, w->now, came);
        while (step->kind != STEP_FINISHED) {
            came = world_take(w, step);
            if (step->kind == STEP_SEND) {
                came = (struct outcome){CAME_FAILED, rows[i].error, 0};
            }
            step = session_step(&w->session, w->now, came);
        }
        assert_int_equal(w->verdicts[0].failure, rows[i].failure);
        world_destroy(w);
    }
}

static void another_origin_is_another_connection(void **state)
{
    static const struct target two[] = {{"http://a/", &world_origins[0], TEXT(REQUEST)},
                                        {"http://b/", &world_origins[1], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(3);
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->connections, 3);
    assert_ptr_equal(w->origin, &world_origins[0]);
    assert_string_equal(w->verdicts[1].url, "http://b/");
    world_destroy(w);
}

static void urls_of_one_origin_share_a_connection_in_turn(void **state)
{
    static const struct target two[] = {{"http://h/1", &world_origins[0], TEXT(REQUEST)},
                                        {"http://h/2", &world_origins[0], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(3);
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->connections, 1);
    assert_string_equal(w->verdicts[0].url, "http://h/1");
    assert_string_equal(w->verdicts[1].url, "http://h/2");
    assert_string_equal(w->verdicts[2].url, "http://h/1");
    world_destroy(w);
}

/* ---- failures to connect ---- */

static void a_refused_connection_fails_its_request(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    world_script(w, (struct script){.connect_error = ECONNREFUSED});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 5);
    assert_int_equal(w->tally->causes[FAILURE_CONNECT].error, ECONNREFUSED);
    assert_int_equal(w->tally->sent, 5);
    assert_int_equal(w->tally->connect.count, 0);
    world_destroy(w);
}

static void a_connection_that_is_lost_as_soon_as_it_is_made_is_reset(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.connect_error = ECONNRESET});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 2);
    assert_int_equal(w->tally->causes[FAILURE_RESET].error, ECONNRESET);
    world_destroy(w);
}

static void a_connection_that_is_never_decided_fails_at_its_timeout(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    world_script(w, (struct script){.connect_error = -1});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 1);
    assert_int_equal(w->tally->causes[FAILURE_CONNECT].error, ETIMEDOUT);
    assert_int_equal(w->finished_ns, NS_PER_S + 3 * NS_PER_S);
    world_destroy(w);
}

static void a_hundred_refused_requests_are_over_at_once(void **state)
{
    (void)state;
    struct world *w = world_create(100);
    w->plan.trace = false;
    world_script(w, (struct script){.connect_error = ECONNREFUSED});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 100);
    assert_true(w->waited_ns < NS_PER_S / 2);
    world_destroy(w);
}

static void a_dead_server_is_not_hammered_for_a_long_run(void **state)
{
    static const struct script scripts[] = {
        {.connect_error = ECONNREFUSED}, {.then = RESETS}, {.replies = {"garbage\r\n"}}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world *w = world_create(0);
        w->plan.trace = false;
        w->plan.duration_ns = 10 * NS_PER_S;
        world_script(w, scripts[i]);
        world_run(w);
        assert_true(w->tally->failed > 20);
        assert_true(w->tally->failed < 500);
        world_destroy(w);
    }
}

static void rests_grow_shorter_again_when_all_is_well(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.trace = false;
    w->plan.duration_ns = NS_PER_S;
    for (size_t i = 0; i < 6; i++) {
        world_script(w, (struct script){.connect_error = ECONNREFUSED});
    }
    world_script(w, (struct script){.replies = {OK, OK, OK}, .then = RESETS});
    world_script(w, (struct script){.replies = {OK}, .then = STAYS});
    w->plan.requests = 0;
    world_run(w);
    /* 1 + 2 + 4 + 8 + 16 + 32 ms; the idle reset that follows costs no rest */
    assert_int_equal(w->waited_ns, 63 * NS_PER_MS);
    world_destroy(w);
}

static void a_full_backlog_is_asked_again(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    world_script(w, (struct script){.connect_error = EAGAIN});
    world_script(w, (struct script){.connect_error = EAGAIN});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->connections, 3);
    world_destroy(w);
}

static void a_backlog_that_stays_full_is_given_up_at_the_timeout(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    world_script(w, (struct script){.connect_error = EAGAIN});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 1);
    assert_true(w->finished_ns >= NS_PER_S + w->plan.connect_timeout_ns);
    world_destroy(w);
}

/* ---- sharing ---- */

static void first_requests_are_spread_over_all_sessions(void **state)
{
    (void)state;
    struct world *a = world_create(2);
    world_begin(a);
    struct session b;
    struct session c;
    struct session_place place = a->session.place;
    struct flight flights[2];
    place.flights = &flights[0];
    session_init(&b, &place);
    place.flights = &flights[1];
    session_init(&c, &place);
    struct outcome came = {CAME_NOTHING, 0, 0};
    assert_int_equal(session_step(&a->session, a->now, came)->kind, STEP_CONNECT);
    assert_int_equal(session_step(&b, a->now, came)->kind, STEP_CONNECT);
    assert_int_equal(session_step(&c, a->now, came)->kind, STEP_FINISHED);
    world_destroy(a);
}

/* ---- whatever happens ---- */

/* A lot is a sequence of random numbers that its number alone decides. */
struct lot {
    uint64_t seed;
    uint64_t drawn;
};

static uint64_t between(struct lot *lot, uint64_t low, uint64_t high)
{
    return random_between(lot->seed, lot->drawn++, low, high);
}

static const char *const replies[] = {
    OK,
    HEAD "Content-Length: 0\r\n\r\n",
    HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\nA: b\r\n\r\n",
    HEAD "Connection: close\r\nContent-Length: 2\r\n\r\nhi",
    HEAD "\r\nuntil close",
    ("HTTP/1.1 100 Continue\r\n\r\n" OK),
    "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nold",
};

/* One reply, as it should be or with a byte changed, taken out or cut off after. */
static char *draw_reply(struct lot *lot)
{
    const char *text = replies[between(lot, 0, sizeof(replies) / sizeof(replies[0]) - 1)];
    char *reply = strdup(text);
    size_t at = between(lot, 0, strlen(text) - 1);
    assert_non_null(reply);
    switch (between(lot, 0, 9)) {
    case 0:
        reply[at] = (char)between(lot, 1, 255);
        break;
    case 1:
        memmove(reply + at, reply + at + 1, strlen(reply) - at);
        break;
    case 2:
        reply[at] = '\0';
        break;
    default:
        break;
    }
    return reply;
}

static void draw_script(struct world *w, struct lot *lot)
{
    static const int errors[] = {0, 0, 0, 0, 0, 0, 0, ECONNREFUSED, EAGAIN, -1};
    static const int handshake_errors[] = {
        0, 0, 0, 0, 0, 0, 0, HANDSHAKE_NEVER, HANDSHAKE_REFUSED, ECONNRESET};
    struct script script = {
        .connect_error = errors[between(lot, 0, 9)],
        .then = (enum manner)between(lot, STAYS,
                                     w->plan.targets[0].origin->host != NULL ? BREAKS : RESETS),
        .handshake_error = handshake_errors[between(lot, 0, 9)],
        .deaf_after = between(lot, 0, 3) == 0 ? between(lot, 1, 4) : 0,
    };
    for (uint64_t i = between(lot, 0, REPLIES_MOST); i > 0; i--) {
        script.replies[i - 1] = draw_reply(lot);
    }
    world_script(w, script);
}

/* The books are checked by world_run(), and every wait and every byte by the steps it takes. */
static void a_session_keeps_its_promises_whatever_the_server_does(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 2000; number++) {
        struct lot lot = {number, 0};
        struct world *w = world_create(between(&lot, 1, 12));
        w->plan.pipeline = between(&lot, 1, 5);
        w->plan.close = w->plan.pipeline == 1 && between(&lot, 0, 3) == 0;
        w->plan.verify = (enum verify)between(&lot, VERIFY_STATUS, VERIFY_BYTES);
        w->plan.repeatable = between(&lot, 0, 3) > 0;
        w->plan.rate = between(&lot, 0, 3) == 0 ? between(&lot, 1, 1000) : 0;
        w->plan.duration_ns = between(&lot, 0, 3) == 0 ? between(&lot, 1, 30 * NS_PER_S) : 0;
        w->plan.warmup_ns = between(&lot, 0, 3) == 0 ? between(&lot, 1, NS_PER_MS / 50) : 0;
        w->slice = between(&lot, 0, 60);
        w->bite = between(&lot, 0, 40);
        if (between(&lot, 0, 2) == 0) {
            world_secure(w);
        }
        for (uint64_t i = between(&lot, 1, 8); i > 0; i--) {
            draw_script(w, &lot);
        }
        world_run(w);
        if (w->plan.duration_ns == 0) {
            assert_int_equal(w->tally->ok + w->tally->failed, w->plan.requests);
        }
        for (size_t i = 0; i < w->script_count; i++) {
            for (size_t k = 0; k < REPLIES_MOST; k++) {
                free((char *)w->script[i].replies[k]);
            }
        }
        world_destroy(w);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, has_its_verdict_in_slices_of_any_size, ROWS(reply_rows));
    suite_add(&suite, CASE(stray_bytes_are_framing));
    suite_add(&suite, CASE(stray_bytes_spend_the_connection));
    suite_add(&suite, CASE(a_body_unlike_the_first_is_content));
    suite_add(&suite, CASE(lengths_alone_do_not_tell_bodies_apart));
    suite_add(&suite, CASE(every_url_has_a_first_body_of_its_own));
    suite_add(&suite, CASE(a_failure_s_body_is_no_measure));
    suite_add(&suite, CASE(large_bodies_are_read_where_bytes_are_verified));
    suite_add(&suite, CASE(one_connection_carries_many_requests));
    suite_add(&suite, CASE(small_replies_cost_one_send_and_one_read_each));
    suite_add(&suite, CASE(large_bodies_are_discarded));
    suite_add(&suite, CASE(bytes_behind_a_discarded_body_are_framing));
    suite_add(&suite, CASE(large_chunks_are_discarded));
    suite_add(&suite, CASE(close_makes_a_connection_for_every_request));
    suite_add(&suite, CASE(connections_take_sources_in_turn));
    suite_add(&suite, CASE(a_server_that_closes_is_connected_to_again));
    suite_add(&suite, CASE(an_idle_connection_that_was_closed_is_no_error));
    suite_add(&suite, CASE(an_idle_connection_that_takes_no_bytes_is_no_error));
    suite_add(&suite, CASE(a_request_is_repeated_once_and_not_again));
    suite_add(&suite, CASE(a_request_that_is_not_idempotent_is_not_repeated));
    suite_add(&suite, CASE(the_wait_of_a_repeated_request_counts_from_its_first_sending));
    suite_add(&suite, CASE(a_new_connection_that_closes_is_an_error));
    suite_add(&suite, CASE(an_early_reply_is_read_though_sending_failed));
    suite_add(&suite, CASE(an_end_behind_a_reset_ends_no_reply));
    suite_add(&suite, CASE(another_origin_is_another_connection));
    suite_add(&suite, CASE(urls_of_one_origin_share_a_connection_in_turn));
    suite_add(&suite, CASE(a_refused_connection_fails_its_request));
    suite_add(&suite, CASE(a_connection_that_is_lost_as_soon_as_it_is_made_is_reset));
    suite_add(&suite, CASE(a_connection_that_is_never_decided_fails_at_its_timeout));
    suite_add(&suite, CASE(a_hundred_refused_requests_are_over_at_once));
    suite_add(&suite, CASE(a_dead_server_is_not_hammered_for_a_long_run));
    suite_add(&suite, CASE(rests_grow_shorter_again_when_all_is_well));
    suite_add(&suite, CASE(a_full_backlog_is_asked_again));
    suite_add(&suite, CASE(a_backlog_that_stays_full_is_given_up_at_the_timeout));
    suite_add(&suite, CASE(first_requests_are_spread_over_all_sessions));
    suite_add(&suite, CASE(a_session_keeps_its_promises_whatever_the_server_does));
    return suite_run(&suite, "client/session");
}
