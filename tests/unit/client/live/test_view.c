/* The live view of snapshots: what stands where, at any size. */
#include "client/live/view.h"

#include "client/live/view_parts.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "tests/support/suite.h"
#include "tests/unit/client/live/picture.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPANS = 40
};

static const struct origin origin = {.tcp = true};
static const struct target targets[] = {{"http://h/1", &origin, {0}}, {"http://h/2", &origin, {0}}};

static struct plan plan;
static struct counts steps[SPANS];
static struct span spans[SPANS];
static struct counts all;
static struct snapshot snapshot;

static void count(struct counts *counts, size_t requests, enum failure failure, uint64_t latency_ns)
{
    static struct pulse pulse;
    memset(&pulse, 0, sizeof pulse);
    for (size_t i = 0; i < requests; i++) {
        pulse_count(&pulse, failure, latency_ns);
    }
    counts_look(counts, &pulse, 1);
}

/* Four of ten seconds: 1,000 requests a second, of which one in a hundred takes 100 ms instead of
 * 1; in the last second half of them fail. */
static int begin(void **state)
{
    picture_begin(state);
    memset(steps, 0, sizeof steps);
    memset(&all, 0, sizeof all);
    for (size_t i = 0; i < SPANS; i++) {
        bool fails = i >= 30;
        count(&steps[i], fails ? 45 : 98, FAILURE_NONE, NS_PER_MS);
        count(&steps[i], fails ? 5 : 2, FAILURE_NONE, 100 * NS_PER_MS);
        count(&steps[i], fails ? 50 : 0, FAILURE_TIMEOUT, 0);
        counts_add(&all, &steps[i]);
        spans[i] = (struct span){i * 100 * NS_PER_MS, (i + 1) * 100 * NS_PER_MS, &steps[i]};
    }
    plan = (struct plan){
        .targets = targets,
        .target_count = 1,
        .method_text = "GET",
        .connections = 64,
        .threads = 2,
        .duration_ns = 10 * NS_PER_S,
    };
    snapshot = (struct snapshot){
        .program = "cristo-async-client",
        .model = "async",
        .plan = &plan,
        .elapsed_ns = 4 * NS_PER_S,
        .left_ns = 6 * NS_PER_S,
        .open = 60,
        .wanted = 64,
        .flying = 58,
        .all = &all,
        .recent = spans[SPANS - 1],
        .spans = spans,
        .span_count = SPANS,
    };
    return 0;
}

static void draw(int rows, int cols)
{
    assert_true(canvas_begin(&picture, rows, cols));
    view_draw(&picture, &snapshot);
}

static void assert_row(int row, const char *expected)
{
    assert_string_equal(picture_row(row), expected);
}

static bool stands_in(int row, const char *text)
{
    return strstr(picture_row(row), text) != NULL;
}

/* The row that has this text, or -1. */
static int row_of(const char *text)
{
    for (int row = 0; row < picture.rows; row++) {
        if (stands_in(row, text)) {
            return row;
        }
    }
    return -1;
}

static void a_small_terminal_has_it_all(void **state)
{
    (void)state;
    picture.colours = false;
    draw(20, 66);
    assert_row(0, " cristo-async-client  http://h/1                 q or Ctrl-C ends");
    assert_row(1, " async  60 of 64 connections open  58 in flight  2 event loops");
    assert_row(2, " 4,000 done ███████████████░░░░░░░░░░░░░░░░░░░░░░░  40 %, 6s left");
    assert_row(3, " requests/s 500  p50 1.00ms  p99 100ms  errors 500");
    assert_row(4, " requests/s over time  █ ok  ░ failed");
    assert_row(5, "   1,000 █████████████████░░░░░░");
    assert_row(6, "         █████████████████▄▄▄▄▄▄");
    assert_row(7, "       0 ███████████████████████");
    assert_row(8, " latency over time  █ p50  ░ p99  log scale");
    assert_row(9, "   100ms ░░░░░░░░░░░░░░░░░░░░░░░");
    assert_row(10, "         ░░░░░░░░░░░░░░░░░░░░░░░");
    assert_row(11, "         ░░░░░░░░░░░░░░░░░░░░░░░");
    assert_row(12, "         ░░░░░░░░░░░░░░░░░░░░░░░");
    assert_row(13, "   500us ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅");
    assert_row(14, "         0s                          5s                       10s");
    assert_row(15, " latencies so far  p50 1.00ms  p99 100ms    errors by kind");
    assert_row(16, " █                                                500 timeout");
    assert_row(17, " █");
    assert_row(18, " █                                      ▁");
    assert_row(19, " 1ms                 10ms           100ms");
}

