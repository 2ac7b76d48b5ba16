/* A link from its handshake to its end, and what is received by it. */
#include "lib/tls/link.h"

#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/versions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- handshake -------------------------------------------------------------------------------- */

static void both_ends_agree(void **state)
{
    const struct version *version = *state;
    const char *protocol = version->older ? "TLSv1.2" : "TLSv1.3";
    struct ends ends;
    open_met(&ends, client_for(state));
    assert_string_equal(tls_protocol(&ends.client), protocol);
    assert_string_equal(tls_protocol(&ends.server), protocol);
    assert_string_equal(tls_cipher(&ends.client), tls_cipher(&ends.server));
    assert_false(tls_resumed(&ends.client));
    assert_false(tls_resumed(&ends.server));
    send_text(&ends.client, "question");
    expect_text(&ends.server, "question");
    send_text(&ends.server, "answer");
    expect_text(&ends.client, "answer");
    ends_close(&ends);
}

static void plain_http_is_told_apart(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
                                        "CONNECT a:1 HTTP/1.1\r\n\r\n", "DELETE / HTTP/1.1\r\n\r\n",
                                        "HEAD / HTTP/1.0\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ends ends;
        ends_open(&ends, world.server, NULL, NULL, NULL);
        send_text(&ends.client, texts[i]);
        assert_int_equal(tls_handshake(&ends.server), TLS_PLAIN_HTTP);
        assert_int_equal(tls_handshake(&ends.server), TLS_PLAIN_HTTP);
        assert_string_equal(tls_reason(&ends.server), "spoke plain HTTP");
        stream_finish(&ends.server);
        send_text(&ends.server, "HTTP/1.1 400 Bad Request\r\n\r\n");
        expect_text(&ends.client, "HTTP/1.1 400 Bad Request\r\n\r\n"); /* and no alert before it */
        ends_close(&ends);
    }
}

static void what_is_neither_is_broken(void **state)
{
    struct ends ends;
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    send_text(&ends.client, "\x01\x02\x03\x04 what is this?");
    assert_int_equal(tls_handshake(&ends.server), STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.server), "does not speak TLS");
    ends_close(&ends);
}

static void plain_server_does_not_speak_tls(void **state)
{
    static const char *const texts[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
                                        "220 mail.test ESMTP\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ends ends;
        ends_open(&ends, NULL, world.client, "server.test", NULL);
        send_text(&ends.server, texts[i]);
        assert_int_equal(tls_handshake(&ends.client), STREAM_BROKEN);
        assert_string_equal(tls_reason(&ends.client), "does not speak TLS");
        ends_close(&ends);
    }
}

static void silent_peer_is_waited_for(void **state)
{
    struct ends ends;
    (void)state;
    ends_open(&ends, world.server, NULL, NULL, NULL);
    assert_int_equal(tls_handshake(&ends.server), STREAM_WANT_READ);
    assert_int_equal(tls_handshake(&ends.server), STREAM_WANT_READ);
    ends_close(&ends);
    ends_open(&ends, NULL, world.client, "server.test", NULL);
    assert_int_equal(tls_handshake(&ends.client), STREAM_WANT_READ);
    ends_close(&ends);
}

/* A stream that never spoke can be given up, and so can one that carries nothing. */
static void unused_links_are_freed(void **state)
{
    struct ends ends;
    (void)state;
    ends_open(&ends, world.server, world.client, "server.test", NULL);
    assert_int_equal(stream_end(&ends.client), 0);
    stream_finish(&ends.client);
    stream_finish(&ends.client);
    assert_string_equal(tls_reason(&ends.client), "");
    assert_string_equal(tls_protocol(&ends.client), "");
    assert_string_equal(tls_cipher(&ends.client), "");
    assert_false(tls_resumed(&ends.client));
    ends_close(&ends);
}

/* --- end -------------------------------------------------------------------------------------- */

