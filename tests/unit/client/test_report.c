/* Reports of injected tallies: the JSON against its schema and to the digit, the text by its facts.
 */
#include "client/report.h"

#include "client/space.h"
#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct model model = {
    .name = "async", .program = "cristo-async-client", .owner = OPTION_ASYNC};

static const struct origin origin = {.tcp = true};
static const struct target targets[] = {{"http://h/1", &origin, {0}}, {"http://h/2", &origin, {0}}};

static struct plan plan = {
    .targets = targets,
    .target_count = 2,
    .method_text = "GET",
    .connections = 64,
    .threads = 2,
    .pipeline = 1,
    .requests = 20000,
    .timeout_ns = 30 * NS_PER_S,
    .verify = VERIFY_LENGTH,
};

static struct tally *tally;
static struct tally *warmup;
static struct thresholds thresholds;
static struct timeline *timeline; /* NULL until timeline_report() */

static struct report report_of(void)
{
    return (struct report){
        .model = &model,
        .plan = &plan,
        .tally = tally,
        .warmup = warmup,
        .thresholds = &thresholds,
        .started_ms = UINT64_C(1700000000123), /* 2023-11-14T22:13:20.123Z */
        .elapsed_ns = 2 * NS_PER_S,
        .cpu_user_ns = 100 * NS_PER_MS,
        .cpu_system_ns = 300 * NS_PER_MS,
    };
}

static int setup(void **state)
{
    (void)state;
    tally = space_create(1, sizeof(*tally));
    warmup = space_create(1, sizeof(*warmup));
    thresholds.count = 0;
    return tally == NULL || warmup == NULL;
}

static int teardown(void **state)
{
    (void)state;
    space_destroy(tally, 1, sizeof(*tally));
    space_destroy(warmup, 1, sizeof(*warmup));
    timeline_destroy(timeline);
    timeline = NULL;
    return 0;
}

/* 100 good replies of 1, 2, ... 100 ms; two 404, one refused, one cut off. */
static void fill(void)
{
    *tally = (struct tally){.sent = 104};
    for (uint64_t ms = 1; ms <= 100; ms++) {
        tally_ok(tally, ms * NS_PER_MS, ms * NS_PER_MS / 2);
    }
    tally_failure(tally, FAILURE_STATUS, (struct cause){0});
    tally_failure(tally, FAILURE_STATUS, (struct cause){0});
    tally_failure(tally, FAILURE_CONNECT, (struct cause){.error = 111});
    tally_connect(tally, 70 * NS_PER_US);
    tally_delay(tally, 1500 * NS_PER_MS);
    tally->statuses[200] = 100;
    tally->statuses[404] = 2;
    tally->bytes_received = 4000;
    tally->bytes_body = 3000;
    tally->bytes_sent = 2000;
}

/* ---- a schema checker for as much of draft 7 as client/schema.json uses ---- */

static json_t *schema_root;

static const char *check(json_t *schema, json_t *value);

static bool is_of_type(json_t *value, const char *type)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value));
}

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool match = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return match;
}

static const char *check_type(json_t *type, json_t *value)
{
    bool match = false;
    if (json_is_string(type)) {
        match = is_of_type(value, json_string_value(type));
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        match |= is_of_type(value, json_string_value(json_array_get(type, i)));
    }
    return match ? NULL : "another type";
}

static json_t *schema_of_member(json_t *schema, const char *name)
{
    const char *pattern;
    json_t *found;
    json_t *of_pattern;
    if ((found = json_object_get(json_object_get(schema, "properties"), name)) != NULL) {
        return found;
    }
    json_object_foreach(json_object_get(schema, "patternProperties"), pattern, of_pattern)
    {
        if (matches(pattern, name)) {
            return of_pattern;
        }
    }
    return NULL;
}

static const char *check_object(json_t *schema, json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, member)
    {
        if (json_object_get(value, json_string_value(member)) == NULL) {
            return json_string_value(member);
        }
    }
    json_object_foreach(value, name, member)
    {
        json_t *of_member = schema_of_member(schema, name);
        const char *wrong = of_member == NULL ? "not in the schema" : check(of_member, member);
        if (wrong != NULL) {
            print_error("%s: %s\n", name, wrong);
            return name;
        }
    }
    return NULL;
}

