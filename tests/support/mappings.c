/* Preloaded into a program, this makes CRISTO_MAPPINGS memory mappings before main() begins, so
 * that a limit on them is near. */
#include <stdlib.h>
#include <sys/mman.h>

enum {
    PAGE = 4096
};

/* Neighbours of different rights are not merged. */
__attribute__((constructor)) static void make_mappings(void)
{
    const char *text = getenv("CRISTO_MAPPINGS");
    size_t count = text == NULL ? 0 : strtoul(text, NULL, 10);
    char *pages = mmap(NULL, count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 1; pages != MAP_FAILED && i < count; i += 2) {
        mprotect(pages + i * PAGE, PAGE, PROT_READ);
    }
}
