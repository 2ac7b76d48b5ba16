#include "client/session.h"

#include "lib/base/order.h"
#include "lib/base/random.h"

#include <errno.h>

/* A step is made in two halves: learn() takes in what came of the last one, decide() looks at where
 * the session then stands and says what is owed next. */

enum {
    /* When the last reply was no larger than this, the next one is read in one go, head and body:
     * to copy so little costs less than a second call. Above, only the head is read, with some
     * slack for fields whose length varies, and the body is discarded. */
    READ_WHOLE = 8 * 1024,
    HEAD_SLACK = 64,
    READ_MOST = 16 * 1024,     /* unless every byte is to be seen */
    DISCARD_LEAST = 16 * 1024, /* of a chunk; less is read with what surrounds it */
    DISCARD_MOST = 1 << 30,
};

/* After a failure the connection rests, each time twice as long: a dead server is not to be
 * hammered. A run of so many requests ends by itself, and rests only for a moment. */
#define REST_FIRST (1 * NS_PER_MS)
#define REST_MOST (128 * NS_PER_MS)

static bool is_over(const struct session *s, uint64_t now)
{
    return now >= course_end(s->place.course);
}

/* --- requests: drawn, begun, settled ---------------------------------------------------------- */

static struct flight *flight_at(const struct session *s, size_t index)
{
    size_t at = s->first + index;
    return &s->place.flights[at < s->place.plan->pipeline ? at : at - s->place.plan->pipeline];
}

/* Where a request counts, and where what happens now does. */
static struct tally *tally_of(const struct session *s, const struct flight *flight)
{
    return flight->warm ? s->place.warmup : s->place.tally;
}

static struct tally *tally_at(const struct session *s, uint64_t now)
{
    return course_is_warming(s->place.course, now) ? s->place.warmup : s->place.tally;
}

/* When a request may be sent: by the clock if the plan has a rate, else after thinking, but for a
 * session's first one, which nothing came before. */
static uint64_t due_ns(const struct session *s, const struct flight *flight, uint64_t now)
{
    const struct plan *plan = s->place.plan;
    const struct course *course = s->place.course;
    if (plan->rate > 0) {
        return flight->warm ? clock_add(course->start_ns, plan_warm_due_ns(plan, flight->number))
                            : clock_add(course->begin_ns, plan_due_ns(plan, flight->number));
    }
    if (plan->think_high_ns > 0 && s->step.kind != STEP_BEGIN) {
        return now +
               random_between(plan->seed, flight->number, plan->think_low_ns, plan->think_high_ns);
    }
    return 0;
}

/* The schedule of a warm-up ends with it, however much of it is still to be sent. */
static bool draw_warm(struct session *s, struct flight *flight, uint64_t now)
{
    const struct plan *plan = s->place.plan;
    if (!course_is_warming(s->place.course, now)) {
        return false;
    }
    flight->number = course_draw_warm(s->place.course);
    flight->warm = plan->rate == 0 || plan_warm_due_ns(plan, flight->number) < plan->warmup_ns;
    return flight->warm;
}

/* Whether the plan has this connection at work now: one that it has not ends what it began, and
 * draws nothing more. */
static bool is_wanted(struct session *s, uint64_t now)
{
    const struct plan *plan = s->place.plan;
    if (plan->ramps_connections && now >= s->turn_ns) {
        uint64_t begin_ns = s->place.course->begin_ns;
        uint64_t until_ns;
        s->wanted = ramp_wants(&plan->ramp, s->place.rank, excess_of(now, begin_ns), &until_ns);
        s->turn_ns = clock_add(begin_ns, until_ns);
    }
    return s->wanted || !plan->ramps_connections;
}

/* Whether its turn is still to come. */
static bool waits_its_turn(const struct session *s)
{
    return s->place.plan->ramps_connections && !s->wanted && !s->exhausted &&
           s->turn_ns != CLOCK_NEVER;
}

