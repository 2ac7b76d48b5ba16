#include "lib/net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_tcp(struct address *address, int type, unsigned count, int *fds);
static int open_unix(const struct address *address, int type, unsigned count, int *fds);

int listen_open(struct address *address, bool nonblocking, unsigned count, int *fds)
{
    int type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    return address_is_unix(address) ? open_unix(address, type, count, fds)
                                    : open_tcp(address, type, count, fds);
}

void listen_remove(const struct address *address)
{
    if (address_is_unix(address)) {
        unlink(address->at.local.sun_path);
    }
}

/* A filter on a listening socket sees the packets that are for no connection yet: the first of a
 * handshake, SYN without ACK, is dropped, and the others pass. It begins at the TCP header. */
bool listen_refuse(int fd)
{
    enum {
        FLAGS = 13, /* offset of the byte that holds them */
        SYN = 0x02,
        ACK = 0x10
    };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    int family = AF_UNSPEC;
    socklen_t size = sizeof family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0) {
        return false;
    }
    return family == AF_UNIX ||
           setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

static int close_and_return(int fd, int error)
{
    close(fd);
    return error;
}

static int close_all(const int *fds, unsigned count, int error)
{
    while (count > 0) {
        close(fds[--count]);
    }
    return error;
}

static bool turn_on(int fd, int level, int option)
{
    static const int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

/* The port is claimed by the first socket: it binds and listens without SO_REUSEPORT, which the
 * kernel refuses when anybody listens there, sharing or not. (To bind alone would not do: with
 * SO_REUSEADDR, which a restart needs, two sockets may be bound as long as neither listens.) Only
 * then is it opened to the others, which have to belong to the same user; a claim of anybody else
 * meets a listening socket from now on. So two servers that start at the same moment cannot both
 * succeed, and no connection is lost: one that comes before the others listen goes to the first. */
static int claim(const struct address *address, int type, bool shared)
{
    int fd = socket(address->at.any.sa_family, type, 0);
    if (fd < 0) {
        return -errno;
    }
    bool v6 = address->at.any.sa_family == AF_INET6;
    bool done = turn_on(fd, SOL_SOCKET, SO_REUSEADDR) && turn_on(fd, IPPROTO_TCP, TCP_NODELAY) &&
                (!v6 || turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                bind(fd, &address->at.any, address->size) == 0 && listen(fd, INT_MAX) == 0 &&
                (!shared || turn_on(fd, SOL_SOCKET, SO_REUSEPORT));
    return done ? fd : close_and_return(fd, -errno);
}

/* One more socket on a port that is claimed and opened. */
static int join(const struct address *address, int type)
{
    int fd = socket(address->at.any.sa_family, type, 0);
    if (fd < 0) {
        return -errno;
    }
    bool v6 = address->at.any.sa_family == AF_INET6;
    bool done = turn_on(fd, SOL_SOCKET, SO_REUSEADDR) && turn_on(fd, SOL_SOCKET, SO_REUSEPORT) &&
                turn_on(fd, IPPROTO_TCP, TCP_NODELAY) &&
                (!v6 || turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                bind(fd, &address->at.any, address->size) == 0 && listen(fd, INT_MAX) == 0;
    return done ? fd : close_and_return(fd, -errno);
}

static int open_tcp(struct address *address, int type, unsigned count, int *fds)
{
    int first = claim(address, type, count > 1);
    if (first < 0) {
        return first;
    }
    struct address bound = {.size = sizeof bound.at};
    if (getsockname(first, &bound.at.any, &bound.size) < 0) {
        return close_and_return(first, -errno);
    }
    fds[0] = first;
    for (unsigned i = 1; i < count; i++) {
        fds[i] = join(&bound, type);
        if (fds[i] < 0) {
            return close_all(fds, i, fds[i]);
        }
    }
    *address = bound;
    return 0;
}

/* Whether the path is a socket on which nobody listens. Any answer but "refused" counts as
 * somebody: better a server that does not start than one whose socket is taken away. 1, 0 or
 * -errno. */
static int is_stale(const struct address *address)
{
    struct stat status;
    if (lstat(address->at.local.sun_path, &status) < 0) {
        return -errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return -ENOTSOCK;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    bool refused = connect(fd, &address->at.any, address->size) < 0 && errno == ECONNREFUSED;
    return close_and_return(fd, refused);
}

/* A lock on the folder of the socket keeps two starting servers from taking a fresh socket for the
 * stale one that they both saw. A folder that cannot be opened or locked goes without. */
static int lock_folder(const struct address *address)
{
    char path[sizeof address->at.local.sun_path];
    memcpy(path, address->at.local.sun_path, sizeof path);
    int folder = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        flock(folder, LOCK_EX);
    }
    return folder;
}

static int bind_unix(int fd, const struct address *address)
{
    if (bind(fd, &address->at.any, address->size) == 0) {
        return 0;
    }
    if (errno != EADDRINUSE) {
        return -errno;
    }
    int stale = is_stale(address);
    if (stale <= 0) {
        return stale == 0 ? -EADDRINUSE : stale;
    }
    if (unlink(address->at.local.sun_path) < 0 || bind(fd, &address->at.any, address->size) < 0) {
        return -errno;
    }
    return 0;
}

/* Bound and listening before anybody else can look whether it is stale. */
static int listen_unix(const struct address *address, int type)
{
    int fd = socket(AF_UNIX, type, 0);
    if (fd < 0) {
        return -errno;
    }
    int folder = lock_folder(address);
    int error = bind_unix(fd, address);
    if (error == 0 && listen(fd, INT_MAX) < 0) {
        error = -errno;
        listen_remove(address);
    }
    if (folder >= 0) {
        close(folder);
    }
    return error == 0 ? fd : close_and_return(fd, error);
}

static int open_unix(const struct address *address, int type, unsigned count, int *fds)
{
    int first = listen_unix(address, type);
    if (first < 0) {
        return first;
    }
    fds[0] = first;
    for (unsigned i = 1; i < count; i++) {
        fds[i] = fcntl(first, F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) {
            int error = -errno;
            listen_remove(address);
            return close_all(fds, i, error);
        }
    }
    return 0;
}