static void end_is_told_from_truncation(void **state)
{
    for (int proper = 0; proper < 2; proper++) {
        for (int has_bytes = 0; has_bytes < 2; has_bytes++) {
            struct ends ends;
            char text[64];
            int told = proper ? 0 : STREAM_TRUNCATED;
            open_met(&ends, client_for(state));
            if (has_bytes) {
                send_text(&ends.server, "last words");
            }
            if (proper) {
                assert_int_equal(stream_end(&ends.server), 0);
                assert_int_equal(stream_end(&ends.server), 0);
            }
            shutdown(ends.server.fd, SHUT_WR);
            if (has_bytes) {
                expect_text(&ends.client, "last words");
            }
            for (int i = 0; i < 3; i++) {
                assert_int_equal(stream_receive(&ends.client, text, sizeof(text)), told);
                assert_int_equal(stream_discard(&ends.client, 100, text, sizeof(text)), told);
            }
            assert_string_equal(tls_reason(&ends.client),
                                proper ? "" : "closed without an end of TLS");
            ends_close(&ends);
        }
    }
}

/* No event of the descriptor tells of it any more. */
static void end_behind_bytes_is_held(void **state)
{
    struct ends ends;
    char text[64];
    open_met(&ends, client_for(state));
    assert_int_equal(stream_receive(&ends.client, text, sizeof(text)), STREAM_WANT_READ);
    assert_false(stream_holds(&ends.client));
    send_text(&ends.server, "last words");
    assert_int_equal(stream_end(&ends.server), 0);
    expect_text(&ends.client, "last words");
    assert_true(stream_holds(&ends.client));
    assert_int_equal(stream_receive(&ends.client, text, sizeof(text)), 0);
    assert_true(stream_holds(&ends.client));
    ends_close(&ends);
}

/* RFC 8446 6.1: an end is that of one direction. In TLS 1.2 it is answered at once (RFC
 * 5246 7.2.1), which OpenSSL leaves to its user: here too the answer comes first. */
static void who_has_ended_still_receives(void **state)
{
    struct ends ends;
    char text[64];
    open_met(&ends, client_for(state));
    send_text(&ends.client, "question");
    assert_int_equal(stream_end(&ends.client), 0);
    expect_text(&ends.server, "question");
    assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), 0);
    send_text(&ends.server, "answer");
    assert_int_equal(stream_end(&ends.server), 0);
    expect_text(&ends.client, "answer");
    assert_int_equal(stream_receive(&ends.client, text, sizeof(text)), 0);
    ends_close(&ends);
}

static void truncation_of_one_side_leaves_the_other(void **state)
{
    struct ends ends;
    char text[64];
    open_met(&ends, client_for(state));
    shutdown(ends.client.fd, SHUT_WR);
    assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_TRUNCATED);
    send_text(&ends.server, "answer");
    expect_text(&ends.client, "answer");
    ends_close(&ends);
}

static void changed_bytes_are_broken(void **state)
{
    struct ends ends;
    unsigned char record[256];
    char text[64];
    open_met(&ends, client_for(state));
    assert_int_equal(stream_receive(&ends.client, text, sizeof(text)), STREAM_WANT_READ);
    send_text(&ends.server, "first");
    send_text(&ends.server, "second");
    ssize_t size = recv(ends.client.fd, record, sizeof(record), 0);
    assert_true(size > 40);
    record[size - 1] ^= 1;
    assert_int_equal(send(ends.server.fd, record, (size_t)size, 0), size);
    expect_text(&ends.client, "first");
    assert_true(stream_holds(&ends.client));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream_receive(&ends.client, text, sizeof(text)), STREAM_BROKEN);
    }
    assert_string_equal(tls_reason(&ends.client), "sent a record that was changed on its way");
    struct iovec piece = {text, 1};
    assert_int_equal(stream_send(&ends.client, &piece, 1, false), STREAM_BROKEN);
    assert_int_equal(stream_end(&ends.client), STREAM_BROKEN);
    assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.server), "refused: bad record mac");
    ends_close(&ends);
}

static void departed_peer_is_an_error_without_a_signal(void **state)
{
    struct ends ends;
    struct iovec piece = {(char *)"x", 1};
    signal(SIGPIPE, SIG_DFL); /* it would end this program */
    open_met(&ends, client_for(state));
    stream_finish(&ends.client);
    close(ends.client.fd);
    assert_int_equal(stream_send(&ends.server, &piece, 1, false), -EPIPE);
    assert_int_equal(stream_send(&ends.server, &piece, 1, false), -EPIPE);
    assert_int_equal(stream_end(&ends.server), -EPIPE);
    stream_finish(&ends.server);
    close(ends.server.fd);
}

