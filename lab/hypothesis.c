#include "lab/hypothesis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct inquiry {
    const struct results *results;
    struct hypothesis_verdict *verdict;
};

static enum expression_look look(void *with, const struct expression_call *call,
                                 struct band *value);
static enum expression_look look_point(const struct results *results, enum metric metric,
                                       const struct expression_call *call, struct band *value);
static bool read_connections(const struct plan_target *target, const char *word, unsigned *number);
static enum expression_look look_waits(const struct results *results,
                                       const struct expression_call *call, struct band *value);
static const struct wait_row *find_wait(const struct results *results, unsigned way,
                                        enum model server);
static void note_number(struct hypothesis_verdict *verdict, const struct expression_call *call,
                        const struct band *value);

void hypothesis_judge(const struct results *results, const struct plan_hypothesis *hypothesis,
                      struct hypothesis_verdict *verdict)
{
    struct inquiry inquiry = {results, verdict};
    struct expression_source source = {look, &inquiry};

    *verdict = (struct hypothesis_verdict){0};
    verdict->outcome =
        expression_judge(hypothesis->expression, &source, &verdict->why, &verdict->why_at);
}

const char *hypothesis_word(enum expression_outcome outcome)
{
    static const char *const words[] = {
        [EXPRESSION_HELD] = "held",
        [EXPRESSION_NOT_HELD] = "did not hold",
        [EXPRESSION_UNDECIDED] = "cannot be judged",
        [EXPRESSION_MALFORMED] = "is malformed",
    };
    return words[outcome];
}

bool hypothesis_check(const struct plan *plan, char *why)
{
    struct results nothing = {.plan = plan};
    for (size_t i = 0; i < plan->hypotheses; i++) {
        struct hypothesis_verdict verdict;
        hypothesis_judge(&nothing, &plan->hypothesis[i], &verdict);
        if (verdict.outcome == EXPRESSION_MALFORMED) {
            snprintf(why, PLAN_WHY, "hypothesis \"%s\": character %zu: %s",
                     plan->hypothesis[i].name, verdict.why_at + 1, verdict.why);
            return false;
        }
    }
    return true;
}

static enum expression_look look(void *with, const struct expression_call *call, struct band *value)
{
    struct inquiry *inquiry = with;
    enum metric metric;
    enum expression_look found = metric_read(call->name, &metric)
                                     ? look_point(inquiry->results, metric, call, value)
                                     : look_waits(inquiry->results, call, value);
    if (found != EXPRESSION_UNKNOWN) {
        note_number(inquiry->verdict, call, found == EXPRESSION_FOUND ? value : &(struct band){0});
    }
    return found;
}

static enum expression_look look_point(const struct results *results, enum metric metric,
                                       const struct expression_call *call, struct band *value)
{
    const struct plan *plan = results->plan;
    enum model server, client = MODEL_SYNC;
    unsigned target = 0, connections;

    if (call->count != 4 || !model_read(call->word[0], &server)) {
        return EXPRESSION_UNKNOWN;
    }
    bool best = strcmp(call->word[1], "best") == 0;
    if (!best && !model_read(call->word[1], &client)) {
        return EXPRESSION_UNKNOWN;
    }
    while (target < plan->targets && strcmp(plan->target[target].name, call->word[2]) != 0) {
        target++;
    }
    if (target == plan->targets ||
        !read_connections(&plan->target[target], call->word[3], &connections)) {
        return EXPRESSION_UNKNOWN;
    }

    const struct point *point =
        best ? point_best(results->points, results->points_count, server, target, connections)
             : point_find(results->points, results->points_count, server, client, target,
                          connections);
    if (point == NULL || !band_known(&point->value[metric])) {
        return EXPRESSION_ABSENT;
    }
    *value = point->value[metric];
    return EXPRESSION_FOUND;
}

static bool read_connections(const struct plan_target *target, const char *word, unsigned *number)
{
    if (strcmp(word, "least") == 0) {
        *number = target->connections[0];
        return true;
    }
    if (strcmp(word, "most") == 0) {
        *number = target->connections[target->steps - 1];
        return true;
    }
    char *end;
    unsigned long read = strtoul(word, &end, 10);
    if (*end != '\0' || read == 0 || read > 1000000) {
        return false;
    }
    *number = (unsigned)read;
    return true;
}

static enum expression_look look_waits(const struct results *results,
                                       const struct expression_call *call, struct band *value)
{
    const struct plan_waits *waits = &results->plan->waits;
    enum model server;
    unsigned way = 0;

    while (way < waits->ways && strcmp(waits->way[way].name, call->word[0]) != 0) {
        way++;
    }
    if (call->count != 2 || way == waits->ways || !model_read(call->word[1], &server)) {
        return EXPRESSION_UNKNOWN;
    }
    const struct wait_row *row = find_wait(results, way, server);
    double number = NAN;
    if (strcmp(call->name, "elapsed_s") == 0) {
        number = row != NULL ? row->elapsed_s : NAN;
    } else if (strcmp(call->name, "delay_sum_s") == 0) {
        number = row != NULL ? row->delay_sum_s : NAN;
    } else if (strcmp(call->name, "delay_max_s") == 0) {
        number = row != NULL ? row->delay_max_s : NAN;
    } else {
        return EXPRESSION_UNKNOWN;
    }
    if (isnan(number)) {
        return EXPRESSION_ABSENT;
    }
    *value = (struct band){.low = number, .mid = number, .high = number, .count = 1};
    return EXPRESSION_FOUND;
}

static const struct wait_row *find_wait(const struct results *results, unsigned way,
                                        enum model server)
{
    for (size_t i = 0; i < results->waits_count; i++) {
        if (results->waits[i].way == way && results->waits[i].server == server) {
            return &results->waits[i];
        }
    }
    return NULL;
}

static void note_number(struct hypothesis_verdict *verdict, const struct expression_call *call,
                        const struct band *value)
{
    char text[HYPOTHESIS_TEXT];
    int len = snprintf(text, sizeof text, "%s(", call->name);
    for (unsigned i = 0; i < call->count && len < (int)sizeof text; i++) {
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s", i == 0 ? "" : ", ",
                        call->word[i]);
    }
    if (len + 1 < (int)sizeof text) {
        strcpy(text + len, ")");
    }
    for (size_t i = 0; i < verdict->numbers; i++) {
        if (strcmp(verdict->number[i].text, text) == 0) {
            return; /* asked for before */
        }
    }
    if (verdict->numbers < HYPOTHESIS_NUMBERS) {
        struct hypothesis_number *number = &verdict->number[verdict->numbers++];
        memcpy(number->text, text, sizeof text);
        number->value = *value;
    }
}
