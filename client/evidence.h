/* What a run shows about itself, besides its results: requests in flight as an onlooker counts
 * them, what the generator's threads used and waited for, and what the machine did meanwhile. It is
 * collected by the main thread, but for struct toil; client/trust.h judges it. */
#pragma once

#include "client/course.h"
#include "client/gauge.h"
#include "client/plan.h"
#include "client/timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a thread has had of the processors so far. */
struct toil {
    uint64_t cpu_ns;
    uint64_t wait_ns; /* ready to run, and waiting for a core */
    bool wait_known;
};

/* Moments on clocks that go on together, unless something happens. */
struct clocks {
    uint64_t monotonic_ns;
    uint64_t raw_ns;  /* not slewed */
    uint64_t boot_ns; /* goes on while the machine sleeps */
};

struct evidence {
    struct timeline *timeline; /* NULL: nobody asks for it */

    /* Requests in flight, between ramp-up and tail: from the moment when as many requests have
     * ended as there are connections, to the moment when none is left to be drawn. */
    struct sighting first, last;
    uint64_t sightings; /* after the first */
    double flying_sum;
    double flying_squares;

    uint64_t threads;
    uint64_t busiest_cpu_ns; /* of one thread */
    uint64_t wait_ns;        /* of all, for a core */
    bool wait_known;
    uint64_t spent_ns; /* by all requests that ended */
    unsigned cores;    /* that it may run on */

    uint64_t cpu_user_ns; /* used by the process since all counts */
    uint64_t cpu_system_ns;

    struct means means; /* what it had in the end */

    struct clocks begin, end;
    uint64_t machine_begin_ticks, machine_end_ticks; /* of all cores, whatever they did */
    uint64_t stolen_begin_ticks, stolen_end_ticks;   /* and of these, taken by the host */
};

/* The run begins, its warm-up is over, and it has ended. The timeline is to be filled. */
void evidence_begin(struct evidence *evidence, struct timeline *timeline);
void evidence_count(struct evidence *evidence);
void evidence_end(struct evidence *evidence);

/* What `count` gauges say. */
struct sighting evidence_sighting(const struct gauge *gauges, size_t count, uint64_t now_ns);

/* Looks at `count` gauges. */
void evidence_look(struct evidence *evidence, const struct plan *plan, const struct course *course,
                   const struct gauge *gauges, size_t count, uint64_t now_ns);

/* Looks at them for the last time: all workers are done. */
void evidence_look_back(struct evidence *evidence, const struct course *course,
                        const struct gauge *gauges, size_t count, uint64_t now_ns);

/* When to look again: every few milliseconds, more seldom at many gauges, and never in step with
 * what is looked at. */
uint64_t evidence_next_look(const struct evidence *evidence, size_t count, uint64_t now_ns);

/* Of the calling thread. */
struct toil toil_now(void);

/* Adds what a thread used and waited for in the run. */
void evidence_add(struct evidence *evidence, const struct toil *begin, const struct toil *end);
