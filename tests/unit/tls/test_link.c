#include "lib/tls/link.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/net/disturb.h"
#include "tests/unit/tls/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world world;

/* Cases that hold for both versions. */
struct version {
    const char *name;
    bool older;
};

static struct tls_client *client_for(void **state)
{
    const struct version *version = *state;
    return version->older ? world.older : world.client;
}

static void open_met(struct ends *ends, struct tls_client *client)
{
    ends_open(ends, world.server, client, "server.test", NULL);
    ends_meet(ends);
}

/* Both of a version's cases. */
static void add_both(struct suite *suite, const char *fact, CMUnitTestFunction check)
{
    static struct version versions[80];
    static char names[80][100];
    static size_t count;
    for (int older = 0; older < 2; older++) {
        struct version *version = &versions[count];
        assert_true(count < 80);
        snprintf(names[count], sizeof(names[0]), "%s_tls_1_%c", fact, older ? '2' : '3');
        *version = (struct version){names[count++], older};
        suite_add_rows(suite, check, version, 1, sizeof(*version));
    }
}

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

/* Half a record, then the rest. */
static void record_in_parts_is_waited_for(void **state)
{
    struct ends ends;
    unsigned char record[256];
    char text[64];
    open_met(&ends, client_for(state));
    send_text(&ends.client, "hello");
    ssize_t size = recv(ends.server.fd, record, sizeof(record), 0);
    for (ssize_t i = 0; i < size; i++) {
        assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
        assert_int_equal(send(ends.client.fd, record + i, 1, 0), 1);
    }
    expect_text(&ends.server, "hello");
    ends_close(&ends);
}

/* --- send ------------------------------------------------------------------------------------- */

/* The lengths of the records that wait at a descriptor. */
static int records_at(int fd, size_t *sizes, int most)
{
    static unsigned char bytes[1 << 20];
    ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_PEEK);
    int count = 0;
    for (ssize_t at = 0; at + 5 <= size && count < most; count++) {
        sizes[count] = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        at += 5 + (ssize_t)sizes[count];
    }
    return count;
}

static void forget_tickets(struct ends *ends)
{
    char byte;
    assert_int_equal(stream_receive(&ends->client, &byte, 1), STREAM_WANT_READ);
}

static void pieces_of_a_small_reply_are_one_record(void **state)
{
    static const struct iovec pieces[] = {{(char *)"", 0},
                                          {(char *)"head ", 5},
                                          {(char *)"", 0},
                                          {(char *)"body", 4},
                                          {(char *)"", 0}};
    struct ends ends;
    size_t size;
    open_met(&ends, client_for(state));
    forget_tickets(&ends);
    assert_int_equal(stream_send(&ends.server, pieces, 5, false), 9);
    assert_int_equal(records_at(ends.client.fd, &size, 1), 1);
    assert_in_range(size, 9, 9 + 40);
    expect_text(&ends.client, "head body");
    assert_int_equal(stream_send(&ends.server, pieces, 1, false), 0);
    ends_close(&ends);
}

enum {
    BODY = 120000
};

/* Receives until nothing more comes; what came is the pattern's from *at on. */
static void take_pattern(struct stream *stream, size_t *at)
{
    static unsigned char bytes[BODY];
    for (;;) {
        ssize_t got = stream_receive(stream, bytes, sizeof(bytes));
        if (got == STREAM_WANT_READ) {
            return;
        }
        assert_true(got > 0);
        pattern_check(bytes, (size_t)got, *at);
        *at += (size_t)got;
    }
}

static int pieces_from(struct iovec *pieces, unsigned char *bytes, size_t from)
{
    static const size_t sizes[] = {1, 1000, 0, 369, 5000, 16384, 7, 40000, 16383, 1 << 20};
    int count = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && from < BODY; i++) {
        size_t size = sizes[i] < BODY - from ? sizes[i] : BODY - from;
        pieces[count++] = (struct iovec){bytes + from, size};
        from += size;
    }
    return count;
}

/* More than the socket's buffer holds, in pieces that fall together with no record; or from a file;
 * or by turns, since what could not be sent may be sent in another way later. */
