/* The servers' command line. */
#include "server/options.h"

#include "lib/base/clock.h"
#include "server/serve.h"
#include "tests/support/suite.h"
#include "tests/unit/base/capture.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORDS_MAX = 20
};

static const struct serve_model sync_model = {
    .program = "cristo-sync-server",
    .sister = "cristo-async-server",
    .owner = OPTION_SYNC,
    .address = "127.0.0.1:8080",
};

static const struct serve_model async_model = {
    .program = "cristo-async-server",
    .sister = "cristo-sync-server",
    .owner = OPTION_ASYNC,
    .address = "127.0.0.1:8081",
};

static struct server_options options;
static char out[CAPTURE_TEXT], err[CAPTURE_TEXT];

static enum options_outcome read_words(const struct serve_model *model, const char *const *words)
{
    char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t)model->program};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    struct capture of_out = capture_begin(STDOUT_FILENO);
    struct capture of_err = capture_begin(STDERR_FILENO);
    enum options_outcome outcome = server_options_read(&options, model, argc, argv);
    capture_end(&of_err, err);
    capture_end(&of_out, out);
    return outcome;
}

/* NULL stands behind the last of the words. */
#define READ(...) READ_WORDS(__VA_ARGS__, NULL)
#define READ_WORDS(model, ...) read_words((model), (const char *const[WORDS_MAX + 2]){__VA_ARGS__})

static char *listened_on(unsigned i)
{
    static char text[ADDRESS_TEXT];
    return address_write(text, &options.listen[i].address);
}

/* design.md 2 and --help */
static void defaults_are_those_that_help_names(void **state)
{
    (void)state;
    assert_int_equal(READ(&sync_model), OPTIONS_RUN);
    assert_null(options.docroot);
    assert_int_equal(options.listen_count, 1);
    assert_string_equal(listened_on(0), "127.0.0.1:8080");
    assert_int_equal(options.trust_ns, NS_PER_S);
    assert_false(options.dotfiles);
    assert_false(options.delays);
    assert_int_equal(options.compute, 0);
    assert_int_equal(options.offload, 0);
    assert_int_equal(options.loops, 1);
    assert_int_equal(options.file_threads, 4);
    assert_int_equal(options.seed, 1);
    assert_int_equal(options.stack, 64 * 1024);
    assert_int_equal(options.limits.connections, 0);
    assert_int_equal(options.limits.requests, 0);
    assert_int_equal(options.limits.request.head, 16 * 1024);
    assert_int_equal(options.limits.request.fields, 100);
    assert_int_equal(options.limits.body, 1024 * 1024);
    assert_int_equal(options.timeouts.head_ns, 10 * NS_PER_S);
    assert_int_equal(options.timeouts.idle_ns, 60 * NS_PER_S);
    assert_int_equal(options.timeouts.send_ns, 30 * NS_PER_S);
    assert_int_equal(options.timeouts.drain_ns, 10 * NS_PER_S);
    assert_int_equal(READ(&async_model), OPTIONS_RUN);
    assert_string_equal(listened_on(0), "127.0.0.1:8081");
    assert_string_equal(err, "");
}

static void each_option_says_what_it_is_about(void **state)
{
    (void)state;
    assert_int_equal(READ(&async_model, "--listen", "127.0.0.1:1", "-l", "[::1]:2", "--fallback",
                          "/a/b", "--revalidate", "250ms", "--dotfiles", "folder"),
                     OPTIONS_RUN);
    assert_int_equal(options.listen_count, 2);
    assert_string_equal(listened_on(0), "127.0.0.1:1");
    assert_string_equal(listened_on(1), "[::1]:2");
    assert_string_equal(options.fallback, "a/b");
    assert_int_equal(options.trust_ns, 250 * NS_PER_MS);
    assert_true(options.dotfiles);
    assert_string_equal(options.docroot, "folder");

    assert_int_equal(READ(&async_model, "-t", "3", "--file-threads=7", "--offload", "2",
                          "--max-connections", "5k", "--max-requests", "6", "--max-head", "2k",
                          "--max-fields", "8", "--max-body", "9"),
                     OPTIONS_RUN);
    assert_int_equal(options.loops, 3);
    assert_int_equal(options.file_threads, 7);
    assert_int_equal(options.offload, 2);
    assert_int_equal(options.limits.connections, 5000);
    assert_int_equal(options.limits.requests, 6);
    assert_int_equal(options.limits.request.head, 2048);
    assert_true(options.limits.request.target < 2048);
    assert_int_equal(options.limits.request.fields, 8);
    assert_int_equal(options.limits.body, 9);

    assert_int_equal(READ(&sync_model, "--delay", "1s-3s", "--seed", "4", "--compute", "20",
                          "--header-timeout", "5s", "--idle-timeout", "6s", "--send-timeout", "7s",
                          "--drain-timeout", "8s", "--stack", "128k", "--no-fallback"),
                     OPTIONS_RUN);
    assert_true(options.delays);
    assert_int_equal(options.delay_low_ns, NS_PER_S);
    assert_int_equal(options.delay_high_ns, 3 * NS_PER_S);
    assert_int_equal(options.seed, 4);
    assert_int_equal(options.compute, 20);
    assert_int_equal(options.timeouts.head_ns, 5 * NS_PER_S);
    assert_int_equal(options.timeouts.idle_ns, 6 * NS_PER_S);
    assert_int_equal(options.timeouts.send_ns, 7 * NS_PER_S);
    assert_int_equal(options.timeouts.drain_ns, 8 * NS_PER_S);
    assert_int_equal(options.stack, 128 * 1024);
    assert_true(options.no_fallback);
}

