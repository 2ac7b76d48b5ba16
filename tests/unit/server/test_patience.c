/* Deadlines without timers: nobody is overdue too early, nobody too late, whatever is renewed. */
#include "server/async/patience.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "tests/support/suite.h"

#include <stdlib.h>

static struct waits waits;

static int begin(void **state)
{
    (void)state;
    patience_init(&waits);
    return 0;
}

/* Asks who is overdue, and when to ask again. */
static struct wait *overdue(uint64_t now_ns, uint64_t *next_ns)
{
    uint64_t next = 0;
    struct wait *wait = patience_overdue(&waits, now_ns, &next);
    if (wait == NULL && next_ns != NULL) {
        *next_ns = next;
    }
    return wait;
}

static void nobody_waits_at_first(void **state)
{
    (void)state;
    uint64_t next_ns;
    assert_null(overdue(CLOCK_NEVER - 1, &next_ns));
    assert_true(next_ns == CLOCK_NEVER);
}

static void who_has_just_joined_waits_for_nothing(void **state)
{
    (void)state;
    struct wait wait;
    uint64_t next_ns;
    patience_join(&waits, &wait);
    assert_null(overdue(CLOCK_NEVER - 1, &next_ns));
    assert_true(next_ns == CLOCK_NEVER);
    patience_leave(&wait);
}

static void who_waits_is_overdue_at_the_moment_and_once(void **state)
{
    (void)state;
    struct wait wait;
    uint64_t next_ns;
    patience_join(&waits, &wait);
    assert_true(patience_wait(&waits, &wait, PATIENCE_IDLE, 100));
    assert_null(overdue(99, &next_ns));
    assert_int_equal(next_ns, 100);
    assert_ptr_equal(overdue(100, NULL), &wait);
    assert_null(overdue(100, &next_ns));
    assert_true(next_ns == CLOCK_NEVER); /* until it waits again */
    assert_true(patience_wait(&waits, &wait, PATIENCE_IDLE, 200));
    assert_ptr_equal(overdue(300, NULL), &wait);
    patience_leave(&wait);
}

static void in_one_list_they_are_overdue_in_the_order_of_time(void **state)
{
    (void)state;
    struct wait wait[5];
    static const uint64_t until[] = {30, 10, 50, 10, 40}; /* not in the order of their coming */
    uint64_t before = 0;
    for (int i = 0; i < 5; i++) {
        patience_join(&waits, &wait[i]);
        patience_wait(&waits, &wait[i], PATIENCE_HEAD, until[i]);
    }
    for (int i = 0; i < 5; i++) {
        struct wait *next = overdue(100, NULL);
        assert_non_null(next);
        assert_true(next->until_ns >= before || next->until_ns == CLOCK_NEVER);
        before = until[next - wait];
        patience_leave(next);
    }
    assert_null(overdue(100, NULL));
}

/* The answer is what the timer is set by: true when it may have to be earlier. */
static void who_is_next_of_its_list_is_told_so(void **state)
{
    (void)state;
    struct wait first, second, third;
    patience_join(&waits, &first);
    patience_join(&waits, &second);
    patience_join(&waits, &third);
    assert_true(patience_wait(&waits, &first, PATIENCE_SEND, 100));
    assert_false(patience_wait(&waits, &second, PATIENCE_SEND, 110));
    assert_true(patience_wait(&waits, &third, PATIENCE_SEND, 90));
    assert_true(patience_wait(&waits, &second, PATIENCE_BODY, 300));
}

static void who_is_renewed_waits_for_the_later_moment(void **state)
{
    (void)state;
    struct wait wait, other;
    uint64_t next_ns;
    patience_join(&waits, &wait);
    patience_join(&waits, &other);
    patience_wait(&waits, &wait, PATIENCE_IDLE, 100);
    patience_wait(&waits, &other, PATIENCE_IDLE, 150);
    for (uint64_t now_ns = 10; now_ns < 100; now_ns += 10) {
        assert_false(patience_wait(&waits, &wait, PATIENCE_IDLE, now_ns + 100));
    }
    assert_null(overdue(149, &next_ns));
    assert_int_equal(next_ns, 150);
    assert_ptr_equal(overdue(150, NULL), &other);
    assert_null(overdue(189, &next_ns));
    assert_int_equal(next_ns, 190);
    assert_ptr_equal(overdue(190, NULL), &wait);
}

static void who_is_renewed_to_an_earlier_moment_is_overdue_then(void **state)
{
    (void)state;
    struct wait wait;
    patience_join(&waits, &wait);
    patience_wait(&waits, &wait, PATIENCE_HEAD, 1000);
    assert_true(patience_wait(&waits, &wait, PATIENCE_HEAD, 100));
    assert_ptr_equal(overdue(100, NULL), &wait);
}

