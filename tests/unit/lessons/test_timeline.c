/* The marks are set at moments of the test's own; what is drawn of them is read as text. */
#include "lessons/timeline.h"

#include "lessons/book.h"
#include "lessons/stage.h"
#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t zero_ns;

static int begin(void **state)
{
    (void)state;
    stage_begin(1);
    zero_ns = clock_monotonic_ns() + NS_PER_S;
    return timeline_begin() ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    timeline_end();
    return 0;
}

static void mark(int row, enum mark what, double seconds)
{
    timeline_mark(row, what, zero_ns + (uint64_t)(seconds * 1e9));
}

/* A waits 2 s and runs 1, B waits 4 s and was kept waiting for half a second of them. */
static void write_two_rows(void)
{
    int first = timeline_row("A"), second = timeline_row("B");
    mark(first, MARK_WAITS, 0);
    mark(second, MARK_WAITS, 0);
    mark(first, MARK_RUNS, 2);
    mark(second, MARK_READY, 2.5);
    mark(first, MARK_ENDED, 3);
    mark(second, MARK_WAITS, 3);
    mark(second, MARK_ENDED, 4.5);
}

enum {
    TEXT_SIZE = 32 * 1024
};

static void draw(char *text, unsigned columns)
{
    FILE *to = fmemopen(text, TEXT_SIZE, "w");
    assert_non_null(to);
    timeline_draw(to, columns);
    fclose(to);
}

static void sum_and_longest_leave_out_who_was_kept_waiting(void **state)
{
    (void)state;
    write_two_rows();
    assert_true(timeline_close());
    struct sums sums = book_sums(book_open(), 0);
    assert_int_equal(sums.last_ns - sums.first_ns, 4500 * NS_PER_MS);
    assert_int_equal(sums.sum_ns, 7000 * NS_PER_MS);
    assert_int_equal(sums.longest_ns, 4000 * NS_PER_MS);
    assert_int_equal(sums.rows, 2);
}

static void every_column_shows_what_took_the_most_of_it(void **state)
{
    (void)state;
    write_two_rows();
    assert_true(timeline_close());
    char text[TEXT_SIZE] = "";
    draw(text, 13 + 45); /* a tenth of a second each */
    assert_non_null(strstr(text, "A            ────────────────────██████████\n"));
    assert_non_null(strstr(text, "B            ─────────────────────────░░░░░───────────────\n"));
    assert_non_null(
        strstr(text, "took 4.50 s; in turn it would be 7.00 s, the longest alone 4.00"));
}

static void moment_is_seen_however_short(void **state)
{
    (void)state;
    int row = timeline_row("A");
    mark(row, MARK_WAITS, 0);
    mark(row, MARK_RUNS, 2.5);
    mark(row, MARK_WAITS, 2.500001);
    mark(row, MARK_ENDED, 4);
    assert_true(timeline_close());
    char text[TEXT_SIZE] = "";
    draw(text, 13 + 40);
    assert_non_null(strstr(text, "─────────────────────────│──────────────\n"));
}

static void legend_names_what_is_seen_and_nothing_else(void **state)
{
    (void)state;
    write_two_rows();
    assert_true(timeline_close());
    char text[TEXT_SIZE] = "";
    draw(text, 80);
    assert_non_null(strstr(text, "░ kept waiting  █ runs  ─ waits\n"));
    assert_null(strstr(text, "blocks"));
    assert_null(strstr(text, "not started"));
}

static void scenes_are_drawn_apart(void **state)
{
    (void)state;
    timeline_scene("first");
    write_two_rows();
    timeline_scene("second");
    int row = timeline_row("C");
    mark(row, MARK_BLOCKS, 10);
    mark(row, MARK_ENDED, 11);
    assert_true(timeline_close());
    char text[TEXT_SIZE] = "";
    draw(text, 80);
    const char *first = strstr(text, "first\nA "), *second = strstr(text, "second\nC ");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    assert_non_null(strstr(second, "took 1.00 s"));
}

static void zoom_draws_the_beginning(void **state)
{
    (void)state;
    write_two_rows();
    timeline_zoom(2);
    assert_true(timeline_close());
    char text[TEXT_SIZE] = "";
    draw(text, 13 + 40);
    assert_non_null(strstr(text, "A            ────────────────────────────────────────\n"));
    assert_non_null(strstr(text, "took 4.50 s"));
}

static void more_rows_than_fit_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        int row = timeline_row("A");
        mark(row, MARK_RUNS, 0);
        mark(row, MARK_ENDED, 1);
    }
    assert_true(timeline_close());
    char text[TEXT_SIZE] = "";
    draw(text, 80);
    assert_non_null(strstr(text, "(and 2 more)"));
}

