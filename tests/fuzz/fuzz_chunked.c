#include "lib/http/chunked.h"

#include "tests/fuzz/property.h"

/* What came out of a body, and how far its reader got. */
struct result {
    enum chunked_outcome outcome;
    size_t used; /* not counted on once malformed */
    char *content;
    size_t len;
};

static bool folds; /* as a client reads it */

/* Feeds one slice. */
static void feed(struct chunked *chunked, struct bytes slice, struct result *result)
{
    do {
        size_t used = 0;
        struct bytes data = {0};
        result->outcome = chunked_read(chunked, slice, &used, &data);
        if (result->outcome == CHUNKED_MALFORMED) {
            return;
        }
        PROPERTY(used <= slice.len);
        PROPERTY(result->outcome != CHUNKED_MORE || used == slice.len);
        if (result->outcome == CHUNKED_DATA) {
            PROPERTY(data.len > 0 && lies_within(data, slice));
            PROPERTY(data.at + data.len == slice.at + used);
            memcpy(result->content + result->len, data.at, data.len);
            result->len += data.len;
        }
        result->used += used;
        slice = (struct bytes){slice.at + used, slice.len - used};
    } while (result->outcome == CHUNKED_DATA);
}

/* Reads `body` in slices whose sizes are taken from `cuts`, round and round; whole without cuts. */
static struct result read_body(struct bytes body, struct bytes cuts)
{
    struct result result = {.outcome = CHUNKED_MORE, .content = malloc(body.len + 1)};
    struct chunked chunked = {.folds = folds};
    struct bytes rest = body;

    for (size_t i = 0; rest.len > 0 && result.outcome == CHUNKED_MORE; i++) {
        size_t len = cuts.len > 0 ? 1 + (unsigned char)cuts.at[i % cuts.len] % 16 : rest.len;
        len = len < rest.len ? len : rest.len;
        feed(&chunked, (struct bytes){rest.at, len}, &result);
        rest = (struct bytes){rest.at + len, rest.len - len};
    }
    return result;
}

/* Reads it whole, but takes off content unseen wherever it lies ahead. */
static struct result drop_body(struct bytes body)
{
    struct result result = {.outcome = CHUNKED_MORE, .content = malloc(body.len + 1)};
    struct chunked chunked = {.folds = folds};
    struct bytes rest = body;

    while (rest.len > 0 && result.outcome == CHUNKED_MORE) {
        uint64_t ahead = chunked_ahead(&chunked);
        size_t len = ahead < rest.len ? (size_t)ahead : rest.len;
        if (len > 0) {
            chunked_pass(&chunked, len);
            memcpy(result.content + result.len, rest.at, len);
            result.len += len;
            result.used += len;
        } else {
            len = 1;
            feed(&chunked, (struct bytes){rest.at, len}, &result);
        }
        rest = (struct bytes){rest.at + len, rest.len - len};
    }
    return result;
}

static void check_same(struct result a, struct result b)
{
    PROPERTY(a.outcome == b.outcome);
    PROPERTY(a.len == b.len && memcmp(a.content, b.content, a.len) == 0);
    PROPERTY(a.outcome == CHUNKED_MALFORMED || a.used == b.used);
    free(b.content);
}

/* What a plain encoder makes of any content is read back. */
static void check_encoded(struct bytes content, struct bytes cuts)
{
    char *body = malloc(content.len * 8 + 16);
    size_t len = 0;
    size_t at = 0;

    for (size_t i = 0; at < content.len; i++) {
        size_t left = content.len - at;
        size_t size = cuts.len > 0 ? 1 + (unsigned char)cuts.at[i % cuts.len] : left;
        size = size < left ? size : left;
        len += (size_t)sprintf(body + len, "%zx\r\n", size);
        memcpy(body + len, content.at + at, size);
        memcpy(body + len + size, "\r\n", 2);
        len += size + 2;
        at += size;
    }
    memcpy(body + len, "0\r\n\r\n", 5);
    struct result result = read_body((struct bytes){body, len + 5}, cuts);
    PROPERTY(result.outcome == CHUNKED_END && result.used == len + 5);
    PROPERTY(bytes_equal((struct bytes){result.content, result.len}, content));
    free(result.content);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = {(const char *)data, size};
    size_t count = tail_number(body, 1, 1) % 8;
    count = count < body.len ? count : body.len;
    folds = tail_number(body, 2, 1) % 2 == 0;
    struct bytes cuts = {body.at + body.len - count, count};

    struct result whole = read_body(body, (struct bytes){0});
    check_same(whole, read_body(body, cuts));
    check_same(whole, read_body(body, BYTES("\0")));
    check_same(whole, drop_body(body));
    free(whole.content);
    check_encoded(body, cuts);
    return 0;
}
