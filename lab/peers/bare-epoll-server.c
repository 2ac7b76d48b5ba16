/* The limit: what one core can do for HTTP when a server only moves bytes.
 *
 * One level-triggered epoll loop. For each readable connection: one recv, and one reply, whatever
 * the recv brought. That is right for a client that sends small requests and waits for each reply,
 * such as every load generator in this lab, and wrong for anything else.
 *
 * A connection has no state but how much of its reply has left, and is armed for reading all its
 * life, except while the rest of a large reply waits for its turn. */
#include "bare.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 512,
    REQUEST_MAX = 4096,
};

struct server {
    struct bare_reply reply;
    int epoll;
    int listener;
    uint64_t *sent; /* by descriptor: how much of the reply has left */
};

static void on_connection(struct server *server);
static void on_request(struct server *server, int fd);
static void on_room(struct server *server, int fd);

/* Lets epoll_wait report `events` of this descriptor; `operation` is EPOLL_CTL_ADD or _MOD. */
static void watch(struct server *server, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(server->epoll, operation, fd, &event) < 0) {
        err(1, "epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    struct server server = {0};
    server.sent = calloc(bare_raise_descriptors(), sizeof *server.sent);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!server.sent || server.epoll < 0) {
        err(1, "epoll_create1");
    }
    server.listener = bare_server_start(argc, argv, "bare epoll", true, &server.reply);
    watch(&server, EPOLL_CTL_ADD, server.listener, EPOLLIN);

    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(server.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == server.listener) {
                on_connection(&server);
            } else if (events[i].events & EPOLLOUT) {
                on_room(&server, fd);
            } else {
                on_request(&server, fd);
            }
        }
    }
}

static void on_connection(struct server *server)
{
    int fd;
    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        watch(server, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) {
        err(1, "accept4");
    }
}

/* Sends the next piece of a reply, by one system call; says whether all of it has left. So a large
 * reply goes out in turns with all others: to fill the socket's buffer before turning to the next
 * connection costs half as much again, for the reader then finds bytes that have left the cache. A
 * connection that fails counts as served, and the next recv finds out. */
static bool send_piece(struct server *server, int fd)
{
    ssize_t sent = bare_reply_send(&server->reply, fd, server->sent[fd]);
    if (sent < 0) {
        return errno != EAGAIN;
    }
    server->sent[fd] += (uint64_t)sent;
    return server->sent[fd] == server->reply.length;
}

static void on_request(struct server *server, int fd)
{
    char request[REQUEST_MAX];
    ssize_t got = recv(fd, request, sizeof request, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            close(fd);
        }
        return;
    }
    server->sent[fd] = 0;
    if (!send_piece(server, fd)) {
        watch(server, EPOLL_CTL_MOD, fd, EPOLLOUT);
    }
}

static void on_room(struct server *server, int fd)
{
    if (send_piece(server, fd)) {
        watch(server, EPOLL_CTL_MOD, fd, EPOLLIN);
    }
}
