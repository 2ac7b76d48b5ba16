/* Sending over TLS: records that are small at first, and then leave several at once. */
#include "lib/tls/carrier.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* A record of this size and what TLS adds to it fit in one segment of TCP: its first bytes can
     * be used as soon as they are there. */
    QUICK_RECORD = 1370,
    SILENCE_MS = 1000,               /* and then so are the next ones */
    BATCH_SIZE = 4 * LARGEST_RECORD, /* so much is encrypted before it leaves */
    OVERHEAD = 32,                   /* of a record, unless it is padded */
    GATHER_SIZE = 2048,              /* pieces up to this size are put together on the stack */
};

static int cannot_send(const struct link *link)
{
    return link->broken != 0 ? link->broken : link->unsendable;
}

static uint32_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS);
}

static void begin_sending(struct link *link)
{
    uint32_t now = now_ms();
    if (now - link->sent_ms >= SILENCE_MS) {
        link->quick_left = QUICK_BYTES;
    }
    link->sent_ms = now;
    link->wire.full = 0;
}

static size_t record_size(const struct link *link)
{
    return link->quick_left > 0 && link->record > QUICK_RECORD ? QUICK_RECORD : link->record;
}

/* What cannot be sent makes a call fail, and those that follow. */
static int give_up(struct link *link, int error)
{
    link->unsendable = error;
    return error;
}

static int give_up_wire(struct link *link, int error)
{
    link_set_vague_reason(link, -error);
    return give_up(link, error);
}

/* Encrypts one record, which leaves, or is gathered or kept by the wire. A message of TLS's own may
 * have to go first, and to be waited for. */
static ssize_t write_record(struct link *link, const void *from, size_t size)
{
    size_t written = 0;
    ERR_clear_error();
    link->wire.error = 0;
    link->wire.patient = true;
    link->wire.enough = false;
    int result = SSL_write_ex(link->ssl, from, size, &written);
    if (result == 1) {
        link->quick_left -= (uint16_t)(written < link->quick_left ? written : link->quick_left);
        return (ssize_t)written;
    }
    int came = link_came_of(link, result);
    return stream_may_repeat(came) ? came : give_up(link, came == 0 ? -EPIPE : came);
}

/* How many bytes have to be offered next, 0: nothing is under way. */
static size_t owed(const struct link *link)
{
    return (size_t)link->pending - link->told;
}

/* Where the next byte of the pieces is. */
struct cursor {
    const struct iovec *piece;
    int count;
    size_t offset; /* in the first one */
};

static size_t left_of(const struct cursor *cursor)
{
    size_t size = 0;
    for (int i = 0; i < cursor->count; i++) {
        size += cursor->piece[i].iov_len;
    }
    return size - cursor->offset;
}

static void advance(struct cursor *cursor, size_t size)
{
    cursor->offset += size;
    while (cursor->count > 0 && cursor->offset >= cursor->piece->iov_len) {
        cursor->offset -= cursor->piece->iov_len;
        cursor->piece++;
        cursor->count--;
    }
}

static void gather(struct cursor cursor, char *to, size_t size)
{
    while (size > 0) {
        size_t here = cursor.piece->iov_len - cursor.offset;
        size_t some = here < size ? here : size;
        memcpy(to, (char *)cursor.piece->iov_base + cursor.offset, some);
        advance(&cursor, some);
        to += some;
        size -= some;
    }
}

/* Writes one record of the next bytes, put together from the pieces where it takes several. */
static ssize_t write_pieces(struct link *link, const struct cursor *cursor, size_t size)
{
    char small[GATHER_SIZE];
    if (cursor->piece->iov_len - cursor->offset >= size) {
        return write_record(link, (char *)cursor->piece->iov_base + cursor->offset, size);
    }
    char *gathered = size <= sizeof(small) ? small : malloc(size);
    if (gathered == NULL) {
        return -ENOMEM;
    }
    gather(*cursor, gathered, size);
    ssize_t came = write_record(link, gathered, size);
    if (gathered != small) {
        free(gathered);
    }
    return came;
}

/* --- batches ---------------------------------------------------------------------------------- */