static void who_leaves_or_waits_without_end_is_never_overdue(void **state)
{
    (void)state;
    struct wait gone, endless;
    patience_join(&waits, &gone);
    patience_join(&waits, &endless);
    patience_wait(&waits, &gone, PATIENCE_IDLE, 100);
    patience_wait(&waits, &endless, PATIENCE_IDLE, 100);
    patience_leave(&gone);
    patience_wait(&waits, &endless, PATIENCE_ENDLESS, CLOCK_NEVER);
    assert_null(overdue(CLOCK_NEVER - 1, NULL));
}

/* The model uses until_ns of who waits without end for a moment of its own (WAIT). */
static void who_waits_without_end_may_note_a_moment(void **state)
{
    (void)state;
    struct wait wait;
    patience_join(&waits, &wait);
    for (int i = 0; i < 3; i++) {
        patience_wait(&waits, &wait, PATIENCE_ENDLESS, CLOCK_NEVER);
        wait.until_ns = 50;
        assert_null(overdue(60, NULL));
    }
    patience_wait(&waits, &wait, PATIENCE_SEND, 100);
    assert_null(overdue(99, NULL));
    assert_ptr_equal(overdue(100, NULL), &wait);
}

/* --- many of them ----------------------------------------------------------------------------- */

enum {
    MANY = 100000,
    ROUNDS = 300
};

struct one {
    struct wait wait;
    uint64_t until_ns; /* as it was told; CLOCK_NEVER: it was not, or has been overdue */
};

static const uint64_t lasts_ns[PATIENCE_KINDS] = {60000, 1000, 10000, 10001, 30000, 2000};

static void check_round(struct one *one, uint64_t now_ns)
{
    uint64_t next_ns = 0, earliest_ns = CLOCK_NEVER;
    struct wait *wait;
    while ((wait = patience_overdue(&waits, now_ns, &next_ns)) != NULL) {
        struct one *late = (struct one *)(void *)wait;
        assert_true(late->until_ns <= now_ns); /* not too early, and not twice */
        late->until_ns = CLOCK_NEVER;
    }
    for (int i = 0; i < MANY; i++) {
        earliest_ns = one[i].until_ns < earliest_ns ? one[i].until_ns : earliest_ns;
    }
    assert_true(earliest_ns > now_ns);   /* not too late */
    assert_true(next_ns <= earliest_ns); /* and nobody will be */
    assert_true(next_ns > now_ns);
}

/* They wait for one thing or another, are renewed, leave and come back; time goes on in leaps. */
static void of_a_hundred_thousand_nobody_is_early_or_late(void **state)
{
    (void)state;
    struct one *one = calloc(MANY, sizeof(*one));
    uint64_t now_ns = 1000000;
    uint64_t draw = 0;
    assert_non_null(one);
    for (int i = 0; i < MANY; i++) {
        patience_join(&waits, &one[i].wait);
        one[i].until_ns = CLOCK_NEVER;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MANY / 50; i++) {
            struct one *who = &one[random_between(1, draw++, 0, MANY - 1)];
            unsigned kind = (unsigned)random_between(1, draw++, 0, PATIENCE_KINDS + 1);
            if (kind < PATIENCE_KINDS) {
                uint64_t begun_ns = now_ns - random_between(1, draw++, 0, 20);
                who->until_ns = begun_ns + lasts_ns[kind];
                patience_wait(&waits, &who->wait, kind, who->until_ns);
            } else if (kind == PATIENCE_KINDS) {
                who->until_ns = CLOCK_NEVER;
                patience_wait(&waits, &who->wait, PATIENCE_ENDLESS, CLOCK_NEVER);
            } else {
                who->until_ns = CLOCK_NEVER;
                patience_leave(&who->wait);
                patience_join(&waits, &who->wait);
            }
        }
        now_ns += random_between(1, draw++, 0, 400);
        check_round(one, now_ns);
    }
    check_round(one, now_ns + 1000000);
    for (int i = 0; i < MANY; i++) {
        assert_true(one[i].until_ns == CLOCK_NEVER);
        patience_leave(&one[i].wait);
    }
    free(one);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(nobody_waits_at_first));
    suite_add(&suite, CASE(who_has_just_joined_waits_for_nothing));
    suite_add(&suite, CASE(who_waits_is_overdue_at_the_moment_and_once));
    suite_add(&suite, CASE(in_one_list_they_are_overdue_in_the_order_of_time));
    suite_add(&suite, CASE(who_is_next_of_its_list_is_told_so));
    suite_add(&suite, CASE(who_is_renewed_waits_for_the_later_moment));
    suite_add(&suite, CASE(who_is_renewed_to_an_earlier_moment_is_overdue_then));
    suite_add(&suite, CASE(who_leaves_or_waits_without_end_is_never_overdue));
    suite_add(&suite, CASE(who_waits_without_end_may_note_a_moment));
    suite_add(&suite, CASE(of_a_hundred_thousand_nobody_is_early_or_late));
    suite_frame(&suite, begin, NULL);
    return suite_run(&suite, "server/patience");
}
