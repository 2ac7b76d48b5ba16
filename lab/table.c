#include "lab/table.h"

#include "lib/base/units.h"

#include <math.h>
#include <stdlib.h>

/* Below this share of its cores a server was not what limited the rate. */
#define IDLE_SHARE 0.85

enum {
    CELL = 40
};

static void print_target(FILE *to, const struct summary *summary, unsigned target);
static void print_step(FILE *to, const struct summary *summary, unsigned target,
                       unsigned connections, bool *idle);
static void print_other(FILE *to, const struct summary *summary, unsigned target);
static void print_waits(FILE *to, const struct summary *summary);
static void print_hypotheses(FILE *to, const struct summary *summary);
static void print_doubts(FILE *to, const struct summary *summary);
static void print_wrapped(FILE *to, const char *text, unsigned indent, unsigned width);

static bool is_idle(const struct point *point);
static const char *rate_cell(char *to, const struct point *point);
static const char *time_cell(char *to, const struct point *point, enum metric metric);
static const char *bytes_cell(char *to, const struct point *point);
static const char *real_cell(char *to, const struct point *point, enum metric metric);
static const char *seconds_cell(char *to, double seconds);

void table_print(FILE *to, const struct summary *summary)
{
    char sentence[2 * FINDING_TEXT + 8];
    snprintf(sentence, sizeof sentence, "%s: %s.", summary->finding.headline,
             summary->finding.detail);
    fputc('\n', to);
    print_wrapped(to, sentence, 0, 96);

    for (unsigned target = 0; target < summary->plan.targets; target++) {
        if (summary->url) {
            print_other(to, summary, target);
        } else {
            print_target(to, summary, target);
        }
    }
    if (summary->store.results.waits_count > 0) {
        print_waits(to, summary);
    }
    if (summary->plan.hypotheses > 0) {
        print_hypotheses(to, summary);
    }
    print_doubts(to, summary);
}

static const struct point *best(const struct summary *summary, enum model server, unsigned target,
                                unsigned connections)
{
    const struct results *results = &summary->store.results;
    return point_best(results->points, results->points_count, server, target, connections);
}

static void print_target(FILE *to, const struct summary *summary, unsigned target)
{
    const struct plan_target *asked = &summary->plan.target[target];
    bool idle = false;

    fprintf(to, "\nSending %s: the middle of %u repeat%s, with the client that gets more\n\n",
            summary->target_words[target], summary->plan.repeats,
            summary->plan.repeats == 1 ? "" : "s");
    fprintf(to, "%5s    %-24s %-16s %-16s %-16s %s\n", "", "replies a second", "99 in 100 within",
            "CPU for a reply", "server's memory", "switches a reply");
    fprintf(to, "%5s %10s%9s%7s %8s%8s %8s%8s %8s%8s %8s%8s\n", "conns", "threads", "events",
            "ratio", "threads", "events", "threads", "events", "threads", "events", "threads",
            "events");
    for (size_t i = 0; i < asked->steps; i++) {
        print_step(to, summary, target, asked->connections[i], &idle);
    }
    if (idle) {
        fprintf(to,
                "* the client or the waiting between them was the limit: this server used less "
                "than %.0f %% of its cores\n",
                IDLE_SHARE * 100);
    }
}

