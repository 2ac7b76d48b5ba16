/* What a conversation tells the ledger: counters of all that happens, and a record of every reply
 * when it has left or was cut. */
#include "tests/unit/server/one_talk.h"

#include "lib/base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    CELLS = 1024
};

static struct ledger *ledger;
static char *memory;

static int begin(void **state)
{
    open_talk(state);
    ledger = aligned_alloc(_Alignof(struct ledger), sizeof(*ledger));
    memory = aligned_alloc(CELL, ring_bytes(CELLS));
    assert_non_null(ledger);
    assert_non_null(memory);
    memset(ledger, 0, sizeof(*ledger));
    memset(memory, 0, ring_bytes(CELLS));
    ring_init(&ledger->ring, memory, CELLS);
    talk.ledger = ledger;
    talk.client = (struct client){CLIENT_V4, {192, 0, 2, 1}};
    return 0;
}

static int finish(void **state)
{
    close_talk(state);
    free(memory);
    free(ledger);
    return 0;
}

static uint64_t count_of(unsigned counter)
{
    return atomic_load(&ledger->count[counter]);
}

static uint64_t limit_hits(enum limit limit)
{
    return count_of(COUNT_LIMITS + limit);
}

static void answer_what_was_said(void)
{
    while (talk.step.kind != STEP_READ && talk_step(&talk)) {
    }
}

static const struct record *next_record(void)
{
    const struct record *record = ring_take(&ledger->ring);
    assert_non_null(record);
    return record;
}

static void no_record(void)
{
    assert_null(ring_take(&ledger->ring));
}

/* Takes the next one, which has to be this. */
static void expect(unsigned status, const char *target, uint64_t body, bool unfinished)
{
    const struct record *record = next_record();
    assert_int_equal(record->status, status);
    assert_bytes(record_text(record, TEXT_TARGET), bytes_of(target));
    assert_int_equal(record->body, body);
    assert_int_equal(record->unfinished, unfinished);
    ring_free(&ledger->ring, record);
}

/* --- records ---------------------------------------------------------------------------------- */

static void a_reply_is_told_when_its_last_byte_has_left(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_later(&talk, 5 * NS_PER_S);
    talk_said(&talk, BYTES("GET /a.t"));
    talk_later(&talk, 2 * NS_PER_MS);
    talk_said(&talk, BYTES("xt" HOST "Referer: http://r/\r\nUser-Agent: u/1\r\n\r\n"));
    talk_looked_up(&talk);
    talk_sent(&talk, 20);
    talk_sent(&talk, talk.step.send.pieces[0].iov_len); /* the first piece: all but the file */
    no_record();
    talk_later(&talk, 3 * NS_PER_MS);
    talk_sent(&talk, 0);
    const struct record *record = next_record();
    assert_int_equal(record->status, 200);
    assert_int_equal(record->minor, 1);
    assert_int_equal(record->took_us, 5000);
    assert_int_equal(record->wall_s, talk.now.wall_s);
    assert_int_equal(record->connection, 1);
    assert_int_equal(record->number, 1);
    assert_int_equal(record->body, 10);
    assert_int_equal(record->unfinished, 0);
    assert_memory_equal(&record->client, &talk.client, sizeof(talk.client));
    assert_bytes(record_text(record, TEXT_METHOD), BYTES("GET"));
    assert_bytes(record_text(record, TEXT_TARGET), BYTES("/a.txt"));
    assert_bytes(record_text(record, TEXT_REFERER), BYTES("http://r/"));
    assert_bytes(record_text(record, TEXT_AGENT), BYTES("u/1"));
    ring_free(&ledger->ring, record);
    no_record();
    talk_end(&talk);
    no_record();
}

static void what_was_not_sent_is_absent(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES("GET /a.txt HTTP/1.0\r\n\r\n"));
    const struct record *record = next_record();
    assert_int_equal(record->minor, 0);
    assert_int_equal(record->absent, 1 << TEXT_REFERER | 1 << TEXT_AGENT);
    talk_end(&talk);
}

static void requests_are_numbered_on_their_connection_and_connections_in_all(void **state)
{
    (void)state;
    for (unsigned connection = 1; connection <= 3; connection++) {
        talk_begin(&talk);
        for (unsigned number = 1; number <= 3; number++) {
            talk_play(&talk, BYTES(GET("/a.txt")));
            const struct record *record = next_record();
            assert_int_equal(record->connection, connection);
            assert_int_equal(record->number, number);
            ring_free(&ledger->ring, record);
        }
        talk_end(&talk);
    }
}

