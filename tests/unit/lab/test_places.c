#include "lab/places.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

static char root[] = "/tmp/cristo-test-places-XXXXXX";

static void make(const char *path, size_t size)
{
    char command[PATH_MAX + 128];
    snprintf(command, sizeof command,
             "mkdir -p \"$(dirname '%s/%s')\" && head -c %zu /dev/zero > '%s/%s'", root, path, size,
             root, path);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    make("book/count-of-monte-cristo.txt", 900);
    make("book/chapters/001.txt", 100);
    make("book/chapters/002.txt", 230);
    make("book/chapters/003.txt", 210);
    make("book/chapters/003.txt.gz", 220);
    make("book/chapters/004.txt", 500);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static void file_nearest_in_size_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t near_bytes;
        const char *chosen;
        uint64_t bytes;
    } rows[] = {
        {"/chapters/*.txt", 0, "/chapters/001.txt", 100},
        {"/chapters/*.txt", 226, "/chapters/002.txt", 230},
        {"/chapters/*.txt", 220, "/chapters/002.txt", 230}, /* the first of equals */
        {"/chapters/*.txt", 219, "/chapters/003.txt", 210},
        {"/chapters/*.txt", 99999, "/chapters/004.txt", 500},
        {"/count-of-monte-cristo.txt", 0, "/count-of-monte-cristo.txt", 900},
    };
    struct places places = {0};
    snprintf(places.book, sizeof places.book, "%s/book", root);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char path[PATH_MAX], why[PLACES_WHY];
        uint64_t bytes = 0;
        assert_true(places_choose(&places, rows[i].path, rows[i].near_bytes, path, sizeof path,
                                  &bytes, why));
        assert_string_equal(path, rows[i].chosen);
        assert_int_equal(bytes, rows[i].bytes);
    }
}

static void missing_file_is_named(void **state)
{
    (void)state;
    struct places places = {0};
    char path[PATH_MAX], why[PLACES_WHY] = "";
    uint64_t bytes;
    snprintf(places.book, sizeof places.book, "%s/book", root);
    assert_false(places_choose(&places, "/cellar/*.txt", 1, path, sizeof path, &bytes, why));
    assert_non_null(strstr(why, "cellar"));
    assert_false(places_choose(&places, "/chapters", 1, path, sizeof path, &bytes, why));
}

static void missing_programs_are_named(void **state)
{
    (void)state;
    static struct places places;
    char why[PLACES_WHY] = "";
    assert_false(places_find(&places, root, NULL, true, why));
    assert_non_null(strstr(why, "client/cristo-sync-client"));
    assert_non_null(strstr(why, root));
    assert_false(places_find(&places, "/no/such/folder", NULL, true, why));
    assert_non_null(strstr(why, "--programs: /no/such/folder"));
}

static void results_never_land_on_something(void **state)
{
    (void)state;
    char wanted[PATH_MAX], dir[PATH_MAX], why[PLACES_WHY] = "";
    bool misused;
    snprintf(wanted, sizeof wanted, "%s/new/deep/results", root);
    assert_true(places_make_results(wanted, "race", dir, why, &misused));
    assert_true(places_make_results(wanted, "race", dir, why, &misused)); /* empty as yet */
    make("new/deep/results/bundle.json", 1);
    assert_false(places_make_results(wanted, "race", dir, why, &misused));
    assert_true(misused);
    assert_non_null(strstr(why, wanted));
    snprintf(wanted, sizeof wanted, "%s/book/chapters/001.txt", root);
    assert_false(places_make_results(wanted, "race", dir, why, &misused));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_nearest_in_size_is_chosen),
        cmocka_unit_test(missing_file_is_named),
        cmocka_unit_test(missing_programs_are_named),
        cmocka_unit_test(results_never_land_on_something),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
