#include "lab/results.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static struct plan plan_of(void)
{
    return (struct plan){
        .target = {{.name = "page", .connections = {10}, .steps = 1}},
        .targets = 1,
        .waits = {.way = {{.name = "loop"}}, .ways = 1},
    };
}

#define RESULT(connected)                                                                          \
    "{\"elapsed_s\":0.5,\"requests\":{\"ok\":100,\"failed\":2},\"rate\":{\"requests_per_s\":200}," \
    "\"latency_us\":{\"p50\":7,\"p99\":9},\"connect_us\":{\"count\":" #connected "}}"

#define ROW(start, result)                                                                       \
    "{" start "\"target\":\"page\",\"connections\":10,\"server\":\"sync\",\"client\":\"async\"," \
    "\"error\":null,\"result\":" result                                                          \
    ",\"server_use\":{\"cores\":2,\"cpu_s\":0.25,\"rss_bytes\":5000,\"threads\":11,"             \
    "\"switches_voluntary\":30,\"switches_involuntary\":20,\"switches_requests\":200},"          \
    "\"client_use\":{\"cores\":1,\"cpu_user_s\":0.1,\"cpu_system_s\":0.3}}"

static bool read(struct results_store *store, const struct plan *plan, const char *rows,
                 const char *waits)
{
    char why[PLAN_WHY];
    json_t *bundle = json_object();
    json_object_set_new(bundle, "rows", json_loads(rows, 0, NULL));
    json_object_set_new(bundle, "waits", json_loads(waits, 0, NULL));
    bool well = results_read(store, plan, bundle, why);
    json_decref(bundle);
    return well;
}

static void metrics_follow_from_the_raw_row(void **state)
{
    (void)state;
    struct plan plan = plan_of();
    struct results_store store;
    assert_true(read(&store, &plan, "[" ROW("", RESULT(10)) "]", "[]"));
    assert_int_equal(store.rows_count, 1);
    const double *value = store.rows[0].value;
    assert_true(value[METRIC_REQUESTS_PER_S] == 200);
    assert_true(value[METRIC_P50_US] == 7);
    assert_true(value[METRIC_P99_US] == 9);
    assert_true(value[METRIC_CPU_US_PER_REQUEST] == 2500);
    assert_true(value[METRIC_SWITCHES_PER_REQUEST] == 0.25);
    assert_true(value[METRIC_RSS_BYTES] == 5000);
    assert_true(value[METRIC_THREADS] == 11);
    assert_true(value[METRIC_SERVER_BUSY] == 0.25);
    assert_true(fabs(value[METRIC_CLIENT_CPU_US_PER_REQUEST] - 4000) < 1e-6);
    assert_true(fabs(value[METRIC_CLIENT_BUSY] - 0.8) < 1e-9);
    assert_int_equal(store.failed, 2);
    results_finish(&store);
}

static void run_without_all_its_connections_does_not_count(void **state)
{
    (void)state;
    struct plan plan = plan_of();
    struct results_store store;
    assert_true(read(&store, &plan, "[" ROW("", RESULT(9)) "," ROW("", RESULT(10)) "]", "[]"));
    assert_int_equal(store.incomplete, 1);
    assert_true(store.rows[0].incomplete);
    assert_true(isnan(store.rows[0].value[METRIC_REQUESTS_PER_S]));
    assert_int_equal(store.points[0].value[METRIC_REQUESTS_PER_S].count, 1);
    assert_int_equal(store.points[0].incomplete, 1);
    results_finish(&store);
}

static void run_without_a_report_counts_as_one_failure(void **state)
{
    (void)state;
    struct plan plan = plan_of();
    struct results_store store;
    assert_true(
        read(&store, &plan,
             "[{\"target\":\"page\",\"connections\":10,\"server\":\"async\","
             "\"client\":\"sync\",\"error\":\"died\",\"result\":null,\"server_use\":null}]",
             "[{\"way\":\"loop\",\"server\":\"sync\",\"error\":\"died\",\"result\":null}]"));
    assert_int_equal(store.failed, 2);
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        assert_true(isnan(store.rows[0].value[metric]));
    }
    assert_true(isnan(store.waits[0].elapsed_s));
    results_finish(&store);
}

static void waits_are_read(void **state)
{
    (void)state;
    struct plan plan = plan_of();
    struct results_store store;
    assert_true(read(&store, &plan, "[]",
                     "[{\"way\":\"loop\",\"server\":\"async\",\"error\":null,\"result\":"
                     "{\"elapsed_s\":30.5,\"requests\":{\"ok\":20,\"failed\":0},"
                     "\"delay_s\":{\"sum\":30,\"max\":2.5}}}]"));
    assert_int_equal(store.results.waits_count, 1);
    assert_int_equal(store.waits[0].server, MODEL_ASYNC);
    assert_true(store.waits[0].elapsed_s == 30.5);
    assert_true(store.waits[0].delay_sum_s == 30);
    assert_true(store.waits[0].delay_max_s == 2.5);
    results_finish(&store);
}

static void rows_of_another_plan_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[{}]",
        "[{\"target\":\"cellar\",\"connections\":1,\"server\":\"sync\",\"client\":\"sync\"}]",
        "[{\"target\":\"page\",\"connections\":0,\"server\":\"sync\",\"client\":\"sync\"}]",
        "[{\"target\":\"page\",\"connections\":1,\"server\":\"fibre\",\"client\":\"sync\"}]",
    };
    struct plan plan = plan_of();
    struct results_store store;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_false(read(&store, &plan, rows[i], "[]"));
    }
    assert_false(read(&store, &plan, "[]", "[{\"way\":\"walk\",\"server\":\"sync\"}]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_follow_from_the_raw_row),
        cmocka_unit_test(run_without_all_its_connections_does_not_count),
        cmocka_unit_test(run_without_a_report_counts_as_one_failure),
        cmocka_unit_test(waits_are_read),
        cmocka_unit_test(rows_of_another_plan_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