static const char *check_array(json_t *schema, json_t *value)
{
    json_t *items = json_object_get(schema, "items");
    json_t *least = json_object_get(schema, "minItems");
    json_t *most = json_object_get(schema, "maxItems");
    if ((least != NULL && json_array_size(value) < (size_t)json_integer_value(least)) ||
        (most != NULL && json_array_size(value) > (size_t)json_integer_value(most))) {
        return "another number of items";
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *of_item = json_is_array(items) ? json_array_get(items, i) : items;
        const char *wrong = check(of_item, json_array_get(value, i));
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const char *check_value(json_t *schema, json_t *value)
{
    json_t *among = json_object_get(schema, "enum");
    json_t *only = json_object_get(schema, "const");
    json_t *pattern = json_object_get(schema, "pattern");
    json_t *least = json_object_get(schema, "minimum");
    json_t *above = json_object_get(schema, "exclusiveMinimum");
    bool found = among == NULL;
    for (size_t i = 0; i < json_array_size(among); i++) {
        found |= json_equal(value, json_array_get(among, i)) != 0;
    }
    if (!found || (only != NULL && !json_equal(value, only))) {
        return "another value";
    }
    if (pattern != NULL && !matches(json_string_value(pattern), json_string_value(value))) {
        return "another form";
    }
    if (json_is_number(value) &&
        ((least != NULL && json_number_value(value) < json_number_value(least)) ||
         (above != NULL && json_number_value(value) <= json_number_value(above)))) {
        return "too small";
    }
    return NULL;
}

/* NULL when the value conforms. */
static const char *check(json_t *schema, json_t *value)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL) {
        static const char prefix[] = "#/definitions/";
        assert_int_equal(strncmp(reference, prefix, sizeof(prefix) - 1), 0);
        json_t *definitions = json_object_get(schema_root, "definitions");
        json_t *definition = json_object_get(definitions, reference + sizeof(prefix) - 1);
        assert_non_null(definition);
        return check(definition, value);
    }
    json_t *type = json_object_get(schema, "type");
    const char *wrong = type == NULL ? NULL : check_type(type, value);
    if (wrong == NULL) {
        wrong = check_value(schema, value);
    }
    if (wrong == NULL && json_is_object(value)) {
        wrong = check_object(schema, value);
    }
    if (wrong == NULL && json_is_array(value)) {
        wrong = check_array(schema, value);
    }
    return wrong;
}

static char *text_of(const struct report *report, bool table)
{
    static char *text; /* static for gcc 12, which takes the stream's text for its address */
    static size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    report_print(report, table, to);
    fclose(to);
    return text;
}

/* ---- JSON ---- */

static json_t *json_of(const struct report *report)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    assert_int_equal(report_write_json(report, to), 0);
    fclose(to);
    assert_int_equal(text[size - 1], '\n');
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(root);
    return root;
}

static double number_at(json_t *root, const char *object, const char *name)
{
    json_t *value = json_object_get(json_object_get(root, object), name);
    assert_non_null(value);
    return json_number_value(value);
}

static void json_conforms_to_its_schema(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    json_t *root = json_of(&report);
    assert_null(check(schema_root, root));
    json_decref(root);
}

static void json_of_a_run_without_any_reply_conforms_too(void **state)
{
    (void)state;
    *tally = (struct tally){0};
    struct report report = report_of();
    report.elapsed_ns = 0;
    report.interrupted = true;
    plan.requests = 0;
    plan.duration_ns = 250 * NS_PER_MS;
    json_t *root = json_of(&report);
    assert_null(check(schema_root, root));
    assert_true(json_is_null(json_object_get(json_object_get(root, "plan"), "requests")));
    assert_true(number_at(root, "plan", "duration_s") == 0.25);
    assert_true(json_is_true(json_object_get(root, "interrupted")));
    plan.requests = 20000;
    plan.duration_ns = 0;
    json_decref(root);
}

static void the_schema_can_fail(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    json_t *root = json_of(&report);
    json_object_set_new(root, "extra", json_true());
    assert_non_null(check(schema_root, root));
    json_object_del(root, "extra");
    json_object_set_new(json_object_get(root, "requests"), "ok", json_real(1.5));
    assert_non_null(check(schema_root, root));
    json_object_set_new(json_object_get(root, "requests"), "ok", json_integer(-1));
    assert_non_null(check(schema_root, root));
    json_object_del(json_object_get(root, "requests"), "ok");
    assert_non_null(check(schema_root, root));
    json_decref(root);
}

