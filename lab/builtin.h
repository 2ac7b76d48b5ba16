/* Files that are built into the program, so that it runs from any folder (lab/embed.c writes
 * them). */
#pragma once

#include <stddef.h>

struct builtin {
    const char *name; /* without folder and suffix: "race" */
    const char *data; /* followed by a NUL that `size` does not count */
    size_t size;
};

extern const struct builtin builtin_plans[];
extern const size_t builtin_plans_count;

/* The report page, with "@bundle@" where the data belongs. */
extern const struct builtin builtin_page;