/* For the records of so many bytes, and always for one more, whatever it is padded to: the system's
 * configuration of OpenSSL may ask for that (RecordPadding). */
static bool begin_batch(struct link *link, size_t size)
{
    size_t records = size / record_size(link) + 1;
    return wire_begin(&link->wire, size + records * OVERHEAD + SSL3_RT_MAX_PACKET_SIZE);
}

/* Encrypts the next bytes into the batch, as many as have room there: how many, or what came of the
 * first record. `in_place`: they lie at the end of its room. */
static ssize_t fill_batch(struct link *link, struct cursor cursor, size_t size, bool in_place)
{
    struct batch *batch = link->wire.batch;
    size_t room = batch->room, filled = 0;
    ssize_t came = 1;
    link->wire.gathers = true;
    while (filled < size && came > 0) {
        size_t left = size - filled, some = left < record_size(link) ? left : record_size(link);
        batch->room = in_place ? room - (left - some) : room; /* the others are still to be read */
        if (batch->room - batch->end < SSL3_RT_MAX_PACKET_SIZE) {
            break;
        }
        came = write_pieces(link, &cursor, some);
        if (came > 0) {
            filled += (size_t)came;
            advance(&cursor, (size_t)came);
        }
    }
    link->wire.gathers = false;
    batch->room = room;
    if (batch->end == 0) {
        wire_drop(&link->wire);
    }
    return filled > 0 ? (ssize_t)filled : came;
}

/* Sends what waits. 0: nothing does any more. */
static int push(struct link *link, bool more)
{
    link->wire.more = more;
    int came = link->wire.batch != NULL ? wire_send(&link->wire) : 0;
    return came == 0 || came == -EINTR ? came
           : came == -EAGAIN           ? STREAM_WANT_WRITE
                                       : give_up_wire(link, came);
}

/* How many bytes have left that the caller was not told of: of those that are pending, in the
 * proportion in which what they were encrypted to has. */
static size_t take_gone(struct link *link)
{
    const struct batch *batch = link->wire.batch;
    size_t gone = link->pending;
    if (batch != NULL) {
        size_t all = batch->sent + (batch->end - batch->begin);
        gone = (size_t)((uint64_t)link->pending * batch->sent / all);
    }
    size_t news = gone > link->told ? gone - link->told : 0;
    link->told += (uint32_t)news;
    if (batch == NULL) {
        link->pending = link->told = 0;
    }
    return news;
}

/* --- send from memory ------------------------------------------------------------------------- */

/* All that is offered is in what is under way, as is what follows it. */
static ssize_t tell(struct link *link, size_t size)
{
    link->told += (uint32_t)size;
    return (ssize_t)size;
}

/* One record leaves from where OpenSSL has made it; several leave together. */
static ssize_t encrypt_some(struct link *link, const struct cursor *cursor, size_t left, bool more)
{
    size_t size = left < BATCH_SIZE ? left : BATCH_SIZE;
    if (size > record_size(link) && begin_batch(link, size)) {
        return fill_batch(link, *cursor, size, false);
    }
    size = size < record_size(link) ? size : record_size(link);
    link->wire.more = more || size < left;
    return write_pieces(link, cursor, size);
}

static ssize_t write_all(struct link *link, struct cursor cursor, size_t left, bool more)
{
    size_t sent = 0;
    ssize_t came = 0;
    advance(&cursor, 0);
    while (left > 0 && came == 0) {
        if (link->wire.batch == NULL) {
            came = encrypt_some(link, &cursor, left, more);
            if (came < 0) {
                break;
            }
            link->pending = (uint32_t)came;
        }
        came = push(link, more || owed(link) < left);
        size_t gone = take_gone(link);
        sent += gone;
        left -= gone;
        advance(&cursor, gone);
    }
    return sent > 0 ? (ssize_t)sent : came;
}

/* By a plain stream: the kernel encrypts what comes by the descriptor. OpenSSL would remember where
 * what it could not send lay, and send what lies there later. */
static ssize_t send_plain(struct link *link, const struct iovec *pieces, int count, bool more)
{
    struct stream beneath = {.fd = link->wire.fd};
    ssize_t came = stream_send(&beneath, pieces, count, more);
    return came >= 0 || stream_may_repeat(came) ? came : give_up_wire(link, (int)came);
}