static void json_says_what_was_counted(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    json_t *root = json_of(&report);
    assert_true(number_at(root, "requests", "sent") == 104);
    assert_true(number_at(root, "requests", "ok") == 100);
    assert_true(number_at(root, "requests", "failed") == 3);
    assert_true(number_at(root, "errors", "status") == 2);
    assert_true(number_at(root, "errors", "connect") == 1);
    assert_true(number_at(root, "statuses", "404") == 2);
    assert_true(number_at(root, "bytes", "received") == 4000);
    assert_true(number_at(root, "rate", "requests_per_s") > 49.99);
    assert_true(number_at(root, "rate", "requests_per_s") < 50.01);
    assert_true(number_at(root, "rate", "bytes_per_s") > 1999);
    assert_true(number_at(root, "rate", "bytes_per_s") < 2001);
    assert_true(number_at(root, "delay_s", "max") == 1.5);
    assert_true(number_at(root, "connect_us", "max") == 70);
    assert_true(number_at(root, "generator", "cpu_system_s") == 0.3);
    /* 400 ms over 103 requests */
    assert_true(number_at(root, "generator", "cpu_us_per_request") > 3883);
    assert_true(number_at(root, "generator", "cpu_us_per_request") < 3884);
    assert_string_equal(json_string_value(json_object_get(root, "started")),
                        "2023-11-14T22:13:20.123Z");
    json_decref(root);
}

/* An open loop of 120 requests that were due: 104 were sent, two of the others for the generator's
 * fault not. */
static void fill_open_loop(void)
{
    fill();
    for (uint64_t ms = 1; ms <= 100; ms++) {
        tally_raw(tally, ms * NS_PER_MS / 10);
        tally_lag(tally, 40 * NS_PER_US);
    }
    tally->held_up = 7;
    tally->missed = 2;
}

static struct report open_loop_report(void)
{
    struct report report = report_of();
    plan.rate = 1000;
    report.due = 120;
    return report;
}

static void json_of_an_open_loop_says_what_was_missed(void **state)
{
    (void)state;
    fill_open_loop();
    struct report report = open_loop_report();
    json_t *root = json_of(&report);
    plan.rate = 0;
    assert_null(check(schema_root, root));
    assert_true(number_at(root, "plan", "rate") == 1000);
    assert_true(number_at(root, "open_loop", "due") == 120);
    assert_true(number_at(root, "open_loop", "held_up") == 7);
    json_t *open_loop = json_object_get(root, "open_loop");
    assert_true(number_at(open_loop, "missed", "no_connection") == 14);
    assert_true(number_at(open_loop, "missed", "generator") == 2);
    assert_true(number_at(open_loop, "raw_us", "count") == 100);
    assert_true(number_at(open_loop, "raw_us", "max") == 10007); /* 10 ms in its slot */
    assert_true(number_at(open_loop, "lag_us", "p99") == 40);
    json_decref(root);
}

