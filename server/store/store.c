#include "server/store/store.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/http/date.h"
#include "lib/http/response.h"
#include "server/store/types.h"

#include <assert.h>
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
};

/* A file system stamps changes with the kernel's tick, 10 ms at the coarsest, some with a second:
 * within this time of a change a further one may leave the time stamp as it is. */
#define STAMP_GRAIN_NS (1 * NS_PER_S + 20 * NS_PER_MS)

/* A rename somewhere in the path while it is walked makes the kernel ask for another try. */
enum {
    OPEN_TRIES = 64,
    READ_TRIES = 4
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

static bool is_racy(const struct identity *identity)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (identity->modified.tv_sec > now.tv_sec) {
        return true; /* a clock that runs ahead says nothing */
    }
    if (identity->modified.tv_sec < now.tv_sec - 2) {
        return false;
    }
    int64_t age_s = (int64_t)(now.tv_sec - identity->modified.tv_sec);
    int64_t age_ns = age_s * (int64_t)NS_PER_S + (now.tv_nsec - identity->modified.tv_nsec);
    return age_ns < (int64_t)STAMP_GRAIN_NS;
}

/* Reads all of a small file into `to`. 1: as many bytes as it said; 0: another number; -errno. */
static int read_whole(int fd, char *to, uint64_t size)
{
    uint64_t have = 0;
    while (have < size) {
        ssize_t got = pread(fd, to + have, size - have, (off_t)have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : 0;
        }
        have += (uint64_t)got;
    }
    return 1;
}

/* FNV-1a. Not a defence: it tells two states of one small file apart that bear the same time stamp.
 */