ssize_t link_send(struct stream *stream, const struct iovec *pieces, int count, bool more)
{
    struct link *link = link_of(stream);
    struct cursor cursor = {pieces, count, 0};
    size_t left = left_of(&cursor);
    if (cannot_send(link)) {
        return cannot_send(link);
    }
    if (link_kernel_encrypts(link)) {
        return send_plain(link, pieces, count, more);
    }
    if (left < owed(link)) {
        return more ? tell(link, left) : -EINVAL;
    }
    begin_sending(link);
    return write_all(link, cursor, left, more);
}

/* --- send a file ------------------------------------------------------------------------------ */

/* The bytes need not come by here. */
static ssize_t send_by_kernel(struct link *link, int file, uint64_t offset, size_t size)
{
    link_begin(link);
    errno = 0;
    ossl_ssize_t sent = SSL_sendfile(link->ssl, file, (off_t)offset, size, 0);
    if (sent >= 0) {
        return sent;
    }
    int error = errno;
    ERR_clear_error();
    if (error == EAGAIN || error == EINTR) {
        return error == EAGAIN ? STREAM_WANT_WRITE : -EINTR;
    }
    return give_up(link, error != 0 ? -error : STREAM_BROKEN);
}

/* Reads the next bytes to the end of the room that they are then encrypted into, from its beginning
 * on: it takes no other buffer, and no record reaches what is still to be read. 0: truncated. */
static ssize_t read_some(struct link *link, int file, uint64_t offset, size_t left)
{
    size_t size = left < BATCH_SIZE ? left : BATCH_SIZE;
    if (!begin_batch(link, size)) {
        return -ENOMEM;
    }
    struct batch *batch = link->wire.batch;
    struct iovec piece = {batch->bytes + batch->room - size, size};
    ssize_t got = pread(file, piece.iov_base, size, (off_t)offset);
    if (got <= 0) {
        got = got < 0 ? -errno : 0;
        wire_drop(&link->wire);
        return got;
    }
    batch->room -= size - (size_t)got; /* it may be less */
    return fill_batch(link, (struct cursor){&piece, 1, 0}, (size_t)got, true);
}

static ssize_t send_by_hand(struct link *link, int file, uint64_t offset, size_t size)
{
    size_t sent = 0;
    ssize_t came = 0;
    while (sent < size && came == 0) {
        if (link->wire.batch == NULL) {
            came = read_some(link, file, offset + sent, size - sent);
            if (came <= 0) {
                break;
            }
            link->pending = (uint32_t)came;
        }
        came = push(link, owed(link) < size - sent);
        sent += take_gone(link);
    }
    return sent > 0 ? (ssize_t)sent : came;
}

ssize_t link_send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
    struct link *link = link_of(stream);
    if (cannot_send(link)) {
        return cannot_send(link);
    }
    if (size == 0 || size < owed(link)) {
        return size == 0 ? 0 : -EINVAL;
    }
    if (link_kernel_encrypts(link)) {
        return send_by_kernel(link, file, offset, size);
    }
    begin_sending(link);
    return send_by_hand(link, file, offset, size);
}

/* --- end -------------------------------------------------------------------------------------- */

/* It goes behind what waits, and behind a message of TLS's own that was still to be written. 0 when
 * one of the peer's has come in part: nothing can then be said before the rest has. */
static int say_end(struct link *link)
{
    link->wire.more = false;
    link->wire.patient = false;
    if (SSL_in_init(link->ssl) && SSL_do_handshake(link->ssl) != 1) {
        return 0;
    }
    int result = SSL_shutdown(link->ssl);
    link->has_end = result >= 0;
    return result < 0 ? link_came_of(link, result) : 0;
}

int link_end(struct stream *stream)
{
    struct link *link = link_of(stream);
    if (cannot_send(link) || !link->met) {
        return cannot_send(link);
    }
    link_begin(link);
    int came = link->has_end ? 0 : say_end(link);
    return came < 0 ? came : push(link, false);
}
