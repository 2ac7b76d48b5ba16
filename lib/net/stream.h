/* One connection's bytes, whatever carries them: plain TCP or a unix socket now, TLS beside them.
 *
 * Both I/O models use the same calls; a blocking descriptor waits inside them (no longer than the
 * descriptor's timeouts), a non-blocking one comes back with STREAM_AGAIN and is called again, with
 * the same arguments, when it is ready. Bodies are not copied on the way; a small reply is, into
 * one piece. A stream belongs to one thread at a time.
 *
 * sendfile(2) has no MSG_NOSIGNAL: a program that uses streams ignores SIGPIPE. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct stream {
    int fd;
    bool discards; /* the kernel can drop received bytes uncopied (TCP's MSG_TRUNC) */
};

/* Byte counts are >= 0; these and other -errno are below. */
enum {
    STREAM_AGAIN = -EAGAIN, /* would block, or the descriptor's timeout passed */
};

/* Adopts a connected descriptor; `tcp` says whether it is one. The caller closes it. */
void stream_init(struct stream *stream, int fd, bool tcp);

/* All four return a byte count, STREAM_AGAIN or -errno. EINTR is returned too, so that a blocked
 * thread can be told something; nothing was moved then. */

/* Receives up to `size` bytes, one at least. 0: the peer has ended its side. */
ssize_t stream_receive(struct stream *stream, void *to, size_t size);

/* Receives and drops up to `size` bytes, uncopied where `discards`, which leaves `scratch` alone;
 * else through `scratch`, and no more than scratch_size at once. 0: the peer has ended its side. */
ssize_t stream_discard(struct stream *stream, size_t size, void *scratch, size_t scratch_size);

/* Sends from the pieces (1..IOV_MAX), as much as there is room for; `more` says that other bytes
 * follow at once (MSG_MORE). Never raises SIGPIPE. */
ssize_t stream_send(struct stream *stream, const struct iovec *pieces, int count, bool more);

/* Sends up to `size` bytes of a file from `offset`. 0 when the file has none there (truncated).
 * Keeps the file's own offset. */
ssize_t stream_send_file(struct stream *stream, int file, uint64_t offset, size_t size);

/* How many bytes were sent and not yet taken by the peer's system (SIOCOUTQ); 0 when it cannot be
 * told. */
size_t stream_unsent(const struct stream *stream);
