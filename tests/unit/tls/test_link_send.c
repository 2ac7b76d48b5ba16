/* What a link sends: records, from pieces and from files, with as much room as there is. */
#include "lib/tls/link.h"

#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/versions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- send ------------------------------------------------------------------------------------- */

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

/* What has begun leaves as it was read, though the file has it no more; what follows is missed. */
static void file_is_truncated_behind_what_began(void **state)
{
    struct ends ends;
    int file = pattern_file(BODY), small = 4096;
    size_t sent = 0, got = 0;
    ssize_t came;
    open_met(&ends, client_for(state));
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    while ((came = stream_send_file(&ends.server, file, sent, BODY - sent)) > 0) {
        sent += (size_t)came;
    }
    assert_int_equal(came, STREAM_WANT_WRITE);
    assert_in_range(sent, 1, BODY / 2);
    assert_int_equal(ftruncate(file, (off_t)sent), 0);
    while ((came = stream_send_file(&ends.server, file, sent, BODY - sent)) != 0) {
        assert_true(came > 0 || came == STREAM_WANT_WRITE);
        sent += came > 0 ? (size_t)came : 0;
        take_pattern(&ends.client, &got);
    }
    take_pattern(&ends.client, &got);
    assert_int_equal(got, sent);
    assert_int_equal(stream_end(&ends.server), 0);
    close(file);
    ends_close(&ends);
}

/* From here on each call that sends makes one packet, which the returned descriptor gets. */
static int packets_of(struct stream *stream)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    assert_true(dup2(pair[0], stream->fd) >= 0);
    close(pair[0]);
    return pair[1];
}

/* How many records the next packet consists of; 0: there is none. */
static int records_of_packet(int fd)
{
    static unsigned char bytes[1 << 20];
    ssize_t size = recv(fd, bytes, sizeof(bytes), 0);
    int count = 0;
    for (ssize_t at = 0; at < size; count++) {
        assert_true(at + 5 <= size);
        at += 5 + bytes[at + 3] * 256 + bytes[at + 4];
        assert_true(at <= size); /* it ends with one, too */
    }
    return count;
}

static void records_leave_in_batches(void **state)
{
    static unsigned char bytes[BODY];
    struct iovec pieces[] = {{bytes, 10000}, {bytes + 10000, 90000}};
    int file = pattern_file(100000);
    for (int way = 0; way < 2; way++) {
        struct ends ends;
        open_met(&ends, client_for(state));
        assert_int_equal(stream_send(&ends.server, pieces, 1, false), 10000);
        assert_int_equal(stream_send(&ends.server, pieces, 1, false), 10000);
        int packets = packets_of(&ends.server); /* once records are large */
        ssize_t came = way == 0 ? stream_send(&ends.server, pieces, 2, false)
                                : stream_send_file(&ends.server, file, 0, 100000);
        assert_int_equal(came, 100000);
        assert_int_equal(records_of_packet(packets), 4);
        assert_int_equal(records_of_packet(packets), 3); /* two of them whole */
        assert_int_equal(stream_send(&ends.server, pieces, 1, false), 10000);
        assert_int_equal(records_of_packet(packets), 1);
        assert_int_equal(records_of_packet(packets), 0);
        ends_close(&ends);
        close(packets);
    }
    close(file);
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
int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    add_both(suite, CASE(pieces_of_a_small_reply_are_one_record));
    add_both(suite, CASE(slow_reader_gets_every_byte));
    add_both(suite, CASE(what_began_has_to_go_on));
    add_both(suite, CASE(what_began_may_go_on_in_parts));
    add_both(suite, CASE(end_waits_for_room));
    add_both(suite, CASE(file_is_sent_from_where_it_is_asked));
    add_both(suite, CASE(file_is_truncated_behind_what_began));
    add_both(suite, CASE(records_leave_in_batches));
    add_both(suite, CASE(file_is_read_for_many_records_at_once));
    add_both(suite, CASE(records_are_small_at_first_and_after_a_silence));
    int failed = suite_run(suite, "tls/link_send");
    free(suite);
    world_destroy(&world);
    return failed;
}
