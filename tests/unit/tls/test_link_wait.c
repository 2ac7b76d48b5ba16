/* A link that waits: of a blocking descriptor, in the direction that nobody expects, and for a peer
 * that has its own ways. */
#include "lib/tls/link.h"

#include "lib/base/clock.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/net/disturb.h"
#include "tests/unit/tls/versions.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- blocking --------------------------------------------------------------------------------- */

static void wait_at_most_20_ms(int fd)
{
    struct timeval bound = {0, 20000};
    fcntl(fd, F_SETFL, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
}

static void timeout_of_a_blocking_descriptor_is_again(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, BODY};
    struct ends ends;
    size_t sent = 0, got = 0;
    ssize_t came;
    pattern_fill(bytes, BODY);
    ends_open(&ends, world.server, client_for(state), "server.test", NULL);
    wait_at_most_20_ms(ends.server.fd);
    uint64_t begun = clock_monotonic_ns();
    assert_int_equal(tls_handshake(&ends.server), STREAM_WANT_READ);
    ends_meet(&ends);
    assert_int_equal(stream_receive(&ends.server, bytes, 1), STREAM_WANT_READ);
    assert_int_equal(stream_discard(&ends.server, 1, bytes, 1), STREAM_WANT_READ);
    assert_true(clock_monotonic_ns() - begun >= 3 * 20 * NS_PER_MS);
    while (sent < BODY) {
        all = (struct iovec){bytes + sent, BODY - sent};
        came = stream_send(&ends.server, &all, 1, false);
        assert_true(came > 0 || came == STREAM_WANT_WRITE);
        sent += came > 0 ? (size_t)came : 0;
        take_pattern(&ends.client, &got);
    }
    assert_int_equal(got, BODY);
    ends_close(&ends);
}

/* Bytes that are there are told of, though the space would hold more. */
static void receive_waits_for_the_first_bytes_alone(void **state)
{
    struct ends ends;
    open_met(&ends, client_for(state));
    fcntl(ends.server.fd, F_SETFL, 0); /* and no timeout: it would wait for ever */
    send_text(&ends.client, "abc");
    send_text(&ends.client, "def");
    expect_text(&ends.server, "abcdef");
    ends_close(&ends);
}

static size_t bytes_at(int fd)
{
    int size;
    assert_int_equal(ioctl(fd, FIONREAD, &size), 0);
    return (size_t)size;
}

/* Nor when what has come fills the room that OpenSSL reads into to the last byte, and so does not
 * look like the end of it. */
static void receive_does_not_wait_behind_a_full_buffer(void **state)
{
    enum {
        ROOM = 16709
    };
    static unsigned char bytes[BODY];
    const struct version *version = *state;
    const size_t around = version->older ? 29 : 22; /* what TLS adds to a record */
    struct ends ends;
    size_t sent = 0, left;
    pattern_fill(bytes, BODY);
    open_met(&ends, client_for(state));
    while ((left = ROOM - bytes_at(ends.server.fd)) > 0) {
        size_t size = left - around < 1000 ? left - around : 900;
        struct iovec piece = {bytes + sent, size};
        assert_int_equal(stream_send(&ends.client, &piece, 1, false), size);
        sent += size;
    }
    fcntl(ends.server.fd, F_SETFL, 0);
    alarm(60); /* instead of for ever */
    assert_int_equal(stream_receive(&ends.server, bytes, BODY), sent);
    alarm(0);
    pattern_check(bytes, sent, 0);
    ends_close(&ends);
}

