#include "client/reply.h"

#include "lib/base/clock.h"
#include "lib/http/framing.h"
#include "lib/http/response.h"

/* "1.234567": seconds in decimal; what follows the ninth decimal is dropped. */
static bool read_seconds(struct bytes text, uint64_t *ns)
{
    const char *point = memchr(text.at, '.', text.len);
    size_t whole_len = point != NULL ? (size_t)(point - text.at) : text.len;
    unsigned long long whole;
    if (!bytes_to_number((struct bytes){text.at, whole_len}, &whole) || whole > 1000000) {
        return false;
    }
    uint64_t fraction = 0;
    uint64_t unit = NS_PER_S / 10;
    for (size_t i = whole_len + 1; i < text.len; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        fraction += (uint64_t)(text.at[i] - '0') * unit;
    }
    *ns = whole * NS_PER_S + fraction;
    return true;
}

static enum reply_outcome begin_body(struct reply *reply, const struct framing *framing,
                                     const char **why)
{
    switch (framing->kind) {
    case FRAMING_NONE:
        return REPLY_COMPLETE;
    case FRAMING_LENGTH:
        reply->phase = REPLY_LENGTH;
        reply->left = framing->length;
        return framing->length == 0 ? REPLY_COMPLETE : REPLY_MORE;
    case FRAMING_CHUNKED:
        reply->phase = REPLY_CHUNKED;
        reply->chunked.folds = true;
        return REPLY_MORE;
    case FRAMING_CLOSE:
        reply->phase = REPLY_UNTIL_CLOSE;
        reply->persists = false;
        return REPLY_MORE;
    case FRAMING_REFUSED:
        break;
    }
    *why = framing->why;
    return REPLY_BROKEN;
}

/* Whether the server says that it closes the connection, so that requests which follow on it are
 * not carried out (RFC 9112 9.6); as HTTP/1.0 says by saying nothing. */
static bool says_close(const struct response *response)
{
    return fields_list(&response->fields, FIELD_CONNECTION, BYTES("close")) ||
           (response->minor == 0 && !framing_response_persists(response));
}

/* A whole head of `size` bytes. REPLY_MORE: go on behind it, with the body or, after an interim
 * reply (RFC 9110 15.2), with the next head. */
static enum reply_outcome take_head(struct reply *reply, enum method to,
                                    const struct response *response, const char **why)
{
    if (response->status < 200) {
        /* nobody asked for another protocol, so nobody here speaks it */
        *why = "101 without an Upgrade";
        return response->status == 101 ? REPLY_BROKEN : REPLY_MORE;
    }
    const struct fields *fields = &response->fields;
    struct framing framing = framing_of_response(response, to);
    reply->status = response->status;
    reply->head_size = response->head_size;
    reply->persists = framing_response_persists(response);
    reply->closes = !reply->persists && says_close(response);
    reply->has_delay = fields_have(fields, FIELD_DELAY) &&
                       read_seconds(fields->value[FIELD_DELAY], &reply->delay_ns);
    return begin_body(reply, &framing, why);
}

static bool remembers(const struct reply_memory *memory, struct bytes text)
{
    return memory->size > 0 && text.len >= memory->size &&
           memcmp(text.at, memory->head, memory->size) == 0;
}

/* Only what was begun by this head alone can be told from it. */
static void remember(struct reply_memory *memory, const struct reply *reply,
                     enum reply_outcome outcome, struct bytes head)
{
    memory->size = 0;
    if (reply->status > 0 && head.len <= REPLY_MEMORY_MAX) {
        memory->size = head.len;
        memory->outcome = outcome;
        memory->reply = *reply;
        memcpy(memory->head, head.at, head.len);
    }
}

static enum reply_outcome read_new_head(struct reply *reply, enum method to, struct bytes text,
                                        size_t *used, const char **why)
{
    struct response response;
    switch (response_read(text, REPLY_HEAD_MAX, REPLY_FIELDS_MAX, &response, why)) {
    case RESPONSE_COMPLETE:
        *used = response.head_size;
        return take_head(reply, to, &response, why);
    case RESPONSE_MORE:
        *used = 0;
        return REPLY_MORE;
    case RESPONSE_MALFORMED:
    case RESPONSE_TOO_LARGE:
        break;
    }
    return REPLY_BROKEN;
}

