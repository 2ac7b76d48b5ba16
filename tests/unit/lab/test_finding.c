#include "lab/finding.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

enum {
    STEPS = 4,
    REPEATS = 3
};

static const unsigned tried[STEPS] = {1, 16, 64, 1024};

/* Three repeats around each middle, 2 % apart. The client by events gets more, the other half. */
struct bench {
    struct row rows[STEPS * REPEATS * 4];
    size_t count;
    struct point points[STEPS * 4];
    struct finding finding;
};

static struct row *add(struct bench *bench, enum model server, enum model client, unsigned at,
                       double rate)
{
    struct row *row = &bench->rows[bench->count++];
    *row =
        (struct row){.server = server, .client = client, .connections = at, .ok = (uint64_t)rate};
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        row->value[metric] = NAN;
    }
    row->value[METRIC_REQUESTS_PER_S] = rate;
    row->value[METRIC_P99_US] = 1000.0 * at;
    return row;
}

static void add_repeats(struct bench *bench, enum model server, unsigned at, double rate)
{
    for (int i = 0; i < REPEATS; i++) {
        add(bench, server, MODEL_ASYNC, at, rate * (0.98 + 0.02 * i));
        add(bench, server, MODEL_SYNC, at, rate * (0.98 + 0.02 * i) / 2);
    }
}

static struct finding_question question_of(struct bench *bench)
{
    return (struct finding_question){
        .points = bench->points,
        .count = point_gather(bench->rows, bench->count, bench->points, LENGTH(bench->points)),
        .target_words = "a page",
        .connections = tried,
        .connections_count = STEPS,
        .share = 0.9,
        .worst = 0.8,
    };
}

/* Events always answer 1000; threads `ratio` times as many; NAN: not measured. */
static void measure(struct bench *bench, const double *ratio)
{
    *bench = (struct bench){.count = 0};
    for (size_t i = 0; i < STEPS; i++) {
        add_repeats(bench, MODEL_ASYNC, tried[i], 1000);
        if (!isnan(ratio[i])) {
            add_repeats(bench, MODEL_SYNC, tried[i], 1000 * ratio[i]);
        }
    }
}

static const double alike[STEPS] = {1, 1, 1, 1};

static void find(struct bench *bench)
{
    struct finding_question question = question_of(bench);
    finding_of_race(&question, &bench->finding);
}

static void judge(struct bench *bench, const double *ratio)
{
    measure(bench, ratio);
    find(bench);
}

