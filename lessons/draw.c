/* Draws the time line in characters: a row for each task, a column for each slice of time, which
 * shows what took the most of it. Whoever ran for a moment only is seen as a thin line. */
#include "lessons/timeline.h"

#include "lessons/book.h"
#include "lessons/stage.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAMES = 13, /* columns that the names take */
    MOST_ROWS = 48,
    MOST_COLUMNS = 200,
    MOST_MOMENTS = 3,
};

static const char *const glyphs[MARKS] = {
    [MARK_CREATED] = "·", [MARK_READY] = "░", [MARK_RUNS] = "█",
    [MARK_BLOCKS] = "▓",  [MARK_WAITS] = "─", [MARK_AWAITS] = "┄",
};
static const char *const moment = "│";

/* How much of one column a row spent with what. */
struct cell {
    double share[MARKS];
    unsigned moments; /* in which it ran, each shorter than the column */
};

struct chart {
    const struct book *book;
    unsigned scene, columns;
    uint64_t from_ns, to_ns;
    int first; /* its first row */
    size_t rows;
    struct cell *cell;    /* rows x columns */
    bool used[MARKS + 1]; /* for the legend */
    bool used_line;
};

static double column_of(const struct chart *chart, uint64_t at_ns)
{
    double part = (double)(at_ns - chart->from_ns) / (double)(chart->to_ns - chart->from_ns);
    return part * chart->columns;
}

/* Shares the span out to the columns that it covers. */
static void add_span(struct chart *chart, const struct span *span)
{
    struct cell *row = &chart->cell[(size_t)(span->row - chart->first) * chart->columns];
    if (span->from_ns >= chart->to_ns) {
        return;
    }
    double from = column_of(chart, span->from_ns);
    double to = column_of(chart, span->to_ns < chart->to_ns ? span->to_ns : chart->to_ns);
    for (unsigned i = (unsigned)from; i < chart->columns && i <= to; i++) {
        double begin = from > i ? from : i, end = to < i + 1 ? to : i + 1;
        row[i].share[span->mark] += end - begin;
        row[i].moments += span->mark == MARK_RUNS && to - from < 1 && i == (unsigned)from;
    }
}

/* MARKS when it is empty, or the row ran there for so few moments that they can be told apart. */
static enum mark most_of(const struct cell *cell)
{
    double total = 0;
    enum mark most = MARK_CREATED;
    for (enum mark mark = MARK_CREATED; mark <= MARK_AWAITS; mark++) {
        total += cell->share[mark];
        most = cell->share[mark] > cell->share[most] ? mark : most;
    }
    return total < 0.3 || (cell->moments > 0 && cell->moments <= MOST_MOMENTS && most != MARK_RUNS)
               ? MARKS
               : most;
}

static void draw_row(struct chart *chart, size_t index, FILE *to)
{
    const char *name = chart->book->row[(size_t)chart->first + index].name;
    const struct cell *row = &chart->cell[index * chart->columns];
    unsigned last = chart->columns;
    while (last > 0 && row[last - 1].moments == 0 && most_of(&row[last - 1]) == MARKS) {
        last--;
    }
    fprintf(to, "%-*.*s", NAMES, NAMES - 1, name);
    for (unsigned i = 0; i < last; i++) {
        enum mark mark = most_of(&row[i]);
        fputs(mark != MARKS ? glyphs[mark] : row[i].moments > 0 ? moment : " ", to);
        chart->used[mark] = true;
        chart->used_line |= mark == MARKS && row[i].moments > 0;
    }
    fputs("\n", to);
}

/* A label stands to the right of its tick, the last one to the left. */
static void draw_axis(const struct chart *chart, FILE *to)
{
    char line[MOST_COLUMNS + 32], label[32];
    double seconds = stage_seconds(chart->to_ns - chart->from_ns);
    double step = book_step(seconds, chart->columns / 11);
    size_t end = NAMES + chart->columns;
    memset(line, ' ', sizeof(line));
    for (unsigned tick = 0; tick * step <= seconds * 1.0001; tick++) {
        size_t at = NAMES + (size_t)(tick * step / seconds * (chart->columns - 1) + 0.5);
        size_t length = (size_t)book_label(label, sizeof(label), tick * step, step);
        line[at] = '\'';
        memcpy(&line[at + 1 + length <= end ? at + 1 : at - length], label, length);
    }
    while (line[end - 1] == ' ') {
        end--;
    }
    fprintf(to, "%.*s\n", (int)end, line);
}

