/* A struct file made of what was opened: its content as far as it is held, what it is known by, and
 * the head that every reply with it begins with. Reading may wait for a disk. */
#pragma once

#include "server/store/file.h"

enum {
    DIGEST_MOST = 4 << 20, /* bytes of a file whose entity tag tells what it holds */
};

struct making {
    struct bytes path;     /* under which it is asked for */
    struct bytes type;     /* its media type */
    enum coding coding;    /* of its content */
    unsigned siblings;     /* see struct file */
    struct bytes fields;   /* whole lines that every head of a file carries */
    struct closer *closer; /* of a file that is slow to close; NULL: whoever lets go of it */
    uint64_t in_memory;    /* content up to this size is held in memory and sent from there */
};

/* Makes *file of an open regular file. Takes `fd`; *status is what fstat(2) said of it. 0 or
 * -errno. Any thread. */
int file_make(const struct making *making, int fd, struct stat *status, struct file **file);

/* Makes *file of a page written just now, which is copied: it has no date, and an entity tag of
 * what it says. Whether it still holds is not for its identity to tell. 0 or -ENOMEM. Any thread.
 */
int file_make_page(const struct making *making, struct bytes page, struct file **file);
