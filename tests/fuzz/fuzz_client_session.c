/* Whatever a server says, and whatever becomes of the connections to it, a client's session asks
 * for steps that make sense, gives every request one verdict and comes to its end; and one reply
 * has the same verdict however it is cut. The input is what the server says; its last bytes also
 * draw the lots. */
#include "client/session.h"

#include "client/counts.h"
#include "lib/base/random.h"
#include "tests/fuzz/property.h"

#include <errno.h>

enum {
    TARGETS = 4,
    REQUESTS_MOST = 24,
    PIPELINE_MOST = 8,
    STEPS_MOST = 50000,
};

static const struct origin origins[3] = {
    {.tcp = true}, {.tcp = true}, {.tcp = true, .host = (char *)"c"}};
static const struct target targets[TARGETS] = {
    {"http://a/", &origins[0], {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27}},
    {"http://a/b", &origins[0], {"GET /b HTTP/1.1\r\nHost: a\r\n\r\n", 28}},
    {"http://b/", &origins[1], {"GET / HTTP/1.1\r\nHost: b\r\n\r\n", 27}},
    {"https://c/", &origins[2], {"GET / HTTP/1.1\r\nHost: c\r\n\r\n", 27}},
};

/* A world for one session. */
struct world {
    struct plan plan;
    struct course course;
    struct tally tally;
    struct tally warmup;
    struct gauge gauge;
    _Atomic uint64_t specimens[TARGETS];
    struct pulse pulse;
    struct flight *flights; /* these four in memory of their own, not a byte more than promised */
    struct reply_memory *memory;
    char *scratch, *room;
    struct session session;

    struct bytes says; /* what the server still has to say */
    bool harmless;     /* all is taken and given that can be; then the server ends */
    uint64_t now;
    bool connected;
    const struct origin *origin; /* of the connection */
    bool shaken;                 /* hands, on it */
    char *why;                   /* as TLS failed on it; gone with it */
    uint64_t handshakes;
    uint64_t bytes_sent;
    unsigned verdicts;
    struct verdict first;
};

static struct world world;
static uint64_t seed, lots;

static size_t lot(size_t below)
{
    return (size_t)random_between(seed, lots++, 0, below - 1);
}

static struct outcome done(size_t bytes)
{
    return (struct outcome){CAME_DONE, 0, bytes};
}

static struct outcome failed(int error)
{
    return (struct outcome){CAME_FAILED, error, 0};
}

/* Nothing may be waited for without an end. */
static struct outcome timed_out(struct world *w, const struct step *step)
{
    PROPERTY(step->until_ns != CLOCK_NEVER);
    w->now = step->until_ns > w->now ? step->until_ns : w->now;
    return (struct outcome){CAME_TIMED_OUT, 0, 0};
}

static struct outcome do_connect(struct world *w, const struct step *step)
{
    static const int errors[] = {EAGAIN, ECONNREFUSED, EMFILE};
    PROPERTY(!w->connected);
    PROPERTY(step->origin >= origins && step->origin <= &origins[2]);
    size_t what = w->harmless ? 9 : lot(12);
    if (what < 3) {
        return failed(errors[what]);
    }
    if (what == 3) {
        return timed_out(w, step);
    }
    w->connected = true;
    w->origin = step->origin;
    w->shaken = false;
    return done(0);
}

static struct outcome fail_tls(struct world *w, const struct step *step)
{
    free(w->why);
    w->why = strdup("refused");
    step->news->why = w->why;
    return failed(0);
}

static struct outcome do_handshake(struct world *w, const struct step *step)
{
    PROPERTY(w->connected && !w->shaken && step->origin == w->origin && w->origin->host != NULL);
    size_t what = w->harmless ? 9 : lot(12);
    if (what < 3) {
        return what == 0 ? fail_tls(w, step) : what == 1 ? failed(ECONNRESET) : timed_out(w, step);
    }
    step->news->agreed = (struct agreement){"TLSv1.3", lot(2) ? "A" : "B", lot(2)};
    w->shaken = true;
    w->handshakes++;
    return done(0);
}

/* Nothing is sent in the clear that is not to be. */
static bool may_speak(const struct world *w)
{
    return w->connected && (w->shaken || w->origin->host == NULL);
}

static struct outcome do_send(struct world *w, const struct step *step)
{
    size_t size = 0;
    PROPERTY(may_speak(w) && step->piece_count > 0 && step->piece_count <= SESSION_PIECES);
    for (int i = 0; i < step->piece_count; i++) {
        PROPERTY(step->pieces[i].iov_len > 0);
        size += step->pieces[i].iov_len;
    }
    size_t what = w->harmless ? 9 : lot(20);
    if (what == 0) {
        return failed(lot(2) ? EPIPE : ECONNRESET);
    }
    if (what == 1) {
        return timed_out(w, step);
    }
    size = what < 6 ? 1 + lot(size) : size;
    w->bytes_sent += size;
    return done(size);
}

