#include "server/control.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t ready = 1;

int control_open(struct control *parent, struct control *child)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    parent->fd = ends[0];
    child->fd = ends[1];
    return 0;
}

void control_close(struct control *control)
{
    if (control->fd > 0) {
        close(control->fd);
    }
    control->fd = -1;
}

static void say(const struct control *control, uint8_t word)
{
    ssize_t sent;
    do {
        sent = send(control->fd, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
}

void control_order(const struct control *control, enum order_kind kind)
{
    say(control, (uint8_t)kind);
}

bool control_is_ready(const struct control *control)
{
    uint8_t word;
    return recv(control->fd, &word, sizeof(word), MSG_DONTWAIT) == sizeof(word) && word == ready;
}

void control_ready(const struct control *control)
{
    say(control, ready);
}

enum order_kind control_take(struct control *control)
{
    uint8_t word;
    ssize_t got = recv(control->fd, &word, sizeof(word), MSG_DONTWAIT);
    if (got == sizeof(word)) {
        return word <= ORDER_CUT ? (enum order_kind)word : ORDER_NONE;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORDER_NONE;
    }
    control_close(control);
    return ORDER_DRAIN;
}
