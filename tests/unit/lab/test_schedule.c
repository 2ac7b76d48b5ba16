#include "lab/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static struct plan plan_of(unsigned repeats, uint64_t seed)
{
    return (struct plan){
        .repeats = repeats,
        .seed = seed,
        .target = {{.connections = {1, 4, 16}, .steps = 3}, {.connections = {2}, .steps = 1}},
        .targets = 2,
    };
}

static bool same(const struct schedule_run *a, const struct schedule_run *b)
{
    return a->target == b->target && a->connections == b->connections && a->server == b->server &&
           a->client == b->client;
}

static void every_round_holds_every_point_once(void **state)
{
    (void)state;
    struct plan plan = plan_of(3, 1);
    size_t count;
    struct schedule_run *runs = schedule_make(&plan, false, &count);
    assert_non_null(runs);
    assert_int_equal(count, 3 * 4 * 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(runs[i].repeat, i / 16 + 1);
        unsigned found = 0;
        for (size_t j = i / 16 * 16; j < i / 16 * 16 + 16; j++) {
            found += same(&runs[i], &runs[j]);
        }
        assert_int_equal(found, 1);
    }
    free(runs);
}

static void seed_decides_the_order(void **state)
{
    (void)state;
    struct plan one = plan_of(3, 1), again = plan_of(3, 1), two = plan_of(3, 2);
    size_t count;
    struct schedule_run *a = schedule_make(&one, false, &count);
    struct schedule_run *b = schedule_make(&again, false, &count);
    struct schedule_run *c = schedule_make(&two, false, &count);
    size_t moved = 0, between = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(same(&a[i], &b[i]));
        moved += !same(&a[i], &c[i]);
        between += !same(&a[i], &a[(i + 16) % count]);
    }
    assert_true(moved > 0);
    assert_true(between > 0); /* each round has an order of its own */
    free(a);
    free(b);
    free(c);
}

static void own_server_is_asked_by_both_clients(void **state)
{
    (void)state;
    struct plan plan = plan_of(1, 1);
    size_t count;
    struct schedule_run *runs = schedule_make(&plan, true, &count);
    assert_int_equal(count, 4 * 2);
    unsigned by_threads = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(runs[i].server, MODEL_OTHER);
        by_threads += runs[i].client == MODEL_SYNC;
    }
    assert_int_equal(by_threads, 4);
    free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_round_holds_every_point_once),
        cmocka_unit_test(seed_decides_the_order),
        cmocka_unit_test(own_server_is_asked_by_both_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
