/* Stacks, and how to walk from one to another: all that a coroutine is made of.
 *
 * A function that is interrupted in its middle needs a place where its variables, and the way back
 * to its callers, stay meanwhile: a stack of its own. They lie side by side in one arena, which the
 * kernel fills with memory page by page as they are used: a stack of 128 KB of which one page was
 * touched costs one page.
 *
 *     arena   | guard   stack 0   top | guard   stack 1   top | ...
 *                          <-- grows down from its top
 *
 * The guard is a page that nobody may touch: a task that needs more stack than it has ends the
 * program there, instead of writing into its neighbour. Every guard costs the kernel two mappings,
 * of which a process may have some 65,000: the first 16,000 stacks have guards, the others none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The sanitizers' own bookkeeping lies on the stacks as well, and makes all this larger. */
#if defined(__has_feature)
#define STACK_HAS(sanitizer) __has_feature(sanitizer)
#else
#define STACK_HAS(sanitizer) 0
#endif
#if STACK_HAS(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define STACK_ASAN 1
#endif
#if STACK_HAS(thread_sanitizer) || defined(__SANITIZE_THREAD__)
#define STACK_TSAN 1
#endif

enum {
#if defined(STACK_ASAN) || defined(STACK_TSAN)
    STACK_SIZE = 512 * 1024,
    STACK_MOST = 4096,
#else
    STACK_SIZE = 128 * 1024,
    STACK_MOST = 128 * 1024,
#endif
    STACK_GUARDED = 16000,
};

/* A place where something runs, or stands interrupted. */
struct stack {
    char *low;    /* its lowest byte, and how many there are; NULL for the thread's own, as long */
    size_t size;  /* as nobody asked */
    void *saved;  /* where its top is while something else runs */
    void *fibre;  /* what TSan knows it by */
    void *shadow; /* ASan's second stack, while something else runs */
};

struct arena {
    char *base;
    size_t used; /* stacks that were ever handed out: 0..used-1 */
};

/* Reserves room for STACK_MOST stacks. False when the system has no such range of addresses. */
bool arena_init(struct arena *arena);
void arena_finish(struct arena *arena);

/* The next stack that nobody had before: its lowest byte, STACK_SIZE bytes. NULL when all are gone,
 * or the guard could not be set up. */
char *arena_take(struct arena *arena);

/* The lowest byte of stack `index`, which arena_take() has handed out. */
char *arena_at(const struct arena *arena, size_t index);

/* Makes the `size` bytes from `low` on a stack on which begin() will run as soon as somebody
 * switches to it. begin() first calls stack_arrived(), and never returns. A stack whose last
 * occupant is done may be prepared again. */
void stack_prepare(struct stack *stack, char *low, size_t size, void (*begin)(void));
void stack_finish(struct stack *stack);

/* Leaves `from`, on which this runs, for `to`. Returns when somebody switches back to `from`: for
 * the caller it is a function that took a while. With `for_ever`, nobody will. */
void stack_switch(struct stack *from, struct stack *to, bool for_ever);

/* What begin() calls first: here is `here`, and it was `from` that came. */
void stack_arrived(struct stack *here, struct stack *from);
