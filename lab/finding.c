#include "lab/finding.h"

#include "lib/base/units.h"

#include <stdarg.h>
#include <stdio.h>

static void judge_step(const struct finding_question *question, struct finding_step *step);
static enum finding_verdict judge_ratio(const struct finding_question *question,
                                        const struct finding_step *step);
static size_t count_leading(const struct finding *finding);
static void say_headline(struct finding *finding, size_t leading);
static void say_detail(const struct finding_question *question, struct finding *finding,
                       size_t leading);
static void say_step(char *text, const struct finding_step *step);
static void say_later(char *text, const struct finding *finding, size_t leading);

static void say_other(const struct finding_question *question, struct finding *finding,
                      const struct point *const *points, size_t count, const struct point *most);
static double rate_of(const struct point *point);
static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *count_of(char *to, double number);

const char *finding_word(enum finding_verdict verdict)
{
    static const char *const words[] = {
        [FINDING_KEEPS_UP] = "keeps up",
        [FINDING_FALLS_BEHIND] = "falls behind",
        [FINDING_UNCLEAR] = "unclear",
    };
    return words[verdict];
}

void finding_of_race(const struct finding_question *question, struct finding *finding)
{
    *finding = (struct finding){.kind = FINDING_UNKNOWN};
    for (size_t i = 0; i < question->connections_count && i < FINDING_STEPS; i++) {
        struct finding_step *step = &finding->step[finding->count++];
        step->connections = question->connections[i];
        judge_step(question, step);
    }

    size_t leading = count_leading(finding);
    if (leading > 0) {
        finding->kind = leading == finding->count ? FINDING_ALL : FINDING_UP_TO;
        finding->up_to = finding->step[leading - 1].connections;
    } else if (finding->count > 0 && finding->step[0].verdict == FINDING_FALLS_BEHIND) {
        finding->kind = FINDING_NONE;
    }
    say_headline(finding, leading);
    say_detail(question, finding, leading);
}

static void judge_step(const struct finding_question *question, struct finding_step *step)
{
    step->threads = point_best(question->points, question->count, MODEL_SYNC, question->target,
                               step->connections);
    step->events = point_best(question->points, question->count, MODEL_ASYNC, question->target,
                              step->connections);
    if (step->threads != NULL && step->events != NULL) {
        step->ratio = statistics_ratio(&step->threads->value[METRIC_REQUESTS_PER_S],
                                       &step->events->value[METRIC_REQUESTS_PER_S]);
    }
    step->verdict = judge_ratio(question, step);
}

static enum finding_verdict judge_ratio(const struct finding_question *question,
                                        const struct finding_step *step)
{
    if (step->threads == NULL || step->events == NULL || step->events->failed > 0) {
        return FINDING_UNCLEAR;
    }
    if (step->threads->failed > 0) {
        return FINDING_FALLS_BEHIND;
    }
    if (!band_known(&step->ratio)) {
        return FINDING_UNCLEAR;
    }
    if (step->ratio.mid >= question->share && step->ratio.low >= question->worst) {
        return FINDING_KEEPS_UP;
    }
    return step->ratio.high < question->share ? FINDING_FALLS_BEHIND : FINDING_UNCLEAR;
}

static size_t count_leading(const struct finding *finding)
{
    size_t leading = 0;
    while (leading < finding->count && finding->step[leading].verdict == FINDING_KEEPS_UP) {
        leading++;
    }
    return leading;
}

static void say_headline(struct finding *finding, size_t leading)
{
    char number[UNITS_TEXT];
    units_write_count(number, finding->up_to);
    const char *noun = finding->up_to == 1 ? "connection" : "connections";

    switch (finding->kind) {
    case FINDING_ALL:
        append(finding->headline, "Threads suffice up to %s %s here, the most that was tried",
               number, noun);
        break;
    case FINDING_UP_TO:
        append(finding->headline, "Threads suffice up to %s %s here", number, noun);
        if (finding->step[leading].verdict == FINDING_UNCLEAR) {
            append(finding->headline, "; at %s it is unclear",
                   units_write_count(number, finding->step[leading].connections));
        }
        break;
    case FINDING_NONE:
        append(finding->headline, "Threads do not suffice here, not even for %s",
               finding->step[0].connections == 1 ? "one connection" : "the fewest connections");
        break;
    default:
        append(finding->headline, "Whether threads suffice cannot be told from these runs");
        break;
    }
}

static void say_detail(const struct finding_question *question, struct finding *finding,
                       size_t leading)
{
    append(finding->detail, "sending %s, ", question->target_words);
    if (leading > 0) {
        say_step(finding->detail, &finding->step[leading - 1]);
    }
    if (leading < finding->count) {
        append(finding->detail, leading > 0 ? "; " : "");
        say_step(finding->detail, &finding->step[leading]);
        say_later(finding->detail, finding, leading);
    }
    if (finding->count == 0) {
        append(finding->detail, "nothing was tried");
    }
}

