#include "tests/unit/client/world.h"

#include "client/counts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const struct origin world_origins[2] = {{.tcp = true}, {.tcp = true}};
static const struct target home[] = {{"http://h/", &world_origins[0], TEXT(REQUEST)}};
static const struct origin secured = {.tcp = true, .host = (char *)"h"};
static const struct target secured_home[] = {{"https://h/", &secured, TEXT(REQUEST)}};

struct world *world_create(uint64_t requests)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->tally = calloc(1, sizeof(*w->tally));
    assert_non_null(w->tally);
    w->warmup = calloc(1, sizeof(*w->warmup));
    assert_non_null(w->warmup);
    guard_init(&w->scratch_guard, SESSION_SCRATCH);
    guard_init(&w->room_guard, SESSION_ROOM);
    w->now = NS_PER_S;
    w->receive_takes_ns = LATENCY;
    w->plan = (struct plan){
        .targets = home,
        .target_count = 1,
        .turn_count = 1,
        .method = METHOD_GET,
        .method_text = "GET",
        .repeatable = true,
        .connections = 1,
        .threads = 1,
        .pipeline = 1,
        .requests = requests,
        .timeout_ns = 10 * NS_PER_S,
        .connect_timeout_ns = 3 * NS_PER_S,
        .trace = true,
        .verify = VERIFY_LENGTH,
    };
    return w;
}

void world_destroy(struct world *w)
{
    guard_finish(&w->scratch_guard);
    guard_finish(&w->room_guard);
    free(w->tally);
    free(w->warmup);
    free(w);
}

void world_secure(struct world *w)
{
    w->plan.targets = secured_home;
    w->handshake_takes_ns = 3 * NS_PER_US;
}

void world_script(struct world *w, struct script script)
{
    w->script[w->script_count++] = script;
}

static const struct script *script_now(const struct world *w)
{
    size_t last = w->script_count - 1;
    return &w->script[w->connections - 1 < last ? w->connections - 1 : last];
}

static size_t replies_in(const struct script *script)
{
    size_t count = 0;
    while (count < REPLIES_MOST && script->replies[count] != NULL) {
        count++;
    }
    return count;
}

static size_t requests_received(const struct world *w)
{
    return w->received / (w->plan.targets[0].request.len + w->plan.body.len);
}

/* What the server has ready to be received: what is left of a reply whose request has come. */
static struct bytes ready_bytes(struct world *w)
{
    const struct script *script = script_now(w);
    size_t asked = requests_received(w);
    while (w->reply < asked && w->reply < replies_in(script)) {
        const char *text = script->replies[w->reply];
        if (text[w->at] != '\0') {
            return (struct bytes){text + w->at, strlen(text) - w->at};
        }
        w->reply++;
        w->at = 0;
    }
    return (struct bytes){0};
}

static struct outcome failed(int error)
{
    return (struct outcome){CAME_FAILED, error, 0};
}

static struct outcome timed_out(struct world *w, const struct step *step)
{
    assert_true(step->until_ns != CLOCK_NEVER); /* nothing may be waited for without an end */
    if (step->until_ns > w->now) {
        w->now = step->until_ns;
    }
    return (struct outcome){CAME_TIMED_OUT, 0, 0};
}

static struct outcome do_connect(struct world *w, const struct step *step)
{
    assert_false(w->connected);
    if (w->connections < sizeof(w->sources) / sizeof(w->sources[0])) {
        w->sources[w->connections] = step->source;
    }
    w->connections++;
    const struct script *script = script_now(w);
    if (script->connect_error < 0) {
        return timed_out(w, step);
    }
    if (script->connect_error > 0) {
        return failed(script->connect_error);
    }
    w->connected = true;
    w->origin = step->origin;
    w->received = w->reply = w->at = 0;
    w->spoke = w->shaken = false;
    w->now += 50;
    return (struct outcome){CAME_DONE, 0, 0};
}

/* The reason is good as long as the connection is. */
static struct outcome fail_tls(struct world *w, const struct step *step)
{
    snprintf(w->why, sizeof(w->why), "%s", REFUSED);
    step->news->why = w->why;
    return failed(0);
}

