#include "server/store/store.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/store/beneath.h"
#include "server/store/listing.h"
#include "server/store/make.h"
#include "server/store/status.h"
#include "server/store/types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct store {
    struct beneath beneath; /* the docroot */
    dev_t device;           /* it lies on */
    bool prompt;            /* and what it lies on never waits for more than a disk */
    char *docroot;
    char *fields;
    size_t fields_len;
    uint64_t in_memory;
    bool dotfiles;
    struct types *types;
    struct closer *closer; /* of files that are slow to close; NULL: whoever lets go of them */
};

enum {
    OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY,
};

static void find_pace(struct store *store)
{
    struct stat status;
    store->prompt = !store->beneath.by_hand && !pace_is_slow(store->beneath.root) &&
                    status_of(store->beneath.root, &status);
    store->device = store->prompt ? status.st_dev : 0;
}

struct store *store_create(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        log_error("%s: out of memory", options->docroot);
        return NULL;
    }
    store->beneath.root = -1;
    store->in_memory = options->in_memory;
    store->dotfiles = options->dotfiles;
    store->docroot = strdup(options->docroot);
    store->fields_len = options->fields.len;
    store->fields = malloc(options->fields.len + 1);
    store->types = types_create("/etc/mime.types");
    if (store->docroot == NULL || store->fields == NULL || store->types == NULL) {
        log_error("%s: out of memory", options->docroot);
        goto destroy;
    }
    if (options->fields.len > 0) {
        memcpy(store->fields, options->fields.at, options->fields.len);
    }
    if (beneath_init(&store->beneath, store->docroot) < 0) {
        goto destroy;
    }
    find_pace(store);
    return store;
destroy:
    store_destroy(store);
    return NULL;
}

void store_destroy(struct store *store)
{
    if (store == NULL) {
        return;
    }
    beneath_finish(&store->beneath);
    types_destroy(store->types);
    free(store->docroot);
    free(store->fields);
    free(store);
}

int store_root(const struct store *store)
{
    return store->beneath.root;
}

void store_close_by(struct store *store, struct closer *closer)
{
    store->closer = closer;
}

/* The one place where errno becomes what a request is told. */
static enum fetch_came came_of_errno(const struct store *store, const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case ENXIO:
    case ENODEV:
    case EINVAL: /* a name that this file system cannot have */
        return FETCH_ABSENT;
    case EXDEV:
        log_warn("%s/%s: a link leads out of the docroot; answered as if nothing were there",
                 store->docroot, path);
        return FETCH_ABSENT;
    case EACCES:
    case EPERM:
        return FETCH_FORBIDDEN;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return FETCH_BUSY;
    default:
        log_error("%s/%s: %s", store->docroot, path, strerror(error));
        return FETCH_FAILED;
    }
}

/* A stored coding is no longer one of what was changed since. Tools that pack a file date it like
 * the file itself, some without the fraction of the second. */
static bool is_older(struct timespec sibling, struct timespec file)
{
    long grain_ns = sibling.tv_nsec == 0 ? (long)NS_PER_S : sibling.tv_nsec % 1000 == 0 ? 1000 : 1;
    return sibling.tv_sec != file.tv_sec ? sibling.tv_sec < file.tv_sec
                                         : sibling.tv_nsec + grain_ns <= file.tv_nsec;
}

/* The path of a sibling, to be freed; NULL when out of memory. */
static char *sibling_path(struct bytes path, enum coding coding)
{
    static const char *const endings[CODING_COUNT] = {"", ".gz", ".br", ".zst"};
    char *whole;
    return asprintf(&whole, "%s%s", path.at, endings[coding]) < 0 ? NULL : whole;
}

/* A descriptor, or -errno. */
static int open_one(const struct store *store, struct fetch *fetch, const char *path,
                    uint64_t flags)
{
    if (!fetch->near) {
        return beneath_open(&store->beneath, path, flags);
    }
    int fd = beneath_open_near(&store->beneath, path, flags);
    fetch->strayed = fetch->strayed || fd == -EXDEV;
    return fd;
}

static bool has_sibling(const struct store *store, struct fetch *fetch, enum coding coding,
                        const struct stat *status)
{
    struct stat sibling;
    char *whole = sibling_path(fetch->path, coding);
    int fd = whole != NULL ? open_one(store, fetch, whole, O_PATH) : -1;
    bool has = fd >= 0 && status_of(fd, &sibling) && S_ISREG(sibling.st_mode) &&
               !is_older(sibling.st_mtim, status->st_mtim);
    if (fd >= 0) {
        close(fd);
    }
    free(whole);
    return has;
}

/* In which codings a file is stored besides. */
static unsigned siblings_of(const struct store *store, struct fetch *fetch,
                            const struct stat *status)
{
    unsigned siblings = 0;
    for (int i = CODING_NONE + 1; fetch->coding == CODING_NONE && i < CODING_COUNT; i++) {
        siblings |= (unsigned)has_sibling(store, fetch, (enum coding)i, status) << i;
    }
    return siblings;
}

/* Opens what is asked for: a descriptor, or -errno. */
static int open_asked(const struct store *store, struct fetch *fetch)
{
    if (fetch->coding == CODING_NONE) {
        return open_one(store, fetch, fetch->path.at, OPEN_FLAGS);
    }
    char *path = sibling_path(fetch->path, fetch->coding);
    int fd = path != NULL ? open_one(store, fetch, path, OPEN_FLAGS) : -ENOMEM;
    free(path);
    return fd;
}

