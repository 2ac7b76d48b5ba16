#include "server/session.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "server/compute.h"
#include "server/drop.h"
#include "server/notes.h"
#include "server/queue.h"

#include <assert.h>

/* The life of a request, in this order. At rest is 0: an all-zero state waits for a request. */
enum state {
    STATE_HEAD,      /* a request head has to be read */
    STATE_BODY,      /* its body has to be dropped */
    STATE_WAIT,      /* --delay */
    STATE_WORK,      /* --compute */
    STATE_FETCH,     /* what it asks for has to be looked up */
    STATE_REPLY,     /* its reply has to be queued */
    STATE_LOAD,      /* the slice of a file that leaves next has to be at hand */
    STATE_SEND,      /* what is queued has to leave */
    STATE_LAST,      /* nothing more is said */
    STATE_HANDSHAKE, /* comes first, if at all */
};

#define CLOSE_GRACE_NS UINT64_C(1000000000) /* for a request on its way when a drain begins */
#define LINGER_NS UINT64_C(2000000000)      /* RFC 9112 9.6 */

void exchange_init(struct exchange *x, size_t capacity)
{
    x->next = NULL;
    x->capacity = capacity;
    x->begin = x->end = 0;
    x->load.memory = x->spent = NULL;
    queue_init(x);
}

/* A head, and a little of what follows it, so that a body can be dropped while its head stays. */
size_t exchange_capacity(const struct site *site)
{
    return site->limits.request.head + 2048;
}

void session_init(struct session *s, struct site *site, struct ledger *ledger,
                  const struct client *client, const struct moment *now)
{
    *s = (struct session){
        .site = site,
        .ledger = ledger,
        .client = *client,
        .since_ns = now->now_ns,
        .number = atomic_fetch_add_explicit(&site->arrivals, 1, memory_order_relaxed) + 1,
        .state = STATE_HEAD,
    };
    ledger_count(ledger, COUNT_ACCEPTED);
}

void session_secure(struct session *s)
{
    s->state = STATE_HANDSHAKE;
    s->secure = true;
}

struct exchange *session_finish(struct session *s, const struct moment *now)
{
    if (s->exchange != NULL) {
        notes_tell(s, PROGRESS_CUT, now);
        queue_release(s->exchange);
    }
    ledger_count(s->ledger, COUNT_CLOSED);
    return session_take_back(s);
}

/* --- the queue of replies --------------------------------------------------------------------- */

/* The server may have been asked to stop since the request came. */
static void heed_drain(struct session *s)
{
    if (s->draining && s->exchange->persists) {
        s->exchange->persists = false;
        s->linger = true;
    }
}

/* Queues x->answer.reply; takes its reference. False: there is no room for its text behind that of
 * the replies before it, which have to leave first. */
static bool queue_reply(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    struct placed placed;
    heed_drain(s);
    if (!queue_add(x, s->site, now, &placed)) {
        return false;
    }
    if (s->ledger != NULL) {
        notes_add(s, s->state != STATE_HEAD, &placed);
    }
    x->begun_ns = x->came_ns; /* of the next one, should it be here already */
    s->since_ns = now->now_ns;
    s->requests++;
    s->last = s->last || !x->persists;
    return true;
}

/* Sends on: what is in memory, or a slice of a file, which is loaded first. */
static void send_on(struct session *s)
{
    s->state = queue_has_to_load(s->exchange) ? STATE_LOAD : STATE_SEND;
}

/* What is queued leaves first. */
static void send_then(struct session *s, enum state state)
{
    s->after_send = (uint8_t)state;
    s->exchange->unsent = SIZE_MAX;
    s->exchange->judged_ns = s->since_ns;
    send_on(s);
}

/* Goes on after a reply was queued: with the next request if its bytes are here and there is room
 * for its reply, so that several leave in one call. */
static void go_on(struct session *s)
{
    const struct exchange *x = s->exchange;
    if (s->last || queue_is_full(x) || x->begin == x->end) {
        send_then(s, s->last ? STATE_LAST : STATE_HEAD);
    } else {
        s->state = STATE_HEAD;
    }
}

/* Whether a reply has no content (RFC 9110 9.3.2): a request whose head could not be read whole
 * says so by its first word. */