static void threads_suffice_as_far_as_they_keep_up_from_below(void **state)
{
    (void)state;
    static const struct {
        double ratio[STEPS];
        enum finding_kind kind;
        unsigned up_to;
        const char *headline;
    } rows[] = {
        {{1, 1, 1, 1},
         FINDING_ALL,
         1024,
         "Threads suffice up to 1,024 connections here, the most that was tried"},
        {{1, 1.1, 0.95, 0.5}, FINDING_UP_TO, 64, "Threads suffice up to 64 connections here"},
        {{1, 0.5, 0.5, 0.5}, FINDING_UP_TO, 1, "Threads suffice up to 1 connection here"},
        {{1, 0.5, 1, 1}, FINDING_UP_TO, 1, "Threads suffice up to 1 connection here"},
        {{0.5, 1, 1, 1},
         FINDING_NONE,
         0,
         "Threads do not suffice here, not even for one connection"},
        /* 0.88 by the middles, and 0.8624 to 0.898 ... 0.9163 by the bands */
        {{1, 1, 0.88, 0.5},
         FINDING_UP_TO,
         16,
         "Threads suffice up to 16 connections here; at 64 it is unclear"},
        {{0.88, 1, 1, 1},
         FINDING_UNKNOWN,
         0,
         "Whether threads suffice cannot be told from these runs"},
        {{NAN, 1, 1, 1},
         FINDING_UNKNOWN,
         0,
         "Whether threads suffice cannot be told from these runs"},
        {{1, 1, NAN, 1},
         FINDING_UP_TO,
         16,
         "Threads suffice up to 16 connections here; at 64 it is unclear"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct bench bench;
        judge(&bench, rows[i].ratio);
        assert_string_equal(bench.finding.headline, rows[i].headline);
        assert_int_equal(bench.finding.kind, rows[i].kind);
        assert_int_equal(bench.finding.up_to, rows[i].up_to);
        assert_int_equal(bench.finding.count, STEPS);
    }
}

static void detail_tells_the_numbers_of_the_better_client(void **state)
{
    (void)state;
    struct bench bench;
    judge(&bench, (const double[]){1, 1, 1, 0.5});
    assert_non_null(strstr(bench.finding.detail, "sending a page, at 64 the threaded server "
                                                 "answers 1,000 requests a second and the evented "
                                                 "one 1,000, a ratio of 1.00"));
    assert_non_null(strstr(bench.finding.detail, "at 1,024 the threaded server answers 500"));
    assert_non_null(strstr(bench.finding.detail, "a ratio of 0.50 (0.48 to 0.52)"));
}

static void detail_tells_when_threads_catch_up_again(void **state)
{
    (void)state;
    struct bench bench;
    judge(&bench, (const double[]){1, 0.5, 1, 1});
    assert_non_null(strstr(bench.finding.detail, "they keep up again at 64, 1,024"));
}

/* Equal by the middles, but one repeat of the threads says 0.7: no ground for a claim. */
static void repeats_far_apart_are_unclear(void **state)
{
    (void)state;
    struct bench bench;
    measure(&bench, alike);
    for (size_t i = 0; i < bench.count; i++) {
        struct row *row = &bench.rows[i];
        if (row->server == MODEL_SYNC && row->connections == 16 &&
            row->value[METRIC_REQUESTS_PER_S] == 980) {
            row->value[METRIC_REQUESTS_PER_S] = 700;
        }
    }
    find(&bench);
    assert_int_equal(bench.finding.step[1].verdict, FINDING_UNCLEAR);
    assert_int_equal(bench.finding.up_to, 1);
}

static void failed_requests_are_no_way_to_keep_up(void **state)
{
    (void)state;
    struct bench bench;
    measure(&bench, alike);
    for (size_t i = 0; i < bench.count; i++) {
        if (bench.rows[i].server == MODEL_SYNC && bench.rows[i].connections == 64) {
            bench.rows[i].failed = 1;
        }
    }
    find(&bench);
    assert_int_equal(bench.finding.kind, FINDING_UP_TO);
    assert_int_equal(bench.finding.up_to, 16);
    assert_int_equal(bench.finding.step[2].verdict, FINDING_FALLS_BEHIND);
    assert_non_null(strstr(bench.finding.detail, "at 64 3 requests to the threaded server failed"));
}

static void failures_of_the_evented_server_prove_nothing_for_threads(void **state)
{
    (void)state;
    struct bench bench;
    measure(&bench, alike);
    for (size_t i = 0; i < bench.count; i++) {
        bench.rows[i].failed = bench.rows[i].server == MODEL_ASYNC;
    }
    find(&bench);
    assert_int_equal(bench.finding.kind, FINDING_UNKNOWN);
}

static void nothing_measured_says_nothing(void **state)
{
    (void)state;
    struct bench bench = {.count = 0};
    struct finding_question question = question_of(&bench);
    finding_of_race(&question, &bench.finding);
    assert_int_equal(bench.finding.kind, FINDING_UNKNOWN);
    finding_of_url(&question, &bench.finding);
    assert_int_equal(bench.finding.kind, FINDING_OTHER);
    assert_string_equal(bench.finding.headline,
                        "Nothing can be said of this server from these runs");
}

static void own_server_is_told_from_where_it_gives_its_most(void **state)
{
    (void)state;
    static const double rates[STEPS] = {200, 950, 1000, 400};
    struct bench bench = {.count = 0};
    for (size_t i = 0; i < STEPS; i++) {
        add_repeats(&bench, MODEL_OTHER, tried[i], rates[i]);
    }
    struct finding_question question = question_of(&bench);
    finding_of_url(&question, &bench.finding);
    assert_string_equal(bench.finding.headline,
                        "This server gives its most from 16 connections on");
    assert_non_null(strstr(bench.finding.detail,
                           "1,000 requests a second for a page with 64, asked by events"));
    assert_non_null(strstr(bench.finding.detail, "already 950 with 16"));
    assert_non_null(strstr(bench.finding.detail, "but only 400 with 1,024"));
    assert_non_null(strstr(bench.finding.detail, "99 in 100 replies come within 1.02s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_suffice_as_far_as_they_keep_up_from_below),
        cmocka_unit_test(detail_tells_the_numbers_of_the_better_client),
        cmocka_unit_test(detail_tells_when_threads_catch_up_again),
        cmocka_unit_test(repeats_far_apart_are_unclear),
        cmocka_unit_test(failed_requests_are_no_way_to_keep_up),
        cmocka_unit_test(failures_of_the_evented_server_prove_nothing_for_threads),
        cmocka_unit_test(nothing_measured_says_nothing),
        cmocka_unit_test(own_server_is_told_from_where_it_gives_its_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