static void all_figures_are_large_where_there_is_room(void **state)
{
    (void)state;
    draw(24, 80);
    int row = row_of("requests/s  ");
    assert_true(row > 0 && stands_in(row, "p50") && stands_in(row, "p99"));
    assert_true(stands_in(row + 1, " █▀▀ █▀█ █▀█ ")); /* 500 */
    assert_true(stands_in(row + 3, " ms"));
    picture.fine = false; /* ASCII has no halves of cells */
    draw(24, 80);
    assert_true(row_of("requests/s 500  p50 1.00ms  p99 100ms  errors 500") > 0);
}

static void numbers_that_are_too_wide_are_shortened(void **state)
{
    static struct counts many;
    (void)state;
    memset(&many, 0, sizeof many);
    many.ok = many.latencies[100] = 400000000;
    many.low = 100;
    many.high = 101;
    snapshot.all = &many;
    many.failed = many.failures[FAILURE_RESET] = 1234567;
    snapshot.recent = (struct span){0, 100 * NS_PER_S, &many};
    draw(24, 80);
    int row = row_of("requests/s  ");
    assert_true(stands_in(row + 3, " M"));       /* of 1.23M errors */
    assert_false(stands_in(row + 3, "4,000,0")); /* requests a second: 4M */
    assert_true(row_of("1,234,567 reset") > 0);
}

/* From nothing to more than any wall shows: all that is drawn lies on the canvas (the sanitizers
 * would tell), and is one character in each cell. */
static void any_size_will_do(void **state)
{
    (void)state;
    for (int rows = 1; rows <= 70; rows++) {
        for (int cols = 1; cols <= 250; cols += rows < 30 ? 1 : 7) {
            draw(rows, cols);
            bool small = rows < VIEW_ROWS || cols < VIEW_COLS;
            const char *first = picture_row(0);
            assert_int_equal(strncmp(first, "too small", strlen(first)) == 0, small);
        }
    }
    draw(200, 1000);
    assert_true(row_of("errors by kind") > 0);
}

static void a_run_that_has_not_begun_has_no_figures(void **state)
{
    static const struct counts none;
    (void)state;
    snapshot.all = &none;
    snapshot.recent = (struct span){0, 0, &none};
    snapshot.span_count = 0;
    snapshot.elapsed_ns = 0;
    snapshot.left_ns = CLOCK_NEVER;
    for (int rows = 10; rows <= 40; rows += 6) {
        draw(rows, 90);
        assert_true(stands_in(2, " 0 done"));
        assert_false(stands_in(2, "left"));
        assert_int_equal(row_of("nan"), -1);
        assert_int_equal(row_of("inf"), -1);
    }
}

static void a_warm_up_says_so(void **state)
{
    static const struct counts none;
    (void)state;
    snapshot.warming = true;
    snapshot.all = &none;
    snapshot.recent = (struct span){0, 0, &none};
    snapshot.span_count = 0;
    snapshot.elapsed_ns = NS_PER_S;
    snapshot.left_ns = 3 * NS_PER_S;
    draw(24, 80);
    assert_true(stands_in(2, " warming up "));
    assert_true(stands_in(2, " 25 %, 3s left"));
    assert_int_equal(row_of("done"), -1);
}

