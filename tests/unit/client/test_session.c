/* Drives sessions by bytes and outcomes alone: the server is a script, the clock a number. */
#include "client/session.h"

#include "lib/base/random.h"
#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define OK_SIZE (sizeof(OK) - 1)

enum {
    REPLIES_MOST = 8,
    STEPS_MOST = 200000,
    VERDICTS_MOST = 64,
    LATENCY = 1000, /* ns from a request to its reply's first piece */
};

/* How a connection behaves when its replies are used up. */
enum manner {
    STAYS, /* says nothing more */
    CLOSES,
    RESETS,
};

/* One connection as the server holds it: a reply for every request that has come whole. */
struct script {
    int connect_error; /* 0: connects; -1: never decided */
    const char *replies[REPLIES_MOST];
    enum manner then;
    size_t deaf_after; /* 0: never; sending fails with EPIPE after so many requests */
};

/* A world for one session. */
struct world {
    struct plan plan;
    struct course course;
    struct gauge gauge;
    _Atomic uint64_t specimens[2];
    struct tally *tally;
    struct tally *warmup;
    struct flight flights[64];
    struct reply_memory memory;
    struct guard scratch_guard;
    struct guard room_guard;
    struct session session;

    struct script script[8]; /* of the first connections; the last one again and again */
    size_t script_count;
    size_t slice; /* bytes that a call receives at most; 0: as many as asked for */
    size_t bite;  /* bytes that a call sends at most; 0: all */
    uint64_t send_takes_ns;
    uint64_t receive_takes_ns;
    size_t stall_at; /* the read with this number, from 1, takes so much longer */
    uint64_t stall_ns;
    uint64_t oversleep_ns; /* a wait ends so much after its moment */

    uint64_t now;
    size_t connections; /* made so far */
    bool connected;
    const struct origin *origin; /* of the last connection */
    size_t received;             /* bytes of requests that came on this connection */
    size_t reply;                /* which reply of the script is being sent */
    size_t at;                   /* and how far */

    size_t sends, reads, discards, closes, waits; /* steps taken */
    size_t requests;                              /* bytes sent on all connections */
    uint64_t waited_ns;                           /* in WAIT steps */
    uint64_t finished_ns;
    struct verdict verdicts[VERDICTS_MOST];
    size_t verdict_count;
};

static const struct origin origins[2] = {{.tcp = true}, {.tcp = true}};
static const struct target home[] = {{"http://h/", &origins[0], TEXT(REQUEST)}};

static struct world *world_create(uint64_t requests)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->tally = calloc(1, sizeof(*w->tally));
    assert_non_null(w->tally);
    w->warmup = calloc(1, sizeof(*w->warmup));
    assert_non_null(w->warmup);
    guard_init(&w->scratch_guard, SESSION_SCRATCH);
    guard_init(&w->room_guard, SESSION_ROOM);
    w->now = NS_PER_S;
    w->receive_takes_ns = LATENCY;
    w->plan = (struct plan){
        .targets = home,
        .target_count = 1,
        .turn_count = 1,
        .method = METHOD_GET,
        .method_text = "GET",
        .repeatable = true,
        .connections = 1,
        .threads = 1,
        .pipeline = 1,
        .requests = requests,
        .timeout_ns = 10 * NS_PER_S,
        .connect_timeout_ns = 3 * NS_PER_S,
        .trace = true,
        .verify = VERIFY_LENGTH,
    };
    return w;
}

static void world_destroy(struct world *w)
{
    guard_finish(&w->scratch_guard);
    guard_finish(&w->room_guard);
    free(w->tally);
    free(w->warmup);
    free(w);
}

static void script_add(struct world *w, struct script script)
{
    w->script[w->script_count++] = script;
}

static const struct script *script_now(const struct world *w)
{
    size_t last = w->script_count - 1;
    return &w->script[w->connections - 1 < last ? w->connections - 1 : last];
}

static size_t replies_in(const struct script *script)
{
    size_t count = 0;
    while (count < REPLIES_MOST && script->replies[count] != NULL) {
        count++;
    }
    return count;
}

static size_t requests_received(const struct world *w)
{
    return w->received / (w->plan.targets[0].request.len + w->plan.body.len);
}

/* What the server has ready to be received: what is left of a reply whose request has come. */
static struct bytes ready_bytes(struct world *w)
{
    const struct script *script = script_now(w);
    size_t asked = requests_received(w);
    while (w->reply < asked && w->reply < replies_in(script)) {
        const char *text = script->replies[w->reply];
        if (text[w->at] != '\0') {
            return (struct bytes){text + w->at, strlen(text) - w->at};
        }
        w->reply++;
        w->at = 0;
    }
    return (struct bytes){0};
}

static struct outcome failed(int error)
{
    return (struct outcome){CAME_FAILED, error, 0};
}

static struct outcome timed_out(struct world *w, const struct step *step)
{
    assert_true(step->until_ns != CLOCK_NEVER); /* nothing may be waited for without an end */
    if (step->until_ns > w->now) {
        w->now = step->until_ns;
    }
    return (struct outcome){CAME_TIMED_OUT, 0, 0};
}

