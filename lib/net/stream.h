/* One connection's bytes, whatever carries them: plain TCP or a unix socket, or a carrier that
 * works on top of these, as TLS does (lib/tls/link.h).
 *
 * Both I/O models use the same calls; a blocking descriptor waits inside them (no longer than the
 * descriptor's timeouts), a non-blocking one comes back with what it wants and is called again,
 * with the same arguments, when it is ready. Bodies are not copied on the way; a small reply is,
 * into one piece. A stream belongs to one thread at a time.
 *
 * sendfile(2) has no MSG_NOSIGNAL: a program that uses streams ignores SIGPIPE. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct stream_carrier;

struct stream {
    int fd;
    bool discards; /* the kernel can drop received bytes uncopied (TCP's MSG_TRUNC) */
    struct stream_carrier *carrier; /* NULL: plain */
};

/* Byte counts are >= 0; these and -errno are below. None of them is the negative of an errno but
 * the first. */
enum {
    /* It would block, or the descriptor's timeout passed. A plain stream wants to read when it
     * receives and to write when it sends; under a carrier it may be the other way round: what is
     * then waited for is the other direction, and the call to be made again is the same. Under a
     * carrier a blocking descriptor may come back so before its timeout, too, when a part of what
     * is needed was moved: a call that receives waits no more than once. One that sends may wait
     * several times, as long as the peer takes something each time. */
    STREAM_WANT_READ = -EAGAIN,
    STREAM_WANT_WRITE = -5001,
    /* The peer has closed the connection without the carrier's own end: what came may not be all.
     */
    STREAM_TRUNCATED = -5002,
    /* The peer, or who stands between, does not keep to the carrier's protocol, or has refused us.
     * The carrier knows the reason (tls_reason()). */
    STREAM_BROKEN = -5003,
};

static inline bool stream_is_again(ssize_t came)
{
    return came == STREAM_WANT_READ || came == STREAM_WANT_WRITE;
}

/* The same, or it was disturbed by a signal: nothing has come of it, and it may be called again. */
static inline bool stream_may_repeat(ssize_t came)
{
    return stream_is_again(came) || came == -EINTR;
}

/* Adopts a connected descriptor; `tcp` says whether it is one. The caller closes it, after
 * stream_finish(). */
void stream_init(struct stream *stream, int fd, bool tcp);

/* Frees the carrier, and sends nothing. Nothing for a plain stream, and the second time. */
void stream_finish(struct stream *stream);

/* The next four return a byte count, STREAM_WANT_*, -errno, or under a carrier STREAM_BROKEN. EINTR
 * is returned too, so that a blocked thread can be told something; nothing was moved then. */

/* Receives up to `size` bytes, one at least. Fewer than `size`: there were no more at that moment,
 * and none are held back in the carrier. 0: the peer has ended its side; STREAM_TRUNCATED: it is
 * gone without having said so. What follows behind bytes, an end or a failure, is told by the next
 * call. */
ssize_t stream_receive(struct stream *stream, void *to, size_t size);

/* Receives and drops up to `size` bytes: uncopied where `discards`, which leaves `scratch` alone;
 * else through `scratch`, and of a plain stream no more than scratch_size at once. Otherwise as
 * stream_receive(). */
ssize_t stream_discard(struct stream *stream, size_t size, void *scratch, size_t scratch_size);

/* Sends from the pieces (1..IOV_MAX), as much as there is room for; `more` says that other bytes
 * follow at once (MSG_MORE). Never raises SIGPIPE. Under a carrier, what it was given and did not
 * send has to be sent next: the same bytes, wherever they lie by then, by this call, where `more`
 * says that it has not all of them, or by the next one. Fewer of them may be -EINVAL. The last of
 * those that were sent may then be of use to the peer only with those that follow. */
ssize_t stream_send(struct stream *stream, const struct iovec *pieces, int count, bool more);

/* Sends up to `size` bytes of a file from `offset`. 0 when the file has none there (truncated).
 * Keeps the file's own offset. */
ssize_t stream_send_file(struct stream *stream, int file, uint64_t offset, size_t size);

/* How many bytes were sent and not yet taken by the peer's system (SIOCOUTQ), in the carrier's own
 * measure; 0 when it cannot be told. */
size_t stream_unsent(const struct stream *stream);

/* Says that nothing more will be sent, where the carrier has a way to (TLS: close_notify), without
 * which the peer must take what it got for truncated: for whoever has sent all that it began. 0
 * when it is said, or there is nothing to be said; STREAM_WANT_*, -EINTR: call again; another: it
 * could not be said, and never will. What the peer sends can still be received; shutdown(2), where
 * it is wanted, is the caller's, and comes after it. */
int stream_end(struct stream *stream);

/* Whether the next receive has something to tell that the descriptor is no longer readable for: an
 * end or a failure that came behind bytes, or bytes themselves after a receive that filled its
 * whole space. */
static inline bool stream_holds(const struct stream *stream);

/* What a carrier provides: the calls above, of the same contracts. Its own struct begins with the
 * carrier. */
struct stream_calls {
    ssize_t (*receive)(struct stream *stream, void *to, size_t size);
    ssize_t (*discard)(struct stream *stream, size_t size, void *scratch, size_t scratch_size);
    ssize_t (*send)(struct stream *stream, const struct iovec *pieces, int count, bool more);
    ssize_t (*send_file)(struct stream *stream, int file, uint64_t offset, size_t size);
    int (*end)(struct stream *stream);
    bool (*holds)(const struct stream *stream);
    void (*finish)(struct stream_carrier *carrier); /* frees it */
};

struct stream_carrier {
    const struct stream_calls *calls;
};

/* Asked after every receive: a plain stream costs no call. */
static inline bool stream_holds(const struct stream *stream)
{
    return stream->carrier != NULL && stream->carrier->calls->holds(stream);
}