/* However it is sent: with a ready head, without, from memory, from a descriptor, or not at all. */
static void only_the_body_counts_as_body(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") GET("/large") GET("/disk") GET("/empty")));
    expect(200, "/a.txt", 10, false);
    expect(200, "/large", 700 * 1024, false);
    expect(200, "/disk", 7, false);
    expect(200, "/empty", 0, false);
    talk_play(&talk, BYTES("HEAD /a.txt" HOST "\r\nHEAD /large" HOST "\r\n"
                           "HEAD /none" HOST "\r\nOPTIONS /a.txt" HOST "\r\n"));
    expect(200, "/a.txt", 0, false);
    expect(200, "/large", 0, false);
    expect(404, "/none", 0, false);
    expect(204, "/a.txt", 0, false);
    talk_play(&talk, BYTES("GET /a.txt" HOST "Range: bytes=2-4\r\n\r\n"
                           "GET /large" HOST "Range: bytes=2-4\r\n\r\n"));
    expect(206, "/a.txt", 3, false);
    expect(206, "/large", 3, false);
    talk_end(&talk);
}

static void pages_and_parts_are_bodies(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/none") GET(
                         "/folder") "GET /large" HOST "Range: bytes=0-9,600000-600099\r\n\r\n"
                                    "GET /a.txt" HOST "Range: bytes=0-0,5-6\r\n\r\n"));
    talk_replies(&talk, &replies, "GGGG");
    assert_int_equal(replies.count, 4);
    expect(404, "/none", replies.at[0].body.len, false);
    expect(301, "/folder", replies.at[1].body.len, false);
    expect(206, "/large", replies.at[2].body.len, false);
    expect(206, "/a.txt", replies.at[3].body.len, false);
    talk_end(&talk);
}

static void several_replies_are_told_as_they_leave(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_book(&talk, "large")->warm = true;
    talk_said(&talk, BYTES(GET("/a.txt") GET("/b.txt") GET("/large")));
    while (talk.step.kind == STEP_FETCH) {
        talk_looked_up(&talk);
        if (talk.step.kind == STEP_SEND && talk.step.send.file == NULL) {
            talk_sent(&talk, 1);
            no_record();
            talk_sent(&talk, 0);
        }
    }
    while (talk.output_len < 200000) {
        talk_sent(&talk, 0);
    }
    expect(200, "/a.txt", 10, false); /* although the third is still on its way */
    expect(200, "/b.txt", 11, false);
    no_record();
    answer_what_was_said();
    expect(200, "/large", 700 * 1024, false);
    talk_end(&talk);
}

/* Byte by byte, so that replies end wherever they may. */
static void every_reply_of_a_batch_has_its_own_bytes(void **state)
{
    (void)state;
    for (size_t takes = 1; takes < 400; takes += 7) {
        talk.takes = takes;
        talk_begin(&talk);
        talk_play(&talk, BYTES(GET("/a.txt") GET("/b.txt") GET("/empty") GET("/a.txt")));
        expect(200, "/a.txt", 10, false);
        expect(200, "/b.txt", 11, false);
        expect(200, "/empty", 0, false);
        expect(200, "/a.txt", 10, false);
        no_record();
        talk_end(&talk);
    }
}

/* The body is read over the input, which the texts of the replies before point into. */
static void a_body_behind_another_request_leaves_its_texts_alone(void **state)
{
    (void)state;
    char long_body[8000];
    memset(long_body, 'z', sizeof(long_body));
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") "GET /b.txt" HOST "Content-Length: 8000\r\n\r\n"));
    talk_play(&talk, (struct bytes){long_body, sizeof(long_body)});
    expect(200, "/a.txt", 10, false);
    expect(200, "/b.txt", 11, false);
    talk_end(&talk);
}

static void a_time_begins_with_the_first_byte_of_the_head(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt") "GET /b.t")); /* the second begins here, too */
    talk_later(&talk, NS_PER_S);
    answer_what_was_said();
    const struct record *record = next_record();
    assert_int_equal(record->took_us, 1000000);
    ring_free(&ledger->ring, record);
    talk_later(&talk, NS_PER_S);
    talk_said(&talk, BYTES("xt" HOST "\r\n"));
    talk_later(&talk, NS_PER_S);
    answer_what_was_said();
    record = next_record();
    assert_int_equal(record->took_us, 3000000);
    ring_free(&ledger->ring, record);
    talk_later(&talk, 20 * NS_PER_S); /* at rest no time is taken */
    talk_play(&talk, BYTES(GET("/a.txt")));
    assert_int_equal(next_record()->took_us, 0);
    talk_end(&talk);
}