static struct outcome do_connect(struct world *w, const struct step *step)
{
    assert_false(w->connected);
    w->connections++;
    const struct script *script = script_now(w);
    if (script->connect_error < 0) {
        return timed_out(w, step);
    }
    if (script->connect_error > 0) {
        return failed(script->connect_error);
    }
    w->connected = true;
    w->origin = step->origin;
    w->received = w->reply = w->at = 0;
    w->now += 50;
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome do_send(struct world *w, const struct step *step)
{
    size_t size = 0;
    assert_true(w->connected);
    assert_true(step->piece_count > 0);
    w->sends++;
    for (int i = 0; i < step->piece_count; i++) {
        assert_true(step->pieces[i].iov_len > 0);
        size += step->pieces[i].iov_len;
    }
    size_t deaf_after = script_now(w)->deaf_after;
    if (deaf_after > 0 && requests_received(w) >= deaf_after) {
        return failed(EPIPE);
    }
    if (w->bite > 0 && size > w->bite) {
        size = w->bite;
    }
    w->received += size;
    w->requests += size;
    w->now += w->send_takes_ns;
    return (struct outcome){CAME_DONE, 0, size};
}

static struct outcome do_receive(struct world *w, const struct step *step)
{
    assert_true(w->connected);
    assert_true(step->size > 0);
    /* a model may not be made to spin; a request that was sent again may have had its time */
    uint64_t sent_ns = w->flights[w->session.first].sent_ns;
    assert_true(step->until_ns > w->now || w->now >= sent_ns + w->plan.timeout_ns);
    struct bytes ready = ready_bytes(w);
    size_t most = w->slice > 0 && w->slice < step->size ? w->slice : step->size;
    size_t size = ready.len < most ? ready.len : most;
    if (size == 0) {
        bool over = w->reply >= replies_in(script_now(w));
        enum manner then = over ? script_now(w)->then : STAYS;
        return then == CLOSES   ? (struct outcome){CAME_ENDED, 0, 0}
               : then == RESETS ? failed(ECONNRESET)
                                : timed_out(w, step);
    }
    if (step->kind == STEP_READ) {
        memcpy(step->space, ready.at, size);
        w->reads++;
    } else {
        w->discards++;
    }
    w->at += size;
    w->now += w->receive_takes_ns + (w->reads == w->stall_at ? w->stall_ns : 0);
    return (struct outcome){CAME_DONE, 0, size};
}

static struct outcome do_wait(struct world *w, const struct step *step)
{
    assert_true(step->until_ns != CLOCK_NEVER);
    w->waits++;
    if (step->until_ns > w->now) {
        w->waited_ns += step->until_ns - w->now;
        w->now = step->until_ns + w->oversleep_ns;
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome take(struct world *w, const struct step *step)
{
    switch (step->kind) {
    case STEP_CONNECT:
        return do_connect(w, step);
    case STEP_SEND:
        return do_send(w, step);
    case STEP_READ:
    case STEP_DISCARD:
        /* other sessions of the thread have used the scratch since */
        memset(guard_room(&w->scratch_guard, SESSION_SCRATCH), '#', SESSION_SCRATCH);
        return do_receive(w, step);
    case STEP_WAIT:
        return do_wait(w, step);
    case STEP_TELL:
        assert_true(w->verdict_count < VERDICTS_MOST);
        w->verdicts[w->verdict_count++] = *step->verdict;
        break;
    case STEP_CLOSE:
        assert_true(w->connected);
        w->connected = false;
        w->closes++;
        break;
    default:
        fail_msg("step %d was not to be taken", step->kind);
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

static void world_init_session(struct world *w)
{
    course_init(&w->course, w->plan.requests, w->plan.duration_ns, w->plan.warmup_ns);
    session_init(&w->session, &(struct session_place){
                                  .plan = &w->plan,
                                  .course = &w->course,
                                  .tally = w->tally,
                                  .warmup = w->warmup,
                                  .specimens = w->specimens,
                                  .gauge = &w->gauge,
                                  .flights = w->flights,
                                  .memory = &w->memory,
                                  .scratch = guard_room(&w->scratch_guard, SESSION_SCRATCH),
                                  .room = guard_room(&w->room_guard, SESSION_ROOM),
                              });
    course_begin(&w->course, w->now);
}

/* Whatever happened, this holds at the end. */
static void check_books(const struct world *w)
{
    const struct tally *t = w->tally;
    uint64_t failures = 0;
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        failures += t->failures[kind];
    }
    assert_false(w->connected);
    assert_int_equal(failures, t->failed);
    assert_true(t->ok + t->failed <= t->sent);
    assert_int_equal(t->latency.count, t->ok);
    assert_int_equal(t->first_byte.count, t->ok);
    assert_int_equal(t->raw.count, w->plan.rate > 0 ? t->ok : 0);
    assert_true(t->lag.count + t->held_up <= (w->plan.rate > 0 ? t->sent : 0));
    const struct tally *warmup = w->warmup;
    assert_int_equal(t->bytes_sent + warmup->bytes_sent, w->requests);
    assert_true(w->plan.warmup_ns > 0 || warmup->sent == 0);
    if (w->plan.trace) {
        assert_int_equal(w->verdict_count, t->ok + t->failed + warmup->ok + warmup->failed);
    }
}

/* From the first step to STEP_FINISHED. */
static void run(struct world *w)
{
    struct outcome came = {CAME_NOTHING, 0, 0};
    world_init_session(w);
    for (size_t steps = 0; steps < STEPS_MOST; steps++) {
        const struct step *step = session_step(&w->session, w->now, came);
        if (step->kind == STEP_FINISHED) {
            w->finished_ns = w->now;
            check_books(w);
            return;
        }
        came = take(w, step);
    }
    fail_msg("the session does not end");
}

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

#define HEAD "HTTP/1.1 200 OK\r\n"
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
        script_add(w, (struct script){.replies = {row->reply}, .then = row->then});
        run(w);
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
        script_add(w, (struct script){.replies = {OK "!!"}});
        run(w);
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
    script_add(w, (struct script){.replies = {OK "!!", OK}});
    script_add(w, (struct script){.replies = {OK}});
    run(w);
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
        script_add(w, (struct script){.replies = {OK, HELLO_CHUNKED, OTHER, OK, OTHER}});
        run(w);
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
    script_add(w, (struct script){.replies = {OK, OTHER}});
    run(w);
    assert_int_equal(w->tally->ok, 2);
    world_destroy(w);
}

static void every_url_has_a_first_body_of_its_own(void **state)
{
    static const struct target two[] = {{"http://h/1", &origins[0], TEXT(REQUEST)},
                                        {"http://h/2", &origins[0], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(6);
    w->plan.verify = VERIFY_BYTES;
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    script_add(w, (struct script){.replies = {OK, OTHER, OK, OTHER, OTHER, OTHER}});
    run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->verdicts[4].failure, FAILURE_CONTENT);
    world_destroy(w);
}

static void a_failure_s_body_is_no_measure(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.verify = VERIFY_BYTES;
    script_add(
        w, (struct script){.replies = {"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", OK, OK}});
    run(w);
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
    script_add(w, (struct script){.replies = {large, large, other, large}});
    run(w);
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
    script_add(w, (struct script){.replies = {OK, OK, OK, OK}});
    run(w);
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
    script_add(w, (struct script){.replies = {OK, OK, OK, OK}});
    run(w);
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
    script_add(w, (struct script){.replies = {large, large, large}});
    run(w);
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
    script_add(w, (struct script){.replies = {large}});
    run(w);
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
    script_add(w, (struct script){.replies = {large, large}});
    run(w);
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
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->connections, 3);
    assert_int_equal(w->closes, 3);
    world_destroy(w);
}

static void a_server_that_closes_is_connected_to_again(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    script_add(w,
               (struct script){
                   .replies = {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
                   .then = CLOSES});
    run(w);
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
        script_add(w, (struct script){.replies = {OK, OK}, .then = manners[i]});
        script_add(w, (struct script){.replies = {OK}});
        run(w);
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
    script_add(w, (struct script){.replies = {OK}, .then = CLOSES, .deaf_after = 1});
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

static void a_request_is_repeated_once_and_not_again(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    script_add(w, (struct script){.replies = {OK}, .then = CLOSES});
    script_add(w, (struct script){.then = CLOSES});
    run(w);
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
    script_add(w, (struct script){.replies = {OK}, .then = CLOSES});
    run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 1);
    world_destroy(w);
}

static void the_wait_of_a_repeated_request_counts_from_its_first_sending(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    script_add(w, (struct script){.replies = {OK}, .then = CLOSES});
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    /* first: one reply; second: a connection more as well */
    assert_int_equal(w->verdicts[0].took_ns, LATENCY);
    assert_int_equal(w->verdicts[1].took_ns, LATENCY + 50);
    world_destroy(w);
}

static void a_new_connection_that_closes_is_an_error(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    script_add(w, (struct script){.then = CLOSES});
    run(w);
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
    world_init_session(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    assert_int_equal(step->kind, STEP_CONNECT);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_SEND);
    step = session_step(&w->session, w->now, failed(EPIPE));
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

static void another_origin_is_another_connection(void **state)
{
    static const struct target two[] = {{"http://a/", &origins[0], TEXT(REQUEST)},
                                        {"http://b/", &origins[1], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(3);
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    script_add(w, (struct script){.replies = {OK, OK}});
    run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->connections, 3);
    assert_ptr_equal(w->origin, &origins[0]);
    assert_string_equal(w->verdicts[1].url, "http://b/");
    world_destroy(w);
}

static void urls_of_one_origin_share_a_connection_in_turn(void **state)
{
    static const struct target two[] = {{"http://h/1", &origins[0], TEXT(REQUEST)},
                                        {"http://h/2", &origins[0], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(3);
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    script_add(w, (struct script){.replies = {OK, OK, OK}});
    run(w);
    assert_int_equal(w->connections, 1);
    assert_string_equal(w->verdicts[0].url, "http://h/1");
    assert_string_equal(w->verdicts[1].url, "http://h/2");
    assert_string_equal(w->verdicts[2].url, "http://h/1");
    world_destroy(w);
}

/* ---- sending ---- */

static void urls_take_the_turns_of_the_plan(void **state)
{
    static const struct target two[] = {{"http://h/1", &origins[0], TEXT(REQUEST)},
                                        {"http://h/2", &origins[0], TEXT(REQUEST)}};
    static const uint32_t turns[] = {1, 0, 1};
    (void)state;
    struct world *w = world_create(5);
    w->plan.targets = two;
    w->plan.target_count = 2;
    w->plan.turns = turns;
    w->plan.turn_count = 3;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK}});
    run(w);
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
        script_add(w, (struct script){.replies = {OK, OK}});
        run(w);
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
    script_add(w, (struct script){.replies = {OK, OK}});
    run(w);
    assert_int_equal(w->sends, 2);
    world_destroy(w);
}

/* ---- failures to connect ---- */

static void a_refused_connection_fails_its_request(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    script_add(w, (struct script){.connect_error = ECONNREFUSED});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 5);
    assert_int_equal(w->tally->causes[FAILURE_CONNECT].error, ECONNREFUSED);
    assert_int_equal(w->tally->sent, 5);
    assert_int_equal(w->tally->connect.count, 0);
    world_destroy(w);
}

static void a_connection_that_is_never_decided_fails_at_its_timeout(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    script_add(w, (struct script){.connect_error = -1});
    run(w);
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
    script_add(w, (struct script){.connect_error = ECONNREFUSED});
    run(w);
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
        script_add(w, scripts[i]);
        run(w);
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
        script_add(w, (struct script){.connect_error = ECONNREFUSED});
    }
    script_add(w, (struct script){.replies = {OK, OK, OK}, .then = RESETS});
    script_add(w, (struct script){.replies = {OK}, .then = STAYS});
    w->plan.requests = 0;
    run(w);
    /* 1 + 2 + 4 + 8 + 16 + 32 ms; the idle reset that follows costs no rest */
    assert_int_equal(w->waited_ns, 63 * NS_PER_MS);
    world_destroy(w);
}

static void a_full_backlog_is_asked_again(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    script_add(w, (struct script){.connect_error = EAGAIN});
    script_add(w, (struct script){.connect_error = EAGAIN});
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->connections, 3);
    world_destroy(w);
}

static void a_backlog_that_stays_full_is_given_up_at_the_timeout(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    script_add(w, (struct script){.connect_error = EAGAIN});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 1);
    assert_true(w->finished_ns >= NS_PER_S + w->plan.connect_timeout_ns);
    world_destroy(w);
}

/* ---- time ---- */

static void latency_runs_from_sending_to_the_last_byte(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->slice = 10; /* six receives */
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    size_t receives = (OK_SIZE + 9) / 10;
    assert_int_equal(w->verdicts[0].took_ns, receives * LATENCY);
    assert_int_equal(w->tally->latency.slots[receives * LATENCY / 1000], 1);
    assert_int_equal(w->tally->first_byte.slots[LATENCY / 1000], 1);
    world_destroy(w);
}

static void a_timeout_counts_from_the_request(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    script_add(w, (struct script){.replies = {HEAD "Content-Length: 5\r\n\r\nhel"}});
    run(w);
    assert_int_equal(w->verdicts[0].failure, FAILURE_TIMEOUT);
    assert_int_equal(w->verdicts[0].took_ns, 10 * NS_PER_S);
    world_destroy(w);
}

static void a_timed_out_connection_is_not_used_again(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    script_add(w, (struct script){.replies = {""}});
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 1);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

/* Every step succeeds, and the request is late all the same. */
static void a_request_that_leaves_too_slowly_times_out(void **state)
{
    static const struct bytes body = TEXT("0123456789");
    (void)state;
    struct world *w = world_create(1);
    w->plan.body = body;
    w->bite = 1;
    w->send_takes_ns = NS_PER_S;
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 1);
    assert_true(w->finished_ns <= NS_PER_S + 12 * NS_PER_S);
    world_destroy(w);
}

