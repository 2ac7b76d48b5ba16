#include "lib/net/stream.h"

#include "lib/base/clock.h"
#include "lib/net/connect.h"
#include "lib/net/listen.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/net/disturb.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_NS (10 * NS_PER_S)

/* Two connected ends, over TCP or a unix socket; `near` is the one under test. */
struct pair {
    struct stream near;
    int far;
};

static void pair_open(struct pair *pair, bool tcp, bool nonblocking)
{
    int near;
    if (tcp) {
        struct address address;
        int listener;
        assert_null(address_read("127.0.0.1:0", &address));
        assert_int_equal(listen_open(&address, false, 1, &listener), 0);
        near = connect_blocking(&address, NULL, TIMEOUT_NS);
        pair->far = accept(listener, NULL, NULL);
        close(listener);
    } else {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        near = ends[0];
        pair->far = ends[1];
    }
    assert_true(near >= 0 && pair->far >= 0);
    if (nonblocking) {
        fcntl(near, F_SETFL, O_NONBLOCK);
    }
    stream_init(&pair->near, near, tcp);
}

static void pair_close(struct pair *pair)
{
    close(pair->near.fd);
    close(pair->far);
}

static void read_exactly(int fd, char *to, size_t size)
{
    assert_int_equal(recv(fd, to, size, MSG_WAITALL), size);
}

/* A file of the bytes 0, 1, .. 250, 0, 1, .. (251 is prime: a slip shows). */
static int patterned_file(size_t size)
{
    int file = memfd_create("pattern", MFD_CLOEXEC);
    for (size_t at = 0; at < size; at++) {
        unsigned char byte = (unsigned char)(at % 251);
        assert_int_equal(write(file, &byte, 1), 1);
    }
    return file;
}

static void received_bytes_are_those_sent(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        struct pair pair;
        char text[16];
        pair_open(&pair, tcp, true);
        assert_int_equal(stream_receive(&pair.near, text, sizeof text), STREAM_WANT_READ);
        assert_int_equal(write(pair.far, "hello", 5), 5);
        assert_int_equal(stream_receive(&pair.near, text, sizeof text), 5);
        assert_memory_equal(text, "hello", 5);
        shutdown(pair.far, SHUT_WR);
        assert_int_equal(stream_receive(&pair.near, text, sizeof text), 0);
        pair_close(&pair);
    }
}

static void timeout_of_a_blocking_descriptor_is_again(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        struct pair pair;
        char byte;
        struct timeval bound = {0, 20000};
        pair_open(&pair, tcp, false);
        setsockopt(pair.near.fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
        uint64_t begun = clock_monotonic_ns();
        assert_int_equal(stream_receive(&pair.near, &byte, 1), STREAM_WANT_READ);
        assert_int_equal(stream_discard(&pair.near, 1, &byte, 1), STREAM_WANT_READ);
        assert_true(clock_monotonic_ns() - begun >= 40 * NS_PER_MS);
        pair_close(&pair);
    }
}

static void reset_is_an_error(void **state)
{
    (void)state;
    struct pair pair;
    char byte;
    struct linger at_once = {1, 0};
    pair_open(&pair, true, false);
    setsockopt(pair.far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(pair.far);
    assert_int_equal(stream_receive(&pair.near, &byte, 1), -ECONNRESET);
    close(pair.near.fd);
}

static void discarded_bytes_are_gone_and_no_more(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        struct pair pair;
        char scratch[4] = "keep";
        char text[4];
        pair_open(&pair, tcp, true);
        assert_int_equal(stream_discard(&pair.near, 100, scratch, 4), STREAM_WANT_READ);
        assert_int_equal(write(pair.far, "0123456789tail", 14), 14);
        size_t left = 10;
        while (left > 0) {
            ssize_t count = stream_discard(&pair.near, left, scratch, sizeof scratch);
            assert_in_range(count, 1, left);
            left -= (size_t)count;
        }
        if (tcp) {
            assert_memory_equal(scratch, "keep", 4);
        }
        assert_int_equal(stream_receive(&pair.near, text, 4), 4);
        assert_memory_equal(text, "tail", 4);
        shutdown(pair.far, SHUT_WR);
        assert_int_equal(stream_discard(&pair.near, 1, scratch, 1), 0);
        pair_close(&pair);
    }
}

