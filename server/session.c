#include "server/session.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "server/compute.h"

#include <assert.h>

/* The life of a request, in this order. At rest is 0: an all-zero state waits for a request. */
enum state {
    STATE_HEAD,  /* a request head has to be read */
    STATE_BODY,  /* its body has to be dropped */
    STATE_WAIT,  /* --delay */
    STATE_WORK,  /* --compute */
    STATE_FETCH, /* what it asks for has to be looked up */
    STATE_REPLY, /* its reply has to be queued */
    STATE_SEND,  /* what is queued has to leave */
    STATE_LAST,  /* nothing more is said */
};

#define CLOSE_GRACE_NS UINT64_C(1000000000) /* for a request on its way when a drain begins */
#define LINGER_NS UINT64_C(2000000000)      /* RFC 9112 9.6 */

void exchange_init(struct exchange *x, size_t capacity)
{
    x->next = NULL;
    x->capacity = capacity;
    x->begin = x->end = 0;
    x->piece_first = x->piece_end = 0;
    x->replies = 0;
    x->body = NULL;
    x->in_parts = false;
    x->text_used = 0;
}

/* A head, and a little of what follows it, so that a body can be dropped while its head stays. */
size_t exchange_capacity(const struct site *site)
{
    return site->limits.request.head + 2048;
}

void session_init(struct session *s, struct site *site, const struct moment *now)
{
    *s = (struct session){.site = site, .since_ns = now->now_ns, .state = STATE_HEAD};
}

static void release_replies(struct exchange *x)
{
    for (unsigned i = 0; i < x->replies; i++) {
        file_release(x->held[i]);
    }
    x->piece_first = x->piece_end = 0;
    x->replies = 0;
    x->body = NULL;
    x->in_parts = false;
    x->text_used = 0;
}

struct exchange *session_finish(struct session *s)
{
    struct exchange *x = session_take_back(s);
    if (x != NULL) {
        release_replies(x);
    }
    return x;
}

/* --- the queue of replies --------------------------------------------------------------------- */

static void add_piece(struct exchange *x, struct bytes bytes)
{
    if (bytes.len > 0) {
        x->pieces[x->piece_end++] = (struct iovec){(void *)(uintptr_t)bytes.at, bytes.len};
    }
}

/* "Delay: 1.234": the wait that this reply had, in seconds. */
static void write_delay(struct head *head, uint64_t delay_ns)
{
    char text[32];
    uint64_t ms = delay_ns / 1000000;
    size_t len = bytes_from_number(text, ms / 1000);
    text[len++] = '.';
    text[len++] = (char)('0' + ms / 100 % 10);
    text[len++] = (char)('0' + ms / 10 % 10);
    text[len++] = (char)('0' + ms % 10);
    head_field(head, BYTES("Delay"), (struct bytes){text, len});
}

/* The status line, and the fields of the moment. */
static void write_start(const struct exchange *x, unsigned status, const struct moment *now,
                        struct head *head)
{
    head_status(head, status);
    head_text(head, BYTES("Date: "));
    head_text(head, (struct bytes){now->date, DATE_SIZE});
    head_text(head, BYTES("\r\n"));
    if (x->delayed) {
        write_delay(head, x->delay_ns);
    }
    if (!x->persists) {
        head_text(head, BYTES("Connection: close\r\n"));
    } else if (x->speaks_1_0) {
        head_text(head, BYTES("Connection: keep-alive\r\n"));
    }
}

static struct bytes write_reply(struct exchange *x, const struct site *site,
                                const struct reply *reply, const struct moment *now)
{
    struct head head = {x->text + x->text_used, sizeof(x->text) - x->text_used, 0};
    write_start(x, reply->status, now, &head);
    if (!reply_is_ready(reply)) {
        reply_write(reply, site, &head);
    }
    return head_overflowed(&head) ? (struct bytes){0} : head_bytes(&head);
}

