#include "lib/base/options.h"

#include "tests/unit/base/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    WORDS_MAX = 8
};

struct settings {
    const char *listen;
    const char *stack;
    const char *threads;
    bool quiet;
    int rounds;
};

static const char *take_listen(void *into, const char *argument)
{
    ((struct settings *)into)->listen = argument;
    return strcmp(argument, "nowhere") == 0 ? "has no port" : NULL;
}

static const char *take_stack(void *into, const char *argument)
{
    ((struct settings *)into)->stack = argument;
    return NULL;
}

static const char *take_threads(void *into, const char *argument)
{
    ((struct settings *)into)->threads = argument;
    return NULL;
}

static const char *take_quiet(void *into, const char *argument)
{
    ((struct settings *)into)->quiet = argument == NULL;
    return NULL;
}

static const char *take_round(void *into, const char *argument)
{
    (void)argument;
    return ++((struct settings *)into)->rounds > 2 ? "is too much" : NULL;
}

static const struct option_spec specs[] = {
    {'l', "listen", "ADDR",
     "where to accept connections: HOST:PORT, [V6]:PORT or unix:PATH; may be given again and then "
     "adds a listener (default 127.0.0.1:8080)",
     OPTION_BOTH, take_listen, "Listening"},
    {0, "stack", "SIZE", "stack of each thread", OPTION_SYNC, take_stack, "Threads"},
    {'t', "threads", "N", "event loops (default 1)", OPTION_ASYNC, take_threads, "Loops"},
    {'q', "quiet", NULL, "say nothing", OPTION_BOTH, take_quiet, "Messages"},
    {0, "round", NULL, "one round more", OPTION_BOTH, take_round, NULL},
    {0},
};

static const struct option_table async_table = {
    .program = "cristo-async-x",
    .sister = "cristo-sync-x",
    .me = OPTION_ASYNC,
    .usage = "[OPTION]... [DOCROOT]",
    .about = "Does what the test asks, without blocking; the paragraph is long enough to be wrapped"
             " once.",
    .version = "1.2.3",
    .specs = specs,
};

struct run {
    struct settings settings;
    enum options_outcome outcome;
    int operand;
    char *argv[WORDS_MAX + 2];
    char out[CAPTURE_TEXT];
    char err[CAPTURE_TEXT];
};

static void options_run(struct run *run, const struct option_table *table, const char *const *words)
{
    int argc = 1;
    *run = (struct run){.operand = -1};
    run->argv[0] = (char *)"program";
    for (; words[argc - 1] != NULL; argc++) {
        run->argv[argc] = (char *)words[argc - 1];
    }
    struct capture out = capture_begin(STDOUT_FILENO);
    struct capture err = capture_begin(STDERR_FILENO);
    run->outcome = options_read(table, argc, run->argv, &run->settings, &run->operand);
    capture_end(&err, run->err);
    capture_end(&out, run->out);
}

#define RUN(run, table, ...) \
    options_run((run), (table), (const char *const[WORDS_MAX + 1]){__VA_ARGS__})

static void letters_names_and_operands_are_read(void **state)
{
    (void)state;
    static struct run run;
    RUN(&run, &async_table, "one", "-l", "a:1", "--threads=4", "-q", "two");
    assert_int_equal(run.outcome, OPTIONS_RUN);
    assert_string_equal(run.settings.listen, "a:1");
    assert_string_equal(run.settings.threads, "4");
    assert_true(run.settings.quiet);
    assert_int_equal(run.operand, 5);
    assert_string_equal(run.argv[5], "one");
    assert_string_equal(run.argv[6], "two");
    assert_string_equal(run.out, "");
    assert_string_equal(run.err, "");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    static struct run run;
    RUN(&run, &async_table, "-q", "--", "-l");
    assert_int_equal(run.outcome, OPTIONS_RUN);
    assert_null(run.settings.listen);
    assert_string_equal(run.argv[run.operand], "-l");
}

static void unique_beginning_of_a_name_is_enough(void **state)
{
    (void)state;
    static struct run run;
    RUN(&run, &async_table, "--lis", "b:2");
    assert_int_equal(run.outcome, OPTIONS_RUN);
    assert_string_equal(run.settings.listen, "b:2");
}

static void command_line_can_be_read_again(void **state)
{
    (void)state;
    static struct run run;
    for (int i = 0; i < 2; i++) {
        RUN(&run, &async_table, "-l", "c:3", "rest");
        assert_int_equal(run.outcome, OPTIONS_RUN);
        assert_string_equal(run.settings.listen, "c:3");
        assert_int_equal(run.operand, 3);
    }
}

static void misuse_is_named_on_stderr(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX + 1];
        const char *message;
    } rows[] = {
        {{"--nothing"}, "--nothing: no such option"},
        {{"--nothing=3"}, "--nothing=3: no such option"},
        {{"-x"}, "-x: no such option"},
        {{"-qx"}, "-x: no such option"},
        {{"-l"}, "--listen needs an argument: ADDR"},
        {{"--listen"}, "--listen needs an argument: ADDR"},
        {{"--quiet=3"}, "--quiet takes no argument"},
        {{"--listen", "nowhere"}, "--listen: nowhere: has no port"},
        {{"-lnowhere"}, "--listen: nowhere: has no port"},
        {{"--round", "--round", "--round"}, "--round: is too much"},
        {{"--stack", "64k"}, "--stack is an option of cristo-sync-x"},
        {{"--stack=64k"}, "--stack is an option of cristo-sync-x"},
        {{"--stack"}, "--stack is an option of cristo-sync-x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct run run;
        char expected[256];
        options_run(&run, &async_table, rows[i].words);
        snprintf(expected, sizeof expected, "cristo-async-x: %s\nTry 'cristo-async-x --help'.\n",
                 rows[i].message);
        assert_int_equal(run.outcome, OPTIONS_MISUSE);
        assert_string_equal(run.err, expected);
        assert_string_equal(run.out, "");
        assert_null(run.settings.stack);
        assert_int_equal(run.operand, -1);
    }
}

