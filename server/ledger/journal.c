#include "server/ledger/journal.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUFFER = 64 * 1024,
    LOOK_MOST_MS = 50, /* between two looks into the rings */
    LAST_MS = 1000,    /* for what is left in the end */
    COMPLAIN_S = 60    /* between two complaints */
};

struct journal {
    const struct ledgers *ledgers;
    struct line_writer writer;
    int descriptors;
    int wake;        /* an eventfd: something below has changed */
    atomic_int next; /* takes the place of fd; -1: none does */
    atomic_bool ending;
    pthread_t thread;

    /* The writer's. */
    int fd;
    bool is_file; /* takes any amount; others no more than a page without waiting */
    unsigned look_ms;
    uint64_t end_ns; /* when to give up */
    bool broken;     /* the last line written lacks its end */
    size_t used;     /* of the buffer, its first byte included: an end for a broken line */
    uint64_t lines;  /* in it */
    uint64_t complained_ns;
    uint64_t complained_of; /* lines lost by then */

    atomic_uint_fast64_t written, lost; /* lost beside those that found no room */
    char buffer[BUFFER];
};

/* --- destinations ----------------------------------------------------------------------------- */

int journal_open(const char *path)
{
    struct stat status;
    int fd;
    if (strcmp(path, "-") == 0) {
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    } else if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode)) {
        /* for reading too: so it can be opened before anybody reads, and readers may come and go */
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    } else {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0640);
    }
    return fd >= 0 ? fd : -errno;
}

static void adopt(struct journal *j, int fd)
{
    struct stat status;
    if (j->fd >= 0) {
        close(j->fd);
    }
    j->fd = fd;
    j->broken = false;
    j->is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool journal_hand_over(int socket, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    char word = 0;
    struct iovec piece = {&word, 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* A descriptor that came; -1: none did. */
static int receive(int socket)
{
    char control[CMSG_SPACE(sizeof(int))];
    char word;
    struct iovec piece = {&word, 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int fd = -1;
    if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 1) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
            memcpy(&fd, CMSG_DATA(header), sizeof(int));
        }
    }
    return fd;
}

/* --- what is lost ----------------------------------------------------------------------------- */

static void complain(struct journal *j, const char *why)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t lost = journal_lost(j);
    if (lost > j->complained_of &&
        (j->complained_of == 0 || now_ns - j->complained_ns >= COMPLAIN_S * NS_PER_S)) {
        log_warn("access log: %ju lines are lost so far: %s", (uintmax_t)lost, why);
        j->complained_of = lost;
        j->complained_ns = now_ns;
    }
}

static uint64_t count_lines(const char *at, const char *end)
{
    uint64_t lines = 0;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        lines++;
        at++;
    }
    return lines;
}

/* Gives up what is in the buffer from `from` on. */
static void lose(struct journal *j, size_t from, const char *why)
{
    uint64_t lines = count_lines(j->buffer + (from > 0 ? from : 1), j->buffer + j->used);
    atomic_fetch_add_explicit(&j->lost, lines, memory_order_relaxed);
    j->lines -= lines;
    j->broken = from > 1 ? j->buffer[from - 1] != '\n' : j->broken;
    complain(j, why);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* How long a destination is waited for, in one go; in the end, all in all. */
static int ms_left(struct journal *j)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (!atomic_load(&j->ending)) {
        return LAST_MS;
    }
    if (j->end_ns == 0) {
        j->end_ns = now_ns + LAST_MS * NS_PER_MS;
    }
    return now_ns < j->end_ns ? (int)((j->end_ns - now_ns) / NS_PER_MS) + 1 : 0;
}

/* The descriptor that is to take the place of ours; -1: none is. */
static int next_descriptor(struct journal *j, bool has_come)
{
    int next = atomic_exchange(&j->next, -1);
    if (next < 0 && has_come) {
        next = receive(j->descriptors);
        j->descriptors = next >= 0 ? j->descriptors : -1; /* nobody is at the other end */
    }
    return next;
}

enum awaited {
    AWAITED_NOTHING, /* in that time */
    AWAITED_WORD,    /* somebody woke us */
    AWAITED_OTHER,   /* there is another destination */
    AWAITED_ROOM,    /* in the destination */
};

static enum awaited await(struct journal *j, bool room, int timeout_ms)
{
    struct pollfd ready[] = {{.fd = j->wake, .events = POLLIN},
                             {.fd = j->descriptors, .events = POLLIN},
                             {.fd = room ? j->fd : -1, .events = POLLOUT}};
    int count = poll(ready, 3, timeout_ms);
    eventfd_t rings;
    if (count <= 0) {
        return count < 0 ? AWAITED_WORD : AWAITED_NOTHING;
    }
    if (ready[0].revents != 0) {
        eventfd_read(j->wake, &rings);
    }
    int next = next_descriptor(j, ready[1].revents != 0);
    if (next >= 0) {
        adopt(j, next);
        return AWAITED_OTHER;
    }
    return ready[2].revents != 0 ? AWAITED_ROOM : AWAITED_WORD;
}

/* Where the line that `at` lies in begins. */
static size_t line_begin(const struct journal *j, size_t at)
{
    at = at > 0 ? at : 1;
    while (at > 1 && j->buffer[at - 1] != '\n') {
        at--;
    }
    return at;
}