static void add_slice(struct exchange *x, struct file *file, struct slice slice)
{
    if (file->content.at != NULL) {
        size_t size = (size_t)(slice.end - slice.first);
        add_piece(x, (struct bytes){file->content.at + slice.first, size});
    } else {
        x->body = file;
        x->body_slice = slice;
    }
}

/* Queues as many of the parts that are left, each its text and its slice, as there is room for; a
 * slice that is sent from a descriptor has to leave before the next. */
static void add_parts(struct exchange *x)
{
    const struct multipart *multipart = x->answer.reply.multipart;
    struct file *file = x->answer.reply.file;
    while (x->part <= multipart->count && x->body == NULL && x->piece_end + 2 <= BATCH_PIECES &&
           sizeof(x->text) - x->text_used >= PART_SPARE) {
        struct head text = {x->text + x->text_used, sizeof(x->text) - x->text_used, 0};
        multipart_text(&text, multipart, x->part);
        assert(!head_overflowed(&text));
        add_piece(x, head_bytes(&text));
        x->text_used += text.len;
        if (x->part < multipart->count) {
            add_slice(x, file, multipart->slices[x->part]);
        }
        x->part++;
    }
}

static void begin_parts(struct exchange *x)
{
    x->in_parts = true;
    x->part = 0;
    add_parts(x);
}

/* A ready head and content in memory lie side by side, and leave as one piece. */
static void add_file(struct exchange *x, const struct reply *reply)
{
    const struct file *file = reply->file;
    size_t size = (size_t)(reply->slice.end - reply->slice.first);
    if (reply->multipart != NULL) {
        begin_parts(x);
    } else if (file->content.at == NULL) {
        add_piece(x, reply_is_ready(reply) ? file->head : (struct bytes){0});
        x->body = size > 0 ? reply->file : NULL;
        x->body_slice = reply->slice;
    } else if (reply_is_ready(reply)) {
        add_piece(x, (struct bytes){file->head.at, file->head.len + size});
    } else {
        add_piece(x, (struct bytes){file->content.at + reply->slice.first, size});
    }
}

/* The server may have been asked to stop since the request came. */
static void heed_drain(struct session *s)
{
    if (s->draining && s->exchange->persists) {
        s->exchange->persists = false;
        s->linger = true;
    }
}

/* What no part of the multipart reply to come can be made to hold: a boundary that nobody knows. */
static void draw_boundary(struct site *site, struct multipart *multipart)
{
    uint64_t draw = atomic_fetch_add_explicit(&site->boundaries, 2, memory_order_relaxed);
    multipart_bound(multipart, secret_at(&site->secret, draw), secret_at(&site->secret, draw + 1));
}

/* Queues x->answer.reply; takes its reference. False: there is no room for its text behind that of
 * the replies before it, which have to leave first. */
static bool queue_reply(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    struct reply *reply = &x->answer.reply;
    heed_drain(s);
    if (reply->multipart != NULL) {
        draw_boundary(s->site, reply->multipart);
    }
    struct bytes text = write_reply(x, s->site, reply, now);
    if (text.len == 0) { /* only a Location can be that long */
        assert(reply->file == NULL);
        if (x->text_used > 0) {
            return false;
        }
        reply_refuse(reply, 414, "The address of that folder is too long to be sent.");
        text = write_reply(x, s->site, reply, now);
        assert(text.len > 0);
    }
    add_piece(x, text);
    x->text_used += text.len;
    if (reply->file != NULL) {
        add_file(x, reply);
    }
    x->held[x->replies++] = reply->file;
    s->since_ns = now->now_ns;
    s->requests++;
    s->last = s->last || !x->persists;
    return true;
}

static bool is_queue_full(const struct exchange *x)
{
    return x->replies == BATCH_REPLIES || x->body != NULL || x->in_parts ||
           sizeof(x->text) - x->text_used < BATCH_SPARE;
}

/* What is queued leaves first. */
static void send_then(struct session *s, enum state state)
{
    s->state = STATE_SEND;
    s->after_send = (uint8_t)state;
    s->exchange->unsent = SIZE_MAX;
}

