/* Preloaded into a program, this fails one of its allocations: that which CRISTO_FAIL_AT numbers,
 * counted from 1 when main() is about to begin. A child goes on counting where its parent was. What
 * is counted, and that an allocation failed, is noted in the file CRISTO_FAIL_NOTE. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The C library's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);

static unsigned long fail_at;
static atomic_ulong count;
static atomic_int note = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("CRISTO_FAIL_AT");
    const char *path = getenv("CRISTO_FAIL_NOTE");
    fail_at = at != NULL ? strtoul(at, NULL, 10) : 0;
    atomic_store(&count, 0);
    if (path != NULL) {
        atomic_store(&note, open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    }
}

__attribute__((destructor)) static void end(void)
{
    if (atomic_load(&note) >= 0) {
        dprintf(atomic_load(&note), "%lu allocations\n", atomic_load(&count));
    }
}

static bool fails(void)
{
    if (atomic_fetch_add(&count, 1) + 1 != fail_at || atomic_load(&note) < 0) {
        return false;
    }
    ssize_t written = write(atomic_load(&note), "failed\n", 7);
    (void)written;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count_of, size_t size)
{
    return fails() ? NULL : __libc_calloc(count_of, size);
}

void *realloc(void *at, size_t size)
{
    return fails() ? NULL : __libc_realloc(at, size);
}