static ssize_t write_some(const struct journal *j, size_t at)
{
    size_t size = j->used - at;
    ssize_t written = write(j->fd, j->buffer + at, j->is_file || size < PIPE_BUF ? size : PIPE_BUF);
    return written >= 0 ? written : errno == EINTR || errno == EAGAIN ? 0 : -errno;
}

/* Writes as much from `at` on as goes without waiting, or gives it up; where to go on. */
static size_t write_on(struct journal *j, size_t at)
{
    ssize_t written = write_some(j, at);
    if (written < 0) {
        lose(j, at, strerror((int)-written));
        return j->used;
    }
    j->broken = j->broken && written == 0;
    return at + (size_t)written;
}

/* The destination takes nothing; where to go on. */
static size_t insist(struct journal *j, size_t at)
{
    if (atomic_load(&j->ending)) {
        lose(j, at, "nobody took them before the end");
        return j->used;
    }
    complain(j, "nobody takes them");
    return at;
}

/* Returns when all of the buffer is written or lost. */
static void flush(struct journal *j)
{
    size_t at = j->broken ? 0 : 1;
    while (j->used > 1 && at < j->used) {
        switch (await(j, true, ms_left(j))) {
        case AWAITED_NOTHING:
            at = insist(j, at);
            break;
        case AWAITED_WORD:
            break;
        case AWAITED_OTHER:
            at = line_begin(j, at);
            break;
        case AWAITED_ROOM:
            at = write_on(j, at);
            break;
        }
    }
    atomic_fetch_add_explicit(&j->written, j->lines, memory_order_relaxed);
    j->used = 1;
    j->lines = 0;
}

/* --- draining --------------------------------------------------------------------------------- */

/* Writes all that is in one ring; how many cells it took. */
static uint64_t drain(struct journal *j, struct ring *ring)
{
    const struct record *record;
    uint64_t cells = 0;
    while (cells <= ring->mask && (record = ring_take(ring)) != NULL) {
        if (j->used + LINE_MOST > sizeof(j->buffer)) {
            flush(j);
        }
        j->used += line_write(&j->writer, record, j->buffer + j->used);
        j->lines++;
        cells += atomic_load_explicit(&record->cells, memory_order_relaxed);
        ring_free(ring, record);
    }
    ring_rewind(ring);
    return cells;
}

/* One look into every ring; when the fullest had much, the next look is sooner. */
static void look(struct journal *j)
{
    uint64_t size = 1, most = 0;
    for (unsigned i = 0; i < j->ledgers->count; i++) {
        struct ring *ring = &j->ledgers->at[i].ring;
        uint64_t cells = drain(j, ring);
        most = cells > most ? cells : most;
        size = ring->mask + 1;
    }
    flush(j);
    if (most > size / 16) {
        j->look_ms = j->look_ms / 2 > 0 ? j->look_ms / 2 : 1;
    } else if (most < size / 64 && j->look_ms < LOOK_MOST_MS) {
        j->look_ms = 2 * j->look_ms < LOOK_MOST_MS ? 2 * j->look_ms : LOOK_MOST_MS;
    }
    complain(j, "they come faster than they are taken");
}

static void *keep(void *argument)
{
    struct journal *j = argument;
    while (!atomic_load(&j->ending)) {
        await(j, false, (int)j->look_ms);
        look(j);
    }
    look(j); /* what was put in while the last look was taken */
    return NULL;
}

/* --- from outside ----------------------------------------------------------------------------- */

struct journal *journal_start(const struct ledgers *ledgers, enum line_format format, int fd,
                              int descriptors)
{
    struct journal *j = calloc(1, sizeof(*j));
    if (j == NULL) {
        log_error("access log: out of memory");
        return NULL;
    }
    j->ledgers = ledgers;
    j->writer.format = format;
    j->descriptors = descriptors;
    j->fd = -1;
    j->look_ms = LOOK_MOST_MS;
    j->buffer[0] = '\n';
    j->used = 1;
    atomic_init(&j->next, -1);
    j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = j->wake < 0 ? errno : 0;
    adopt(j, fd);
    if (error == 0) {
        error = pthread_create(&j->thread, NULL, keep, j);
    }
    if (error != 0) {
        log_error("access log: %s", strerror(error));
        close(j->fd);
        close(j->wake);
        free(j);
        return NULL;
    }
    return j;
}

void journal_reopen(struct journal *journal, int fd)
{
    int before = atomic_exchange(&journal->next, fd);
    if (before >= 0) {
        close(before);
    }
    eventfd_write(journal->wake, 1);
}

void journal_finish(struct journal *journal)
{
    if (journal == NULL) {
        return;
    }
    struct timespec until;
    atomic_store(&journal->ending, true);
    eventfd_write(journal->wake, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2 * LAST_MS / 1000;
    if (pthread_timedjoin_np(journal->thread, NULL, &until) != 0) {
        log_warn("access log: it cannot be written to; what is left is lost");
        return; /* the thread has it */
    }
    int next = atomic_load(&journal->next);
    if (next >= 0) {
        close(next);
    }
    close(journal->fd);
    close(journal->wake);
    free(journal);
}

uint64_t journal_written(const struct journal *journal)
{
    return journal != NULL ? atomic_load_explicit(&journal->written, memory_order_relaxed) : 0;
}

uint64_t journal_lost(const struct journal *journal)
{
    return journal != NULL ? atomic_load_explicit(&journal->lost, memory_order_relaxed) +
                                 ledgers_dropped(journal->ledgers)
                           : 0;
}
