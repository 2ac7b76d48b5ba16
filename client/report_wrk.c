/* What wrk 4 prints, figure by figure in its own forms: what reads wrk's output reads this. */
#include "client/report.h"

#include "lib/base/clock.h"

#include <math.h>
#include <string.h>

struct unit {
    double size;
    const char *name;
};

enum {
    FIGURE_TEXT = 32
};

/* "1.23ms": two decimals and the largest unit that it is near. Returns `to`. */
static char *write_figure(char *to, double value, const struct unit **unit)
{
    while ((*unit)[1].name != NULL && value >= 0.85 * (*unit)[1].size) {
        ++*unit;
    }
    snprintf(to, FIGURE_TEXT, "%.2f%s", value / (*unit)->size, (*unit)->name);
    return to;
}

/* In a column, where figures end as if all had units of two letters. */
static void print_figure(FILE *to, double value, const struct unit *unit, int width)
{
    char text[FIGURE_TEXT];
    write_figure(text, value, &unit);
    int pad = 2 - (int)strlen(unit->name);
    fprintf(to, "%*s%*s", width - pad, text, pad, "");
}

static const struct unit times_us[] = {{1, "us"}, {1e3, "ms"}, {1e6, "s"}, {60e6, "m"}, {0, NULL}};
static const struct unit counts[] = {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {0, NULL}};
static const struct unit bytes[] = {{1, "B"},
                                    {1024.0, "KB"},
                                    {1024.0 * 1024, "MB"},
                                    {1024.0 * 1024 * 1024, "GB"},
                                    {1024.0 * 1024 * 1024 * 1024, "TB"},
                                    {0, NULL}};

/* Of samples: mean, deviation, maximum, and how many lie within one deviation of the mean. */
struct spread {
    double mean, deviation, most, within;
};

static void print_spread(FILE *to, const char *label, const struct spread *spread,
                         const struct unit *units)
{
    fprintf(to, "    %-10s", label);
    print_figure(to, spread->mean, units, 8);
    print_figure(to, spread->deviation, units, 10);
    print_figure(to, spread->most, units, 9);
    fprintf(to, "%8.2f%%\n", 100 * spread->within);
}

static struct spread spread_of_latency(const struct histogram *histogram)
{
    uint64_t within = 0;
    struct spread spread = {
        .mean = histogram_mean(histogram),
        .deviation = sqrt(histogram_variance(histogram)),
        .most = (double)histogram_max(histogram),
    };
    for (size_t slot = histogram->low; slot < histogram->high; slot++) {
        double off = (double)histogram_slot_lowest(slot) - spread.mean;
        within += fabs(off) <= spread.deviation ? histogram->slots[slot] : 0;
    }
    spread.within = histogram->count > 0 ? (double)within / (double)histogram->count : 0;
    return spread;
}

/* Requests a second of one thread between two points of the timeline. */
static double rate_at(const struct report *report, size_t point)
{
    const struct sighting *now = &report->evidence.timeline->at[point];
    double span_s = (double)(now->at_ns - now[-1].at_ns) / NS_PER_S;
    return (double)(now->ended - now[-1].ended) / span_s / (double)report->plan->threads;
}

static struct spread spread_of_rate(const struct report *report)
{
    const struct timeline *timeline = report->evidence.timeline;
    size_t points = timeline == NULL ? 0 : timeline->count;
    struct spread spread = {0};
    double squares = 0;
    size_t within = 0;
    if (points < 2) {
        return spread;
    }
    for (size_t i = 1; i < points; i++) {
        double rate = rate_at(report, i);
        spread.mean += rate / (double)(points - 1);
        squares += rate * rate / (double)(points - 1);
        spread.most = fmax(spread.most, rate);
    }
    spread.deviation = sqrt(fmax(0, squares - spread.mean * spread.mean));
    for (size_t i = 1; i < points; i++) {
        within += fabs(rate_at(report, i) - spread.mean) <= spread.deviation;
    }
    spread.within = (double)within / (double)(points - 1);
    return spread;
}

static void print_errors(const struct tally *tally, FILE *to)
{
    const uint64_t *failures = tally->failures;
    uint64_t connects = failures[FAILURE_CONNECT] + failures[FAILURE_TLS];
    uint64_t reads =
        failures[FAILURE_RESET] + failures[FAILURE_FRAMING] + failures[FAILURE_CONTENT];
    if (connects + reads + failures[FAILURE_TIMEOUT] > 0) {
        fprintf(to, "  Socket errors: connect %llu, read %llu, write 0, timeout %llu\n",
                (unsigned long long)connects, (unsigned long long)reads,
                (unsigned long long)failures[FAILURE_TIMEOUT]);
    }
    if (failures[FAILURE_STATUS] > 0) {
        fprintf(to, "  Non-2xx or 3xx responses: %llu\n",
                (unsigned long long)failures[FAILURE_STATUS]);
    }
}

static void print_distribution(const struct histogram *latency, FILE *to)
{
    static const uint32_t percents[] = {50, 75, 90, 99};
    fprintf(to, "  Latency Distribution\n");
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        fprintf(to, "%7u%%", percents[i]);
        print_figure(to, (double)histogram_percentile(latency, percents[i] * 1000), times_us, 10);
        fprintf(to, "\n");
    }
}

void report_print_wrk(const struct report *report, bool full, FILE *to)
{
    const struct plan *plan = report->plan;
    const struct tally *tally = report->tally;
    double elapsed_s = (double)(report->elapsed_ns + 1) / NS_PER_S;
    double asked_s = (double)plan->duration_ns / NS_PER_S;
    uint64_t whole = tally->ok + tally->failures[FAILURE_STATUS];
    const struct unit *time_unit = times_us;
    const struct unit *byte_unit = bytes;
    const struct unit *rate_unit = bytes;
    char text[FIGURE_TEXT];
    struct spread latency = spread_of_latency(&tally->latency);
    struct spread rate = spread_of_rate(report);
    fprintf(to, "Running %.0fs test @ %s\n", asked_s > 0 ? asked_s : elapsed_s,
            plan->targets[0].url);
    fprintf(to, "  %llu threads and %llu connections\n", (unsigned long long)plan->threads,
            (unsigned long long)plan->connections);
    fprintf(to, "  Thread Stats%6s%11s%8s%12s\n", "Avg", "Stdev", "Max", "+/- Stdev");
    print_spread(to, "Latency", &latency, times_us);
    print_spread(to, "Req/Sec", &rate, counts);
    if (full) {
        print_distribution(&tally->latency, to);
    }
    fprintf(to, "  %llu requests in %s, ", (unsigned long long)whole,
            write_figure(text, elapsed_s * 1e6, &time_unit));
    fprintf(to, "%s read\n", write_figure(text, (double)tally->bytes_received, &byte_unit));
    print_errors(tally, to);
    fprintf(to, "Requests/sec: %9.2f\n", (double)whole / elapsed_s);
    fprintf(to, "Transfer/sec: %11s\n",
            write_figure(text, (double)tally->bytes_received / elapsed_s, &rate_unit));
}