static void draw_legend(const struct chart *chart, FILE *to)
{
    fprintf(to, "%*s", NAMES, "");
    const char *gap = "";
    if (chart->used_line) {
        fprintf(to, "%s runs a moment", moment);
        gap = "  ";
    }
    for (enum mark mark = MARK_CREATED; mark <= MARK_AWAITS; mark++) {
        if (chart->used[mark]) {
            fprintf(to, "%s%s %s", gap, glyphs[mark], book_meaning(mark));
            gap = "  ";
        }
    }
    fputs("\n", to);
}

static void draw_rows(struct chart *chart, FILE *to)
{
    size_t drawn = chart->rows < MOST_ROWS ? chart->rows : MOST_ROWS;
    chart->cell = calloc(drawn * chart->columns, sizeof(*chart->cell));
    if (chart->cell == NULL) {
        return;
    }
    for (size_t i = 0; i < chart->book->spans; i++) {
        const struct span *span = &chart->book->span[i];
        if (span->row >= chart->first && span->row < chart->first + (int)drawn) {
            add_span(chart, span);
        }
    }
    for (size_t i = 0; i < drawn; i++) {
        draw_row(chart, i, to);
    }
    free(chart->cell);
    if (drawn < chart->rows) {
        fprintf(to, "%*s(and %zu more)\n", NAMES, "", chart->rows - drawn);
    }
    draw_axis(chart, to);
    draw_legend(chart, to);
}

static void write_duration(char *to, size_t size, uint64_t ns)
{
    double seconds = stage_seconds(ns);
    unsigned minutes = (unsigned)(seconds / 60 + 0.5);
    if (seconds < 1000) {
        snprintf(to, size, "%.2f s", seconds);
    } else {
        snprintf(to, size, "%u h %02u min", minutes / 60, minutes % 60);
    }
}

static void draw_sums(const struct sums *sums, FILE *to)
{
    char took[32], sum[32], longest[32];
    write_duration(took, sizeof(took), sums->last_ns - sums->first_ns);
    write_duration(sum, sizeof(sum), sums->sum_ns);
    write_duration(longest, sizeof(longest), sums->longest_ns);
    fprintf(to, "took %s; in turn it would be %s, the longest alone %s\n", took, sum, longest);
}

static int first_row(const struct book *book, unsigned scene)
{
    size_t row = 0;
    while (row < book->rows && book->row[row].scene != scene) {
        row++;
    }
    return (int)row;
}

static void draw_scene(const struct book *book, unsigned scene, unsigned columns, FILE *to)
{
    struct sums sums = book_sums(book, scene);
    struct chart chart = {.book = book,
                          .scene = scene,
                          .columns = columns - NAMES,
                          .from_ns = sums.first_ns,
                          .to_ns = sums.last_ns,
                          .first = first_row(book, scene),
                          .rows = sums.rows};
    double zoom_s = book->scene[scene].zoom_s;
    if (sums.first_ns == sums.last_ns) {
        return;
    }
    fputs("\n", to);
    if (book->scene[scene].title != NULL) {
        fprintf(to, "%s\n", book->scene[scene].title);
    }
    if (zoom_s > 0 && chart.from_ns + stage_real_ns(zoom_s) < chart.to_ns) {
        chart.to_ns = chart.from_ns + stage_real_ns(zoom_s);
        fprintf(to, "%*s(how it begins)\n", NAMES, "");
    }
    draw_rows(&chart, to);
    draw_sums(&sums, to);
}

void timeline_draw(FILE *to, unsigned columns)
{
    const struct book *book = book_open();
    columns = columns > MOST_COLUMNS ? MOST_COLUMNS : columns;
    for (unsigned scene = 0; scene < book->scenes; scene++) {
        draw_scene(book, scene, columns, to);
    }
}
