/* Records go through a ring whole, in order, or are dropped and counted. */
#include "tests/unit/server/one_ring.h"

#include <pthread.h>

static struct entry entry_of(uint32_t number, const char *target)
{
    return (struct entry){
        .record = {.status = 200, .number = number},
        .text = {[TEXT_METHOD] = BYTES("GET"), [TEXT_TARGET] = bytes_of(target)},
    };
}

static void put(uint32_t number, const char *target)
{
    struct entry entry = entry_of(number, target);
    ring_put(&ring, &entry);
}

/* Takes one, which has to be this one. */
static void take(uint32_t number, const char *target)
{
    const struct record *record = ring_take(&ring);
    assert_non_null(record);
    assert_int_equal(record->number, number);
    assert_bytes(record_text(record, TEXT_TARGET), bytes_of(target));
    ring_free(&ring, record);
}

static uint64_t dropped(void)
{
    return atomic_load(&ring.dropped);
}

static void a_record_comes_out_as_it_was_put_in(void **state)
{
    (void)state;
    struct entry entry = {
        .record = {.status = 206,
                   .minor = 1,
                   .unfinished = 1,
                   .client = {CLIENT_V4, {127, 0, 0, 1}},
                   .number = 7,
                   .wall_s = 784111777,
                   .took_us = 1234567,
                   .connection = UINT64_C(1) << 40,
                   .body = UINT64_C(1) << 41},
        .text = {BYTES("GET"), BYTES("/a"), BYTES("http://b/"), BYTES("agent")},
    };
    ring_put(&ring, &entry);
    const struct record *record = ring_take(&ring);
    assert_non_null(record);
    assert_int_equal(record->status, 206);
    assert_int_equal(record->minor, 1);
    assert_int_equal(record->unfinished, 1);
    assert_memory_equal(&record->client, &entry.record.client, sizeof(record->client));
    assert_int_equal(record->number, 7);
    assert_int_equal(record->wall_s, 784111777);
    assert_int_equal(record->took_us, 1234567);
    assert_int_equal(record->connection, UINT64_C(1) << 40);
    assert_int_equal(record->body, UINT64_C(1) << 41);
    assert_int_equal(record->absent, 0);
    assert_int_equal(record->cut, 0);
    for (unsigned i = 0; i < RECORD_TEXTS; i++) {
        assert_bytes(record_text(record, i), entry.text[i]);
    }
    ring_free(&ring, record);
    assert_null(ring_take(&ring));
}

static void a_field_that_was_not_sent_differs_from_an_empty_one(void **state)
{
    (void)state;
    struct entry entry = entry_of(1, "/");
    entry.text[TEXT_AGENT] = BYTES("");
    ring_put(&ring, &entry);
    assert_int_equal(ring_take(&ring)->absent, 1 << TEXT_REFERER);
}

static void texts_are_kept_up_to_their_bounds_and_marked(void **state)
{
    static const size_t most[] = {RECORD_METHOD, RECORD_TARGET, RECORD_REFERER, RECORD_AGENT};
    static char text[2000];
    (void)state;
    memset(text, 'x', sizeof(text));
    for (int more = 0; more <= 1; more++) {
        struct entry entry = {.record = {.number = 1}};
        for (unsigned i = 0; i < RECORD_TEXTS; i++) {
            entry.text[i] = (struct bytes){text, most[i] + (size_t)more};
        }
        ring_put(&ring, &entry);
        const struct record *record = ring_take(&ring);
        assert_int_equal(record->cut, more ? 0xf : 0);
        for (unsigned i = 0; i < RECORD_TEXTS; i++) {
            assert_bytes(record_text(record, i), ((struct bytes){text, most[i]}));
        }
        ring_free(&ring, record);
    }
}

static void an_empty_ring_has_nothing(void **state)
{
    (void)state;
    assert_null(ring_take(&ring));
}

static void what_finds_no_room_is_dropped_and_counted(void **state)
{
    (void)state;
    unsigned fit = 0;
    while (dropped() == 0) {
        put(fit++, "/"); /* two cells each */
    }
    fit--;
    assert_int_equal(fit, CELLS / 2);
    put(999, "/");
    assert_int_equal(dropped(), 2);
    for (unsigned i = 0; i < fit; i++) {
        take(i, "/");
    }
    assert_null(ring_take(&ring));
    put(1000, "/again");
    take(1000, "/again");
    assert_int_equal(dropped(), 2);
}