static void a_reply_that_comes_too_slowly_times_out(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->slice = 1;
    w->receive_takes_ns = NS_PER_S;
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 1);
    assert_true(w->finished_ns <= NS_PER_S + 12 * NS_PER_S);
    world_destroy(w);
}

static void the_end_of_the_run_cuts_off_and_blames_nobody(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.duration_ns = 2 * NS_PER_S;
    script_add(w, (struct script){.replies = {OK, OK}});
    run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->sent, 3);
    assert_int_equal(w->finished_ns, 3 * NS_PER_S);
    assert_int_equal(w->tally->ended_ns, 3 * NS_PER_S);
    world_destroy(w);
}

static void the_end_of_the_run_ends_connecting_and_resting(void **state)
{
    static const int errors[] = {-1, ECONNREFUSED};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_create(0);
        w->plan.trace = false;
        w->plan.duration_ns = 2 * NS_PER_S;
        script_add(w, (struct script){.connect_error = errors[i]});
        run(w);
        assert_int_equal(w->finished_ns, 3 * NS_PER_S);
        world_destroy(w);
    }
}

static void a_run_ends_by_requests_or_by_time(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->plan.duration_ns = 100 * NS_PER_S;
    script_add(w, (struct script){.replies = {OK}});
    run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_true(w->finished_ns < 2 * NS_PER_S);
    world_destroy(w);
}

