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

struct file {
    atomic_uint references;
    int fd; /* of content that is sent from the file system; -1: `content` has it all */
    struct bytes content; /* of a small file; at is NULL when it is sent from `fd` */
    uint64_t size;
    struct identity identity;
    bool racy; /* changed so shortly before it was read that its identity proves nothing */

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
    struct file *next;          /* in its bucket */
    struct file *newer, *older; /* by last use */

    char text[]; /* path, head, content */
};

static inline struct file *file_hold(struct file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

/* Lets go of one reference; the last one closes and frees. NULL is fine. Any thread. */
void file_release(struct file *file);

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
