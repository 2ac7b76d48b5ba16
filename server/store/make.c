#include "server/store/make.h"

#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/http/date.h"
#include "lib/http/response.h"
#include "server/store/status.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How much earlier than now a time stamp has to be to prove that nothing changed since: within its
 * grain a further change may leave it as it is. A file system stamps changes with the kernel's
 * tick, 10 ms at the coarsest; some with one second, and then the fraction is missing, or with two.
 * A time of modification that somebody has set says nothing of its grain. */
#define TICK_NS (20 * NS_PER_MS)
#define MODIFIED_GRAIN_NS (1 * NS_PER_S + TICK_NS)
#define SECONDS_GRAIN_NS (2 * NS_PER_S + TICK_NS)

enum {
    READ_TRIES = 4,
    BUFFER = 64 * 1024,
};

/* --- how far its identity can be trusted ------------------------------------------------------ */

static bool is_recent(struct timespec stamp, uint64_t grain_ns, struct timespec now)
{
    if (stamp.tv_sec > now.tv_sec) {
        return true; /* a clock that runs ahead says nothing */
    }
    if (stamp.tv_sec < now.tv_sec - 3) {
        return false;
    }
    int64_t age_s = (int64_t)(now.tv_sec - stamp.tv_sec);
    int64_t age_ns = age_s * (int64_t)NS_PER_S + (now.tv_nsec - stamp.tv_nsec);
    return age_ns < (int64_t)grain_ns;
}

/* `now` is before the content was read. */
static bool is_racy(const struct identity *identity, struct timespec now)
{
    uint64_t grain_ns = identity->changed.tv_nsec == 0 ? SECONDS_GRAIN_NS : TICK_NS;
    return is_recent(identity->changed, grain_ns, now) ||
           is_recent(identity->modified, MODIFIED_GRAIN_NS, now);
}

/* --- its content ------------------------------------------------------------------------------ */

/* What a file holds, read once from its beginning to its end. */
struct reading {
    char *to;
    size_t room; /* for all of it, or else what comes takes the place of what came before */
    struct digest digest;
};

/* 1: as many bytes as it said; 0: another number; -errno. */
static int read_whole(struct reading *reading, int fd, uint64_t size)
{
    bool keeps = reading->room >= size;
    uint64_t have = 0;
    digest_init(&reading->digest);
    while (have < size) {
        uint64_t left = size - have;
        char *to = keeps ? reading->to + have : reading->to;
        ssize_t got =
            pread(fd, to, keeps || left < reading->room ? left : reading->room, (off_t)have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : 0;
        }
        digest_add(&reading->digest, to, (size_t)got);
        have += (uint64_t)got;
    }
    return 1;
}

/* Reads a file so that what was read is one state of it, not a mixture of two: its identity is the
 * same before and after. 0 when it changes faster than that, or grows beyond `most`. */
static int read_steady(struct reading *reading, int fd, struct stat *status, uint64_t most)
{
    for (int tries = 0; tries < READ_TRIES; tries++) {
        struct identity before = identity_of(status);
        if (before.size > most) {
            return 0;
        }
        int read = read_whole(reading, fd, before.size);
        if (read < 0) {
            return read;
        }
        if (!status_of(fd, status)) {
            return -errno;
        }
        struct identity after = identity_of(status);
        if (read == 1 && identity_equal(&before, &after)) {
            return 1;
        }
    }
    return 0;
}

/* A small file is held: its descriptor is not needed any more. */
static int take_content(struct file *file, char *room, struct stat *status, uint64_t *digest)
{
    struct reading reading = {.to = room, .room = (size_t)status->st_size};
    int steady = read_steady(&reading, file->fd, status, reading.room);
    if (steady == 1) {
        file->content = (struct bytes){room, (size_t)status->st_size};
        *digest = digest_end(&reading.digest);
        close(file->fd);
        file->fd = -1;
    }
    return steady;
}

static int take_digest(const struct file *file, struct stat *status, uint64_t *digest)
{
    if ((uint64_t)status->st_size > DIGEST_MOST) {
        return 0;
    }
    struct reading reading = {.to = malloc(BUFFER), .room = BUFFER};
    if (reading.to == NULL) {
        return -ENOMEM;
    }
    int steady = read_steady(&reading, file->fd, status, DIGEST_MOST);
    if (steady == 1) {
        *digest = digest_end(&reading.digest);
    }
    free(reading.to);
    return steady;
}

/* --- what is said of it ----------------------------------------------------------------------- */

static uint64_t stamp_ns(struct timespec stamp)
{
    return (uint64_t)stamp.tv_sec * NS_PER_S + (uint64_t)stamp.tv_nsec;
}

/* An entity tag (RFC 9110 8.8.3): size, time of modification, what the file holds, and its coding
 * (8.8.3.3). Where that
 * was not read, the time of its last change of any kind, which nobody can set, stands for it; and
 * while that proves nothing yet the tag is weak (8.8.1). Of one file every core says the same. */
static size_t write_etag(char *to, size_t room, const struct file *file, const uint64_t *digest)
{
    const struct identity *identity = &file->identity;
    bool coded = file->coding != CODING_NONE;
    int len = snprintf(to, room, "\"%jx-%jx-%s%jx%s%s\"", (uintmax_t)file->size,
                       (uintmax_t)stamp_ns(identity->modified), digest != NULL ? "" : "c",
                       (uintmax_t)(digest != NULL ? *digest : stamp_ns(identity->changed)),
                       coded ? "-" : "", coded ? coding_name(file->coding).at : "");
    return (size_t)len;
}

