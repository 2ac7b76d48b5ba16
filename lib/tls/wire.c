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

bool wire_begin(struct wire *wire, size_t room)
{
    wire->batch = malloc(sizeof(*wire->batch) + room);
    if (wire->batch != NULL) {
        *wire->batch = (struct batch){.room = room};
    }
    return wire->batch != NULL;
}

void wire_drop(struct wire *wire)
{
    free(wire->batch);
    wire->batch = NULL;
}

static ssize_t send_now(struct wire *wire, const char *from, size_t size)
{
    return send(wire->fd, from, size, MSG_NOSIGNAL | (wire->more ? MSG_MORE : 0));
}

int wire_send(struct wire *wire)
{
    struct batch *batch = wire->batch;
    ssize_t sent = send_now(wire, batch->bytes + batch->sent, batch->size - batch->sent);
    if (sent < 0) {
        return -errno;
    }
    batch->sent += (size_t)sent;
    if (batch->sent < batch->size) {
        return -EAGAIN;
    }
    wire_drop(wire);
    return 0;
}

static int gather(BIO *bio, struct wire *wire, const char *from, size_t size)
{
    struct batch *batch = wire->batch;
    if (size > batch->room - batch->size) {
        return failed(bio, wire, ENOBUFS, BIO_FLAGS_WRITE);
    }
    memcpy(batch->bytes + batch->size, from, size);
    batch->size += size;
    return (int)size;
}

static int send_out(BIO *bio, const char *from, int size)
{
    struct wire *wire = wire_of(bio);
    BIO_clear_retry_flags(bio);
    if (wire->gathers) {
        return gather(bio, wire, from, (size_t)size);
    }
    int first = wire->batch != NULL ? wire_send(wire) : 0;
    if (first < 0) {
        return failed(bio, wire, -first, BIO_FLAGS_WRITE);
    }
    if (tls_kernel_helps() && BIO_get_ktls_send(bio)) {
        int sent = BIO_meth_get_write(sockets)(bio, from, size);
        wire->error = sent < 0 ? errno : 0;
        return sent;
    }
    if (wire->full) {
        return failed(bio, wire, EAGAIN, BIO_FLAGS_WRITE);
    }
    ssize_t sent = send_now(wire, from, (size_t)size);
    wire->full = sent >= 0 && sent < size;
    return sent < 0 ? failed(bio, wire, errno, BIO_FLAGS_WRITE) : (int)sent;
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
