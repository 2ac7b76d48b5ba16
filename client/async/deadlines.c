#include "client/async/deadlines.h"

#include "lib/base/clock.h"

static void put(struct deadlines *deadlines, size_t place, struct deadline *deadline)
{
    deadlines->heap[place] = deadline;
    deadline->place = place;
}

/* Moves a deadline towards the top, from a place that is free for it. */
static void rise(struct deadlines *deadlines, size_t place, struct deadline *deadline)
{
    while (place > 1 && deadlines->heap[place / 2]->queued_ns > deadline->queued_ns) {
        put(deadlines, place, deadlines->heap[place / 2]);
        place /= 2;
    }
    put(deadlines, place, deadline);
}

static void sink(struct deadlines *deadlines, size_t place, struct deadline *deadline)
{
    struct deadline **heap = deadlines->heap;
    for (;;) {
        size_t child = 2 * place;
        if (child < deadlines->count && heap[child + 1]->queued_ns < heap[child]->queued_ns) {
            child++;
        }
        if (child > deadlines->count || heap[child]->queued_ns >= deadline->queued_ns) {
            break;
        }
        put(deadlines, place, heap[child]);
        place = child;
    }
    put(deadlines, place, deadline);
}

static void remove_top(struct deadlines *deadlines)
{
    struct deadline *last = deadlines->heap[deadlines->count--];
    deadlines->heap[1]->place = 0;
    if (deadlines->count > 0) {
        sink(deadlines, 1, last);
    }
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_ns)
{
    deadline->at_ns = at_ns;
    if (deadline->place != 0 ? deadline->queued_ns <= at_ns : at_ns == CLOCK_NEVER) {
        return;
    }
    size_t place = deadline->place != 0 ? deadline->place : ++deadlines->count;
    deadline->queued_ns = at_ns;
    rise(deadlines, place, deadline);
}

struct deadline *deadlines_take(struct deadlines *deadlines, uint64_t now_ns)
{
    while (deadlines->count > 0 && deadlines->heap[1]->queued_ns <= now_ns) {
        struct deadline *top = deadlines->heap[1];
        if (top->at_ns <= now_ns) {
            remove_top(deadlines);
            return top;
        }
        top->queued_ns = top->at_ns;
        sink(deadlines, 1, top);
    }
    return NULL;
}

uint64_t deadlines_next(const struct deadlines *deadlines)
{
    return deadlines->count == 0 ? CLOCK_NEVER : deadlines->heap[1]->queued_ns;
}