static void slow_reader_gets_every_byte(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec pieces[10];
    struct ends ends;
    int file = pattern_file(BODY);
    pattern_fill(bytes, BODY);
    for (int way = 0; way < 3; way++) {
        size_t sent = 0, got = 0, waited = 0;
        int small = 4096;
        open_met(&ends, client_for(state));
        setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        for (unsigned turn = 0; sent < BODY; turn++) {
            bool by_file = way == 1 || (way == 2 && turn % 3 == 0);
            ssize_t came =
                by_file ? stream_send_file(&ends.server, file, sent, BODY - sent)
                        : stream_send(&ends.server, pieces, pieces_from(pieces, bytes, sent), true);
            if (came == STREAM_WANT_WRITE) {
                waited++;
                take_pattern(&ends.client, &got);
            } else {
                assert_in_range(came, 1, BODY - sent);
                sent += (size_t)came;
            }
        }
        take_pattern(&ends.client, &got);
        assert_int_equal(got, BODY);
        assert_int_equal(stream_end(&ends.server), 0);
        assert_int_equal(stream_receive(&ends.client, bytes, 1), 0);
        assert_true(waited > 5);
        ends_close(&ends);
    }
    close(file);
}

/* Nothing but what began to be sent can follow it. */
static void what_began_has_to_go_on(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, BODY}, one = {bytes, 1};
    struct ends ends;
    ssize_t came;
    int file = pattern_file(1);
    open_met(&ends, client_for(state));
    do {
        came = stream_send(&ends.server, &all, 1, false);
    } while (came > 0);
    assert_int_equal(came, STREAM_WANT_WRITE);
    assert_int_equal(stream_send(&ends.server, &one, 1, false), -EINVAL);
    assert_int_equal(stream_send_file(&ends.server, file, 0, 1), -EINVAL);
    assert_int_equal(stream_end(&ends.server), STREAM_WANT_WRITE);
    assert_int_equal(stream_send(&ends.server, &all, 1, false), STREAM_WANT_WRITE);
    close(file);
    ends_close(&ends);
}

/* The same bytes, by that call or the next one: pieces that are only a part of what began to be
 * sent may come without what followed them, which then comes from a file. */
static void what_began_may_go_on_in_parts(void **state)
{
    static unsigned char bytes[BODY];
    struct ends ends;
    size_t sent = 0, got = 0, parts = 0;
    int file = pattern_file(BODY), small = 4096;
    pattern_fill(bytes, BODY);
    open_met(&ends, client_for(state));
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    while (sent < BODY) {
        size_t left = BODY - sent, some = left < 100 ? left : 100;
        struct iovec whole[] = {{bytes + sent, some}, {bytes + sent + some, left - some}};
        ssize_t came = stream_send(&ends.server, whole, 2, false);
        if (came > 0) {
            sent += (size_t)came;
            continue;
        }
        assert_int_equal(came, STREAM_WANT_WRITE);
        struct iovec again[] = {{bytes + sent, some / 2}, {bytes + sent + some / 2, some / 4}};
        for (int i = 0; left > 100 && i < 2; i++) {
            came = stream_send(&ends.server, &again[i], 1, true);
            assert_int_equal(came, again[i].iov_len);
            sent += (size_t)came;
            parts++;
        }
        take_pattern(&ends.client, &got);
        came = parts % 3 == 0
                   ? stream_send(&ends.server, &(struct iovec){bytes + sent, BODY - sent}, 1, false)
                   : stream_send_file(&ends.server, file, sent, BODY - sent);
        assert_true(came > 0 || came == STREAM_WANT_WRITE);
        sent += came > 0 ? (size_t)came : 0;
    }
    while (got < BODY) {
        take_pattern(&ends.client, &got);
    }
    assert_true(parts > 5);
    assert_int_equal(stream_end(&ends.server), 0);
    close(file);
    ends_close(&ends);
}

