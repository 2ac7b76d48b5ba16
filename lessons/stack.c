#include "lessons/stack.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(STACK_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(STACK_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

/* --- the arena -------------------------------------------------------------------------------- */

bool arena_init(struct arena *arena)
{
    size_t size = (size_t)STACK_SIZE * STACK_MOST;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) {
        return false;
    }
    madvise(base, size, MADV_NOHUGEPAGE); /* or touching one byte may cost 2 MB */
    *arena = (struct arena){.base = base};
    return true;
}

void arena_finish(struct arena *arena)
{
    if (arena->base != NULL) {
        munmap(arena->base, (size_t)STACK_SIZE * STACK_MOST);
    }
    *arena = (struct arena){0};
}

char *arena_at(const struct arena *arena, size_t index)
{
    return arena->base + index * STACK_SIZE;
}

char *arena_take(struct arena *arena)
{
    if (arena->used == STACK_MOST) {
        return NULL;
    }
    char *low = arena_at(arena, arena->used);
    if (arena->used < STACK_GUARDED &&
        mprotect(low, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) != 0) {
        return NULL;
    }
    arena->used++;
    return low;
}

/* --- the switch ------------------------------------------------------------------------------- */

/* A function may use some registers as it likes, and its caller expects that (the compiler has put
 * aside what it needs of them). The others it must give back as it found them. So we put those on
 * the stack we leave, note where its top is, take the other stack's top, and take its registers
 * from there. The last word is the way back to whoever called: "ret" goes there, on that stack. */
void *lessons_swap(void **saved, void *other);

#if defined(__x86_64__)

__asm__(".text\n"
        ".globl lessons_swap\n"
        ".type lessons_swap, @function\n"
        "lessons_swap:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n" /* *saved = top of this stack */
        "    mov %rsi, %rsp\n"   /* top = other */
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size lessons_swap, . - lessons_swap\n");

enum {
    WORDS = 8, /* six registers, the way back, and one more: begin() finds the stack aligned */
    WAY_BACK = 6,
};

#elif defined(__aarch64__)

__asm__(".text\n"
        ".globl lessons_swap\n"
        ".type lessons_swap, %function\n"
        "lessons_swap:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n" /* x30 is the way back */
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n" /* *saved = top of this stack */
        "    mov sp, x1\n"   /* top = other */
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size lessons_swap, . - lessons_swap\n");

enum {
    WORDS = 20,
    WAY_BACK = 11,
};

#else
#error "no switch between stacks is written for this processor (see lessons/meson.build)"
#endif

/* The top looks as if begin() had once called lessons_swap(): that returns to where it began. */
void stack_prepare(struct stack *stack, char *low, size_t size, void (*begin)(void))
{
    uintptr_t end = ((uintptr_t)low + size) & ~(uintptr_t)15;
    void **top = (void **)end - WORDS;
#if defined(STACK_ASAN)
    __asan_unpoison_memory_region(top, WORDS * sizeof(*top));
    size_t page = (size_t)sysconf(_SC_PAGESIZE); /* the guard has nothing to forget */
    __asan_unpoison_memory_region(low + page, size - page);
#endif
    memset(top, 0, WORDS * sizeof(*top));
    memcpy(&top[WAY_BACK], &begin, sizeof(begin));
    stack->low = low;
    stack->size = size;
    stack->saved = top;
    stack->shadow = NULL;
#if defined(STACK_TSAN)
    if (stack->fibre == NULL) {
        stack->fibre = __tsan_create_fiber(0);
    }
#endif
}

void stack_finish(struct stack *stack)
{
#if defined(STACK_TSAN)
    if (stack->fibre != NULL) {
        __tsan_destroy_fiber(stack->fibre);
    }
#endif
    *stack = (struct stack){0};
}

void stack_switch(struct stack *from, struct stack *to, bool for_ever)
{
#if defined(STACK_ASAN)
    __sanitizer_start_switch_fiber(for_ever ? NULL : &from->shadow, to->low, to->size);
#endif
#if defined(STACK_TSAN)
    from->fibre = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->fibre, 0);
#endif
    (void)for_ever;
    lessons_swap(&from->saved, to->saved);
#if defined(STACK_ASAN)
    __sanitizer_finish_switch_fiber(from->shadow, NULL, NULL);
#endif
}

void stack_arrived(struct stack *here, struct stack *from)
{
#if defined(STACK_ASAN)
    const void *low;
    __sanitizer_finish_switch_fiber(here->shadow, &low, &from->size);
    from->low = (char *)(uintptr_t)low;
#endif
    (void)here;
    (void)from;
}