static struct outcome do_handshake(struct world *w, const struct step *step)
{
    int error = script_now(w)->handshake_error;
    assert_true(w->connected && !w->shaken);
    assert_ptr_equal(step->origin, w->origin);
    assert_non_null(step->origin->host);
    if (error == HANDSHAKE_NEVER) {
        return timed_out(w, step);
    }
    w->now += w->handshake_takes_ns;
    if (error != 0) {
        return error == HANDSHAKE_REFUSED ? fail_tls(w, step) : failed(error);
    }
    w->shaken = true;
    step->news->agreed = (struct agreement){"TLSv1.3", "A", w->resumes && w->handshakes > 0};
    w->handshakes++;
    return (struct outcome){CAME_DONE, 0, 0};
}

/* Nothing leaves a connection, or is read from it, that TLS does not protect where it has to. */
static void check_shaken(const struct world *w)
{
    assert_true(w->connected);
    assert_true(w->shaken || w->origin->host == NULL);
}

static struct outcome do_send(struct world *w, const struct step *step)
{
    size_t size = 0;
    check_shaken(w);
    assert_true(step->piece_count > 0);
    w->sends++;
    for (int i = 0; i < step->piece_count; i++) {
        assert_true(step->pieces[i].iov_len > 0);
        size += step->pieces[i].iov_len;
    }
    size_t deaf_after = script_now(w)->deaf_after;
    if (deaf_after > 0 && requests_received(w) >= deaf_after) {
        return failed(EPIPE);
    }
    if (w->bite > 0 && size > w->bite) {
        size = w->bite;
    }
    w->received += size;
    w->requests += size;
    w->now += w->send_takes_ns;
    return (struct outcome){CAME_DONE, 0, size};
}

/* How the connection behaves now that its replies are used up. */
static enum manner manner_now(const struct world *w)
{
    return w->reply >= replies_in(script_now(w)) ? script_now(w)->then : STAYS;
}

