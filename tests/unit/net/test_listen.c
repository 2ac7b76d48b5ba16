#include "lib/net/listen.h"

#include "lib/net/connect.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/net/places.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SOCKETS_MAX = 8,
    TIMEOUT_S = 10,
};

#define TIMEOUT_NS (TIMEOUT_S * UINT64_C(1000000000))

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
}

static void port_0_becomes_the_one_found(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < 2; i++) {
        struct address address = parsed(texts[i]);
        int fd;
        assert_int_equal(listen_open(&address, false, 1, &fd), 0);
        assert_int_not_equal(address_port(&address), 0);
        int client = connect_blocking(&address, NULL, TIMEOUT_NS);
        assert_true(client >= 0);
        close(client);
        close(fd);
    }
}

static void sockets_are_as_asked(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0", "unix"};
    for (size_t i = 0; i < 3; i++) {
        for (unsigned nonblocking = 0; nonblocking < 2; nonblocking++) {
            struct address address = i < 2 ? parsed(texts[i]) : unix_address("asked");
            int fds[3];
            assert_int_equal(listen_open(&address, nonblocking, 3, fds), 0);
            for (unsigned j = 0; j < 3; j++) {
                assert_int_equal(option(fds[j], SOL_SOCKET, SO_ACCEPTCONN), 1);
                assert_true(fcntl(fds[j], F_GETFD) & FD_CLOEXEC);
                assert_int_equal((fcntl(fds[j], F_GETFL) & O_NONBLOCK) != 0, nonblocking);
            }
            close_all(fds, 3);
            listen_remove(&address);
        }
    }
}

static void accepted_connections_do_not_delay(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 2; count++) {
        struct address address = parsed("127.0.0.1:0");
        int fds[2];
        assert_int_equal(listen_open(&address, true, count, fds), 0);
        int seen = 0;
        for (int i = 0; i < 32; i++) {
            int client = connect_blocking(&address, NULL, TIMEOUT_NS);
            assert_true(client >= 0);
            for (unsigned j = 0; j < count; j++) {
                int fd = accept(fds[j], NULL, NULL);
                if (fd >= 0) {
                    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
                    close(fd);
                    seen++;
                }
            }
            close(client);
        }
        assert_int_equal(seen, 32);
        close_all(fds, count);
    }
}

/* The chance that one of four sockets gets none of 400 connections is below 10^-49. */
static void connections_are_spread_over_all_sockets(void **state)
{
    (void)state;
    struct address address = parsed("127.0.0.1:0");
    int fds[4];
    int clients[400];
    int seen[4] = {0};
    assert_int_equal(listen_open(&address, true, 4, fds), 0);
    for (int i = 0; i < 400; i++) {
        clients[i] = connect_blocking(&address, NULL, TIMEOUT_NS);
        assert_true(clients[i] >= 0);
    }
    int sum = 0;
    for (int j = 0; j < 4; j++) {
        for (int fd; (fd = accept(fds[j], NULL, NULL)) >= 0; seen[j]++) {
            close(fd);
        }
        assert_true(seen[j] > 0);
        sum += seen[j];
    }
    assert_int_equal(sum, 400);
    close_all((int *)clients, 400);
    close_all(fds, 4);
}

static void second_server_is_refused_whatever_the_counts(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "unix"};
    static const unsigned counts[] = {1, 2, 8};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 9; j++) {
            struct address address = i < 3 ? parsed(texts[i]) : unix_address("second");
            int first[SOCKETS_MAX];
            int second[SOCKETS_MAX];
            assert_int_equal(listen_open(&address, true, counts[j / 3], first), 0);
            struct address same = address;
            assert_int_equal(listen_open(&same, true, counts[j % 3], second), -EADDRINUSE);
            int client = connect_blocking(&address, NULL, TIMEOUT_NS); /* the first one goes on */
            assert_true(client >= 0);
            close(client);
            close_all(first, counts[j / 3]);
            listen_remove(&address);
        }
    }
}

/* One of its addresses is enough: a server on every address is in the way of one on loopback. */
static void every_address_includes_loopback(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 2; count++) {
        struct address every = parsed("0.0.0.0:0");
        struct address one = parsed("127.0.0.1:0");
        int first[2];
        int second[2];
        assert_int_equal(listen_open(&every, true, count, first), 0);
        address_set_port(&one, address_port(&every));
        assert_int_equal(listen_open(&one, true, count, second), -EADDRINUSE);
        close_all(first, count);
    }
}

static void ipv4_and_ipv6_share_a_port(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 2; count++) {
        struct address v6 = parsed("[::]:0");
        struct address v4 = parsed("0.0.0.0:0");
        int first[2];
        int second[2];
        assert_int_equal(listen_open(&v6, true, count, first), 0);
        address_set_port(&v4, address_port(&v6));
        assert_int_equal(listen_open(&v4, true, count, second), 0);
        close_all(first, count);
        close_all(second, count);
    }
}

struct contender {
    pthread_barrier_t *start;
    struct address address;
    unsigned count;
    int result;
    int fds[SOCKETS_MAX];
};

static void *contend(void *argument)
{
    struct contender *contender = argument;
    pthread_barrier_wait(contender->start);
    contender->result = listen_open(&contender->address, true, contender->count, contender->fds);
    return NULL;
}

