#include "lib/tls/tickets.h"

#include "lib/base/clock.h"
#include "lib/tls/contexts.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/ends.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world world;

/* A connection, and whether it went on with the session in `recall`. Both ends are of one mind. */
static bool resumes(struct tls_server *server, struct tls_client *client, struct tls_recall *recall)
{
    struct ends ends;
    char byte;
    ends_open(&ends, server, client, "server.test", recall);
    ends_meet(&ends);
    bool resumed = tls_resumed(&ends.client);
    assert_int_equal(tls_resumed(&ends.server), resumed);
    assert_int_equal(stream_receive(&ends.client, &byte, 1), STREAM_WANT_READ); /* new tickets */
    send_text(&ends.server, "answer");
    expect_text(&ends.client, "answer");
    ends_close(&ends);
    return resumed;
}

static struct tls_server *server_with(struct tls_tickets *tickets)
{
    return new_server(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .tickets = tickets});
}

static struct tls_file keys_file(const char *name, char byte, size_t size)
{
    struct tls_file file = {name, malloc(size), size};
    memset(file.bytes, byte, size);
    return file;
}

/* Keys of these bytes each, the first of which encrypts. */
static struct tls_tickets *keys(const char *bytes, size_t size)
{
    char wrong[TLS_WRONG];
    struct tls_file files[TLS_TICKET_KEYS] = {0};
    size_t count = strlen(bytes);
    for (size_t i = 0; i < count; i++) {
        files[i] = keys_file("keys", bytes[i], size);
    }
    struct tls_tickets *tickets = tls_tickets_read(files, count, wrong);
    assert_string_equal(wrong, "");
    assert_non_null(tickets);
    for (size_t i = 0; i < count; i++) {
        tls_file_free(&files[i]);
    }
    return tickets;
}

static struct tls_client *clients[2]; /* filled by main() */

static void session_is_resumed_once_and_again(void **state)
{
    (void)state;
    for (int older = 0; older < 2; older++) {
        struct tls_recall *recall = tls_recall_create();
        assert_false(resumes(world.server, clients[older], recall));
        assert_true(resumes(world.server, clients[older], recall));
        assert_true(resumes(world.server, clients[older], recall));
        assert_false(resumes(world.server, clients[older], NULL));
        tls_recall_destroy(recall);
    }
    tls_recall_destroy(NULL);
}

/* A truncated connection's session is as good as any. */
static void session_of_a_broken_off_connection_is_resumed(void **state)
{
    (void)state;
    for (int older = 0; older < 2; older++) {
        struct tls_recall *recall = tls_recall_create();
        struct ends ends;
        char byte;
        ends_open(&ends, world.server, clients[older], "server.test", recall);
        ends_meet(&ends);
        stream_receive(&ends.client, &byte, 1);
        stream_finish(&ends.server);
        close(ends.server.fd);
        assert_int_equal(stream_receive(&ends.client, &byte, 1), STREAM_TRUNCATED);
        stream_finish(&ends.client);
        close(ends.client.fd);
        assert_true(resumes(world.server, clients[older], recall));
        tls_recall_destroy(recall);
    }
}

/* A connection goes on with the session that it has brought, and may write to it: neither that nor
 * what those do who took it is seen by who takes it then. */
static void what_is_kept_is_in_nobody_s_hands(void **state)
{
    struct tls_recall *recall = tls_recall_create();
    SSL_SESSION *session = SSL_SESSION_new();
    (void)state;
    assert_null(recall_take(recall));
    recall_keep(recall, session);
    assert_null(recall_take(recall)); /* there is nothing to be resumed by */
    assert_int_equal(SSL_SESSION_set1_id(session, (const unsigned char *)"id", 2), 1);
    SSL_SESSION_set_timeout(session, 100);
    recall_keep(recall, session);
    SSL_SESSION_set_timeout(session, 200);
    SSL_SESSION *taken[3];
    for (long i = 0; i < 3; i++) {
        taken[i] = recall_take(recall);
        assert_non_null(taken[i]);
        assert_int_equal(SSL_SESSION_get_timeout(taken[i]), 100);
        SSL_SESSION_set_timeout(taken[i], 300 + i);
    }
    assert_int_equal(SSL_SESSION_get_timeout(taken[0]), 300);
    for (int i = 0; i < 3; i++) {
        SSL_SESSION_free(taken[i]);
    }
    SSL_SESSION_free(session);
    tls_recall_destroy(recall);
}