/* The whole of a large body in few calls, though the scratch is tiny. */
static void tcp_discards_much_at_once(void **state)
{
    (void)state;
    enum {
        SIZE = 65536
    };
    static char bytes[SIZE];
    struct pair pair;
    char scratch[1];
    pair_open(&pair, true, false);
    assert_int_equal(write(pair.far, bytes, SIZE), SIZE);
    int calls = 0;
    for (size_t left = SIZE; left > 0; calls++) {
        ssize_t count = stream_discard(&pair.near, left, scratch, sizeof scratch);
        assert_true(count > 0);
        left -= (size_t)count;
    }
    assert_true(calls < SIZE / 1000);
    pair_close(&pair);
}

static void pieces_arrive_in_order(void **state)
{
    (void)state;
    static char head[] = "head ";
    static char body[] = "body";
    static const struct iovec pieces[] = {{head, 5}, {body, 4}, {body, 0}, {head, 4}};
    static const struct {
        int count;
        const char *text;
    } rows[] = {{1, "head "}, {2, "head body"}, {3, "head body"}, {4, "head bodyhead"}};
    for (int tcp = 0; tcp < 2; tcp++) {
        struct pair pair;
        pair_open(&pair, tcp, true);
        for (size_t i = 0; i < 4; i++) {
            char text[16];
            size_t size = strlen(rows[i].text);
            assert_int_equal(stream_send(&pair.near, pieces, rows[i].count, false), size);
            read_exactly(pair.far, text, size);
            assert_memory_equal(text, rows[i].text, size);
        }
        pair_close(&pair);
    }
}

static void more_holds_back_until_the_rest_comes(void **state)
{
    (void)state;
    struct pair pair;
    char text[6];
    struct iovec first = {(char *)"abc", 3};
    struct iovec rest = {(char *)"def", 3};
    pair_open(&pair, true, false);
    assert_int_equal(stream_send(&pair.near, &first, 1, true), 3);
    assert_int_equal(recv(pair.far, text, 6, MSG_DONTWAIT), -1);
    assert_int_equal(stream_send(&pair.near, &rest, 1, false), 3);
    read_exactly(pair.far, text, 6);
    assert_memory_equal(text, "abcdef", 6);
    pair_close(&pair);
}

static void full_buffer_is_again(void **state)
{
    (void)state;
    static char bytes[65536];
    for (int tcp = 0; tcp < 2; tcp++) {
        for (int count = 1; count <= 2; count++) {
            struct iovec pieces[2] = {{bytes, sizeof bytes}, {bytes, sizeof bytes}};
            struct pair pair;
            ssize_t sent;
            pair_open(&pair, tcp, true);
            do {
                sent = stream_send(&pair.near, pieces, count, false);
            } while (sent > 0);
            assert_int_equal(sent, STREAM_WANT_WRITE);
            int file = patterned_file(1);
            assert_int_equal(stream_send_file(&pair.near, file, 0, 1), STREAM_WANT_WRITE);
            close(file);
            pair_close(&pair);
        }
    }
}

static void departed_peer_is_an_error_without_a_signal(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL); /* it would end this program */
    for (int count = 1; count <= 2; count++) {
        struct iovec pieces[2] = {{(char *)"x", 1}, {(char *)"y", 1}};
        struct pair pair;
        pair_open(&pair, false, true);
        close(pair.far);
        assert_int_equal(stream_send(&pair.near, pieces, count, false), -EPIPE);
        close(pair.near.fd);
    }
}

