/* Drives sessions by bytes and outcomes alone: time, schedules, warm-ups. */
#include "tests/unit/client/world.h"

#include <errno.h>
#include <string.h>

/* ---- time ---- */

static void latency_runs_from_sending_to_the_last_byte(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->slice = 10; /* six receives */
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    size_t receives = (OK_SIZE + 9) / 10;
    assert_int_equal(w->verdicts[0].took_ns, receives * LATENCY);
    assert_int_equal(w->tally->latency.slots[receives * LATENCY / 1000], 1);
    assert_int_equal(w->tally->first_byte.slots[LATENCY / 1000], 1);
    world_destroy(w);
}

static void a_timeout_counts_from_the_request(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    world_script(w, (struct script){.replies = {HEAD "Content-Length: 5\r\n\r\nhel"}});
    world_run(w);
    assert_int_equal(w->verdicts[0].failure, FAILURE_TIMEOUT);
    assert_int_equal(w->verdicts[0].took_ns, 10 * NS_PER_S);
    world_destroy(w);
}

static void a_timed_out_connection_is_not_used_again(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.replies = {""}});
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 1);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->connections, 2);
    world_destroy(w);
}

/* Every step succeeds, and the request is late all the same. */
static void a_request_that_leaves_too_slowly_times_out(void **state)
{
    static const struct bytes body = TEXT("0123456789");
    (void)state;
    struct world *w = world_create(1);
    w->plan.body = body;
    w->bite = 1;
    w->send_takes_ns = NS_PER_S;
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 1);
    assert_true(w->finished_ns <= NS_PER_S + 12 * NS_PER_S);
    world_destroy(w);
}

static void a_reply_that_comes_too_slowly_times_out(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->slice = 1;
    w->receive_takes_ns = NS_PER_S;
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_TIMEOUT], 1);
    assert_true(w->finished_ns <= NS_PER_S + 12 * NS_PER_S);
    world_destroy(w);
}

static void the_end_of_the_run_cuts_off_and_blames_nobody(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.duration_ns = 2 * NS_PER_S;
    world_script(w, (struct script){.replies = {OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 2);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->sent, 3);
    assert_int_equal(w->finished_ns, 3 * NS_PER_S);
    assert_int_equal(w->tally->ended_ns, 3 * NS_PER_S);
    world_destroy(w);
}

static void the_end_of_the_run_ends_connecting_and_resting(void **state)
{
    static const int errors[] = {-1, ECONNREFUSED};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_create(0);
        w->plan.trace = false;
        w->plan.duration_ns = 2 * NS_PER_S;
        world_script(w, (struct script){.connect_error = errors[i]});
        world_run(w);
        assert_int_equal(w->finished_ns, 3 * NS_PER_S);
        world_destroy(w);
    }
}

static void a_run_ends_by_requests_or_by_time(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->plan.duration_ns = 100 * NS_PER_S;
    world_script(w, (struct script){.replies = {OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 1);
    assert_true(w->finished_ns < 2 * NS_PER_S);
    world_destroy(w);
}

static void a_stopped_run_ends_wherever_it_waits(void **state)
{
    (void)state;
    struct world *w = world_create(10);
    world_script(w, (struct script){.replies = {OK}});
    world_begin(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    while (step->kind != STEP_READ || w->tally->ok == 0) {
        came = world_take(w, step);
        step = session_step(&w->session, w->now, came);
    }
    course_stop(&w->course, w->now);
    step = session_step(&w->session, w->now, (struct outcome){CAME_TIMED_OUT, 0, 0});
    assert_int_equal(step->kind, STEP_CLOSE);
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_FINISHED);
    assert_int_equal(w->tally->ok, 1);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->sent, 2);
    world_destroy(w);
}

static void a_run_stopped_before_it_began_connects_to_nobody(void **state)
{
    (void)state;
    struct world *w = world_create(10);
    world_begin(w);
    course_stop(&w->course, w->now);
    struct outcome came = {CAME_NOTHING, 0, 0};
    assert_int_equal(session_step(&w->session, w->now, came)->kind, STEP_FINISHED);
    world_destroy(w);
}

/* ---- schedules ---- */

static void with_a_rate_requests_are_due_by_the_clock(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    w->plan.rate = 10;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 4);
    /* the first is due at once, but there is no connection yet */
    assert_int_equal(w->verdicts[0].took_ns, LATENCY + 50);
    assert_int_equal(w->verdicts[3].took_ns, LATENCY);
    assert_int_equal(w->finished_ns, NS_PER_S + 300 * NS_PER_MS + LATENCY);
    world_destroy(w);
}