static void signal_wakes_a_blocked_thread(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, BODY};
    struct ends ends;
    struct disturber disturber;
    ssize_t came;
    size_t sent = 0, got = 0;
    int small = 4096;
    pattern_fill(bytes, BODY);
    ends_open(&ends, world.server, client_for(state), "server.test", NULL);
    fcntl(ends.server.fd, F_SETFL, 0);
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    assert_int_equal(disturb(&disturber), 0);
    assert_int_equal(tls_handshake(&ends.server), -EINTR);
    do {
        came = tls_handshake(&ends.client);
        assert_true(came == 0 || came == STREAM_WANT_READ);
        came = tls_handshake(&ends.server);
        assert_true(came == 0 || came == -EINTR || came == STREAM_WANT_READ);
    } while (came != 0);
    assert_int_equal(tls_handshake(&ends.client), 0);
    assert_int_equal(stream_receive(&ends.server, bytes, 1), -EINTR);
    do {
        all = (struct iovec){bytes + sent, BODY - sent};
        came = stream_send(&ends.server, &all, 1, false);
        sent += came > 0 ? (size_t)came : 0;
    } while (came > 0);
    assert_int_equal(came, -EINTR);
    take_pattern(&ends.client, &got);
    assert_true(got + 16384 > sent); /* a record is of use when the last of it has come */
    disturb_end(&disturber);
    ends_close(&ends);
}

/* --- odd directions --------------------------------------------------------------------------- */

static SSL_CTX *strange_context(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, version);
    return context;
}

/* RFC 8446 4.6.3: the answer to it goes before the next bytes that are sent. */
static void key_update_is_followed(void **state)
{
    struct ends ends;
    char text[64];
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_3_VERSION));
    struct outcomes came = stranger_shake(&ends, ssl);
    assert_int_equal(came.server, 0);
    assert_int_equal(came.client, SSL_ERROR_NONE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_write(ssl, "question", 8), 8);
        expect_text(&ends.server, "question");
        send_text(&ends.server, "answer");
        assert_int_equal(SSL_read(ssl, text, sizeof(text)), 6);
    }
    SSL_free(ssl);
    ends_close(&ends);
}

/* Nobody needs many messages that bring nothing: who sends them without an end is left. */
static void messages_without_content_have_an_end(void **state)
{
    struct ends ends;
    char text[64];
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_3_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    for (int i = 0; i < 100; i++) { /* spread out, they are nobody's burden */
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(ssl), 1);
        assert_int_equal(SSL_write(ssl, "question", 8), 8);
        expect_text(&ends.server, "question");
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(ssl), 1);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_BROKEN);
    }
    assert_string_equal(tls_reason(&ends.server), "sent too many messages without content");
    SSL_free(ssl);
    ends_close(&ends);
}

/* The same where TLS 1.2 answers each of them with a warning. */
static void renegotiations_have_an_end(void **state)
{
    struct ends ends;
    char text[64];
    ssize_t came = STREAM_WANT_READ;
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_2_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    for (int i = 0; i < 100 && came == STREAM_WANT_READ; i++) {
        SSL_renegotiate(ssl);
        SSL_do_handshake(ssl);
        came = stream_receive(&ends.server, text, sizeof(text));
    }
    assert_int_equal(came, STREAM_BROKEN);
    SSL_free(ssl);
    ends_close(&ends);
}

/* The keys are to change, and the answer that says so finds no room: a send then waits for that. */
static void key_update_waits_for_room(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, BODY};
    struct ends ends;
    size_t sent = 0, got = 0;
    (void)state;
    pattern_fill(bytes, BODY);
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_3_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    while (got < BODY) {
        unsigned char some[1000];
        all = (struct iovec){bytes + sent, BODY - sent};
        ssize_t came = sent < BODY ? stream_send(&ends.server, &all, 1, false) : 0;
        assert_true(came >= 0 || came == STREAM_WANT_WRITE);
        sent += came > 0 ? (size_t)came : 0;
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_write(ssl, "x", 1);
        while ((came = stream_receive(&ends.server, some, sizeof(some))) > 0) {
        }
        assert_int_equal(came, STREAM_WANT_READ);
        int size = SSL_read(ssl, some, sizeof(some));
        pattern_check(some, size > 0 ? (size_t)size : 0, got);
        got += size > 0 ? (size_t)size : 0;
    }
    SSL_free(ssl);
    ends_close(&ends);
}

