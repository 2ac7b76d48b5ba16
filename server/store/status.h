/* What there is to know of a file, however often a signal interrupts who asks: some file systems
 * let it, for whatever call. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

/* fstat(2). False, and errno set, when it failed. */
static inline bool status_of(int fd, struct stat *status)
{
    int failed;
    do {
        failed = fstat(fd, status);
    } while (failed < 0 && errno == EINTR);
    return failed == 0;
}

/* Of what has this name in the folder, be it a link. */
static inline bool status_within(int folder, const char *name, struct stat *status)
{
    int failed;
    do {
        failed = fstatat(folder, name, status, AT_SYMLINK_NOFOLLOW);
    } while (failed < 0 && errno == EINTR);
    return failed == 0;
}
