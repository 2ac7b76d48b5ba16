#include "lib/net/stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static ssize_t received(ssize_t count)
{
    return count < 0 ? -errno : count; /* of which -EAGAIN is STREAM_WANT_READ */
}

static ssize_t sent(ssize_t count)
{
    return count >= 0 ? count : errno == EAGAIN ? STREAM_WANT_WRITE : -errno;
}

void stream_init(struct stream *stream, int fd, bool tcp)
{
    *stream = (struct stream){.fd = fd, .discards = tcp};
}

void stream_finish(struct stream *stream)
{
    struct stream_carrier *carrier = stream->carrier;
    stream->carrier = NULL;
    if (carrier != NULL) {
        carrier->calls->finish(carrier);
    }
}

ssize_t stream_receive(struct stream *stream, void *to, size_t size)
{
    if (stream->carrier != NULL) {
        return stream->carrier->calls->receive(stream, to, size);
    }
    return received(recv(stream->fd, to, size, 0));
}

ssize_t stream_discard(struct stream *stream, size_t size, void *scratch, size_t scratch_size)
{
    if (stream->carrier != NULL) {
        return stream->carrier->calls->discard(stream, size, scratch, scratch_size);
    }
    if (stream->discards) {
        /* tcp(7): MSG_TRUNC drops the bytes and no buffer is needed. Called by number, because the
         * sanitizers' recv() takes it that a buffer was written. */
        return received(syscall(SYS_recvfrom, stream->fd, NULL, size, MSG_TRUNC, NULL, NULL));
    }
    size_t most = size < scratch_size ? size : scratch_size;
    return received(recv(stream->fd, scratch, most, 0));
}

/* Up to this size to copy pieces together costs less than to have the kernel read a vector. */
enum {
    GATHER_SIZE = 2048,
};

static size_t gather(char to[GATHER_SIZE], const struct iovec *pieces, int count)
{
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len > GATHER_SIZE - size) {
            return 0;
        }
        memcpy(to + size, pieces[i].iov_base, pieces[i].iov_len);
        size += pieces[i].iov_len;
    }
    return size;
}

ssize_t stream_send(struct stream *stream, const struct iovec *pieces, int count, bool more)
{
    if (stream->carrier != NULL) {
        return stream->carrier->calls->send(stream, pieces, count, more);
    }
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    if (count == 1) {
        return sent(send(stream->fd, pieces->iov_base, pieces->iov_len, flags));
    }
    char gathered[GATHER_SIZE];
    size_t size = gather(gathered, pieces, count);
    if (size > 0) {
        return sent(send(stream->fd, gathered, size, flags));
    }
    /* sendmsg() only reads them; its struct is shared with recvmsg(), which writes */
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    return sent(sendmsg(stream->fd, &message, flags));
}

ssize_t stream_send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
    if (stream->carrier != NULL) {
        return stream->carrier->calls->send_file(stream, file, offset, size);
    }
    off_t from = (off_t)offset;
    return sent(sendfile(stream->fd, file, &from, size));
}

size_t stream_unsent(const struct stream *stream)
{
    int bytes;
    return ioctl(stream->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

int stream_end(struct stream *stream)
{
    return stream->carrier != NULL ? stream->carrier->calls->end(stream) : 0;
}