/* The space that is asked for is the session's own. */
static void check_space(const struct world *w, const struct step *step)
{
    struct bytes space = {step->space, step->size};
    PROPERTY(lies_within(space, (struct bytes){w->scratch, SESSION_SCRATCH}) ||
             lies_within(space, (struct bytes){w->room, SESSION_ROOM}));
}

static struct outcome do_receive(struct world *w, const struct step *step)
{
    PROPERTY(may_speak(w) && step->size > 0);
    if (step->kind == STEP_DISCARD && !w->harmless && lot(4) == 0) {
        return done(1 + lot(step->size)); /* nobody sees them: much comes of a body that is large */
    }
    if (step->kind != STEP_DISCARD) {
        check_space(w, step);
        memset(w->scratch, '#', SESSION_SCRATCH); /* other sessions have used it since */
    }
    if (w->says.len == 0 || (!w->harmless && lot(16) == 0)) {
        size_t what = w->harmless ? 0 : lot(w->shaken ? 5 : 3);
        return what == 0   ? (struct outcome){CAME_ENDED, 0, 0}
               : what == 1 ? failed(ECONNRESET)
               : what == 2 ? timed_out(w, step)
               : what == 3 ? (struct outcome){CAME_CUT, 0, 0}
                           : fail_tls(w, step);
    }
    size_t size = step->size < w->says.len ? step->size : w->says.len;
    size = lot(3) > 0 ? 1 + lot(size < 40 ? size : 40) : size;
    if (step->kind != STEP_DISCARD) {
        memcpy(step->space, w->says.at, size);
    }
    w->says = (struct bytes){w->says.at + size, w->says.len - size};
    return done(size);
}

/* Mostly nothing comes that nobody asked for. */
static struct outcome do_idle(struct world *w, const struct step *step)
{
    PROPERTY(step->size > 0);
    check_space(w, step);
    return w->harmless || lot(4) > 0 ? timed_out(w, step) : do_receive(w, step);
}

static void take_verdict(struct world *w, const struct verdict *verdict)
{
    const char *why = verdict->cause.why;
    size_t target = 0;
    while (target < TARGETS && verdict->url != targets[target].url) {
        target++;
    }
    PROPERTY(target < TARGETS && (why == NULL || strlen(why) > 0));
    PROPERTY(verdict->status < TALLY_STATUSES && verdict->failure <= FAILURE_NONE);
    PROPERTY(verdict->failure != FAILURE_NONE || verdict->status > 0);
    if (w->verdicts++ == 0) {
        w->first = *verdict;
    }
}

static struct outcome take(struct world *w, const struct step *step)
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
        return do_receive(w, step);
    case STEP_IDLE:
        return do_idle(w, step);
    case STEP_WAIT:
        timed_out(w, step);
        break;
    case STEP_TELL:
        take_verdict(w, step->verdict);
        break;
    case STEP_CLOSE:
        PROPERTY(w->connected);
        w->connected = w->shaken = false;
        free(w->why);
        w->why = NULL;
        break;
    default:
        PROPERTY(!"asked for");
    }
    return done(0);
}

static void check_tally(const struct tally *t)
{
    uint64_t failures = 0;
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        failures += t->failures[kind];
    }
    PROPERTY(failures == t->failed && t->ok + t->failed <= t->sent);
    PROPERTY(t->latency.count == t->ok && t->first_byte.count == t->ok);
}

static void check_books(const struct world *w)
{
    const struct tally *t = &w->tally;
    const struct tally *warmup = &w->warmup;
    PROPERTY(!w->connected && gauge_read(&w->gauge.open) == 0 &&
             gauge_read(&w->gauge.ended) <= t->sent + warmup->sent);
    check_tally(t);
    check_tally(warmup);
    struct counts counts = {0};
    counts_look(&counts, &w->pulse, 1);
    PROPERTY(counts.ok == t->ok && counts.failed == t->failed);
    PROPERTY(t->sent <= w->plan.requests && (w->plan.warmup_ns > 0 || warmup->sent == 0));
    PROPERTY(t->bytes_sent + warmup->bytes_sent == w->bytes_sent);
    PROPERTY(t->handshake.count + warmup->handshake.count == w->handshakes);
    PROPERTY(t->resumed + warmup->resumed <= w->handshakes);
    PROPERTY(!w->plan.trace || w->verdicts == t->ok + t->failed + warmup->ok + warmup->failed);
}

/* Connections, or a rate, that come and go: whether this session is at work changes a few times. */
static void draw_ramp(struct plan *plan)
{
    size_t stages = lot(3) == 0 ? 1 + lot(5) : 0;
    plan->ramp.count = stages;
    plan->ramps_connections = stages > 0 && plan->rate == 0;
    for (size_t i = 0; i < stages; i++) {
        uint64_t length_ns = lot(4) == 0 ? 0 : lot(20) * NS_PER_MS;
        plan->ramp.at[i] = (struct stage){.length_ns = length_ns, .to = (double)lot(3)};
    }
    ramp_begin(&plan->ramp, plan->rate > 0 ? plan->rate : lot(2));
    if (stages > 0) { /* a rate may end at nothing */
        plan->duration_ns = ramp_length_ns(&plan->ramp) + lot(100) * NS_PER_MS + 1;
    }
}

