#include "lab/sample.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static void stat_is_read_behind_the_name(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "42 (server) S 1 42 42 0 -1 4194304 100 0 0 0 17 23 0 0 20 0 65 0 9 1 2 3\n",
        "42 (a) b (c d) e) S 1 42 42 0 -1 4194304 100 0 0 0 17 23 0 0 20 0 65 0 9 1 2 3\n",
        "42 (1 2 3 4 5 6 7 8 9 10 11 12) S 1 42 42 0 -1 4194304 100 0 0 0 17 23 0 0 20 0 65\n",
    };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct sample_stat stat;
        assert_true(sample_read_stat(texts[i], &stat));
        assert_int_equal(stat.user_ticks, 17);
        assert_int_equal(stat.system_ticks, 23);
        assert_int_equal(stat.threads, 65);
    }
}

static void stat_cut_short_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "42", "42 (server", "42 (server) S 1 42 42 0 -1 41"};
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct sample_stat stat;
        assert_false(sample_read_stat(texts[i], &stat));
    }
}

static void field_is_found_at_the_beginning_of_a_line(void **state)
{
    (void)state;
    static const char text[] = "Name:\tx\nnonvoluntary_ctxt_switches:\t7\n"
                               "voluntary_ctxt_switches:\t 12\nRss:   4 kB\nOdd:\nLast:";
    uint64_t number = 99;
    assert_true(sample_read_field(text, "voluntary_ctxt_switches", &number));
    assert_int_equal(number, 12);
    assert_true(sample_read_field(text, "Rss", &number));
    assert_int_equal(number, 4);
    number = 99;
    assert_false(sample_read_field(text, "Rs", &number));
    assert_false(sample_read_field(text, "Last", &number));
    assert_false(sample_read_field(text, "Name", &number));
    assert_false(sample_read_field("", "Rss", &number));
    assert_int_equal(number, 99);
}

/* The kernel's numbers for this very process, held against what is known of it. */
static void own_process_is_sampled(void **state)
{
    (void)state;
    struct sampler sampler;
    struct sample_stat stat;
    struct sample_switches switches;
    uint64_t before, after;

    assert_int_equal(sampler_open(&sampler, getpid()), 0);
    assert_true(sampler_cpu(&sampler, &before));
    volatile unsigned sum = 0;
    for (int i = 0; i < 3000000; i++) {
        sum = sum + (unsigned)i;
    }
    assert_true(sampler_cpu(&sampler, &after));
    assert_true(after > before);

    char *block = malloc(16 << 20);
    assert_non_null(block);
    memset(block, 1, 16 << 20);
    assert_true(sampler_stat(&sampler, &stat));
    assert_int_equal(sampler.threads_max, 1);
    assert_true(sampler_weigh(&sampler));
    assert_true(sampler.memory.anonymous_bytes >= 16 << 20);
    assert_true(sampler.memory.rss_bytes >= sampler.memory.anonymous_bytes);
    assert_true(sampler_switches(&sampler, &switches));
    assert_int_equal(switches.threads, 1);
    assert_true(sampler.cost_ns > 0);
    free(block);
    sampler_close(&sampler);
}

static pid_t begin_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pause();
        _exit(0);
    }
    return child;
}

/* A parent that only watches does no work; one of several children is not the one who does. */
static void only_child_is_the_worker(void **state)
{
    (void)state;
    assert_int_equal(sample_worker(getpid()), getpid());
    pid_t only = begin_child();
    assert_int_equal(sample_worker(getpid()), only);
    pid_t other = begin_child();
    assert_int_equal(sample_worker(getpid()), getpid());
    assert_int_equal(sample_worker(0x7ffffffe), 0x7ffffffe);
    kill(only, SIGKILL);
    kill(other, SIGKILL);
    assert_int_equal(waitpid(only, NULL, 0), only);
    assert_int_equal(waitpid(other, NULL, 0), other);
}

static void process_that_is_none_is_refused(void **state)
{
    (void)state;
    struct sampler sampler;
    struct sample_switches switches;
    uint64_t cpu;
    assert_true(sampler_open(&sampler, 0x7ffffffe) < 0);
    assert_false(sampler_cpu(&sampler, &cpu));
    assert_false(sampler_weigh(&sampler));
    assert_false(sampler_switches(&sampler, &switches));
    sampler_close(&sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_is_read_behind_the_name),
        cmocka_unit_test(stat_cut_short_is_refused),
        cmocka_unit_test(field_is_found_at_the_beginning_of_a_line),
        cmocka_unit_test(own_process_is_sampled),
        cmocka_unit_test(only_child_is_the_worker),
        cmocka_unit_test(process_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
