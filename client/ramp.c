#include "client/ramp.h"

#include "lib/base/clock.h"
#include "lib/base/order.h"

#include <math.h>

static const struct stage *stage_at(const struct ramp *ramp, uint64_t elapsed_ns)
{
    size_t i = 0;
    while (i < ramp->count && elapsed_ns >= ramp->at[i + 1].begin_ns) {
        i++;
    }
    return &ramp->at[i];
}

static bool is_level(const struct stage *stage)
{
    return !(stage->from < stage->to) && !(stage->from > stage->to);
}

/* Requests due in the first `into_ns` of a stage: the area below the line. */
static double area(const struct stage *stage, uint64_t into_ns)
{
    double into_s = (double)into_ns / NS_PER_S;
    if (into_ns == 0 || is_level(stage)) {
        return stage->from * into_s;
    }
    double part = (double)into_ns / (double)stage->length_ns;
    return (stage->from + (stage->to - stage->from) * part / 2) * into_s;
}

void ramp_begin(struct ramp *ramp, uint64_t level)
{
    double from = (double)level;
    double before = 0;
    uint64_t begin_ns = 0;
    for (size_t i = 0; i < ramp->count; i++) {
        struct stage *stage = &ramp->at[i];
        stage->begin_ns = begin_ns;
        stage->from = from;
        stage->before = before;
        begin_ns = clock_add(begin_ns, stage->length_ns);
        before += area(stage, stage->length_ns);
        from = stage->to;
    }
    ramp->at[ramp->count] = (struct stage){begin_ns, CLOCK_NEVER, from, from, before};
}

uint64_t ramp_length_ns(const struct ramp *ramp)
{
    return ramp->at[ramp->count].begin_ns;
}

uint64_t ramp_top(const struct ramp *ramp)
{
    double top = ramp->at[0].from;
    for (size_t i = 0; i < ramp->count; i++) {
        top = ramp->at[i].to > top ? ramp->at[i].to : top;
    }
    return (uint64_t)top;
}

/* --- a rate ----------------------------------------------------------------------------------- */

/* About how long after a stage's beginning `more` requests are due, in seconds: the area below its
 * line is a square of the time, and this the form of its root that takes no two like numbers from
 * each other. */
static double reach_s(const struct stage *stage, double more)
{
    double bend = (stage->to - stage->from) / ((double)stage->length_ns / NS_PER_S);
    double square = stage->from * stage->from + 2 * bend * more;
    return more > 0 ? 2 * more / (stage->from + sqrt(square > 0 ? square : 0)) : 0;
}

/* The last moment of a stage at which no more than `wanted` were due in all. It is looked for where
 * it should be, then in steps that grow until it lies between two of them, and are halved until it
 * is found: by then it was the rounding of numbers alone that was in the way. */
static uint64_t find_moment(const struct stage *stage, double wanted)
{
    double guess_ns = reach_s(stage, wanted - stage->before) * NS_PER_S;
    uint64_t last_ns = stage->length_ns - 1;
    uint64_t at_ns = guess_ns < (double)last_ns ? (uint64_t)guess_ns : last_ns;
    uint64_t low_ns = 0;
    uint64_t high_ns = stage->length_ns;
    uint64_t step_ns = 1;
    while (high_ns - low_ns > 1) {
        bool early = stage->before + area(stage, at_ns) <= wanted;
        low_ns = early ? at_ns : low_ns;
        high_ns = early ? high_ns : at_ns;
        uint64_t half_ns = (high_ns - low_ns) / 2;
        step_ns = lesser_of(step_ns, half_ns);
        at_ns = early ? low_ns + step_ns : high_ns - step_ns;
        step_ns *= 2;
    }
    return low_ns;
}

uint64_t ramp_due_ns(const struct ramp *ramp, uint64_t number)
{
    double wanted = (double)number;
    size_t i = 0;
    while (i < ramp->count && ramp->at[i + 1].before <= wanted) {
        i++;
    }
    const struct stage *stage = &ramp->at[i];
    bool never = i == ramp->count && stage->to <= 0;
    return never ? CLOCK_NEVER : clock_add(stage->begin_ns, find_moment(stage, wanted));
}

uint64_t ramp_due_before(const struct ramp *ramp, uint64_t elapsed_ns)
{
    const struct stage *stage = stage_at(ramp, elapsed_ns);
    double due = stage->before + area(stage, elapsed_ns - stage->begin_ns);
    uint64_t whole = (uint64_t)due;
    return whole + ((double)whole < due);
}

/* --- connections ------------------------------------------------------------------------------ */

/* When the line of a stage crosses a level, as far as it does after `from_ns`: a moment that is not
 * before the true one. */
static uint64_t crossing_ns(const struct stage *stage, double level)
{
    double part = (level - stage->from) / (stage->to - stage->from);
    return stage->begin_ns + (uint64_t)(part * (double)stage->length_ns) + 1;
}

static double level_at(const struct stage *stage, uint64_t elapsed_ns)
{
    double into = (double)(elapsed_ns - stage->begin_ns);
    return is_level(stage)
               ? stage->to
               : stage->from + (stage->to - stage->from) * into / (double)stage->length_ns;
}

/* Whether more than `rank` are wanted there. */
static bool wants_at(const struct stage *stage, uint64_t rank, uint64_t elapsed_ns)
{
    return level_at(stage, elapsed_ns) > (double)rank;
}

uint64_t ramp_wanted(const struct ramp *ramp, uint64_t elapsed_ns)
{
    double level = level_at(stage_at(ramp, elapsed_ns), elapsed_ns);
    uint64_t whole = (uint64_t)level;
    return whole + ((double)whole < level);
}

bool ramp_wants(const struct ramp *ramp, uint64_t rank, uint64_t elapsed_ns, uint64_t *until_ns)
{
    const struct stage *stage = stage_at(ramp, elapsed_ns);
    const struct stage *end = &ramp->at[ramp->count];
    double level = (double)rank;
    bool wanted = wants_at(stage, rank, elapsed_ns);
    for (; stage < end; stage++) {
        bool starts = stage->from > level;
        bool ends = stage->to > level;
        if (stage->begin_ns > elapsed_ns && starts != wanted) {
            *until_ns = stage->begin_ns; /* a jump */
            return wanted;
        }
        if (stage->length_ns > 0 && ends != wanted) {
            uint64_t at_ns = crossing_ns(stage, level);
            *until_ns = greater_of(at_ns, elapsed_ns + 1);
            return wanted;
        }
    }
    *until_ns = CLOCK_NEVER;
    if (end->begin_ns > elapsed_ns && (end->to > level) != wanted) {
        *until_ns = end->begin_ns;
    }
    return wanted;
}
