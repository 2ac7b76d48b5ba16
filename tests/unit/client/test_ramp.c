/* Loads that grow and fall: the stages as they are written, the schedule of a rate, and who of the
 * connections is at work when. What is expected is worked out by hand or from the area below a
 * line. */
#include "client/ramp.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <string.h>

enum {
    MOST = 100000
};

static struct ramp made(uint64_t from, const char *text)
{
    struct ramp ramp;
    const char *why = ramp_read(text, MOST, &ramp);
    if (why != NULL) {
        fail_msg("%s: %s", text, why);
    }
    ramp_begin(&ramp, from);
    return ramp;
}

/* ---- reading ---- */

static void stages_are_read_in_their_order(void **state)
{
    struct ramp ramp = made(5, "10s:100,500ms:0,0s:20k");
    (void)state;
    assert_int_equal(ramp.count, 3);
    assert_int_equal(ramp.at[0].length_ns, 10 * NS_PER_S);
    assert_int_equal(ramp.at[1].begin_ns, 10 * NS_PER_S);
    assert_int_equal(ramp.at[1].length_ns, 500 * NS_PER_MS);
    assert_true(ramp.at[0].from == 5 && ramp.at[0].to == 100);
    assert_true(ramp.at[1].from == 100 && ramp.at[1].to == 0);
    assert_true(ramp.at[2].from == 0 && ramp.at[2].to == 20000);
    assert_int_equal(ramp_length_ns(&ramp), 10500 * NS_PER_MS);
    assert_int_equal(ramp_top(&ramp), 20000);
}

static void the_top_may_be_where_it_begins(void **state)
{
    struct ramp ramp = made(500, "10s:100");
    (void)state;
    assert_int_equal(ramp_top(&ramp), 500);
}

static void what_are_no_stages_is_refused(void **state)
{
    static const char *const rows[] = {
        "",       "10s",      "100",     ":",           "10s:",
        ":100",   "10s:100,", ",10s:1",  "10s:1,,2s:2", "10s:1;2s:2",
        "10s:-1", "-1s:5",    "10s:1.5", "10s:100001",  "10s:1 ",
        "10 s:1", "10x:1",    "10s:1:2", "99999999h:1", "10s:0000000000000000000000000000000000001",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ramp ramp = {.count = 77};
        const char *why = ramp_read(rows[i], MOST, &ramp);
        if (why == NULL) {
            fail_msg("\"%s\" is taken", rows[i]);
        }
        assert_int_equal(ramp.count, 77); /* and nothing was written */
    }
}

static void there_are_64_stages_and_no_more(void **state)
{
    char text[65 * 5 + 1] = "";
    struct ramp ramp;
    (void)state;
    for (int i = 0; i < 64; i++) {
        strcat(text, i == 0 ? "1s:1" : ",1s:1");
    }
    assert_null(ramp_read(text, MOST, &ramp));
    assert_int_equal(ramp.count, 64);
    strcat(text, ",1s:1");
    assert_non_null(ramp_read(text, MOST, &ramp));
}

/* ---- a rate ---- */

static void a_level_rate_is_due_in_equal_steps(void **state)
{
    struct ramp ramp = made(1000, "10s:1000");
    (void)state;
    for (uint64_t k = 0; k < 20000; k += 7) { /* beyond its end too */
        uint64_t due_ns = ramp_due_ns(&ramp, k);
        assert_true(due_ns + 1 >= k * NS_PER_MS && due_ns <= k * NS_PER_MS + 1);
    }
}

static void a_growing_rate_is_due_by_the_area_below_its_line(void **state)
{
    static const struct {
        uint64_t ms, due;
    } rows[] = {{0, 0}, {200, 10}, {1000, 250}, {1500, 563}, {2000, 1000}, {3000, 2000}};
    struct ramp ramp = made(0, "2s:1000"); /* t seconds: 250 t^2 */
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ramp_due_before(&ramp, rows[i].ms * NS_PER_MS), rows[i].due);
    }
    assert_int_equal(ramp_due_ns(&ramp, 0), 0);
    assert_int_equal(ramp_due_ns(&ramp, 250) / NS_PER_US, 1000000);
    assert_int_equal(ramp_due_ns(&ramp, 1500) / NS_PER_US, 2500000); /* the last level stays */
}

