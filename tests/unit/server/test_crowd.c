/* The threads of the blocking server: how many, how they are woken, cut and waited for. */
#include "server/sync/crowd.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CORES = 2,
    STACK = 256 * 1024,
    CAPACITY = 1000,
    ROUND_NS = 1000000,
    MOST = 8,
    PATIENCE_S = 30
};

static struct crowd crowd;

/* One thread and the other end of its connection. */
struct person {
    int here; /* the client's end; the member closes its own */
    int fd;
    sem_t in, out;
    int error; /* what ended its recv(): errno, 0 for the end */
    bool receives;
    uint64_t until_ns; /* what the watchman is told; 0: nothing */
};

static struct person people[MOST];

static int begin(void **state)
{
    descriptors_count(state);
    assert_true(crowd_init(&crowd, CORES, STACK, MOST, CAPACITY, ROUND_NS));
    return 0;
}

static int finish(void **state)
{
    assert_int_equal(crowd_wait(&crowd, clock_monotonic_ns() + PATIENCE_S * NS_PER_S), 0);
    crowd_finish(&crowd);
    return descriptors_compare(state);
}

static void *live(void *argument)
{
    struct person *person = argument;
    struct member member;
    crowd_join(&crowd, &member, person->fd);
    if (person->until_ns != 0) {
        crowd_until(&member, person->until_ns);
    }
    sem_post(&person->in);
    if (person->receives) {
        char byte;
        ssize_t got = recv(person->fd, &byte, 1, 0);
        person->error = got < 0 ? errno : 0;
        sem_post(&person->out);
    } else {
        sem_wait(&person->out);
    }
    crowd_leave(&crowd, &member);
    return NULL;
}

static void come_until(struct person *person, bool receives, uint64_t until_ns)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    *person =
        (struct person){.here = pair[0], .fd = pair[1], .receives = receives, .until_ns = until_ns};
    sem_init(&person->in, 0, 0);
    sem_init(&person->out, 0, 0);
    assert_true(crowd_start(&crowd, live, person));
    sem_wait(&person->in);
}

static void come(struct person *person, bool receives)
{
    come_until(person, receives, 0);
}

static uint64_t in_ms(unsigned ms)
{
    return clock_monotonic_ns() + ms * NS_PER_MS;
}

static void nobody_is_there_at_first(void **state)
{
    (void)state;
    assert_true(crowd_has_room(&crowd));
    assert_int_equal(crowd_wait(&crowd, 0), 0);
    crowd_wake(&crowd);
    crowd_cut(&crowd);
}

static void there_is_room_for_so_many_and_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < MOST; i++) {
        assert_true(crowd_has_room(&crowd));
        come(&people[i], false);
    }
    assert_false(crowd_has_room(&crowd));
    assert_int_equal(crowd_wait(&crowd, in_ms(10)), MOST);
    sem_post(&people[3].out);
    while (!crowd_has_room(&crowd)) {
        usleep(100);
    }
    for (int i = 0; i < MOST; i++) {
        if (i != 3) {
            sem_post(&people[i].out);
        }
        close(people[i].here);
    }
}

/* Its connection is closed by then, so that nobody waits for an end that does not come. */
static void who_is_gone_has_closed_its_connection(void **state)
{
    (void)state;
    char byte;
    come(&people[0], false);
    sem_post(&people[0].out);
    assert_int_equal(crowd_wait(&crowd, in_ms(PATIENCE_S * 1000)), 0);
    assert_int_equal(recv(people[0].here, &byte, 1, MSG_DONTWAIT), 0);
    close(people[0].here);
}

static void who_waits_in_a_call_is_woken_from_it(void **state)
{
    (void)state;
    for (int i = 0; i < MOST; i++) {
        come(&people[i], true);
    }
    do { /* one about to wait may miss it */
        crowd_wake(&crowd);
    } while (crowd_wait(&crowd, in_ms(10)) > 0);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(people[i].error, EINTR);
        close(people[i].here);
    }
}

static void who_is_cut_finds_its_connection_at_its_end(void **state)
{
    (void)state;
    for (int i = 0; i < MOST; i++) {
        come(&people[i], true);
    }
    crowd_cut(&crowd);
    assert_int_equal(crowd_wait(&crowd, in_ms(PATIENCE_S * 1000)), 0);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(people[i].error, 0);
        close(people[i].here);
    }
}

/* Whether it waits already or is about to. */
static void who_is_overdue_is_woken(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms < 20; ms++) {
        uint64_t until_ns = in_ms(ms);
        come_until(&people[0], true, until_ns);
        sem_wait(&people[0].out);
        assert_int_equal(people[0].error, EINTR);
        assert_true(clock_monotonic_ns() >= until_ns);
        close(people[0].here);
    }
}

static void who_is_not_overdue_is_left_alone(void **state)
{
    (void)state;
    come_until(&people[0], true, in_ms(PATIENCE_S * 1000));
    come_until(&people[1], true, CLOCK_NEVER);
    for (unsigned i = 0; i < 50; i++) { /* rounds in which others are called */
        come_until(&people[2], true, in_ms(0));
        sem_wait(&people[2].out);
        close(people[2].here);
    }
    for (unsigned i = 0; i < 2; i++) {
        shutdown(people[i].here, SHUT_WR);
        sem_wait(&people[i].out);
        assert_int_equal(people[i].error, 0);
        close(people[i].here);
    }
}

