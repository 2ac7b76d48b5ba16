/* Every test leaves as many descriptors open as it found. */
#pragma once

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static inline int descriptors_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static inline int descriptors_count(void **state)
{
    static int count;
    count = descriptors_open();
    *state = &count;
    return 0;
}

static inline int descriptors_compare(void **state)
{
    int before = *(int *)*state;
    int after = descriptors_open();
    if (before != after) {
        print_error("%d descriptors before, %d after\n", before, after);
    }
    return before == after ? 0 : -1;
}

#define leak_free_test(test) \
    cmocka_unit_test_setup_teardown(test, descriptors_count, descriptors_compare)