/* What comes of the step that is being carried out, at this moment; the next one is of this kind.
 */
static const struct step *comes_to(struct world *w, uint64_t now, struct outcome came,
                                   enum step_kind kind)
{
    const struct step *step = session_step(&w->session, now, came);
    assert_int_equal(step->kind, kind);
    return step;
}

static const struct outcome made = {CAME_DONE, 0, 0};
static const struct outcome left = {CAME_DONE, 0, sizeof(REQUEST) - 1};
static const struct outcome no_more = {CAME_TIMED_OUT, 0, 0};

static struct outcome reply_to(const struct step *step)
{
    memcpy(step->space, OK, OK_SIZE);
    return (struct outcome){CAME_DONE, 0, OK_SIZE};
}

/* Whether there is a reply to be waited for meanwhile or not. */
static void a_request_leaves_at_its_moment_and_not_before(void **state)
{
    (void)state;
    for (uint64_t pipeline = 1; pipeline <= 2; pipeline++) {
        struct world *w = world_create(2);
        w->plan.rate = 10;
        w->plan.pipeline = pipeline;
        w->plan.trace = false;
        world_begin(w);
        uint64_t begin = w->now, due = begin + 100 * NS_PER_MS;
        enum step_kind waiting = pipeline == 1 ? STEP_IDLE : STEP_READ;
        comes_to(w, begin, (struct outcome){0}, STEP_CONNECT);
        comes_to(w, begin, made, STEP_SEND);
        const struct step *step = comes_to(w, begin, left, STEP_READ);
        if (pipeline == 1) {
            step = comes_to(w, begin + 1, reply_to(step), STEP_IDLE);
        }
        assert_int_equal(step->until_ns, due);
        assert_int_equal(comes_to(w, due - 1, no_more, waiting)->until_ns, due);
        comes_to(w, due, no_more, STEP_SEND);
        world_destroy(w);
    }
}

static void with_a_rate_latency_counts_from_the_moment_it_was_due(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.rate = 1000000000; /* due all at once, and answered one after the other */
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->verdicts[2].took_ns, 50 + 3 * LATENCY - 2);
    world_destroy(w);
}

/* What coordinated omission would hide: a server that stalls, and requests that pile up behind it.
 */
static void a_stall_shows_in_latency_and_hardly_in_raw(void **state)
{
    const size_t requests = 1000;
    uint64_t over_25_ms = 0;
    (void)state;
    struct world *w = world_create(requests);
    w->plan.rate = 1000;
    w->plan.trace = false;
    w->stall_at = 11; /* request 10, due at 10 ms, is answered at 60 ms; 50 more have piled up */
    w->stall_ns = 50 * NS_PER_MS;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_run(w);
    const struct tally *t = w->tally;
    assert_int_equal(t->ok, requests);
    for (size_t slot = histogram_slot(25000); slot < HISTOGRAM_SLOTS; slot++) {
        over_25_ms += t->latency.slots[slot];
    }
    assert_int_equal(over_25_ms, 26); /* due from 10 to 35 ms */
    assert_in_range(histogram_percentile(&t->latency, 97500), 24900, 25100);
    assert_in_range(histogram_max(&t->latency), 50000, 50100);
    assert_in_range(histogram_percentile(&t->raw, 99800), 1, 3);
    assert_in_range(histogram_max(&t->raw), 50000, 50100);
    assert_in_range(t->held_up, 50,
                    52); /* these, and the first, for which no connection was there */
    assert_int_equal(t->lag.count + t->held_up, requests);
    assert_int_equal(histogram_max(&t->lag), 0);
    world_destroy(w);
}

/* The generator's own lateness is told from a connection that is not free. */
static void lag_is_what_passes_while_a_connection_waits(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    w->plan.rate = 10;
    w->oversleep_ns = 3 * NS_PER_MS;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->lag.count, 4);
    assert_int_equal(w->tally->lag.sum_us, 4 * 3000);
    assert_int_equal(w->tally->held_up, 1);
    assert_int_equal(w->verdicts[4].took_ns, 3 * NS_PER_MS + LATENCY); /* from when it was due */
    assert_int_equal(w->tally->raw.sum_us, 5 * LATENCY / 1000);
    world_destroy(w);
}

