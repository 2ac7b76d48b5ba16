/* TLS beneath a stream: OpenSSL's calls, with the outcomes of plain ones. */
#include "lib/tls/link.h"

#include "lib/base/clock.h"
#include "lib/tls/contexts.h"
#include "lib/tls/reason.h"
#include "lib/tls/wire.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* A record of this size and what TLS adds to it fit in one segment of TCP: its first bytes can
     * be used as soon as they are there. */
    QUICK_RECORD = 1370,
    /* So much is sent in such records, at first and after a silence, when TCP too begins anew with
     * a window of about this size; then in the largest ones, which cost the least. */
    QUICK_BYTES = 16384,
    SILENCE_MS = 1000,
    LARGEST_RECORD = 16384,
    BATCH_SIZE = 4 * LARGEST_RECORD, /* so much of what is sent is encrypted before it leaves */
    OVERHEAD = 32,                   /* of a record, unless it is padded */
    GATHER_SIZE = 2048,              /* pieces up to this size are put together on the stack */
    MESSAGES_MOST = 32, /* of TLS's own, one behind the other: some bring tickets or new keys */
};

struct link {
    struct stream_carrier carrier;
    SSL *ssl;
    char *reason; /* NULL: nothing failed, or there was no memory for it */
    struct tls_recall *recall;
    struct wire wire;
    uint32_t sent_ms;    /* when something was last sent, by a clock that turns over */
    uint32_t pending;    /* bytes that were encrypted, but have not all left; */
    uint32_t told;       /* so many of these the caller was told of already */
    uint16_t quick_left; /* of QUICK_BYTES */
    uint16_t record;     /* the largest that the peer takes */
    unsigned messages;   /* of TLS's own that came behind the last bytes */
    bool serves;
    bool met;       /* the handshake is done */
    bool vague;     /* the reason tells that the wire failed, and not why */
    bool has_end;   /* close_notify was sent */
    int broken;     /* what all calls come to from now on; 0: nothing is broken */
    int unsendable; /* what calls that send come to; what has come may still be received */
    int later;      /* what the next receive has to tell: 1 an end, below 0 a failure */
};

static struct link *link_of(const struct stream *stream)
{
    return (struct link *)stream->carrier;
}

static struct link *link_of_ssl(const SSL *ssl)
{
    struct wire *wire = wire_of(SSL_get_rbio(ssl));
    return (struct link *)((char *)wire - offsetof(struct link, wire));
}

/* --- outcomes --------------------------------------------------------------------------------- */

/* The first one is the cause of the others; but where nothing could be sent any more, what the peer
 * said before it left tells why. */
static void set_reason(struct link *link, const char *text)
{
    if (link->reason == NULL || link->vague) {
        free(link->reason);
        link->reason = strdup(text);
        link->vague = false;
    }
}

static void set_vague_reason(struct link *link, int error)
{
    if (link->reason == NULL) {
        link->reason = strdup(strerror(error));
        link->vague = true;
    }
}

/* The client's first bytes are no record of TLS but the beginning of a line. */
static bool is_plain_http(const struct link *link, int reason)
{
    return link->serves && (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ||
                            (reason == SSL_R_WRONG_VERSION_NUMBER && link->wire.first >= 'A' &&
                             link->wire.first <= 'Z'));
}

static int fail_of_queue(struct link *link)
{
    char text[TLS_WRONG];
    int reason = reason_of_queue(text, sizeof(text));
    bool plain = SSL_in_init(link->ssl) && is_plain_http(link, reason);
    set_reason(link, plain ? "spoke plain HTTP" : text);
    link->broken = plain ? TLS_PLAIN_HTTP : STREAM_BROKEN;
    return link->broken;
}

static int fail_of_wire(struct link *link)
{
    int error = link->wire.error;
    if (error == 0 && link->wire.ended) {
        set_reason(link, SSL_in_init(link->ssl) ? "closed during the handshake"
                                                : "closed without an end of TLS");
        return STREAM_TRUNCATED;
    }
    error = error != 0 ? error : EPIPE;
    set_vague_reason(link, error);
    return -error;
}

