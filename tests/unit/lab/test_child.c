#include "lab/child.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static uint64_t in_ms(uint64_t ms)
{
    return clock_monotonic_ns() + ms * NS_PER_MS;
}

static int start(struct child *child, const char *command, bool pipe)
{
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    return child_start(child, &(struct child_spec){argv, NULL, pipe});
}

static void lines_come_one_by_one(void **state)
{
    (void)state;
    struct child child;
    char line[CHILD_LINE];
    assert_int_equal(start(&child, "echo one; echo two", true), 0);
    assert_int_equal(child_read_line(&child, in_ms(10000), -1, line), CHILD_READY);
    assert_string_equal(line, "one");
    assert_int_equal(child_read_line(&child, in_ms(10000), -1, line), CHILD_READY);
    assert_string_equal(line, "two");
    assert_int_equal(child_read_line(&child, in_ms(10000), -1, line), CHILD_GONE);
    child_finish(&child);
}

static void silence_ends_with_the_deadline(void **state)
{
    (void)state;
    struct child child;
    char line[CHILD_LINE];
    assert_int_equal(start(&child, "exec sleep 60", true), 0);
    assert_int_equal(child_read_line(&child, in_ms(50), -1, line), CHILD_LATE);
    pid_t pid = child.pid;
    child_finish(&child);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void interrupt_ends_every_wait(void **state)
{
    (void)state;
    struct child child;
    char line[CHILD_LINE];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(start(&child, "exec sleep 60", true), 0);
    assert_int_equal(child_read_line(&child, in_ms(10000), ends[0], line), CHILD_INTERRUPTED);
    assert_int_equal(child_await(&child, in_ms(10000), ends[0]), CHILD_INTERRUPTED);
    child_finish(&child);
    close(ends[0]);
    close(ends[1]);
}

static void output_and_last_complaint_are_kept(void **state)
{
    (void)state;
    struct child child;
    struct child_end end;
    char line[CHILD_LINE];
    size_t size;
    assert_int_equal(
        start(&child, "printf abc; echo first >&2; printf 'l\\303\\244st\\n' >&2; exit 3", false),
        0);
    assert_int_equal(child_await(&child, in_ms(10000), -1), CHILD_READY);
    child_stop(&child, NS_PER_S, &end);
    assert_int_equal(end.status, 3);
    char *output = child_output(&child, &size);
    assert_string_equal(output, "abc");
    assert_int_equal(size, 3);
    assert_string_equal(child_complaint(&child, line), "l??st"); /* ASCII alone */
    free(output);
    child_finish(&child);
}

static void who_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    struct child child;
    struct child_end end;
    char line[CHILD_LINE];
    assert_int_equal(start(&child, "trap '' TERM; echo ready; while :; do sleep 1; done", true), 0);
    assert_int_equal(child_read_line(&child, in_ms(10000), -1, line), CHILD_READY);
    child_stop(&child, 50 * NS_PER_MS, &end);
    assert_int_equal(end.status, 128 + SIGKILL);
    child_finish(&child);
}

static void who_heeds_sigterm_ends_by_itself(void **state)
{
    (void)state;
    struct child child;
    struct child_end end;
    char line[CHILD_LINE];
    assert_int_equal(
        start(&child, "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done", true), 0);
    assert_int_equal(child_read_line(&child, in_ms(10000), -1, line), CHILD_READY);
    child_stop(&child, 30 * NS_PER_S, &end);
    assert_int_equal(end.status, 9);
    child_finish(&child);
}

static void missing_program_is_told_at_once(void **state)
{
    (void)state;
    struct child child = {0};
    const char *argv[] = {"/no/such/program", NULL};
    assert_int_equal(child_start(&child, &(struct child_spec){argv, NULL, true}), -ENOENT);
    child_stop(&child, NS_PER_S, NULL); /* both accept what was never started */
    child_finish(&child);
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

static void descriptors_are_given_back(void **state)
{
    (void)state;
    size_t before = count_descriptors();
    lines_come_one_by_one(NULL);
    output_and_last_complaint_are_kept(NULL);
    missing_program_is_told_at_once(NULL);
    assert_int_equal(count_descriptors(), before);
}

static void child_is_pinned(void **state)
{
    (void)state;
    static struct cores cores;
    struct child child;
    char line[CHILD_LINE], wanted[32];
    const char *argv[] = {"/bin/sh", "-c", "grep Cpus_allowed_list: /proc/self/status", NULL};
    assert_int_equal(cores_allowed(&cores), 0);
    cores.number[0] = cores.number[cores.count - 1];
    cores.count = 1;
    assert_int_equal(child_start(&child, &(struct child_spec){argv, &cores, true}), 0);
    assert_int_equal(child_read_line(&child, in_ms(10000), -1, line), CHILD_READY);
    snprintf(wanted, sizeof wanted, "Cpus_allowed_list:\t%u", cores.number[0]);
    assert_string_equal(line, wanted);
    child_finish(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one),
        cmocka_unit_test(silence_ends_with_the_deadline),
        cmocka_unit_test(interrupt_ends_every_wait),
        cmocka_unit_test(output_and_last_complaint_are_kept),
        cmocka_unit_test(who_ignores_sigterm_is_killed),
        cmocka_unit_test(who_heeds_sigterm_ends_by_itself),
        cmocka_unit_test(missing_program_is_told_at_once),
        cmocka_unit_test(descriptors_are_given_back),
        cmocka_unit_test(child_is_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