/* Draws as many requests as may be in flight at once. */
static void draw(struct session *s, uint64_t now, size_t most)
{
    const struct plan *plan = s->place.plan;
    while (s->count < most && !s->exhausted) {
        struct flight flight = {.drawn_ns = now};
        if (!draw_warm(s, &flight, now)) {
            s->exhausted = !course_draw(s->place.course, &flight.number);
        }
        if (!s->exhausted) {
            flight.target = plan_target(plan, flight.number);
            flight.due_ns = due_ns(s, &flight, now);
            *flight_at(s, s->count++) = flight;
        }
    }
}

/* Whether it was the clock alone that kept a request back: its connection stood ready in the step
 * before this one, so that any delay since is the generator's. */
static bool was_ready(const struct session *s, const struct flight *flight, uint64_t now)
{
    bool stood =
        s->step.kind == STEP_IDLE || s->step.kind == STEP_READ || s->step.kind == STEP_DISCARD;
    return stood && s->origin != NULL && flight->drawn_ns < now;
}

/* Says of a request sent by the clock how late it was, and by whose fault. What comes after a late
 * one on the same connection is late because of it: it is the generator's fault still, as long as
 * that is the larger part of its lateness. */
static void note_lag(struct session *s, const struct flight *flight, uint64_t now)
{
    uint64_t late_ns = excess_of(now, flight->due_ns);
    bool ready = was_ready(s, flight, now);
    uint64_t own_ns = lesser_of(late_ns, ready ? excess_of(now, flight->drawn_ns) : s->behind_ns);
    s->behind_ns = own_ns > late_ns / 2 ? own_ns : 0;
    if (ready || s->behind_ns > 0) {
        tally_lag(tally_of(s, flight), own_ns);
    } else if (late_ns > 0) {
        tally_of(s, flight)->held_up++;
    }
}

static void begin_flight(struct session *s, struct flight *flight, uint64_t now)
{
    if (flight->sent_ns > 0) {
        return;
    }
    flight->sent_ns = flight->start_ns = now;
    tally_of(s, flight)->sent++;
    gauge_begin(s->place.gauge);
    if (s->place.plan->rate > 0) {
        flight->start_ns = flight->due_ns;
        note_lag(s, flight, now);
    }
}

/* The run is over: counts the requests whose moment came, and that the generator let pass. */
static void count_missed(struct session *s, uint64_t now)
{
    uint64_t end_ns = course_end(s->place.course);
    for (size_t i = s->sent; s->place.plan->rate > 0 && i < s->count; i++) {
        const struct flight *flight = flight_at(s, i);
        bool due = flight->sent_ns == 0 && flight->due_ns < end_ns && !flight->warm;
        s->place.tally->missed += due && was_ready(s, flight, now);
    }
}

/* The oldest one. */
static void end_flight(struct session *s, const struct flight *flight, uint64_t now)
{
    gauge_end(s->place.gauge, now - flight->sent_ns);
    s->first = s->first + 1 == s->place.plan->pipeline ? 0 : s->first + 1;
    s->count--;
    s->sent -= s->sent > 0;
    s->reply = (struct reply){.phase = REPLY_HEAD};
    s->first_byte_ns = 0;
}

static void prepare_to_tell(struct session *s, const struct flight *flight, enum failure failure,
                            struct cause cause, uint64_t took_ns)
{
    s->telling = true;
    s->verdict = (struct verdict){
        .url = flight->target->url,
        .status = s->reply.status,
        .failure = failure,
        .cause = cause,
        .body = s->reply.body,
        .has_delay = s->reply.has_delay,
        .delay_ns = s->reply.delay_ns,
        .took_ns = took_ns,
    };
}