static void contexts_with_the_same_keys_resume_each_other(void **state)
{
    static const size_t sizes[] = {48, 80};
    (void)state;
    for (int older = 0; older < 2; older++) {
        for (int random = 0; random < 3; random++) {
            struct tls_tickets *one = random == 2 ? tls_tickets_create() : keys("a", sizes[random]);
            /* keys from a file are read by each process anew */
            struct tls_tickets *other = random == 2 ? tickets_hold(one) : keys("a", sizes[random]);
            struct tls_server *first = server_with(one), *second = server_with(other);
            struct tls_recall *recall = tls_recall_create();
            tls_tickets_release(one);
            tls_tickets_release(other);
            assert_false(resumes(first, clients[older], recall));
            assert_true(resumes(second, clients[older], recall));
            assert_true(resumes(first, clients[older], recall));
            assert_false(resumes(world.server, clients[older], recall));
            tls_recall_destroy(recall);
            tls_server_destroy(first);
            tls_server_destroy(second);
        }
    }
}

static void keys_before_still_decrypt(void **state)
{
    (void)state;
    for (int older = 0; older < 2; older++) {
        static const char *const days[] = {"a", "ba", "cb", "dc"};
        struct tls_recall *recall = tls_recall_create(), *first = tls_recall_create();
        for (int day = 0; day < 4; day++) {
            struct tls_tickets *tickets = keys(days[day], 80);
            struct tls_server *server = server_with(tickets);
            /* each resumption brings a ticket of the newest key */
            assert_int_equal(resumes(server, clients[older], recall), day > 0);
            if (day == 0 || day == 3) { /* by then the first key is gone */
                assert_false(resumes(server, clients[older], first));
            }
            tls_tickets_release(tickets);
            tls_server_destroy(server);
        }
        tls_recall_destroy(recall);
        tls_recall_destroy(first);
    }
}

static void two_turns_make_tickets_worthless(void **state)
{
    (void)state;
    for (int older = 0; older < 2; older++) {
        struct tls_tickets *tickets = tls_tickets_create();
        struct tls_server *server = server_with(tickets);
        struct tls_recall *kept = tls_recall_create(), *used = tls_recall_create();
        assert_false(resumes(server, clients[older], kept));
        assert_false(resumes(server, clients[older], used));
        tls_tickets_turn(tickets);
        assert_true(resumes(server, clients[older], used));
        tls_tickets_turn(tickets);
        assert_true(resumes(server, clients[older], used));
        assert_false(resumes(server, clients[older], kept));
        tls_recall_destroy(kept);
        tls_recall_destroy(used);
        tls_server_destroy(server);
        tls_tickets_release(tickets);
    }
}

static void keys_of_files_do_not_turn(void **state)
{
    struct tls_tickets *tickets = keys("a", 80);
    struct tls_server *server = server_with(tickets);
    struct tls_recall *recall = tls_recall_create();
    (void)state;
    assert_false(resumes(server, world.client, recall));
    tls_tickets_turn(tickets);
    tls_tickets_turn(tickets);
    assert_true(resumes(server, world.client, recall));
    tls_recall_destroy(recall);
    tls_server_destroy(server);
    tls_tickets_release(tickets);
}

/* RFC 8446 C.4: a client that shows each ticket once has another one then. It lasts no longer than
 * the first one, or a session would never end. */
static void each_resumption_brings_a_ticket(void **state)
{
    struct tls_recall *recall = tls_recall_create();
    (void)state;
    assert_false(resumes(world.server, world.client, recall));
    nanosleep(&(struct timespec){2, 0}, NULL);
    for (int i = 0; i < 3; i++) {
        SSL_SESSION *before = recall_take(recall);
        assert_true(resumes(world.server, world.client, recall));
        SSL_SESSION *after = recall_take(recall);
        const unsigned char *one, *other;
        size_t size, other_size;
        SSL_SESSION_get0_ticket(before, &one, &size);
        SSL_SESSION_get0_ticket(after, &other, &other_size);
        assert_true(size != other_size || memcmp(one, other, size) != 0);
        assert_in_range(SSL_SESSION_get_ticket_lifetime_hint(after), 1, TLS_TICKET_LIFE_S - 2);
        SSL_SESSION_free(before);
        SSL_SESSION_free(after);
    }
    tls_recall_destroy(recall);
}

/* However often it is resumed: a ticket that comes with a resumption is good for what is left. A
 * machine that does not get to it in time is forgiven. */
