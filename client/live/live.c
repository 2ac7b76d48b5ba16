#include "client/live/live.h"

#include "client/evidence.h"
#include "client/live/screen.h"
#include "client/live/view.h"
#include "client/progress.h"
#include "client/space.h"
#include "lib/base/order.h"

enum {
    RECENT = 1000 / LIVE_MS /* frames in the last second */
};

/* What was counted up to a moment. */
struct mark {
    uint64_t at_ns;
    struct counts counts;
};

struct live {
    struct screen *screen;
    struct canvas canvas;
    const struct model *model;
    const struct plan *plan;
    struct course *course;
    const struct timeline *timeline;

    struct mark marks[RECENT]; /* of the last frames, in turn */
    size_t frames;
    struct counts recent;  /* since the oldest of these */
    struct counts pending; /* since the timeline's last point */
    struct span spans[TIMELINE_MOST + 1];
};

struct live *live_create(const struct model *model, const struct plan *plan, struct course *course,
                         const struct timeline *timeline)
{
    struct live *live = space_create(1, sizeof(*live));
    if (live == NULL) {
        return NULL;
    }
    live->model = model;
    live->plan = plan;
    live->course = course;
    live->timeline = timeline;
    live->screen = screen_create();
    if (live->screen == NULL) {
        live_destroy(live);
        return NULL;
    }
    return live;
}

void live_destroy(struct live *live)
{
    if (live != NULL) {
        screen_destroy(live->screen);
        canvas_finish(&live->canvas);
        space_destroy(live, 1, sizeof(*live));
    }
}

void live_leave(struct live *live)
{
    if (live != NULL) {
        screen_leave(live->screen);
    }
}

bool live_is_quit(struct live *live)
{
    bool quit = false;
    for (int key = 0; live != NULL && key >= 0;) {
        key = screen_key(live->screen);
        quit = quit || key == 'q' || key == 'Q';
    }
    return quit;
}

static uint64_t since(const struct live *live, uint64_t at_ns)
{
    uint64_t begin_ns = live->course->begin_ns;
    return excess_of(at_ns, begin_ns);
}

/* Puts down what is counted now in the place of the oldest mark, and takes what has come since that
 * one. */
static void take_recent(struct live *live, struct snapshot *snapshot, uint64_t now_ns)
{
    struct mark *mark = &live->marks[live->frames % RECENT];
    const struct mark *oldest = live->frames < RECENT ? &live->marks[0] : mark;
    struct counts now = {0};
    counts_look(&now, live->timeline->pulses, live->timeline->pulse_count);
    counts_clear(&live->recent);
    counts_add_since(&live->recent, &now,
                     live->frames == 0 ? &(struct counts){0} : &oldest->counts);
    uint64_t from_ns = live->frames == 0 ? live->course->begin_ns : oldest->at_ns;
    snapshot->recent = (struct span){since(live, from_ns), since(live, now_ns), &live->recent};
    mark->at_ns = now_ns;
    mark->counts = now;
    live->frames++;
    snapshot->all = &mark->counts;
}

/* The timeline's steps, and what has come since its last point, if that is most of a step. */
static void take_spans(struct live *live, struct snapshot *snapshot, uint64_t now_ns)
{
    const struct timeline *timeline = live->timeline;
    size_t count = 0;
    for (size_t i = 1; i < timeline->count; i++) {
        uint64_t from_ns = i == 1 ? 0 : since(live, timeline->at[i - 1].at_ns);
        live->spans[count++] =
            (struct span){from_ns, since(live, timeline->at[i].at_ns), &timeline->steps[i]};
    }
    uint64_t seen_ns = count == 0 ? live->course->begin_ns : timeline->at[count].at_ns;
    if (now_ns > seen_ns + timeline->step_ns / 2) {
        counts_clear(&live->pending);
        counts_add_since(&live->pending, snapshot->all, &timeline->seen);
        live->spans[count++] =
            (struct span){since(live, seen_ns), since(live, now_ns), &live->pending};
    }
    snapshot->spans = live->spans;
    snapshot->span_count = count;
}

static uint64_t wanted(const struct live *live, uint64_t elapsed_ns)
{
    const struct plan *plan = live->plan;
    return plan->ramps_connections ? ramp_wanted(&plan->ramp, elapsed_ns) : plan->connections;
}

static void take_warmup(struct live *live, struct snapshot *snapshot, uint64_t now_ns)
{
    snapshot->warming = true;
    snapshot->elapsed_ns = now_ns - live->course->start_ns;
    snapshot->left_ns = live->course->begin_ns - now_ns;
    snapshot->all = &live->recent;
    snapshot->recent = (struct span){0, 0, &live->recent};
}

void live_draw(struct live *live, const struct gauge *gauges, size_t count)
{
    if (live == NULL || !screen_begin(live->screen, &live->canvas)) {
        return;
    }
    uint64_t now_ns = clock_monotonic_ns();
    struct sighting sighting = evidence_sighting(gauges, count, now_ns);
    struct snapshot snapshot = {
        .program = live->model->program,
        .model = live->model->name,
        .one_thread_each = live->model->one_thread_each,
        .plan = live->plan,
        .elapsed_ns = since(live, now_ns),
        .open = sighting.open,
        .flying = sighting.flying,
    };
    snapshot.wanted = wanted(live, snapshot.elapsed_ns);
    if (course_is_warming(live->course, now_ns)) {
        take_warmup(live, &snapshot, now_ns);
    } else {
        take_recent(live, &snapshot, now_ns);
        take_spans(live, &snapshot, now_ns);
        snapshot.left_ns = progress_left_ns(live->plan, live->course, now_ns,
                                            snapshot.all->ok + snapshot.all->failed);
    }
    view_draw(&live->canvas, &snapshot);
    screen_show(live->screen, &live->canvas);
}