/* Before each call of OpenSSL that may fail: what it says of that one is all that is in its queue.
 */
static void begin(struct link *link)
{
    ERR_clear_error();
    link->wire.error = 0;
    link->wire.full = 0;
}

/* What a call came to that did not do what it was asked for. 0: the peer has said that it ends. */
static int came_of(struct link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return link->wire.error == EINTR ? -EINTR : STREAM_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return link->wire.error == EINTR ? -EINTR : STREAM_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return fail_of_wire(link);
    default:
        return fail_of_queue(link);
    }
}

/* The same of a call that is to receive: a signal that ended a wait for room to send is told as
 * that wait. */
static int came_of_receiving(struct link *link, int result)
{
    int came = came_of(link, result);
    return came == -EINTR && SSL_want(link->ssl) == SSL_WRITING ? STREAM_WANT_WRITE : came;
}

/* --- receive ---------------------------------------------------------------------------------- */

/* Whether it makes sense to ask OpenSSL once more after it gave bytes. */
static bool may_have_more(const struct link *link)
{
    return !link->wire.drained || SSL_has_pending(link->ssl);
}

void link_on_message(int sent, int version, int kind, const void *bytes, size_t size, SSL *ssl,
                     void *argument)
{
    (void)version;
    (void)bytes;
    (void)size;
    (void)argument;
    if (!sent && kind == SSL3_RT_HANDSHAKE) {
        link_of_ssl(ssl)->messages++;
    }
}

/* A message of TLS's own was taken, and nothing behind it: 0 to look on, or a failure. Nobody needs
 * many; to work off what comes without an end would keep whoever shares the thread. */
static int took_message(struct link *link)
{
    if (link->messages <= MESSAGES_MOST) {
        return 0;
    }
    set_reason(link, "sent too many messages without content");
    link->broken = STREAM_BROKEN;
    return link->broken;
}

/* Fills the space, in as many turns as the peer has made records; and again if `drops`. It may wait
 * once, before the first byte: then its caller looks at the time, though no record be whole. */
static ssize_t take(struct link *link, char *to, size_t size, size_t space, bool drops)
{
    size_t taken = 0;
    link->wire.drained = false;
    link->wire.patient = true;
    while (taken < size && (taken == 0 || may_have_more(link))) {
        size_t got = 0, most = size - taken < space ? size - taken : space;
        link->wire.enough = taken > 0;
        link->wire.patient = link->wire.patient && taken == 0;
        begin(link);
        int result = SSL_read_ex(link->ssl, drops ? to : to + taken, most, &got);
        if (result == 1) {
            taken += got;
            link->messages = 0;
            continue;
        }
        int came = came_of_receiving(link, result);
        if (came == STREAM_WANT_READ && link->wire.error == 0) {
            came = took_message(link);
            if (came == 0) {
                continue;
            }
        }
        if (!stream_may_repeat(came)) {
            link->later = came == 0 ? 1 : came;
        }
        return taken > 0 ? (ssize_t)taken : came;
    }
    return (ssize_t)taken;
}

/* What was found behind bytes, and all that there is to be told from then on. */
static ssize_t told(const struct link *link)
{
    return link->later > 0 ? 0 : link->later;
}

static ssize_t link_receive(struct stream *stream, void *to, size_t size)
{
    struct link *link = link_of(stream);
    return link->later != 0 ? told(link) : take(link, to, size, size, false);
}

static ssize_t link_discard(struct stream *stream, size_t size, void *scratch, size_t scratch_size)
{
    struct link *link = link_of(stream);
    return link->later != 0 ? told(link) : take(link, scratch, size, scratch_size, true);
}

static bool link_holds(const struct stream *stream)
{
    const struct link *link = link_of(stream);
    return link->later != 0 || SSL_has_pending(link->ssl);
}

/* --- send ------------------------------------------------------------------------------------- */

static int cannot_send(const struct link *link)
{
    return link->broken != 0 ? link->broken : link->unsendable;
}