static void a_stopped_run_ends_wherever_it_waits(void **state)
{
    (void)state;
    struct world *w = world_create(10);
    script_add(w, (struct script){.replies = {OK}});
    world_init_session(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    while (step->kind != STEP_READ || w->tally->ok == 0) {
        came = take(w, step);
        step = session_step(&w->session, w->now, came);
    }
    course_stop(&w->course, w->now);
    step = session_step(&w->session, w->now, (struct outcome){CAME_TIMED_OUT, 0, 0});
    assert_int_equal(step->kind, STEP_CLOSE);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_FINISHED);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->sent, 2);
    world_destroy(w);
}

static void a_run_stopped_before_it_began_connects_to_nobody(void **state)
{
    (void)state;
    struct world *w = world_create(10);
    world_init_session(w);
    course_stop(&w->course, w->now);
    struct outcome came = {CAME_NOTHING, 0, 0};
    assert_int_equal(session_step(&w->session, w->now, came)->kind, STEP_FINISHED);
    world_destroy(w);
}

/* ---- sharing ---- */

static void first_requests_are_spread_over_all_sessions(void **state)
{
    (void)state;
    struct world *a = world_create(2);
    world_init_session(a);
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

/* ---- pipelining ---- */

static void several_requests_leave_before_the_first_reply(void **state)
{
    (void)state;
    struct world *w = world_create(6);
    w->plan.pipeline = 3;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK}});
    run(w);
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
        script_add(w,
                   (struct script){
                       .replies = {OK, HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OK,
                                   "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", OK}});
        run(w);
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
    script_add(
        w, (struct script){.replies = {OK, HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n"},
                           .then = CLOSES});
    script_add(w, (struct script){.replies = {OK, OK, OK}});
    run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

static void a_request_to_another_origin_waits_for_the_pipeline_to_empty(void **state)
{
    static const struct target two[] = {{"http://a/", &origins[0], TEXT(REQUEST)},
                                        {"http://b/", &origins[1], TEXT(REQUEST)}};
    (void)state;
    struct world *w = world_create(5);
    w->plan.targets = two;
    w->plan.target_count = w->plan.turn_count = 2;
    w->plan.pipeline = 4;
    script_add(w, (struct script){.replies = {OK, OK}});
    run(w);
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
    script_add(w, (struct script){.replies = {OK, OK, OK}, .then = CLOSES, .deaf_after = 3});
    script_add(w, (struct script){.replies = {OK, OK, OK, OK}});
    run(w);
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
    script_add(w,
               (struct script){.replies = {HEAD "Content-Length: 5\r\n\r\nhel"}, .then = CLOSES});
    script_add(w, (struct script){.replies = {OK, OK}});
    run(w);
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
    script_add(w, (struct script){.replies = {OK}, .then = CLOSES});
    run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failures[FAILURE_RESET], 2);
    world_destroy(w);
}