/* What piles up while the generator sleeps is its fault, though each request in turn finds the
 * connection busy with the one before. */
static void what_a_late_generator_holds_up_is_its_lag_too(void **state)
{
    (void)state;
    struct world *w = world_create(200);
    w->plan.rate = 1000;
    w->plan.trace = false;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_begin(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    while (step->kind != STEP_FINISHED) {
        came = world_take(w, step);
        if (step->kind == STEP_IDLE && w->tally->sent == 50) {
            w->now += 100 * NS_PER_MS;
        }
        step = session_step(&w->session, w->now, came);
    }
    assert_int_equal(w->tally->ok, 200);
    assert_int_equal(w->tally->held_up, 1); /* the first, before there was a connection */
    assert_in_range(histogram_percentile(&w->tally->lag, 75000), 45000, 55000);
    assert_in_range(histogram_max(&w->tally->lag), 100000, 100100);
    world_destroy(w);
}

static void scarcity_is_counted_by_what_is_scarce(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    world_script(w, (struct script){.connect_error = EMFILE});
    world_script(w, (struct script){.connect_error = ENFILE});
    world_script(w, (struct script){.connect_error = EADDRNOTAVAIL});
    world_script(w, (struct script){.connect_error = ECONNREFUSED});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 4);
    assert_int_equal(w->tally->no_descriptor, 1);
    assert_int_equal(w->tally->no_descriptor_of_machine, 1);
    assert_int_equal(w->tally->no_port, 1);
    assert_in_range(w->tally->no_port_ns, 1, w->now);
    world_destroy(w);
}

/* The gauge counts them without a look at any clock. */
static void requests_in_flight_are_counted(void **state)
{
    (void)state;
    struct world *w = world_create(12);
    w->plan.pipeline = 3;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_begin(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    uint64_t most = 0;
    while (step->kind != STEP_FINISHED) {
        came = world_take(w, step);
        step = session_step(&w->session, w->now, came);
        uint64_t flying = gauge_read(&w->gauge.flying);
        assert_int_equal(flying, w->tally->sent - w->tally->ok - w->tally->failed);
        most = flying > most ? flying : most;
        assert_int_equal(gauge_read(&w->gauge.open), w->connected);
    }
    assert_int_equal(most, 3);
    assert_int_equal(gauge_read(&w->gauge.ended), 12);
    assert_int_equal(gauge_read(&w->gauge.flying), 0);
    world_destroy(w);
}

static void a_request_whose_moment_passes_while_a_connection_waits_is_missed(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.rate = 10;
    w->plan.duration_ns = 250 * NS_PER_MS; /* due: 0, 100 and 200 ms */
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_begin(w);
    struct outcome came = {CAME_NOTHING, 0, 0};
    const struct step *step = session_step(&w->session, w->now, came);
    while (step->kind != STEP_IDLE || w->tally->sent < 2) {
        came = world_take(w, step);
        step = session_step(&w->session, w->now, came);
    }
    w->now += NS_PER_S;
    step = session_step(&w->session, w->now, (struct outcome){CAME_TIMED_OUT, 0, 0});
    assert_int_equal(step->kind, STEP_CLOSE);
    step = session_step(&w->session, w->now, world_take(w, step));
    assert_int_equal(step->kind, STEP_FINISHED);
    assert_int_equal(w->tally->sent, 2);
    assert_int_equal(w->tally->missed, 1);
    world_destroy(w);
}

/* They are not used up before their time. */
static void requests_that_find_no_connection_fail_by_the_clock(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.rate = 1;
    world_script(w, (struct script){.connect_error = ECONNREFUSED});
    world_run(w);
    assert_int_equal(w->tally->failures[FAILURE_CONNECT], 3);
    assert_in_range(w->finished_ns, 3 * NS_PER_S, 3 * NS_PER_S + 10 * NS_PER_MS);
    world_destroy(w);
}

/* ---- warm-up ---- */

static void a_warm_up_counts_toward_nothing(void **state)
{
    (void)state;
    struct world *w = world_create(5);
    w->plan.warmup_ns = 10 * LATENCY; /* nine replies and one connection, or a little more */
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_run(w);
    assert_int_equal(w->tally->ok, 5);
    assert_int_equal(w->tally->sent, 5);
    assert_in_range(w->warmup->ok, 9, 10);
    assert_int_equal(w->warmup->sent, w->warmup->ok);
    assert_int_equal(w->tally->bytes_body, 25);
    assert_int_equal(w->tally->statuses[200], 5);
    assert_true(w->tally->connect.count < w->connections);
    assert_int_equal(w->tally->connect.count + w->warmup->connect.count, w->connections);
    world_destroy(w);
}

static void a_duration_begins_after_the_warm_up(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.warmup_ns = NS_PER_S;
    w->plan.duration_ns = 2 * NS_PER_S;
    w->plan.trace = false;
    w->receive_takes_ns = 100 * NS_PER_MS;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}, .then = CLOSES});
    world_run(w);
    assert_in_range(w->finished_ns, 4 * NS_PER_S, 4 * NS_PER_S + 200 * NS_PER_MS);
    assert_in_range(w->warmup->ok, 9, 10);
    assert_in_range(w->tally->ok, 18, 20);
    world_destroy(w);
}