/* Goes on after a reply was queued: with the next request if its bytes are here and there is room
 * for its reply, so that several leave in one call. */
static void go_on(struct session *s)
{
    const struct exchange *x = s->exchange;
    if (s->last || is_queue_full(x) || x->begin == x->end) {
        send_then(s, s->last ? STATE_LAST : STATE_HEAD);
    } else {
        s->state = STATE_HEAD;
    }
}

/* A request that cannot be trusted: one reply, and nothing behind it is ever read as a request. */
static void refuse(struct session *s, unsigned status, const char *why, const struct moment *now)
{
    struct exchange *x = s->exchange;
    reply_refuse(&x->answer.reply, status, why);
    x->answer.reply.head_only = s->state != STATE_HEAD && x->request.method == METHOD_HEAD;
    x->persists = false;
    x->delayed = false;
    bool fits = queue_reply(s, now);
    assert(fits);
    (void)fits;
    s->linger = true;
    send_then(s, STATE_LAST);
}

/* --- what came of a step ---------------------------------------------------------------------- */

/* Nobody is there to be told anything, or must not be: what the client still says is dropped, and
 * the connection is closed over it. */
static void cut(struct session *s)
{
    if (s->exchange != NULL) {
        s->exchange->begin = s->exchange->end;
    }
    s->linger = false;
    s->state = STATE_LAST;
}

static void read_came(struct session *s, const struct moment *now, struct outcome came)
{
    struct exchange *x = s->exchange;
    bool at_rest = s->state == STATE_HEAD && (x == NULL || x->begin == x->end);
    switch (came.kind) {
    case CAME_DONE:
        if (at_rest || s->state == STATE_BODY) {
            s->since_ns = now->now_ns;
        }
        x->end += came.bytes;
        break;
    case CAME_TIMED_OUT:
        if (at_rest) {
            s->state = STATE_LAST;
        } else {
            refuse(s, 408, "The request did not come to its end in time.", now);
        }
        break;
    case CAME_DRAINING:
        if (at_rest && !s->grace) {
            s->since_ns = now->now_ns;
            s->grace = true;
        }
        break;
    case CAME_UNCHANGED:
        break;
    case CAME_ENDED:
    case CAME_COLD:
    case CAME_FAILED:
        cut(s);
        break;
    }
}

static void fetch_came(struct session *s, const struct moment *now, struct outcome came)
{
    struct exchange *x = s->exchange;
    if (came.kind == CAME_COLD) {
        send_then(s, STATE_FETCH); /* the replies that are ready need not wait for this one */
        return;
    }
    if (answer_fetched(&x->answer, x->fetch.came, x->fetch.file, now->wall_s) == ANSWER_REPLY) {
        s->state = STATE_REPLY;
    }
}

/* Counts off what has left. */
static void advance(struct exchange *x, size_t bytes)
{
    while (x->piece_first < x->piece_end && bytes >= x->pieces[x->piece_first].iov_len) {
        bytes -= x->pieces[x->piece_first++].iov_len;
    }
    if (x->piece_first < x->piece_end) {
        struct iovec *piece = &x->pieces[x->piece_first];
        piece->iov_base = (char *)piece->iov_base + bytes;
        piece->iov_len -= bytes;
    } else {
        x->body_slice.first += bytes;
    }
}

static bool is_queue_sent(const struct exchange *x)
{
    return x->piece_first == x->piece_end &&
           (x->body == NULL || x->body_slice.first == x->body_slice.end);
}

/* Whether all that is owed has left; when one part has and others have not, those are queued. */
static bool is_sent(struct exchange *x)
{
    if (!is_queue_sent(x)) {
        return false;
    }
    if (!x->in_parts || x->part > x->answer.multipart.count) {
        return true;
    }
    x->piece_first = x->piece_end = 0;
    x->body = NULL;
    x->text_used = 0;
    add_parts(x);
    return false;
}