/* ---- schedules ---- */

static void with_a_rate_requests_are_due_by_the_clock(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    w->plan.rate = 10;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK}});
    run(w);
    assert_int_equal(w->tally->ok, 4);
    /* the first is due at once, but there is no connection yet */
    assert_int_equal(w->verdicts[0].took_ns, LATENCY + 50);
    assert_int_equal(w->verdicts[3].took_ns, LATENCY);
    assert_int_equal(w->finished_ns, NS_PER_S + 300 * NS_PER_MS + LATENCY);
    world_destroy(w);
}

static void with_a_rate_latency_counts_from_the_moment_it_was_due(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.rate = 1000000000; /* due all at once, and answered one after the other */
    script_add(w, (struct script){.replies = {OK, OK, OK}});
    run(w);
    assert_int_equal(w->verdicts[2].took_ns, 50 + 3 * LATENCY - 2);
    world_destroy(w);
}

/* What coordinated omission would hide: a server that stalls, and requests that pile up behind it.
 */
static void a_stall_shows_in_latency_and_hardly_in_raw(void **state)
{
    const size_t requests = 1000;
    uint64_t over_25_ms = 0;
    (void)state;
    struct world *w = world_create(requests);
    w->plan.rate = 1000;
    w->plan.trace = false;
    w->stall_at = 11; /* request 10, due at 10 ms, is answered at 60 ms; 50 more have piled up */
    w->stall_ns = 50 * NS_PER_MS;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    run(w);
    const struct tally *t = w->tally;
    assert_int_equal(t->ok, requests);
    for (size_t slot = histogram_slot(25000); slot < HISTOGRAM_SLOTS; slot++) {
        over_25_ms += t->latency.slots[slot];
    }
    assert_int_equal(over_25_ms, 26); /* due from 10 to 35 ms */
    assert_in_range(histogram_percentile(&t->latency, 97500), 24900, 25100);
    assert_in_range(histogram_max(&t->latency), 50000, 50100);
    assert_in_range(histogram_percentile(&t->raw, 99800), 1, 3);
    assert_in_range(histogram_max(&t->raw), 50000, 50100);
    assert_in_range(t->held_up, 50,
                    52); /* these, and the first, for which no connection was there */
    assert_int_equal(t->lag.count + t->held_up, requests);
    assert_int_equal(histogram_max(&t->lag), 0);
    world_destroy(w);
}

