#include "tests/support/suite.h"

#include "lib/http/bytes.h"

#include <stdio.h>
#include <stdlib.h>

static void add(struct suite *suite, const char *name, CMUnitTestFunction check, const void *row)
{
    if (suite->count == SUITE_MOST) {
        abort();
    }
    suite->tests[suite->count++] = (struct CMUnitTest){
        .name = name, .test_func = check, .initial_state = (void *)(uintptr_t)row};
}

void suite_add(struct suite *suite, const char *name, CMUnitTestFunction check)
{
    add(suite, name, check, NULL);
}

void suite_add_rows(struct suite *suite, CMUnitTestFunction check, const void *rows, size_t count,
                    size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const char *row = (const char *)rows + i * size;
        const char *name;
        memcpy(&name, row, sizeof(name));
        add(suite, name, check, row);
    }
}

void suite_frame(struct suite *suite, CMFixtureFunction begin, CMFixtureFunction end)
{
    for (size_t i = 0; i < suite->count; i++) {
        suite->tests[i].setup_func = begin;
        suite->tests[i].teardown_func = end;
    }
}

/* Several processes share the cases of a suite that mostly waits. */
static void leave_to_others(struct suite *suite)
{
    const char *part = getenv("SUITE_PART");
    size_t number, parts, kept = 0;
    if (part == NULL) {
        return;
    }
    if (sscanf(part, "%zu/%zu", &number, &parts) != 2 || number == 0 || number > parts) {
        abort();
    }
    for (size_t i = number - 1; i < suite->count; i += parts) {
        suite->tests[kept++] = suite->tests[i];
    }
    suite->count = kept;
}

int suite_run(struct suite *suite, const char *name)
{
    leave_to_others(suite);
    return _cmocka_run_group_tests(name, suite->tests, suite->count, NULL, NULL);
}

void assert_bytes_at(struct bytes view, struct bytes expected, const char *what, const char *file,
                     int line)
{
    if (!bytes_equal(view, expected)) {
        print_error("%s is \"%.*s\" (%zu bytes), expected \"%.*s\" (%zu bytes)\n", what,
                    (int)view.len, view.at ? view.at : "", view.len, (int)expected.len,
                    expected.at ? expected.at : "", expected.len);
        _fail(file, line);
    }
}
