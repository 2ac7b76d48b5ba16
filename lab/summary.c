#include "lab/summary.h"

#include "lib/base/units.h"

#include <stdio.h>

static void describe_targets(struct summary *summary, const json_t *targets);
static size_t count_unsteady(const struct results *results);
static json_t *finding_json(const struct summary *summary);
static json_t *hypotheses_json(const struct summary *summary);
static json_t *numbers_json(const struct hypothesis_verdict *verdict);
static json_t *points_json(const struct summary *summary);
static json_t *point_json(const struct summary *summary, const struct point *point);
static json_t *band_json(const struct band *band);

bool summary_make(struct summary *summary, const json_t *bundle, char *why)
{
    *summary = (struct summary){0};
    const char *kind = json_string_value(json_object_get(bundle, "kind"));
    summary->url = kind != NULL && strcmp(kind, "url") == 0;
    if (!plan_read(&summary->plan, json_object_get(bundle, "plan"), why)) {
        return false;
    }
    if (!hypothesis_check(&summary->plan, why) ||
        !results_read(&summary->store, &summary->plan, bundle, why)) {
        plan_finish(&summary->plan);
        return false;
    }
    describe_targets(summary, json_object_get(bundle, "targets"));
    summary->unsteady = count_unsteady(&summary->store.results);

    const struct plan_target *target = &summary->plan.target[summary->plan.finding_target];
    struct finding_question question = {
        .points = summary->store.results.points,
        .count = summary->store.results.points_count,
        .target = summary->plan.finding_target,
        .target_words = summary->target_words[summary->plan.finding_target],
        .connections = target->connections,
        .connections_count = target->steps,
        .share = summary->plan.finding_share,
        .worst = summary->plan.finding_worst,
    };
    if (summary->url) {
        finding_of_url(&question, &summary->finding);
    } else {
        finding_of_race(&question, &summary->finding);
    }
    return true;
}

void summary_finish(struct summary *summary)
{
    results_finish(&summary->store);
    plan_finish(&summary->plan);
}

static void describe_targets(struct summary *summary, const json_t *targets)
{
    for (size_t i = 0; i < summary->plan.targets; i++) {
        const json_t *target = json_array_get(targets, i);
        json_int_t bytes = json_integer_value(json_object_get(target, "bytes"));
        char number[UNITS_TEXT];
        if (bytes > 0 && !summary->url) {
            snprintf(summary->target_words[i], FINDING_TEXT, "%s of %s bytes",
                     summary->plan.target[i].label, units_write_count(number, (uint64_t)bytes));
        } else {
            snprintf(summary->target_words[i], FINDING_TEXT, "%s", summary->plan.target[i].label);
        }
    }
}

static size_t count_unsteady(const struct results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < results->points_count; i++) {
        const struct band *rate = &results->points[i].value[METRIC_REQUESTS_PER_S];
        count += band_known(rate) && rate->high > SUMMARY_SPREAD * rate->low;
    }
    return count;
}

json_t *summary_json(const struct summary *summary)
{
    return json_pack("{s:f, s:I, s:I, s:I, s:o, s:o, s:o}", "coverage", POINT_COVERAGE, "failed",
                     (json_int_t)summary->store.failed, "incomplete",
                     (json_int_t)summary->store.incomplete, "unsteady",
                     (json_int_t)summary->unsteady, "finding", finding_json(summary), "hypotheses",
                     hypotheses_json(summary), "points", points_json(summary));
}

static json_t *finding_json(const struct summary *summary)
{
    static const char *const kinds[] = {
        [FINDING_UP_TO] = "up-to",     [FINDING_ALL] = "all",   [FINDING_NONE] = "none",
        [FINDING_UNKNOWN] = "unknown", [FINDING_OTHER] = "url",
    };
    const struct finding *finding = &summary->finding;
    json_t *steps = json_array();

    for (size_t i = 0; i < finding->count; i++) {
        const struct finding_step *step = &finding->step[i];
        json_array_append_new(steps, json_pack("{s:i, s:s, s:o}", "connections", step->connections,
                                               "verdict", finding_word(step->verdict), "ratio",
                                               band_json(&step->ratio)));
    }
    return json_pack("{s:s, s:i, s:f, s:f, s:s, s:s, s:s, s:s, s:o}", "kind", kinds[finding->kind],
                     "up_to", finding->up_to, "share", summary->plan.finding_share, "worst",
                     summary->plan.finding_worst, "target",
                     summary->plan.target[summary->plan.finding_target].name, "target_words",
                     summary->target_words[summary->plan.finding_target], "headline",
                     finding->headline, "detail", finding->detail, "steps", steps);
}

static json_t *hypotheses_json(const struct summary *summary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < summary->plan.hypotheses; i++) {
        const struct plan_hypothesis *hypothesis = &summary->plan.hypothesis[i];
        struct hypothesis_verdict verdict;
        hypothesis_judge(&summary->store.results, hypothesis, &verdict);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", hypothesis->name, "words",
                            hypothesis->words, "expression", hypothesis->expression, "verdict",
                            hypothesis_word(verdict.outcome), "numbers", numbers_json(&verdict)));
    }
    return list;
}

static json_t *numbers_json(const struct hypothesis_verdict *verdict)
{
    json_t *list = json_array();
    for (size_t i = 0; i < verdict->numbers; i++) {
        json_array_append_new(list, json_pack("{s:s, s:o}", "text", verdict->number[i].text,
                                              "value", band_json(&verdict->number[i].value)));
    }
    return list;
}

static json_t *points_json(const struct summary *summary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < summary->store.results.points_count; i++) {
        json_array_append_new(list, point_json(summary, &summary->store.results.points[i]));
    }
    return list;
}

static json_t *point_json(const struct summary *summary, const struct point *point)
{
    const struct results *results = &summary->store.results;
    const struct band *rate = &point->value[METRIC_REQUESTS_PER_S];
    json_t *values = json_object();

    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        json_object_set_new(values, metric_name((enum metric)metric),
                            band_json(&point->value[metric]));
    }
    bool best = point_best(results->points, results->points_count, point->server, point->target,
                           point->connections) == point;
    return json_pack("{s:s, s:i, s:s, s:s, s:b, s:I, s:i, s:f, s:I, s:I, s:o}", "target",
                     summary->plan.target[point->target].name, "connections", point->connections,
                     "server", model_name(point->server), "client", model_name(point->client),
                     "best", best, "repeats", (json_int_t)rate->count, "incomplete",
                     point->incomplete, "coverage", rate->coverage, "ok", (json_int_t)point->ok,
                     "failed", (json_int_t)point->failed, "values", values);
}

static json_t *band_json(const struct band *band)
{
    return band_known(band) ? json_pack("[f, f, f]", band->low, band->mid, band->high)
                            : json_null();
}
