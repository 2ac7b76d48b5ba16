#include "lab/plan.h"

#include "lab/hypothesis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static json_t *race(void)
{
    char why[PLAN_WHY];
    json_t *json = plan_find("race", why);
    assert_non_null(json);
    return json;
}

/* The connections of the race are what its issue asks for. */
static void race_is_built_in(void **state)
{
    (void)state;
    static const unsigned chapter[] = {1, 4, 16, 64, 256, 1024}, book[] = {1, 16, 64, 256};
    char why[PLAN_WHY];
    struct plan plan;
    json_t *json = race();
    assert_true(plan_read(&plan, json, why));
    assert_int_equal(plan.targets, 2);
    assert_int_equal(plan.target[0].steps, LENGTH(chapter));
    assert_memory_equal(plan.target[0].connections, chapter, sizeof chapter);
    assert_int_equal(plan.target[1].steps, LENGTH(book));
    assert_memory_equal(plan.target[1].connections, book, sizeof book);
    assert_int_equal(plan.repeats, 3);
    assert_int_equal(plan.waits.requests, 20);
    assert_string_equal(plan.waits.delay, "0s-3s");
    assert_int_equal(plan.waits.ways, 3);
    assert_int_equal(plan.waits.way[0].connections, 1);
    assert_true(hypothesis_check(&plan, why));
    assert_true(plan.hypotheses > 0);
    plan_finish(&plan);
    json_decref(json);
}

static void every_built_in_plan_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < plan_count(); i++) {
        char why[PLAN_WHY];
        struct plan plan;
        json_t *json = plan_find(plan_name(i), why);
        assert_non_null(json);
        assert_true(plan_read(&plan, json, why));
        assert_true(hypothesis_check(&plan, why));
        assert_string_equal(plan.name, plan_name(i));
        plan_finish(&plan);
        json_decref(json);
    }
}

static void unknown_name_is_told(void **state)
{
    (void)state;
    char why[PLAN_WHY] = "";
    assert_null(plan_find("chase", why));
    assert_non_null(strstr(why, "cristo-lab list"));
    assert_null(plan_find("./no-such-file.json", why));
    assert_non_null(strstr(why, "no-such-file.json"));
}

/* What is changed in the race, and a word of the complaint. */
static void wrong_plan_is_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *word;
    } rows[] = {
        {"schema", "\"other/1\"", "schema"},
        {"repeats", "0", "repeats"},
        {"repeats", "\"three\"", "repeats"},
        {"duration", "\"soon\"", "duration"},
        {"duration", "\"0s\"", "duration"},
        {"duration_many", "\"later\"", "duration_many"},
        {"many", "0", "many"},
        {"warmup", "\"-1s\"", "warmup"},
        {"targets", "[]", "targets"},
        {"targets", "[{\"name\":\"x\"}]", "targets[0]"},
        {"targets", "[{\"name\":\"x\",\"label\":\"x\",\"path\":\"/\",\"connections\":[4,4]}]",
         "connections[1]"},
        {"finding", "{\"target\":\"cellar\",\"share\":0.9,\"worst\":0.8}", "cellar"},
        {"finding", "{\"target\":\"chapter\",\"share\":1.5,\"worst\":0.8}", "share"},
        {"finding", "{\"target\":\"chapter\",\"share\":0.9}", "worst"},
        {"hypotheses", "[{\"name\":\"x\"}]", "hypotheses[0]"},
        {"waits", "{\"requests\":20}", "waits"},
        {"waits",
         "{\"requests\":20,\"delay\":\"3s-1s\",\"seed\":1,\"path\":\"/\",\"ways\":[{\"name\":\"a\","
         "\"label\":\"a\",\"client\":\"sync\",\"connections\":1}]}",
         "delay"},
        {"waits",
         "{\"requests\":20,\"delay\":\"0s-1s\",\"seed\":1,\"path\":\"/\",\"ways\":[{\"name\":\"a\","
         "\"label\":\"a\",\"client\":\"fibre\",\"connections\":1}]}",
         "ways[0]"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char why[PLAN_WHY] = "";
        struct plan plan;
        json_t *json = race();
        json_object_set_new(json, rows[i].key, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        if (plan_read(&plan, json, why) || strstr(why, rows[i].word) == NULL) {
            fail_msg("%s = %s: %s", rows[i].key, rows[i].value, why);
        }
        json_decref(json);
    }
}

static void settings_are_written_into_the_plan(void **state)
{
    (void)state;
    char why[PLAN_WHY];
    struct plan plan, again;
    json_t *json = race();
    assert_true(plan_read(&plan, json, why));
    assert_true(plan_duration_ns(&plan, 1) < plan_duration_ns(&plan, 1024));
    plan_make_quick(&plan);
    plan_set_seed(&plan, 77);
    assert_true(plan_read(&again, plan.json, why));
    assert_int_equal(again.repeats, plan.repeats);
    assert_int_equal(again.repeats, 1);
    assert_int_equal(again.seed, 77);
    assert_int_equal(plan_duration_ns(&again, 1), plan_duration_ns(&plan, 1));
    assert_int_equal(plan_duration_ns(&again, 1024), plan_duration_ns(&plan, 1024));
    assert_int_equal(again.waits.delay_max_ns, plan.waits.delay_max_ns);
    plan_finish(&again);

    plan_set_repeats(&plan, 5);
    plan_set_duration(&plan, "2s", 2000000000);
    assert_true(plan_read(&again, plan.json, why));
    assert_int_equal(again.repeats, 5);
    assert_int_equal(plan_duration_ns(&again, 1), 2000000000);
    assert_int_equal(plan_duration_ns(&again, 1024), 2000000000);
    plan_finish(&again);
    plan_finish(&plan);
    json_decref(json);
}

static void own_server_keeps_the_connections_alone(void **state)
{
    (void)state;
    char why[PLAN_WHY];
    struct plan plan;
    json_t *json = race();
    assert_true(plan_read(&plan, json, why));
    plan_make_url(&plan, "http://127.0.0.1:80/x");
    assert_int_equal(plan.targets, 1);
    assert_string_equal(plan.target[0].path, "http://127.0.0.1:80/x");
    assert_int_equal(plan.target[0].steps, 6);
    assert_int_equal(plan.waits.ways, 0);
    assert_int_equal(plan.hypotheses, 0);
    plan_finish(&plan);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(race_is_built_in),
        cmocka_unit_test(every_built_in_plan_is_well_formed),
        cmocka_unit_test(unknown_name_is_told),
        cmocka_unit_test(wrong_plan_is_told_where),
        cmocka_unit_test(settings_are_written_into_the_plan),
        cmocka_unit_test(own_server_keeps_the_connections_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
