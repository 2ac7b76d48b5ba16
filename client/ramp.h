/* How a load grows and falls: stages in which the number of connections, or the rate of an open
 * loop, goes in a straight line from one level to the next. After the last stage its level stays.
 *
 * Times are nanoseconds after the beginning of the run. All but ramp_read() and ramp_begin() is
 * pure and for any thread: nothing is kept, no clock is asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RAMP_STAGES = 64
};

/* One stage. `length_ns` 0: a jump. */
struct stage {
    uint64_t begin_ns;
    uint64_t length_ns; /* the last one's, which is no part of what was asked for: CLOCK_NEVER */
    double from, to;    /* the level at its ends */
    double before;      /* requests due before it, if the level is a rate */
};

/* Zero: no ramp. */
struct ramp {
    size_t count; /* of stages as asked for; one more follows, in which the last level stays */
    struct stage at[RAMP_STAGES + 1];
};

/* Reads "10s:100,20s:1000": stages of so long each, to a level of 0..most. What is wrong with the
 * text, or NULL; static. ramp_begin() is still due. */
const char *ramp_read(const char *text, uint64_t most, struct ramp *ramp);

/* Where the first stage begins. Works out the rest of each stage. */
void ramp_begin(struct ramp *ramp, uint64_t level);

/* Of all stages together. */
uint64_t ramp_length_ns(const struct ramp *ramp);

/* The highest level that is reached. */
uint64_t ramp_top(const struct ramp *ramp);

/* If the level is a rate: when the request of this number, from 0, is due, at the end of a pause
 * rather than at its beginning; CLOCK_NEVER when it never is. And how many are due before a moment,
 * so that both agree. */
uint64_t ramp_due_ns(const struct ramp *ramp, uint64_t number);
uint64_t ramp_due_before(const struct ramp *ramp, uint64_t elapsed_ns);

/* If the level is a number of connections: whether the connection of this rank, from 0, is one of
 * them at a moment. *until_ns is when that changes next, or CLOCK_NEVER. Of a level that is no
 * whole number, the connection begun counts. */
bool ramp_wants(const struct ramp *ramp, uint64_t rank, uint64_t elapsed_ns, uint64_t *until_ns);

/* How many of them are wanted at a moment. */
uint64_t ramp_wanted(const struct ramp *ramp, uint64_t elapsed_ns);
