/* Thresholds: read as they are written, refused with the reason and the place, and held against
 * injected tallies. */
#include "client/require.h"

#include "client/space.h"
#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static void each_figure_and_relation_is_read(void **state)
{
    static const struct {
        const char *text;
        enum require_figure figure;
        uint32_t per_100k;
        enum require_relation relation;
        double bound;
    } rows[] = {
        {"p99<50ms", REQUIRE_PERCENTILE, 99000, REQUIRE_BELOW, 50000},
        {"p50<=1s", REQUIRE_PERCENTILE, 50000, REQUIRE_AT_MOST, 1e6},
        {"p99.9 < 2.5ms", REQUIRE_PERCENTILE, 99900, REQUIRE_BELOW, 2500},
        {"p99.999<1s", REQUIRE_PERCENTILE, 99999, REQUIRE_BELOW, 1e6},
        {"p0>1us", REQUIRE_PERCENTILE, 0, REQUIRE_ABOVE, 1},
        {"p100<1s", REQUIRE_PERCENTILE, 100000, REQUIRE_BELOW, 1e6},
        {"min>=1ms", REQUIRE_MIN, 0, REQUIRE_AT_LEAST, 1000},
        {"mean<10ms", REQUIRE_MEAN, 0, REQUIRE_BELOW, 10000},
        {"max<1m", REQUIRE_MAX, 0, REQUIRE_BELOW, 60e6},
        {"rps>1000", REQUIRE_RPS, 0, REQUIRE_ABOVE, 1000},
        {"rps>=20k", REQUIRE_RPS, 0, REQUIRE_AT_LEAST, 20000},
        {"rps>0.5", REQUIRE_RPS, 0, REQUIRE_ABOVE, 0.5},
        {"errors=0", REQUIRE_ERRORS, 0, REQUIRE_EQUAL, 0},
        {"errors==3", REQUIRE_ERRORS, 0, REQUIRE_EQUAL, 3},
        {"errors<12.5%", REQUIRE_ERROR_SHARE, 0, REQUIRE_BELOW, 0.125},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct thresholds thresholds = {0};
        const char *why = require_read(rows[i].text, &thresholds);
        if (why != NULL) {
            fail_msg("%s: %s", rows[i].text, why);
        }
        assert_int_equal(thresholds.count, 1);
        assert_string_equal(thresholds.at[0].text, rows[i].text);
        assert_int_equal(thresholds.at[0].figure, rows[i].figure);
        assert_int_equal(thresholds.at[0].per_100k, rows[i].per_100k);
        assert_int_equal(thresholds.at[0].relation, rows[i].relation);
        assert_true(thresholds.at[0].bound == rows[i].bound);
    }
}

static void many_are_read_and_add_up(void **state)
{
    struct thresholds thresholds = {0};
    (void)state;
    assert_null(require_read("p99<50ms, errors=0 ,rps>1000", &thresholds));
    assert_int_equal(thresholds.count, 3);
    assert_string_equal(thresholds.at[1].text, "errors=0");
    assert_null(require_read("max<1s", &thresholds));
    assert_int_equal(thresholds.count, 4);
    while (thresholds.count < REQUIRE_MOST) {
        assert_null(require_read("max<1s", &thresholds));
    }
    assert_non_null(strstr(require_read("max<1s", &thresholds), "too many"));
}

static const char *const refusals[][3] = {
    /* name, text, what the message says */
    {"nothing", "", "missing"},
    {"nothing_after_a_comma", "p99<1s,", "missing"},
    {"nothing_between_commas", "p99<1s,,errors=0", "missing"},
    {"no_relation", "p99", "\"p99\" compares with nothing"},
    {"no_bound", "p99<", "\"p99<\": \"\" is not a duration"},
    {"no_figure", "<50ms", "\"<50ms\": \"\" is no figure"},
    {"unknown_figure", "rps>1,speed>9", "\"speed>9\": \"speed\" is no figure"},
    {"percentile_over_100", "p101<1s", "\"p101\" is no figure"},
    {"percentile_of_letters", "pxx<1s", "\"pxx\" is no figure"},
    {"percentile_of_nothing", "p<1s", "\"p\" is no figure"},
    {"percentile_too_fine", "p99.9999<1s", "no figure"},
    {"percentile_with_two_points", "p9.9.9<1s", "no figure"},
    {"duration_of_nothing_known", "p99<50parsecs", "\"50parsecs\" is not a duration"},
    {"negative_duration", "p99<-1ms", "\"-1ms\" is not a duration"},
    {"rate_in_words", "rps>many", "\"many\" is not a number"},
    {"rate_with_a_unit", "rps>10ms", "\"10ms\" is not a number"},
    {"errors_in_words", "errors<few", "\"few\" is neither"},
    {"share_of_nothing", "errors<%", "\"%\" is neither"},
    {"share_in_words", "errors<x%", "\"x%\" is not a share"},
    {"two_relations", "p99<>1s", "\">1s\" is not a duration"},
    {"not_equal", "errors!=0", "\"errors!\" is no figure"},
    {"longer_than_any", "p99<000000000000000000000000000000001s", "too long"},
};