/* The generator's own lateness is told from a connection that is not free. */
static void lag_is_what_passes_while_a_connection_waits(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    w->plan.rate = 10;
    w->oversleep_ns = 3 * NS_PER_MS;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK}});
    run(w);
    assert_int_equal(w->tally->lag.count, 4);
    assert_int_equal(w->tally->lag.sum_us, 4 * 3000);
    assert_int_equal(w->tally->held_up, 1);
    assert_int_equal(w->verdicts[4].took_ns, 3 * NS_PER_MS + LATENCY); /* from when it was due */
    assert_int_equal(w->tally->raw.sum_us, 5 * LATENCY / 1000);
    world_destroy(w);
}

/* What piles up while the generator sleeps is its fault, though each request in turn finds the
 * connection busy with the one before. */
static void what_a_late_generator_holds_up_is_its_lag_too(void **state)
{
    (void)state;
    struct world *w = world_create(200);
    w->plan.rate = 1000;
    w->plan.trace = false;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_init_session(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    while (step->kind != STEP_FINISHED) {
        came = take(w, step);
        if (step->kind == STEP_WAIT && w->tally->sent == 50) {
            w->now += 100 * NS_PER_MS;
        }
        step = session_step(&w->session, w->now, came);
    }
    assert_int_equal(w->tally->ok, 200);
    assert_int_equal(w->tally->held_up, 1); /* the first, before there was a connection */
    assert_in_range(histogram_percentile(&w->tally->lag, 75000), 45000, 55000);
    assert_in_range(histogram_max(&w->tally->lag), 100000, 100100);
    world_destroy(w);
}

static void scarcity_is_counted_by_what_is_scarce(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    script_add(w, (struct script){.connect_error = EMFILE});
    script_add(w, (struct script){.connect_error = EADDRNOTAVAIL});
    script_add(w, (struct script){.connect_error = ECONNREFUSED});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 3);
    assert_int_equal(w->tally->no_descriptor, 1);
    assert_int_equal(w->tally->no_port, 1);
    world_destroy(w);
}

/* The gauge counts them without a look at any clock. */
static void requests_in_flight_are_counted(void **state)
{
    (void)state;
    struct world *w = world_create(12);
    w->plan.pipeline = 3;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_init_session(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    uint64_t most = 0;
    while (step->kind != STEP_FINISHED) {
        came = take(w, step);
        step = session_step(&w->session, w->now, came);
        uint64_t flying = gauge_read(&w->gauge.flying);
        assert_int_equal(flying, w->tally->sent - w->tally->ok - w->tally->failed);
        most = flying > most ? flying : most;
    }
    assert_int_equal(most, 3);
    assert_int_equal(gauge_read(&w->gauge.ended), 12);
    assert_int_equal(gauge_read(&w->gauge.flying), 0);
    world_destroy(w);
}

static void a_request_whose_moment_passes_while_a_connection_waits_is_missed(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.rate = 10;
    w->plan.duration_ns = 250 * NS_PER_MS; /* due: 0, 100 and 200 ms */
    script_add(w, (struct script){.replies = {OK, OK, OK}});
    world_init_session(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    while (step->kind != STEP_WAIT || w->tally->sent < 2) {
        came = take(w, step);
        step = session_step(&w->session, w->now, came);
    }
    w->now += NS_PER_S;
    step = session_step(&w->session, w->now, (struct outcome){CAME_TIMED_OUT, 0, 0});
    assert_int_equal(step->kind, STEP_CLOSE);
    step = session_step(&w->session, w->now, take(w, step));
    assert_int_equal(step->kind, STEP_FINISHED);
    assert_int_equal(w->tally->sent, 2);
    assert_int_equal(w->tally->missed, 1);
    world_destroy(w);
}

/* They are not used up before their time. */
static void requests_that_find_no_connection_fail_by_the_clock(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.rate = 1;
    script_add(w, (struct script){.connect_error = ECONNREFUSED});
    run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 3);
    assert_in_range(w->finished_ns, 3 * NS_PER_S, 3 * NS_PER_S + 10 * NS_PER_MS);
    world_destroy(w);
}

/* ---- warm-up ---- */

static void a_warm_up_counts_toward_nothing(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    w->plan.warmup_ns = 10 * LATENCY; /* nine replies and one connection, or a little more */
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->tally->sent, 5);
    assert_in_range(w->warmup->ok, 9, 10);
    assert_int_equal(w->warmup->sent, w->warmup->ok);
    assert_int_equal(w->tally->bytes_body, 25);
    assert_int_equal(w->tally->statuses[200], 5);
    assert_true(w->tally->connect.count < w->connections);
    assert_int_equal(w->tally->connect.count + w->warmup->connect.count, w->connections);
    world_destroy(w);
}