/* Makes the file object for an open regular file. Takes `fd`. */
static enum fetch_came make_file(struct fetch *fetch, const struct store *store, unsigned siblings,
                                 int fd, struct stat *status)
{
    struct making making = {
        .path = fetch->path,
        .type = types_of(store->types, fetch->path),
        .coding = fetch->coding,
        .siblings = siblings,
        .fields = {store->fields, store->fields_len},
        .closer = store->closer,
        .in_memory = store->in_memory,
    };
    int error = file_make(&making, fd, status, &fetch->file);
    return error == 0 ? FETCH_FILE : came_of_errno(store, fetch->path.at, -error);
}

/* Whoever asks anew for what has stayed the same gets the same. */
static bool is_known(const struct fetch *fetch, struct bytes page)
{
    return fetch->known != NULL && bytes_equal(fetch->known->content, page);
}

/* What a folder holds is read again whenever it is asked for: no time stamp of its own tells that
 * an entry has grown. */
static enum fetch_came list_folder(struct fetch *fetch, const struct store *store)
{
    struct listing listing = {&store->beneath, fetch->path, store->dotfiles};
    struct bytes page;
    int error = listing_write(&listing, &page);
    if (error == 0 && is_known(fetch, page)) {
        fetch->file = file_hold(fetch->known);
        free((char *)(uintptr_t)page.at);
    } else if (error == 0) {
        struct making making = {
            .path = fetch->path,
            .type = BYTES("text/html; charset=utf-8"),
            .fields = {store->fields, store->fields_len},
        };
        error = file_make_page(&making, page, &fetch->file);
        free((char *)(uintptr_t)page.at);
    }
    return error == 0 ? FETCH_FILE : came_of_errno(store, fetch->path.at, -error);
}

static enum fetch_came open_path(struct fetch *fetch, const struct store *store)
{
    struct stat status;
    int fd = open_asked(store, fetch);
    if (fetch->strayed) {
        return FETCH_ABSENT; /* as far as can be said */
    }
    if (fd < 0) {
        return came_of_errno(store, fetch->path.at, -fd);
    }
    if (!status_of(fd, &status)) {
        int error = errno;
        close(fd);
        return came_of_errno(store, fetch->path.at, error);
    }
    if (!S_ISREG(status.st_mode)) {
        close(fd);
        return S_ISDIR(status.st_mode) ? FETCH_FOLDER : FETCH_ABSENT;
    }
    struct identity identity = identity_of(&status);
    unsigned siblings = siblings_of(store, fetch, &status);
    if (fetch->strayed) {
        close(fd);
        return FETCH_ABSENT;
    }
    if (fetch->known != NULL && !fetch->known->racy && fetch->known->siblings == siblings &&
        identity_equal(&identity, &fetch->known->identity)) {
        close(fd);
        fetch->file = file_hold(fetch->known);
        return FETCH_FILE;
    }
    return make_file(fetch, store, siblings, fd, &status);
}

bool fetch_recall(struct fetch *fetch, struct cache *cache, uint64_t trust_ns, uint64_t now_ns)
{
    fetch->known = NULL;
    fetch->file = NULL;
    fetch->recalled = fetch->near = fetch->strayed = false;
    fetch->begun_ns = now_ns;
    struct file *file = NULL;
    switch (cache_find(cache, fetch->path, fetch->coding, trust_ns, now_ns, &file)) {
    case CACHE_FRESH:
        fetch->came = FETCH_FILE;
        fetch->file = file;
        fetch->recalled = true;
        return true;
    case CACHE_STALE:
        fetch->known = file;
        return false;
    case CACHE_MISS:
        break;
    }
    return false;
}

/* The entries of a folder may lie anywhere. */
bool fetch_is_prompt(const struct fetch *fetch, const struct store *store)
{
    return fetch->known != NULL ? fetch->known->pace != PACE_SLOW
                                : store->prompt && !fetch->listing;
}

/* Whatever is mounted within the docroot may be slow, unless what is known to lie there is not. */
bool fetch_open_promptly(struct fetch *fetch, const struct store *store)
{
    fetch->near =
        store->prompt && (fetch->known == NULL || fetch->known->identity.device == store->device);
    fetch_open(fetch, store);
    bool strayed = fetch->strayed;
    fetch->near = fetch->strayed = false;
    return !strayed;
}

void fetch_open(struct fetch *fetch, const struct store *store)
{
    fetch->file = NULL;
    fetch->came = fetch->listing ? list_folder(fetch, store) : open_path(fetch, store);
}

void fetch_keep(struct fetch *fetch, struct cache *cache)
{
    struct file *known = fetch->known;
    fetch->known = NULL;
    if (fetch->came == FETCH_FILE && fetch->file == known) {
        cache_renew(cache, known, fetch->begun_ns);
    } else if (fetch->came == FETCH_FILE) {
        cache_put(cache, fetch->file, fetch->begun_ns);
    } else if (known != NULL && fetch->came == FETCH_BUSY) {
        cache_abandon(cache, known);
    } else if (known != NULL) {
        cache_remove(cache, known);
    }
    file_release(known);
}

void fetch_forget(struct fetch *fetch, struct cache *cache)
{
    if (fetch->known != NULL) {
        cache_abandon(cache, fetch->known);
        file_release(fetch->known);
        fetch->known = NULL;
    }
}