/* A head that is malformed, unless it is for a folded line. Rare, and needs much of the stack. */
__attribute__((noinline)) static enum reply_outcome read_folded_head(struct reply *reply,
                                                                     enum method to,
                                                                     struct bytes text,
                                                                     size_t *used, const char **why)
{
    char room[REPLY_HEAD_MAX];
    struct bytes head = {room, text.len < sizeof(room) ? text.len : sizeof(room)};
    bool folded = response_unfold((struct bytes){text.at, head.len}, room);
    return folded ? read_new_head(reply, to, head, used, why) : REPLY_BROKEN;
}

static enum reply_outcome read_head(struct reply *reply, struct reply_memory *memory,
                                    enum method to, struct bytes text, size_t *used,
                                    const char **why)
{
    if (remembers(memory, text)) {
        *used = memory->size;
        *reply = memory->reply;
        return memory->outcome;
    }
    enum reply_outcome outcome = read_new_head(reply, to, text, used, why);
    if (outcome == REPLY_BROKEN) {
        outcome = read_folded_head(reply, to, text, used, why);
    }
    if (outcome != REPLY_BROKEN && *used > 0) {
        remember(memory, reply, outcome, (struct bytes){text.at, *used});
    }
    return outcome;
}

static void add_content(struct digest *content, struct bytes text)
{
    if (content != NULL) {
        digest_add(content, text.at, text.len);
    }
}

static enum reply_outcome read_chunks(struct reply *reply, struct bytes text, struct digest *digest,
                                      size_t *used, const char **why)
{
    size_t at = 0;
    for (;;) {
        size_t step;
        struct bytes content;
        struct bytes rest = {text.at + at, text.len - at};
        switch (chunked_read(&reply->chunked, rest, &step, &content)) {
        case CHUNKED_DATA:
            at += step;
            reply->body += content.len;
            add_content(digest, content);
            break;
        case CHUNKED_MORE:
            *used = text.len;
            return REPLY_MORE;
        case CHUNKED_END:
            *used = at + step;
            return REPLY_COMPLETE;
        case CHUNKED_MALFORMED:
            *why = "malformed chunk";
            return REPLY_BROKEN;
        }
    }
}

static enum reply_outcome read_body(struct reply *reply, struct bytes text, struct digest *content,
                                    size_t *used, const char **why)
{
    if (reply->phase == REPLY_CHUNKED) {
        return read_chunks(reply, text, content, used, why);
    }
    uint64_t unseen = reply_unseen(reply);
    *used = text.len < unseen ? text.len : (size_t)unseen;
    add_content(content, (struct bytes){text.at, *used});
    return reply_pass(reply, *used);
}

enum reply_outcome reply_read(struct reply *reply, struct reply_memory *memory, enum method to,
                              struct bytes text, struct digest *content, size_t *used,
                              const char **why)
{
    size_t at = 0;
    enum reply_outcome outcome = REPLY_MORE;
    if (content != NULL && reply->phase == REPLY_HEAD) {
        digest_init(content);
    }
    while (outcome == REPLY_MORE && at < text.len) {
        size_t step;
        struct bytes rest = {text.at + at, text.len - at};
        outcome = reply->phase == REPLY_HEAD ? read_head(reply, memory, to, rest, &step, why)
                                             : read_body(reply, rest, content, &step, why);
        if (outcome == REPLY_BROKEN || step == 0) {
            break;
        }
        at += step;
    }
    *used = at;
    return outcome;
}

uint64_t reply_unseen(const struct reply *reply)
{
    switch (reply->phase) {
    case REPLY_LENGTH:
        return reply->left;
    case REPLY_UNTIL_CLOSE:
        return UINT64_MAX;
    case REPLY_CHUNKED:
        return chunked_ahead(&reply->chunked);
    case REPLY_HEAD:
        break;
    }
    return 0;
}

enum reply_outcome reply_pass(struct reply *reply, uint64_t count)
{
    reply->body += count;
    if (reply->phase == REPLY_CHUNKED) {
        chunked_pass(&reply->chunked, count);
    }
    if (reply->phase == REPLY_LENGTH) {
        reply->left -= count;
        return reply->left == 0 ? REPLY_COMPLETE : REPLY_MORE;
    }
    return REPLY_MORE;
}

enum reply_outcome reply_end(const struct reply *reply, const char **why)
{
    if (reply->phase == REPLY_UNTIL_CLOSE) {
        return REPLY_COMPLETE;
    }
    *why = reply->phase == REPLY_HEAD ? "closed within the head" : "closed within the body";
    return REPLY_BROKEN;
}