static const void *place_of(uint32_t number)
{
    put(number, "/");
    const void *place = ring_take(&ring);
    take(number, "/");
    return place;
}

static void what_is_empty_begins_at_the_front_again(void **state)
{
    (void)state;
    const void *front = place_of(1);
    assert_true(place_of(2) != front);
    for (uint32_t i = 3; i < 12; i++) {
        place_of(i);
    }
    ring_rewind(&ring);
    assert_ptr_equal(place_of(12), front);
    for (uint32_t i = 13; i < 13 + CELLS; i++) { /* there is as much room as ever */
        place_of(i);
    }
    assert_int_equal(dropped(), 0);
}

static void what_is_not_empty_stays_where_it_is(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < 12; i++) {
        place_of(i);
    }
    put(12, "/");
    ring_rewind(&ring);
    take(12, "/");
    assert_null(ring_take(&ring));
}

/* Lengths of all kinds, so that records begin and end everywhere; their bytes are such that
 * whatever is taken for the first word of a record would show one. */
static void round_and_round_nothing_is_lost_or_made_up(void **state)
{
    static char text[1001];
    uint32_t in = 0, out = 0;
    (void)state;
    memset(text, 1, sizeof(text) - 1);
    while (out < 20000) {
        for (unsigned burst = in % 5 + 1; burst > 0; burst--) {
            uint64_t before = dropped();
            put(in, text + sizeof(text) - 1 - in * 37 % 1000);
            in += dropped() == before;
        }
        for (unsigned burst = out % 4 + 1; burst > 0 && out < in; burst--) {
            take(out, text + sizeof(text) - 1 - out * 37 % 1000);
            out++;
        }
        if (out == in) {
            assert_null(ring_take(&ring));
            ring_rewind(&ring);
        }
    }
}

enum {
    PUTTERS = 4,
    EACH = 20000
};

struct putter {
    pthread_t thread;
    uint64_t connection;
};

static void *put_many(void *argument)
{
    const struct putter *putter = argument;
    static const char text[] = "/a-path-that-is-as-long-as-such-paths-are";
    for (uint32_t i = 1; i <= EACH; i++) {
        struct entry entry = entry_of(i, text + (i + putter->connection) % 40);
        entry.record.connection = putter->connection;
        ring_put(&ring, &entry);
    }
    return NULL;
}

static void threads_put_at_once_and_each_keeps_its_order(void **state)
{
    struct putter putters[PUTTERS];
    uint32_t last[PUTTERS] = {0};
    uint64_t taken = 0;
    (void)state;
    for (unsigned i = 0; i < PUTTERS; i++) {
        putters[i].connection = i;
        assert_int_equal(pthread_create(&putters[i].thread, NULL, put_many, &putters[i]), 0);
    }
    while (taken + dropped() < PUTTERS * EACH) {
        const struct record *record = ring_take(&ring);
        if (record == NULL) {
            ring_rewind(&ring);
            continue;
        }
        assert_true(record->connection < PUTTERS);
        assert_true(record->number > last[record->connection]);
        last[record->connection] = record->number;
        assert_int_equal(record_text(record, TEXT_TARGET).len,
                         41 - (record->number + record->connection) % 40);
        ring_free(&ring, record);
        taken++;
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        pthread_join(putters[i].thread, NULL);
    }
    assert_null(ring_take(&ring));
    assert_int_equal(taken + dropped(), PUTTERS * EACH);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_record_comes_out_as_it_was_put_in));
    suite_add(&suite, CASE(a_field_that_was_not_sent_differs_from_an_empty_one));
    suite_add(&suite, CASE(texts_are_kept_up_to_their_bounds_and_marked));
    suite_add(&suite, CASE(an_empty_ring_has_nothing));
    suite_add(&suite, CASE(what_finds_no_room_is_dropped_and_counted));
    suite_add(&suite, CASE(what_is_empty_begins_at_the_front_again));
    suite_add(&suite, CASE(what_is_not_empty_stays_where_it_is));
    suite_add(&suite, CASE(round_and_round_nothing_is_lost_or_made_up));
    suite_add(&suite, CASE(threads_put_at_once_and_each_keeps_its_order));
    suite_frame(&suite, open_ring, close_ring);
    return suite_run(&suite, "server/ring");
}
