#include "lib/tls/wire.h"

#include "lib/tls/init.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* All but receiving and sending is that of OpenSSL's own BIO for sockets, which also knows how the
 * kernel is given keys: then it sends and receives too. */
static BIO_METHOD *method;
static const BIO_METHOD *sockets;

struct wire *wire_of(BIO *bio)
{
    /* the one pointer that the BIO for sockets leaves alone */
    return (struct wire *)BIO_get_callback_arg(bio);
}

static int failed(BIO *bio, struct wire *wire, int error, int direction)
{
    wire->error = error;
    if (error == EAGAIN || error == EINTR) {
        BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
    }
    return -1;
}

/* --- receive ---------------------------------------------------------------------------------- */

static bool is_readable(int fd)
{
    struct pollfd readable = {fd, POLLIN, 0};
    return poll(&readable, 1, 0) > 0;
}

static int receive(BIO *bio, char *to, int size)
{
    struct wire *wire = wire_of(bio);
    BIO_clear_retry_flags(bio);
    if (tls_kernel_helps() && BIO_get_ktls_recv(bio)) {
        if (!wire->patient && !is_readable(wire->fd)) {
            return failed(bio, wire, EAGAIN, BIO_FLAGS_READ);
        }
        wire->drained = false; /* it gives one record at a time */
        int got = BIO_meth_get_read(sockets)(bio, to, size);
        wire->ended = got == 0;
        wire->error = got < 0 ? errno : 0;
        return got;
    }
    if (wire->enough && wire->drained) {
        return failed(bio, wire, EAGAIN, BIO_FLAGS_READ);
    }
    ssize_t got = recv(wire->fd, to, (size_t)size, wire->patient ? 0 : MSG_DONTWAIT);
    if (got < 0) {
        return failed(bio, wire, errno, BIO_FLAGS_READ);
    }
    wire->patient = false;
    if (got > 0 && !wire->begun) {
        wire->begun = true;
        wire->first = (unsigned char)*to;
    }
    wire->ended = got == 0;
    wire->drained = got < size;
    return (int)got;
}

/* --- send ------------------------------------------------------------------------------------- */

enum {
    /* What is kept at the most: a batch of the largest size, and messages of TLS's own behind it,
     * which a peer may ask for without end while it takes nothing. */
    KEPT_MOST = 128 * 1024,
    SPARED_LEAST = 16 * 1024 /* so much room is given back when it is not needed any more */
};

void wire_drop(struct wire *wire)
{
    free(wire->batch);
    wire->batch = NULL;
}

static size_t waiting(const struct wire *wire)
{
    return wire->batch != NULL ? wire->batch->end - wire->batch->begin : 0;
}

/* Gives the batch so much room, what waits foremost. False when out of memory: all is as it was. */
static bool resize(struct wire *wire, size_t room)
{
    struct batch *batch = wire->batch;
    if (batch != NULL && batch->begin > 0) {
        memmove(batch->bytes, batch->bytes + batch->begin, batch->end - batch->begin);
        batch->end -= batch->begin;
        batch->begin = 0;
    }
    struct batch *resized = realloc(batch, sizeof(*batch) + room);
    if (resized == NULL) {
        return false;
    }
    if (batch == NULL) {
        *resized = (struct batch){0};
    }
    resized->room = room;
    wire->batch = resized;
    return true;
}

bool wire_begin(struct wire *wire, size_t room)
{
    return resize(wire, room);
}

static void append(struct batch *batch, const char *from, size_t size)
{
    memcpy(batch->bytes + batch->end, from, size);
    batch->end += size;
}

/* How many were sent, or -1 with errno set. */
static ssize_t send_now(struct wire *wire, const char *from, size_t size)
{
    ssize_t sent = send(wire->fd, from, size, MSG_NOSIGNAL | (wire->more ? MSG_MORE : 0));
    wire->full = sent >= 0                           ? ((size_t)sent < size ? EAGAIN : 0)
                 : errno == EAGAIN || errno == EINTR ? errno
                                                     : 0;
    return sent;
}

int wire_send(struct wire *wire)
{
    struct batch *batch = wire->batch;
    if (wire->full != 0) {
        return -wire->full;
    }
    ssize_t sent = send_now(wire, batch->bytes + batch->begin, waiting(wire));
    if (sent < 0) {
        return -errno;
    }
    batch->sent += (size_t)sent;
    batch->begin += (size_t)sent;
    if (batch->begin == batch->end) {
        wire_drop(wire);
        return 0;
    }
    if (batch->room - waiting(wire) >= SPARED_LEAST) {
        resize(wire, waiting(wire));
    }
    return -EAGAIN;
}

/* What OpenSSL gave, of which so many were sent. */
static int keep(BIO *bio, struct wire *wire, const char *from, size_t size, size_t sent)
{
    size_t left = size - sent;
    if (waiting(wire) + left > KEPT_MOST) {
        return failed(bio, wire, EAGAIN, BIO_FLAGS_WRITE);
    }
    if (!resize(wire, waiting(wire) + left)) {
        return failed(bio, wire, ENOMEM, BIO_FLAGS_WRITE);
    }
    append(wire->batch, from + sent, left);
    wire->batch->sent += sent;
    return (int)size;
}

static int gather(BIO *bio, struct wire *wire, const char *from, size_t size)
{
    if (size > wire->batch->room - wire->batch->end) {
        return failed(bio, wire, ENOBUFS, BIO_FLAGS_WRITE);
    }
    append(wire->batch, from, size);
    return (int)size;
}

static int send_out(BIO *bio, const char *from, int size)
{
    struct wire *wire = wire_of(bio);
    ssize_t sent = 0;
    BIO_clear_retry_flags(bio);
    if (wire->gathers) {
        return gather(bio, wire, from, (size_t)size);
    }
    if (tls_kernel_helps() && BIO_get_ktls_send(bio)) {
        sent = BIO_meth_get_write(sockets)(bio, from, size);
        wire->error = sent < 0 ? errno : 0;
        return (int)sent;
    }
    if (wire->batch == NULL && wire->full == 0) {
        sent = send_now(wire, from, (size_t)size);
        if (sent == size || (sent < 0 && wire->full == 0)) {
            return sent < 0 ? failed(bio, wire, errno, BIO_FLAGS_WRITE) : size;
        }
        sent = sent < 0 ? 0 : sent;
    }
    if (wire->keeps) {
        return keep(bio, wire, from, (size_t)size, (size_t)sent);
    }
    return sent > 0 ? (int)sent : failed(bio, wire, wire->full, BIO_FLAGS_WRITE);
}

/* --- the method ------------------------------------------------------------------------------- */

bool wire_init(void)
{
    sockets = BIO_s_socket();
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR,
                          "descriptor");
    return method != NULL && BIO_meth_set_read(method, receive) == 1 &&
           BIO_meth_set_write(method, send_out) == 1 &&
           BIO_meth_set_create(method, BIO_meth_get_create(sockets)) == 1 &&
           BIO_meth_set_destroy(method, BIO_meth_get_destroy(sockets)) == 1 &&
           BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(sockets)) == 1;
}

BIO *wire_bio(struct wire *wire)
{
    BIO *bio = BIO_new(method);
    if (bio != NULL) {
        BIO_set_callback_arg(bio, (char *)wire);
        BIO_set_fd(bio, wire->fd, BIO_NOCLOSE);
    }
    return bio;
}
