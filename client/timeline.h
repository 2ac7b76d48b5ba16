/* How a run went over time, from the moment when all counts: points at least a step apart, and what
 * ended between each and the one before. When there is no room for more, every other point is
 * dropped and what lay around it is added up; steps become twice as long. The main thread's. */
#pragma once

#include "client/counts.h"
#include "client/pulse.h"

#include <stddef.h>
#include <stdint.h>

/* The gauges at a moment, added up. */
struct sighting {
    uint64_t at_ns;
    uint64_t flying;
    uint64_t ended;
    uint64_t spent_ns;
    uint64_t open;
};

enum {
    TIMELINE_MOST = 256
};

struct timeline {
    uint64_t step_ns;
    size_t count;
    struct sighting at[TIMELINE_MOST];
    struct counts steps[TIMELINE_MOST]; /* steps[i] lies before at[i]; nothing before at[0] */

    const struct pulse *pulses;
    size_t pulse_count;
    struct counts seen; /* of them, up to the last point */
};

/* Of what `count` pulses will tell, which must outlive it. NULL when out of memory. */
struct timeline *timeline_create(const struct pulse *pulses, size_t count);
void timeline_destroy(struct timeline *timeline);

/* A look at the gauges: it becomes a point when a step has gone by. */
void timeline_look(struct timeline *timeline, const struct sighting *sighting);

/* The last look, when all workers are done, of a run that began to count at `begin_ns`: with this
 * the steps hold every request. A rest that is shorter than half a step belongs to the step before.
 */
void timeline_end(struct timeline *timeline, uint64_t begin_ns, const struct sighting *sighting);