/* Gives the oldest request its verdict. */
static void settle(struct session *s, uint64_t now, enum failure failure, struct cause cause)
{
    struct flight *flight = flight_at(s, 0);
    begin_flight(s, flight, now); /* also one that got no connection was made, and failed */
    uint64_t took_ns = excess_of(now, flight->start_ns);
    if (failure == FAILURE_NONE) {
        uint64_t first_ns = excess_of(s->first_byte_ns, flight->start_ns);
        tally_ok(tally_of(s, flight), took_ns, first_ns);
        if (s->place.plan->rate > 0) {
            tally_raw(tally_of(s, flight), now - flight->sent_ns);
        }
        s->failures = 0;
    } else {
        tally_failure(tally_of(s, flight), failure, cause);
    }
    if (!flight->warm) {
        pulse_count(s->place.pulse, failure, took_ns);
    }
    if (s->place.plan->trace) {
        prepare_to_tell(s, flight, failure, cause, took_ns);
    }
    end_flight(s, flight, now);
}

/* --- failures of the connection --------------------------------------------------------------- */

static void rest(struct session *s, uint64_t now)
{
    uint64_t most = s->place.plan->requests > 0 ? REST_FIRST : REST_MOST;
    uint64_t pause = s->failures < 8 ? REST_FIRST << s->failures : REST_MOST;
    s->failures++;
    s->rest_until_ns = now + lesser_of(pause, most);
}

static void doom(struct session *s, size_t count, enum failure failure, struct cause cause)
{
    s->doomed = count;
    s->doom = failure;
    s->cause = cause;
}

static bool is_late(const struct session *s, size_t index, uint64_t now)
{
    const struct flight *flight = flight_at(s, index);
    return flight->sent_ns > 0 && now >= clock_add(flight->sent_ns, s->place.plan->timeout_ns);
}

/* How many requests fail when their connection does: the oldest, and with it those that are late as
 * well, or all that have left when they may not be sent again. */
static size_t count_lost(const struct session *s, uint64_t now)
{
    size_t count = 1;
    while (count < s->count && is_late(s, count, now)) {
        count++;
    }
    bool more = !s->place.plan->repeatable && s->sent > count;
    return more ? s->sent : count;
}

/* The connection came to nothing. Of the requests on it the oldest has failed and the others are
 * sent again, unless that could do twice what should be done once (RFC 9110 9.2.2). A server may
 * close a connection that lies idle at any time, and a request that meets this is sent again too,
 * once (RFC 9112 9.3.1). */
static void lose(struct session *s, uint64_t now, enum failure failure, struct cause cause)
{
    struct flight *oldest = flight_at(s, 0);
    bool was_idle = failure == FAILURE_RESET && s->served > 0 && s->first_byte_ns == 0;
    s->spent = true;
    s->text.len = 0;
    if (was_idle && s->place.plan->repeatable && !oldest->repeated) {
        oldest->repeated = true;
        return;
    }
    doom(s, count_lost(s, now), failure, cause);
    rest(s, now);
}

/* What becomes of a request whose connection was given up for one before it. */
static void doom_the_next(struct session *s, uint64_t now)
{
    if (s->doom != FAILURE_TIMEOUT || !is_late(s, 0, now)) {
        s->doom = FAILURE_RESET;
        s->cause = (struct cause){.why = "lost with the request before it"};
    }
}

static void settle_doomed(struct session *s, uint64_t now)
{
    while (s->doomed > 0 && !s->telling) {
        settle(s, now, s->doom, s->cause);
        if (--s->doomed > 0) {
            doom_the_next(s, now);
        }
    }
}

/* --- replies ---------------------------------------------------------------------------------- */

static void note_reply(struct session *s)
{
    const struct reply *reply = &s->reply;
    struct tally *tally = tally_of(s, flight_at(s, 0));
    tally->statuses[reply->status]++;
    tally->bytes_body += reply->body;
    if (reply->has_delay) {
        tally_delay(tally, reply->delay_ns);
    }
    s->usual_head = reply->head_size;
    s->usual_body = reply->body;
    s->served++;
}

