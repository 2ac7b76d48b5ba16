#include "server/drop.h"

void drop_begin(struct exchange *x)
{
    x->body_dropped = 0;
    x->body_left = x->framing.length;
    x->chunked = (struct chunked){0};
}

static enum dropped drop_length(struct exchange *x)
{
    uint64_t here = x->end - x->begin;
    uint64_t drop = here < x->body_left ? here : x->body_left;
    x->begin += drop;
    x->body_left -= drop;
    return x->body_left == 0 ? DROPPED_ALL : DROPPED_MORE;
}

/* What is wrong is said as soon as it has come, so that the reply does not hang on what comes with
 * it. */
static enum dropped drop_chunks(struct exchange *x, uint64_t most)
{
    for (;;) {
        size_t used;
        struct bytes data;
        struct bytes text = {x->room + x->begin, x->end - x->begin};
        switch (chunked_read(&x->chunked, text, &used, &data)) {
        case CHUNKED_DATA:
            x->begin += used;
            x->body_dropped += data.len;
            if (x->body_dropped > most) {
                return DROPPED_TOO_MUCH;
            }
            break;
        case CHUNKED_MORE:
            x->begin = x->end;
            return DROPPED_MORE;
        case CHUNKED_END:
            x->begin += used;
            return DROPPED_ALL;
        case CHUNKED_MALFORMED:
            return DROPPED_MALFORMED;
        }
    }
}

enum dropped drop_body(struct exchange *x, uint64_t most)
{
    switch (x->framing.kind) {
    case FRAMING_LENGTH:
        return drop_length(x);
    case FRAMING_CHUNKED:
        return drop_chunks(x, most);
    default:
        return DROPPED_ALL;
    }
}