/* Two servers that start at the same moment: both may be refused, both may not run. */
static void simultaneous_servers_never_share(void **state)
{
    (void)state;
    struct address free_port = parsed("127.0.0.1:0");
    int fd;
    assert_int_equal(listen_open(&free_port, true, 1, &fd), 0);
    close(fd);
    for (int round = 0; round < 300; round++) {
        struct address address = round % 2 == 0 ? free_port : unix_address("moment");
        pthread_barrier_t start;
        pthread_t threads[2];
        struct contender both[2];
        pthread_barrier_init(&start, NULL, 2);
        for (unsigned i = 0; i < 2; i++) {
            both[i] = (struct contender){&start, address, 1 + (unsigned)round / 2 % 3, 0, {0}};
            assert_int_equal(pthread_create(&threads[i], NULL, contend, &both[i]), 0);
        }
        for (unsigned i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        pthread_barrier_destroy(&start);
        assert_false(both[0].result == 0 && both[1].result == 0);
        assert_true(round % 2 == 0 || both[0].result == 0 || both[1].result == 0);
        for (unsigned i = 0; i < 2; i++) {
            assert_true(both[i].result == 0 || both[i].result == -EADDRINUSE);
            close_all(both[i].fds, both[i].result == 0 ? both[i].count : 0);
        }
        /* the file that the winner left is the stale one of the next round */
    }
    struct address left = unix_address("moment");
    listen_remove(&left);
}

/* A connection that the server closed first keeps its port in TIME_WAIT for a minute. */
static void restart_does_not_wait_for_old_connections(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 2; count++) {
        struct address address = parsed("127.0.0.1:0");
        int fds[2];
        int fd = -1;
        assert_int_equal(listen_open(&address, true, count, fds), 0);
        int client = connect_blocking(&address, NULL, TIMEOUT_NS);
        for (unsigned i = 0; fd < 0; i = (i + 1) % count) {
            fd = accept(fds[i], NULL, NULL);
        }
        close(fd);
        char end;
        assert_int_equal(read(client, &end, 1), 0);
        close(client);
        close_all(fds, count);
        assert_int_equal(listen_open(&address, true, count, fds), 0);
        close_all(fds, count);
    }
}

static void privileged_or_foreign_address_is_an_error(void **state)
{
    (void)state;
    struct address address = parsed("192.0.2.1:0"); /* RFC 5737: nobody's */
    int fd;
    assert_int_equal(listen_open(&address, true, 1, &fd), -EADDRNOTAVAIL);
    assert_int_equal(address_port(&address), 0);
    struct address nowhere = unix_address("no/such/folder");
    assert_int_equal(listen_open(&nowhere, true, 1, &fd), -ENOENT);
}

static void stale_socket_is_replaced(void **state)
{
    (void)state;
    struct address address = unix_address("stale");
    int fd;
    assert_int_equal(listen_open(&address, false, 1, &fd), 0);
    close(fd);
    assert_int_equal(access(address.at.local.sun_path, F_OK), 0);
    assert_int_equal(listen_open(&address, false, 1, &fd), 0);
    int client = connect_blocking(&address, NULL, TIMEOUT_NS);
    assert_true(client >= 0);
    close(client);
    close(fd);
    listen_remove(&address);
    assert_int_equal(access(address.at.local.sun_path, F_OK), -1);
}

static void busy_server_is_not_stale(void **state)
{
    (void)state;
    struct address address = unix_address("busy");
    int full = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(full, &address.at.any, address.size), 0);
    assert_int_equal(listen(full, 0), 0);
    int client = connect_begin(&address, NULL); /* fills the backlog */
    assert_true(client >= 0);
    assert_int_equal(connect_begin(&address, NULL), -EAGAIN);
    int fd;
    assert_int_equal(listen_open(&address, false, 1, &fd), -EADDRINUSE);
    close(client);
    close(full);
    listen_remove(&address);
}

static void other_files_are_never_removed(void **state)
{
    (void)state;
    struct address address = unix_address("file");
    const char *path = address.at.local.sun_path;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(listen_open(&address, false, 1, &fd), -ENOTSOCK);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);

    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(listen_open(&address, false, 1, &fd), -ENOTSOCK);
    unlink(path);
}

static void umask_decides_who_may_connect(void **state)
{
    (void)state;
    struct address address = unix_address("mask");
    mode_t before = umask(0077);
    int fd;
    assert_int_equal(listen_open(&address, false, 1, &fd), 0);
    umask(before);
    struct stat status;
    assert_int_equal(stat(address.at.local.sun_path, &status), 0);
    assert_int_equal(status.st_mode & 0077, 0);
    close(fd);
    listen_remove(&address);
}

static void socket_in_the_current_folder_needs_no_slash(void **state)
{
    (void)state;
    int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(folder), 0);
    struct address address = parsed("unix:bare");
    int fd;
    assert_int_equal(listen_open(&address, false, 1, &fd), 0);
    assert_int_equal(access("bare", F_OK), 0);
    close(fd);
    listen_remove(&address);
    assert_int_equal(fchdir(before), 0);
    close(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_free_test(port_0_becomes_the_one_found),
        leak_free_test(sockets_are_as_asked),
        leak_free_test(accepted_connections_do_not_delay),
        leak_free_test(connections_are_spread_over_all_sockets),
        leak_free_test(second_server_is_refused_whatever_the_counts),
        leak_free_test(every_address_includes_loopback),
        leak_free_test(ipv4_and_ipv6_share_a_port),
        leak_free_test(simultaneous_servers_never_share),
        leak_free_test(restart_does_not_wait_for_old_connections),
        leak_free_test(privileged_or_foreign_address_is_an_error),
        leak_free_test(stale_socket_is_replaced),
        leak_free_test(busy_server_is_not_stale),
        leak_free_test(other_files_are_never_removed),
        leak_free_test(umask_decides_who_may_connect),
        leak_free_test(socket_in_the_current_folder_needs_no_slash),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
