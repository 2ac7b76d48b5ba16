#include "server/transmit.h"

#include <errno.h>

static size_t size_of(const struct iovec *pieces, int count)
{
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        size += pieces[i].iov_len;
    }
    return size;
}

static enum transmitted transmitted_of(ssize_t came, size_t *bytes)
{
    if (came > 0) {
        *bytes = (size_t)came;
        return TRANSMIT_DONE;
    }
    switch (came) {
    case STREAM_WANT_READ:
        return TRANSMIT_TO_READ;
    case STREAM_WANT_WRITE:
    case -EINTR:
        return TRANSMIT_AGAIN;
    default:
        return TRANSMIT_FAILED;
    }
}

enum transmitted transmit(struct stream *stream, const struct step *step, size_t *bytes)
{
    bool has_slice = step->send.file != NULL && step->send.size > 0;
    size_t sent = 0;
    if (step->send.count > 0) {
        enum transmitted came = transmitted_of(
            stream_send(stream, step->send.pieces, step->send.count, has_slice), &sent);
        if (came != TRANSMIT_DONE || !has_slice ||
            sent < size_of(step->send.pieces, step->send.count)) {
            *bytes = sent;
            return came;
        }
    }
    size_t of_file = 0;
    enum transmitted came = transmitted_of(
        stream_send_file(stream, step->send.file->fd, step->send.offset, step->send.size),
        &of_file);
    *bytes = sent + of_file;
    return came != TRANSMIT_FAILED && sent > 0 ? TRANSMIT_DONE : came;
}