static bool verifies_bytes(const struct session *s)
{
    return s->place.plan->verify == VERIFY_BYTES;
}

/* Whether the body is the one that the URL's first good reply had, or the first itself. */
static bool is_alike(const struct session *s)
{
    size_t target = (size_t)(flight_at(s, 0)->target - s->place.plan->targets);
    uint64_t digest = digest_end(&s->content);
    uint64_t first = 0;
    digest += digest == 0; /* which stands for none */
    return atomic_compare_exchange_strong(&s->place.specimens[target], &first, digest) ||
           first == digest;
}

/* A reply is over; `stray` says that bytes came after it which nobody had asked for. Requests that
 * no reply can follow to any more are sent again, if they may be or if the server has said that it
 * does not touch them (RFC 9112 9.6). */
static void complete(struct session *s, uint64_t now, bool stray)
{
    enum failure failure = FAILURE_NONE;
    struct cause cause = {0};
    bool is_last = !s->reply.persists || s->place.plan->close || stray;
    bool untouched = s->reply.closes || s->place.plan->repeatable;
    note_reply(s);
    if (is_last) {
        s->spent = true;
        s->text.len = 0;
    }
    if (s->reply.status >= 400) {
        failure = FAILURE_STATUS;
    } else if (stray && s->place.plan->verify >= VERIFY_LENGTH) {
        failure = FAILURE_FRAMING;
        cause.why = "bytes after the reply's end";
    } else if (verifies_bytes(s) && !is_alike(s)) {
        failure = FAILURE_CONTENT;
        cause.why = "not the body that came first";
    }
    settle(s, now, failure, cause);
    if (is_last && !untouched && s->sent > 0) {
        doom(s, s->sent, FAILURE_RESET, (struct cause){.why = "lost with the request before it"});
    }
}

/* Keeps what was received of an unfinished head until the rest is there. */
static void hold(struct session *s)
{
    if (s->text.len > 0) {
        memmove(s->place.room, s->text.at, s->text.len);
    }
    s->held = s->text.len;
    s->text.len = 0;
}

/* Reads what was received, as far as the next verdict that is to be told. */
static void digest(struct session *s, uint64_t now)
{
    while (s->text.len > 0 && !s->telling) {
        const char *why;
        size_t used;
        if (s->first_byte_ns == 0) {
            s->first_byte_ns = now;
        }
        enum reply_outcome outcome =
            reply_read(&s->reply, s->place.memory, s->place.plan->method, s->text,
                       verifies_bytes(s) ? &s->content : NULL, &used, &why);
        s->text = (struct bytes){s->text.at + used, s->text.len - used};
        switch (outcome) {
        case REPLY_MORE:
            hold(s);
            break;
        case REPLY_COMPLETE:
            complete(s, now, s->text.len > 0 && s->sent == 1);
            break;
        case REPLY_BROKEN:
            lose(s, now, FAILURE_FRAMING, (struct cause){.why = why});
            break;
        }
    }
}

/* --- what came of the last step --------------------------------------------------------------- */

static void learn_begun(struct session *s, uint64_t now)
{
    if (s->count > 0) {
        flight_at(s, 0)->due_ns = due_ns(s, flight_at(s, 0), now);
        flight_at(s, 0)->drawn_ns = now;
    }
}

