#include "client/live/view_parts.h"

#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <math.h>
#include <string.h>

enum {
    LEFT = 9, /* columns for the words on a scale */
    COLS_MOST = 512,
};

/* What a column of the curves stands for. */
struct column {
    double ok, failed; /* a second */
    double p50_ns, p99_ns;
};

struct curves {
    uint64_t whole_ns; /* from the left to the right end */
    int cols;
    int drawn; /* of these there is something to tell */
    struct column columns[COLS_MOST];
};

/* --- from spans to columns -------------------------------------------------------------------- */

/* The run, as long as it will be; while that is far away, something rounder and nearer. */
static uint64_t whole_ns(const struct snapshot *snapshot)
{
    static const uint64_t round_s[] = {10,   20,   30,   60,   120,   300,   600,
                                       1200, 1800, 3600, 7200, 14400, 43200, 86400};
    uint64_t duration_ns = snapshot->plan->duration_ns;
    uint64_t whole = snapshot->elapsed_ns;
    for (size_t i = 0; i < sizeof round_s / sizeof round_s[0]; i++) {
        if (round_s[i] * NS_PER_S >= snapshot->elapsed_ns) {
            whole = round_s[i] * NS_PER_S;
            break;
        }
    }
    return duration_ns > 0 && duration_ns < whole ? duration_ns : whole;
}

static struct column column_of(const struct snapshot *snapshot, size_t first, size_t end)
{
    static const struct counts none;
    struct counts counts = none;
    const struct span whole = {.from_ns = snapshot->spans[first].from_ns,
                               .to_ns = snapshot->spans[end - 1].to_ns};
    for (size_t i = first; i < end; i++) {
        counts_add(&counts, snapshot->spans[i].counts);
    }
    return (struct column){view_rate(&whole, counts.ok), view_rate(&whole, counts.failed),
                           (double)counts_percentile_ns(&counts, 50000),
                           (double)counts_percentile_ns(&counts, 99000)};
}

/* A column shows the spans that end in it. Where none does, a span is wider than a column, and the
 * next one to end lies there. */
static void fill(struct curves *curves, const struct snapshot *snapshot)
{
    size_t first = 0;
    curves->drawn = 0;
    while (first < snapshot->span_count && curves->drawn < curves->cols) {
        uint64_t column_end_ns = (uint64_t)((double)curves->whole_ns * (double)(curves->drawn + 1) /
                                            (double)curves->cols);
        size_t end = first;
        while (end < snapshot->span_count && snapshot->spans[end].to_ns <= column_end_ns) {
            end++;
        }
        size_t shown_end = end > first ? end : first + 1;
        curves->columns[curves->drawn++] = column_of(snapshot, first, shown_end);
        first = end;
    }
}

/* --- scales ----------------------------------------------------------------------------------- */

char *view_write_mark(char *to, uint64_t ns)
{
    units_write_duration(to, ns);
    char *point = strchr(to, '.');
    if (point != NULL) {
        char *unit = point + 1 + strspn(point + 1, "0123456789");
        char *end = unit;
        while (end[-1] == '0') {
            end--;
        }
        end -= end[-1] == '.';
        memmove(end, unit, strlen(unit) + 1);
    }
    return to;
}

/* "latency over time  # p50  : p99": a title, and what the layers below it are. Returns the column
 * behind it. */
static int draw_title(struct canvas *canvas, const struct area *area, const char *title,
                      const char *const names[2], const struct layer_paints *paints)
{
    int col = canvas_print(canvas, area->top, 1, PAINT_STRONG, "%s", title);
    for (int i = 0; i < 2; i++) {
        canvas_mark(canvas, area->top, col + 2, i == 0 ? paints->low : paints->high,
                    chart_layer_sample(canvas, i == 1));
        col = canvas_print(canvas, area->top, col + 4, PAINT_PLAIN, "%s", names[i]);
    }
    return col;
}

/* --- drawing ---------------------------------------------------------------------------------- */

/* The part of an area that is below its title and right of its scale. */
static struct area plot_of(const struct area *area)
{
    return (struct area){area->top + 1, area->left + LEFT, area->rows - 1, area->cols - LEFT - 1};
}