static void file_is_sent_from_where_it_is_asked(void **state)
{
    (void)state;
    int file = patterned_file(4000);
    lseek(file, 7, SEEK_SET);
    for (int tcp = 0; tcp < 2; tcp++) {
        struct pair pair;
        unsigned char bytes[4000];
        pair_open(&pair, tcp, false);
        assert_int_equal(stream_send_file(&pair.near, file, 1000, 500), 500);
        read_exactly(pair.far, (char *)bytes, 500);
        for (size_t i = 0; i < 500; i++) {
            assert_int_equal(bytes[i], (1000 + i) % 251);
        }
        assert_int_equal(stream_send_file(&pair.near, file, 3990, 500), 10);
        assert_int_equal(stream_send_file(&pair.near, file, 4000, 500), 0);
        assert_int_equal(stream_send_file(&pair.near, file, 9000, 500), 0);
        pair_close(&pair);
    }
    assert_int_equal(lseek(file, 0, SEEK_CUR), 7);
    close(file);
}

static void signal_wakes_a_blocked_thread(void **state)
{
    (void)state;
    struct disturber disturber;
    struct pair pair;
    char byte;
    pair_open(&pair, true, false);
    assert_int_equal(disturb(&disturber), 0);
    assert_int_equal(stream_receive(&pair.near, &byte, 1), -EINTR);
    assert_int_equal(stream_discard(&pair.near, 1, &byte, 1), -EINTR);
    disturb_end(&disturber);
    pair_close(&pair);
}

/* --- carriers --------------------------------------------------------------------------------- */

/* Tells its calls apart by what they return, and how often it was finished. */
static int finished;

static ssize_t carried_receive(struct stream *stream, void *to, size_t size)
{
    (void)stream;
    (void)to;
    return 1000 + (ssize_t)size;
}

static ssize_t carried_discard(struct stream *stream, size_t size, void *scratch,
                               size_t scratch_size)
{
    (void)stream;
    (void)scratch;
    return 2000 + (ssize_t)(size + scratch_size);
}

static ssize_t carried_send(struct stream *stream, const struct iovec *pieces, int count, bool more)
{
    (void)stream;
    return 3000 + (ssize_t)pieces[0].iov_len + count + more;
}

static ssize_t carried_send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
    (void)stream;
    return 4000 + file + (ssize_t)(offset + size);
}

static int carried_end(struct stream *stream)
{
    (void)stream;
    return STREAM_WANT_READ;
}

static bool carried_holds(const struct stream *stream)
{
    (void)stream;
    return true;
}

static void carried_finish(struct stream_carrier *carrier)
{
    (void)carrier;
    finished++;
}

static void carrier_is_asked_in_the_place_of_the_system(void **state)
{
    static const struct stream_calls calls = {carried_receive,   carried_discard, carried_send,
                                              carried_send_file, carried_end,     carried_holds,
                                              carried_finish};
    struct stream_carrier carrier = {&calls};
    struct iovec piece = {NULL, 70};
    struct stream stream;
    (void)state;
    stream_init(&stream, -1, true);
    assert_null(stream.carrier);
    assert_int_equal(stream_end(&stream), 0);
    assert_false(stream_holds(&stream));
    stream_finish(&stream);
    stream.carrier = &carrier;
    assert_int_equal(stream_receive(&stream, NULL, 7), 1007);
    assert_int_equal(stream_discard(&stream, 7, NULL, 50), 2057);
    assert_int_equal(stream_send(&stream, &piece, 1, true), 3072);
    assert_int_equal(stream_send_file(&stream, 5, 20, 300), 4325);
    assert_int_equal(stream_end(&stream), STREAM_WANT_READ);
    assert_true(stream_holds(&stream));
    stream_finish(&stream);
    stream_finish(&stream);
    assert_int_equal(finished, 1);
    assert_int_equal(stream_receive(&stream, NULL, 7), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_free_test(received_bytes_are_those_sent),
        leak_free_test(timeout_of_a_blocking_descriptor_is_again),
        leak_free_test(reset_is_an_error),
        leak_free_test(discarded_bytes_are_gone_and_no_more),
        leak_free_test(tcp_discards_much_at_once),
        leak_free_test(pieces_arrive_in_order),
        leak_free_test(more_holds_back_until_the_rest_comes),
        leak_free_test(full_buffer_is_again),
        leak_free_test(departed_peer_is_an_error_without_a_signal),
        leak_free_test(file_is_sent_from_where_it_is_asked),
        leak_free_test(signal_wakes_a_blocked_thread),
        leak_free_test(carrier_is_asked_in_the_place_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