/* What could not begin, since the answer has to go first, is not taken for begun. */
static void answer_that_finds_no_room_goes_first(void **state)
{
    static char filling[1 << 20];
    struct iovec piece = {(char *)"answer", 6};
    struct ends ends;
    char text[64];
    ssize_t filled = 0, more;
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_3_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    SSL_read(ssl, text, sizeof(text)); /* tickets */
    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    assert_int_equal(SSL_write(ssl, "question", 8), 8);
    expect_text(&ends.server, "question");
    while ((more = send(ends.server.fd, filling, sizeof(filling), 0)) > 0) {
        filled += more; /* beneath TLS */
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream_send(&ends.server, &piece, 1, false), STREAM_WANT_WRITE);
    }
    while (filled > 0) {
        more = recv(ends.client.fd, filling, (size_t)filled, 0);
        assert_true(more > 0);
        filled -= more;
    }
    assert_int_equal(stream_send(&ends.server, &piece, 1, false), 6);
    assert_int_equal(SSL_read(ssl, text, sizeof(text)), 6);
    assert_memory_equal(text, "answer", 6);
    SSL_free(ssl);
    ends_close(&ends);
}

/* More than there is room for; how much has left. */
static size_t send_until_it_waits(struct stream *stream, const unsigned char *bytes)
{
    size_t sent = 0;
    ssize_t came;
    do {
        struct iovec rest = {(void *)(bytes + sent), BODY - sent};
        came = stream_send(stream, &rest, 1, false);
        sent += came > 0 ? (size_t)came : 0;
    } while (came > 0 && sent < BODY);
    assert_int_equal(came, STREAM_WANT_WRITE);
    return sent;
}

/* What is received meanwhile may have to be answered: that goes behind what waits, and before what
 * is encrypted later. The end comes last. */
static void answers_go_behind_what_waits(void **state)
{
    static unsigned char bytes[BODY];
    struct ends ends;
    unsigned char some[1000];
    size_t got = 0;
    int end, size;
    (void)state;
    pattern_fill(bytes, BODY);
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_3_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    size_t sent = send_until_it_waits(&ends.server, bytes);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_write(ssl, "x", 1), 1);
        expect_text(&ends.server, "x");
    }
    do {
        struct iovec rest = {bytes + sent, BODY - sent};
        ssize_t came = sent < BODY ? stream_send(&ends.server, &rest, 1, false) : 0;
        assert_true(came >= 0 || came == STREAM_WANT_WRITE);
        sent += came > 0 ? (size_t)came : 0;
        end = sent < BODY ? STREAM_WANT_WRITE : stream_end(&ends.server);
        assert_true(end == 0 || end == STREAM_WANT_WRITE);
        size = SSL_read(ssl, some, sizeof(some));
        pattern_check(some, size > 0 ? (size_t)size : 0, got);
        got += size > 0 ? (size_t)size : 0;
    } while (end != 0 || size > 0);
    assert_int_equal(SSL_get_error(ssl, size), SSL_ERROR_ZERO_RETURN);
    assert_int_equal(got, BODY);
    SSL_free(ssl);
    ends_close(&ends);
}

/* In TLS 1.2 a refusal is such an answer: a record of its own (RFC 5246 6.2.1), which must not be
 * missing where it was counted. */
static void refusal_goes_behind_what_waits(void **state)
{
    enum {
        ALERT = 21
    };
    static unsigned char bytes[BODY], raw[2 * BODY];
    struct ends ends;
    size_t came = 0, alerts = 0;
    char text[64];
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_2_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    size_t sent = send_until_it_waits(&ends.server, bytes);
    assert_int_equal(SSL_renegotiate(ssl), 1);
    SSL_set0_rbio(ssl, BIO_new(BIO_s_mem())); /* it only writes: what has come is in its way */
    SSL_do_handshake(ssl);
    assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
    while (sent < BODY) {
        ssize_t more = recv(ends.client.fd, raw + came, sizeof(raw) - came, 0);
        came += more > 0 ? (size_t)more : 0;
        struct iovec rest = {bytes + sent, BODY - sent};
        more = stream_send(&ends.server, &rest, 1, false);
        assert_true(more > 0 || more == STREAM_WANT_WRITE);
        sent += more > 0 ? (size_t)more : 0;
    }
    came += (size_t)recv(ends.client.fd, raw + came, sizeof(raw) - came, 0);
    for (size_t at = 0; at < came; at += 5 + raw[at + 3] * 256u + raw[at + 4]) {
        alerts += raw[at] == ALERT;
    }
    assert_int_equal(alerts, 1);
    SSL_free(ssl);
    ends_close(&ends);
}

