/* However two ends send over TLS, in pieces or from a file, in parts that begin again elsewhere,
 * with as much room as there is, and however they receive: every byte comes once and in its place,
 * and the end behind the last one. The input is what both do, an action a byte, with its numbers
 * behind it. */
#include "tests/fuzz/property.h"
#include "tests/unit/tls/ends.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MOST = 300000, /* that one end sends */
    PIECES = 4,
};

/* One end, and what it has sent and received of the pattern. */
struct end {
    struct stream *stream;
    size_t sent, got;
    size_t wanted; /* what it has offered, and has not sent; 0: it may offer anything */
    bool ended;    /* it has said its end */
};

static struct world world;
static struct tls_recall *recall;
static unsigned char pattern[MOST], space[MOST];
static int file;

static void create_all(void)
{
    if (recall == NULL) {
        world_create(&world);
        recall = tls_recall_create();
        pattern_fill(pattern, MOST);
        file = pattern_file(MOST);
    }
}

static size_t take_size(struct bytes *input, size_t most)
{
    size_t size = 1 + take_number(input, 1 + take_number(input, 1) % 2) * 3;
    return size < most ? size : most;
}

/* What came of sending the first of `offered` bytes. */
static void learn_sent(struct end *end, ssize_t came, size_t offered)
{
    if (stream_is_again(came)) {
        end->wanted = offered > end->wanted ? offered : end->wanted;
        return;
    }
    if (came == -EINVAL) { /* fewer than those that began to be sent */
        PROPERTY(offered < end->wanted);
        return;
    }
    PROPERTY(came > 0 && (size_t)came <= offered);
    end->sent += (size_t)came;
    offered = offered > end->wanted ? offered : end->wanted;
    end->wanted = offered - (size_t)came;
}

static void send_pieces(struct end *end, struct bytes *input)
{
    struct iovec pieces[PIECES];
    size_t at = end->sent, count = 1 + take_number(input, 1) % PIECES;
    bool more = take_number(input, 1) % 2;
    for (size_t i = 0; i < count; i++) {
        size_t size = at < MOST ? take_size(input, MOST - at) : 0;
        pieces[i] = (struct iovec){pattern + at, size};
        at += size;
    }
    size_t offered = at - end->sent;
    if (offered > 0) {
        ssize_t came = stream_send(end->stream, pieces, (int)count, more);
        PROPERTY(came != -EINVAL || !more);
        learn_sent(end, came, offered);
    }
}

static void send_file(struct end *end, struct bytes *input)
{
    size_t size = take_size(input, MOST - end->sent);
    if (size > 0) {
        learn_sent(end, stream_send_file(end->stream, file, end->sent, size), size);
    }
}

/* False: there is nothing. */
static bool receive(struct end *end, const struct end *other, size_t most, bool drops)
{
    ssize_t came = drops ? stream_discard(end->stream, most, space, most < 5000 ? most : 5000)
                         : stream_receive(end->stream, space, most);
    if (stream_is_again(came)) {
        return false;
    }
    if (came == 0) {
        PROPERTY(other->ended && end->got == other->sent);
        return false;
    }
    PROPERTY(came > 0 && (size_t)came <= most);
    PROPERTY(drops || memcmp(space, pattern + end->got, (size_t)came) == 0);
    end->got += (size_t)came;
    return true;
}

/* Sends what it has begun to. */
static void go_on(struct end *end)
{
    if (end->wanted > 0) {
        struct iovec rest = {pattern + end->sent, end->wanted};
        learn_sent(end, stream_send(end->stream, &rest, 1, true), end->wanted);
    }
}

/* Both send what they have begun to, and take all there is. */
static void settle(struct end *one, struct end *other)
{
    size_t turns = 0;
    while (one->wanted > 0 || other->wanted > 0 || one->got < other->sent ||
           other->got < one->sent) {
        go_on(one);
        go_on(other);
        while (receive(one, other, MOST, false)) {
        }
        while (receive(other, one, MOST, false)) {
        }
        PROPERTY(++turns < 10000);
    }
}

static void say_end(struct end *end, struct end *other)
{
    int came;
    for (int i = 0; stream_is_again(came = stream_end(end->stream)) && i < 10000; i++) {
        while (receive(other, end, MOST, false)) {
        }
    }
    PROPERTY(came == 0);
    end->ended = true;
}

static void act(struct end *end, struct end *other, unsigned action, struct bytes *input)
{
    switch (action % 6) {
    case 0:
    case 1:
        send_pieces(end, input);
        break;
    case 2:
        send_file(end, input);
        break;
    case 3:
    case 4:
        receive(end, other, take_size(input, MOST), action % 6 == 4);
        break;
    case 5:
        settle(end, other);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {(const char *)data, size};
    struct ends ends;
    create_all();
    unsigned how = (unsigned)take_number(&input, 1);
    int room = 2048 << (how >> 1) % 6;
    ends_open(&ends, world.server, how & 1 ? world.older : world.client, "server.test", recall);
    ends_meet(&ends);
    setsockopt(ends.server.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    setsockopt(ends.client.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    struct end end[2] = {{.stream = &ends.server}, {.stream = &ends.client}};
    while (input.len > 0) {
        unsigned action = (unsigned)take_number(&input, 1);
        act(&end[action & 1], &end[~action & 1], action >> 1, &input);
    }
    settle(&end[0], &end[1]);
    for (int i = 0; i < 2; i++) {
        say_end(&end[i], &end[1 - i]);
        while (receive(&end[1 - i], &end[i], MOST, false)) {
        }
        PROPERTY(end[1 - i].got == end[i].sent);
        PROPERTY(stream_receive(end[1 - i].stream, space, 1) == 0);
    }
    ends_close(&ends);
    return 0;
}