/* An end that has to wait follows the record that began before it. */
static void end_waits_for_room(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, BODY};
    struct ends ends;
    size_t got = 0;
    ssize_t came;
    int end;
    pattern_fill(bytes, BODY);
    open_met(&ends, client_for(state));
    do {
        came = stream_send(&ends.server, &all, 1, false);
    } while (came > 0);
    while ((end = stream_end(&ends.server)) != 0) {
        unsigned char some[1000];
        assert_int_equal(end, STREAM_WANT_WRITE);
        came = stream_receive(&ends.client, some, sizeof(some));
        assert_true(came > 0);
        got += (size_t)came;
    }
    while ((came = stream_receive(&ends.client, bytes, BODY)) > 0) {
        got += (size_t)came;
    }
    assert_int_equal(came, 0);
    assert_true(got > 0);
    ends_close(&ends);
}

static void file_is_sent_from_where_it_is_asked(void **state)
{
    struct ends ends;
    int file = pattern_file(4000);
    unsigned char bytes[4000];
    lseek(file, 7, SEEK_SET);
    open_met(&ends, client_for(state));
    assert_false(tls_is_offloaded(&ends.server)); /* a unix socket never is */
    assert_int_equal(stream_send_file(&ends.server, file, 1000, 2500), 2500);
    assert_int_equal(stream_receive(&ends.client, bytes, sizeof(bytes)), 2500);
    pattern_check(bytes, 2500, 1000);
    assert_int_equal(stream_send_file(&ends.server, file, 3990, 500), 10);
    assert_int_equal(stream_receive(&ends.client, bytes, sizeof(bytes)), 10);
    pattern_check(bytes, 10, 3990);
    assert_int_equal(stream_send_file(&ends.server, file, 4000, 500), 0);
    assert_int_equal(stream_send_file(&ends.server, file, 9000, 500), 0);
    assert_int_equal(stream_send_file(&ends.server, file, 0, 0), 0);
    assert_int_equal(stream_send_file(&ends.server, -1, 0, 1), -EBADF);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 7);
    send_text(&ends.server, "and then");
    expect_text(&ends.client, "and then");
    close(file);
    ends_close(&ends);
}

/* A record began with bytes that the file has no more. */
static void file_without_what_began_is_truncated(void **state)
{
    struct ends ends;
    int file = pattern_file(BODY), small = 4096;
    size_t sent = 0;
    ssize_t came;
    open_met(&ends, client_for(state));
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    while ((came = stream_send_file(&ends.server, file, sent, BODY - sent)) > 0) {
        sent += (size_t)came;
    }
    assert_int_equal(came, STREAM_WANT_WRITE);
    assert_in_range(sent, 1, BODY - 2);
    assert_int_equal(ftruncate(file, (off_t)sent + 1), 0);
    assert_int_equal(stream_send_file(&ends.server, file, sent, BODY - sent), 0);
    close(file);
    ends_close(&ends);
}

/* By this process so far; a look costs some itself. */
static unsigned long calls_that_read(void)
{
    char line[64];
    unsigned long calls = 0;
    FILE *counts = fopen("/proc/self/io", "re");
    while (counts != NULL && fgets(line, sizeof(line), counts) != NULL) {
        sscanf(line, "syscr: %lu", &calls);
    }
    if (counts != NULL) {
        fclose(counts);
    }
    return calls;
}

/* Records are small, at first above all; what a call reads is not. */
static void file_is_read_for_many_records_at_once(void **state)
{
    struct ends ends;
    int file = pattern_file(60000);
    size_t got = 0;
    if (calls_that_read() == 0) {
        skip();
    }
    open_met(&ends, client_for(state));
    unsigned long before = calls_that_read(), look = calls_that_read() - before;
    before = calls_that_read();
    assert_int_equal(stream_send_file(&ends.server, file, 0, 60000), 60000);
    assert_int_equal(calls_that_read() - before, look + 1);
    take_pattern(&ends.client, &got);
    assert_int_equal(got, 60000);
    close(file);
    ends_close(&ends);
}

/* For latency first: a record that fits in one segment can be used when that has come. For
 * throughput later; and again after a silence. */
