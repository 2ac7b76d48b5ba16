#include "bare.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BODY_IN_MEMORY_MAX = 64 * 1024, /* up to here copying costs less than splicing */
    SLICE_MAX = 4 * 65483, /* whole segments on loopback: a runt after each costs a fifth more */
    HEAD_MAX = 256,
    DESCRIPTORS_MAX = 1000 * 1000,
};

struct sockaddr_in bare_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN];
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || end == colon + 1 || *end || port > 65535 ||
        (size_t)(colon - text) >= sizeof host) {
        errx(2, "%s: is not HOST:PORT (try 127.0.0.1:8080)", text);
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        errx(2, "%s: is not an IPv4 address", host);
    }
    address.sin_port = htons((uint16_t)port);
    return address;
}

size_t bare_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        err(1, "getrlimit");
    }
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        err(1, "setrlimit");
    }
    return (size_t)limit.rlim_cur;
}

static void on_stop(int number)
{
    (void)number;
    _exit(0);
}

static int listen_on(const char *text, bool nonblocking)
{
    struct sockaddr_in address = bare_address(text);
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0),
                    IPPROTO_TCP);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0) {
        err(1, "%s", text);
    }
    return fd;
}

static void print_ready(int listener, const char *model)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    char host[INET_ADDRSTRLEN];
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
        err(1, "getsockname");
    }
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    printf("listening on http://%s:%d/ (%s)\n", host, ntohs(address.sin_port), model);
    fflush(stdout);
}

/* Reads `size` bytes of the file behind the head that is already in memory. */
static void load_body(struct bare_reply *reply, const char *path, size_t size)
{
    while (size > 0) {
        ssize_t got = read(reply->file, reply->memory + reply->memory_length, size);
        if (got <= 0) {
            errx(1, "%s: cannot be read: %s", path, got < 0 ? strerror(errno) : "it shrank");
        }
        reply->memory_length += (size_t)got;
        size -= (size_t)got;
    }
    close(reply->file);
    reply->file = -1;
}

static void load_reply(struct bare_reply *reply, const char *path)
{
    struct stat status;
    reply->file = open(path, O_RDONLY | O_CLOEXEC);
    if (reply->file < 0 || fstat(reply->file, &status) < 0) {
        err(1, "%s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        errx(1, "%s: is not a regular file", path);
    }
    reply->memory = malloc(HEAD_MAX + BODY_IN_MEMORY_MAX);
    if (!reply->memory) {
        err(1, "malloc");
    }
    reply->memory_length = (size_t)snprintf(reply->memory, HEAD_MAX,
                                            "HTTP/1.1 200 OK\r\n"
                                            "Content-Type: text/plain; charset=utf-8\r\n"
                                            "Content-Length: %jd\r\n\r\n",
                                            (intmax_t)status.st_size);
    reply->length = reply->memory_length + (uint64_t)status.st_size;
    if (status.st_size <= BODY_IN_MEMORY_MAX) {
        load_body(reply, path, (size_t)status.st_size);
    }
}

ssize_t bare_reply_send(const struct bare_reply *reply, int socket, uint64_t from)
{
    if (from < reply->memory_length) {
        int more = reply->file >= 0 ? MSG_MORE : 0;
        return send(socket, reply->memory + from, reply->memory_length - from, MSG_NOSIGNAL | more);
    }
    off_t offset = (off_t)(from - reply->memory_length);
    uint64_t left = reply->length - from;
    ssize_t sent = sendfile(socket, reply->file, &offset, left < SLICE_MAX ? left : SLICE_MAX);
    if (sent == 0) {
        errx(1, "the file has shrunk");
    }
    return sent;
}

static void usage(FILE *to, const char *program)
{
    fprintf(to,
            "Usage: %s [--listen HOST:PORT] FILE\n"
            "Sends FILE in reply to whatever arrives on a connection, parsing nothing.\n"
            "  -l, --listen HOST:PORT  IPv4; port 0 picks a free one. Default 127.0.0.1:0\n"
            "  -h, --help              print this\n",
            program);
}

int bare_server_start(int argc, char **argv, const char *model, bool nonblocking,
                      struct bare_reply *reply)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *address = "127.0.0.1:0";
    int option;
    while ((option = getopt_long(argc, argv, "l:h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout, argv[0]);
            exit(0);
        }
        if (option != 'l') {
            usage(stderr, argv[0]);
            exit(2);
        }
        address = optarg;
    }
    if (optind != argc - 1) {
        usage(stderr, argv[0]);
        exit(2);
    }
    load_reply(reply, argv[optind]);
    signal(SIGPIPE, SIG_IGN); /* sendfile(2) knows no MSG_NOSIGNAL */
    signal(SIGTERM, on_stop);
    signal(SIGINT, on_stop);
    int listener = listen_on(address, nonblocking);
    print_ready(listener, model);
    return listener;
}