static void send_came(struct session *s, const struct moment *now, struct outcome came)
{
    struct exchange *x = s->exchange;
    if (came.kind == CAME_UNCHANGED) {
        return;
    }
    if (came.kind == CAME_TIMED_OUT && came.bytes < x->unsent) {
        x->unsent = came.bytes; /* it took some since the last look, or this is the first one */
        s->since_ns = now->now_ns;
        return;
    }
    if (came.kind != CAME_DONE) {
        cut(s);
        return;
    }
    advance(x, came.bytes);
    x->unsent += x->unsent != SIZE_MAX ? came.bytes : 0;
    s->since_ns = now->now_ns;
    if (is_sent(x)) {
        release_replies(x);
        s->state = s->after_send;
    }
}

/* --- what to do next -------------------------------------------------------------------------- */

/* Each of these fills *next and returns true, or moves s->state on and returns false. */

static bool ask_read(struct session *s, enum patience patience, uint64_t timeout_ns,
                     struct step *next)
{
    *next = (struct step){
        .kind = STEP_READ, .patience = patience, .until_ns = clock_add(s->since_ns, timeout_ns)};
    return true;
}

/* What is left of an unfinished head goes to the front when the room behind it is used up. */
static void make_room(struct exchange *x)
{
    if (x->begin == x->end) {
        x->begin = x->end = 0;
    } else if (x->end == x->capacity && x->begin > 0) {
        memmove(x->room, x->room + x->begin, x->end - x->begin);
        x->end -= x->begin;
        x->begin = 0;
    }
}

static bool ask_more_of_head(struct session *s, struct step *next)
{
    struct exchange *x = s->exchange;
    if (x != NULL && x->replies > 0) {
        send_then(s, STATE_HEAD);
        return false;
    }
    if (!session_at_rest(s)) {
        make_room(x);
        return ask_read(s, PATIENCE_HEAD, s->site->timeouts.head_ns, next);
    }
    if (x != NULL) {
        make_room(x);
    }
    return s->draining ? ask_read(s, PATIENCE_DRAIN, CLOSE_GRACE_NS, next)
                       : ask_read(s, PATIENCE_IDLE, s->site->timeouts.idle_ns, next);
}

static unsigned status_of(enum request_outcome outcome)
{
    switch (outcome) {
    case REQUEST_TARGET_TOO_LONG:
        return 414;
    case REQUEST_FIELDS_TOO_LARGE:
        return 431;
    case REQUEST_VERSION:
        return 505;
    default:
        return 400;
    }
}

static void begin_delay(struct session *s)
{
    struct exchange *x = s->exchange;
    struct site *site = s->site;
    x->delayed = site->delays;
    if (site->delays) {
        uint64_t draw = atomic_fetch_add_explicit(&site->draws, 1, memory_order_relaxed);
        x->delay_ns = random_between(site->seed, draw, site->delay_low_ns, site->delay_high_ns);
    }
}

static bool is_allowed(enum method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_OPTIONS;
}

/* RFC 9110 10.1.1: a body that has not begun to come is asked for with "100 Continue", or refused
 * at once and never read. */