static void what_is_no_request_is_told_by_its_first_line(void **state)
{
    static const struct {
        const char *said, *line;
    } rows[] = {
        {"no request\r\n\r\n", "no request"},
        {"\r\nGET / HTTP/1.1 x\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 x"},
        {"GET /a.txt" HOST "\x01", "GET /a.txt HTTP/1.1"},
        {"\x16\x03\x01", "\x16\x03\x01"},
        {"GET /a.txt HTTP/2.0\r\n", "GET /a.txt HTTP/2.0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        talk_begin(&talk);
        talk_play(&talk, bytes_of(rows[i].said));
        const struct record *record = next_record();
        assert_true(record->status == 400 || record->status == 505);
        assert_int_equal(record->len[TEXT_METHOD], 0);
        assert_bytes(record_text(record, TEXT_TARGET), bytes_of(rows[i].line));
        ring_free(&ledger->ring, record);
        talk_end(&talk);
    }
    assert_int_equal(count_of(COUNT_METHODS + METHOD_GET), 0);
}

static void a_reply_that_is_cut_is_told_with_what_was_sent(void **state)
{
    static const unsigned ends[] = {CAME_FAILED, CAME_TIMED_OUT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        talk_begin(&talk);
        talk.output_len = 0;
        talk_said(&talk, BYTES(GET("/large")));
        talk_looked_up(&talk);
        talk_sent(&talk, 0);
        struct bytes head = {talk.output, talk.output_len};
        size_t body =
            head.len - (size_t)((char *)memmem(head.at, head.len, "\r\n\r\n", 4) + 4 - head.at);
        no_record();
        talk_loaded(&talk);
        tell(ends[i]);
        while (talk.step.kind != STEP_CLOSE) {
            tell(ends[i]); /* the first look tells nothing */
        }
        expect(200, "/large", body, true);
        talk_end(&talk);
        no_record();
    }
    assert_int_equal(count_of(COUNT_MISHAPS + MISHAP_SEND), 1);
    assert_int_equal(limit_hits(LIMIT_SEND_TIMEOUT), 1);
}

static void a_file_that_is_lost_on_the_way_is_a_mishap_of_its_own(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    assert_step(&talk, STEP_LOAD);
    tell(CAME_FAILED);
    assert_step(&talk, STEP_CLOSE);
    expect(200, "/large", 0, true);
    talk_end(&talk);
    assert_int_equal(count_of(COUNT_MISHAPS + MISHAP_FILE), 1);
    assert_int_equal(count_of(COUNT_MISHAPS + MISHAP_SEND), 0);
}

static void a_reply_that_the_end_of_the_server_cuts_is_told(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_book(&talk, "b.txt")->warm = true;
    talk_said(&talk, BYTES(GET("/a.txt") GET("/b.txt")));
    while (talk.step.kind == STEP_FETCH) {
        talk_looked_up(&talk);
    }
    talk_sent(&talk, 1);
    talk_end(&talk);
    expect(200, "/a.txt", 0, true);
    expect(200, "/b.txt", 0, true);
    no_record();
}

/* --- counters --------------------------------------------------------------------------------- */

static void every_reply_counts_once(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") "HEAD /none" HOST "\r\nBREW /a.txt" HOST "\r\n"
                                         "DELETE /a.txt" HOST "\r\n" GET("/a.txt")));
    talk_end(&talk);
    assert_int_equal(count_of(COUNT_STATUS + 200 - 100), 2);
    assert_int_equal(count_of(COUNT_STATUS + 404 - 100), 1);
    assert_int_equal(count_of(COUNT_STATUS + 405 - 100), 1);
    assert_int_equal(count_of(COUNT_STATUS + 501 - 100), 1);
    assert_int_equal(count_of(COUNT_METHODS + METHOD_GET), 2);
    assert_int_equal(count_of(COUNT_METHODS + METHOD_HEAD), 1);
    assert_int_equal(count_of(COUNT_METHODS + METHOD_DELETE), 1);
    assert_int_equal(count_of(COUNT_METHODS + METHOD_OTHER), 1);
    assert_int_equal(count_of(COUNT_ACCEPTED), 1);
    assert_int_equal(count_of(COUNT_CLOSED), 1);
    assert_int_equal(count_of(COUNT_TOOK), 5);
    assert_int_equal(count_of(COUNT_TOOK_US), 0);
}