/* The schedule of a warm-up is its own: number 0 of those that count is due when it is over. */
static void a_warm_up_has_its_own_schedule(void **state)
{
    (void)state;
    struct world *w = world_create(4);
    w->plan.rate = 10;
    w->plan.warmup_ns = 250 * NS_PER_MS; /* due in it: 0, 100 and 200 ms */
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->warmup->ok, 3);
    assert_int_equal(w->tally->ok, 4);
    assert_int_equal(w->finished_ns, NS_PER_S + 550 * NS_PER_MS + LATENCY);
    assert_int_equal(w->tally->lag.count,
                     4); /* none of these was held up by a missing connection */
    assert_int_equal(w->warmup->held_up, 1);
    assert_int_equal(w->verdicts[6].took_ns, LATENCY);
    world_destroy(w);
}

/* What a slow server has not taken of a warm-up when it ends does not hold up what counts. */
static void an_unfinished_warm_up_is_let_go(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    w->plan.rate = 10;
    w->plan.warmup_ns = NS_PER_S;
    w->stall_at = 1;
    w->stall_ns = NS_PER_S;
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->warmup->ok, 1);
    assert_int_equal(w->tally->ok, 2);
    assert_in_range(w->finished_ns, 2 * NS_PER_S + 100 * NS_PER_MS, 2 * NS_PER_S + 110 * NS_PER_MS);
    world_destroy(w);
}

static void failures_of_a_warm_up_are_known(void **state)
{
    (void)state;
    struct world *w = world_create(1);
    w->plan.warmup_ns = 60;
    world_script(
        w, (struct script){.replies = {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", OK}});
    world_run(w);
    assert_int_equal(w->warmup->failures[FAILURE_STATUS], 1);
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->tally->ok, 1);
    world_destroy(w);
}

/* A plan whose connections go to one level after the other, a digit each, within 4 us. A reply
 * takes LATENCY, and to connect 50 ns. */
static struct world *ramped(const char *stages, uint64_t from, uint64_t rank)
{
    struct world *w = world_create(0);
    struct ramp *ramp = &w->plan.ramp;
    for (; *stages != '\0'; stages++) {
        unsigned level = (unsigned)(*stages - '0');
        ramp->at[ramp->count++] = (struct stage){.length_ns = 4000, .to = level};
    }
    ramp_begin(ramp, from);
    w->plan.ramps_connections = true;
    w->plan.trace = false; /* there are more than a world remembers */
    w->plan.duration_ns = ramp_length_ns(ramp);
    w->rank = rank;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}});
    return w;
}

static void a_connection_is_made_when_its_turn_comes(void **state)
{
    (void)state;
    struct world *w = ramped("44", 0, 2); /* the third of four: half of the way */
    world_run(w);
    assert_int_equal(w->waits, 1);
    assert_in_range(w->waited_ns, 2000, 2010);
    assert_int_equal(w->tally->ok, 6); /* in the 6 us that are left */
    assert_in_range(w->finished_ns, NS_PER_S + 8050, NS_PER_S + 8060);
    world_destroy(w);
}