/* Never later than now (RFC 9110 8.8.2.1). */
static int64_t last_modified(const struct identity *identity)
{
    int64_t now = clock_wall_s();
    return identity->modified.tv_sec > now ? now : identity->modified.tv_sec;
}

static size_t head_room(const struct making *making)
{
    return 640 + making->fields.len;
}

static struct bytes write_etag_field(struct head *head, const struct file *file,
                                     const uint64_t *digest)
{
    char etag[80];
    size_t len = write_etag(etag, sizeof(etag), file, digest);
    head_text(head, file->validators.weak ? BYTES("ETag: W/") : BYTES("ETag: "));
    size_t at = head->len;
    head_text(head, (struct bytes){etag, len});
    head_end(head);
    return (struct bytes){head->at + at, len};
}

/* Builds the head once for all replies to come, and moves the content up to it, so that both leave
 * as one piece of memory. */
static void describe(struct file *file, const struct making *making, char *room,
                     const uint64_t *digest)
{
    char date[DATE_SIZE];
    struct head head = {room, head_room(making), 0};
    file->validators.exists = true;
    file->validators.weak = digest == NULL && file->racy;

    head_field_number(&head, BYTES("Content-Length"), file->size);
    size_t type_at = head.len;
    head_field(&head, BYTES("Content-Type"), making->type);
    size_t fields_at = head.len;
    if (file->coding != CODING_NONE) {
        head_field(&head, BYTES("Content-Encoding"), coding_name(file->coding));
    }
    head_field(&head, BYTES("Accept-Ranges"), BYTES("bytes"));
    if (!file->validators.undated) {
        file->validators.last_modified = last_modified(&file->identity);
        date_write(date, file->validators.last_modified);
        head_field(&head, BYTES("Last-Modified"), (struct bytes){date, sizeof(date)});
    }
    size_t shared_at = head.len;
    file->validators.etag = write_etag_field(&head, file, digest);
    if (file_varies(file)) {
        head_field(&head, BYTES("Vary"), BYTES("Accept-Encoding"));
    }
    head_text(&head, making->fields);
    file->type = (struct bytes){room + type_at, fields_at - type_at};
    file->fields = (struct bytes){room + fields_at, head.len - fields_at};
    file->shared = (struct bytes){room + shared_at, head.len - shared_at};
    head_end(&head);
    assert(!head_overflowed(&head));
    file->head = head_bytes(&head);
    if (file->content.at != NULL) {
        memmove(room + head.len, file->content.at, file->content.len);
        file->content.at = room + head.len;
    }
}

/* One allocation holds the struct, the path, the head and, of `tail` bytes, a small file's content
 * or a large one's proofs. */
static struct file *file_create(const struct making *making, size_t tail)
{
    struct bytes path = making->path;
    struct file *file = malloc(sizeof(*file) + path.len + 1 + head_room(making) + tail);
    if (file == NULL) {
        return NULL;
    }
    memset(file, 0, sizeof(*file));
    atomic_init(&file->references, 1);
    file->fd = -1;
    file->path = (struct bytes){file->text, path.len};
    memcpy(file->text, path.at, path.len);
    file->text[path.len] = '\0';
    file->coding = making->coding;
    file->siblings = making->siblings;
    return file;
}

static size_t proofs_of(uint64_t size)
{
    uint64_t units = (size + PROOF_UNIT - 1) / PROOF_UNIT;
    return units < PROOFS_MOST ? (size_t)units : PROOFS_MOST;
}

/* Nothing is proven yet. There is room for one more than there are, to align them. */
static void place_proofs(struct file *file, char *room, size_t proofs)
{
    size_t over = (uintptr_t)room % _Alignof(struct proof);
    file->proof = (struct proof *)(void *)(room + (over > 0 ? _Alignof(struct proof) - over : 0));
    file->proofs = proofs;
    memset(file->proof, 0, proofs * sizeof(struct proof));
}

int file_make_page(const struct making *making, struct bytes page, struct file **made)
{
    struct digest digest;
    struct file *file = file_create(making, page.len);
    if (file == NULL) {
        return -ENOMEM;
    }
    char *head = file->text + making->path.len + 1;
    char *content = head + head_room(making);
    digest_init(&digest);
    digest_add(&digest, page.at, page.len);
    memcpy(content, page.at, page.len);
    file->content = (struct bytes){content, page.len};
    file->size = page.len;
    file->racy = true;
    file->pace = PACE_SLOW; /* to write it anew may wait for anything */
    file->validators.undated = true;
    uint64_t all = digest_end(&digest);
    describe(file, making, head, &all);
    *made = file;
    return 0;
}

int file_make(const struct making *making, int fd, struct stat *status, struct file **made)
{
    uint64_t size = (uint64_t)status->st_size;
    bool small = size <= making->in_memory;
    struct timespec now;
    uint64_t digest;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t proofs = small ? 0 : proofs_of(size);
    struct file *file =
        file_create(making, small ? (size_t)size : (proofs + 1) * sizeof(struct proof));
    if (file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    char *head = file->text + making->path.len + 1;
    char *tail = head + head_room(making);
    file->fd = fd;
    file->pace = pace_of(fd);
    if (!small) {
        place_proofs(file, tail, proofs);
    }
    int steady =
        small ? take_content(file, tail, status, &digest) : take_digest(file, status, &digest);
    if (steady < 0) {
        file_release(file);
        return steady;
    }
    file->closer = file->pace == PACE_SLOW ? making->closer : NULL;
    file->identity = identity_of(status);
    file->size = file->identity.size;
    file->racy = is_racy(&file->identity, now);
    describe(file, making, head, steady == 1 ? &digest : NULL);
    *made = file;
    return 0;
}
