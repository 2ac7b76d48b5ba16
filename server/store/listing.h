/* What a folder holds, as a page to be read. */
#pragma once

#include "lib/http/bytes.h"
#include "server/store/beneath.h"

enum {
    LISTING_ENTRIES = 5000,  /* files and folders in one page */
    LISTING_READ = 20000,    /* names looked at for it */
    LISTING_BYTES = 1 << 20, /* of a page, but for its last lines */
};

struct listing {
    const struct beneath *beneath;
    struct bytes path; /* of the folder, "" or with a slash at its end; followed by a NUL */
    bool dotfiles;     /* names that begin with a dot are named, too */
};

/* Writes a page in HTML: folders before files, each kind by name, with sizes and dates. It names
 * only what would be served: regular files and folders that may be read and lie beneath the
 * docroot. When there is more than one page takes, it says so. Outcome: 0 and *page, whose memory
 * is the caller's to free; or -errno. Reads the folder and the state of each entry, which may wait
 * for a disk. Any thread. */
int listing_write(const struct listing *listing, struct bytes *page);