static void text_of_an_open_loop_shows_raw_beside_latency(void **state)
{
    static const char *const facts[] = {
        "1,000 requests/s by the clock, 120 due",
        "7 sent late and 14 never, because no connection was free",
        "2 never sent though a connection was free",
        "\n  raw ",
        "\n  send lag ",
        "latency counts from the moment a request was due, raw from its sending",
    };
    (void)state;
    fill_open_loop();
    struct report report = open_loop_report();
    char *text = text_of(&report, false);
    plan.rate = 0;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (strstr(text, facts[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", facts[i], text);
        }
    }
    free(text);
}

static void json_says_whether_it_can_be_trusted(void **state)
{
    static const struct {
        uint64_t connections;
        uint64_t busiest_ms; /* of 2 s */
        int trusted;         /* -1: null */
    } rows[] = {{64, 0, -1}, {1, 1000, 1}, {1, 1900, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fill();
        struct report report = report_of();
        plan.connections = rows[i].connections;
        report.evidence.threads = report.evidence.cores = 1;
        report.evidence.busiest_cpu_ns = rows[i].busiest_ms * NS_PER_MS;
        json_t *root = json_of(&report);
        json_t *trusted = json_object_get(root, "trusted");
        json_t *why = json_object_get(json_object_get(root, "trust"), "why");
        assert_null(check(schema_root, root));
        assert_int_equal(json_is_null(trusted) ? -1 : json_is_true(trusted), rows[i].trusted);
        assert_int_equal(json_array_size(why), rows[i].trusted == 0);
        json_decref(root);
        char *text = text_of(&report, false);
        assert_non_null(strstr(text, rows[i].trusted < 0 ? "trusted     too short"
                                     : rows[i].trusted == 0
                                         ? "not trusted the generator was the limit"
                                         : "trusted     yes"));
        free(text);
    }
    plan.connections = 64;
}

static void what_is_required_is_held_against_what_came(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    assert_null(require_read("p50<60ms, p99 <= 1ms,rps>=50,errors<2%,errors=3", &thresholds));
    json_t *root = json_of(&report);
    assert_null(check(schema_root, root));
    static const bool holds[] = {true, false, false, false, true};
    json_t *require = json_object_get(root, "require");
    assert_int_equal(json_array_size(require), 5);
    for (size_t i = 0; i < 5; i++) {
        json_t *one = json_array_get(require, i);
        assert_int_equal(json_is_true(json_object_get(one, "holds")), holds[i]);
    }
    json_decref(root);
    char *text = text_of(&report, false);
    assert_non_null(strstr(text, "required    p50<60ms holds: 50.0ms"));
    assert_non_null(strstr(text, "            p99 <= 1ms is missed: 99.0ms"));
    assert_non_null(strstr(text, "            errors<2% is missed: 2.91%"));
    assert_non_null(strstr(text, "            errors=3 holds: 3"));
    free(text);
}

static void a_warm_up_is_told_apart(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    plan.warmup_ns = 1500 * NS_PER_MS;
    warmup->sent = warmup->failed = 4;
    warmup->failures[FAILURE_RESET] = 4;
    json_t *root = json_of(&report);
    char *text = text_of(&report, false);
    plan.warmup_ns = 0;
    assert_null(check(schema_root, root));
    assert_true(number_at(root, "plan", "warmup_s") == 1.5);
    assert_true(number_at(root, "warmup", "failed") == 4);
    assert_true(number_at(root, "requests", "failed") == 3);
    json_decref(root);
    assert_non_null(
        strstr(text, "1.50s before, with 4 requests that do not count; 4 of them failed"));
    free(text);
}

/* `count` good replies of one latency. */
static void fill_step(size_t step, size_t count, uint64_t latency_ns)
{
    static struct pulse pulse;
    memset(&pulse, 0, sizeof pulse);
    for (size_t i = 0; i < count; i++) {
        pulse_count(&pulse, FAILURE_NONE, latency_ns);
    }
    counts_look(&timeline->steps[step], &pulse, 1);
}

/* Two seconds, looked at three times: 30 requests of 1 ms each, then none. */
static struct report timeline_report(void)
{
    struct report report = report_of();
    timeline = timeline_create(NULL, 0);
    assert_non_null(timeline);
    report.evidence.timeline = timeline;
    report.begin_ns = 100 * NS_PER_S;
    timeline->count = 3;
    timeline->at[0] = (struct sighting){.at_ns = 100 * NS_PER_S};
    timeline->at[1] =
        (struct sighting){.at_ns = 101 * NS_PER_S, .ended = 30, .spent_ns = 30 * NS_PER_MS};
    timeline->at[2] = timeline->at[1];
    timeline->at[2].at_ns = 102 * NS_PER_S;
    fill_step(1, 30, NS_PER_MS);
    timeline->steps[2].failed = timeline->steps[2].failures[FAILURE_TIMEOUT] = 2;
    return report;
}

static void json_shows_the_run_over_time(void **state)
{
    (void)state;
    fill();
    struct report report = timeline_report();
    json_t *root = json_of(&report);
    assert_null(check(schema_root, root));
    char *text = json_dumps(json_object_get(root, "timeline"), JSON_COMPACT);
    assert_string_equal(text, "[[0.0,0,null],[1.0,30,1000.0],[2.0,0,null]]");
    free(text);
    text = json_dumps(json_object_get(root, "over_time"), JSON_COMPACT | JSON_REAL_PRECISION(4));
    assert_string_equal(text, "[{\"from_s\":0.0,\"to_s\":1.0,\"ok\":30,\"failed\":0,"
                              "\"latency_us\":{\"p50\":1004.0,\"p90\":1004.0,\"p99\":1004.0,"
                              "\"max\":1004.0}},"
                              "{\"from_s\":1.0,\"to_s\":2.0,\"ok\":0,\"failed\":2,"
                              "\"latency_us\":null}]");
    free(text);
    json_decref(root);
}

/* `steps` of a second each, in which more and more requests end, and take longer and longer. */
static struct report rising_report(size_t steps)
{
    struct report report = report_of();
    timeline = timeline_create(NULL, 0);
    assert_non_null(timeline);
    report.evidence.timeline = timeline;
    timeline->count = steps + 1;
    for (size_t i = 1; i <= steps; i++) {
        timeline->at[i].at_ns = i * NS_PER_S;
        fill_step(i, 100 * i, i * NS_PER_MS);
    }
    return report;
}

static const struct picture_row {
    const char *name;
    size_t steps;
    bool fine;
    const char *rate, *p99;
} pictures[] = {
    {"eight_steps_rise", 8, true, "  rate        ▁▂▃▄▅▆▇█  0 to 800 requests/s, 1.00s a column\n",
     "  p99         ▁▂▃▄▅▆▇█  0 to 8.0"},
    {"eight_steps_rise_in_ascii", 8, false,
     "  rate        .:-=+*#@  0 to 800 requests/s, 1.00s a column\n",
     "  p99         .:-=+*#@  0 to 8.0"},
    {"two_steps_make_a_picture", 2, true, "  rate        ▄█  0 to 200 requests/s, 1.00s a column\n",
     "  p99         ▄█  0 to "},
    {"one_step_makes_none", 1, true, NULL, NULL},
    {"as_many_steps_as_there_are_columns", 60, false,
     "@@@@@@@@  0 to 6,000 requests/s, 1.00s a column\n", "@@@@@@@@  0 to 60."},
    /* two steps a column; the last one alone */
    {"more_steps_are_added_up", 119, false, "@@@@@@@@  0 to 11,900 requests/s, 1.98s a column\n",
     "@@@@@@@@  0 to 1"},
};

static void is_drawn(void **state)
{
    const struct picture_row *row = *state;
    fill();
    struct report report = rising_report(row->steps);
    report.fine_blocks = row->fine;
    char *text = text_of(&report, false);
    if (row->rate == NULL) {
        assert_null(strstr(text, "a column"));
    } else if (strstr(text, row->rate) == NULL || strstr(text, row->p99) == NULL) {
        fail_msg("not %sand not %s in:\n%s", row->rate, row->p99, text);
    }
    free(text);
}

/* What is empty shows as such: neither as little, nor as the lowest there is. */
static void a_step_without_replies_is_a_gap(void **state)
{
    (void)state;
    fill();
    struct report report = rising_report(3);
    report.fine_blocks = true;
    counts_clear(&timeline->steps[2]);
    char *text = text_of(&report, false);
    assert_non_null(strstr(text, "  rate        ▃ █  0 to 300"));
    assert_non_null(strstr(text, "  p99         ▃ █  0 to "));
    free(text);
}

/* Line by line what wrk prints of the like. */
static void text_of_wrk_has_its_form(void **state)
{
    static char *text;
    static size_t size;
    (void)state;
    fill();
    struct report report = timeline_report();
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    report_print_wrk(&report, true, to);
    fclose(to);
    assert_string_equal(text, "Running 2s test @ http://h/1\n"
                              "  2 threads and 64 connections\n"
                              "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
                              "    Latency    50.50ms   28.87ms 100.03ms   58.00%\n"
                              "    Req/Sec     7.50      7.50    15.00    100.00%\n"
                              "  Latency Distribution\n"
                              "     50%   50.02ms\n"
                              "     75%   75.01ms\n"
                              "     90%   90.05ms\n"
                              "     99%   99.01ms\n"
                              "  102 requests in 2.00s, 3.91KB read\n"
                              "  Socket errors: connect 1, read 0, write 0, timeout 0\n"
                              "  Non-2xx or 3xx responses: 2\n"
                              "Requests/sec:     51.00\n"
                              "Transfer/sec:      1.95KB\n");
    free(text);
}

static void text_of_wrk_without_any_reply(void **state)
{
    static char *text;
    static size_t size;
    (void)state;
    struct report report = report_of();
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    report_print_wrk(&report, false, to);
    fclose(to);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "Distribution"));
    assert_non_null(strstr(text, "  0 requests in 2.00s, 0.00B read\n"));
    free(text);
}