/* A connection is at work from one moment on, and at another one it is not any more. */
static void a_turn_is_from_its_moment_to_before_its_end(void **state)
{
    static const double levels[] = {0, 1, 1, 0, 0}; /* jumps between them */
    (void)state;
    struct world *w = ramped("", 0, 0);
    for (size_t i = 0; i < 5; i++) {
        w->plan.ramp.at[i] = (struct stage){.length_ns = i % 2 == 0 ? 4000 : 0, .to = levels[i]};
    }
    w->plan.ramp.count = 5;
    ramp_begin(&w->plan.ramp, 0);
    w->plan.duration_ns = ramp_length_ns(&w->plan.ramp);
    world_begin(w);
    uint64_t from = w->now + 4000, to = from + 4000;
    assert_int_equal(comes_to(w, w->now, (struct outcome){0}, STEP_WAIT)->until_ns, from);
    assert_int_equal(comes_to(w, from - 1, made, STEP_WAIT)->until_ns, from);
    comes_to(w, from, made, STEP_CONNECT);
    comes_to(w, from, made, STEP_SEND);
    const struct step *step = comes_to(w, from, left, STEP_READ);
    comes_to(w, to - 1, reply_to(step), STEP_SEND);
    step = comes_to(w, to - 1, left, STEP_READ);
    comes_to(w, to, reply_to(step), STEP_CLOSE);
    comes_to(w, to, made, STEP_FINISHED);
    world_destroy(w);
}

static void one_whose_time_is_over_ends_what_it_began_and_closes(void **state)
{
    (void)state;
    struct world *w = ramped("0", 4, 3); /* the first to go: at a quarter */
    world_run(w);
    assert_int_equal(w->tally->ok, 1); /* it was on its way then */
    assert_int_equal(w->tally->failed, 0);
    assert_int_equal(w->closes, 1);
    assert_int_equal(w->waits, 0);
    assert_in_range(w->finished_ns, NS_PER_S + 1050, NS_PER_S + 1060); /* and is not waited for */
    world_destroy(w);
}

static void one_whose_turn_comes_again_connects_anew(void **state)
{
    (void)state;
    struct world *w = ramped("404", 0, 1);
    world_run(w);
    assert_int_equal(w->connections, 2);
    assert_int_equal(w->closes, 2);
    assert_int_equal(w->waits, 2);
    assert_int_equal(w->tally->failed, 0);
    world_destroy(w);
}

static void one_whose_turn_never_comes_finishes_at_once(void **state)
{
    (void)state;
    struct world *w = ramped("44", 0, 4);
    world_run(w);
    assert_int_equal(w->connections, 0);
    assert_int_equal(w->tally->sent, 0);
    assert_int_equal(w->finished_ns, NS_PER_S);
    world_destroy(w);
}

static void a_stopped_run_ends_while_a_turn_is_waited_for(void **state)
{
    (void)state;
    struct world *w = ramped("04", 0, 2);
    world_begin(w);
    const struct step *step =
        session_step(&w->session, w->now, (struct outcome){CAME_NOTHING, 0, 0});
    assert_int_equal(step->kind, STEP_WAIT);
    course_stop(&w->course, w->now + 5);
    w->now += 5;
    step = session_step(&w->session, w->now, (struct outcome){CAME_DONE, 0, 0});
    assert_int_equal(step->kind, STEP_FINISHED);
    world_destroy(w);
}

