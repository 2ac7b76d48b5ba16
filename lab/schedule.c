#include "lab/schedule.h"

#include "lib/base/random.h"

#include <stdlib.h>

static size_t list_round(const struct plan *plan, bool url, unsigned repeat,
                         struct schedule_run *to);
static void shuffle(struct schedule_run *runs, size_t count, uint64_t seed, uint64_t *drawn);

struct schedule_run *schedule_make(const struct plan *plan, bool url, size_t *count)
{
    size_t room = 0;
    for (size_t i = 0; i < plan->targets; i++) {
        room += plan->target[i].steps * MODEL_PAIR * MODEL_PAIR;
    }
    struct schedule_run *runs = calloc(room * plan->repeats, sizeof *runs);
    uint64_t drawn = 0;

    *count = 0;
    for (unsigned repeat = 1; runs != NULL && repeat <= plan->repeats; repeat++) {
        size_t round = list_round(plan, url, repeat, runs + *count);
        shuffle(runs + *count, round, plan->seed, &drawn);
        *count += round;
    }
    return runs;
}

static size_t list_round(const struct plan *plan, bool url, unsigned repeat,
                         struct schedule_run *to)
{
    size_t count = 0;
    for (unsigned target = 0; target < plan->targets; target++) {
        for (size_t step = 0; step < plan->target[target].steps; step++) {
            for (int pair = 0; pair < MODEL_PAIR * (url ? 1 : MODEL_PAIR); pair++) {
                to[count++] = (struct schedule_run){
                    .repeat = repeat,
                    .target = target,
                    .connections = plan->target[target].connections[step],
                    .server = url ? MODEL_OTHER : (enum model)(pair / MODEL_PAIR),
                    .client = (enum model)(pair % MODEL_PAIR),
                };
            }
        }
    }
    return count;
}

/* Fisher and Yates: each order is as likely as any other. */
static void shuffle(struct schedule_run *runs, size_t count, uint64_t seed, uint64_t *drawn)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_between(seed, (*drawn)++, 0, i - 1);
        struct schedule_run last = runs[i - 1];
        runs[i - 1] = runs[other];
        runs[other] = last;
    }
}