static void draw_plan(struct plan *plan)
{
    static const enum method methods[] = {METHOD_GET, METHOD_HEAD, METHOD_POST};
    size_t method = lot(3);
    *plan = (struct plan){
        .targets = targets,
        .target_count = 1 + lot(TARGETS),
        .method = methods[method],
        .method_text = method == 0   ? "GET"
                       : method == 1 ? "HEAD"
                                     : "POST",
        .repeatable = method < 2,
        .body = method < 2 ? (struct bytes){0} : BYTES("body"),
        .connections = 1,
        .threads = 1,
        .pipeline = lot(2) == 0 ? 1 : 1 + lot(PIPELINE_MOST),
        .rate = lot(4) == 0 ? 1 + lot(1000) : 0,
        .requests = 1 + lot(REQUESTS_MOST),
        .duration_ns = lot(4) == 0 ? NS_PER_S + lot(1000) * NS_PER_MS : 0,
        .timeout_ns = 5 * NS_PER_S,
        .connect_timeout_ns = 2 * NS_PER_S,
        .trace = lot(2) == 0,
        .verify = (enum verify)lot(VERIFY_BYTES + 1),
    };
    plan->turn_count = plan->target_count;
    plan->warmup_ns = lot(4) == 0 ? NS_PER_MS << lot(6) : 0;
    plan->close = plan->pipeline == 1 && lot(4) == 0;
    plan->think_high_ns = plan->rate == 0 && lot(4) == 0 ? NS_PER_MS : 0;
    draw_ramp(plan);
}

static void run(struct world *w, struct bytes says)
{
    struct outcome came = {CAME_NOTHING, 0, 0};
    unsigned steps = 0;
    w->flights = calloc(w->plan.pipeline, sizeof(*w->flights));
    w->memory = calloc(1, sizeof(*w->memory));
    w->scratch = malloc(SESSION_SCRATCH);
    w->room = malloc(SESSION_ROOM);
    w->says = says;
    w->now = NS_PER_S;
    course_init(&w->course, w->plan.requests, w->plan.duration_ns, w->plan.warmup_ns);
    session_init(&w->session, &(struct session_place){
                                  .plan = &w->plan,
                                  .course = &w->course,
                                  .tally = &w->tally,
                                  .warmup = &w->warmup,
                                  .specimens = w->specimens,
                                  .gauge = &w->gauge,
                                  .pulse = &w->pulse,
                                  .flights = w->flights,
                                  .memory = w->memory,
                                  .scratch = w->scratch,
                                  .room = w->room,
                              });
    course_begin(&w->course, w->now);
    for (;;) {
        const struct step *step = session_step(&w->session, w->now, came);
        if (step->kind == STEP_FINISHED) {
            break;
        }
        PROPERTY(++steps < STEPS_MOST);
        came = take(w, step);
        w->now += lot(2) * 1000;
    }
    check_books(w);
    free(w->flights);
    free(w->memory);
    free(w->scratch);
    free(w->room);
}

/* One request, one reply, cut as `cuts` has it. */
static struct verdict judge_one(struct bytes says, uint64_t plan, uint64_t cuts)
{
    memset(&world, 0, sizeof(world));
    lots = 0;
    seed = plan;
    draw_plan(&world.plan);
    world.plan.requests = world.plan.pipeline = world.plan.target_count = 1;
    world.plan.turn_count = 1;
    world.plan.rate = world.plan.duration_ns = world.plan.think_high_ns = 0;
    world.plan.warmup_ns = 0;
    world.plan.ramps_connections = false;
    world.plan.ramp.count = 0;
    world.plan.timeout_ns = world.plan.connect_timeout_ns = 3600 * NS_PER_S;
    world.plan.trace = world.harmless = true;
    seed = cuts;
    run(&world, says);
    PROPERTY(world.verdicts == 1);
    return world.first;
}

/* Bytes after the reply's end are found when they come with it, and may not be when they come
 * later. */
static bool has_stray(const struct verdict *verdict)
{
    return verdict->cause.why != NULL && strstr(verdict->cause.why, "bytes after") != NULL;
}

static void check_alike(struct bytes says, uint64_t drawn)
{
    struct verdict a = judge_one(says, drawn, drawn + 1);
    struct verdict b = judge_one(says, drawn, drawn + 2);
    if (!has_stray(&a) && !has_stray(&b)) {
        PROPERTY(a.status == b.status && a.failure == b.failure && a.body == b.body);
        PROPERTY(a.has_delay == b.has_delay && (!a.has_delay || a.delay_ns == b.delay_ns));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes says = {(const char *)data, size};
    uint64_t drawn = tail_number(says, 8, 8);
    lots = 0;
    seed = drawn;
    memset(&world, 0, sizeof(world));
    draw_plan(&world.plan);
    run(&world, says);
    check_alike(says, drawn);
    return 0;
}
