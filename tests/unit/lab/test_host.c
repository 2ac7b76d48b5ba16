#include "lab/host.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static void ready_line_tells_the_address(void **state)
{
    (void)state;
    static const struct {
        const char *line, *url, *about;
    } rows[] = {
        {"listening on http://127.0.0.1:8081/ (async, 1 loop)", "http://127.0.0.1:8081",
         "async, 1 loop"},
        {"listening on http://127.0.0.1:40000/ (sync, a thread for each connection)",
         "http://127.0.0.1:40000", "sync, a thread for each connection"},
        {"listening on http://[::1]:80/ (async, 2 loops)", "http://[::1]:80", "async, 2 loops"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char url[HOST_URL], about[HOST_URL];
        assert_true(host_read_ready(rows[i].line, url, about));
        assert_string_equal(url, rows[i].url);
        assert_string_equal(about, rows[i].about);
    }
}

static void other_lines_are_none(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "listening",
        "listening on unix:/tmp/x (async, 1 loop)",
        "listening on http",
        "listening on http://127.0.0.1:8081/",
        "cannot listen on http://127.0.0.1:8081/ (async)",
    };
    for (size_t i = 0; i < LENGTH(lines); i++) {
        char url[HOST_URL], about[HOST_URL];
        assert_false(host_read_ready(lines[i], url, about));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_line_tells_the_address),
        cmocka_unit_test(other_lines_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