static void bytes_are_counted_both_ways(void **state)
{
    static const char said[] = GET("/a.txt") "POST /a.txt" HOST "Content-Length: 3\r\n\r\nabc";
    (void)state;
    talk.takes = 100;
    talk.slice = 7;
    talk_begin(&talk);
    talk_play(&talk, BYTES(said));
    talk_end(&talk);
    assert_int_equal(count_of(COUNT_RECEIVED), sizeof(said) - 1);
    assert_int_equal(count_of(COUNT_SENT), talk.output_len);
}

static void a_time_counts_in_its_bucket(void **state)
{
    (void)state;
    talk.site.delays = true;
    talk_begin(&talk);
    for (unsigned i = 0; i < LEDGER_BOUNDS; i++) { /* a bound belongs to its bucket */
        for (unsigned more = 0; more <= 1; more++) {
            talk.site.delay_low_ns = talk.site.delay_high_ns =
                (ledger_bounds_us[i] + more) * NS_PER_US;
            talk_play(&talk, BYTES(GET("/a.txt")));
            uint64_t counted = count_of(COUNT_TOOK + i + more);
            assert_int_equal(counted, more == 1 ? 1 : i == 0 ? 1 : 2);
        }
    }
    talk_end(&talk);
}

static void what_was_in_memory_is_a_hit(void **state)
{
    (void)state;
    talk_book(&talk, "a.txt")->warm = false;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt") GET("/a.txt")));
    while (talk_step(&talk)) {
    }
    talk_end(&talk);
    assert_true(talk.colds == 0 && talk.fetches == 2);
    assert_int_equal(count_of(COUNT_CACHE_HITS), 1);
    assert_int_equal(count_of(COUNT_CACHE_MISSES), 1);
}

static void mishaps_are_counted_by_kind(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/busy") GET("/broken")));
    tell(CAME_FAILED);
    talk_end(&talk);
    talk_begin(&talk);
    talk_said(&talk, BYTES("GET /"));
    tell(CAME_ENDED);
    talk_end(&talk);
    talk_begin(&talk);
    tell(CAME_ENDED); /* that is how it should be */
    talk_end(&talk);
    talk_begin(&talk);
    talk_play(&talk, BYTES("nonsense\r\n"));
    talk_end(&talk);
    for (unsigned i = 0; i < MISHAPS; i++) {
        bool expected = i == MISHAP_BUSY || i == MISHAP_FILE || i == MISHAP_RECEIVE ||
                        i == MISHAP_INCOMPLETE || i == MISHAP_REQUEST;
        assert_int_equal(count_of(COUNT_MISHAPS + i), expected);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static void only_this_limit_was_hit(enum limit limit)
{
    for (unsigned i = 0; i < LIMITS; i++) {
        assert_int_equal(limit_hits(i), i == limit);
    }
}

static void limits_of_a_head_are_counted(void **state)
{
    static char text[4000];
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    talk_begin(&talk);
    talk_play(&talk, (struct bytes){text, sizeof(text)});
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_HEAD);
    const struct record *record = next_record();
    assert_int_equal(record->status, 414);
    assert_int_equal(record->len[TEXT_TARGET], RECORD_TARGET);
    assert_int_equal(record->cut, 1 << TEXT_TARGET);
}

static void too_many_fields_are_counted(void **state)
{
    (void)state;
    talk.site.limits.request.fields = 2;
    talk_begin(&talk);
    talk_play(&talk, BYTES("GET /a.txt" HOST "A: 1\r\nB: 1\r\nC: 1\r\n\r\n"));
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_FIELDS);
}

static void too_large_bodies_are_counted(void **state)
{
    (void)state;
    talk.site.limits.body = 8;
    talk_begin(&talk);
    talk_play(&talk, BYTES("GET /a.txt" HOST "Content-Length: 9\r\n\r\n"));
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_BODY);
    talk_begin(&talk);
    talk_play(&talk, BYTES("GET /a.txt" HOST "Transfer-Encoding: chunked\r\n\r\n9\r\n123456789"));
    talk_end(&talk);
    assert_int_equal(limit_hits(LIMIT_BODY), 2);
}