static void print_step(FILE *to, const struct summary *summary, unsigned target,
                       unsigned connections, bool *idle)
{
    const struct point *side[MODEL_PAIR];
    char a[CELL], b[CELL], ratio[CELL] = "-";

    for (int i = 0; i < MODEL_PAIR; i++) {
        side[i] = best(summary, (enum model)i, target, connections);
        *idle = *idle || is_idle(side[i]);
    }
    if (side[0] != NULL && side[1] != NULL) {
        struct band band = statistics_ratio(&side[0]->value[METRIC_REQUESTS_PER_S],
                                            &side[1]->value[METRIC_REQUESTS_PER_S]);
        snprintf(ratio, sizeof ratio, "%.2f", band.mid);
    }
    fprintf(to, "%5s", units_write_count(a, connections));
    fprintf(to, " %10s%9s%7s", rate_cell(a, side[0]), rate_cell(b, side[1]), ratio);
    fprintf(to, " %8s%8s", time_cell(a, side[0], METRIC_P99_US),
            time_cell(b, side[1], METRIC_P99_US));
    fprintf(to, " %8s%8s", time_cell(a, side[0], METRIC_CPU_US_PER_REQUEST),
            time_cell(b, side[1], METRIC_CPU_US_PER_REQUEST));
    fprintf(to, " %8s%8s", bytes_cell(a, side[0]), bytes_cell(b, side[1]));
    fprintf(to, " %8s%8s\n", real_cell(a, side[0], METRIC_SWITCHES_PER_REQUEST),
            real_cell(b, side[1], METRIC_SWITCHES_PER_REQUEST));
}

/* One server alone: its two clients side by side. */
static void print_other(FILE *to, const struct summary *summary, unsigned target)
{
    const struct plan_target *asked = &summary->plan.target[target];
    const struct results *results = &summary->store.results;

    fprintf(to, "\n%s: the middle of %u repeat%s\n\n", summary->target_words[target],
            summary->plan.repeats, summary->plan.repeats == 1 ? "" : "s");
    fprintf(to, "%5s  %-22s %-16s %s\n", "", "replies a second", "half within", "99 in 100 within");
    fprintf(to, "%5s %10s%11s %8s%8s %8s%8s\n", "asked", "by threads", "by events", "threads",
            "events", "threads", "events");
    for (size_t i = 0; i < asked->steps; i++) {
        const struct point *by[MODEL_PAIR];
        char a[CELL], b[CELL];
        for (int client = 0; client < MODEL_PAIR; client++) {
            by[client] = point_find(results->points, results->points_count, MODEL_OTHER,
                                    (enum model)client, target, asked->connections[i]);
        }
        fprintf(to, "%5s", units_write_count(a, asked->connections[i]));
        fprintf(to, " %10s%11s", rate_cell(a, by[0]), rate_cell(b, by[1]));
        fprintf(to, "  %9s%9s", time_cell(a, by[0], METRIC_P50_US),
                time_cell(b, by[1], METRIC_P50_US));
        fprintf(to, "  %9s%9s\n", time_cell(a, by[0], METRIC_P99_US),
                time_cell(b, by[1], METRIC_P99_US));
    }
}

static void print_waits(FILE *to, const struct summary *summary)
{
    const struct plan_waits *waits = &summary->plan.waits;
    const struct results *results = &summary->store.results;

    fprintf(to, "\n%u requests, each waited for %s by the server\n\n", waits->requests,
            waits->delay);
    fprintf(to, "%-34s %14s %13s %13s\n", "", "took", "longest wait", "all waits");
    for (size_t i = 0; i < results->waits_count; i++) {
        const struct wait_row *row = &results->waits[i];
        char name[64], a[CELL], b[CELL], c[CELL];
        snprintf(name, sizeof name, "%s, served by %s", waits->way[row->way].name,
                 model_word(row->server));
        fprintf(to, "%-34s %14s %13s %13s\n", name, seconds_cell(a, row->elapsed_s),
                seconds_cell(b, row->delay_max_s), seconds_cell(c, row->delay_sum_s));
    }
}

static void print_hypotheses(FILE *to, const struct summary *summary)
{
    fprintf(to, "\nHypotheses\n\n");
    for (size_t i = 0; i < summary->plan.hypotheses; i++) {
        struct hypothesis_verdict verdict;
        hypothesis_judge(&summary->store.results, &summary->plan.hypothesis[i], &verdict);
        fprintf(to, "%16s  ", hypothesis_word(verdict.outcome));
        print_wrapped(to, summary->plan.hypothesis[i].words, 18, 78);
    }
}