/* By whole numbers: where 250 t^2 requests are due after t seconds, the last moment for number k is
 * that of t^2 = k / 250; and a rate that falls to nothing is the same, backwards. One nanosecond is
 * left to rounding. */
static void moments_are_right_to_the_nanosecond(void **state)
{
    struct ramp growing = made(0, "2s:1000"), falling = made(1000, "2s:0");
    uint64_t unit = NS_PER_S / 250 * NS_PER_S;
    (void)state;
    for (uint64_t k = 1; k < 1000; k++) {
        uint64_t grown_ns = ramp_due_ns(&growing, k);
        uint64_t left_ns = 2 * NS_PER_S - ramp_due_ns(&falling, k);
        assert_true((grown_ns - 1) * (grown_ns - 1) <= k * unit);
        assert_true((grown_ns + 2) * (grown_ns + 2) > k * unit);
        assert_true((left_ns + 1) * (left_ns + 1) >= (1000 - k) * unit);
        assert_true((left_ns - 2) * (left_ns - 2) < (1000 - k) * unit);
    }
}

static void what_would_be_due_in_a_pause_is_due_at_its_end(void **state)
{
    struct ramp ramp = made(100, "1s:100,0s:0,5s:0,0s:100,1s:100");
    (void)state;
    assert_int_equal(ramp_due_ns(&ramp, 99) / NS_PER_US, 990000);
    assert_int_equal(ramp_due_ns(&ramp, 100) / NS_PER_US, 6000000);
    assert_int_equal(ramp_due_ns(&ramp, 101) / NS_PER_US, 6010000);
    assert_int_equal(ramp_due_before(&ramp, 5 * NS_PER_S), 100);
}

static void after_an_end_at_nothing_none_is_due(void **state)
{
    struct ramp ramp = made(100, "2s:0");
    (void)state;
    assert_true(ramp_due_ns(&ramp, 99) < 2 * NS_PER_S);
    assert_true(ramp_due_ns(&ramp, 100) == CLOCK_NEVER);
    assert_true(ramp_due_ns(&ramp, UINT64_MAX) == CLOCK_NEVER);
    assert_int_equal(ramp_due_before(&ramp, CLOCK_NEVER), 100);
}

/* Whatever the stages, and however far beyond them: a request is not due before its moment, and is
 * right after it. */
static void moments_and_counts_agree(void **state)
{
    static const struct {
        uint64_t from;
        const char *text;
    } rows[] = {
        {1, "10s:100,20s:1000"},
        {0, "1s:7,3s:2,500ms:0,100ms:90"},
        {3, "7s:3"},
        {1000, "0s:0,1s:0,0s:33,3s:99999,2s:1"},
        {12, "1us:13,1ms:5000,1h:6"},
        {0, "1us:0,1us:99999,24h:1,0s:99999,24h:0,1s:10"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ramp ramp = made(rows[i].from, rows[i].text);
        uint64_t before_ns = 0;
        for (uint64_t k = 0; k < UINT64_C(1000000000000); k += 1 + k / 2000) {
            uint64_t due_ns = ramp_due_ns(&ramp, k);
            assert_true(due_ns >= before_ns);
            before_ns = due_ns;
            if (due_ns < CLOCK_NEVER) {
                assert_true(ramp_due_before(&ramp, due_ns) <= k);
                assert_true(ramp_due_before(&ramp, due_ns + 1) > k);
            }
        }
    }
}

/* ---- connections ---- */

static size_t at_work(const struct ramp *ramp, uint64_t most, uint64_t ms)
{
    size_t count = 0;
    uint64_t until_ns;
    for (uint64_t rank = 0; rank < most; rank++) {
        count += ramp_wants(ramp, rank, ms * NS_PER_MS, &until_ns);
    }
    return count;
}

static void as_many_are_wanted_as_the_line_is_high(void **state)
{
    static const struct {
        uint64_t ms;
        size_t wanted;
    } rows[] = {{0, 10},   {500, 15}, {999, 20}, {1000, 20}, {1500, 20}, {2000, 5}, {2500, 5},
                {3500, 3}, {3999, 1}, {4000, 0}, {4500, 0},  {5000, 30}, {9999, 30}};
    struct ramp ramp = made(10, "1s:20,1s:20,0s:5,1s:5,1s:0,1s:0,0s:30");
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(at_work(&ramp, 40, rows[i].ms), rows[i].wanted);
    }
}

