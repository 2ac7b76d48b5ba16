#include "client/crew.h"

#include "client/space.h"
#include "lib/base/bounds.h"
#include "lib/base/log.h"
#include "lib/base/units.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

enum {
    WAKE = SIGUSR1, /* interrupts a system call that waits */
    STACK_GUARD = 4096,
};

/* --- spaces ----------------------------------------------------------------------------------- */

enum {
    SPACES = 10
};

/* What a crew makes room for: where its pointer to that is, how many there are, and how large. */
struct space {
    void *pointer;
    size_t count, size;
};

static void list_spaces(struct crew *crew, struct space spaces[SPACES])
{
    const struct plan *plan = crew->plan;
    size_t warmups = plan->warmup_ns > 0 ? plan->threads : 0;
    size_t flights = plan->connections * plan->pipeline;
    const struct space list[SPACES] = {
        {&crew->sessions, plan->connections, sizeof(*crew->sessions)},
        {&crew->flights, flights, sizeof(*crew->flights)},
        {&crew->rooms, plan->connections, SESSION_ROOM},
        {&crew->hands, plan->threads, sizeof(*crew->hands)},
        {&crew->tallies, plan->threads, sizeof(*crew->tallies)},
        {&crew->warmups, warmups, sizeof(*crew->warmups)},
        {&crew->gauges, plan->threads, sizeof(*crew->gauges)},
        {&crew->specimens, plan->target_count, sizeof(*crew->specimens)},
        {&crew->memories, plan->threads, sizeof(*crew->memories)},
        {&crew->scratches, plan->threads, SESSION_SCRATCH},
    };
    memcpy(spaces, list, sizeof(list));
}

static void *made(const struct space *space)
{
    void *at;
    memcpy(&at, space->pointer, sizeof(at)); /* whatever type the pointer is of */
    return at;
}

static bool make_spaces(struct crew *crew)
{
    struct space spaces[SPACES];
    bool complete = true;
    list_spaces(crew, spaces);
    for (size_t i = 0; i < SPACES; i++) {
        void *at = space_create(spaces[i].count, spaces[i].size);
        memcpy(spaces[i].pointer, &at, sizeof(at));
        complete = complete && (at != NULL || spaces[i].count == 0);
    }
    return complete;
}

static void destroy_spaces(struct crew *crew)
{
    struct space spaces[SPACES];
    list_spaces(crew, spaces);
    for (size_t i = 0; i < SPACES; i++) {
        space_destroy(made(&spaces[i]), spaces[i].count, spaces[i].size);
    }
}

/* --- when there is not enough ----------------------------------------------------------------- */

/* What there was no room for, and what threads will want besides. Most of it will never be touched:
 * it is room rather than memory. */
static uint64_t all_lacking(struct crew *crew)
{
    struct space spaces[SPACES];
    uint64_t lacking = crew->plan->threads * (crew->stack_size + STACK_GUARD);
    list_spaces(crew, spaces);
    for (size_t i = 0; i < SPACES; i++) {
        lacking += made(&spaces[i]) == NULL ? spaces[i].count * spaces[i].size : 0;
    }
    return lacking;
}

static bool lacks_memory(struct crew *crew)
{
    struct bounds bounds;
    char size[UNITS_TEXT];
    char why[BOUNDS_TEXT];
    uint64_t room = all_lacking(crew);
    bounds_of_memory(&bounds, room, "");
    log_error("-c %llu: there is no room for %s: %s", (unsigned long long)crew->plan->connections,
              units_write_bytes(size, (double)room), bounds_explain(why, &bounds, 1));
    return false;
}

/* While those that could be started are still there. */
static void lacks_threads(const struct crew *crew, size_t started)
{
    const struct plan *plan = crew->plan;
    struct bounds bounds;
    char why[BOUNDS_TEXT];
    bounds_of_threads(&bounds, crew->stack_size, "");
    log_error("-%c %llu: only %zu threads could be started: %s",
              plan->threads == plan->connections ? 'c' : 't', (unsigned long long)plan->threads,
              started, bounds_explain(why, &bounds, plan->threads - started));
}

/* --- sessions --------------------------------------------------------------------------------- */

static size_t first_of(const struct plan *plan, size_t hand)
{
    return plan->connections * hand / plan->threads;
}

/* Connections that come one by one come to the hands in turn. */
static uint64_t rank_of(const struct plan *plan, const struct hand *hand, size_t session)
{
    size_t rounds = plan->connections / plan->threads; /* in which all hands are given one */
    size_t round = session - hand->first;
    return round < rounds ? round * plan->threads + hand->index
                          : rounds * plan->threads + (hand->first - rounds * hand->index);
}

