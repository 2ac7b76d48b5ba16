#include "server/store/store.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/store/make.h"
#include "server/store/types.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct store {
    int root;     /* O_PATH descriptor of the docroot */
    bool by_hand; /* the kernel, or what stands between, has no openat2 */
    char *docroot;
    char *fields;
    size_t fields_len;
    uint64_t in_memory;
    struct types *types;
    struct closer *closer; /* of files that are slow to close; NULL: whoever lets go of them */
};

/* A rename somewhere in the path while it is walked makes the kernel ask for another try. */
enum {
    OPEN_TRIES = 64,
    OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY,
};

static int open_kernel(int root, const char *path, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return fd >= 0 ? (int)fd : -errno;
}

/* Opens one name, and nothing that it may be a link or a way up to. */
static int open_name(int folder, const char *name, int flags)
{
    if (strcmp(name, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    return openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC);
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

static int open_beneath(const struct store *store, const char *path, uint64_t flags)
{
    return store->by_hand ? open_by_hand(store->root, path, flags)
                          : open_kernel(store->root, path, flags);
}

static bool open_docroot(struct store *store)
{
    store->root = open(store->docroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (store->root < 0) {
        log_error("%s: cannot be served: %s", store->docroot, strerror(errno));
        return false;
    }
    int probe = open_beneath(store, ".", O_RDONLY | O_DIRECTORY);
    if (probe == -ENOSYS || probe == -EPERM) {
        log_warn("%s: openat2 is not to be had here (%s): symbolic links are not followed",
                 store->docroot, strerror(-probe));
        store->by_hand = true;
        probe = open_beneath(store, ".", O_RDONLY | O_DIRECTORY);
    }
    if (probe < 0) {
        log_error("%s: cannot be read: %s", store->docroot, strerror(-probe));
        return false;
    }
    close(probe);
    return true;
}

struct store *store_create(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        log_error("%s: out of memory", options->docroot);
        return NULL;
    }
    store->root = -1;
    store->in_memory = options->in_memory;
    store->docroot = strdup(options->docroot);
    store->fields_len = options->fields.len;
    store->fields = malloc(options->fields.len + 1);
    store->types = types_create("/etc/mime.types");
    if (store->docroot == NULL || store->fields == NULL || store->types == NULL) {
        log_error("%s: out of memory", options->docroot);
        goto destroy;
    }
    memcpy(store->fields, options->fields.at, options->fields.len);
    if (!open_docroot(store)) {
        goto destroy;
    }
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
    if (store->root >= 0) {
        close(store->root);
    }
    types_destroy(store->types);
    free(store->docroot);
    free(store->fields);
    free(store);
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

static bool has_sibling(const struct store *store, struct bytes path, enum coding coding,
                        const struct stat *status)
{
    struct stat sibling;
    char *whole = sibling_path(path, coding);
    int fd = whole != NULL ? open_beneath(store, whole, O_PATH) : -1;
    bool has = fd >= 0 && fstat(fd, &sibling) == 0 && S_ISREG(sibling.st_mode) &&
               !is_older(sibling.st_mtim, status->st_mtim);
    if (fd >= 0) {
        close(fd);
    }
    free(whole);
    return has;
}

/* In which codings a file is stored besides. */
static unsigned siblings_of(const struct store *store, const struct fetch *fetch,
                            const struct stat *status)
{
    unsigned siblings = 0;
    for (int i = CODING_NONE + 1; fetch->coding == CODING_NONE && i < CODING_COUNT; i++) {
        siblings |= (unsigned)has_sibling(store, fetch->path, (enum coding)i, status) << i;
    }
    return siblings;
}

/* Opens what is asked for: a descriptor, or -errno. */
static int open_asked(const struct store *store, const struct fetch *fetch)
{
    if (fetch->coding == CODING_NONE) {
        return open_beneath(store, fetch->path.len > 0 ? fetch->path.at : ".", OPEN_FLAGS);
    }
    char *path = sibling_path(fetch->path, fetch->coding);
    int fd = path != NULL ? open_beneath(store, path, OPEN_FLAGS) : -ENOMEM;
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

static enum fetch_came open_path(struct fetch *fetch, const struct store *store)
{
    struct stat status;
    int fd = open_asked(store, fetch);
    if (fd < 0) {
        return came_of_errno(store, fetch->path.at, -fd);
    }
    if (fstat(fd, &status) < 0) {
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
    fetch->recalled = false;
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

bool fetch_is_prompt(const struct fetch *fetch)
{
    return fetch->known != NULL && fetch->known->pace != PACE_SLOW;
}

void fetch_open(struct fetch *fetch, const struct store *store)
{
    fetch->file = NULL;
    fetch->came = open_path(fetch, store);
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