static void a_duration_begins_after_the_warm_up(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.warmup_ns = NS_PER_S;
    w->plan.duration_ns = 2 * NS_PER_S;
    w->plan.trace = false;
    w->receive_takes_ns = 100 * NS_PER_MS;
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    run(w);
    assert_in_range(w->finished_ns, 4 * NS_PER_S, 4 * NS_PER_S + 200 * NS_PER_MS);
    assert_in_range(w->warmup->ok, 9, 10);
    assert_in_range(w->tally->ok, 18, 20);
    world_destroy(w);
}

/* The schedule of a warm-up is its own: number 0 of those that count is due when it is over. */
static void a_warm_up_has_its_own_schedule(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    w->plan.rate = 10;
    w->plan.warmup_ns = 250 * NS_PER_MS; /* due in it: 0, 100 and 200 ms */
    script_add(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK}});
    run(w);
    assert_int_equal(w->warmup->ok, 3);
    assert_int_equal(w->tally->ok, 4);
    assert_int_equal(w->finished_ns, NS_PER_S + 550 * NS_PER_MS + LATENCY);
    assert_int_equal(w->tally->lag.count,
                     4); /* none of these was held up by a missing connection */
    assert_int_equal(w->warmup->held_up, 1);
    assert_int_equal(w->verdicts[6].took_ns, LATENCY);
    world_destroy(w);
}

/* What a slow server has not taken of a warm-up when it ends does not hold up what counts. */
static void an_unfinished_warm_up_is_let_go(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.rate = 10;
    w->plan.warmup_ns = NS_PER_S;
    w->stall_at = 1;
    w->stall_ns = NS_PER_S;
    script_add(w, (struct script){.replies = {OK, OK, OK}});
    run(w);
    assert_int_equal(w->warmup->ok, 1);
    assert_int_equal(w->tally->ok, 2);
    assert_in_range(w->finished_ns, 2 * NS_PER_S + 100 * NS_PER_MS, 2 * NS_PER_S + 110 * NS_PER_MS);
    world_destroy(w);
}