/* --- receive ---------------------------------------------------------------------------------- */

/* An event tells of all that has come once, be it in one record or in many. */
static void receive_takes_all_records(void **state)
{
    struct ends ends;
    char text[64];
    open_met(&ends, client_for(state));
    for (int i = 0; i < 3; i++) {
        send_text(&ends.client, "abc");
    }
    expect_text(&ends.server, "abcabcabc");
    assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
    ends_close(&ends);
}

static void full_space_may_leave_bytes_that_are_held(void **state)
{
    struct ends ends;
    char text[64];
    open_met(&ends, client_for(state));
    send_text(&ends.client, "abcdef");
    send_text(&ends.client, "ghi");
    assert_int_equal(stream_receive(&ends.server, text, 4), 4);
    assert_true(stream_holds(&ends.server));
    assert_int_equal(stream_receive(&ends.server, text, 2), 2);
    assert_true(stream_holds(&ends.server));
    expect_text(&ends.server, "ghi");
    assert_false(stream_holds(&ends.server));
    ends_close(&ends);
}

static void discarded_bytes_are_gone_and_no_more(void **state)
{
    struct ends ends;
    char scratch[4];
    open_met(&ends, client_for(state));
    assert_int_equal(stream_discard(&ends.server, 100, scratch, 4), STREAM_WANT_READ);
    send_text(&ends.client, "01234");
    send_text(&ends.client, "56789tail");
    assert_int_equal(stream_discard(&ends.server, 10, scratch, 4), 10);
    expect_text(&ends.server, "tail");
    send_text(&ends.client, "01234");
    assert_int_equal(stream_discard(&ends.server, 100, scratch, 4), 5);
    ends_close(&ends);
}

/* Each part of a record ends the call, of a blocking descriptor, too: its caller looks at the time
 * as often as something comes. */
static void record_in_parts_is_waited_for(void **state)
{
    for (int blocks = 0; blocks < 2; blocks++) {
        struct ends ends;
        unsigned char record[256];
        char text[64];
        open_met(&ends, client_for(state));
        send_text(&ends.client, "hello");
        ssize_t size = recv(ends.server.fd, record, sizeof(record), 0);
        assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
        if (blocks) {
            fcntl(ends.server.fd, F_SETFL, 0);
        }
        alarm(60); /* instead of for ever */
        for (ssize_t i = 0; i < size - 1; i++) {
            assert_int_equal(send(ends.client.fd, record + i, 1, 0), 1);
            assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
        }
        assert_int_equal(send(ends.client.fd, record + size - 1, 1, 0), 1);
        expect_text(&ends.server, "hello");
        alarm(0);
        ends_close(&ends);
    }
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    add_both(suite, CASE(both_ends_agree));
    suite_add(suite, CASE(plain_http_is_told_apart));
    suite_add(suite, CASE(what_is_neither_is_broken));
    suite_add(suite, CASE(plain_server_does_not_speak_tls));
    suite_add(suite, CASE(silent_peer_is_waited_for));
    suite_add(suite, CASE(unused_links_are_freed));
    add_both(suite, CASE(end_is_told_from_truncation));
    add_both(suite, CASE(end_behind_bytes_is_held));
    add_both(suite, CASE(who_has_ended_still_receives));
    add_both(suite, CASE(truncation_of_one_side_leaves_the_other));
    add_both(suite, CASE(changed_bytes_are_broken));
    add_both(suite, CASE(departed_peer_is_an_error_without_a_signal));
    add_both(suite, CASE(receive_takes_all_records));
    add_both(suite, CASE(full_space_may_leave_bytes_that_are_held));
    add_both(suite, CASE(discarded_bytes_are_gone_and_no_more));
    add_both(suite, CASE(record_in_parts_is_waited_for));
    int failed = suite_run(suite, "tls/link");
    free(suite);
    world_destroy(&world);
    return failed;
}
