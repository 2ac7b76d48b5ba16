/* The main thread's part in a run: it sleeps while the workers work, looks up for signals, counts
 * what is in flight, and shows how far they have come. */
#pragma once

#include "client/course.h"
#include "client/evidence.h"
#include "client/plan.h"
#include "client/pulse.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct live;
struct model;
struct progress;

/* What is shown of a run while it lasts. */
enum watch_show {
    SHOW_NOTHING,
    SHOW_LINE, /* on stderr */
    SHOW_VIEW, /* on the whole terminal */
};

struct watch {
    struct course course; /* what the workers share */
    struct pulse *pulses;
    size_t pulse_count;
    struct timeline *timeline;
    struct progress *progress; /* NULL: no line is shown */
    struct live *live;         /* NULL: no view is shown */
    const struct plan *plan;
    const struct gauge *gauges; /* of the workers */
    size_t gauge_count;
    struct evidence evidence;
    bool counting;    /* the warm-up is over */
    uint64_t look_ns; /* when to look at the gauges again */
    uint64_t show_ns; /* and when to show how far it is */
    int signals; /* signalfd: SIGINT, SIGTERM; with a view, those that stop us and wake us up */
    int done;    /* eventfd: the last worker has left */
    _Atomic size_t working;
    bool interrupted; /* by a signal, or by a key */
};

/* Nothing to finish yet. */
#define WATCH_NONE ((struct watch){.signals = -1, .done = -1})

/* Takes over SIGINT and SIGTERM, for this thread and those it starts. 0 or -errno; watch_finish()
 * is due in any case. What the run came to over time lasts as long as the watch. */
int watch_init(struct watch *watch, const struct model *model, const struct plan *plan,
               enum watch_show show);
void watch_finish(struct watch *watch);

/* Where worker `index` counts its verdicts. */
struct pulse *watch_pulse(struct watch *watch, size_t index);

/* `workers` are about to start, each with a gauge. */
void watch_expect(struct watch *watch, const struct gauge *gauges, size_t workers);

/* One of them has nothing more to do. Any thread; the last thing that it does. */
void watch_leave(struct watch *watch);

enum watch_outcome {
    WATCH_STOPPING, /* the course was stopped: wake workers that wait, then ask again */
    WATCH_LEFT,     /* all have left */
};

/* Sleeps until something happens that load_run() has to act upon. The first signal stops the
 * course; the second one kills the program. While the run is stopping this returns every few
 * milliseconds, because a worker may begin to wait just after it was woken. */
enum watch_outcome watch_workers(struct watch *watch);