/* A watchman who only looked after those that came first would sleep for ever after them. */
static void who_comes_after_everybody_was_gone_is_watched_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        come_until(&people[0], true, in_ms(0));
        sem_wait(&people[0].out);
        close(people[0].here);
        assert_int_equal(crowd_wait(&crowd, in_ms(PATIENCE_S * 1000)), 0);
        usleep(3000);
    }
}

static void waiting_ends_at_its_moment(void **state)
{
    (void)state;
    come(&people[0], false);
    uint64_t until_ns = in_ms(50);
    assert_int_equal(crowd_wait(&crowd, until_ns), 1);
    assert_true(clock_monotonic_ns() >= until_ns);
    assert_int_equal(crowd_wait(&crowd, 0), 1);
    sem_post(&people[0].out);
    close(people[0].here);
}

/* More than the system has: whoever asked is told, and the room is given back. */
static void a_thread_that_cannot_be_had_takes_no_room(void **state)
{
    (void)state;
    struct crowd huge;
    assert_true(crowd_init(&huge, CORES, (size_t)1 << 46, 1, CAPACITY, ROUND_NS));
    for (int i = 0; i < 3; i++) {
        assert_true(crowd_has_room(&huge));
        assert_false(crowd_start(&huge, live, &people[0]));
    }
    assert_int_equal(crowd_wait(&huge, 0), 0);
    crowd_finish(&huge);
}

static void many_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct person *person = &people[i % MOST];
        if (i >= MOST) { /* whoever was there before is on the way out */
            sem_wait(&person->out);
            close(person->here);
        }
        while (!crowd_has_room(&crowd)) {
            usleep(10);
        }
        come(person, true);
        if (i % 3 == 0) {
            crowd_cut(&crowd);
        } else if (i % 3 == 1) {
            crowd_wake(&crowd);
        }
        shutdown(person->here, SHUT_WR);
    }
    assert_int_equal(crowd_wait(&crowd, in_ms(PATIENCE_S * 1000)), 0);
    for (int i = 0; i < MOST; i++) {
        close(people[i].here);
    }
}

/* --- lent memory ------------------------------------------------------------------------------ */

static void what_is_lent_is_empty_and_large_enough(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct exchange *exchange[20];
        for (int i = 0; i < 20; i++) {
            exchange[i] = crowd_lend(&crowd);
            assert_non_null(exchange[i]);
            assert_int_equal(exchange[i]->begin, 0);
            assert_int_equal(exchange[i]->end, 0);
            assert_int_equal(exchange[i]->replies, 0);
            assert_int_equal(exchange[i]->capacity, CAPACITY);
            for (int j = 0; j < i; j++) {
                assert_ptr_not_equal(exchange[i], exchange[j]);
            }
        }
        for (int i = 0; i < 20; i++) {
            memset(exchange[i], 0xa5, exchange_size(CAPACITY));
            crowd_take_back(&crowd, exchange[i]);
        }
    }
}

static void few_are_kept_when_many_were_lent(void **state)
{
    (void)state;
    enum {
        MANY = 5000
    };
    struct exchange **exchange = calloc(MANY, sizeof(struct exchange *));
    size_t kept = 0;
    assert_non_null(exchange);
    for (int i = 0; i < MANY; i++) {
        exchange[i] = crowd_lend(&crowd);
        assert_non_null(exchange[i]);
    }
    for (int i = 0; i < MANY; i++) {
        crowd_take_back(&crowd, exchange[i]);
    }
    free(exchange);
    for (unsigned i = 0; i < crowd.pools; i++) {
        for (struct exchange *x = crowd.pool[i].spare; x != NULL; x = x->next) {
            kept++;
        }
    }
    assert_true(kept > 0 && kept <= crowd.pools * SPARES_MOST);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(nobody_is_there_at_first));
    suite_add(&suite, CASE(there_is_room_for_so_many_and_no_more));
    suite_add(&suite, CASE(who_is_gone_has_closed_its_connection));
    suite_add(&suite, CASE(who_waits_in_a_call_is_woken_from_it));
    suite_add(&suite, CASE(who_is_cut_finds_its_connection_at_its_end));
    suite_add(&suite, CASE(who_is_overdue_is_woken));
    suite_add(&suite, CASE(who_is_not_overdue_is_left_alone));
    suite_add(&suite, CASE(who_comes_after_everybody_was_gone_is_watched_too));
    suite_add(&suite, CASE(waiting_ends_at_its_moment));
    suite_add(&suite, CASE(a_thread_that_cannot_be_had_takes_no_room));
    suite_add(&suite, CASE(many_come_and_go));
    suite_add(&suite, CASE(what_is_lent_is_empty_and_large_enough));
    suite_add(&suite, CASE(few_are_kept_when_many_were_lent));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/crowd");
}
