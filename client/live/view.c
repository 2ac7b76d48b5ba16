#include "client/live/view.h"

#include "client/live/banner.h"
#include "client/live/view_parts.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <stdio.h>
#include <string.h>

/* --- the lines on top ------------------------------------------------------------------------- */

static void draw_head(struct canvas *canvas, const struct snapshot *snapshot)
{
    static const char quit[] = "q or Ctrl-C ends ";
    const struct plan *plan = snapshot->plan;
    int end = canvas->cols - (int)sizeof quit;
    char more[UNITS_TEXT + 16] = "";
    char text[UNITS_TEXT];
    canvas_fill(canvas, 0, PAINT_HEAD);
    if (plan->target_count > 1) {
        snprintf(more, sizeof more, " and %s more",
                 units_write_count(text, plan->target_count - 1));
    }
    bool is_get = strcmp(plan->method_text, "GET") == 0;
    canvas_print(canvas, 0, 1, PAINT_HEAD, "%s  %s%s%s%s", snapshot->program,
                 is_get ? "" : plan->method_text, is_get ? "" : " ", plan->targets[0].url, more);
    canvas_print(canvas, 0, end, PAINT_HEAD, " %s", quit);
}

static void draw_connections(struct canvas *canvas, const struct snapshot *snapshot)
{
    const struct plan *plan = snapshot->plan;
    char open[UNITS_TEXT];
    char wanted[UNITS_TEXT];
    char flying[UNITS_TEXT];
    int col = canvas_print(canvas, 1, 1, PAINT_STRONG, "%s", snapshot->model);
    col = canvas_print(canvas, 1, col + 2, PAINT_PLAIN, "%s of %s connections open",
                       units_write_count(open, snapshot->open),
                       units_write_count(wanted, snapshot->wanted));
    col = canvas_print(canvas, 1, col + 2, PAINT_PLAIN, "%s in flight",
                       units_write_count(flying, snapshot->flying));
    if (plan->rate > 0) {
        canvas_print(canvas, 1, col + 2, PAINT_PLAIN,
                     plan->ramp.count > 0 ? "by the clock, in stages" : "%s/s by the clock",
                     units_write_count(open, plan->rate));
    } else if (!snapshot->one_thread_each) {
        canvas_print(canvas, 1, col + 2, PAINT_PLAIN, "%s event loop%s",
                     units_write_count(open, plan->threads), plan->threads == 1 ? "" : "s");
    } else {
        canvas_print(canvas, 1, col + 2, PAINT_PLAIN, "a thread each");
    }
}

/* Of 1; below 0: that cannot be told. By requests or by the clock, whatever is nearer to its end.
 */
static double share_done(const struct snapshot *snapshot)
{
    if (snapshot->left_ns == CLOCK_NEVER) {
        return -1;
    }
    double whole_ns = (double)snapshot->elapsed_ns + (double)snapshot->left_ns;
    return whole_ns > 0 ? (double)snapshot->elapsed_ns / whole_ns : 1;
}

static void write_left(char *text, size_t room, const struct snapshot *snapshot)
{
    uint64_t left_s = (snapshot->left_ns + NS_PER_S - 1) / NS_PER_S;
    bool soon = left_s < 100;
    snprintf(text, room, "%3.0f %%, %llu%s left", 100 * share_done(snapshot),
             (unsigned long long)(soon ? left_s : (left_s + 59) / 60), soon ? "s" : "m");
}

static void draw_gauge(struct canvas *canvas, int col, int end, double share)
{
    int full = (int)(share * (end - col) + 0.5);
    for (int i = col; i < end; i++) {
        bool done = i - col < full;
        const char *fine = done ? "█" : "░";
        canvas_mark(canvas, 2, i, done ? PAINT_RATE : PAINT_FAINT,
                    canvas->fine ? fine
                    : done       ? "#"
                                 : ".");
    }
}

static void draw_done(struct canvas *canvas, const struct snapshot *snapshot)
{
    char done[UNITS_TEXT];
    char all[UNITS_TEXT];
    char left[64] = "";
    int col = 1;
    if (snapshot->warming) {
        col = canvas_print(canvas, 2, col, PAINT_STRONG, "warming up");
    } else {
        col = canvas_print(canvas, 2, col, PAINT_STRONG, "%s",
                           units_write_count(done, snapshot->all->ok + snapshot->all->failed));
        col = snapshot->plan->requests == 0
                  ? col
                  : canvas_print(canvas, 2, col, PAINT_PLAIN, " of %s",
                                 units_write_count(all, snapshot->plan->requests));
        col = canvas_print(canvas, 2, col, PAINT_PLAIN, " done");
    }
    double share = share_done(snapshot);
    if (share >= 0) {
        write_left(left, sizeof left, snapshot);
        int end = canvas->cols - 1 - (int)strlen(left);
        draw_gauge(canvas, col + 1, end - 1, share);
        canvas_put(canvas, 2, end, PAINT_PLAIN, left);
    }
}

/* --- figures of the last second --------------------------------------------------------------- */