static void requests_are_told_of_how_many(void **state)
{
    (void)state;
    plan.requests = 20000;
    plan.target_count = 2;
    plan.method_text = "POST";
    draw(24, 80);
    assert_true(stands_in(0, "POST http://h/1 and 1 more"));
    assert_true(stands_in(2, " 4,000 of 20,000 done "));
}

static void how_it_waits_and_sends_is_told(void **state)
{
    (void)state;
    snapshot.one_thread_each = true;
    draw(24, 80);
    assert_true(stands_in(1, "in flight  a thread each"));
    plan.rate = 5000;
    draw(24, 80);
    assert_true(stands_in(1, "in flight  5,000/s by the clock"));
    plan.ramp.count = 1;
    draw(24, 80);
    assert_true(stands_in(1, "in flight  by the clock, in stages"));
}

/* A byte of a URL that a terminal would obey stays a question mark. */
static void a_url_commands_nothing(void **state)
{
    static const struct target target = {"http://h/\x1b[2J", &origin, {0}};
    (void)state;
    plan.targets = &target;
    draw(24, 80);
    assert_true(stands_in(0, "http://h/?[2J"));
}

/* The curve lies where its time is: of ten seconds four are filled, and of sixty fewer. */
static void time_goes_from_left_to_right(void **state)
{
    (void)state;
    plan.duration_ns = 0;
    snapshot.elapsed_ns = 4 * NS_PER_S;
    draw(24, 110);
    int row = row_of("requests/s over time") + 3;
    const char *ten = strdup(picture_row(row));
    snapshot.elapsed_ns = 50 * NS_PER_S; /* as if it had been quiet since */
    draw(24, 110);
    assert_true(row_of("60s") > 0);
    assert_true(strlen(ten) > 2 * strlen(picture_row(row)));
    free((void *)ten);
    plan.duration_ns = 55 * NS_PER_S;
    draw(24, 110);
    assert_true(row_of("55s") > 0);
}

/* Steps that share a column are added up: a short stall is not averaged away. */
static void a_short_stall_is_seen(void **state)
{
    (void)state;
    counts_clear(&steps[20]);
    count(&steps[20], 100, FAILURE_NONE, NS_PER_S);
    picture.colours = false;
    draw(20, 60); /* 50 columns for 100 steps */
    int row = row_of("latency over time") + 1;
    assert_string_equal(picture_row(row), "      1s           ░");
}

static const struct mark_row {
    const char *name;
    uint64_t ns;
    const char *text;
} marks[] = {
    {"10_ms", 10 * NS_PER_MS, "10ms"},
    {"100_us", 100 * NS_PER_US, "100us"},
    {"1_s", NS_PER_S, "1s"},
    {"2_5_s", 2500 * NS_PER_MS, "2.5s"},
    {"1_58_ms", 1580 * NS_PER_US, "1.58ms"},
    {"5_ns", 5, "5ns"},
};

static void is_marked_on_a_scale(void **state)
{
    const struct mark_row *row = *state;
    char text[UNITS_TEXT];
    assert_string_equal(view_write_mark(text, row->ns), row->text);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_small_terminal_has_it_all));
    suite_add(&suite, CASE(all_figures_are_large_where_there_is_room));
    suite_add(&suite, CASE(numbers_that_are_too_wide_are_shortened));
    suite_add(&suite, CASE(any_size_will_do));
    suite_add(&suite, CASE(a_run_that_has_not_begun_has_no_figures));
    suite_add(&suite, CASE(a_warm_up_says_so));
    suite_add(&suite, CASE(requests_are_told_of_how_many));
    suite_add(&suite, CASE(how_it_waits_and_sends_is_told));
    suite_add(&suite, CASE(a_url_commands_nothing));
    suite_add(&suite, CASE(time_goes_from_left_to_right));
    suite_add(&suite, CASE(a_short_stall_is_seen));
    suite_add_rows(&suite, is_marked_on_a_scale, ROWS(marks));
    suite_frame(&suite, begin, picture_end);
    return suite_run(&suite, "client/live/view");
}
