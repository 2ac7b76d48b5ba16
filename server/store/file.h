/* One file as it was found: what is sent of it, and what it is known by.
 *
 * A file never changes once made. When its path leads to something else, or to the same file with
 * other content, another `struct file` takes its place in the cache, and replies that already send
 * this one go on with it. */
#pragma once

#include "lib/http/coding.h"
#include "lib/http/condition.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

/* What the file system tells content apart by. */
struct identity {
    dev_t device;
    ino_t inode;
    uint64_t size;
    struct timespec modified;
    struct timespec changed;
};

/* How long the file system that a file lies on may keep one waiting. */
enum pace {
    PACE_MEMORY, /* it lies in memory (tmpfs): nothing is waited for */
    PACE_DISK,   /* the kernel tells (RWF_NOWAIT) whether content has to be waited for, and waits
                    for nothing else once a file is open */
    PACE_SLOW,   /* any call may wait for another machine or another program (NFS, FUSE) */
};

/* Content that was seen to be in memory: the unit of that number, until then. */
struct proof {
    uint64_t unit;
    uint64_t until_ns;
};

enum {
    PROOF_UNIT = 256 * 1024,
    PROOFS_MOST = 256, /* of one file; a larger one's units take turns */
};
#define PROOF_NS UINT64_C(1000000000)

struct file;

/* Closes files for those who must not wait for it. */
struct closer {
    /* Takes the file, which nobody refers to any more. Never blocks. Any thread. */
    void (*take)(struct closer *closer, struct file *file);
};

struct file {
    atomic_uint references;
    int fd; /* of content that is sent from the file system; -1: `content` has it all */
    enum pace pace;
    struct closer *closer; /* of `fd`; NULL: whoever lets go of it last */
    struct bytes content;  /* of a small file; at is NULL when it is sent from `fd` */
    uint64_t size;
    struct identity identity;
    bool racy; /* changed so shortly before it was read that its identity proves nothing */
    struct proof *proof; /* load.c's, of what is sent from `fd` on a disk */
    size_t proofs;

    enum coding
        coding;        /* of the content: a stored sibling of its path, e.g. with ".gz" behind it */
    unsigned siblings; /* of a file without one: in which codings it is stored besides, and these
                          are not older (bit per enum coding) */

    struct validators validators; /* RFC 9110 8.8 */
    struct bytes head; /* what follows the fields of the moment in a 200 reply: its other fields and
                          the empty line; the content in memory lies directly behind */
    struct bytes type; /* of those, Content-Type: a part of several carries it (RFC 9110 15.3.7.2)*/
    struct bytes fields; /* of those, the others that a 206 carries too */
    struct bytes shared; /* of those, the ones that a 304 carries too (RFC 9110 15.4.5) */

    /* The cache's: guarded by its lock. */
    struct bytes path;
    uint64_t hash;
    uint64_t checked_ns; /* its identity held at this moment */
    bool cached;
    bool refreshing;            /* somebody is out asking for its identity */
    struct file *next;          /* in its bucket; of those to be closed */
    struct file *newer, *older; /* by last use */

    char text[]; /* path, head, content or proofs */
};

static inline struct file *file_hold(struct file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

/* Lets go of one reference; with the last one it is closed and freed, or its closer has it. NULL is
 * fine. Any thread. */
void file_release(struct file *file);

/* Closes and frees a file that nobody refers to any more. May block. */
void file_destroy(struct file *file);

/* Finds out the pace of an open regular file. May block. */
enum pace pace_of(int fd);

/* Whether any call on that file system may wait for another machine or another program. */
bool pace_is_slow(int fd);

/* Whether which representation is sent hangs on Accept-Encoding: "Vary" says so (RFC 9110 12.5.5).
 */
static inline bool file_varies(const struct file *file)
{
    return file->coding != CODING_NONE || file->siblings != 0;
}

/* Takes the identity from what fstat(2) said. */
struct identity identity_of(const struct stat *status);
bool identity_equal(const struct identity *a, const struct identity *b);

/* Whether a file that is sent from its descriptor still has the content it was found with, as far
 * as the file system can tell. One fstat(2). Always true of content in memory. */
bool file_intact(const struct file *file);
