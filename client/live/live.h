/* The live view of a run (--live): takes what there is to be seen, has it laid out (view.h) and
 * shown (screen.h). The main thread's. */
#pragma once

#include "client/course.h"
#include "client/gauge.h"
#include "client/load.h"
#include "client/plan.h"
#include "client/timeline.h"

#include <stddef.h>

enum {
    LIVE_MS = 125 /* from one frame to the next */
};

struct live;

/* Of a run over time, whose timeline must outlive it; terminal_fits() said yes. NULL when out of
 * memory or without a terminal; the functions below then do nothing. */
struct live *live_create(const struct model *model, const struct plan *plan, struct course *course,
                         const struct timeline *timeline);
void live_destroy(struct live *live);

/* Draws a frame of what `count` gauges and the timeline's pulses say. */
void live_draw(struct live *live, const struct gauge *gauges, size_t count);

/* Whether somebody pressed the key that ends a run. */
bool live_is_quit(struct live *live);

/* Gives the terminal back, until live_draw(). */
void live_leave(struct live *live);
