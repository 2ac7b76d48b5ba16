#include "lab/point.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static struct row row_of(enum model server, enum model client, unsigned connections, double rate)
{
    struct row row = {
        .server = server, .client = client, .connections = connections, .ok = 10, .failed = 1};
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        row.value[metric] = NAN;
    }
    row.value[METRIC_REQUESTS_PER_S] = rate;
    return row;
}

static void repeats_become_one_point_in_order(void **state)
{
    (void)state;
    const struct row rows[] = {
        row_of(MODEL_ASYNC, MODEL_SYNC, 4, 50), row_of(MODEL_SYNC, MODEL_SYNC, 4, 30),
        row_of(MODEL_SYNC, MODEL_SYNC, 1, 7),   row_of(MODEL_SYNC, MODEL_SYNC, 4, 10),
        row_of(MODEL_SYNC, MODEL_SYNC, 4, 20),
    };
    struct point points[5];
    assert_int_equal(point_gather(rows, LENGTH(rows), points, LENGTH(points)), 3);
    assert_int_equal(points[0].connections, 1);
    assert_int_equal(points[1].server, MODEL_SYNC);
    assert_int_equal(points[1].ok, 30);
    assert_int_equal(points[1].failed, 3);
    assert_int_equal(points[1].value[METRIC_REQUESTS_PER_S].count, 3);
    assert_true(points[1].value[METRIC_REQUESTS_PER_S].mid == 20);
    assert_false(band_known(&points[1].value[METRIC_RSS_BYTES]));
    assert_int_equal(points[2].server, MODEL_ASYNC);
}

static void better_client_is_the_one_that_gets_more(void **state)
{
    (void)state;
    const struct row rows[] = {
        row_of(MODEL_SYNC, MODEL_SYNC, 4, 30),   row_of(MODEL_SYNC, MODEL_ASYNC, 4, 31),
        row_of(MODEL_SYNC, MODEL_SYNC, 8, 30),   row_of(MODEL_SYNC, MODEL_ASYNC, 8, NAN),
        row_of(MODEL_SYNC, MODEL_ASYNC, 9, NAN),
    };
    struct point points[5];
    size_t count = point_gather(rows, LENGTH(rows), points, LENGTH(points));
    assert_int_equal(point_best(points, count, MODEL_SYNC, 0, 4)->client, MODEL_ASYNC);
    assert_int_equal(point_best(points, count, MODEL_SYNC, 0, 8)->client, MODEL_SYNC);
    assert_null(point_best(points, count, MODEL_SYNC, 0, 9));
    assert_null(point_best(points, count, MODEL_ASYNC, 0, 4));
    assert_null(point_best(points, count, MODEL_SYNC, 1, 4));
}

static void every_metric_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < METRIC_COUNT; i++) {
        enum metric metric = METRIC_COUNT;
        assert_true(metric_read(metric_name((enum metric)i), &metric));
        assert_int_equal(metric, i);
    }
    enum metric metric = METRIC_COUNT;
    assert_false(metric_read("beauty", &metric));
    assert_int_equal(metric, METRIC_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_become_one_point_in_order),
        cmocka_unit_test(better_client_is_the_one_that_gets_more),
        cmocka_unit_test(every_metric_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