static bool asks_by_head(const struct session *s)
{
    static const char method[] = "HEAD ";
    const struct exchange *x = s->exchange;
    if (s->state != STATE_HEAD) {
        return x->request.method == METHOD_HEAD;
    }
    struct bytes text = {x->room + x->begin, x->end - x->begin};
    if (text.len >= 2 && memcmp(text.at, "\r\n", 2) == 0) {
        text = (struct bytes){text.at + 2, text.len - 2};
    }
    return text.len >= sizeof(method) - 1 && memcmp(text.at, method, sizeof(method) - 1) == 0;
}

/* A request that cannot be trusted: one reply, and nothing behind it is ever read as a request. */
static void refuse(struct session *s, unsigned status, const char *why, const struct moment *now)
{
    struct exchange *x = s->exchange;
    reply_refuse(&x->answer.reply, status, why);
    x->answer.reply.head_only = asks_by_head(s);
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
static void cut(struct session *s, const struct moment *now)
{
    if (s->exchange != NULL) {
        notes_tell(s, PROGRESS_CUT, now);
        s->exchange->begin = s->exchange->end;
    }
    s->linger = false;
    s->state = STATE_LAST;
}

/* Whether so few bytes in so long a time are less than is asked for. */
static bool is_too_slow(const struct session *s, uint64_t bytes, uint64_t elapsed_ns)
{
    return (double)bytes * NS_PER_S < (double)s->site->limits.min_rate * (double)elapsed_ns;
}

/* Looks at the rate of a request body when the time for a piece of it has passed: pieces that are
 * small enough would come in time for ever. */
static void judge_body(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    uint64_t elapsed_ns = now->now_ns - x->judged_ns;
    if (elapsed_ns < s->site->timeouts.head_ns) {
        return;
    }
    if (is_too_slow(s, x->fed, elapsed_ns)) {
        ledger_limit(s->ledger, LIMIT_MIN_RATE);
        refuse(s, 408, "The request body comes too slowly.", now);
        return;
    }
    x->judged_ns = now->now_ns;
    x->fed = 0;
}

/* For somebody on the way when the server was asked to stop: one more moment. */
static void begin_grace(struct session *s, const struct moment *now)
{
    if (!s->grace) {
        s->since_ns = now->now_ns;
        s->grace = true;
    }
}

/* RFC 9110 15.5.1 leaves it open what is said to who speaks the wrong protocol; it is said in the
 * one that was spoken, so that a person can read it. */
static void refuse_plain(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    ledger_handshake(s->ledger, HANDSHAKE_PLAIN);
    x->begun_ns = x->came_ns = s->since_ns;
    s->state = STATE_HEAD;
    refuse(s, 400, "Plain HTTP was spoken to a port that speaks HTTPS: use https:// here.", now);
}

static void handshake_came(struct session *s, const struct moment *now, struct outcome came)
{
    switch (came.kind) {
    case CAME_DONE:
        s->since_ns = now->now_ns;
        s->state = STATE_HEAD;
        break;
    case CAME_UNCHANGED:
    case CAME_DRAINING:
        break;
    case CAME_PLAIN:
        refuse_plain(s, now);
        break;
    case CAME_REFUSED:
        ledger_handshake(s->ledger, HANDSHAKE_FAILED);
        s->linger = true;
        s->state = STATE_LAST;
        break;
    case CAME_TIMED_OUT:
        ledger_handshake(s->ledger, HANDSHAKE_LATE);
        if (!s->grace) {
            ledger_limit(s->ledger, LIMIT_HEADER_TIMEOUT);
        }
        cut(s, now);
        break;
    default:
        ledger_handshake(s->ledger, came.kind == CAME_ENDED ? HANDSHAKE_ENDED : HANDSHAKE_FAILED);
        cut(s, now);
        break;
    }
}

static void bytes_came(struct session *s, const struct moment *now, size_t bytes, bool at_rest)
{
    struct exchange *x = s->exchange;
    ledger_add(s->ledger, COUNT_RECEIVED, bytes);
    x->end += bytes;
    x->came_ns = now->now_ns;
    if (at_rest) {
        s->since_ns = x->begun_ns = now->now_ns;
    } else if (s->state == STATE_BODY) {
        s->since_ns = now->now_ns;
        x->fed += bytes;
        judge_body(s, now);
    }
}

static void read_timed_out(struct session *s, const struct moment *now, bool at_rest)
{
    if (!at_rest) {
        ledger_limit(s->ledger, LIMIT_HEADER_TIMEOUT);
        refuse(s, 408, "The request did not come to its end in time.", now);
        return;
    }
    if (!s->draining) {
        ledger_limit(s->ledger, LIMIT_IDLE_TIMEOUT);
    }
    s->state = STATE_LAST;
}

static void read_came(struct session *s, const struct moment *now, struct outcome came)
{
    struct exchange *x = s->exchange;
    bool at_rest = s->state == STATE_HEAD && (x == NULL || x->begin == x->end);
    switch (came.kind) {
    case CAME_DONE:
        bytes_came(s, now, came.bytes, at_rest);
        break;
    case CAME_TIMED_OUT:
        read_timed_out(s, now, at_rest);
        break;
    case CAME_DRAINING:
        if (at_rest) {
            begin_grace(s, now);
        }
        break;
    case CAME_UNCHANGED:
        break;
    case CAME_ENDED:
        if (!at_rest) {
            ledger_mishap(s->ledger, MISHAP_INCOMPLETE);
        }
        cut(s, now);
        break;
    default:
        ledger_mishap(s->ledger, MISHAP_RECEIVE);
        cut(s, now);
        break;
    }
}

static void wait_came(struct session *s, const struct moment *now, struct outcome came)
{
    if (came.kind == CAME_FAILED) {
        cut(s, now);
    } else {
        s->state = STATE_WORK;
    }
}

static void tell_fetch(struct ledger *ledger, const struct fetch *fetch)
{
    ledger_count(ledger, fetch->recalled ? COUNT_CACHE_HITS : COUNT_CACHE_MISSES);
    if (fetch->came == FETCH_BUSY) {
        ledger_mishap(ledger, MISHAP_BUSY);
    } else if (fetch->came == FETCH_FAILED) {
        ledger_mishap(ledger, MISHAP_FILE);
    }
}

static void fetch_came(struct session *s, const struct moment *now, struct outcome came)
{
    struct exchange *x = s->exchange;
    if (came.kind == CAME_COLD) {
        send_then(s, STATE_FETCH); /* the replies that are ready need not wait for this one */
        return;
    }
    tell_fetch(s->ledger, &x->fetch);
    if (answer_fetched(&x->answer, x->fetch.came, x->fetch.file, now->wall_s) == ANSWER_REPLY) {
        s->state = STATE_REPLY;
    }
}

/* A look at what the client's system has not yet taken of what was sent. The first one tells
 * nothing but from where to count: a system may hold much that was sent before. */
static void send_timed_out(struct session *s, const struct moment *now, size_t unsent)
{
    struct exchange *x = s->exchange;
    bool first = x->unsent == SIZE_MAX;
    size_t taken = x->unsent > unsent ? x->unsent - unsent : 0;
    if (taken == 0) {
        ledger_limit(s->ledger, LIMIT_SEND_TIMEOUT);
        cut(s, now);
        return;
    }
    if (!first && is_too_slow(s, taken, now->now_ns - x->judged_ns)) {
        ledger_limit(s->ledger, LIMIT_MIN_RATE);
        cut(s, now);
        return;
    }
    x->unsent = unsent;
    s->since_ns = x->judged_ns = now->now_ns;
    send_on(s);
}

static void bytes_left(struct session *s, const struct moment *now, size_t bytes)
{
    struct exchange *x = s->exchange;
    ledger_add(s->ledger, COUNT_SENT, bytes);
    queue_left(x, bytes);
    x->unsent += x->unsent != SIZE_MAX ? bytes : 0;
    s->since_ns = now->now_ns;
    bool all = queue_is_sent(x);
    notes_tell(s, all ? PROGRESS_ALL : PROGRESS_SOME, now);
    if (all) {
        queue_release(x);
        s->state = s->after_send;
        x->judged_ns = now->now_ns;
    } else {
        send_on(s);
    }
}

/* It was not the client who was waited for. */
static void slice_came(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    uint64_t waited_ns = now->now_ns - x->asked_ns;
    s->since_ns += waited_ns;
    x->judged_ns += waited_ns;
    queue_loaded(x);
    s->state = STATE_SEND;
}

static void load_came(struct session *s, const struct moment *now, struct outcome came)
{
    switch (came.kind) {
    case CAME_UNCHANGED:
        break;
    case CAME_DONE:
        slice_came(s, now);
        break;
    case CAME_TIMED_OUT:
        send_timed_out(s, now, came.bytes);
        break;
    default:
        ledger_mishap(s->ledger, MISHAP_FILE);
        cut(s, now);
        break;
    }
}

static void send_came(struct session *s, const struct moment *now, struct outcome came)
{
    switch (came.kind) {
    case CAME_UNCHANGED:
        send_on(s);
        break;
    case CAME_DONE:
        bytes_left(s, now, came.bytes);
        break;
    case CAME_TIMED_OUT:
        send_timed_out(s, now, came.bytes);
        break;
    default:
        ledger_mishap(s->ledger, MISHAP_SEND);
        cut(s, now);
        break;
    }
}

void session_unload(struct session *s)
{
    queue_unload(s->exchange);
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

static bool ask_handshake(struct session *s, const struct moment *now, struct step *next)
{
    if (s->draining) {
        begin_grace(s, now);
    }
    uint64_t timeout_ns = s->grace ? CLOSE_GRACE_NS : s->site->timeouts.head_ns;
    *next = (struct step){
        .kind = STEP_HANDSHAKE,
        .patience = s->grace ? PATIENCE_DRAIN : PATIENCE_HANDSHAKE,
        .until_ns = clock_add(s->since_ns, timeout_ns),
    };
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
    case REQUEST_TOO_MANY_FIELDS:
        return 431;
    case REQUEST_VERSION:
        return 505;
    case REQUEST_METHOD_TOO_LONG:
        return 501;
    default:
        return 400;
    }
}

static void tell_refusal(struct ledger *ledger, enum request_outcome outcome)
{
    switch (outcome) {
    case REQUEST_METHOD_TOO_LONG:
    case REQUEST_TARGET_TOO_LONG:
    case REQUEST_FIELDS_TOO_LARGE:
        ledger_limit(ledger, LIMIT_HEAD);
        break;
    case REQUEST_TOO_MANY_FIELDS:
        ledger_limit(ledger, LIMIT_FIELDS);
        break;
    default:
        ledger_mishap(ledger, MISHAP_REQUEST);
        break;
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
        queue_piece(x, (struct bytes){go_on_then, sizeof(go_on_then) - 1});
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

static void refuse_large_body(struct session *s, const struct moment *now)
{
    ledger_limit(s->ledger, LIMIT_BODY);
    refuse(s, 413, "The request body is larger than is accepted here.", now);
}

static void begin_body(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    if (x->framing.kind == FRAMING_LENGTH && x->framing.length > s->site->limits.body) {
        refuse_large_body(s, now);
        return;
    }
    x->judged_ns = now->now_ns;
    x->fed = 0;
    drop_begin(x);
    s->since_ns = now->now_ns;
    if (x->head_end > x->request.head_size) {
        move_to_front(s);
    }
    enum expectation expectation = request_expectation(&x->request);
    if (expectation != EXPECTS_NOTHING) {
        begin_expected_body(s, now, expectation);
    }
}

/* Whether the connection goes on after the reply, and who wants it to end. A client that does has
 * no more to say, but that this is the end where TLS is spoken (RFC 8446 6.1): unread, that would
 * reset the reply away. */
static void judge_persistence(struct session *s)
{
    struct exchange *x = s->exchange;
    uint64_t most = s->site->limits.requests;
    bool client_persists = framing_request_persists(&x->request);
    bool is_one_more = most == 0 || s->requests + 1 < most;
    if (client_persists && !is_one_more) {
        ledger_limit(s->ledger, LIMIT_REQUESTS);
    }
    x->persists = client_persists && is_one_more;
    s->linger = (client_persists || s->secure) && !x->persists;
}

static void begin_request(struct session *s, const struct moment *now)
{
    struct exchange *x = s->exchange;
    x->begin += x->request.head_size;
    x->head_end = x->begin;
    x->speaks_1_0 = x->request.minor == 0;
    s->state = STATE_BODY;
    if (x->framing.kind == FRAMING_REFUSED) {
        ledger_mishap(s->ledger, MISHAP_REQUEST);
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

static bool has_body(const struct framing *framing)
{
    return framing->kind == FRAMING_LENGTH || framing->kind == FRAMING_CHUNKED;
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
        x->framing = framing_of_request(&x->request);
        if (x->replies > 0 && has_body(&x->framing)) {
            send_then(s, STATE_HEAD); /* what its body is read over is theirs until then */
        } else {
            begin_request(s, now);
        }
        return false;
    case REQUEST_MORE:
        return ask_more_of_head(s, next);
    default:
        tell_refusal(s->ledger, outcome);
        refuse(s, status_of(outcome), why, now);
        return false;
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
        ledger_mishap(s->ledger, MISHAP_REQUEST);
        refuse(s, 400, "The request body is malformed.", now);
    } else if (dropped == DROPPED_TOO_MUCH) {
        refuse_large_body(s, now);
    } else if (dropped == DROPPED_ALL) {
        s->state = STATE_WAIT;
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
    x->fetch.coding = x->answer.coding;
    x->fetch.listing = x->answer.listing;
    x->fetch.warm_only = x->replies > 0;
    x->fetch.recalled = false;
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

/* A look at the rate that is due is taken at once, and else not waited for: so deadlines stay in
 * the order of their beginning. */
static uint64_t send_until_ns(const struct session *s, const struct moment *now)
{
    uint64_t timeout_ns = s->site->timeouts.send_ns;
    uint64_t judge_ns =
        s->site->limits.min_rate > 0 ? clock_add(s->exchange->judged_ns, timeout_ns) : CLOCK_NEVER;
    return judge_ns <= now->now_ns ? judge_ns : clock_add(s->since_ns, timeout_ns);
}

static bool ask_load(const struct session *s, const struct moment *now, struct step *next)
{
    struct exchange *x = s->exchange;
    queue_load(x);
    x->asked_ns = now->now_ns;
    *next = (struct step){
        .kind = STEP_LOAD,
        .patience = PATIENCE_SEND,
        .until_ns = send_until_ns(s, now),
        .load = &x->load,
    };
    return true;
}

static bool ask_send(const struct session *s, const struct moment *now, struct step *next)
{
    struct exchange *x = s->exchange;
    bool of_file = x->body != NULL && x->load.memory == NULL;
    struct slice slice = of_file ? x->load.slice : (struct slice){0};
    *next = (struct step){
        .kind = STEP_SEND,
        .patience = PATIENCE_SEND,
        .until_ns = send_until_ns(s, now),
        .send =
            {
                .pieces = x->pieces + x->piece_first,
                .count = x->piece_end - x->piece_first,
                .file = of_file ? x->body : NULL,
                .offset = slice.first,
                .size = (size_t)(slice.end - slice.first),
            },
    };
    return true;
}

static bool ask_close(const struct session *s, const struct moment *now, struct step *next)
{
    const struct exchange *x = s->exchange;
    *next = (struct step){
        .kind = STEP_CLOSE,
        .patience = PATIENCE_LINGER,
        .until_ns = now->now_ns + LINGER_NS,
        .close =
            {
                .whole = x == NULL || x->replies == 0,
                .linger = s->linger || (x != NULL && x->begin < x->end),
            },
    };
    return true;
}

static void take(struct session *s, const struct moment *now, struct outcome came)
{
    switch ((enum state)s->state) {
    case STATE_HANDSHAKE:
        handshake_came(s, now, came);
        break;
    case STATE_HEAD:
    case STATE_BODY:
        read_came(s, now, came);
        break;
    case STATE_WAIT:
        wait_came(s, now, came);
        break;
    case STATE_WORK:
        begin_answer(s);
        break;
    case STATE_FETCH:
        fetch_came(s, now, came);
        break;
    case STATE_LOAD:
        load_came(s, now, came);
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
    case STATE_HANDSHAKE:
        return ask_handshake(s, now, next);
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
    case STATE_LOAD:
        return ask_load(s, now, next);
    case STATE_SEND:
        return ask_send(s, now, next);
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