static void renegotiation_is_refused(void **state)
{
    struct ends ends;
    char text[64];
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(TLS1_2_VERSION));
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    assert_int_equal(SSL_renegotiate(ssl), 1);
    SSL_do_handshake(ssl);
    assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
    assert_int_equal(SSL_get_error(ssl, SSL_do_handshake(ssl)), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    SSL_free(ssl);
    ends_close(&ends);
}

/* RFC 6066 4 */
static void peer_gets_records_as_small_as_it_asks_for(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, 5000};
    struct ends ends;
    size_t sizes[20];
    char text[5000];
    (void)state;
    SSL_CTX *context = strange_context(TLS1_3_VERSION);
    SSL_CTX_set_tlsext_max_fragment_length(context, TLSEXT_max_fragment_length_512);
    ends_open(&ends, world.server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, context);
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    assert_int_equal(SSL_read(ssl, text, sizeof(text)), -1);
    assert_int_equal(stream_send(&ends.server, &all, 1, false), 5000);
    assert_int_equal(records_at(ends.client.fd, sizes, 20), 10);
    assert_in_range(sizes[0], 512, 512 + 256);
    SSL_free(ssl);
    ends_close(&ends);
}

/* Nor is more taken for begun than the record of that size that waits. */
static void slow_peer_gets_small_records_whole(void **state)
{
    static unsigned char bytes[BODY];
    struct ends ends;
    size_t sent = 0, got = 0;
    int small = 4096;
    (void)state;
    pattern_fill(bytes, BODY);
    SSL_CTX *context = strange_context(TLS1_3_VERSION);
    SSL_CTX_set_tlsext_max_fragment_length(context, TLSEXT_max_fragment_length_512);
    ends_open(&ends, world.server, NULL, NULL, NULL);
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    SSL *ssl = stranger(&ends, context);
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    while (got < BODY) {
        unsigned char some[1000];
        struct iovec rest = {bytes + sent, BODY - sent};
        ssize_t came = sent < BODY ? stream_send(&ends.server, &rest, 1, false) : 0;
        assert_true(came >= 0 || came == STREAM_WANT_WRITE);
        sent += came > 0 ? (size_t)came : 0;
        int size = SSL_read(ssl, some, sizeof(some));
        pattern_check(some, size > 0 ? (size_t)size : 0, got);
        got += size > 0 ? (size_t)size : 0;
    }
    SSL_free(ssl);
    ends_close(&ends);
}
int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    add_both(suite, CASE(timeout_of_a_blocking_descriptor_is_again));
    add_both(suite, CASE(receive_waits_for_the_first_bytes_alone));
    add_both(suite, CASE(receive_does_not_wait_behind_a_full_buffer));
    add_both(suite, CASE(signal_wakes_a_blocked_thread));
    suite_add(suite, CASE(key_update_is_followed));
    suite_add(suite, CASE(messages_without_content_have_an_end));
    suite_add(suite, CASE(renegotiations_have_an_end));
    suite_add(suite, CASE(key_update_waits_for_room));
    suite_add(suite, CASE(answer_that_finds_no_room_goes_first));
    suite_add(suite, CASE(answers_go_behind_what_waits));
    suite_add(suite, CASE(refusal_goes_behind_what_waits));
    suite_add(suite, CASE(renegotiation_is_refused));
    suite_add(suite, CASE(slow_peer_gets_small_records_whole));
    suite_add(suite, CASE(peer_gets_records_as_small_as_it_asks_for));
    int failed = suite_run(suite, "tls/link_wait");
    free(suite);
    world_destroy(&world);
    return failed;
}
