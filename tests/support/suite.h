/* Cases as rows of data: each row becomes a cmocka test of its own, named after its fact. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    SUITE_MOST = 400
};

struct suite {
    struct CMUnitTest tests[SUITE_MOST];
    size_t count;
};

/* Adds one case. */
void suite_add(struct suite *suite, const char *name, CMUnitTestFunction check);

/* The last two arguments of suite_add() for a function named after its fact. */
#define CASE(function) #function, function

/* Adds a case for each of `count` rows of `size` bytes, whose first member is the name (const
 * char *); check() finds its row in *state. */
void suite_add_rows(struct suite *suite, CMUnitTestFunction check, const void *rows, size_t count,
                    size_t size);

/* The last three arguments of suite_add_rows() for an array. */
#define ROWS(array) (array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0])

/* Has `begin` called before and `end` after each of the cases added so far. */
void suite_frame(struct suite *suite, CMFixtureFunction begin, CMFixtureFunction end);

/* Runs all cases, or with SUITE_PART=2/4 in the environment every fourth of them from the second
 * one on; what main() returns. */
int suite_run(struct suite *suite, const char *name);

/* A struct bytes from a literal that may hold NULs, also where a constant is needed. */
/* clang-format off */
#define TEXT(literal) {(literal), sizeof(literal) - 1}
/* clang-format on */

/* Fails unless both views hold the same bytes, and shows both. */
#define assert_bytes(view, expected) assert_bytes_at((view), (expected), #view, __FILE__, __LINE__)

struct bytes;
void assert_bytes_at(struct bytes view, struct bytes expected, const char *what, const char *file,
                     int line);