static bool kernel_encrypts(const struct link *link)
{
    return tls_kernel_helps() && BIO_get_ktls_send(SSL_get_wbio(link->ssl));
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
    set_vague_reason(link, -error);
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
    int came = came_of(link, result);
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

static ssize_t link_send(struct stream *stream, const struct iovec *pieces, int count, bool more)
{
    struct link *link = link_of(stream);
    struct cursor cursor = {pieces, count, 0};
    size_t left = left_of(&cursor);
    if (cannot_send(link)) {
        return cannot_send(link);
    }
    if (kernel_encrypts(link)) {
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
    begin(link);
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

static ssize_t link_send_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
    struct link *link = link_of(stream);
    if (cannot_send(link)) {
        return cannot_send(link);
    }
    if (size == 0 || size < owed(link)) {
        return size == 0 ? 0 : -EINVAL;
    }
    if (kernel_encrypts(link)) {
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
    if (SSL_in_init(link->ssl) && SSL_do_handshake(link->ssl) != 1) {
        return 0;
    }
    int result = SSL_shutdown(link->ssl);
    link->has_end = result >= 0;
    return result < 0 ? came_of(link, result) : 0;
}

static int link_end(struct stream *stream)
{
    struct link *link = link_of(stream);
    if (cannot_send(link) || !link->met) {
        return cannot_send(link);
    }
    begin(link);
    int came = link->has_end ? 0 : say_end(link);
    return came < 0 ? came : push(link, false);
}

/* Without this OpenSSL would take a session that was not ended properly for a bad one. */
static void link_finish(struct stream_carrier *carrier)
{
    struct link *link = (struct link *)carrier;
    if (link->ssl != NULL && !SSL_in_init(link->ssl)) {
        SSL_set_shutdown(link->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(link->ssl);
    wire_drop(&link->wire);
    free(link->reason);
    free(link);
}

/* --- begin ------------------------------------------------------------------------------------ */

static const struct stream_calls calls = {
    .receive = link_receive,
    .discard = link_discard,
    .send = link_send,
    .send_file = link_send_file,
    .end = link_end,
    .holds = link_holds,
    .finish = link_finish,
};

static struct link *link_create(int fd, SSL_CTX *context)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    *link = (struct link){
        .carrier = {&calls},
        .ssl = SSL_new(context),
        .wire = {.fd = fd, .patient = true},
        .sent_ms = now_ms(),
        .quick_left = QUICK_BYTES,
        .record = LARGEST_RECORD,
    };
    BIO *bio = link->ssl != NULL ? wire_bio(&link->wire) : NULL;
    if (bio == NULL) {
        link_finish(&link->carrier);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(link->ssl, bio, bio);
    return link;
}

static int put_beneath(struct stream *stream, struct link *link)
{
    stream->carrier = &link->carrier;
    stream->discards = false;
    return 0;
}

int tls_accept(struct stream *stream, struct tls_server *server)
{
    struct link *link = link_create(stream->fd, server->front);
    if (link == NULL) {
        return -ENOMEM;
    }
    link->serves = true;
    SSL_set_accept_state(link->ssl);
    return put_beneath(stream, link);
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* RFC 6066 3: an address is never asked for, nor the dot that a name may end with. OpenSSL takes an
 * empty name for none, and would then check nothing. */
static int ask_for(SSL *ssl, const char *host)
{
    char name[256];
    if (is_address(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 ? 0 : -ENOMEM;
    }
    size_t length = strlen(host);
    length -= length > 0 && host[length - 1] == '.';
    if (length == 0 || length >= sizeof(name)) {
        return -EINVAL;
    }
    memcpy(name, host, length);
    name[length] = '\0';
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool asked = SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
    return asked ? 0 : -ENOMEM;
}

/* Without one, or without memory for it, there will be a full handshake. */
static void offer(SSL *ssl, struct tls_recall *recall)
{
    SSL_SESSION *session = recall_take(recall);
    if (session != NULL) {
        SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
    }
}

int tls_connect(struct stream *stream, struct tls_client *client, const char *host,
                struct tls_recall *recall)
{
    struct link *link = link_create(stream->fd, client->context);
    if (link == NULL) {
        return -ENOMEM;
    }
    link->recall = recall;
    SSL_set_connect_state(link->ssl);
    int error = host != NULL ? ask_for(link->ssl, host) : 0;
    if (error < 0) {
        link_finish(&link->carrier);
        ERR_clear_error();
        return error;
    }
    if (recall != NULL) {
        offer(link->ssl, recall);
    }
    return put_beneath(stream, link);
}

/* --- handshake -------------------------------------------------------------------------------- */

/* RFC 6066 4: a peer may have asked for smaller records. */
static uint16_t largest_record(const SSL *ssl)
{
    unsigned code = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl));
    return (uint16_t)(code >= 1 && code <= 4 ? 256u << code : LARGEST_RECORD);
}

/* In TLS 1.2 a session that is resumed may come with a new ticket, of which the callback for new
 * sessions is not told. */
static void keep_renewed(struct link *link)
{
    if (link->recall != NULL && SSL_version(link->ssl) == TLS1_2_VERSION &&
        SSL_session_reused(link->ssl)) {
        recall_keep(link->recall, SSL_get_session(link->ssl));
    }
}

int tls_handshake(struct stream *stream)
{
    struct link *link = link_of(stream);
    if (link->broken != 0) {
        return link->broken;
    }
    begin(link);
    link->wire.patient = true;
    link->wire.enough = false;
    link->wire.more = false;
    int result = SSL_do_handshake(link->ssl);
    if (result == 1) {
        link->met = true;
        link->wire.keeps = !kernel_encrypts(link);
        link->record = largest_record(link->ssl);
        link->messages = 0;
        keep_renewed(link);
        return 0;
    }
    int came = came_of_receiving(link, result);
    if (came == 0) {
        set_reason(link, "closed during the handshake");
        came = STREAM_TRUNCATED;
    }
    if (!stream_may_repeat(came)) {
        link->broken = came;
    }
    return came;
}

/* The name or address that was asked for. */
static const char *host_of(SSL *ssl, char address[INET6_ADDRSTRLEN])
{
    const char *name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
    char *text = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(ssl));
    unsigned char bytes[16];
    *address = '\0';
    if (text != NULL) {
        int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
        if (inet_pton(family, text, bytes) == 1) {
            inet_ntop(family, bytes, address, INET6_ADDRSTRLEN); /* in its short form */
        }
        OPENSSL_free(text);
    }
    return name != NULL ? name : address;
}

int link_on_verdict(int fine, X509_STORE_CTX *verdict)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(verdict, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (fine == 0) {
        char text[TLS_WRONG], address[INET6_ADDRSTRLEN];
        reason_of_verdict(text, sizeof(text), X509_STORE_CTX_get_error(verdict),
                          X509_STORE_CTX_get_current_cert(verdict), host_of(ssl, address));
        set_reason(link_of_ssl(ssl), text);
    }
    return fine;
}

/* In TLS 1.3 this comes with the first bytes that are received. */
int link_on_session(SSL *ssl, SSL_SESSION *session)
{
    struct link *link = link_of_ssl(ssl);
    if (link->recall != NULL) {
        recall_keep(link->recall, session);
    }
    return 0; /* it remains OpenSSL's */
}

/* --- what there is to know -------------------------------------------------------------------- */

const char *tls_reason(const struct stream *stream)
{
    const struct link *link = link_of(stream);
    return link != NULL && link->reason != NULL ? link->reason : "";
}

const char *tls_protocol(const struct stream *stream)
{
    return stream->carrier == NULL ? "" : SSL_get_version(link_of(stream)->ssl);
}

const char *tls_cipher(const struct stream *stream)
{
    return stream->carrier == NULL ? "" : SSL_get_cipher_name(link_of(stream)->ssl);
}

bool tls_resumed(const struct stream *stream)
{
    return stream->carrier != NULL && SSL_session_reused(link_of(stream)->ssl) == 1;
}

bool tls_is_offloaded(const struct stream *stream)
{
    return stream->carrier != NULL && kernel_encrypts(link_of(stream));
}
