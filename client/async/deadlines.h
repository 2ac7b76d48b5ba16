/* The deadlines of one loop's connections, the earliest first.
 *
 * A binary heap in which a deadline may stand earlier than it is, never later: to put one off, as
 * every request does to the deadline of the one before, is a plain store, and the heap only hears
 * of it when the old moment has come. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lies in what it belongs to. All zero: not waiting. */
struct deadline {
    uint64_t at_ns;     /* CLOCK_NEVER: none */
    uint64_t queued_ns; /* where the heap has it: no later than at_ns */
    size_t place;       /* in the heap, from 1; 0: not in it */
};

struct deadlines {
    size_t count;
    struct deadline **heap; /* heap[1 ..= count]; room for one more than there are deadlines */
};

/* Sets a deadline, or moves it. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_ns);

/* Takes out one whose moment has come; NULL when there is none (left). */
struct deadline *deadlines_take(struct deadlines *deadlines, uint64_t now_ns);

/* When to look again: CLOCK_NEVER, or a moment no later than the earliest deadline. */
uint64_t deadlines_next(const struct deadlines *deadlines);
