#include "server/control.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t ready = 1;

int control_open(struct control *parent, struct control *child)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    *parent = (struct control){.fd = ends[0]};
    *child = (struct control){.fd = ends[1]};
    return 0;
}

void control_close(struct control *control)
{
    if (control->fd > 0) {
        close(control->fd);
    }
    control->fd = -1;
}

/* Room for one descriptor beside a packet (cmsg(3)). */
union beside {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

/* With a descriptor, if it is not -1. 0, or -errno. */
static int say(const struct control *control, uint8_t word, int carried)
{
    union beside beside = {0};
    struct iovec packet = {&word, sizeof(word)};
    struct msghdr message = {.msg_iov = &packet, .msg_iovlen = 1};
    if (carried >= 0) {
        beside.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&beside.header), &carried, sizeof(int));
        message.msg_control = &beside;
        message.msg_controllen = sizeof(beside.room);
    }
    ssize_t sent;
    do {
        sent = sendmsg(control->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

void control_order(struct control *control, enum order_kind kind)
{
    if (say(control, (uint8_t)kind, -1) < 0) {
        control_close(control);
    }
}

int control_hand_over(const struct control *control, enum order_kind kind, int fd)
{
    return say(control, (uint8_t)kind, fd);
}

bool control_is_ready(const struct control *control)
{
    uint8_t word;
    return recv(control->fd, &word, sizeof(word), MSG_DONTWAIT) == sizeof(word) && word == ready;
}

void control_ready(const struct control *control)
{
    say(control, ready, -1);
}

/* What recv() returns; *carried is the caller's, or -1. */
static ssize_t hear(const struct control *control, uint8_t *word, int *carried)
{
    union beside beside;
    struct iovec packet = {word, sizeof(*word)};
    struct msghdr message = {.msg_iov = &packet,
                             .msg_iovlen = 1,
                             .msg_control = &beside,
                             .msg_controllen = sizeof(beside.room)};
    ssize_t got = recvmsg(control->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    *carried = -1;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(carried, CMSG_DATA(header), sizeof(int));
    }
    return got;
}

static enum order_kind heed(const struct control *control, uint8_t word, int carried)
{
    if (word == ORDER_RENEW && control->renew != NULL) {
        control->renew(control->argument, carried);
    }
    if (carried >= 0) {
        close(carried);
    }
    return word <= ORDER_CUT ? (enum order_kind)word : ORDER_NONE;
}

enum order_kind control_take(struct control *control)
{
    uint8_t word;
    int carried;
    ssize_t got = hear(control, &word, &carried);
    if (got == sizeof(word)) {
        return heed(control, word, carried);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORDER_NONE;
    }
    control_close(control);
    return ORDER_DRAIN;
}
