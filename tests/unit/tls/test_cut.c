/* What a handshake comes to when it is cut, stalled or changed at any byte, and when every byte
 * comes alone. A relay stands between the ends. */
#include "lib/tls/link.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/ends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world world;

enum way {
    TO_SERVER,
    TO_CLIENT,
    WAYS
};

enum deed {
    PASS,
    CUT,   /* the connection, with nothing said */
    STALL, /* nothing passes from there on */
    CHANGE,
};

struct relay {
    struct ends ends;
    int from[WAYS], to[WAYS];
    size_t passed[WAYS];
    size_t step; /* bytes passed at once */
    enum deed deed;
    enum way way;
    size_t at; /* the byte at which it is done */
    bool done;
};

static void relay_open(struct relay *relay, struct tls_client *client)
{
    int near[2], far[2];
    const int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    assert_int_equal(socketpair(AF_UNIX, kind, 0, near), 0);
    assert_int_equal(socketpair(AF_UNIX, kind, 0, far), 0);
    stream_init(&relay->ends.client, near[0], false);
    stream_init(&relay->ends.server, far[0], false);
    relay->from[TO_SERVER] = relay->to[TO_CLIENT] = near[1];
    relay->from[TO_CLIENT] = relay->to[TO_SERVER] = far[1];
    assert_int_equal(tls_accept(&relay->ends.server, world.server), 0);
    assert_int_equal(tls_connect(&relay->ends.client, client, "server.test", NULL), 0);
}

static void relay_cut(struct relay *relay)
{
    for (enum way way = 0; way < WAYS; way++) {
        close(relay->from[way]);
        relay->from[way] = relay->to[way] = -1;
    }
}

static void relay_close(struct relay *relay)
{
    if (relay->from[TO_SERVER] >= 0) {
        relay_cut(relay);
    }
    ends_close(&relay->ends);
}

/* How many of the next bytes may pass that way before the deed is done. */
static size_t allowance(const struct relay *relay, enum way way)
{
    if (relay->deed == PASS || way != relay->way || (relay->done && relay->deed == CHANGE)) {
        return relay->step;
    }
    size_t left = relay->at - relay->passed[way];
    return left < relay->step ? left : relay->step;
}

static void pass(struct relay *relay, enum way way)
{
    char bytes[4096];
    size_t most = allowance(relay, way);
    if (relay->from[way] < 0) {
        return;
    }
    if (most == 0) { /* here it is; unless nothing comes any more */
        bool has_more = recv(relay->from[way], bytes, 1, MSG_PEEK) == 1;
        if (has_more && relay->deed == CHANGE) {
            assert_int_equal(recv(relay->from[way], bytes, 1, 0), 1);
            bytes[0] ^= 0x40;
            assert_int_equal(send(relay->to[way], bytes, 1, 0), 1);
            relay->passed[way]++;
        } else if (has_more && relay->deed == CUT) {
            relay_cut(relay);
        }
        relay->done |= has_more;
        return;
    }
    ssize_t got = recv(relay->from[way], bytes, most, MSG_PEEK);
    ssize_t sent = got > 0 ? send(relay->to[way], bytes, (size_t)got, MSG_NOSIGNAL) : 0;
    if (sent > 0) { /* an end that is done leaves its tickets unread, until there is no more room */
        assert_int_equal(recv(relay->from[way], bytes, (size_t)sent, 0), sent);
        relay->passed[way] += (size_t)sent;
    }
}

static size_t total(const struct relay *relay)
{
    return relay->passed[TO_SERVER] + relay->passed[TO_CLIENT];
}

/* Until nothing moves any more. */
static struct outcomes relay_shake(struct relay *relay)
{
    struct outcomes came = {STREAM_WANT_READ, STREAM_WANT_READ};
    size_t before;
    do {
        before = total(relay);
        bool was_done = relay->done;
        if (stream_is_again(came.client)) {
            came.client = tls_handshake(&relay->ends.client);
        }
        pass(relay, TO_SERVER);
        if (stream_is_again(came.server)) {
            came.server = tls_handshake(&relay->ends.server);
        }
        pass(relay, TO_CLIENT);
        before -= relay->done != was_done; /* a cut is a move */
    } while (total(relay) != before);
    return came;
}

struct row {
    const char *name;
    bool older;
    enum deed deed;
};

/* What a connection comes to that is gone. A unix socket that is closed with bytes unread resets.
 */
