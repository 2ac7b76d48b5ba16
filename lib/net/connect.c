#include "lib/net/connect.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int close_and_return(int fd, int error)
{
    close(fd);
    return error;
}

static int bind_source(int fd, const struct address *source)
{
    static const int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        bind(fd, &source->at.any, source->size) < 0) {
        return -errno;
    }
    return fd;
}

/* A socket of the address's family. `type` adds SOCK_NONBLOCK or nothing. */
static int open_socket(const struct address *address, const struct address *source, int type)
{
    int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
    if (fd < 0) {
        return -errno;
    }
    if (!address_is_unix(address)) {
        static const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    int bound = source == NULL ? fd : bind_source(fd, source);
    return bound < 0 ? close_and_return(fd, bound) : fd;
}

int connect_try_source(const struct address *source)
{
    int fd = open_socket(source, source, 0);
    return fd < 0 ? fd : close_and_return(fd, 0);
}

/* On Linux, SO_SNDTIMEO bounds connect(2) too; all zero means no bound. */
static int set_bound(int fd, uint64_t timeout_ns)
{
    struct timeval bound = {0};
    if (timeout_ns < (uint64_t)INT_MAX * NS_PER_S) {
        bound = clock_timeval(timeout_ns < NS_PER_US ? NS_PER_US : timeout_ns);
    }
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) < 0 ? -errno : 0;
}

int connect_blocking(const struct address *address, const struct address *source,
                     uint64_t timeout_ns)
{
    int fd = open_socket(address, source, 0);
    if (fd < 0) {
        return fd;
    }
    int error = set_bound(fd, timeout_ns);
    if (error == 0 && connect(fd, &address->at.any, address->size) < 0) {
        /* what an expired bound is called: EINPROGRESS by TCP, EAGAIN by unix sockets */
        error = errno == EINPROGRESS || errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    if (error == 0) {
        error = set_bound(fd, CLOCK_NEVER);
    }
    return error == 0 ? fd : close_and_return(fd, error);
}

int connect_begin(const struct address *address, const struct address *source)
{
    int fd = open_socket(address, source, SOCK_NONBLOCK);
    if (fd < 0) {
        return fd;
    }
    if (connect(fd, &address->at.any, address->size) < 0 && errno != EINPROGRESS) {
        return close_and_return(fd, -errno);
    }
    return fd;
}

int connect_result(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
        return -errno;
    }
    return -error;
}