static void the_last_request_that_is_allowed_is_counted(void **state)
{
    (void)state;
    talk.site.limits.requests = 2;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") GET("/b.txt") GET("/a.txt")));
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_REQUESTS);
}

static void a_head_that_takes_too_long_is_counted(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES("GET"));
    tell(CAME_TIMED_OUT);
    answer_what_was_said();
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_HEADER_TIMEOUT);
    const struct record *record = next_record();
    assert_int_equal(record->status, 408);
    assert_bytes(record_text(record, TEXT_TARGET), BYTES("GET"));
}

static void idle_time_that_is_over_is_counted_but_not_in_a_drain(void **state)
{
    (void)state;
    talk_begin(&talk);
    tell(CAME_TIMED_OUT);
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_IDLE_TIMEOUT);
    talk_begin(&talk);
    session_drain(&talk.session);
    tell(CAME_DRAINING);
    tell(CAME_TIMED_OUT);
    talk_end(&talk);
    only_this_limit_was_hit(LIMIT_IDLE_TIMEOUT);
}

/* --- the rate --------------------------------------------------------------------------------- */

static void drip(struct bytes piece, uint64_t every_ns, unsigned times)
{
    for (unsigned i = 0; i < times && talk.step.kind == STEP_READ; i++) {
        talk_later(&talk, every_ns);
        talk_said(&talk, piece);
    }
}

static void a_body_that_drips_is_408(void **state)
{
    (void)state;
    talk.site.limits.min_rate = 240;
    talk_begin(&talk);
    talk_said(&talk, BYTES("POST /a.txt" HOST "Content-Length: 9000\r\n\r\n"));
    drip(BYTES("x"), NS_PER_S, 9);
    assert_step(&talk, STEP_READ); /* it has the time of a piece before it is judged */
    drip(BYTES("x"), NS_PER_S, 1);
    answer_what_was_said();
    only_this_limit_was_hit(LIMIT_MIN_RATE);
    assert_int_equal(next_record()->status, 408);
    assert_step(&talk, STEP_CLOSE);
    talk_end(&talk);
}

static void a_body_at_the_rate_goes_on(void **state)
{
    char piece[240];
    (void)state;
    memset(piece, 'x', sizeof(piece));
    talk.site.limits.min_rate = 240;
    talk_begin(&talk);
    talk_said(&talk, BYTES("POST /a.txt" HOST "Content-Length: 9600\r\n\r\n"));
    drip((struct bytes){piece, 240}, NS_PER_S, 40);
    answer_what_was_said();
    assert_int_equal(limit_hits(LIMIT_MIN_RATE), 0);
    assert_int_equal(count_of(COUNT_STATUS + 405 - 100), 1);
    talk_end(&talk);
}

/* Whoever hurried before has no credit: each span of time is judged by itself. */
static void a_body_that_becomes_slow_is_408(void **state)
{
    char piece[4000];
    (void)state;
    memset(piece, 'x', sizeof(piece));
    talk.site.limits.min_rate = 100;
    talk_begin(&talk);
    talk_said(&talk, BYTES("POST /a.txt" HOST "Content-Length: 9000\r\n\r\n"));
    drip((struct bytes){piece, 4000}, NS_PER_S, 1);
    drip(BYTES("x"), NS_PER_S, 9);
    assert_int_equal(limit_hits(LIMIT_MIN_RATE), 0);
    drip(BYTES("x"), NS_PER_S, 10);
    assert_int_equal(limit_hits(LIMIT_MIN_RATE), 1);
    talk_end(&talk);
}

/* A look after each span: so much is not yet taken. */
static void look(uint64_t after_ns, size_t unsent)
{
    talk_later(&talk, after_ns);
    talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, unsent});
}

static void a_reader_who_takes_a_byte_a_second_is_cut(void **state)
{
    (void)state;
    talk.site.limits.min_rate = 240;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    talk_sent(&talk, 100000);
    look(30 * NS_PER_S, 50000); /* from here on it is known what is taken */
    assert_sends(&talk);
    look(30 * NS_PER_S, 50000 - 30);
    assert_step(&talk, STEP_CLOSE);
    only_this_limit_was_hit(LIMIT_MIN_RATE);
    talk_end(&talk);
}

