#include "tests/support/guard.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void guard_init(struct guard *guard, size_t most)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t used = (most / page + 1) * page;

    guard->map_size = used + page;
    guard->map =
        mmap(NULL, guard->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard->map == MAP_FAILED) {
        abort();
    }
    guard->end = guard->map + used;
    if (mprotect(guard->end, page, PROT_NONE) != 0) {
        abort();
    }
}

void guard_finish(struct guard *guard)
{
    munmap(guard->map, guard->map_size);
}

char *guard_room(struct guard *guard, size_t len)
{
    if (len > (size_t)(guard->end - guard->map)) {
        abort();
    }
    return guard->end - len;
}

struct bytes guard_copy(struct guard *guard, struct bytes text)
{
    char *to = guard_room(guard, text.len);

    if (text.len > 0) {
        memmove(to, text.at, text.len);
    }
    return (struct bytes){to, text.len};
}