static void draw_rate(struct canvas *canvas, const struct area *area, const struct curves *curves)
{
    static const struct layer_paints paints = {PAINT_RATE, PAINT_BAD, PAINT_RATE_UNDER_BAD};
    static const char *const names[] = {"ok", "failed"};
    struct layers layers[COLS_MOST] = {{0, 0}};
    struct area plot = plot_of(area);
    double most = 0;
    char text[UNITS_TEXT];
    for (int i = 0; i < curves->drawn; i++) {
        most = fmax(most, curves->columns[i].ok + curves->columns[i].failed);
    }
    double top = chart_round_up(most);
    for (int i = 0; i < curves->drawn; i++) {
        const struct column *column = &curves->columns[i];
        layers[i].low = column->ok / top;
        layers[i].high = column->failed > 0 ? (column->ok + column->failed) / top : 0;
    }
    plot.cols = curves->drawn;
    chart_layers(canvas, &plot, layers, &paints);
    draw_title(canvas, area, "requests/s over time", names, &paints);
    canvas_right(canvas, plot.top, LEFT - 1, PAINT_FAINT, units_write_count(text, (uint64_t)top));
    if (plot.rows > 1) {
        canvas_right(canvas, plot.top + plot.rows - 1, LEFT - 1, PAINT_FAINT, "0");
    }
}

/* The scale of latencies: all that is drawn lies on it, with some room below the least. */
static struct decades scale_of(const struct curves *curves)
{
    double least = HUGE_VAL;
    double most = 0;
    for (int i = 0; i < curves->drawn; i++) {
        if (curves->columns[i].p50_ns > 0) {
            least = fmin(least, curves->columns[i].p50_ns);
            most = fmax(most, curves->columns[i].p99_ns);
        }
    }
    return most > 0 ? chart_decades_about(least * 0.8, most) : (struct decades){1e5, 1e7};
}

static void draw_times_scale(struct canvas *canvas, const struct area *plot,
                             const struct decades *decades)
{
    int last = plot->rows - 1;
    for (int row = 0; row < plot->rows; row++) {
        bool labelled = row == 0 || row == last || (plot->rows >= 7 && row == last / 2);
        double part = last > 0 ? (double)(last - row) / last : 1;
        double ns = decades->low * pow(decades->high / decades->low, part);
        char text[UNITS_TEXT];
        if (labelled) {
            canvas_right(canvas, plot->top + row, LEFT - 1, PAINT_FAINT,
                         view_write_mark(text, (uint64_t)(ns + 0.5)));
        }
    }
}

static void draw_times(struct canvas *canvas, const struct area *area, const struct curves *curves)
{
    static const struct layer_paints paints = {PAINT_P50, PAINT_P99, PAINT_P50_UNDER_P99};
    static const char *const names[] = {"p50", "p99"};
    struct layers layers[COLS_MOST] = {{0, 0}};
    struct decades decades = scale_of(curves);
    struct area plot = plot_of(area);
    int col = draw_title(canvas, area, "latency over time", names, &paints);
    canvas_print(canvas, area->top, col + 2, PAINT_FAINT, "log scale");
    draw_times_scale(canvas, &plot, &decades);
    for (int i = 0; i < curves->drawn; i++) {
        const struct column *column = &curves->columns[i];
        if (column->p50_ns > 0) {
            layers[i].low = chart_decade_place(&decades, column->p50_ns);
            layers[i].high = chart_decade_place(&decades, column->p99_ns);
        }
    }
    plot.cols = curves->drawn;
    chart_layers(canvas, &plot, layers, &paints);
}

/* "0s   5.00s   10.0s" below the curves. */
static void draw_time_scale(struct canvas *canvas, int row, const struct curves *curves)
{
    char text[UNITS_TEXT];
    int end = LEFT + curves->cols;
    canvas_put(canvas, row, LEFT, PAINT_FAINT, "0s");
    canvas_right(canvas, row, LEFT + curves->cols / 2 + 2, PAINT_FAINT,
                 view_write_mark(text, curves->whole_ns / 2));
    canvas_right(canvas, row, end, PAINT_FAINT, view_write_mark(text, curves->whole_ns));
}

void view_draw_curves(struct canvas *canvas, const struct area *rate, const struct area *times,
                      const struct snapshot *snapshot)
{
    struct curves curves = {.whole_ns = whole_ns(snapshot), .cols = plot_of(rate).cols};
    curves.cols = curves.cols < COLS_MOST ? curves.cols : COLS_MOST;
    fill(&curves, snapshot);
    draw_rate(canvas, rate, &curves);
    draw_times(canvas, times, &curves);
    draw_time_scale(canvas, times->top + times->rows, &curves);
}
