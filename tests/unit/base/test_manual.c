#include "lib/base/manual.h"

#include "tests/unit/base/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *take_nothing(void *into, const char *argument)
{
    (void)into;
    (void)argument;
    return NULL;
}

static const struct option_spec specs[] = {
    {'l', "listen-on", "ADDR", "accept at ADDR. Default [::1]:1", OPTION_BOTH, take_nothing,
     "Where it is"},
    {0, "stack", "SIZE", "only hers", OPTION_SYNC, take_nothing, "Threads"},
    {0, "log", "FILE", "write to FILE (see open(2)), \"-\" is stdout", OPTION_ASYNC, take_nothing,
     NULL},
    {0},
};

static const struct option_table table = {
    .program = "prog-async",
    .sister = "prog-sync",
    .me = OPTION_ASYNC,
    .usage = "[OPTION]... [DOCROOT]",
    .about = "Serves DOCROOT.",
    .version = "1.2.3",
    .specs = specs,
};

static const struct manual_entry description[] = {
    {.text = ".profile and 'single' are read; \\n, a~b and c^d `too`. \xc2\xb5s is a time."},
    {.text = "Hers alone.", .owner = OPTION_SYNC},
    {0},
};

static const struct manual_entry examples[] = {
    {.text = "Do it, with --listen-on:", .command = "@ -l '[::1]:80' .\n"},
    {.term = "SIGHUP", .text = "Mine alone.", .owner = OPTION_ASYNC},
    {0},
};

static const struct manual_section sections[] = {
    {"DESCRIPTION", description},
    {"EXAMPLES", examples},
    {0},
};

static const struct manual manual = {"what it is", sections, true};

static const char *page_of(void)
{
    static char text[CAPTURE_TEXT];
    setenv("SOURCE_DATE_EPOCH", "1000000000", 1);
    struct capture out = capture_begin(STDOUT_FILENO);
    int status = manual_main(&table, &manual, "page");
    capture_end(&out, text);
    assert_int_equal(status, 0);
    return text;
}

static void page_is_roff(void **state)
{
    (void)state;
    static const char expected[] =
        ".TH \"PROG\\-ASYNC\" 1 2001-09-09 \"cristo 1.2.3\" \"User Commands\"\n"
        ".SH NAME\n"
        "prog\\-async \\- what it is\n"
        ".SH SYNOPSIS\n"
        "\\fBprog\\-async\\fR [OPTION]... [DOCROOT]\n"
        ".SH DESCRIPTION\n"
        "Serves \\fIDOCROOT\\fR.\n"
        ".PP\n"
        "\\&.profile and \\(aqsingle\\(aq are read; \\(rsn, a\\(tib and c\\(had \\(gatoo\\(ga.\n"
        "\\[u00B5]s is a time.\n"
        ".SH OPTIONS\n"
        ".SS Where it is\n"
        ".TP\n"
        "\\fB\\-l\\fR, \\fB\\-\\-listen\\-on\\fR \\fIADDR\\fR\n"
        "Accept at \\fIADDR\\fR.\n"
        "Default [::1]:1.\n"
        ".SS Threads\n"
        ".TP\n"
        "\\fB\\-\\-log\\fR \\fIFILE\\fR\n"
        "Write to \\fIFILE\\fR (see \\fBopen\\fR(2)), \\(dq\\-\\(dq is stdout.\n"
        ".SS Other\n"
        ".TP\n"
        "\\fB\\-h\\fR, \\fB\\-\\-help\\fR\n"
        "Print this page.\n"
        ".TP\n"
        "\\fB\\-V\\fR, \\fB\\-\\-version\\fR\n"
        "Print the version.\n"
        ".SH EXAMPLES\n"
        "Do it, with \\fB\\-\\-listen\\-on\\fR:\n"
        ".PP\n"
        ".RS 4\n"
        ".EX\n"
        "prog\\-async \\-l \\(aq[::1]:80\\(aq .\n"
        "\n"
        ".EE\n"
        ".RE\n"
        ".TP\n"
        "\\fBSIGHUP\\fR\n"
        "Mine alone.\n";
    assert_string_equal(page_of(), expected);
}

static void long_text_is_broken_into_lines(void **state)
{
    (void)state;
    struct option_table wordy = table;
    char text[CAPTURE_TEXT];
    wordy.about = "one two three four five six seven eight nine ten eleven twelve thirteen "
                  ".fourteen .fifteen .sixteen .seventeen .eighteen .nineteen .twenty";
    struct capture out = capture_begin(STDOUT_FILENO);
    manual_main(&wordy, &manual, "page");
    capture_end(&out, text);
    assert_non_null(strstr(text, "\n\\&."));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") < 100);
        assert_true(strncmp(line, ".f", 2) != 0 && strncmp(line, ".n", 2) != 0);
    }
}

static void completion_knows_files_folders_and_names(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture out = capture_begin(STDOUT_FILENO);
    int status = manual_main(&table, &manual, "completion");
    capture_end(&out, text);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "\n    --log)\n        mapfile"));
    assert_non_null(strstr(text, "\n    --listen-on | -l)\n        :"));
    assert_non_null(strstr(text, "'--listen-on --log --help --version'"));
    assert_non_null(strstr(text, "compgen -d"));
    assert_non_null(strstr(text, "\ncomplete -o filenames -F _prog_async prog-async\n"));
}

static void other_forms_are_misuse(void **state)
{
    (void)state;
    assert_int_equal(manual_main(&table, &manual, "poem"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_roff),
        cmocka_unit_test(long_text_is_broken_into_lines),
        cmocka_unit_test(completion_knows_files_folders_and_names),
        cmocka_unit_test(other_forms_are_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