static uint64_t digest(struct bytes content)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < content.len; i++) {
        hash = (hash ^ (unsigned char)content.at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* A strong entity tag (RFC 9110 8.8.3): size and time of the last change, and for a file in memory
 * what it holds. */
static size_t write_etag(char *to, size_t room, const struct file *file)
{
    const struct identity *identity = &file->identity;
    uint64_t modified_ns =
        (uint64_t)identity->modified.tv_sec * NS_PER_S + (uint64_t)identity->modified.tv_nsec;
    int len =
        file->content.at != NULL
            ? snprintf(to, room, "\"%jx-%jx-%jx\"", (uintmax_t)file->size, (uintmax_t)modified_ns,
                       (uintmax_t)digest(file->content))
            : snprintf(to, room, "\"%jx-%jx\"", (uintmax_t)file->size, (uintmax_t)modified_ns);
    return (size_t)len;
}

/* Never later than now (RFC 9110 8.8.2.1). */
static int64_t last_modified(const struct identity *identity)
{
    int64_t now = clock_wall_s();
    return identity->modified.tv_sec > now ? now : identity->modified.tv_sec;
}

static size_t head_room(const struct store *store)
{
    return 512 + store->fields_len;
}

/* Builds the head once for all replies to come, and moves the content up to it, so that both leave
 * as one piece of memory. */
static void describe(struct file *file, const struct store *store, char *room)
{
    char etag[80];
    char date[DATE_SIZE];
    struct head head = {room, head_room(store), 0};
    size_t etag_len = write_etag(etag, sizeof(etag), file);
    file->validators.exists = true;
    file->validators.last_modified = last_modified(&file->identity);
    date_write(date, file->validators.last_modified);

    head_field_number(&head, BYTES("Content-Length"), file->size);
    size_t type_at = head.len;
    head_field(&head, BYTES("Content-Type"), types_of(store->types, file->path));
    size_t fields_at = head.len;
    head_field(&head, BYTES("Accept-Ranges"), BYTES("bytes"));
    head_field(&head, BYTES("Last-Modified"), (struct bytes){date, sizeof(date)});
    size_t shared_at = head.len;
    size_t etag_at = head.len + strlen("ETag: ");
    head_field(&head, BYTES("ETag"), (struct bytes){etag, etag_len});
    head_text(&head, (struct bytes){store->fields, store->fields_len});
    file->type = (struct bytes){room + type_at, fields_at - type_at};
    file->fields = (struct bytes){room + fields_at, head.len - fields_at};
    file->shared = (struct bytes){room + shared_at, head.len - shared_at};
    head_end(&head);
    assert(!head_overflowed(&head));
    file->head = head_bytes(&head);
    file->validators.etag = (struct bytes){room + etag_at, etag_len};
    if (file->content.at != NULL) {
        memmove(room + head.len, file->content.at, file->content.len);
        file->content.at = room + head.len;
    }
}

/* One allocation holds the struct, the path, the head and a small file's content. */
static struct file *file_create(const struct store *store, struct bytes path, uint64_t in_memory)
{
    struct file *file = malloc(sizeof(*file) + path.len + 1 + head_room(store) + (size_t)in_memory);
    if (file == NULL) {
        return NULL;
    }
    memset(file, 0, sizeof(*file));
    atomic_init(&file->references, 1);
    file->fd = -1;
    file->path = (struct bytes){file->text, path.len};
    memcpy(file->text, path.at, path.len);
    file->text[path.len] = '\0';
    return file;
}

/* Reads a small file so that what is held is one state of it, not a mixture of two: its identity is
 * the same before and after. False when it changes faster than that, or grows too large. */
static int read_steady(struct file *file, int fd, char *content, struct stat *status)
{
    for (int tries = 0; tries < READ_TRIES; tries++) {
        struct identity before = identity_of(status);
        int read = read_whole(fd, content, before.size);
        if (read < 0) {
            return read;
        }
        if (fstat(fd, status) < 0) {
            return -errno;
        }
        struct identity after = identity_of(status);
        if (read == 1 && identity_equal(&before, &after)) {
            file->content = (struct bytes){content, (size_t)before.size};
            return 1;
        }
        if (after.size > before.size) {
            return 0; /* it grows: no room here for more */
        }
    }
    return 0;
}

/* Makes the file object for an open regular file. Takes `fd`. */
static enum fetch_came make_file(struct fetch *fetch, const struct store *store, int fd,
                                 struct stat *status)
{
    uint64_t size = (uint64_t)status->st_size;
    bool small = size <= store->in_memory;
    struct file *file = file_create(store, fetch->path, small ? size : 0);
    if (file == NULL) {
        close(fd);
        return FETCH_BUSY;
    }
    char *head = file->text + fetch->path.len + 1;
    file->fd = fd;
    if (small) {
        int steady = read_steady(file, fd, head + head_room(store), status);
        if (steady < 0) {
            file_release(file);
            return came_of_errno(store, fetch->path.at, -steady);
        }
        if (steady == 1) {
            close(fd);
            file->fd = -1;
        }
    }
    file->identity = identity_of(status);
    file->size = file->identity.size;
    file->racy = is_racy(&file->identity);
    describe(file, store, head);
    fetch->file = file;
    return FETCH_FILE;
}

static enum fetch_came open_path(struct fetch *fetch, const struct store *store)
{
    struct stat status;
    int fd = open_beneath(store, fetch->path.len > 0 ? fetch->path.at : ".",
                          O_RDONLY | O_NONBLOCK | O_NOCTTY);
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
    if (fetch->known != NULL && !fetch->known->racy &&
        identity_equal(&identity, &fetch->known->identity)) {
        close(fd);
        fetch->file = file_hold(fetch->known);
        return FETCH_FILE;
    }
    return make_file(fetch, store, fd, &status);
}

bool fetch_recall(struct fetch *fetch, struct cache *cache, uint64_t trust_ns, uint64_t now_ns)
{
    fetch->known = NULL;
    fetch->file = NULL;
    fetch->recalled = false;
    fetch->begun_ns = now_ns;
    struct file *file = NULL;
    switch (cache_find(cache, fetch->path, trust_ns, now_ns, &file)) {
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
