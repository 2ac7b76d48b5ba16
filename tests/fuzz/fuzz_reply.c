/* A reply has the same end, however it is cut and whether its head is remembered. */
#include "client/reply.h"

#include "tests/fuzz/property.h"

/* What came of a reply, and of the end of the connection behind it. */
struct result {
    enum reply_outcome outcome;
    enum reply_outcome end; /* when more was wanted */
    struct reply reply;
    struct digest content;
    size_t used;
};

static void pass(struct result *result, size_t *len)
{
    uint64_t unseen = reply_unseen(&result->reply);
    *len = unseen < *len ? (size_t)unseen : *len;
    result->outcome = reply_pass(&result->reply, *len);
    result->used += *len;
}

/* Reads `text` in slices whose sizes come from `cuts`, round and round; whole without cuts. With
 * `unseen`, content that nobody needs to see is passed over. */
static struct result read_reply(struct bytes text, struct bytes cuts, enum method to,
                                struct reply_memory *memory, bool unseen)
{
    struct result result = {.outcome = REPLY_MORE};
    size_t upto = 0;
    for (size_t i = 0; upto < text.len && result.outcome == REPLY_MORE; i++) {
        const char *why = NULL;
        size_t used = 0;
        size_t len = cuts.len > 0 ? 1 + (unsigned char)cuts.at[i % cuts.len] % 32 : text.len;
        len = len < text.len - upto ? len : text.len - upto;
        if (unseen && result.used == upto && reply_unseen(&result.reply) > 0) {
            pass(&result, &len);
            upto += len;
            continue;
        }
        upto += len;
        struct bytes here = {text.at + result.used, upto - result.used};
        result.outcome = reply_read(&result.reply, memory, to, here,
                                    unseen ? NULL : &result.content, &used, &why);
        PROPERTY(used <= here.len);
        PROPERTY((result.outcome == REPLY_BROKEN) <= (why != NULL));
        PROPERTY(result.outcome != REPLY_MORE || result.reply.phase == REPLY_HEAD ||
                 used == here.len);
        result.used += used;
    }
    if (result.outcome == REPLY_MORE) {
        const char *why;
        result.end = reply_end(&result.reply, &why);
        PROPERTY(result.end != REPLY_MORE);
    }
    return result;
}

static void check_same(const struct result *a, const struct result *b)
{
    PROPERTY(a->outcome == b->outcome && a->end == b->end);
    if (a->outcome == REPLY_BROKEN) {
        return; /* how far it was read before that hangs on the cuts */
    }
    PROPERTY(a->used == b->used && a->reply.body == b->reply.body);
    PROPERTY(a->reply.status == b->reply.status && a->reply.persists == b->reply.persists);
    PROPERTY(a->reply.has_delay == b->reply.has_delay);
    PROPERTY(!a->reply.has_delay || a->reply.delay_ns == b->reply.delay_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum method methods[] = {METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_CONNECT};
    static struct reply_memory memory, none;
    struct bytes text = {(const char *)data, size};
    enum method to = methods[tail_number(text, 1, 1) % 4];
    size_t count = tail_number(text, 2, 1) % 8;
    count = count < size ? count : size;
    struct bytes cuts = {text.at + size - count, count};

    memset(&memory, 0, sizeof(memory));
    memset(&none, 0, sizeof(none));
    struct result whole = read_reply(text, (struct bytes){0}, to, &memory, false);
    struct result remembered = read_reply(text, (struct bytes){0}, to, &memory, false);
    struct result cut = read_reply(text, cuts, to, &none, false);
    struct result unseen = read_reply(text, cuts, to, &memory, true);
    check_same(&whole, &remembered);
    check_same(&whole, &cut);
    PROPERTY(whole.outcome == REPLY_BROKEN ||
             digest_end(&whole.content) == digest_end(&cut.content));
    check_same(&whole, &unseen);
    return 0;
}