static void begin_expected_body(struct session *s, const struct moment *now,
                                enum expectation expectation)
{
    static const char go_on_then[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct exchange *x = s->exchange;
    if (expectation == EXPECTS_OTHER) {
        refuse(s, 417, "This expectation is not known here.", now);
    } else if (!is_allowed(x->request.method)) {
        x->persists = false;
        s->linger = true;
        s->state = STATE_WAIT;
    } else if (x->begin == x->end) {
        add_piece(x, (struct bytes){go_on_then, sizeof(go_on_then) - 1});
        send_then(s, STATE_BODY);
    }
}

/* The body is read behind the head, which stays, so there has to be room there. */
static void move_to_front(struct session *s)
{
    struct exchange *x = s->exchange;
    const char *why;
    size_t start = x->head_end - x->request.head_size;
    memmove(x->room, x->room + start, x->end - start);
    x->begin -= start;
    x->end -= start;
    x->head_end -= start;
    enum request_outcome outcome =
        request_read((struct bytes){x->room, x->end}, &s->site->limits.request, &x->request, &why);
    assert(outcome == REQUEST_COMPLETE);
    (void)outcome;
}

static void begin_body(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    if (x->framing.kind == FRAMING_LENGTH && x->framing.length > s->site->limits.body) {
        refuse(s, 413, "The request body is larger than is accepted here.", now);
        return;
    }
    x->body_dropped = 0;
    x->body_left = x->framing.length;
    x->chunked = (struct chunked){0};
    s->since_ns = now->now_ns;
    if (x->head_end > x->request.head_size) {
        move_to_front(s);
    }
    enum expectation expectation = request_expectation(&x->request);
    if (expectation != EXPECTS_NOTHING) {
        begin_expected_body(s, now, expectation);
    }
}

/* Whether the connection goes on after the reply, and who wants it to end. */
static void judge_persistence(struct session *s)
{
    struct exchange *x = s->exchange;
    uint64_t most = s->site->limits.requests;
    bool client_persists = framing_request_persists(&x->request);
    x->persists = client_persists && (most == 0 || s->requests + 1 < most);
    s->linger = client_persists && !x->persists;
}

static void begin_request(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    x->begin += x->request.head_size;
    x->head_end = x->begin;
    x->speaks_1_0 = x->request.minor == 0;
    x->framing = framing_of_request(&x->request);
    s->state = STATE_BODY;
    if (x->framing.kind == FRAMING_REFUSED) {
        refuse(s, x->framing.status, x->framing.why, now);
        return;
    }
    judge_persistence(s);
    begin_delay(s);
    if (x->framing.kind == FRAMING_NONE) {
        s->state = STATE_WAIT;
    } else {
        begin_body(s, now);
    }
}

static bool ask_head(struct session *s, const struct moment *now, struct step *next)
{
    struct exchange *x = s->exchange;
    const char *why = NULL;
    if (x == NULL || x->begin == x->end) {
        return ask_more_of_head(s, next);
    }
    struct bytes text = {x->room + x->begin, x->end - x->begin};
    enum request_outcome outcome = request_read(text, &s->site->limits.request, &x->request, &why);
    switch (outcome) {
    case REQUEST_COMPLETE:
        begin_request(s, now);
        return false;
    case REQUEST_MORE:
        return ask_more_of_head(s, next);
    default:
        refuse(s, status_of(outcome), why, now);
        return false;
    }
}

enum dropped {
    DROPPED_ALL,
    DROPPED_MORE,
    DROPPED_MALFORMED,
    DROPPED_TOO_MUCH
};

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

static enum dropped drop_body(struct exchange *x, uint64_t most)
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

static bool ask_more_of_body(struct session *s, struct step *next)
{
    struct exchange *x = s->exchange;
    x->begin = x->end = x->head_end;
    return ask_read(s, PATIENCE_BODY, s->site->timeouts.head_ns, next);
}

static bool ask_body(struct session *s, const struct moment *now, struct step *next)
{
    struct exchange *x = s->exchange;
    enum dropped dropped = drop_body(x, s->site->limits.body);
    if (dropped == DROPPED_MALFORMED) {
        refuse(s, 400, "The request body is malformed.", now);
    } else if (dropped == DROPPED_TOO_MUCH) {
        refuse(s, 413, "The request body is larger than is accepted here.", now);
    } else if (dropped == DROPPED_ALL) {
        s->state = STATE_WAIT;
    } else if (x->replies > 0) {
        send_then(s, STATE_BODY);
    } else {
        return ask_more_of_body(s, next);
    }
    return false;
}

/* Replies that are ready do not wait with this one. True: they have to leave first. */
static bool sends_first(struct session *s)
{
    if (s->exchange->replies > 0) {
        send_then(s, s->state);
        return true;
    }
    return false;
}

static bool ask_wait(struct session *s, const struct moment *now, struct step *next)
{
    struct exchange *x = s->exchange;
    if (!x->delayed) {
        s->state = STATE_WORK;
        return false;
    }
    if (sends_first(s)) {
        return false;
    }
    *next = (struct step){.kind = STEP_WAIT, .until_ns = now->now_ns + x->delay_ns};
    return true;
}

static void begin_answer(struct session *s)
{
    struct exchange *x = s->exchange;
    enum answer_next next = answer_begin(&x->answer, s->site, &x->request, x->room + x->capacity);
    s->state = next == ANSWER_FETCH ? STATE_FETCH : STATE_REPLY;
}

static bool ask_work(struct session *s, struct step *next)
{
    if (s->site->compute == 0) {
        begin_answer(s);
        return false;
    }
    if (sends_first(s)) {
        return false;
    }
    *next = (struct step){.kind = STEP_WORK, .work = {compute, &s->site->compute}};
    return true;
}

static bool ask_fetch(struct session *s, struct step *next)
{
    struct exchange *x = s->exchange;
    x->fetch.path = x->answer.path;
    x->fetch.warm_only = x->replies > 0;
    *next = (struct step){.kind = STEP_FETCH, .fetch = &x->fetch};
    return true;
}

static bool ask_reply(struct session *s, const struct moment *now)
{
    if (queue_reply(s, now)) {
        go_on(s);
    } else {
        send_then(s, STATE_REPLY);
    }
    return false;
}

static bool ask_send(const struct session *s, struct step *next)
{
    struct exchange *x = s->exchange;
    uint64_t left = x->body != NULL ? x->body_slice.end - x->body_slice.first : 0;
    *next = (struct step){
        .kind = STEP_SEND,
        .patience = PATIENCE_SEND,
        .until_ns = clock_add(s->since_ns, s->site->timeouts.send_ns),
        .send =
            {
                .pieces = x->pieces + x->piece_first,
                .count = x->piece_end - x->piece_first,
                .file = x->body,
                .offset = x->body_slice.first,
                .size = left < SEND_SLICE ? (size_t)left : SEND_SLICE,
            },
    };
    return true;
}

static bool ask_close(const struct session *s, const struct moment *now, struct step *next)
{
    *next = (struct step){
        .kind = STEP_CLOSE,
        .patience = PATIENCE_LINGER,
        .until_ns = now->now_ns + LINGER_NS,
        .linger = s->linger || (s->exchange != NULL && s->exchange->begin < s->exchange->end),
    };
    return true;
}

static void take(struct session *s, const struct moment *now, struct outcome came)
{
    switch ((enum state)s->state) {
    case STATE_HEAD:
    case STATE_BODY:
        read_came(s, now, came);
        break;
    case STATE_WAIT:
        s->state = STATE_WORK;
        break;
    case STATE_WORK:
        begin_answer(s);
        break;
    case STATE_FETCH:
        fetch_came(s, now, came);
        break;
    case STATE_SEND:
        send_came(s, now, came);
        break;
    case STATE_REPLY: /* no step is asked for in it */
    case STATE_LAST:
        break;
    }
}

static bool ask(struct session *s, const struct moment *now, struct step *next)
{
    switch ((enum state)s->state) {
    case STATE_HEAD:
        return ask_head(s, now, next);
    case STATE_BODY:
        return ask_body(s, now, next);
    case STATE_WAIT:
        return ask_wait(s, now, next);
    case STATE_WORK:
        return ask_work(s, next);
    case STATE_FETCH:
        return ask_fetch(s, next);
    case STATE_REPLY:
        return ask_reply(s, now);
    case STATE_SEND:
        return ask_send(s, next);
    case STATE_LAST:
        break;
    }
    return ask_close(s, now, next);
}

void session_step(struct session *s, const struct moment *now, struct outcome came,
                  struct step *next)
{
    take(s, now, came);
    while (!ask(s, now, next)) {
    }
}
