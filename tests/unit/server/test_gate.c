/* Contexts that are made anew while connections begin. */
#include "server/tls/gate.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/ends.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct world world;

static struct credentials credentials_with(const struct tls_pair *pair)
{
    return (struct credentials){.pairs = {*pair}, .pair_count = 1};
}

static void renew(struct gate *gate, const struct tls_pair *pair)
{
    char wrong[TLS_WRONG];
    struct credentials credentials = credentials_with(pair);
    bool renewed = gate_renew(gate, &credentials, wrong);
    assert_string_equal(wrong, "");
    assert_true(renewed);
}

/* Ends of which the server's is the gate's, before the handshake. */
static void open_at(struct ends *ends, struct gate *gate, struct tls_recall *recall)
{
    ends_open(ends, NULL, world.client, "server.test", recall);
    assert_int_equal(gate_accept(gate, &ends->server), 0);
}

static struct tls_pair pair_named(const char *name)
{
    return authority_issue(world.authority,
                           &(struct wish){.name = name, .alt_names = "DNS:server.test"});
}

/* Says something both ways; whether it went on with a session from before. */
static bool talk(struct ends *ends)
{
    char byte;
    ends_meet(ends);
    assert_int_equal(stream_receive(&ends->client, &byte, 1), STREAM_WANT_READ); /* tickets */
    send_text(&ends->client, "question");
    expect_text(&ends->server, "question");
    return tls_resumed(&ends->client);
}

/* A connection that has begun goes on with what it began with, whatever has become of that. */
static void who_has_begun_goes_on(void **state)
{
    (void)state;
    struct tls_pair pair = pair_named("next");
    struct gate *gate = gate_create(2);
    struct ends before, after;
    renew(gate, &world.pair);
    open_at(&before, gate, NULL);
    assert_int_equal(tls_handshake(&before.client), STREAM_WANT_READ);
    renew(gate, &pair);
    open_at(&after, gate, NULL);
    talk(&before);
    talk(&after);
    gate_destroy(gate);
    send_text(&before.server, "answer");
    expect_text(&before.client, "answer");
    ends_close(&before);
    ends_close(&after);
    authority_free_pair(&pair);
}

/* What cannot be used says why and changes nothing. */
static void bad_credentials_change_nothing(void **state)
{
    (void)state;
    char wrong[TLS_WRONG], text[] = "no certificate";
    struct tls_pair bad = {.chain = {"bad.pem", text, strlen(text)},
                           .key = {"bad.key", text, strlen(text)}};
    struct gate *gate = gate_create(3);
    struct ends ends;
    struct credentials credentials = credentials_with(&bad);
    assert_false(gate_renew(gate, &credentials, wrong));
    assert_non_null(strstr(wrong, "bad.pem"));
    renew(gate, &world.pair);
    assert_false(gate_renew(gate, &credentials, wrong));
    credentials = credentials_with(&world.pair);
    credentials.ticket_keys[0] = (struct tls_file){"bad.tickets", text, strlen(text)};
    credentials.ticket_count = 1;
    assert_false(gate_renew(gate, &credentials, wrong));
    assert_non_null(strstr(wrong, "bad.tickets"));
    open_at(&ends, gate, NULL);
    talk(&ends);
    ends_close(&ends);
    gate_destroy(gate);
    gate_destroy(NULL);
}

/* Whichever context a ticket is of, before or after: keys that nobody has named stay. */
static void sessions_outlive_a_renewal(void **state)
{
    (void)state;
    struct gate *gate = gate_create(4);
    struct tls_recall *recall = tls_recall_create();
    for (int i = 0; i < 6; i++) {
        struct ends ends;
        if (i % 2 == 0) {
            renew(gate, &world.pair);
        }
        open_at(&ends, gate, recall);
        assert_int_equal(talk(&ends), i > 0);
        ends_close(&ends);
    }
    tls_recall_destroy(recall);
    gate_destroy(gate);
}

enum {
    THREADS = 4,
    CONNECTIONS = 20,
    RENEWALS = 40
};

static atomic_uint finished;

static void *connect_often(void *gate)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        struct ends ends;
        open_at(&ends, gate, NULL);
        talk(&ends);
        ends_close(&ends);
    }
    atomic_fetch_add(&finished, 1);
    return NULL;
}

static void threads_accept_meanwhile(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct gate *gate = gate_create(2);
    renew(gate, &world.pair);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, gate), 0);
    }
    int renewals = 0;
    while (renewals < RENEWALS || atomic_load(&finished) < THREADS) {
        renew(gate, &world.pair);
        renewals++;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    gate_destroy(gate);
}

int main(void)
{
    static struct suite suite;
    world_create(&world);
    suite_add(&suite, CASE(who_has_begun_goes_on));
    suite_add(&suite, CASE(bad_credentials_change_nothing));
    suite_add(&suite, CASE(sessions_outlive_a_renewal));
    suite_add(&suite, CASE(threads_accept_meanwhile));
    suite_frame(&suite, descriptors_count, descriptors_compare);
    int failed = suite_run(&suite, "server/gate");
    world_destroy(&world);
    return failed;
}
