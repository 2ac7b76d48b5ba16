#include "server/store/file.h"

#include <stdlib.h>
#include <unistd.h>

void file_release(struct file *file)
{
    if (file == NULL || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    free(file);
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
    return fstat(file->fd, &status) == 0 && (uint64_t)status.st_size == file->size &&
           same_time(status.st_mtim, file->identity.modified);
}
