/* A link that is hindered in what it sends: whatever send(2), pread(2) and realloc(3) come to, by
 * whichever calls the bytes are offered, and whatever the peer asks for meanwhile, every byte
 * arrives once, in order, and the end behind it. By seeds, so that what fails does so again. */
#include "lib/tls/link.h"

#include "tests/unit/tls/versions.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SEEDS = 150,
    BATCH_LEAST = 20000,
    TURNS_MOST = 100000,
    PIECES_MOST = 5,
};

/* --- hindrances ------------------------------------------------------------------------------- */

static struct {
    bool sends, reads, memory;
} hindered;

static unsigned draw(unsigned below)
{
    return (unsigned)random() % below;
}

ssize_t __real_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags);
ssize_t __real_pread(int fd, void *to, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

ssize_t __wrap_send(int fd, const void *from, size_t size, int flags)
{
    unsigned fate = hindered.sends ? draw(6) : 5;
    if (fate < 2) {
        errno = fate == 0 ? EINTR : EAGAIN;
        return -1;
    }
    return __real_send(fd, from, fate < 4 ? 1 + draw((unsigned)size) : size, flags);
}

ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset)
{
    unsigned fate = hindered.reads ? draw(8) : 7;
    if (fate == 0) {
        errno = EINTR;
        return -1;
    }
    return __real_pread(fd, to, fate < 3 ? 1 + draw((unsigned)size) : size, offset);
}

/* For a batch: what a call can do without, or be made again for. */
void *__wrap_realloc(void *memory, size_t size)
{
    bool begins = memory == NULL && size > BATCH_LEAST;
    return hindered.memory && begins && draw(4) == 0 ? NULL : __real_realloc(memory, size);
}

/* --- one try ---------------------------------------------------------------------------------- */

struct
try {
    struct ends ends;
    SSL *peer;
    int file; /* the pattern */
    const unsigned char *bytes;
    size_t total, sent, got;
    size_t offered; /* up to here: what of it was not sent has to be offered again */
    bool renews;    /* the peer asks for new keys now and then */
};

static void open_try(struct try *try, unsigned seed)
{
    srandom(seed);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool older = draw(3) == 0;
    unsigned small = 2048u << draw(6);
    SSL_CTX_set_max_proto_version(context, older ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_tlsext_max_fragment_length(context, draw(2) * draw(5)); /* 0: none is asked for */
    ends_open(&try->ends, world.server, NULL, NULL, NULL);
    try->peer = stranger(&try->ends, context);
    assert_int_equal(stranger_shake(&try->ends, try->peer).server, 0);
    setsockopt(try->ends.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    try->total = 1 + draw(draw(3) == 0 ? 3000 : BODY);
    try->renews = !older && draw(2) == 0;
    hindered.sends = draw(2) == 0;
    hindered.reads = draw(2) == 0;
    hindered.memory = draw(2) == 0;
}

static void close_try(struct try *try)
{
    SSL_free(try->peer);
    ends_close(&try->ends);
}

/* How much is offered now: all, or what has to be at least and a part of the rest. */
static size_t amount(const struct try *try)
{
    size_t left = try->total - try->sent,
           least = try->offered > try->sent ? try->offered : try->sent;
    return draw(2) == 0 ? left : least - try->sent + draw((unsigned)(try->total - least) + 1);
}

static ssize_t offer_of_file(struct try *try)
{
    size_t size = amount(try);
    if (size == 0) {
        return STREAM_WANT_WRITE;
    }
    try->offered = try->sent + size > try->offered ? try->sent + size : try->offered;
    return stream_send_file(&try->ends.server, try->file, try->sent, size);
}

/* From another place each time. */
static ssize_t offer_of_memory(struct try *try)
{
    struct iovec pieces[PIECES_MOST];
    bool more = draw(2) == 0;
    size_t size = more ? 1 + draw((unsigned)(try->total - try->sent)) : amount(try);
    unsigned char *copy = malloc(size + 1);
    int count = 1 + (int)draw(PIECES_MOST);
    memcpy(copy, try->bytes + try->sent, size);
    for (size_t i = 0, at = 0; i < (size_t)count; i++) {
        size_t some = i + 1 == (size_t)count ? size - at : draw((unsigned)(size - at) + 1);
        pieces[i] = (struct iovec){copy + at, some};
        at += some;
    }
    try->offered = try->sent + size > try->offered ? try->sent + size : try->offered;
    ssize_t came =
        size > 0 ? stream_send(&try->ends.server, pieces, count, more) : STREAM_WANT_WRITE;
    free(copy);
    return came;
}

static bool peer_takes(struct try *try)
{
    static unsigned char some[65536];
    int size = SSL_read(try->peer, some, 1 + (int)draw(sizeof(some)));
    pattern_check(some, size > 0 ? (size_t)size : 0, try->got);
    try->got += size > 0 ? (size_t)size : 0;
    return size > 0;
}

static void peer_asks(struct try *try)
{
    char some[100];
    if (try->renews && draw(4) == 0) {
        SSL_key_update(try->peer,
                       draw(2) == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_write(try->peer, "x", 1);
    }
    if (draw(2) == 0) {
        ssize_t came = stream_receive(&try->ends.server, some, sizeof(some));
        assert_true(came > 0 || stream_may_repeat(came));
    }
}

static void send_all(struct try *try, unsigned ways)
{
    for (unsigned turn = 0; try->sent < try->total; turn++) {
        assert_true(turn < TURNS_MOST);
        ssize_t came =
            ways == 0 || (ways == 1 && draw(2) == 0) ? offer_of_file(try) : offer_of_memory(try);
        assert_true(came > 0 || stream_may_repeat(came) || came == -ENOMEM);
        try->sent += came > 0 ? (size_t)came : 0;
        assert_true(try->sent <= try->offered);
        if (came == STREAM_WANT_WRITE || draw(3) == 0) {
            for (unsigned i = draw(8); i > 0 && peer_takes(try); i--) {
            }
            peer_asks(try);
        }
    }
}

static void end(struct try *try)
{
    int came;
    for (unsigned turn = 0; (came = stream_end(&try->ends.server)) != 0; turn++) {
        assert_true(turn < TURNS_MOST && stream_may_repeat(came));
        peer_takes(try);
    }
    while (peer_takes(try)) {
    }
    assert_int_equal(SSL_get_shutdown(try->peer) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    assert_int_equal(try->got, try->total);
}

static void every_byte_arrives_once(void **state)
{
    static unsigned char bytes[BODY];
    int file = pattern_file(BODY);
    (void)state;
    pattern_fill(bytes, BODY);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct try try = {.file = file, .bytes = bytes};
        open_try(&try, seed);
        send_all(&try, seed % 3);
        end(&try);
        hindered.sends = hindered.reads = hindered.memory = false;
        close_try(&try);
    }
    close(file);
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    signal(SIGPIPE, SIG_IGN);
    world_create(&world);
    suite_add(suite, CASE(every_byte_arrives_once));
    int failed = suite_run(suite, "tls/link_hindered");
    free(suite);
    world_destroy(&world);
    return failed;
}
