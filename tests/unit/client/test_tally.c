#include "client/tally.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct tally *new_tally(void)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    assert_non_null(tally);
    return tally;
}

static void a_good_reply_is_one_latency(void **state)
{
    (void)state;
    struct tally *t = new_tally();
    tally_ok(t, 1500 * NS_PER_US, 300 * NS_PER_US);
    assert_int_equal(t->ok, 1);
    assert_int_equal(t->failed, 0);
    assert_int_equal(t->latency.slots[1500], 1);
    assert_int_equal(t->first_byte.slots[300], 1);
    assert_int_equal(t->latency.count, 1);
    free(t);
}

static void durations_are_rounded_to_the_nearest_microsecond(void **state)
{
    (void)state;
    struct tally *t = new_tally();
    tally_connect(t, 1499);
    tally_connect(t, 1500);
    tally_connect(t, 0);
    assert_int_equal(t->connect.slots[1], 1);
    assert_int_equal(t->connect.slots[2], 1);
    assert_int_equal(t->connect.slots[0], 1);
    free(t);
}

static void a_failure_counts_once_under_its_kind_and_has_no_latency(void **state)
{
    (void)state;
    struct tally *t = new_tally();
    tally_failure(t, FAILURE_TIMEOUT, (struct cause){0});
    assert_int_equal(t->failed, 1);
    assert_int_equal(t->ok, 0);
    assert_int_equal(t->latency.count, 0);
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        assert_int_equal(t->failures[kind], kind == FAILURE_TIMEOUT);
    }
    free(t);
}

static void the_first_cause_of_a_kind_is_kept(void **state)
{
    (void)state;
    struct tally *t = new_tally();
    tally_failure(t, FAILURE_CONNECT, (struct cause){.error = ECONNREFUSED});
    tally_failure(t, FAILURE_CONNECT, (struct cause){.error = EHOSTUNREACH});
    assert_int_equal(t->causes[FAILURE_CONNECT].error, ECONNREFUSED);
    free(t);
}

/* Its words are where it happened, and that is gone when they are told. */
static void a_cause_is_kept_in_words_of_its_own(void **state)
{
    char why[2 * TALLY_WHY] = "certificate is for nobody";
    (void)state;
    struct tally *t = new_tally();
    struct tally *sum = new_tally();
    tally_failure(t, FAILURE_TLS, (struct cause){.why = why});
    memset(why, 'x', sizeof(why) - 1);
    tally_failure(t, FAILURE_TLS, (struct cause){.why = why});
    tally_failure(t, FAILURE_RESET, (struct cause){.why = why});
    tally_add(sum, t);
    free(t);
    assert_string_equal(sum->causes[FAILURE_TLS].why, "certificate is for nobody");
    assert_int_equal(strlen(sum->causes[FAILURE_RESET].why), TALLY_WHY - 1);
    free(sum);
}

static void handshakes_are_counted_by_what_was_agreed_on(void **state)
{
    static const char *const ciphers[] = {"A", "B", "A", "C", "D", "E", "A"};
    (void)state;
    struct tally *t = new_tally();
    for (size_t i = 0; i < 7; i++) {
        tally_handshake(t, 1000 * NS_PER_US, &(struct agreement){"TLSv1.3", ciphers[i], i > 4});
        tally_handshake(t, 3000 * NS_PER_US, &(struct agreement){"TLSv1.2", ciphers[0], false});
    }
    assert_int_equal(t->handshake.count, 14);
    assert_int_equal(t->resumed, 2);
    assert_in_range(histogram_mean(&t->handshake), 1990, 2010);
    assert_string_equal(t->suites[0].protocol, "TLSv1.3");
    assert_int_equal(t->suites[0].handshakes, 3);
    assert_string_equal(t->suites[1].protocol, "TLSv1.2");
    assert_int_equal(t->suites[1].handshakes, 7);
    assert_string_equal(t->suites[3].cipher, "C"); /* the others came too late */
    free(t);
}

static void delays_are_summed(void **state)
{
    (void)state;
    struct tally *t = new_tally();
    tally_delay(t, 5);
    tally_delay(t, 9);
    tally_delay(t, 2);
    assert_int_equal(t->delay_count, 3);
    assert_int_equal(t->delay_sum_ns, 16);
    assert_int_equal(t->delay_max_ns, 9);
    free(t);
}

static void fill(struct tally *t, uint64_t n)
{
    t->sent += 3 * n + 1;
    tally_ok(t, n * NS_PER_MS, n * NS_PER_US);
    tally_failure(t, FAILURE_STATUS, (struct cause){0});
    tally_failure(t, n % 2 == 0 ? FAILURE_RESET : FAILURE_FRAMING, (struct cause){.why = "x"});
    tally_connect(t, n * 17);
    tally_delay(t, n * NS_PER_S);
    tally_raw(t, n * NS_PER_MS / 2);
    tally_lag(t, n * 3 * NS_PER_US);
    tally_handshake(t, n * NS_PER_MS,
                    &(struct agreement){"TLSv1.3", n % 3 == 0 ? "A" : "B", n % 2 == 0});
    t->held_up += n;
    t->missed += 2 * n;
    tally_no_connection(t, EMFILE, 100 + n);
    tally_no_connection(t, ECONNREFUSED, 100 + n);
    if (n > 2) {
        tally_no_connection(t, ENFILE, 100 + n);
        tally_no_connection(t, EADDRNOTAVAIL, 100 + n);
    }
    t->bytes_sent += n;
    t->bytes_received += 2 * n;
    t->bytes_body += 3 * n;
    t->statuses[200] += n;
    t->statuses[404 + n % 3]++;
    if (t->ended_ns < 100 + n % 5) {
        t->ended_ns = 100 + n % 5;
    }
}

static void shards_added_up_equal_one_tally(void **state)
{
    (void)state;
    struct tally *one = new_tally();
    struct tally *sum = new_tally();
    for (uint64_t n = 1; n <= 8; n++) {
        struct tally *part = new_tally();
        fill(one, n);
        fill(part, n);
        tally_add(sum, part);
        free(part);
    }
    assert_memory_equal(one, sum, sizeof(*one));
    free(one);
    free(sum);
}

static void kinds_have_the_names_of_the_design(void **state)
{
    static const char *const names[] = {"connect", "tls",     "timeout", "reset",
                                        "status",  "framing", "content"};
    (void)state;
    assert_int_equal(FAILURE_COUNT, 7);
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        assert_string_equal(failure_name((enum failure)kind), names[kind]);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_good_reply_is_one_latency));
    suite_add(&suite, CASE(durations_are_rounded_to_the_nearest_microsecond));
    suite_add(&suite, CASE(a_failure_counts_once_under_its_kind_and_has_no_latency));
    suite_add(&suite, CASE(the_first_cause_of_a_kind_is_kept));
    suite_add(&suite, CASE(a_cause_is_kept_in_words_of_its_own));
    suite_add(&suite, CASE(handshakes_are_counted_by_what_was_agreed_on));
    suite_add(&suite, CASE(delays_are_summed));
    suite_add(&suite, CASE(shards_added_up_equal_one_tally));
    suite_add(&suite, CASE(kinds_have_the_names_of_the_design));
    return suite_run(&suite, "client/tally");
}
