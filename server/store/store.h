/* The file store: the only room that opens content.
 *
 * Everything is opened beneath one folder with openat2(RESOLVE_BENEATH), so that no request leaves
 * it by dots, links or races; only regular files are served, and opening never waits for the other
 * end of a FIFO. Opening and reading may wait for a disk: an event loop has it done by a helper. */
#pragma once

#include "server/store/cache.h"
#include "server/store/file.h"

struct store;

struct store_options {
    const char *docroot;
    struct bytes fields; /* whole lines that every head carries: Server, --response-header ... */
    bool dotfiles;       /* a listing names what begins with a dot, too */
    uint64_t in_memory;  /* files up to this size are held in memory and sent from there */
};

/* Opens the docroot. NULL after log_error() names what was wrong. */
struct store *store_create(const struct store_options *options);
void store_destroy(struct store *store);

/* The docroot: a descriptor that stays the store's, open as O_PATH. */
int store_root(const struct store *store);

/* From now on files whose close(2) may wait are given to `closer`; it outlives them. Before the
 * first fetch. */
void store_close_by(struct store *store, struct closer *closer);

enum fetch_came {
    FETCH_FILE,      /* fetch->file, with a reference for the caller; a listing, too */
    FETCH_FOLDER,    /* the path is a folder */
    FETCH_ABSENT,    /* nothing there, nothing that may be served, or a way out of the docroot */
    FETCH_FORBIDDEN, /* the file system does not let us read it */
    FETCH_BUSY,      /* out of descriptors or memory: it may work in a moment */
    FETCH_FAILED,    /* the file system failed */
};

/* One path to be looked up. */
struct fetch {
    struct bytes path; /* beneath the docroot, without a leading slash, followed by a NUL */
    bool warm_only;    /* take it from memory or not at all */
    bool listing; /* the path is a folder's, "" or with a slash at its end: list what it holds */
    enum coding coding; /* the sibling in that coding is asked for, which the path does not name */

    enum fetch_came came;
    struct file *file;
    bool recalled; /* it was in memory */
    /* between fetch_recall, fetch_open and fetch_keep */
    uint64_t begun_ns;
    struct file *known; /* what the cache held, to be compared; a reference */
    bool near;          /* stay on the docroot's own file system ... */
    bool strayed;       /* ... which the path has led away from */
};

/* Looks in memory only. True: fetch->came and fetch->file are set, with an identity not older than
 * `trust_ns`. False: fetch_open() has to be asked, then fetch_keep(). Never waits for a disk. */
bool fetch_recall(struct fetch *fetch, struct cache *cache, uint64_t trust_ns, uint64_t now_ns);

/* After fetch_recall() said false: whether fetch_open_promptly() may be asked, because the file
 * known so far lies on a disk, or none is known and the docroot lies on one. */
bool fetch_is_prompt(const struct fetch *fetch, const struct store *store);

/* Like fetch_open(), but waits for a disk at the most. False: the path leads to another file system
 * than the docroot's, which was not touched, and fetch_open() has to be asked. */
bool fetch_open_promptly(struct fetch *fetch, const struct store *store);

/* Asks the file system. Sets fetch->came and fetch->file. May block. Any thread; touches no cache.
 */
void fetch_open(struct fetch *fetch, const struct store *store);

/* Puts what fetch_open() found into the cache. Never waits for a disk. */
void fetch_keep(struct fetch *fetch, struct cache *cache);

/* Ends a fetch that will not be opened after fetch_recall() said false. */
void fetch_forget(struct fetch *fetch, struct cache *cache);