static void fields_for_replies_are_kept_as_whole_lines(void **state)
{
    (void)state;
    assert_int_equal(READ(&sync_model, "--response-header", "A: b", "--response-header=C:\td e",
                          "--cache-control", "max-age=60"),
                     OPTIONS_RUN);
    assert_bytes(((struct bytes){options.fields, options.fields_len}), BYTES("A: b\r\nC: d e\r\n"));
    assert_string_equal(options.cache_control, "max-age=60");
}

static char long_value[FIELDS_MAX + 10];

/* Each of these ends with a message that names the option, and nothing is begun. */
struct misuse_row {
    const char *name;
    const struct serve_model *model;
    const char *words[4];
    const char *says;
};

static const struct misuse_row misuse_rows[] = {
    {"address_without_a_port", &sync_model, {"-l", "localhost"}, "--listen: localhost: "},
    {"port_beyond_all", &sync_model, {"-l", "127.0.0.1:65536"}, "--listen: "},
    {"two_docroots", &sync_model, {"a", "b"}, "b: one DOCROOT"},
    {"fallback_and_none", &sync_model, {"--fallback", "a", "--no-fallback"}, "--no-fallback"},
    {"empty_fallback", &sync_model, {"--fallback", "/"}, "--fallback: /: "},
    {"no_duration", &sync_model, {"--revalidate", "soon"}, "--revalidate: soon: "},
    {"negative_duration", &sync_model, {"--idle-timeout", "-1s"}, "--idle-timeout: -1s: "},
    {"span_backwards", &sync_model, {"--delay", "3s-1s"}, "--delay: 3s-1s: "},
    {"no_seed", &sync_model, {"--seed", "x"}, "--seed: x: "},
    {"computation_beyond_patience", &sync_model, {"--compute", "61"}, "--compute: 61: "},
    {"no_loop", &async_model, {"-t", "0"}, "--threads: 0: "},
    {"too_many_loops", &async_model, {"-t", "257"}, "--threads: 257: "},
    {"no_helper_for_files", &async_model, {"--file-threads", "0"}, "--file-threads: 0: "},
    {"small_stack", &sync_model, {"--stack", "1k"}, "--stack: 1k: "},
    {"small_head", &sync_model, {"--max-head", "100"}, "--max-head: 100: "},
    {"large_head", &sync_model, {"--max-head", "2M"}, "--max-head: 2M: "},
    {"no_fields", &sync_model, {"--max-fields", "0"}, "--max-fields: 0: "},
    {"no_size", &sync_model, {"--max-body", "much"}, "--max-body: much: "},
    {"no_field", &sync_model, {"--response-header", "A b"}, "--response-header: A b: "},
    {"field_with_a_space", &sync_model, {"--response-header", "A : b"}, "--response-header: "},
    {"field_of_two_lines", &sync_model, {"--response-header", "A: b\r\nC: d"}, "--response-header"},
    {"field_that_frames", &sync_model, {"--response-header", "content-length: 1"}, "itself"},
    {"field_that_is_ours", &sync_model, {"--response-header", "Connection: close"}, "itself"},
    {"fields_too_long", &sync_model, {"--response-header", long_value}, "1,000"},
    {"cache_control_of_two_lines", &sync_model, {"--cache-control", "a\nb"}, "--cache-control"},
    {"cache_control_too_long", &sync_model, {"--cache-control", long_value}, "--cache-control"},
    {"loops_of_the_other_model", &sync_model, {"-t", "2"}, "cristo-async-server"},
    {"offload_of_the_other_model", &sync_model, {"--offload", "2"}, "cristo-async-server"},
    {"files_of_the_other_model", &sync_model, {"--file-threads", "2"}, "cristo-async-server"},
    {"stack_of_the_other_model", &async_model, {"--stack", "64k"}, "cristo-sync-server"},
    {"unknown_option", &async_model, {"--fast"}, "--fast"},
};