static void a_warm_up_is_for_those_who_are_there_from_the_beginning(void **state)
{
    static const struct {
        uint64_t rank;
        bool warms;
    } rows[] = {{0, true}, {1, true}, {2, false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = ramped("4", 2, rows[i].rank);
        w->plan.warmup_ns = 5000;
        world_run(w);
        assert_int_equal(w->warmup->sent > 0, rows[i].warms);
        assert_true(w->tally->sent > 0);
        world_destroy(w);
    }
}

static void a_rate_in_stages_is_due_by_its_schedule(void **state)
{
    (void)state;
    struct world *w = world_create(0);
    w->plan.rate = 1;
    w->plan.ramp.at[0] = (struct stage){.length_ns = 0, .to = 1e5};
    w->plan.ramp.at[1] = (struct stage){.length_ns = 100 * NS_PER_US, .to = 0};
    w->plan.ramp.count = 2;
    ramp_begin(&w->plan.ramp, 1);
    w->plan.duration_ns = NS_PER_S;
    world_script(w, (struct script){.replies = {OK, OK, OK, OK, OK, OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->sent, 5); /* half of ten, and none in all the time that follows */
    assert_int_equal(w->tally->missed, 0);
    assert_int_equal(w->finished_ns, 2 * NS_PER_S);
    world_destroy(w);
}

static void thinking_comes_between_reply_and_request(void **state)
{
    (void)state;
    struct world *w = world_create(3);
    w->plan.think_low_ns = w->plan.think_high_ns = 20 * NS_PER_MS;
    world_script(w, (struct script){.replies = {OK, OK, OK}});
    world_run(w);
    assert_int_equal(w->tally->ok, 3);
    assert_int_equal(w->waited_ns, 40 * NS_PER_MS);
    assert_int_equal(w->verdicts[2].took_ns, LATENCY);
    world_destroy(w);
}

/* ---- delays ---- */

static void delays_that_replies_name_are_summed(void **state)
{
    (void)state;
    struct world *w = world_create(2);
    world_script(w, (struct script){.replies = {HEAD "Delay: 1.5\r\nContent-Length: 0\r\n\r\n",
                                                HEAD "Delay: 0.25\r\nContent-Length: 0\r\n\r\n"}});
    world_run(w);
    assert_int_equal(w->tally->delay_count, 2);
    assert_int_equal(w->tally->delay_sum_ns, 1750 * NS_PER_MS);
    assert_int_equal(w->tally->delay_max_ns, 1500 * NS_PER_MS);
    assert_true(w->verdicts[1].has_delay);
    assert_int_equal(w->verdicts[1].delay_ns, 250 * NS_PER_MS);
    world_destroy(w);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(latency_runs_from_sending_to_the_last_byte));
    suite_add(&suite, CASE(a_timeout_counts_from_the_request));
    suite_add(&suite, CASE(a_timed_out_connection_is_not_used_again));
    suite_add(&suite, CASE(a_request_that_leaves_too_slowly_times_out));
    suite_add(&suite, CASE(a_reply_that_comes_too_slowly_times_out));
    suite_add(&suite, CASE(the_end_of_the_run_cuts_off_and_blames_nobody));
    suite_add(&suite, CASE(the_end_of_the_run_ends_connecting_and_resting));
    suite_add(&suite, CASE(a_run_ends_by_requests_or_by_time));
    suite_add(&suite, CASE(a_stopped_run_ends_wherever_it_waits));
    suite_add(&suite, CASE(a_run_stopped_before_it_began_connects_to_nobody));
    suite_add(&suite, CASE(with_a_rate_requests_are_due_by_the_clock));
    suite_add(&suite, CASE(a_request_leaves_at_its_moment_and_not_before));
    suite_add(&suite, CASE(with_a_rate_latency_counts_from_the_moment_it_was_due));
    suite_add(&suite, CASE(a_stall_shows_in_latency_and_hardly_in_raw));
    suite_add(&suite, CASE(lag_is_what_passes_while_a_connection_waits));
    suite_add(&suite, CASE(what_a_late_generator_holds_up_is_its_lag_too));
    suite_add(&suite, CASE(scarcity_is_counted_by_what_is_scarce));
    suite_add(&suite, CASE(requests_in_flight_are_counted));
    suite_add(&suite, CASE(a_request_whose_moment_passes_while_a_connection_waits_is_missed));
    suite_add(&suite, CASE(requests_that_find_no_connection_fail_by_the_clock));
    suite_add(&suite, CASE(a_warm_up_counts_toward_nothing));
    suite_add(&suite, CASE(a_duration_begins_after_the_warm_up));
    suite_add(&suite, CASE(a_warm_up_has_its_own_schedule));
    suite_add(&suite, CASE(an_unfinished_warm_up_is_let_go));
    suite_add(&suite, CASE(failures_of_a_warm_up_are_known));
    suite_add(&suite, CASE(a_connection_is_made_when_its_turn_comes));
    suite_add(&suite, CASE(a_turn_is_from_its_moment_to_before_its_end));
    suite_add(&suite, CASE(one_whose_time_is_over_ends_what_it_began_and_closes));
    suite_add(&suite, CASE(one_whose_turn_comes_again_connects_anew));
    suite_add(&suite, CASE(one_whose_turn_never_comes_finishes_at_once));
    suite_add(&suite, CASE(a_stopped_run_ends_while_a_turn_is_waited_for));
    suite_add(&suite, CASE(a_warm_up_is_for_those_who_are_there_from_the_beginning));
    suite_add(&suite, CASE(a_rate_in_stages_is_due_by_its_schedule));
    suite_add(&suite, CASE(thinking_comes_between_reply_and_request));
    suite_add(&suite, CASE(delays_that_replies_name_are_summed));
    return suite_run(&suite, "client/session_time");
}
