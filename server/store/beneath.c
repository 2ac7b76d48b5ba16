#include "server/store/beneath.h"

#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename somewhere in the path while it is walked makes the kernel ask for another try. */
enum {
    OPEN_TRIES = 64
};

static int open_kernel(int root, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve,
    };
    long fd;
    int tries = 0;
    do {
        fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
    } while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < OPEN_TRIES)));
    return fd >= 0 ? (int)fd : -errno;
}

/* Opens one name, and nothing that it may be a link or a way up to. */
static int open_name(int folder, const char *name, int flags)
{
    if (strcmp(name, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    int fd;
    do {
        fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Without openat2 (old kernels, some sandboxes and tracers) every folder on the way is opened by
 * itself, no link is followed, and no way up is taken. */
static int open_by_hand(int root, const char *path, uint64_t flags)
{
    int folder = root;
    for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        char name[NAME_MAX + 1];
        if ((size_t)(slash - path) >= sizeof(name)) {
            errno = ENAMETOOLONG;
            goto failed;
        }
        memcpy(name, path, (size_t)(slash - path));
        name[slash - path] = '\0';
        int next = open_name(folder, name, O_PATH | O_DIRECTORY);
        if (next < 0) {
            goto failed;
        }
        if (folder != root) {
            close(folder);
        }
        folder = next;
    }
    int fd = open_name(folder, *path != '\0' ? path : ".", (int)flags);
    if (fd >= 0) {
        if (folder != root) {
            close(folder);
        }
        return fd;
    }
failed:;
    int error = errno;
    if (folder != root) {
        close(folder);
    }
    return -error;
}

int beneath_open(const struct beneath *beneath, const char *path, uint64_t flags)
{
    path = *path != '\0' ? path : ".";
    return beneath->by_hand ? open_by_hand(beneath->root, path, flags)
                            : open_kernel(beneath->root, path, flags, 0);
}

int beneath_open_near(const struct beneath *beneath, const char *path, uint64_t flags)
{
    return open_kernel(beneath->root, *path != '\0' ? path : ".", flags, RESOLVE_NO_XDEV);
}

int beneath_init(struct beneath *beneath, const char *folder)
{
    beneath->by_hand = false;
    beneath->root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (beneath->root < 0) {
        int error = errno;
        log_error("%s: cannot be served: %s", folder, strerror(error));
        return -error;
    }
    int probe = beneath_open(beneath, "", O_RDONLY | O_DIRECTORY);
    if (probe == -ENOSYS || probe == -EPERM) {
        log_warn("%s: openat2 is not to be had here (%s): symbolic links are not followed", folder,
                 strerror(-probe));
        beneath->by_hand = true;
        probe = beneath_open(beneath, "", O_RDONLY | O_DIRECTORY);
    }
    if (probe < 0) {
        log_error("%s: cannot be read: %s", folder, strerror(-probe));
        return probe;
    }
    close(probe);
    return 0;
}

void beneath_finish(struct beneath *beneath)
{
    if (beneath->root >= 0) {
        close(beneath->root);
    }
    beneath->root = -1;
}