/* What speaks against trusting these numbers. */
static void print_doubts(FILE *to, const struct summary *summary)
{
    if (summary->unsteady > 0) {
        fprintf(to,
                "\nAt %zu of %zu points the repeats differ by more than %.0f %%: the machine had "
                "other things to do.\n",
                summary->unsteady, summary->store.results.points_count, 100 * (SUMMARY_SPREAD - 1));
    }
    if (summary->store.incomplete > 0) {
        fprintf(to,
                "\nRuns that could not make all their connections in time, and do not count: %u. A "
                "longer --duration helps.\n",
                summary->store.incomplete);
    }
}

void table_print_failures(FILE *to, const struct summary *summary)
{
    const struct results *results = &summary->store.results;
    for (size_t i = 0; i < results->points_count; i++) {
        const struct point *point = &results->points[i];
        char a[CELL], b[CELL];
        if (point->failed > 0) {
            fprintf(to,
                    "failed: %s of %s requests: %s, %u connections, served by %s, asked by %s\n",
                    units_write_count(a, point->failed),
                    units_write_count(b, point->ok + point->failed),
                    summary->plan.target[point->target].label, point->connections,
                    model_word(point->server), model_word(point->client));
        }
    }
    for (size_t i = 0; i < results->waits_count; i++) {
        const struct wait_row *row = &results->waits[i];
        if (row->failed > 0) {
            fprintf(to, "failed: %llu requests of the demonstration: %s, served by %s\n",
                    (unsigned long long)row->failed, summary->plan.waits.way[row->way].label,
                    model_word(row->server));
        }
    }
}

/* Words in lines of `width` columns, all but the first behind `indent` spaces. */
static void print_wrapped(FILE *to, const char *text, unsigned indent, unsigned width)
{
    unsigned column = 0;
    while (*(text += strspn(text, " ")) != '\0') {
        unsigned len = (unsigned)strcspn(text, " ");
        if (column > 0 && column + 1 + len > width) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = 0;
        }
        fprintf(to, "%s%.*s", column > 0 ? " " : "", (int)len, text);
        column += len + (column > 0);
        text += len;
    }
    fputc('\n', to);
}

/* Whether the server had time to spare; unknown is no. */
static bool is_idle(const struct point *point)
{
    return point != NULL && band_known(&point->value[METRIC_SERVER_BUSY]) &&
           point->value[METRIC_SERVER_BUSY].mid < IDLE_SHARE;
}

/* "41,200", with "*" when the server was idle for a good part, "!" when requests failed. */
static const char *rate_cell(char *to, const struct point *point)
{
    char number[UNITS_TEXT];
    if (point == NULL || !band_known(&point->value[METRIC_REQUESTS_PER_S])) {
        return "-";
    }
    const char *mark = is_idle(point) ? "*" : "";
    units_write_count(number, (uint64_t)(point->value[METRIC_REQUESTS_PER_S].mid + 0.5));
    snprintf(to, CELL, "%s%s", number, point->failed > 0 ? "!" : mark);
    return to;
}

static const char *time_cell(char *to, const struct point *point, enum metric metric)
{
    if (point == NULL || !band_known(&point->value[metric])) {
        return "-";
    }
    return units_write_duration(to, (uint64_t)(point->value[metric].mid * 1000));
}

static const char *bytes_cell(char *to, const struct point *point)
{
    if (point == NULL || !band_known(&point->value[METRIC_RSS_BYTES])) {
        return "-";
    }
    return units_write_bytes(to, point->value[METRIC_RSS_BYTES].mid);
}

static const char *real_cell(char *to, const struct point *point, enum metric metric)
{
    if (point == NULL || !band_known(&point->value[metric])) {
        return "-";
    }
    snprintf(to, CELL, "%.2f", point->value[metric].mid);
    return to;
}

static const char *seconds_cell(char *to, double seconds)
{
    if (isnan(seconds)) {
        return "-";
    }
    snprintf(to, CELL, "%.2fs", seconds);
    return to;
}