static void records_are_small_at_first_and_after_a_silence(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec all = {bytes, 40000};
    struct ends ends;
    size_t sizes[40];
    open_met(&ends, client_for(state));
    forget_tickets(&ends);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(stream_send(&ends.server, &all, 1, false), 40000);
        int count = records_at(ends.client.fd, sizes, 40), small = 0;
        while (small < count && sizes[small] < 1448) {
            small++;
        }
        assert_in_range(small, 16384 / 1448, 16384 / 1300);
        assert_in_range(count, small + 2, small + 3);
        assert_in_range(sizes[small], 16384, 16384 + 256);
        assert_int_equal(stream_receive(&ends.client, bytes, BODY), 40000);
        assert_int_equal(stream_send(&ends.server, &all, 1, false), 40000);
        assert_int_equal(records_at(ends.client.fd, sizes, 40), 3);
        assert_int_equal(stream_receive(&ends.client, bytes, BODY), 40000);
        nanosleep(&(struct timespec){1, 100000000}, NULL);
    }
    ends_close(&ends);
}

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
    pthread_t self = pthread_self(), other;
    ssize_t came;
    size_t sent = 0, got = 0;
    int small = 4096;
    pattern_fill(bytes, BODY);
    ends_open(&ends, world.server, client_for(state), "server.test", NULL);
    fcntl(ends.server.fd, F_SETFL, 0);
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    assert_int_equal(disturb(&other, &self), 0);
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
    assert_true(got >= sent);
    pthread_join(other, NULL);
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

/* A caller that waits looks at the time as often as something comes, though no record be whole. */
static void piece_of_a_record_ends_a_wait(void **state)
{
    struct ends ends;
    unsigned char record[256];
    char text[64];
    open_met(&ends, client_for(state));
    send_text(&ends.client, "hello");
    ssize_t size = recv(ends.server.fd, record, sizeof(record), 0);
    fcntl(ends.server.fd, F_SETFL, 0); /* and no timeout */
    alarm(60);
    for (ssize_t i = 0; i < size - 1; i++) {
        assert_int_equal(send(ends.client.fd, record + i, 1, 0), 1);
        assert_int_equal(stream_receive(&ends.server, text, sizeof(text)), STREAM_WANT_READ);
    }
    assert_int_equal(send(ends.client.fd, record + size - 1, 1, 0), 1);
    expect_text(&ends.server, "hello");
    alarm(0);
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
    add_both(suite, CASE(pieces_of_a_small_reply_are_one_record));
    add_both(suite, CASE(slow_reader_gets_every_byte));
    add_both(suite, CASE(what_began_has_to_go_on));
    add_both(suite, CASE(what_began_may_go_on_in_parts));
    add_both(suite, CASE(end_waits_for_room));
    add_both(suite, CASE(file_is_sent_from_where_it_is_asked));
    add_both(suite, CASE(file_without_what_began_is_truncated));
    add_both(suite, CASE(file_is_read_for_many_records_at_once));
    add_both(suite, CASE(records_are_small_at_first_and_after_a_silence));
    add_both(suite, CASE(timeout_of_a_blocking_descriptor_is_again));
    add_both(suite, CASE(receive_waits_for_the_first_bytes_alone));
    add_both(suite, CASE(receive_does_not_wait_behind_a_full_buffer));
    add_both(suite, CASE(signal_wakes_a_blocked_thread));
    suite_add(suite, CASE(key_update_is_followed));
    suite_add(suite, CASE(messages_without_content_have_an_end));
    suite_add(suite, CASE(renegotiations_have_an_end));
    add_both(suite, CASE(piece_of_a_record_ends_a_wait));
    suite_add(suite, CASE(key_update_waits_for_room));
    suite_add(suite, CASE(answer_that_finds_no_room_goes_first));
    suite_add(suite, CASE(renegotiation_is_refused));
    suite_add(suite, CASE(slow_peer_gets_small_records_whole));
    suite_add(suite, CASE(peer_gets_records_as_small_as_it_asks_for));
    int failed = suite_run(suite, "tls/link");
    free(suite);
    world_destroy(&world);
    return failed;
}