static void session_lasts_its_time_and_no_longer(void **state)
{
    struct tls_server *server = server_with(NULL);
    struct tls_recall *first[2], *chain[2];
    (void)state;
    SSL_CTX_set_timeout(server->front, 5);
    uint64_t begun_ns = clock_monotonic_ns();
    for (int older = 0; older < 2; older++) {
        first[older] = tls_recall_create();
        chain[older] = tls_recall_create();
        assert_false(resumes(server, clients[older], first[older]));
        assert_false(resumes(server, clients[older], chain[older]));
    }
    nanosleep(&(struct timespec){2, 0}, NULL);
    resumes(server, clients[0], chain[0]);
    resumes(server, clients[1], chain[1]);
    nanosleep(&(struct timespec){1, 500 * NS_PER_MS}, NULL);
    for (int older = 0; older < 2; older++) {
        bool both = resumes(server, clients[older], first[older]) &&
                    resumes(server, clients[older], chain[older]);
        assert_true(both || clock_monotonic_ns() - begun_ns > 4 * NS_PER_S);
    }
    nanosleep(&(struct timespec){3, 500 * NS_PER_MS}, NULL);
    for (int older = 0; older < 2; older++) {
        assert_false(resumes(server, clients[older], chain[older]));
        tls_recall_destroy(first[older]);
        tls_recall_destroy(chain[older]);
    }
    tls_server_destroy(server);
}

/* At any moment: in its last second, which a client still offers, too. */
static void session_that_is_over_is_replaced(void **state)
{
    enum {
        LASTS_S = 1,
        OFFERS = 25
    };
    struct tls_server *server = server_with(NULL);
    struct tls_recall *recalls[2][OFFERS];
    (void)state;
    SSL_CTX_set_timeout(server->front, LASTS_S);
    for (int older = 0; older < 2; older++) {
        for (int i = 0; i < OFFERS; i++) {
            recalls[older][i] = tls_recall_create();
            assert_false(resumes(server, clients[older], recalls[older][i]));
        }
    }
    int64_t begun_s = clock_wall_s();
    for (int i = 0; i < OFFERS; i++) {
        nanosleep(&(struct timespec){0, 100 * NS_PER_MS}, NULL);
        for (int older = 0; older < 2; older++) {
            bool over = clock_wall_s() > begun_s + LASTS_S;
            assert_false(resumes(server, clients[older], recalls[older][i]) && over);
            tls_recall_destroy(recalls[older][i]);
        }
    }
    tls_server_destroy(server);
}

/* Though the certificate was good when the session began. */
static void session_ends_with_its_certificate(void **state)
{
    struct tls_pair own =
        authority_issue(world.authority, &(struct wish){.name = "client", .ends_s = 6});
    const struct tls_client_plan plan = {.ca = world.ca, .own = own};
    struct tls_client *shows[2] = {new_client(&plan), new_older_client(&plan)};
    struct tls_server *server = new_server(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .client_ca = world.ca});
    struct tls_recall *recall[2];
    (void)state;
    for (int older = 0; older < 2; older++) {
        recall[older] = tls_recall_create();
        assert_false(resumes(server, shows[older], recall[older]));
        assert_true(resumes(server, shows[older], recall[older]));
    }
    nanosleep(&(struct timespec){7, 0}, NULL);
    for (int older = 0; older < 2; older++) {
        struct ends ends;
        ends_open(&ends, server, shows[older], "server.test", recall[older]);
        assert_int_equal(ends_shake(&ends).server, STREAM_BROKEN);
        assert_non_null(strstr(tls_reason(&ends.server), "certificate has expired"));
        ends_close(&ends);
        tls_recall_destroy(recall[older]);
        tls_client_destroy(shows[older]);
    }
    tls_server_destroy(server);
    authority_free_pair(&own);
}

/* Else a ticket would do in the place of a certificate. */
static void ticket_is_worth_nothing_where_a_certificate_is_wanted(void **state)
{
    struct tls_tickets *tickets = keys("a", 80);
    struct tls_pair own = authority_issue(world.authority, &(struct wish){.name = "client"});
    struct tls_client *client = new_client(&(struct tls_client_plan){.ca = world.ca, .own = own});
    struct tls_server *open = server_with(tickets);
    struct tls_server *closed = new_server(&(struct tls_server_plan){
        .pairs = &world.pair, .pair_count = 1, .client_ca = world.ca, .tickets = tickets});
    struct tls_recall *recall = tls_recall_create();
    (void)state;
    assert_false(resumes(open, client, recall));
    assert_false(resumes(closed, client, recall));
    assert_true(resumes(closed, client, recall));
    assert_false(resumes(open, client, recall));
    tls_recall_destroy(recall);
    tls_server_destroy(open);
    tls_server_destroy(closed);
    tls_client_destroy(client);
    authority_free_pair(&own);
    tls_tickets_release(tickets);
}