static void learn_connected(struct session *s, uint64_t now, struct outcome came)
{
    bool in_time = now < clock_add(s->connect_begun_ns, s->place.plan->connect_timeout_ns);
    if (came.kind == CAME_DONE) {
        s->origin = s->step.origin;
        gauge_open(s->place.gauge);
        tally_connect(tally_at(s, now), now - s->connect_begun_ns);
        if (s->origin->host != NULL) {
            s->handshake_begun_ns = now;
            return;
        }
    } else if (came.kind == CAME_FAILED && came.error == EAGAIN && in_time) {
        s->rest_until_ns = now + REST_FIRST; /* a unix socket with a full backlog: ask again */
        return;
    } else if (flight_at(s, 0)->due_ns > now) {
        s->rest_until_ns = flight_at(s, 0)->due_ns; /* there is time to ask again */
    } else {
        int error = came.kind == CAME_TIMED_OUT ? ETIMEDOUT : came.error;
        tally_no_connection(tally_at(s, now), error, now);
        /* one that was made, and lost before anybody looked, is told of in this way too */
        enum failure failure = error == ECONNRESET ? FAILURE_RESET : FAILURE_CONNECT;
        doom(s, 1, failure, (struct cause){.error = error});
        rest(s, now);
    }
    s->connect_begun_ns = 0;
}

static struct cause cause_of(const struct session *s, struct outcome came)
{
    return came.error != 0 ? (struct cause){.error = came.error}
                           : (struct cause){.why = s->news.why};
}

static void learn_shaken(struct session *s, uint64_t now, struct outcome came)
{
    if (came.kind == CAME_DONE) {
        tally_handshake(tally_at(s, now), now - s->handshake_begun_ns, &s->news.agreed);
        s->connect_begun_ns = s->handshake_begun_ns = 0;
        return;
    }
    s->spent = true;
    if (flight_at(s, 0)->due_ns > now) {
        s->rest_until_ns = flight_at(s, 0)->due_ns; /* there is time to try again */
    } else {
        struct cause late = {.why = "no handshake in time"};
        doom(s, 1, FAILURE_TLS, came.kind == CAME_TIMED_OUT ? late : cause_of(s, came));
        rest(s, now);
    }
}

static void lose_late(struct session *s, uint64_t now)
{
    lose(s, now, FAILURE_TIMEOUT, (struct cause){.why = "no whole reply in time"});
}

/* While bytes keep going or coming no step times out; what goes on and on is late as well. */
static void give_up_if_late(struct session *s, uint64_t now)
{
    bool waiting = s->sent > 0 || s->part > 0;
    if (waiting && !s->spent && !s->telling && is_late(s, 0, now)) {
        lose_late(s, now);
    }
}

static size_t flight_size(const struct session *s, size_t index)
{
    return flight_at(s, index)->target->request.len + s->place.plan->body.len;
}

static void learn_sent(struct session *s, uint64_t now, struct outcome came)
{
    switch (came.kind) {
    case CAME_DONE:
        tally_at(s, now)->bytes_sent += came.bytes;
        s->part += came.bytes;
        while (s->sent < s->gathered && s->part >= flight_size(s, s->sent)) {
            s->part -= flight_size(s, s->sent++);
        }
        give_up_if_late(s, now);
        break;
    case CAME_TIMED_OUT:
        lose(s, now, FAILURE_TIMEOUT, (struct cause){.why = "the request could not be sent"});
        break;
    default:
        s->deaf = came.error != 0 ? came.error : EPIPE; /* 0: it was TLS that failed */
        s->sent = s->gathered;
        s->part = 0;
        break;
    }
}

/* No more bytes will come on this connection. A reply that nothing else ends is whole only if TLS
 * was ended, too: otherwise anybody on the way could have cut it (RFC 9112 9.8). A reset is told
 * but once: when sending was told of it, receiving finds an end, which is none of the server's. */
static void learn_end(struct session *s, uint64_t now, bool cut)
{
    const char *why = "closed without an end of TLS";
    if (s->deaf == ECONNRESET) {
        lose(s, now, FAILURE_RESET, (struct cause){.error = s->deaf});
    } else if (s->first_byte_ns == 0) {
        lose(s, now, FAILURE_RESET, (struct cause){.why = "closed before the reply"});
    } else if (reply_end(&s->reply, &why) == REPLY_COMPLETE && !cut) {
        complete(s, now, false);
    } else if (s->reply.status > 0 && s->place.plan->verify < VERIFY_LENGTH) {
        s->reply.persists = false;
        complete(s, now, false);
    } else {
        lose(s, now, FAILURE_FRAMING, (struct cause){.why = why});
    }
}

