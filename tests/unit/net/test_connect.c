#include "lib/net/connect.h"

#include "lib/base/clock.h"
#include "lib/net/listen.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/net/places.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#define PLENTY_NS (10 * NS_PER_S)
#define LITTLE_NS (100 * NS_PER_MS)

/* A port on which nobody listens, and nobody else can while `*fd` is open. */
static struct address deserted(int *fd)
{
    struct address address = parsed("127.0.0.1:0");
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, &address.at.any, address.size), 0);
    assert_int_equal(getsockname(*fd, &address.at.any, &address.size), 0);
    return address;
}

static void await_writable(int fd)
{
    struct pollfd event = {fd, POLLOUT, 0};
    assert_int_equal(poll(&event, 1, (int)(PLENTY_NS / NS_PER_MS)), 1);
}

static void blocking_connection_is_ready_for_use(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0", "unix"};
    static const uint64_t timeouts[] = {PLENTY_NS, CLOCK_NEVER};
    for (size_t i = 0; i < 6; i++) {
        struct address address = i % 3 < 2 ? parsed(texts[i % 3]) : unix_address("ready");
        int listener;
        assert_int_equal(listen_open(&address, false, 1, &listener), 0);
        int fd = connect_blocking(&address, NULL, timeouts[i / 3]);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
        if (!address_is_unix(&address)) {
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        }
        struct timeval bound = {1, 1};
        socklen_t size = sizeof bound;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, &size), 0);
        assert_true(bound.tv_sec == 0 && bound.tv_usec == 0);
        close(fd);
        close(listener);
        listen_remove(&address);
    }
}

static void refusal_is_told(void **state)
{
    (void)state;
    int held;
    struct address address = deserted(&held);
    assert_int_equal(connect_blocking(&address, NULL, PLENTY_NS), -ECONNREFUSED);
    close(held);
    struct address absent = unix_address("absent");
    assert_int_equal(connect_blocking(&absent, NULL, PLENTY_NS), -ENOENT);
    assert_int_equal(connect_begin(&absent, NULL), -ENOENT);
}

/* A listener that accepts nothing and whose backlog is full answers nobody. */
static void silence_ends_at_the_timeout(void **state)
{
    (void)state;
    struct address addresses[] = {parsed("127.0.0.1:0"), unix_address("silent")};
    for (size_t i = 0; i < 2; i++) {
        struct address *address = &addresses[i];
        int listener = socket(address->at.any.sa_family, SOCK_STREAM, 0);
        assert_int_equal(bind(listener, &address->at.any, address->size), 0);
        assert_int_equal(listen(listener, 0), 0);
        assert_int_equal(getsockname(listener, &address->at.any, &address->size), 0);

        int clients[8];
        size_t count = 0;
        int last = 0;
        uint64_t begun = 0;
        while (count < 8) {
            begun = clock_monotonic_ns();
            last = connect_blocking(address, NULL, LITTLE_NS);
            if (last == -EINTR) { /* signal(7): a stop and a continue */
                continue;
            }
            if (last < 0) {
                break;
            }
            clients[count++] = last;
        }
        assert_int_equal(last, -ETIMEDOUT);
        assert_true(clock_monotonic_ns() - begun >= LITTLE_NS);
        while (count > 0) {
            close(clients[--count]);
        }
        close(listener);
        listen_remove(address);
    }
}

static void begun_connection_is_decided_when_writable(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0", "unix"};
    for (size_t i = 0; i < 3; i++) {
        struct address address = i < 2 ? parsed(texts[i]) : unix_address("begun");
        int listener;
        assert_int_equal(listen_open(&address, false, 1, &listener), 0);
        int fd = connect_begin(&address, NULL);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        await_writable(fd);
        assert_int_equal(connect_result(fd), 0);
        if (!address_is_unix(&address)) {
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        }
        close(fd);
        close(listener);
        listen_remove(&address);
    }
}

static void begun_connection_tells_its_refusal(void **state)
{
    (void)state;
    int held;
    struct address address = deserted(&held);
    int fd = connect_begin(&address, NULL);
    if (fd >= 0) { /* loopback may refuse at once */
        await_writable(fd);
        assert_int_equal(connect_result(fd), -ECONNREFUSED);
        close(fd);
    } else {
        assert_int_equal(fd, -ECONNREFUSED);
    }
    close(held);
}

static void result_of_what_is_no_socket_is_an_error(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(connect_result(fd), -ENOTSOCK);
    close(fd);
}

/* ip(7): IP_BIND_ADDRESS_NO_PORT */
static void a_source_is_where_the_connection_comes_from(void **state)
{
    struct address source;
    struct address server = {.size = sizeof(server.at.v4)};
    (void)state;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server.at.v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(bind(listening, &server.at.any, server.size), 0);
    assert_int_equal(listen(listening, 8), 0);
    assert_int_equal(getsockname(listening, &server.at.any, &server.size), 0);
    assert_null(address_read("127.0.0.7:0", &source));
    assert_int_equal(connect_try_source(&source), 0);
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof(peer);
        int fd = i == 0 ? connect_blocking(&server, &source, PLENTY_NS)
                        : connect_begin(&server, &source);
        assert_true(fd >= 0);
        int guest = accept(listening, (struct sockaddr *)&peer, &size);
        assert_true(guest >= 0);
        assert_int_equal(ntohl(peer.sin_addr.s_addr), INADDR_LOOPBACK + 6);
        close(guest);
        close(fd);
    }
    close(listening);
}

/* RFC 5737 3: nobody has this address. */
static void a_source_that_is_not_here_is_refused(void **state)
{
    struct address source = parsed("192.0.2.1:0");
    struct address server = parsed("127.0.0.1:1");
    (void)state;
    assert_int_equal(connect_try_source(&source), -EADDRNOTAVAIL);
    assert_int_equal(connect_blocking(&server, &source, PLENTY_NS), -EADDRNOTAVAIL);
    assert_int_equal(connect_begin(&server, &source), -EADDRNOTAVAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_free_test(blocking_connection_is_ready_for_use),
        leak_free_test(a_source_is_where_the_connection_comes_from),
        leak_free_test(a_source_that_is_not_here_is_refused),
        leak_free_test(refusal_is_told),
        leak_free_test(silence_ends_at_the_timeout),
        leak_free_test(begun_connection_is_decided_when_writable),
        leak_free_test(begun_connection_tells_its_refusal),
        leak_free_test(result_of_what_is_no_socket_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
