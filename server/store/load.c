#include "server/store/load.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/* Reads to nowhere, all into the same few bytes, which stay in the core's cache. */
enum {
    SCRATCH_SIZE = 16 * 1024,
    SCRATCH_VECTORS = PROOF_UNIT / SCRATCH_SIZE,
};

/* Whether the kernel hands all of it out without waiting: only then are its pages read, and not
 * just on their way, as mincore(2) and cachestat(2) would call present too. */
static bool try_unit(const struct file *file, uint64_t offset, size_t size)
{
    char scratch[SCRATCH_SIZE];
    struct iovec vectors[SCRATCH_VECTORS];
    int count = 0;
    for (size_t at = 0; at < size; at += SCRATCH_SIZE) {
        size_t len = size - at < SCRATCH_SIZE ? size - at : SCRATCH_SIZE;
        vectors[count++] = (struct iovec){scratch, len};
    }
    return preadv2(file->fd, vectors, count, (off_t)offset, RWF_NOWAIT) == (ssize_t)size;
}

static bool prove_unit(struct file *file, uint64_t unit, uint64_t now_ns)
{
    struct proof *proof = file->proofs > 0 ? &file->proof[unit % file->proofs] : NULL;
    if (proof != NULL && proof->unit == unit && now_ns < proof->until_ns) {
        return true;
    }
    uint64_t offset = unit * PROOF_UNIT;
    uint64_t left = file->size - offset;
    if (!try_unit(file, offset, left < PROOF_UNIT ? (size_t)left : PROOF_UNIT)) {
        return false;
    }
    if (proof != NULL) {
        *proof = (struct proof){unit, now_ns + PROOF_NS};
    }
    return true;
}

static bool is_at_hand(const struct load *load, uint64_t now_ns)
{
    if (load->file->pace == PACE_MEMORY) {
        return true;
    }
    uint64_t last = (load->slice.end - 1) / PROOF_UNIT;
    for (uint64_t unit = load->slice.first / PROOF_UNIT; unit <= last; unit++) {
        if (!prove_unit(load->file, unit, now_ns)) {
            return false;
        }
    }
    return true;
}

/* A file that was truncated or rewritten in place is not the one that its head announces: neither
 * the head nor what is still owed must be made up. */
static enum loaded if_intact(const struct load *load)
{
    if (file_intact(load->file)) {
        return LOADED;
    }
    log_warn("%s: changed while it was being sent; the connection is cut", load->file->path.at);
    return LOAD_LOST;
}

enum loaded load_recall(struct load *load, uint64_t now_ns)
{
    load->memory = NULL;
    if (load->file->pace == PACE_SLOW) {
        return LOAD_COLD;
    }
    enum loaded intact = if_intact(load);
    return intact == LOADED && !is_at_hand(load, now_ns) ? LOAD_COLD : intact;
}

bool load_is_prompt(const struct load *load)
{
    return load->file->pace != PACE_SLOW;
}

enum loaded load_leave(struct load *load)
{
    load->memory = NULL;
    return if_intact(load);
}

/* 0, -errno, or 1 when the file ends before. */
static int read_slice(const struct load *load, char *to)
{
    for (uint64_t at = load->slice.first; at < load->slice.end;) {
        ssize_t got = pread(load->file->fd, to + (at - load->slice.first),
                            (size_t)(load->slice.end - at), (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : 1;
        }
        at += (uint64_t)got;
    }
    return 0;
}

/* The check comes last: what was read before it is then of the file as it was found. */
enum loaded load_read(struct load *load)
{
    char *memory = malloc((size_t)(load->slice.end - load->slice.first));
    int error = memory != NULL ? read_slice(load, memory) : -ENOMEM;
    enum loaded came = error >= 0 ? if_intact(load) : LOAD_LOST;
    if (error < 0) {
        log_error("%s: %s; the connection is cut", load->file->path.at, strerror(-error));
    }
    load->memory = memory;
    if (error != 0 || came != LOADED) {
        free(memory);
        load->memory = NULL;
        return LOAD_LOST;
    }
    return LOADED;
}