struct figure {
    const char *label;
    enum paint paint;
    char text[UNITS_TEXT];
    char short_text[UNITS_TEXT]; /* where there is no room for the whole; empty: the same */
};

enum {
    FIGURES = 4
};

/* "12.3k" */
static void write_short(char *to, uint64_t count)
{
    bool millions = count >= 1000000;
    if (count >= 1000) {
        snprintf(to, UNITS_TEXT, "%.3g%s", (double)count / (millions ? 1e6 : 1e3),
                 millions ? "M" : "k");
    }
}

static void take_figures(const struct snapshot *snapshot, struct figure figures[FIGURES])
{
    const struct span *recent = &snapshot->recent;
    const struct counts *counts = recent->counts;
    uint64_t failed = snapshot->all->failed;
    figures[0] = (struct figure){.label = "requests/s", .paint = PAINT_RATE};
    figures[1] = (struct figure){.label = "p50", .paint = PAINT_P50, .text = "-"};
    figures[2] = (struct figure){.label = "p99", .paint = PAINT_P99, .text = "-"};
    figures[3] = (struct figure){.label = "errors", .paint = failed > 0 ? PAINT_BAD : PAINT_STRONG};
    uint64_t rate = (uint64_t)(view_rate(recent, counts->ok) + 0.5);
    units_write_count(figures[0].text, rate);
    write_short(figures[0].short_text, rate);
    if (counts->ok > 0) {
        units_write_duration(figures[1].text, counts_percentile_ns(counts, 50000));
        units_write_duration(figures[2].text, counts_percentile_ns(counts, 99000));
    }
    units_write_count(figures[3].text, failed);
    write_short(figures[3].short_text, failed);
}

static void draw_large_figures(struct canvas *canvas, int row, const struct figure *figures)
{
    static const int percent[FIGURES + 1] = {0, 34, 56, 79, 100};
    for (int i = 0; i < FIGURES; i++) {
        int col = 1 + canvas->cols * percent[i] / 100;
        int cols = canvas->cols * percent[i + 1] / 100 - canvas->cols * percent[i] / 100 - 1;
        bool whole = figures[i].short_text[0] == '\0' || banner_cols(figures[i].text) <= cols;
        canvas_put(canvas, row, col, PAINT_FAINT, figures[i].label);
        banner_draw(canvas, row + 1, col, cols, figures[i].paint,
                    whole ? figures[i].text : figures[i].short_text);
    }
}

static void draw_small_figures(struct canvas *canvas, int row, const struct figure *figures)
{
    int col = 1;
    for (int i = 0; i < FIGURES; i++) {
        col = canvas_print(canvas, row, col, PAINT_FAINT, "%s ", figures[i].label);
        col = canvas_print(canvas, row, col, figures[i].paint, "%s", figures[i].text) + 2;
    }
}

/* Returns how many rows they took. */
static int draw_figures(struct canvas *canvas, int row, const struct snapshot *snapshot)
{
    struct figure figures[FIGURES];
    bool large = canvas->fine && canvas->rows >= 22 && canvas->cols >= 64;
    take_figures(snapshot, figures);
    if (!large) {
        draw_small_figures(canvas, row, figures);
        return 1;
    }
    draw_large_figures(canvas, row, figures);
    return 1 + BANNER_ROWS;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void say_too_small(struct canvas *canvas)
{
    canvas_print(canvas, 0, 0, PAINT_PLAIN, "too small");
    canvas_print(canvas, 1, 0, PAINT_PLAIN, "%dx%d needed", VIEW_COLS, VIEW_ROWS);
}

/* What is left below the figures goes to the curves, and where there is enough of it, to the
 * distribution below them; where there is plenty, also to rows between. */
static void draw_parts(struct canvas *canvas, int row, const struct snapshot *snapshot)
{
    int gap = canvas->rows >= 30;
    int rows = canvas->rows - row;
    int below = rows < 12 ? 0 : rows * 3 / 10 < 5 ? 5 : rows * 3 / 10;
    int curves = rows - below - 1 - gap - (below > 0 ? gap : 0); /* and one for the scale of time */
    struct area rate = {row, 0, curves * 9 / 20, canvas->cols};
    struct area times = {row + rate.rows + gap, 0, curves - rate.rows, canvas->cols};
    struct area bottom = {canvas->rows - below, 0, below, canvas->cols};
    view_draw_curves(canvas, &rate, &times, snapshot);
    if (below > 0) {
        view_draw_distribution(canvas, &bottom, snapshot);
    }
}

void view_draw(struct canvas *canvas, const struct snapshot *snapshot)
{
    if (canvas->rows < VIEW_ROWS || canvas->cols < VIEW_COLS) {
        say_too_small(canvas);
        return;
    }
    draw_head(canvas, snapshot);
    draw_connections(canvas, snapshot);
    draw_done(canvas, snapshot);
    int row = canvas->rows >= 22 ? 4 : 3;
    row += draw_figures(canvas, row, snapshot);
    draw_parts(canvas, row + (canvas->rows >= 30), snapshot);
}