/* What a receive comes to that finds no bytes. */
static struct outcome end_of(struct world *w, const struct step *step)
{
    switch (manner_now(w)) {
    case CLOSES:
        return (struct outcome){CAME_ENDED, 0, 0};
    case CUTS:
        return (struct outcome){CAME_CUT, 0, 0};
    case BREAKS:
        return fail_tls(w, step);
    case RESETS:
        return failed(ECONNRESET);
    case STAYS:
        break;
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

static struct outcome do_receive(struct world *w, const struct step *step)
{
    check_shaken(w);
    assert_true(step->size > 0);
    /* a model may not be made to spin; a request that was sent again may have had its time */
    uint64_t sent_ns = w->flights[w->session.first].sent_ns;
    assert_true(step->until_ns > w->now || w->now >= sent_ns + w->plan.timeout_ns);
    struct bytes ready = ready_bytes(w);
    size_t most = w->slice > 0 && w->slice < step->size ? w->slice : step->size;
    size_t size = ready.len < most ? ready.len : most;
    if (size == 0) {
        struct outcome end = end_of(w, step);
        return end.kind != CAME_NOTHING ? end : timed_out(w, step);
    }
    if (step->kind == STEP_READ) {
        memcpy(step->space, ready.at, size);
        w->reads++;
    } else {
        w->discards++;
    }
    w->at += size;
    w->now += w->receive_takes_ns + (w->reads == w->stall_at ? w->stall_ns : 0);
    return (struct outcome){CAME_DONE, 0, size};
}

static struct outcome do_wait(struct world *w, const struct step *step)
{
    assert_true(step->until_ns != CLOCK_NEVER);
    w->waits++;
    if (step->until_ns > w->now) {
        w->waited_ns += step->until_ns - w->now;
        w->now = step->until_ns + w->oversleep_ns;
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome do_idle(struct world *w, const struct step *step)
{
    const char *unasked = script_now(w)->unasked;
    check_shaken(w);
    assert_int_equal(ready_bytes(w).len, 0); /* nothing is to come */
    memset(guard_room(&w->scratch_guard, SESSION_SCRATCH), '#', SESSION_SCRATCH);
    if (unasked != NULL && !w->spoke) {
        w->spoke = true;
        memcpy(step->space, unasked, strlen(unasked));
        return (struct outcome){CAME_DONE, 0, strlen(unasked)};
    }
    struct outcome end = end_of(w, step);
    if (end.kind != CAME_NOTHING) {
        return end;
    }
    do_wait(w, step);
    return (struct outcome){CAME_TIMED_OUT, 0, 0};
}

struct outcome world_take(struct world *w, const struct step *step)
{
    switch (step->kind) {
    case STEP_CONNECT:
        return do_connect(w, step);
    case STEP_HANDSHAKE:
        return do_handshake(w, step);
    case STEP_SEND:
        return do_send(w, step);
    case STEP_READ:
    case STEP_DISCARD:
        /* other sessions of the thread have used the scratch since */
        memset(guard_room(&w->scratch_guard, SESSION_SCRATCH), '#', SESSION_SCRATCH);
        return do_receive(w, step);
    case STEP_WAIT:
        return do_wait(w, step);
    case STEP_IDLE:
        return do_idle(w, step);
    case STEP_TELL:
        assert_true(w->verdict_count < VERDICTS_MOST);
        w->verdicts[w->verdict_count] = *step->verdict;
        if (step->verdict->cause.why == w->why) {
            assert_string_equal(w->why, REFUSED);
            w->verdicts[w->verdict_count].cause.why = REFUSED;
        }
        w->verdict_count++;
        break;
    case STEP_CLOSE:
        assert_true(w->connected);
        w->connected = false;
        memset(w->why, '#', sizeof(w->why) - 1);
        w->closes++;
        break;
    default:
        fail_msg("step %d was not to be taken", step->kind);
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

void world_begin(struct world *w)
{
    course_init(&w->course, w->plan.requests, w->plan.duration_ns, w->plan.warmup_ns);
    session_init(&w->session, &(struct session_place){
                                  .plan = &w->plan,
                                  .course = &w->course,
                                  .tally = w->tally,
                                  .warmup = w->warmup,
                                  .specimens = w->specimens,
                                  .gauge = &w->gauge,
                                  .pulse = &w->pulse,
                                  .rank = w->rank,
                                  .flights = w->flights,
                                  .memory = &w->memory,
                                  .scratch = guard_room(&w->scratch_guard, SESSION_SCRATCH),
                                  .room = guard_room(&w->room_guard, SESSION_ROOM),
                              });
    course_begin(&w->course, w->now);
}

/* Whatever happened, this holds at the end. */
static void check_books(const struct world *w)
{
    const struct tally *t = w->tally;
    uint64_t failures = 0;
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        failures += t->failures[kind];
    }
    struct counts counts = {0};
    counts_look(&counts, &w->pulse, 1);
    assert_int_equal(counts.ok, t->ok);
    assert_memory_equal(counts.failures, t->failures, sizeof t->failures);
    assert_false(w->connected);
    assert_int_equal(gauge_read(&w->gauge.open), 0);
    assert_int_equal(failures, t->failed);
    assert_true(t->ok + t->failed <= t->sent);
    assert_int_equal(t->latency.count, t->ok);
    assert_int_equal(t->first_byte.count, t->ok);
    assert_int_equal(t->raw.count, w->plan.rate > 0 ? t->ok : 0);
    assert_true(t->lag.count + t->held_up <= (w->plan.rate > 0 ? t->sent : 0));
    const struct tally *warmup = w->warmup;
    assert_int_equal(t->handshake.count + warmup->handshake.count, w->handshakes);
    assert_int_equal(t->bytes_sent + warmup->bytes_sent, w->requests);
    assert_true(w->plan.warmup_ns > 0 || warmup->sent == 0);
    if (w->plan.trace) {
        assert_int_equal(w->verdict_count, t->ok + t->failed + warmup->ok + warmup->failed);
    }
}

/* From the first step to STEP_FINISHED. */
void world_run(struct world *w)
{
    struct outcome came = {CAME_NOTHING, 0, 0};
    world_begin(w);
    for (size_t steps = 0; steps < STEPS_MOST; steps++) {
        const struct step *step = session_step(&w->session, w->now, came);
        if (step->kind == STEP_FINISHED) {
            w->finished_ns = w->now;
            check_books(w);
            return;
        }
        came = world_take(w, step);
    }
    fail_msg("the session does not end");
}
