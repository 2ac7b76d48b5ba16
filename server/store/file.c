#include "server/store/file.h"

#include "server/store/status.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

void file_release(struct file *file)
{
    if (file == NULL || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (file->fd >= 0 && file->closer != NULL) {
        file->closer->take(file->closer, file);
    } else {
        file_destroy(file);
    }
}

void file_destroy(struct file *file)
{
    if (file->fd >= 0) {
        close(file->fd);
    }
    free(file);
}

/* File systems behind which there is another machine or another program: whatever they say of
 * RWF_NOWAIT, their fstat(2) may wait. */
static bool is_remote(const struct statfs *system)
{
    static const unsigned remote[] = {
        AFS_FS_MAGIC,     AFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, CIFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
        FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC, V9FS_MAGIC,
    };
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        if ((unsigned)system->f_type == remote[i]) {
            return true;
        }
    }
    return false;
}

bool pace_is_slow(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) < 0 || is_remote(&system);
}

enum pace pace_of(int fd)
{
    struct statfs system;
    char byte;
    struct iovec vector = {&byte, 1};
    if (fstatfs(fd, &system) < 0 || is_remote(&system)) {
        return PACE_SLOW;
    }
    if ((unsigned)system.f_type == TMPFS_MAGIC || (unsigned)system.f_type == RAMFS_MAGIC) {
        return PACE_MEMORY;
    }
    return preadv2(fd, &vector, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN ? PACE_DISK : PACE_SLOW;
}

struct identity identity_of(const struct stat *status)
{
    return (struct identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (uint64_t)status->st_size,
        .modified = status->st_mtim,
        .changed = status->st_ctim,
    };
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The time of change counts, so that a write whose time stamp was set back is seen all the same. */
bool identity_equal(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

/* Renaming or unlinking a file changes its ctime but not what it holds, and a file replaced by
 * rename is sent whole as it was: while it is being sent, size and mtime decide. */
bool file_intact(const struct file *file)
{
    struct stat status;
    if (file->fd < 0) {
        return true;
    }
    return status_of(file->fd, &status) && (uint64_t)status.st_size == file->size &&
           same_time(status.st_mtim, file->identity.modified);
}
