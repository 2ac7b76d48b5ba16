#include "lab/hypothesis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

/* A plan with one target and one way, two points and one wait. */
struct bench {
    struct plan plan;
    struct point points[3];
    struct wait_row wait;
    struct results results;
};

static struct band band_of(double mid)
{
    return (struct band){.low = mid - 1, .mid = mid, .high = mid + 1, .count = 3};
}

static void prepare(struct bench *bench)
{
    *bench = (struct bench){
        .plan = {.target = {{.name = "page", .connections = {2, 9}, .steps = 2}},
                 .targets = 1,
                 .waits = {.way = {{.name = "loop"}}, .ways = 1}},
        .points = {{.server = MODEL_SYNC, .client = MODEL_SYNC, .connections = 2},
                   {.server = MODEL_SYNC, .client = MODEL_ASYNC, .connections = 2},
                   {.server = MODEL_ASYNC, .client = MODEL_ASYNC, .connections = 9}},
        .wait = {.server = MODEL_ASYNC,
                 .way = 0,
                 .elapsed_s = 30,
                 .delay_sum_s = 29,
                 .delay_max_s = NAN},
    };
    bench->points[0].value[METRIC_REQUESTS_PER_S] = band_of(100);
    bench->points[1].value[METRIC_REQUESTS_PER_S] = band_of(200);
    bench->points[2].value[METRIC_REQUESTS_PER_S] = band_of(300);
    bench->results = (struct results){.plan = &bench->plan,
                                      .points = bench->points,
                                      .points_count = 3,
                                      .waits = &bench->wait,
                                      .waits_count = 1};
}

static void values_are_found_by_their_words(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        enum expression_outcome outcome;
    } rows[] = {
        {"requests_per_s(sync, sync, page, 2) <= 101", EXPRESSION_HELD},
        {"requests_per_s(sync, best, page, 2) >= 199", EXPRESSION_HELD},
        {"requests_per_s(sync, best, page, least) >= 199", EXPRESSION_HELD},
        {"requests_per_s(async, async, page, most) >= 299", EXPRESSION_HELD},
        {"requests_per_s(async, sync, page, 9) >= 1", EXPRESSION_UNDECIDED}, /* not measured */
        {"p99_us(sync, sync, page, 2) >= 1", EXPRESSION_UNDECIDED},
        {"elapsed_s(loop, async) <= 1.1 * delay_sum_s(loop, async)", EXPRESSION_HELD},
        {"elapsed_s(loop, sync) <= 1", EXPRESSION_UNDECIDED},
        {"delay_max_s(loop, async) <= 1", EXPRESSION_UNDECIDED}, /* no number there */
        {"beauty(sync, sync, page, 2) >= 1", EXPRESSION_MALFORMED},
        {"requests_per_s(fibre, sync, page, 2) >= 1", EXPRESSION_MALFORMED},
        {"requests_per_s(sync, fibre, page, 2) >= 1", EXPRESSION_MALFORMED},
        {"requests_per_s(sync, sync, cellar, 2) >= 1", EXPRESSION_MALFORMED},
        {"requests_per_s(sync, sync, page, two) >= 1", EXPRESSION_MALFORMED},
        {"requests_per_s(sync, sync, page) >= 1", EXPRESSION_MALFORMED},
        {"elapsed_s(walk, async) >= 1", EXPRESSION_MALFORMED},
        {"elapsed_s(loop) >= 1", EXPRESSION_MALFORMED},
        {"length_s(loop, async) >= 1", EXPRESSION_MALFORMED},
    };
    struct bench bench;
    prepare(&bench);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct plan_hypothesis hypothesis = {.expression = rows[i].expression};
        struct hypothesis_verdict verdict;
        hypothesis_judge(&bench.results, &hypothesis, &verdict);
        if (verdict.outcome != rows[i].outcome) {
            fail_msg("%s: %s", rows[i].expression, hypothesis_word(verdict.outcome));
        }
    }
}

static void numbers_that_took_part_are_told_once(void **state)
{
    (void)state;
    struct bench bench;
    struct hypothesis_verdict verdict;
    struct plan_hypothesis hypothesis = {
        .expression = "elapsed_s(loop,async) > 1 and elapsed_s( loop , async ) < 99 and "
                      "requests_per_s(async, sync, page, 9) > 1"};
    prepare(&bench);
    hypothesis_judge(&bench.results, &hypothesis, &verdict);
    assert_int_equal(verdict.numbers, 2);
    assert_string_equal(verdict.number[0].text, "elapsed_s(loop, async)");
    assert_true(verdict.number[0].value.mid == 30);
    assert_string_equal(verdict.number[1].text, "requests_per_s(async, sync, page, 9)");
    assert_false(band_known(&verdict.number[1].value));
}

static void check_names_the_bad_one(void **state)
{
    (void)state;
    struct bench bench;
    char why[PLAN_WHY];
    prepare(&bench);
    bench.plan.hypothesis[0] = (struct plan_hypothesis){.name = "good", .expression = "1 < 2"};
    bench.plan.hypotheses = 1;
    assert_true(hypothesis_check(&bench.plan, why));
    bench.plan.hypothesis[1] = (struct plan_hypothesis){.name = "bad", .expression = "1 < wind(x)"};
    bench.plan.hypotheses = 2;
    assert_false(hypothesis_check(&bench.plan, why));
    assert_non_null(strstr(why, "\"bad\""));
    assert_non_null(strstr(why, "character 5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_their_words),
        cmocka_unit_test(numbers_that_took_part_are_told_once),
        cmocka_unit_test(check_names_the_bad_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
