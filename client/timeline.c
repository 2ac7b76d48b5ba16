#include "client/timeline.h"

#include "client/space.h"
#include "lib/base/clock.h"

#define STEP_NS (100 * NS_PER_MS) /* at first */

struct timeline *timeline_create(const struct pulse *pulses, size_t count)
{
    struct timeline *timeline = space_create(1, sizeof(*timeline));
    if (timeline != NULL) {
        timeline->step_ns = STEP_NS;
        timeline->pulses = pulses;
        timeline->pulse_count = count;
    }
    return timeline;
}

void timeline_destroy(struct timeline *timeline)
{
    space_destroy(timeline, 1, sizeof(*timeline));
}

static void pour(struct counts *to, struct counts *from)
{
    counts_add(to, from);
    counts_clear(from);
}

/* Every other point goes. What was counted before the last one now lies before the next. */
static void thin(struct timeline *timeline)
{
    const size_t half = TIMELINE_MOST / 2;
    struct counts *steps = timeline->steps;
    for (size_t i = 1; i < half; i++) {
        timeline->at[i] = timeline->at[2 * i];
        if (i > 1) {
            pour(&steps[i], &steps[2 * i - 1]);
        }
        pour(&steps[i], &steps[2 * i]);
    }
    pour(&steps[half], &steps[TIMELINE_MOST - 1]);
    timeline->count = half;
    timeline->step_ns *= 2;
}

/* Adds to a step what the pulses have counted since the last time. */
static void count_up(struct timeline *timeline, struct counts *step)
{
    struct counts now = {0};
    counts_look(&now, timeline->pulses, timeline->pulse_count);
    counts_add_since(step, &now, &timeline->seen);
    timeline->seen = now;
}

static void add_point(struct timeline *timeline, const struct sighting *sighting)
{
    if (timeline->count == TIMELINE_MOST) {
        thin(timeline);
    }
    if (timeline->count > 0) {
        count_up(timeline, &timeline->steps[timeline->count]);
    }
    timeline->at[timeline->count++] = *sighting;
}

void timeline_look(struct timeline *timeline, const struct sighting *sighting)
{
    const struct sighting *last = &timeline->at[timeline->count - (timeline->count > 0)];
    if (timeline->count == 0 || sighting->at_ns >= clock_add(last->at_ns, timeline->step_ns)) {
        add_point(timeline, sighting);
    }
}

void timeline_end(struct timeline *timeline, uint64_t begin_ns, const struct sighting *sighting)
{
    if (timeline->count == 0) { /* over before the first look */
        add_point(timeline, &(struct sighting){.at_ns = begin_ns});
    }
    size_t last = timeline->count - 1;
    if (last > 0 && sighting->at_ns < clock_add(timeline->at[last].at_ns, timeline->step_ns / 2)) {
        count_up(timeline, &timeline->steps[last]);
        timeline->at[last] = *sighting;
    } else {
        add_point(timeline, sighting);
    }
}