static bool is_gone(ssize_t came)
{
    return came == STREAM_TRUNCATED || came == -ECONNRESET || came == -EPIPE;
}

static bool is_broken(ssize_t came)
{
    return came == STREAM_BROKEN || came == TLS_PLAIN_HTTP;
}

/* An end that was done before the cut finds it out when it receives. */
static void check_cut(struct stream *stream, int came)
{
    char byte;
    assert_true(is_gone(came == 0 ? stream_receive(stream, &byte, 1) : came));
    assert_true(tls_reason(stream)[0] != '\0');
}

/* Whether all of it was changed for nothing, or somebody noticed. */
static void check_change(struct relay *relay, struct outcomes came)
{
    if (came.client == 0 && came.server == 0) {
        relay->step = 4096;
        send_text(&relay->ends.client, "question");
        pass(relay, TO_SERVER);
        char text[64];
        ssize_t got = stream_receive(&relay->ends.server, text, sizeof(text));
        if (got != STREAM_WANT_READ) {
            assert_int_equal(got, 8);
            assert_memory_equal(text, "question", 8);
        }
        return;
    }
    assert_true(is_broken(came.client) || is_broken(came.server) ||
                (stream_is_again(came.client) || stream_is_again(came.server)));
    for (int i = 0; i < 2; i++) {
        struct stream *stream = i == 0 ? &relay->ends.client : &relay->ends.server;
        int one = i == 0 ? came.client : came.server;
        assert_true(one == 0 || stream_is_again(one) || is_broken(one));
        assert_int_equal(is_broken(one), tls_reason(stream)[0] != '\0');
    }
}

static void check(struct relay *relay, struct outcomes came)
{
    switch (relay->deed) {
    case CUT:
        check_cut(&relay->ends.client, came.client);
        check_cut(&relay->ends.server, came.server);
        break;
    case STALL:
        assert_true(came.client == 0 || came.client == STREAM_WANT_READ);
        assert_true(came.server == 0 || came.server == STREAM_WANT_READ);
        break;
    case CHANGE:
        check_change(relay, came);
        break;
    case PASS:
        break;
    }
}

/* From the first byte of either way to the last. */
static void at_every_byte(void **state)
{
    const struct row *row = *state;
    for (enum way way = 0; way < WAYS; way++) {
        bool done = true;
        for (size_t at = 0; done; at++) {
            struct relay relay = {.step = 4096, .deed = row->deed, .way = way, .at = at};
            relay_open(&relay, row->older ? world.older : world.client);
            struct outcomes came = relay_shake(&relay);
            done = relay.done;
            if (done) {
                check(&relay, came);
            } else {
                assert_int_equal(came.client, 0);
                assert_int_equal(came.server, 0);
                assert_true(at > 100);
            }
            relay_close(&relay);
        }
    }
}

static void bytes_that_come_alone_make_a_handshake(void **state)
{
    const struct row *row = *state;
    struct relay relay = {.step = 1};
    relay_open(&relay, row->older ? world.older : world.client);
    struct outcomes came = relay_shake(&relay);
    assert_int_equal(came.client, 0);
    assert_int_equal(came.server, 0);
    relay.step = 4096;
    send_text(&relay.ends.client, "question");
    pass(&relay, TO_SERVER);
    expect_text(&relay.ends.server, "question");
    relay_close(&relay);
}

int main(void)
{
    static const struct row at_all[] = {
        {"cut_at_every_byte_tls_1_3", false, CUT},
        {"cut_at_every_byte_tls_1_2", true, CUT},
        {"stall_at_every_byte_tls_1_3", false, STALL},
        {"stall_at_every_byte_tls_1_2", true, STALL},
        {"change_of_every_byte_tls_1_3", false, CHANGE},
        {"change_of_every_byte_tls_1_2", true, CHANGE},
    };
    static const struct row alone[] = {
        {"bytes_that_come_alone_make_a_handshake_tls_1_3", false, PASS},
        {"bytes_that_come_alone_make_a_handshake_tls_1_2", true, PASS},
    };
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    suite_add_rows(suite, at_every_byte, ROWS(at_all));
    suite_add_rows(suite, bytes_that_come_alone_make_a_handshake, ROWS(alone));
    int failed = suite_run(suite, "tls/cut");
    free(suite);
    world_destroy(&world);
    return failed;
}