static void misuse_row(void **state)
{
    const struct misuse_row *row = *state;
    memset(long_value, 'x', sizeof(long_value) - 1);
    memcpy(long_value, "A: ", 3);
    assert_int_equal(read_words(row->model, row->words), OPTIONS_MISUSE);
    assert_string_equal(out, "");
    assert_memory_equal(err, row->model->program, strlen(row->model->program));
    if (strstr(err, row->says) == NULL) {
        print_error("%s", err);
        fail();
    }
}

/* A connection without any time would end before it could say a word. */
static void waiting_for_nothing_is_misuse(void **state)
{
    (void)state;
    static const char *const names[] = {"--header-timeout", "--idle-timeout", "--send-timeout"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(READ(&sync_model, names[i], "0"), OPTIONS_MISUSE);
        assert_non_null(strstr(err, names[i]));
        assert_int_equal(READ(&sync_model, names[i], "1ms"), OPTIONS_RUN);
    }
    assert_int_equal(READ(&sync_model, "--drain-timeout", "0", "--revalidate", "0"), OPTIONS_RUN);
    assert_int_equal(options.timeouts.drain_ns, 0);
    assert_int_equal(options.trust_ns, 0);
}

static void sixteen_addresses_are_listened_on_and_no_more(void **state)
{
    (void)state;
    char *argv[2 * LISTENERS_MAX + 4] = {(char *)(uintptr_t) "x"};
    for (int more = 0; more < 2; more++) {
        int argc = 1;
        for (int i = 0; i < LISTENERS_MAX + more; i++) {
            argv[argc++] = (char *)(uintptr_t) "-l";
            argv[argc++] = (char *)(uintptr_t) "127.0.0.1:0";
        }
        argv[argc] = NULL;
        struct capture of_err = capture_begin(STDERR_FILENO);
        enum options_outcome outcome = server_options_read(&options, &sync_model, argc, argv);
        capture_end(&of_err, err);
        assert_int_equal(outcome, more ? OPTIONS_MISUSE : OPTIONS_RUN);
        assert_int_equal(options.listen_count, LISTENERS_MAX);
    }
}

/* What a person reads to find out names every option that there is, and the values it begins with.
 */
static void help_names_the_defaults(void **state)
{
    (void)state;
    static const char *const both[] = {
        "--listen",          "--fallback",        "--no-fallback",  "--revalidate",    "--dotfiles",
        "--cache-control",   "--response-header", "--delay",        "--seed",          "--compute",
        "--max-connections", "--max-requests",    "--max-head",     "--max-fields",    "--max-body",
        "--header-timeout",  "--idle-timeout",    "--send-timeout", "--drain-timeout", "DOCROOT",
        "127.0.0.1:8080",    "Default 1s",        "Default 16k",    "Default 60s"};
    assert_int_equal(READ(&sync_model, "--help"), OPTIONS_DONE);
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        assert_non_null(strstr(out, both[i]));
    }
    assert_non_null(strstr(out, "--stack"));
    assert_null(strstr(out, "--offload"));
    assert_int_equal(READ(&async_model, "--help"), OPTIONS_DONE);
    assert_null(strstr(out, "--stack"));
    assert_non_null(strstr(out, "--offload"));
    assert_non_null(strstr(out, "--threads"));
    assert_string_equal(err, "");
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(defaults_are_those_that_help_names));
    suite_add(&suite, CASE(each_option_says_what_it_is_about));
    suite_add(&suite, CASE(fields_for_replies_are_kept_as_whole_lines));
    suite_add_rows(&suite, misuse_row, ROWS(misuse_rows));
    suite_add(&suite, CASE(waiting_for_nothing_is_misuse));
    suite_add(&suite, CASE(sixteen_addresses_are_listened_on_and_no_more));
    suite_add(&suite, CASE(help_names_the_defaults));
    return suite_run(&suite, "server/options");
}