static void make_sessions(struct crew *crew, struct hand *hand)
{
    size_t depth = crew->plan->pipeline;
    struct tally *warmup = crew->warmups == NULL ? NULL : &crew->warmups[hand->index];
    for (size_t i = hand->first; i < hand->first + hand->count; i++) {
        session_init(&crew->sessions[i], &(struct session_place){
                                             .plan = crew->plan,
                                             .course = &crew->watch->course,
                                             .tally = &crew->tallies[hand->index],
                                             .warmup = warmup,
                                             .rank = rank_of(crew->plan, hand, i),
                                             .specimens = crew->specimens,
                                             .gauge = &crew->gauges[hand->index],
                                             .pulse = watch_pulse(crew->watch, hand->index),
                                             .flights = &crew->flights[i * depth],
                                             .memory = &crew->memories[hand->index],
                                             .scratch = hand->scratch,
                                             .room = &crew->rooms[i * SESSION_ROOM],
                                         });
    }
}

bool crew_init(struct crew *crew, const struct plan *plan, struct watch *watch, size_t stack_size)
{
    *crew = (struct crew){.plan = plan, .watch = watch, .stack_size = stack_size};
    pthread_rwlock_init(&crew->gate, NULL);
    if (!make_spaces(crew)) {
        return lacks_memory(crew);
    }
    for (size_t i = 0; i < plan->threads; i++) {
        crew->hands[i] = (struct hand){
            .crew = crew,
            .index = i,
            .first = first_of(plan, i),
            .count = first_of(plan, i + 1) - first_of(plan, i),
            .scratch = &crew->scratches[i * SESSION_SCRATCH],
        };
        make_sessions(crew, &crew->hands[i]);
    }
    return true;
}

void crew_finish(struct crew *crew)
{
    pthread_rwlock_destroy(&crew->gate);
    destroy_spaces(crew);
}

void crew_total(const struct crew *crew, struct tally *total, struct tally *warmup)
{
    for (size_t i = 0; i < crew->plan->threads; i++) {
        tally_add(total, &crew->tallies[i]);
        if (crew->plan->warmup_ns > 0) {
            tally_add(warmup, &crew->warmups[i]);
        }
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

static void on_wake(int number)
{
    (void)number; /* that the call returns is all that is wanted */
}

static void *begin(void *argument)
{
    struct hand *hand = argument;
    sigset_t wake;
    sigemptyset(&wake);
    sigaddset(&wake, WAKE);
    pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
    hand->before = toil_now();
    pthread_rwlock_rdlock(&hand->crew->gate);
    pthread_rwlock_unlock(&hand->crew->gate);
    hand->work(hand);
    hand->after = toil_now();
    watch_leave(hand->crew->watch);
    return NULL;
}

/* Returns how many could be started. */
static size_t start_threads(struct crew *crew, void (*work)(struct hand *hand), int *error)
{
    size_t started = 0;
    pthread_attr_t attributes;
    if (crew->plan->rate > 0) {
        prctl(PR_SET_TIMERSLACK, 1); /* ns: threads inherit it, and wake at their moment */
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, crew->stack_size);
    while (started < crew->plan->threads && *error == 0) {
        struct hand *hand = &crew->hands[started];
        hand->work = work;
        *error = -pthread_create(&hand->thread, &attributes, begin, hand);
        started += *error == 0;
    }
    pthread_attr_destroy(&attributes);
    return started;
}

int crew_work(struct crew *crew, void (*work)(struct hand *hand))
{
    int error = 0;
    struct sigaction wake = {.sa_handler = on_wake};
    sigaction(WAKE, &wake, NULL);
    watch_expect(crew->watch, crew->gauges, crew->plan->threads);
    pthread_rwlock_wrlock(&crew->gate);
    size_t started = start_threads(crew, work, &error);
    if (error != 0) {
        lacks_threads(crew, started);
        course_stop(&crew->watch->course, 0);
    }
    evidence_begin(&crew->watch->evidence, crew->watch->timeline);
    course_begin(&crew->watch->course, clock_monotonic_ns());
    pthread_rwlock_unlock(&crew->gate);
    while (error == 0 && watch_workers(crew->watch) == WATCH_STOPPING) {
        for (size_t i = 0; i < started; i++) {
            pthread_kill(crew->hands[i].thread, WAKE);
        }
    }
    evidence_end(&crew->watch->evidence);
    for (size_t i = 0; i < started; i++) {
        struct hand *hand = &crew->hands[i];
        pthread_join(hand->thread, NULL);
        evidence_add(&crew->watch->evidence, &hand->before, &hand->after);
    }
    return error;
}