static void learn_no_reply(struct session *s, uint64_t now, struct outcome came)
{
    if (came.kind == CAME_ENDED || came.kind == CAME_CUT) {
        learn_end(s, now, came.kind == CAME_CUT);
    } else if (came.kind == CAME_FAILED) {
        lose(s, now, came.error != 0 ? FAILURE_RESET : FAILURE_TLS, cause_of(s, came));
    } else if (is_late(s, 0, now)) {
        lose_late(s, now);
    }
    /* else another request has become due */
}

static void learn_read(struct session *s, uint64_t now, struct outcome came)
{
    if (came.kind != CAME_DONE) {
        learn_no_reply(s, now, came);
        return;
    }
    tally_at(s, now)->bytes_received += came.bytes;
    s->text = s->held > 0 ? (struct bytes){s->place.room, s->held + came.bytes}
                          : (struct bytes){s->place.scratch, came.bytes};
    s->held = 0;
    digest(s, now);
    give_up_if_late(s, now);
}

/* What comes on a connection that owes nothing answers no request (RFC 9112 9.2), but tells that
 * the server is not to be trusted with one; unless it is a 408, by which some say that they close
 * an idle connection (RFC 9110 15.5.9). */
static bool breaks_silence(const struct session *s, struct bytes text)
{
    static const char farewell[] = "HTTP/1.1 408 ";
    size_t len = sizeof(farewell) - 1;
    bool is_farewell = text.len >= len && memcmp(text.at, farewell, len) == 0;
    return s->place.plan->verify >= VERIFY_LENGTH && !is_farewell;
}

/* A server may close a connection that lies idle. It is asked for another at once; but if that one
 * was of no use either, when the next request is due. */
static void learn_idled(struct session *s, uint64_t now, struct outcome came)
{
    if (came.kind == CAME_TIMED_OUT) {
        return;
    }
    struct bytes text = {s->place.scratch, came.kind == CAME_DONE ? came.bytes : 0};
    tally_at(s, now)->bytes_received += text.len;
    if (text.len > 0 && breaks_silence(s, text)) {
        lose(s, now, FAILURE_FRAMING, (struct cause){.why = "bytes that nobody asked for"});
        return;
    }
    s->spent = true;
    if (s->served == 0) {
        s->rest_until_ns = flight_at(s, 0)->due_ns;
    }
}

static void learn_discarded(struct session *s, uint64_t now, struct outcome came)
{
    if (came.kind != CAME_DONE) {
        learn_no_reply(s, now, came);
        return;
    }
    uint64_t unseen = reply_unseen(&s->reply);
    tally_at(s, now)->bytes_received += came.bytes;
    if (reply_pass(&s->reply, lesser_of(came.bytes, unseen)) == REPLY_COMPLETE) {
        complete(s, now, came.bytes > unseen);
    }
    give_up_if_late(s, now);
}

static void learn_closed(struct session *s)
{
    gauge_close(s->place.gauge);
    s->origin = NULL;
    s->connect_begun_ns = 0;
    s->handshake_begun_ns = 0;
    s->served = 0;
    s->spent = false;
    s->deaf = 0;
    s->sent = 0;
    s->part = 0;
    s->held = 0;
    s->text.len = 0;
    s->reply = (struct reply){.phase = REPLY_HEAD};
    s->first_byte_ns = 0;
}