static void json_percentiles_are_those_of_the_samples(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    json_t *root = json_of(&report);
    /* within a thousandth: the highest value of the slot */
    assert_true(number_at(root, "latency_us", "p50") >= 50000);
    assert_true(number_at(root, "latency_us", "p50") < 50000 * 1.001);
    assert_true(number_at(root, "latency_us", "p99") >= 99000);
    assert_true(number_at(root, "latency_us", "p99") < 99000 * 1.001);
    assert_true(number_at(root, "latency_us", "p99.99") == number_at(root, "latency_us", "max"));
    assert_true(number_at(root, "latency_us", "mean") == 50500);
    assert_true(number_at(root, "latency_us", "min") == 1000);
    assert_true(number_at(root, "first_byte_us", "p50") >= 25000);
    json_decref(root);
}

static void json_histogram_holds_every_sample(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    json_t *root = json_of(&report);
    json_t *pairs = json_object_get(json_object_get(root, "histogram"), "latency_us");
    json_int_t before = -1;
    json_int_t count = 0;
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        json_t *pair = json_array_get(pairs, i);
        json_int_t value = json_integer_value(json_array_get(pair, 0));
        assert_true(value > before);
        before = value;
        count += json_integer_value(json_array_get(pair, 1));
    }
    assert_int_equal(count, 100);
    json_decref(root);
}