static void row_without_an_end_lasts_as_long_as_its_scene(void **state)
{
    (void)state;
    int row = timeline_row("A");
    timeline_mark(row, MARK_WAITS, clock_monotonic_ns());
    assert_true(timeline_close());
    assert_int_equal(book_open()->spans, 1);
    assert_true(book_open()->span[0].to_ns >= book_open()->span[0].from_ns);
    assert_int_equal(book_open()->span[0].mark, MARK_WAITS);
}

static void marks_without_a_row_are_none(void **state)
{
    (void)state;
    mark(-1, MARK_RUNS, 0);
    assert_true(timeline_close());
    assert_int_equal(book_open()->entries, 0);
    char text[TEXT_SIZE] = "";
    draw(text, 80);
    assert_string_equal(text, "");
}

static void forked_process_writes_into_the_same_book(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        int row = timeline_row("child");
        mark(row, MARK_RUNS, 1);
        mark(row, MARK_ENDED, 2);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(timeline_close());
    assert_int_equal(book_open()->rows, 1);
    assert_string_equal(book_open()->row[0].name, "child");
    assert_int_equal(book_open()->spans, 1);
}

static void full_book_takes_no_more(void **state)
{
    (void)state;
    int last = 0;
    for (int i = 0; i <= BOOK_ROWS; i++) {
        last = timeline_row("A");
    }
    assert_int_equal(last, -1);
    for (int i = 0; i <= BOOK_ENTRIES; i++) {
        mark(0, MARK_RUNS, i * 1e-6);
    }
    assert_true(timeline_close());
    assert_int_equal(book_open()->rows, BOOK_ROWS);
    assert_int_equal(book_open()->entries, BOOK_ENTRIES);
}

static void events_are_json_whatever_was_said(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    int row = timeline_row("A");
    timeline_say(row, zero_ns, "a \"quoted\" \\ and a\nline");
    assert_true(timeline_close());
    FILE *to = open_memstream(&text, &size);
    assert_true(timeline_write_events(to));
    fclose(to);
    assert_non_null(strstr(text, "\"task\":\"A\",\"event\":\"says\","
                                 "\"text\":\"a \\\"quoted\\\" \\\\ and a\\u000aline\"}\n"));
    free(text);
}

static void picture_escapes_what_was_named(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    int row = timeline_row("<A> & \"B\"");
    mark(row, MARK_RUNS, 0);
    mark(row, MARK_ENDED, 1);
    assert_true(timeline_close());
    FILE *to = open_memstream(&text, &size);
    assert_true(timeline_write_svg(to, "1 < 2"));
    fclose(to);
    assert_non_null(strstr(text, ">&lt;A&gt; &amp; &quot;B&quot;</text>"));
    assert_non_null(strstr(text, ">1 &lt; 2</text>"));
    free(text);
}

/* --- axes ------------------------------------------------------------------------------------- */

struct axis {
    double seconds, step;
    const char *second_tick;
};

static void steps_of_an_axis_are_round(void **state)
{
    (void)state;
    static const struct axis rows[] = {
        {4, 1, "1 s"},    {1, 0.2, "0.2 s"},    {0.03, 0.005, "0.005 s"}, {9, 2, "2 s"},
        {90, 20, "20 s"}, {1000, 200, "200 s"}, {3600, 600, "0:10 h"},    {43200, 7200, "2:00 h"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char label[32];
        double step = book_step(rows[i].seconds, 6);
        assert_true(step > rows[i].step * 0.999 && step < rows[i].step * 1.001);
        book_label(label, sizeof(label), step, step);
        assert_string_equal(label, rows[i].second_tick);
    }
}

int main(void)
{
    struct suite suite = {0};
    suite_add(&suite, CASE(sum_and_longest_leave_out_who_was_kept_waiting));
    suite_add(&suite, CASE(every_column_shows_what_took_the_most_of_it));
    suite_add(&suite, CASE(moment_is_seen_however_short));
    suite_add(&suite, CASE(legend_names_what_is_seen_and_nothing_else));
    suite_add(&suite, CASE(scenes_are_drawn_apart));
    suite_add(&suite, CASE(zoom_draws_the_beginning));
    suite_add(&suite, CASE(more_rows_than_fit_are_counted));
    suite_add(&suite, CASE(row_without_an_end_lasts_as_long_as_its_scene));
    suite_add(&suite, CASE(marks_without_a_row_are_none));
    suite_add(&suite, CASE(forked_process_writes_into_the_same_book));
    suite_add(&suite, CASE(full_book_takes_no_more));
    suite_add(&suite, CASE(events_are_json_whatever_was_said));
    suite_add(&suite, CASE(picture_escapes_what_was_named));
    suite_add(&suite, CASE(steps_of_an_axis_are_round));
    suite_frame(&suite, begin, end);
    return suite_run(&suite, "lessons/timeline");
}