static void sister_refuses_what_is_not_hers(void **state)
{
    (void)state;
    static struct run run;
    struct option_table table = async_table;
    table.program = "cristo-sync-x";
    table.sister = "cristo-async-x";
    table.me = OPTION_SYNC;
    RUN(&run, &table, "-t", "4");
    assert_int_equal(run.outcome, OPTIONS_MISUSE);
    assert_non_null(strstr(run.err, "cristo-sync-x: --threads is an option of cristo-async-x\n"));
    RUN(&run, &table, "--stack", "64k");
    assert_int_equal(run.outcome, OPTIONS_RUN);
    assert_string_equal(run.settings.stack, "64k");
}

static void version_goes_to_stdout(void **state)
{
    (void)state;
    static const char *const words[][WORDS_MAX + 1] = {{"--version"}, {"-V"}};
    for (size_t i = 0; i < 2; i++) {
        static struct run run;
        options_run(&run, &async_table, words[i]);
        assert_int_equal(run.outcome, OPTIONS_DONE);
        assert_string_equal(run.out, "cristo-async-x 1.2.3\n");
        assert_string_equal(run.err, "");
    }
}

static void help_shows_my_options_under_their_headings(void **state)
{
    (void)state;
    static const char expected[] =
        "Usage: cristo-async-x [OPTION]... [DOCROOT]\n"
        "\n"
        "Does what the test asks, without blocking; the paragraph is long enough to be\n"
        "wrapped once.\n"
        "\n"
        "Listening:\n"
        "  -l, --listen ADDR          where to accept connections: HOST:PORT, [V6]:PORT\n"
        "                             or unix:PATH; may be given again and then adds a\n"
        "                             listener (default 127.0.0.1:8080)\n"
        "\n"
        "Loops:\n"
        "  -t, --threads N            event loops (default 1)\n"
        "\n"
        "Messages:\n"
        "  -q, --quiet                say nothing\n"
        "      --round                one round more\n"
        "\n"
        "Other:\n"
        "  -h, --help                 print this page\n"
        "  -V, --version              print the version\n";
    static const char *const words[][WORDS_MAX + 1] = {{"--help"}, {"-h"}, {"-q", "-h", "-x"}};
    for (size_t i = 0; i < 3; i++) {
        static struct run run;
        options_run(&run, &async_table, words[i]);
        assert_int_equal(run.outcome, OPTIONS_DONE);
        assert_string_equal(run.out, expected);
        assert_string_equal(run.err, "");
    }
}

static void letters_of_the_table_come_before_the_common_ones(void **state)
{
    (void)state;
    static struct run run;
    static const struct option_spec own[] = {
        {'V', "listen", "ADDR", "as above", OPTION_BOTH, take_listen, NULL},
        {0},
    };
    struct option_table table = async_table;
    table.specs = own;
    RUN(&run, &table, "-V", "d:4");
    assert_int_equal(run.outcome, OPTIONS_RUN);
    assert_string_equal(run.settings.listen, "d:4");
    RUN(&run, &table, "--version");
    assert_int_equal(run.outcome, OPTIONS_DONE);
    RUN(&run, &table, "--help");
    assert_non_null(strstr(run.out, "\n      --version "));
}

/* One letter may mean one thing here and another there. */
static void letter_that_both_programs_use_is_read_as_mine(void **state)
{
    (void)state;
    static struct run run;
    static const struct option_spec both[] = {
        {'t', "stack", "SIZE", "hers", OPTION_SYNC, take_stack, NULL},
        {'t', "threads", "N", "mine", OPTION_ASYNC, take_threads, NULL},
        {0},
    };
    struct option_table table = async_table;
    table.specs = both;
    RUN(&run, &table, "-t", "2");
    assert_int_equal(run.outcome, OPTIONS_RUN);
    assert_string_equal(run.settings.threads, "2");
    assert_null(run.settings.stack);
}

static void misuse_of_operands_reads_alike(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    enum options_outcome outcome = options_misuse(&async_table, "%d URLs are too many", 7);
    capture_end(&capture, text);
    assert_int_equal(outcome, OPTIONS_MISUSE);
    assert_string_equal(text,
                        "cristo-async-x: 7 URLs are too many\nTry 'cristo-async-x --help'.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_names_and_operands_are_read),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(unique_beginning_of_a_name_is_enough),
        cmocka_unit_test(command_line_can_be_read_again),
        cmocka_unit_test(misuse_is_named_on_stderr),
        cmocka_unit_test(sister_refuses_what_is_not_hers),
        cmocka_unit_test(version_goes_to_stdout),
        cmocka_unit_test(help_shows_my_options_under_their_headings),
        cmocka_unit_test(letters_of_the_table_come_before_the_common_ones),
        cmocka_unit_test(letter_that_both_programs_use_is_read_as_mine),
        cmocka_unit_test(misuse_of_operands_reads_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