static void json_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_true(report_write_json(&report, full) < 0);
    fclose(full);
}

/* ---- text ---- */

static void text_says_what_was_counted(void **state)
{
    static const char *const facts[] = {
        "http://h/1 and 1 more",
        "64 connections",
        "2 event loops",
        "100 ok",
        "3 failed",
        "1 cut off",
        "50.0ms",
        "99.0ms",
        "1 connect (Connection refused)",
        "2 status",
        "404: 2",
        "1.50s at most",
        "50 requests/s",
        "400ms of CPU",
        "too short to judge",
    };
    (void)state;
    fill();
    struct report report = report_of();
    char *text = text_of(&report, false);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (strstr(text, facts[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", facts[i], text);
        }
    }
    assert_null(strstr(text, "percentile"));
    free(text);
}

static void table_ends_with_all_samples(void **state)
{
    (void)state;
    fill();
    struct report report = report_of();
    char *text = text_of(&report, true);
    char *table = strstr(text, "percentile");
    assert_non_null(table);
    assert_non_null(strstr(table, "1.000000           100"));
    free(text);
}

static void text_of_a_run_without_any_reply_has_no_latencies(void **state)
{
    (void)state;
    *tally = (struct tally){0};
    struct report report = report_of();
    char *text = text_of(&report, true);
    assert_null(strstr(text, "latency"));
    assert_null(strstr(text, "nan"));
    free(text);
}

int main(int argc, char **argv)
{
    static struct suite suite;
    json_error_t error;
    schema_root = json_load_file(argc > 1 ? argv[1] : "client/schema.json", 0, &error);
    if (schema_root == NULL) {
        fprintf(stderr, "schema: %s\n", error.text);
        return 1;
    }
    suite_add(&suite, CASE(json_conforms_to_its_schema));
    suite_add(&suite, CASE(json_of_a_run_without_any_reply_conforms_too));
    suite_add(&suite, CASE(the_schema_can_fail));
    suite_add(&suite, CASE(json_says_what_was_counted));
    suite_add(&suite, CASE(json_of_an_open_loop_says_what_was_missed));
    suite_add(&suite, CASE(text_of_an_open_loop_shows_raw_beside_latency));
    suite_add(&suite, CASE(json_says_whether_it_can_be_trusted));
    suite_add(&suite, CASE(what_is_required_is_held_against_what_came));
    suite_add(&suite, CASE(a_warm_up_is_told_apart));
    suite_add(&suite, CASE(json_shows_the_run_over_time));
    suite_add_rows(&suite, is_drawn, ROWS(pictures));
    suite_add(&suite, CASE(a_step_without_replies_is_a_gap));
    suite_add(&suite, CASE(text_of_wrk_has_its_form));
    suite_add(&suite, CASE(text_of_wrk_without_any_reply));
    suite_add(&suite, CASE(json_percentiles_are_those_of_the_samples));
    suite_add(&suite, CASE(json_histogram_holds_every_sample));
    suite_add(&suite, CASE(json_that_cannot_be_written_is_an_error));
    suite_add(&suite, CASE(text_says_what_was_counted));
    suite_add(&suite, CASE(table_ends_with_all_samples));
    suite_add(&suite, CASE(text_of_a_run_without_any_reply_has_no_latencies));
    for (size_t i = 0; i < suite.count; i++) {
        suite.tests[i].setup_func = setup;
        suite.tests[i].teardown_func = teardown;
    }
    int failed = suite_run(&suite, "client/report");
    json_decref(schema_root);
    return failed;
}