static void a_line_from_nothing_wants_nobody_yet(void **state)
{
    struct ramp ramp = made(0, "10s:100");
    uint64_t until_ns;
    (void)state;
    assert_false(ramp_wants(&ramp, 0, 0, &until_ns));
    assert_int_equal(until_ns, 1);
    assert_false(ramp_wants(&ramp, 50, 0, &until_ns));
    assert_int_equal(until_ns / NS_PER_US, 5000000);
    assert_false(ramp_wants(&ramp, 100, 0, &until_ns)); /* of 100 the last has rank 99 */
    assert_true(until_ns == CLOCK_NEVER);
}

/* Going from change to change misses none of those that small steps see. */
static void what_is_told_of_the_next_change_is_so(void **state)
{
    static const char *const rows[] = {"100ms:20,0s:3,50ms:3,150ms:40,100ms:0,0s:7,20ms:7,30ms:2",
                                       "0s:9,100ms:1,0s:9,100ms:1,0s:9,100ms:1", "300ms:33",
                                       "0s:0,200ms:0,100ms:25"};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ramp ramp = made(5, rows[i]);
        for (uint64_t rank = 0; rank < 45; rank++) {
            uint64_t next_ns = 0;
            bool wanted = false;
            for (uint64_t now_ns = 37; now_ns < 500 * NS_PER_MS; now_ns += 100 * NS_PER_US) {
                for (int hops = 0; now_ns >= next_ns; hops++) {
                    wanted = ramp_wants(&ramp, rank, next_ns, &next_ns);
                    assert_true(hops < 20);
                }
                uint64_t until_ns;
                if (ramp_wants(&ramp, rank, now_ns, &until_ns) != wanted) {
                    fail_msg("%s: rank %d at %d us", rows[i], (int)rank, (int)(now_ns / 1000));
                }
                assert_true(until_ns > now_ns);
            }
        }
    }
}

int main(void)
{
    struct suite suite = {.count = 0};
    suite_add(&suite, CASE(stages_are_read_in_their_order));
    suite_add(&suite, CASE(the_top_may_be_where_it_begins));
    suite_add(&suite, CASE(what_are_no_stages_is_refused));
    suite_add(&suite, CASE(there_are_64_stages_and_no_more));
    suite_add(&suite, CASE(a_level_rate_is_due_in_equal_steps));
    suite_add(&suite, CASE(a_growing_rate_is_due_by_the_area_below_its_line));
    suite_add(&suite, CASE(moments_are_right_to_the_nanosecond));
    suite_add(&suite, CASE(what_would_be_due_in_a_pause_is_due_at_its_end));
    suite_add(&suite, CASE(after_an_end_at_nothing_none_is_due));
    suite_add(&suite, CASE(moments_and_counts_agree));
    suite_add(&suite, CASE(as_many_are_wanted_as_the_line_is_high));
    suite_add(&suite, CASE(a_line_from_nothing_wants_nobody_yet));
    suite_add(&suite, CASE(what_is_told_of_the_next_change_is_so));
    return suite_run(&suite, "ramp");
}