static void learn(struct session *s, uint64_t now, struct outcome came)
{
    if (came.kind == CAME_TIMED_OUT && is_over(s, now)) {
        return; /* the run is out of time, not the request */
    }
    switch (s->step.kind) {
    case STEP_BEGIN:
        learn_begun(s, now);
        break;
    case STEP_CONNECT:
        learn_connected(s, now, came);
        break;
    case STEP_HANDSHAKE:
        learn_shaken(s, now, came);
        break;
    case STEP_SEND:
        learn_sent(s, now, came);
        break;
    case STEP_READ:
        learn_read(s, now, came);
        break;
    case STEP_DISCARD:
        learn_discarded(s, now, came);
        break;
    case STEP_IDLE:
        learn_idled(s, now, came);
        break;
    case STEP_CLOSE:
        learn_closed(s);
        break;
    case STEP_TELL:
        digest(s, now);
        break;
    case STEP_WAIT:
    case STEP_FINISHED:
        break;
    }
}

/* --- what is owed next ------------------------------------------------------------------------ */

static void owe(struct session *s, enum step_kind kind, uint64_t until_ns)
{
    s->step.kind = kind;
    s->step.until_ns = lesser_of(until_ns, course_end(s->place.course));
}

static void owe_telling(struct session *s)
{
    s->telling = false;
    s->step.verdict = &s->verdict;
    owe(s, STEP_TELL, CLOCK_NEVER);
}

static void owe_finish(struct session *s, uint64_t now)
{
    s->place.tally->ended_ns = greater_of(s->place.tally->ended_ns, now);
    owe(s, STEP_FINISHED, CLOCK_NEVER);
}

/* Where a connection comes from: as if all of all sessions were numbered, and took the sources in
 * turn. */
static const struct address *source_of(const struct session *s, uint64_t connect)
{
    const struct plan *plan = s->place.plan;
    uint64_t number = s->place.rank + connect * plan->connections;
    return plan->source_count == 0 ? NULL : &plan->sources[number % plan->source_count];
}

static void owe_connection(struct session *s, uint64_t now)
{
    if (now < s->rest_until_ns) {
        owe(s, STEP_WAIT, s->rest_until_ns);
        return;
    }
    if (s->connect_begun_ns == 0) {
        s->connect_begun_ns = now;
        s->step.source = source_of(s, s->connects++);
    }
    s->step.origin = flight_at(s, 0)->target->origin;
    owe(s, STEP_CONNECT, clock_add(s->connect_begun_ns, s->place.plan->connect_timeout_ns));
}

/* Within what is left of the time to connect. */
static void owe_handshake(struct session *s)
{
    s->step.origin = s->origin;
    owe(s, STEP_HANDSHAKE, clock_add(s->connect_begun_ns, s->place.plan->connect_timeout_ns));
}

static int add_piece(struct session *s, int count, struct bytes text, size_t *skip)
{
    if (*skip >= text.len) {
        *skip -= text.len;
        return count;
    }
    s->pieces[count] = (struct iovec){(char *)text.at + *skip, text.len - *skip};
    *skip = 0;
    return count + 1;
}

/* Gathers the requests that can leave now; false if there are none. */
static bool owe_sending(struct session *s, uint64_t now)
{
    int count = 0;
    size_t skip = s->part;
    s->gathered = s->sent;
    while (s->deaf == 0 && s->gathered < s->count && count + 2 <= SESSION_PIECES) {
        struct flight *flight = flight_at(s, s->gathered);
        if (flight->due_ns > now || flight->target->origin != s->origin) {
            break;
        }
        begin_flight(s, flight, now);
        count = add_piece(s, count, flight->target->request, &skip);
        count = add_piece(s, count, s->place.plan->body, &skip);
        s->gathered++;
    }
    if (count == 0) {
        return false;
    }
    s->step.pieces = s->pieces;
    s->step.piece_count = count;
    owe(s, STEP_SEND, clock_add(flight_at(s, 0)->sent_ns, s->place.plan->timeout_ns));
    return true;
}

/* When the next request on this connection has its time; never if none can follow. */
static uint64_t next_due_ns(const struct session *s)
{
    if (s->deaf != 0 || s->sent == s->count) {
        return CLOCK_NEVER;
    }
    const struct flight *next = flight_at(s, s->sent);
    return next->target->origin == s->origin ? next->due_ns : CLOCK_NEVER;
}