static void is_refused(void **state)
{
    const char *const *row = *state;
    struct thresholds thresholds = {0};
    const char *why = require_read(row[1], &thresholds);
    assert_non_null(why);
    if (strstr(why, row[2]) == NULL) {
        fail_msg("no \"%s\" in: %s", row[2], why);
    }
}

/* ---- judging ---- */

/* 100 replies of 1, 2, ... 100 ms in two seconds; three failures. */
static struct tally *new_tally(void)
{
    struct tally *tally = space_create(1, sizeof(*tally));
    assert_non_null(tally);
    for (uint64_t ms = 1; ms <= 100; ms++) {
        tally_ok(tally, ms * NS_PER_MS, 0);
    }
    for (int i = 0; i < 3; i++) {
        tally_failure(tally, FAILURE_STATUS, (struct cause){0});
    }
    return tally;
}

static void holds_or_not(void **state)
{
    static const struct {
        const char *text;
        bool holds;
    } rows[] = {
        {"p50<49ms", false},   {"p50<51ms", true},   {"p99<99ms", false},  {"p99<100ms", true},
        {"p100<100ms", false}, {"p100<101ms", true}, {"max>99ms", true},   {"max<=99ms", false},
        {"min>=1ms", true},    {"min<1ms", false},   {"mean<50ms", false}, {"mean<51ms", true},
        {"rps>49", true},      {"rps>=51", false},   {"errors=3", true},   {"errors=0", false},
        {"errors<=3", true},   {"errors<3", false},  {"errors>2", true},   {"errors<3%", true},
        {"errors<2%", false},
    };
    (void)state;
    struct tally *tally = new_tally();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct thresholds thresholds = {0};
        assert_null(require_read(rows[i].text, &thresholds));
        if (require_holds(&thresholds.at[0], tally, 2 * NS_PER_S) != rows[i].holds) {
            fail_msg("%s does not come out", rows[i].text);
        }
        assert_int_equal(require_all_hold(&thresholds, tally, 2 * NS_PER_S), rows[i].holds);
    }
    space_destroy(tally, 1, sizeof(*tally));
}

static void one_that_is_missed_is_enough(void **state)
{
    struct thresholds thresholds = {0};
    (void)state;
    struct tally *tally = new_tally();
    assert_true(require_all_hold(&thresholds, tally, NS_PER_S)); /* of nothing */
    assert_null(require_read("max<1s,p50<1ms,rps>1", &thresholds));
    assert_false(require_all_hold(&thresholds, tally, NS_PER_S));
    space_destroy(tally, 1, sizeof(*tally));
}

static void without_a_reply_there_is_no_latency_to_be_below(void **state)
{
    struct thresholds thresholds = {0};
    (void)state;
    struct tally *tally = space_create(1, sizeof(*tally));
    assert_null(require_read("p99<1s,errors<1%,errors=0", &thresholds));
    assert_false(require_holds(&thresholds.at[0], tally, NS_PER_S));
    assert_false(require_holds(&thresholds.at[1], tally, NS_PER_S));
    assert_true(require_holds(&thresholds.at[2], tally, NS_PER_S));
    assert_true(require_figure(&thresholds.at[0], tally, NS_PER_S) < 0);
    space_destroy(tally, 1, sizeof(*tally));
}

static void failures_are_allowed_by_a_threshold_on_them_alone(void **state)
{
    static const struct {
        const char *text;
        bool allows;
    } rows[] = {{"p99<1s", false},   {"errors<=3", true},
                {"errors<5%", true}, {"errors<=3,errors<1%", false},
                {"errors=0", false}, {"p50<1ms,errors<9", true}};
    (void)state;
    struct tally *tally = new_tally();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct thresholds thresholds = {0};
        assert_null(require_read(rows[i].text, &thresholds));
        assert_int_equal(require_allows_errors(&thresholds, tally, NS_PER_S), rows[i].allows);
    }
    space_destroy(tally, 1, sizeof(*tally));
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(each_figure_and_relation_is_read));
    suite_add(&suite, CASE(many_are_read_and_add_up));
    suite_add_rows(&suite, is_refused, ROWS(refusals));
    suite_add(&suite, CASE(holds_or_not));
    suite_add(&suite, CASE(one_that_is_missed_is_enough));
    suite_add(&suite, CASE(without_a_reply_there_is_no_latency_to_be_below));
    suite_add(&suite, CASE(failures_are_allowed_by_a_threshold_on_them_alone));
    return suite_run(&suite, "client/require");
}