static void keys_have_one_of_two_sizes(void **state)
{
    static const struct {
        size_t size;
        const char *wrong;
    } rows[] = {
        {0, "keys.bin: has 0 bytes, and ticket keys have 48 or 80 each"},
        {47, "keys.bin: has 47 bytes, and ticket keys have 48 or 80 each"},
        {81, "keys.bin: has 81 bytes, and ticket keys have 48 or 80 each"},
        {128, "keys.bin: has 128 bytes, and ticket keys have 48 or 80 each"},
        {48, ""},
        {96, ""},
        {80, ""},
        {240, ""},
        {80 * 16, ""},
        {80 * 17, "keys.bin: has more than the 16 ticket keys that there is room for"},
        {48 * 17, "keys.bin: has more than the 16 ticket keys that there is room for"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char wrong[TLS_WRONG] = "before";
        struct tls_file file = keys_file("keys.bin", 'a', rows[i].size);
        struct tls_tickets *tickets = tls_tickets_read(&file, 1, wrong);
        assert_string_equal(wrong, rows[i].wrong);
        assert_int_equal(tickets != NULL, rows[i].wrong[0] == '\0');
        tls_tickets_release(tickets);
        tls_file_free(&file);
    }
    tls_tickets_release(NULL);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum {
    THREADS = 4,
    ROUNDS = 30
};

struct shared {
    struct tls_server *server;
    struct tls_tickets *tickets;
    struct tls_recall *recall;
    int resumed[THREADS], failed[THREADS];
};

struct share {
    struct shared *shared;
    int number;
    pthread_t thread;
};

/* Without the asserts of the others, which belong to one thread. */
static void *converse(void *argument)
{
    struct share *share = argument;
    struct shared *shared = share->shared;
    for (int i = 0; i < ROUNDS; i++) {
        struct ends ends;
        char got[16];
        ends_open(&ends, shared->server, clients[i % 2], "server.test",
                  i % 2 == 0 ? shared->recall : NULL);
        struct outcomes came = ends_shake(&ends);
        bool sent = stream_send(&ends.server, &(struct iovec){(char *)"answer", 6}, 1, false) == 6;
        bool right = sent && stream_receive(&ends.client, got, sizeof(got)) == 6;
        shared->failed[share->number] += came.client != 0 || came.server != 0 || !right;
        shared->resumed[share->number] += tls_resumed(&ends.client);
        ends_close(&ends);
        if (i % 8 == share->number) {
            tls_tickets_turn(shared->tickets);
        }
    }
    return NULL;
}

static void threads_share_a_context(void **state)
{
    struct shared shared = {.tickets = tls_tickets_create(), .recall = tls_recall_create()};
    struct share shares[THREADS];
    int resumed = 0;
    (void)state;
    shared.server = server_with(shared.tickets);
    for (int i = 0; i < THREADS; i++) {
        shares[i] = (struct share){.shared = &shared, .number = i};
        assert_int_equal(pthread_create(&shares[i].thread, NULL, converse, &shares[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(shares[i].thread, NULL);
        assert_int_equal(shared.failed[i], 0);
        resumed += shared.resumed[i];
    }
    assert_true(resumed > 0);
    tls_server_destroy(shared.server);
    tls_recall_destroy(shared.recall);
    tls_tickets_release(shared.tickets);
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    clients[0] = world.client;
    clients[1] = world.older;
    suite_add(suite, CASE(session_is_resumed_once_and_again));
    suite_add(suite, CASE(session_of_a_broken_off_connection_is_resumed));
    suite_add(suite, CASE(what_is_kept_is_in_nobody_s_hands));
    suite_add(suite, CASE(contexts_with_the_same_keys_resume_each_other));
    suite_add(suite, CASE(keys_before_still_decrypt));
    suite_add(suite, CASE(two_turns_make_tickets_worthless));
    suite_add(suite, CASE(keys_of_files_do_not_turn));
    suite_add(suite, CASE(each_resumption_brings_a_ticket));
    suite_add(suite, CASE(session_lasts_its_time_and_no_longer));
    suite_add(suite, CASE(session_that_is_over_is_replaced));
    suite_add(suite, CASE(session_ends_with_its_certificate));
    suite_add(suite, CASE(ticket_is_worth_nothing_where_a_certificate_is_wanted));
    suite_add(suite, CASE(keys_have_one_of_two_sizes));
    suite_add(suite, CASE(threads_share_a_context));
    suite_frame(suite, descriptors_count, descriptors_compare);
    int failed = suite_run(suite, "tls/resume");
    free(suite);
    world_destroy(&world);
    return failed;
}