/* When the oldest request's time is up, or another one's has come. */
static uint64_t reply_deadline_ns(const struct session *s)
{
    uint64_t timeout_ns = s->place.plan->timeout_ns;
    return lesser_of(clock_add(flight_at(s, 0)->sent_ns, timeout_ns), next_due_ns(s));
}

/* One byte more than the body has, if nothing may follow it: so a server that sends too much is
 * found out for nothing. */
static size_t discard_size(const struct session *s, uint64_t unseen)
{
    bool is_last = s->reply.phase == REPLY_LENGTH && s->sent == 1;
    return unseen < DISCARD_MOST ? (size_t)unseen + is_last : DISCARD_MOST;
}

static void owe_reply(struct session *s)
{
    uint64_t unseen = reply_unseen(&s->reply);
    bool whole = unseen >= DISCARD_LEAST || (unseen > 0 && s->reply.phase != REPLY_CHUNKED);
    if (whole && !verifies_bytes(s)) {
        s->step.size = discard_size(s, unseen);
        owe(s, STEP_DISCARD, reply_deadline_ns(s));
        return;
    }
    bool head_alone = s->usual_body > READ_WHOLE && s->first_byte_ns == 0 && !verifies_bytes(s);
    size_t head_size = s->usual_head + HEAD_SLACK;
    if (s->held > 0) {
        s->step.space = s->place.room + s->held;
        s->step.size = SESSION_ROOM - s->held;
    } else {
        s->step.space = s->place.scratch;
        size_t most = verifies_bytes(s) ? SESSION_SCRATCH : READ_MOST;
        s->step.size = head_alone && head_size < most ? head_size : most;
    }
    owe(s, STEP_READ, reply_deadline_ns(s));
}

static void owe_idling(struct session *s)
{
    s->step.space = s->place.scratch;
    s->step.size = READ_MOST;
    owe(s, STEP_IDLE, flight_at(s, 0)->due_ns);
}

/* Whether the connection is of no more use. */
static bool is_done_with(const struct session *s, bool over)
{
    bool leads_elsewhere = s->count > 0 && flight_at(s, 0)->target->origin != s->origin;
    return over || s->spent || s->count == 0 || (s->sent == 0 && (s->deaf != 0 || leads_elsewhere));
}

static void decide(struct session *s, uint64_t now)
{
    settle_doomed(s, now);
    if (s->telling) {
        owe_telling(s);
        return;
    }
    bool over = is_over(s, now);
    if (!over && !s->spent && is_wanted(s, now)) {
        draw(s, now, s->place.plan->pipeline);
    }
    if (s->origin != NULL && is_done_with(s, over)) {
        if (over) {
            count_missed(s, now);
        }
        owe(s, STEP_CLOSE, CLOCK_NEVER);
    } else if (!over && s->count == 0 && waits_its_turn(s)) {
        owe(s, STEP_WAIT, s->turn_ns);
    } else if (over || s->count == 0) {
        owe_finish(s, now);
    } else if (s->origin == NULL) {
        owe_connection(s, now);
    } else if (s->handshake_begun_ns > 0) {
        owe_handshake(s);
    } else if (owe_sending(s, now)) {
        return;
    } else if (s->sent > 0) {
        owe_reply(s);
    } else {
        owe_idling(s);
    }
}

void session_init(struct session *s, const struct session_place *place)
{
    *s = (struct session){.place = *place, .doom = FAILURE_NONE};
    s->step.news = &s->news;
    if (!place->plan->ramps_connections) {
        draw(s, 0, 1);
    }
}

const struct step *session_step(struct session *s, uint64_t now_ns, struct outcome came)
{
    learn(s, now_ns, came);
    decide(s, now_ns);
    return &s->step;
}