static void say_step(char *text, const struct finding_step *step)
{
    char a[UNITS_TEXT], b[UNITS_TEXT];
    append(text, "at %s ", count_of(a, step->connections));
    if (step->threads == NULL || step->events == NULL) {
        append(text, "%s not measured",
               step->threads == NULL && step->events == NULL ? "neither server was"
               : step->threads == NULL                       ? "the threaded server was"
                                                             : "the evented server was");
        return;
    }
    if (step->threads->failed > 0 || step->events->failed > 0) {
        const struct point *side = step->threads->failed > 0 ? step->threads : step->events;
        append(text, "%s requests to the %s server failed", count_of(a, (double)side->failed),
               side == step->threads ? "threaded" : "evented");
        return;
    }
    append(text,
           "the threaded server answers %s requests a second and the evented one %s, a ratio of "
           "%.2f",
           count_of(a, step->threads->value[METRIC_REQUESTS_PER_S].mid),
           count_of(b, step->events->value[METRIC_REQUESTS_PER_S].mid), step->ratio.mid);
    if (step->ratio.count > 1) {
        append(text, " (%.2f to %.2f)", step->ratio.low, step->ratio.high);
    }
}

/* Threads may fall behind and catch up again; the rule counts from below, but the reader is told.
 */
static void say_later(char *text, const struct finding *finding, size_t leading)
{
    char number[UNITS_TEXT];
    const char *again = leading > 0 ? "; they keep up again at " : "; they keep up at ";
    unsigned found = 0;
    for (size_t i = leading + 1; i < finding->count; i++) {
        if (finding->step[i].verdict == FINDING_KEEPS_UP) {
            append(text, "%s%s", found++ > 0 ? ", " : again,
                   units_write_count(number, finding->step[i].connections));
        }
    }
}

void finding_of_url(const struct finding_question *question, struct finding *finding)
{
    const struct point *points[FINDING_STEPS];
    const struct point *most = NULL;
    size_t count = 0;

    *finding = (struct finding){.kind = FINDING_OTHER};
    for (size_t i = 0; i < question->connections_count && count < FINDING_STEPS; i++) {
        const struct point *at = point_best(question->points, question->count, MODEL_OTHER,
                                            question->target, question->connections[i]);
        if (at == NULL) {
            continue;
        }
        points[count++] = at;
        if (most == NULL || rate_of(at) > rate_of(most)) {
            most = at;
        }
    }
    if (most == NULL) {
        append(finding->headline, "Nothing can be said of this server from these runs");
        append(finding->detail, "no run of %s gave a result", question->target_words);
        return;
    }
    say_other(question, finding, points, count, most);
}

static void say_other(const struct finding_question *question, struct finding *finding,
                      const struct point *const *points, size_t count, const struct point *most)
{
    const struct point *last = points[count - 1];
    const struct point *enough = most;
    char a[UNITS_TEXT], b[UNITS_TEXT];

    for (size_t i = count; i-- > 0;) {
        if (rate_of(points[i]) >= question->share * rate_of(most)) {
            enough = points[i];
        }
    }
    finding->up_to = enough->connections;
    append(finding->headline, "This server gives its most from %s connection%s on",
           units_write_count(a, enough->connections), enough->connections == 1 ? "" : "s");
    append(finding->detail, "%s requests a second for %s with %s, asked by %s",
           count_of(a, rate_of(most)), question->target_words,
           units_write_count(b, most->connections), model_word(most->client));
    if (enough != most) {
        append(finding->detail, "; already %s with %s", count_of(a, rate_of(enough)),
               units_write_count(b, enough->connections));
    }
    if (rate_of(last) < question->share * rate_of(most)) {
        append(finding->detail, "; but only %s with %s", count_of(a, rate_of(last)),
               units_write_count(b, last->connections));
    }
    if (band_known(&last->value[METRIC_P99_US])) {
        append(finding->detail, "; 99 in 100 replies come within %s with %s",
               units_write_duration(a, (uint64_t)(last->value[METRIC_P99_US].mid * 1000)),
               units_write_count(b, last->connections));
    }
}

static double rate_of(const struct point *point)
{
    return point->value[METRIC_REQUESTS_PER_S].mid;
}

/* Adds to what stands in `text` (FINDING_TEXT bytes), cutting what does not fit. */
static void append(char *text, const char *format, ...)
{
    size_t len = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + len, FINDING_TEXT - len, format, arguments);
    va_end(arguments);
}

static const char *count_of(char *to, double number)
{
    return units_write_count(to, (uint64_t)(number + 0.5));
}
