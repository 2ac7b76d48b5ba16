/* What bounds how many threads a process may have, and how much memory: which of the system's
 * limits has no room for more, and what that one would have to be.
 *
 * pthread_create(3) says EAGAIN of all of them. So they are all looked at when something has
 * failed, while what was had is still there: the one with the least room was the cause. Reads files
 * below /proc and /sys, some for every process: for starts and failures. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    BOUND_TEXT = 256,
    BOUNDS_MOST = 8,
};

/* A limit, in its own unit; "ulimit -v" and "ulimit -d" count in 1024 bytes. */
struct bound {
    char name[BOUND_TEXT]; /* by which it is raised: "vm.max_map_count", "ulimit -u" */
    uint64_t most;
    uint64_t used;
    uint64_t each;  /* what one more of what was asked for takes, at least 1 */
    uint64_t spare; /* and a little, since others take of it too */
};

struct bounds {
    size_t count;
    struct bound at[BOUNDS_MOST];
};

/* The bounds of threads with stacks of so many bytes; and of memory, of which so many bytes were
 * asked for at once. What does not bound is left out. `root` is "", or what stands for /. */
void bounds_of_threads(struct bounds *bounds, uint64_t stack, const char *root);
void bounds_of_memory(struct bounds *bounds, uint64_t bytes, const char *root);

/* How many more there is room for. */
uint64_t bound_room(const struct bound *bound);

/* The bound with the least room, NULL if there are none. */
const struct bound *bounds_tightest(const struct bounds *bounds);

enum {
    BOUNDS_TEXT = BOUND_TEXT + 64
};

/* Says what keeps `more` of what was asked for from being had: "vm.max_map_count is 65530 and must
 * be 80100"; where all have room for that, that no limit does. Returns `to` (BOUNDS_TEXT bytes). */
char *bounds_explain(char *to, const struct bounds *bounds, uint64_t more);
