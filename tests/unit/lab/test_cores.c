#include "lab/cores.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static struct cores cores_of(size_t count)
{
    struct cores cores = {.count = count};
    for (size_t i = 0; i < count; i++) {
        cores.number[i] = (unsigned)(3 * i);
    }
    return cores;
}

static void halves_are_equal_and_apart(void **state)
{
    (void)state;
    static const struct {
        size_t all, server, client;
    } rows[] = {{1, 1, 1}, {2, 1, 1}, {3, 1, 2}, {4, 2, 2}, {64, 32, 32}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct cores all = cores_of(rows[i].all), server, client;
        cores_split(&all, &server, &client);
        assert_int_equal(server.count, rows[i].server);
        assert_int_equal(client.count, rows[i].client);
        for (size_t j = 0; j < server.count; j++) {
            for (size_t k = 0; rows[i].all > 1 && k < client.count; k++) {
                assert_int_not_equal(server.number[j], client.number[k]);
            }
        }
    }
}

static void runs_of_numbers_are_written_as_ranges(void **state)
{
    (void)state;
    static const struct {
        struct cores cores;
        const char *text;
    } rows[] = {
        {{.count = 0}, ""},
        {{{5}, 1}, "5"},
        {{{0, 1, 2, 3, 8}, 5}, "0-3,8"},
        {{{0, 4, 1, 5}, 4}, "0,4,1,5"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[CORES_TEXT];
        assert_string_equal(cores_write(text, &rows[i].cores), rows[i].text);
    }
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    struct cores many = cores_of(CORES_MAX);
    char text[CORES_TEXT];
    cores_write(text, &many);
    assert_true(strlen(text) < sizeof text);
    assert_string_equal(text + strlen(text) - 3, "...");
}

static void pinned_thread_may_use_these_alone(void **state)
{
    (void)state;
    static struct cores before, one, after;
    assert_int_equal(cores_allowed(&before), 0);
    assert_true(before.count > 0);
    one.count = 1;
    one.number[0] = before.number[before.count - 1];
    assert_int_equal(cores_pin(&one), 0);
    assert_int_equal(cores_allowed(&after), 0);
    assert_int_equal(after.count, 1);
    assert_int_equal(after.number[0], one.number[0]);
    assert_int_equal(cores_pin(&before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_equal_and_apart),
        cmocka_unit_test(runs_of_numbers_are_written_as_ranges),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(pinned_thread_may_use_these_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