static void a_reader_at_the_rate_is_not(void **state)
{
    size_t unsent = 90000;
    (void)state;
    talk.site.limits.min_rate = 240;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    talk_sent(&talk, 100000);
    for (int i = 0; i < 10; i++, unsent -= 240 * 30) {
        look(30 * NS_PER_S, unsent);
        assert_sends(&talk);
    }
    talk_end(&talk);
}

/* What leaves now and then puts the deadline off; that a look is due does not wait for it. */
static void a_look_is_due_however_often_a_little_leaves(void **state)
{
    (void)state;
    talk.site.limits.min_rate = 240;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    talk_sent(&talk, 100000);
    unsigned pieces = 0;
    for (; talk.step.until_ns > talk.now.now_ns; pieces++) {
        talk_later(&talk, 7 * NS_PER_S);
        talk_sent(&talk, 10);
    }
    assert_int_equal(pieces, 5); /* 35 s: a send timeout and what was left of the last piece */
    look(0, 60000);
    for (pieces = 0; talk.step.until_ns > talk.now.now_ns; pieces++) {
        talk_later(&talk, 7 * NS_PER_S);
        talk_sent(&talk, 10);
    }
    look(0, 60000);
    assert_step(&talk, STEP_CLOSE);
    only_this_limit_was_hit(LIMIT_MIN_RATE);
    talk_end(&talk);
}

static void without_a_rate_any_progress_will_do(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/large")));
    talk_looked_up(&talk);
    talk_sent(&talk, 1000);
    for (size_t unsent = 900; unsent > 800; unsent--) {
        look(30 * NS_PER_S, unsent);
        assert_sends(&talk);
        assert_true(talk.step.until_ns > talk.now.now_ns);
    }
    talk_end(&talk);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_reply_is_told_when_its_last_byte_has_left));
    suite_add(&suite, CASE(what_was_not_sent_is_absent));
    suite_add(&suite, CASE(requests_are_numbered_on_their_connection_and_connections_in_all));
    suite_add(&suite, CASE(only_the_body_counts_as_body));
    suite_add(&suite, CASE(pages_and_parts_are_bodies));
    suite_add(&suite, CASE(several_replies_are_told_as_they_leave));
    suite_add(&suite, CASE(every_reply_of_a_batch_has_its_own_bytes));
    suite_add(&suite, CASE(a_body_behind_another_request_leaves_its_texts_alone));
    suite_add(&suite, CASE(a_time_begins_with_the_first_byte_of_the_head));
    suite_add(&suite, CASE(what_is_no_request_is_told_by_its_first_line));
    suite_add(&suite, CASE(a_reply_that_is_cut_is_told_with_what_was_sent));
    suite_add(&suite, CASE(a_file_that_is_lost_on_the_way_is_a_mishap_of_its_own));
    suite_add(&suite, CASE(a_reply_that_the_end_of_the_server_cuts_is_told));
    suite_add(&suite, CASE(every_reply_counts_once));
    suite_add(&suite, CASE(bytes_are_counted_both_ways));
    suite_add(&suite, CASE(a_time_counts_in_its_bucket));
    suite_add(&suite, CASE(what_was_in_memory_is_a_hit));
    suite_add(&suite, CASE(mishaps_are_counted_by_kind));
    suite_add(&suite, CASE(limits_of_a_head_are_counted));
    suite_add(&suite, CASE(too_many_fields_are_counted));
    suite_add(&suite, CASE(too_large_bodies_are_counted));
    suite_add(&suite, CASE(the_last_request_that_is_allowed_is_counted));
    suite_add(&suite, CASE(a_head_that_takes_too_long_is_counted));
    suite_add(&suite, CASE(idle_time_that_is_over_is_counted_but_not_in_a_drain));
    suite_add(&suite, CASE(a_body_that_drips_is_408));
    suite_add(&suite, CASE(a_body_at_the_rate_goes_on));
    suite_add(&suite, CASE(a_body_that_becomes_slow_is_408));
    suite_add(&suite, CASE(a_reader_who_takes_a_byte_a_second_is_cut));
    suite_add(&suite, CASE(a_reader_at_the_rate_is_not));
    suite_add(&suite, CASE(a_look_is_due_however_often_a_little_leaves));
    suite_add(&suite, CASE(without_a_rate_any_progress_will_do));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/session_ledger");
}
