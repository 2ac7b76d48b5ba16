#include "client/live/view_parts.h"

#include "client/tally.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <math.h>
#include <string.h>

enum {
    COLS_MOST = 512,
    ERRORS_COLS = 22,
};

/* --- latencies -------------------------------------------------------------------------------- */

/* Shares of all requests by latency, in columns of one width on a logarithmic scale. */
struct distribution {
    struct decades decades;
    int cols;
    double shares[COLS_MOST];
    double most;
};

/* A slot's requests are spread evenly over the columns that it lies in, so that columns which are
 * narrower than slots do not flicker. */
static void spread(struct distribution *distribution, unsigned slot, double share)
{
    double low_ns = fmax((double)pulse_slot_lowest(slot), distribution->decades.low);
    double high_ns = fmax((double)pulse_slot_lowest(slot + 1), low_ns);
    double first = chart_decade_place(&distribution->decades, low_ns) * distribution->cols;
    double last = chart_decade_place(&distribution->decades, high_ns) * distribution->cols;
    if (last - first < 1e-6) { /* at one of the ends */
        distribution->shares[(int)fmin(first, distribution->cols - 1)] += share;
    }
    for (int i = (int)first; i < distribution->cols && i < last; i++) {
        double within = fmin(last, i + 1) - fmax(first, i);
        distribution->shares[i] += share * within / (last - first);
    }
}

static void distribute(struct distribution *distribution, const struct counts *counts)
{
    double least = fmax(1, (double)pulse_slot_lowest(counts->low));
    distribution->decades = chart_decades_about(least, (double)counts_max_ns(counts));
    for (unsigned slot = counts->low; slot < counts->high; slot++) {
        if (counts->latencies[slot] > 0) {
            spread(distribution, slot, (double)counts->latencies[slot] / (double)counts->ok);
        }
    }
    for (int i = 0; i < distribution->cols; i++) {
        distribution->most = fmax(distribution->most, distribution->shares[i]);
    }
}

/* The ends of the scale, and where there is room between them 1, 10, 100 of every unit, each below
 * its column. */
static void draw_decades(struct canvas *canvas, const struct area *area,
                         const struct decades *decades)
{
    char text[UNITS_TEXT];
    int row = area->top + area->rows;
    int end = area->left + area->cols;
    canvas_right(canvas, row, end, PAINT_FAINT, view_write_mark(text, (uint64_t)decades->high));
    end -= (int)strlen(text) + 1;
    canvas_put(canvas, row, area->left, PAINT_FAINT, view_write_mark(text, (uint64_t)decades->low));
    int free = area->left + (int)strlen(text) + 1;
    for (double ns = 1; ns < decades->high; ns *= 10) {
        int col = area->left + (int)(chart_decade_place(decades, ns) * area->cols);
        view_write_mark(text, (uint64_t)ns);
        if (col >= free && col + (int)strlen(text) <= end) {
            canvas_put(canvas, row, col, PAINT_FAINT, text);
            free = col + (int)strlen(text) + 1;
        }
    }
}

/* As many figures as there is room for. */
static void draw_title(struct canvas *canvas, const struct area *area, const struct counts *counts)
{
    char times[3][UNITS_TEXT];
    const struct {
        const char *name;
        enum paint paint;
    } figures[] = {{"p50", PAINT_P50}, {"p99", PAINT_P99}, {"max", PAINT_PLAIN}};
    int col = canvas_print(canvas, area->top, area->left + 1, PAINT_STRONG, "latencies so far") + 2;
    units_write_duration(times[0], counts_percentile_ns(counts, 50000));
    units_write_duration(times[1], counts_percentile_ns(counts, 99000));
    units_write_duration(times[2], counts_max_ns(counts));
    for (int i = 0; counts->ok > 0 && i < 3; i++) {
        int cols = (int)(strlen(figures[i].name) + 1 + strlen(times[i]));
        if (col + cols < area->left + area->cols) {
            col = canvas_print(canvas, area->top, col, figures[i].paint, "%s %s", figures[i].name,
                               times[i]) +
                  2;
        }
    }
}

static void draw_latencies(struct canvas *canvas, const struct area *area,
                           const struct counts *counts)
{
    struct distribution distribution = {.cols = area->cols - 4};
    struct area plot = {area->top + 1, area->left + 1, area->rows - 2, distribution.cols};
    draw_title(canvas, area, counts);
    if (counts->ok == 0) {
        return;
    }
    distribution.cols = distribution.cols < COLS_MOST ? distribution.cols : COLS_MOST;
    distribute(&distribution, counts);
    double p50 = (double)counts_percentile_ns(counts, 50000);
    double p99 = (double)counts_percentile_ns(counts, 99000);
    int to_p50 = (int)(chart_decade_place(&distribution.decades, p50) * distribution.cols);
    int to_p99 = (int)(chart_decade_place(&distribution.decades, p99) * distribution.cols);
    for (int i = 0; i < distribution.cols; i++) {
        enum paint paint = i <= to_p50 ? PAINT_P50 : i <= to_p99 ? PAINT_P99 : PAINT_PLAIN;
        chart_bar(canvas, &plot, i, distribution.shares[i] / distribution.most, paint);
    }
    draw_decades(canvas, &plot, &distribution.decades);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void draw_errors(struct canvas *canvas, const struct area *area, const struct counts *counts)
{
    int row = area->top;
    int shown = 0;
    char text[UNITS_TEXT];
    canvas_put(canvas, row++, area->left, PAINT_STRONG, "errors by kind");
    for (int kind = 0; kind < FAILURE_COUNT && row < area->top + area->rows; kind++) {
        if (counts->failures[kind] > 0) {
            canvas_right(canvas, row, area->left + 9, PAINT_BAD,
                         units_write_count(text, counts->failures[kind]));
            canvas_put(canvas, row++, area->left + 10, PAINT_PLAIN,
                       failure_name((enum failure)kind));
            shown++;
        }
    }
    if (shown == 0) {
        canvas_put(canvas, row, area->left, PAINT_FAINT, "none");
    }
}

void view_draw_distribution(struct canvas *canvas, const struct area *area,
                            const struct snapshot *snapshot)
{
    struct area errors = {area->top, area->left + area->cols - ERRORS_COLS, area->rows,
                          ERRORS_COLS};
    struct area latencies = *area;
    bool room = area->cols >= 2 * ERRORS_COLS;
    latencies.cols = room ? area->cols - ERRORS_COLS : area->cols;
    draw_latencies(canvas, &latencies, snapshot->all);
    if (room) {
        draw_errors(canvas, &errors, snapshot->all);
    }
}
