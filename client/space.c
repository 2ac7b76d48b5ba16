#include "client/space.h"

#include <sys/mman.h>

void *space_create(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes == 0) {
        return NULL;
    }
    void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED) {
        return NULL;
    }
    /* one touched byte shall cost one small page; a kernel without huge pages refuses, and is right
     */
    madvise(space, bytes, MADV_NOHUGEPAGE);
    return space;
}

void space_destroy(void *space, size_t count, size_t size)
{
    if (space != NULL) {
        munmap(space, count * size);
    }
}