static void failures_of_a_warm_up_are_known(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->plan.warmup_ns = 60;
    script_add(w,
               (struct script){.replies = {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", OK}});
    run(w);
    assert_int_equal(w->warmup->failures[FAILURE_STATUS], 1);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->ok, 1);
    world_destroy(w);
}

static void thinking_comes_between_reply_and_request(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.think_low_ns = w->plan.think_high_ns = 20 * NS_PER_MS;
    script_add(w, (struct script){.replies = {OK, OK, OK}});
    run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->waited_ns, 40 * NS_PER_MS);
    assert_int_equal(w->verdicts[2].took_ns, LATENCY);
    world_destroy(w);
}

/* ---- delays ---- */

static void delays_that_replies_name_are_summed(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    script_add(w, (struct script){.replies = {HEAD "Delay: 1.5\r\nContent-Length: 0\r\n\r\n",
                                              HEAD "Delay: 0.25\r\nContent-Length: 0\r\n\r\n"}});
    run(w);
    assert_int_equal(w->tally->delay_count, 2);
    assert_int_equal(w->tally->delay_sum_ns, 1750 * NS_PER_MS);
    assert_int_equal(w->tally->delay_max_ns, 1500 * NS_PER_MS);
    assert_true(w->verdicts[1].has_delay);
    assert_int_equal(w->verdicts[1].delay_ns, 250 * NS_PER_MS);
    world_destroy(w);
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
    struct script script = {
        .connect_error = errors[between(lot, 0, 9)],
        .then = (enum manner)between(lot, STAYS, RESETS),
        .deaf_after = between(lot, 0, 3) == 0 ? between(lot, 1, 4) : 0,
    };
    for (uint64_t i = between(lot, 0, REPLIES_MOST); i > 0; i--) {
        script.replies[i - 1] = draw_reply(lot);
    }
    script_add(w, script);
}

/* The books are checked by run(), and every wait and every byte by the steps it takes. */
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
        for (uint64_t i = between(&lot, 1, 8); i > 0; i--) {
            draw_script(w, &lot);
        }
        run(w);
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
    suite_add(&suite, CASE(a_server_that_closes_is_connected_to_again));
    suite_add(&suite, CASE(an_idle_connection_that_was_closed_is_no_error));
    suite_add(&suite, CASE(an_idle_connection_that_takes_no_bytes_is_no_error));
    suite_add(&suite, CASE(a_request_is_repeated_once_and_not_again));
    suite_add(&suite, CASE(a_request_that_is_not_idempotent_is_not_repeated));
    suite_add(&suite, CASE(the_wait_of_a_repeated_request_counts_from_its_first_sending));
    suite_add(&suite, CASE(a_new_connection_that_closes_is_an_error));
    suite_add(&suite, CASE(an_early_reply_is_read_though_sending_failed));
    suite_add(&suite, CASE(another_origin_is_another_connection));
    suite_add(&suite, CASE(urls_of_one_origin_share_a_connection_in_turn));
    suite_add(&suite, CASE(urls_take_the_turns_of_the_plan));
    suite_add(&suite, CASE(a_request_may_leave_in_pieces_of_any_size));
    suite_add(&suite, CASE(head_and_body_leave_in_one_call));
    suite_add(&suite, CASE(a_refused_connection_fails_its_request));
    suite_add(&suite, CASE(a_connection_that_is_never_decided_fails_at_its_timeout));
    suite_add(&suite, CASE(a_hundred_refused_requests_are_over_at_once));
    suite_add(&suite, CASE(a_dead_server_is_not_hammered_for_a_long_run));
    suite_add(&suite, CASE(rests_grow_shorter_again_when_all_is_well));
    suite_add(&suite, CASE(a_full_backlog_is_asked_again));
    suite_add(&suite, CASE(a_backlog_that_stays_full_is_given_up_at_the_timeout));
    suite_add(&suite, CASE(latency_runs_from_sending_to_the_last_byte));
    suite_add(&suite, CASE(a_timeout_counts_from_the_request));
    suite_add(&suite, CASE(a_timed_out_connection_is_not_used_again));
    suite_add(&suite, CASE(a_request_that_leaves_too_slowly_times_out));
    suite_add(&suite, CASE(a_reply_that_comes_too_slowly_times_out));
    suite_add(&suite, CASE(the_end_of_the_run_cuts_off_and_blames_nobody));
    suite_add(&suite, CASE(the_end_of_the_run_ends_connecting_and_resting));
    suite_add(&suite, CASE(a_run_ends_by_requests_or_by_time));
    suite_add(&suite, CASE(a_stopped_run_ends_wherever_it_waits));
    suite_add(&suite, CASE(a_run_stopped_before_it_began_connects_to_nobody));
    suite_add(&suite, CASE(first_requests_are_spread_over_all_sessions));
    suite_add(&suite, CASE(several_requests_leave_before_the_first_reply));
    suite_add(&suite, CASE(pipelined_replies_are_told_apart_in_slices_of_any_size));
    suite_add(&suite, CASE(pipelined_requests_are_sent_again_after_a_close));
    suite_add(&suite, CASE(a_request_to_another_origin_waits_for_the_pipeline_to_empty));
    suite_add(&suite, CASE(a_deaf_connection_is_read_to_its_end));
    suite_add(&suite, CASE(only_the_oldest_request_fails_with_its_connection));
    suite_add(&suite, CASE(all_fail_with_their_connection_when_they_may_not_be_repeated));
    suite_add(&suite, CASE(with_a_rate_requests_are_due_by_the_clock));
    suite_add(&suite, CASE(with_a_rate_latency_counts_from_the_moment_it_was_due));
    suite_add(&suite, CASE(a_stall_shows_in_latency_and_hardly_in_raw));
    suite_add(&suite, CASE(lag_is_what_passes_while_a_connection_waits));
    suite_add(&suite, CASE(what_a_late_generator_holds_up_is_its_lag_too));
    suite_add(&suite, CASE(scarcity_is_counted_by_what_is_scarce));
    suite_add(&suite, CASE(requests_in_flight_are_counted));
    suite_add(&suite, CASE(a_request_whose_moment_passes_while_a_connection_waits_is_missed));
    suite_add(&suite, CASE(requests_that_find_no_connection_fail_by_the_clock));
    suite_add(&suite, CASE(a_warm_up_counts_toward_nothing));
    suite_add(&suite, CASE(a_duration_begins_after_the_warm_up));
    suite_add(&suite, CASE(a_warm_up_has_its_own_schedule));
    suite_add(&suite, CASE(an_unfinished_warm_up_is_let_go));
    suite_add(&suite, CASE(failures_of_a_warm_up_are_known));
    suite_add(&suite, CASE(thinking_comes_between_reply_and_request));
    suite_add(&suite, CASE(delays_that_replies_name_are_summed));
    suite_add(&suite, CASE(a_session_keeps_its_promises_whatever_the_server_does));
    return suite_run(&suite, "client/session");
}
