#include "tests/unit/server/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void folder_init(struct folder *folder)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder->path, sizeof(folder->path), "%s/cristo-XXXXXX",
             temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    assert_non_null(mkdtemp(folder->path));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void folder_finish(struct folder *folder)
{
    assert_int_equal(nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_path(const struct folder *folder, const char *name)
{
    static char paths[4][4200];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder->path, name);
    return path;
}

void folder_write(const struct folder *folder, const char *name, struct bytes content)
{
    int fd = open(folder_path(folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.at, content.len), content.len);
    close(fd);
}

void folder_fill(const struct folder *folder, const char *name, size_t size, char letter)
{
    char *content = malloc(size + 1);
    assert_non_null(content);
    memset(content, letter, size);
    folder_write(folder, name, (struct bytes){content, size});
    free(content);
}

void folder_date(const struct folder *folder, const char *name, struct timespec modified)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, modified};
    assert_int_equal(utimensat(AT_FDCWD, folder_path(folder, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

void folder_age(const struct folder *folder, const char *name)
{
    folder_date(folder, name, (struct timespec){time(NULL) - 3600, 123456789});
}

void folder_settle(const struct folder *folder, const char *name)
{
    struct stat status;
    struct timespec now;
    const struct timespec tick = {0, 1000000};
    int64_t age_ns;
    assert_int_equal(stat(folder_path(folder, name), &status), 0);
    do {
        nanosleep(&tick, NULL);
        clock_gettime(CLOCK_REALTIME, &now);
        age_ns = (int64_t)(now.tv_sec - status.st_ctim.tv_sec) * 1000000000 +
                 (now.tv_nsec - status.st_ctim.tv_nsec);
    } while (age_ns < (status.st_ctim.tv_nsec == 0 ? 2100000000 : 30000000));
}

void folder_link(const struct folder *folder, const char *name, const char *to)
{
    assert_int_equal(symlink(to, folder_path(folder, name)), 0);
}

void folder_make(const struct folder *folder, const char *name)
{
    assert_int_equal(mkdir(folder_path(folder, name), 0755), 0);
}
