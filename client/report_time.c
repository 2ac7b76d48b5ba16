/* The course of a run in two lines of its summary: its rate and its p99, from left to right. */
#include "client/report.h"

#include "client/blocks.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#include <math.h>

enum {
    COLUMNS_MOST = 60
};

/* What a column stands for: one step of the timeline, or as many as it takes to fit. */
struct column {
    double rate;
    double p99_ns;
};

struct picture {
    struct column columns[COLUMNS_MOST];
    size_t count;
    struct column most;
};

/* Steps from `first` to before `end`, added up. */
static struct column column_of(const struct report *report, size_t first, size_t end)
{
    static const struct counts none;
    struct counts counts = none;
    uint64_t from_ns = first == 1 ? 0 : report_point(report, first - 1);
    uint64_t span_ns = report_point(report, end - 1) - from_ns;
    for (size_t i = first; i < end; i++) {
        counts_add(&counts, &report->evidence.timeline->steps[i]);
    }
    double rate = span_ns > 0 ? (double)counts.ok * NS_PER_S / (double)span_ns : 0;
    return (struct column){rate, (double)counts_percentile_ns(&counts, 99000)};
}

static void draw(const struct report *report, struct picture *picture)
{
    size_t points = report->evidence.timeline->count;
    size_t wide = (points - 1 + COLUMNS_MOST - 1) / COLUMNS_MOST;
    for (size_t first = 1; first < points; first += wide) {
        size_t end = first + wide < points ? first + wide : points;
        struct column column = column_of(report, first, end);
        picture->most.rate = fmax(picture->most.rate, column.rate);
        picture->most.p99_ns = fmax(picture->most.p99_ns, column.p99_ns);
        picture->columns[picture->count++] = column;
    }
}

static void print_columns(FILE *to, const char *label, const struct picture *picture, bool rates,
                          bool fine)
{
    fprintf(to, "  %-*s", REPORT_LABEL, label);
    for (size_t i = 0; i < picture->count; i++) {
        const struct column *column = &picture->columns[i];
        double value = rates ? column->rate : column->p99_ns;
        double most = rates ? picture->most.rate : picture->most.p99_ns;
        fprintf(to, "%s", block_of(block_height(value, most), fine));
    }
}

void report_print_over_time(const struct report *report, FILE *to)
{
    const struct timeline *timeline = report->evidence.timeline;
    struct picture picture = {.count = 0};
    char most[UNITS_TEXT];
    char wide[UNITS_TEXT];
    if (timeline == NULL || timeline->count < 3 || report->tally->ok == 0) {
        return;
    }
    draw(report, &picture);
    uint64_t whole_ns = report_point(report, timeline->count - 1);
    print_columns(to, "rate", &picture, true, report->fine_blocks);
    fprintf(to, "  0 to %s requests/s, %s a column\n",
            units_write_count(most, (uint64_t)(picture.most.rate + 0.5)),
            units_write_duration(wide, whole_ns / picture.count));
    print_columns(to, "p99", &picture, false, report->fine_blocks);
    fprintf(to, "  0 to %s\n\n", units_write_duration(most, (uint64_t)picture.most.p99_ns));
}
