/* Where things are: the programs to race, the book they serve, the folder for results. */
#pragma once

#include "lab/model.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLACES_WHY = PATH_MAX + 256
};

struct places {
    char server[MODEL_PAIR][PATH_MAX]; /* absolute */
    char client[MODEL_PAIR][PATH_MAX];
    char book[PATH_MAX]; /* the docroot; "" when it was not asked for */
};

/* Finds the programs in `programs`, laid out as a build folder (server/, client/) or all in one, as
 * installed; NULL: where this program itself lies. With `need_servers`, also the servers and the
 * book: `book`, or NULL for the one prepared beside the programs (../book from the servers) or
 * installed with them (../share/cristo/book). False when something is missing: `why` (PLACES_WHY
 * bytes) names it and what to do. */
bool places_find(struct places *places, const char *programs, const char *book, bool need_servers,
                 char *why);

/* The file of the book to ask for: `path` itself, or where it has a "*", the one whose size is
 * nearest to near_bytes (the first of equals). Writes the URL's path (`to`, `size` bytes) and the
 * file's size. False when there is none; `why` as above. */
bool places_choose(const struct places *places, const char *path, uint64_t near_bytes, char *to,
                   size_t size, uint64_t *bytes, char *why);

/* Makes the folder for the results, which must not exist yet or be empty: `wanted`, or NULL for
 * lab-results/NAME-YYYYmmdd-HHMMSS in the build folder (in the current one when installed).
 * Writes its absolute path to `dir` (PATH_MAX bytes). False with `why`; *misused tells whether the
 * caller's choice is to blame. */
bool places_make_results(const char *wanted, const char *name, char *dir, char *why, bool *misused);
