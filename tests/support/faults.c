#include "tests/support/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static _Thread_local bool spared;
static struct fault armed; /* changed by the test while nothing runs that is not spared, or ... */
static atomic_uint armed_call; /* ... with none armed: that is looked at first */
static atomic_ulong seen[FAULT_CALLS];
static atomic_ulong calls, failures;
static atomic_long memory;
static atomic_uint lines;
static atomic_bool cold;

void faults_spare(bool is_spared)
{
    spared = is_spared;
}

void faults_arm(const struct fault *fault)
{
    atomic_store(&armed_call, FAULT_NONE);
    atomic_store(&calls, 0);
    atomic_store(&failures, 0);
    armed = *fault;
    atomic_store(&armed_call, fault->call);
}

unsigned long faults_failed(void)
{
    return atomic_load(&failures);
}

unsigned long faults_disarm(void)
{
    atomic_store(&armed_call, FAULT_NONE);
    return faults_failed();
}

unsigned long faults_seen(enum fault_call call)
{
    return atomic_load(&seen[call]);
}

long faults_memory(void)
{
    return atomic_load(&memory);
}

void faults_cold(bool is_cold)
{
    atomic_store(&cold, is_cold);
}

unsigned faults_lines(void)
{
    return atomic_exchange(&lines, 0);
}

/* Whether this call goes wrong; then errno is set, unless it is to be carried out all the same with
 * *size bytes at the most (NULL: it moves none). */
static bool fails(enum fault_call call, size_t *size)
{
    if (spared) {
        return false;
    }
    atomic_fetch_add(&seen[call], 1);
    if (atomic_load(&armed_call) != call) {
        return false;
    }
    unsigned long number = atomic_fetch_add(&calls, 1) + 1;
    if (number != armed.first &&
        (armed.every == 0 || number < armed.first || (number - armed.first) % armed.every != 0)) {
        return false;
    }
    atomic_fetch_add(&failures, 1);
    if (armed.delay_us > 0) {
        usleep(armed.delay_us);
    }
    if (armed.error == 0 && armed.most > 0 && size != NULL && *size > armed.most) {
        *size = armed.most;
    }
    errno = armed.error != 0 ? armed.error : errno;
    return armed.error != 0;
}

/* The linker has the calls of the product come to __wrap_NAME(), and leads __real_NAME() to where
 * they went before. Streams and descriptors of large files have names of their own. */
#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

/* --- memory ----------------------------------------------------------------------------------- */

static void *count_in(void *at)
{
    if (at != NULL) {
        atomic_fetch_add(&memory, 1);
    }
    return at;
}

WRAP(void *, malloc, size_t size)
{
    return fails(FAULT_MEMORY, NULL) ? NULL : count_in(__real_malloc(size));
}

WRAP(void *, calloc, size_t count, size_t size)
{
    return fails(FAULT_MEMORY, NULL) ? NULL : count_in(__real_calloc(count, size));
}

WRAP(void *, realloc, void *at, size_t size)
{
    if (fails(FAULT_MEMORY, NULL)) {
        return NULL;
    }
    void *grown = __real_realloc(at, size);
    return at == NULL ? count_in(grown) : grown;
}

WRAP(void *, aligned_alloc, size_t alignment, size_t size)
{
    return fails(FAULT_MEMORY, NULL) ? NULL : count_in(__real_aligned_alloc(alignment, size));
}

WRAP(char *, strdup, const char *text)
{
    return fails(FAULT_MEMORY, NULL) ? NULL : count_in(__real_strdup(text));
}

int __wrap_asprintf(char **to, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **to, const char *format, ...)
{
    va_list arguments;
    if (fails(FAULT_MEMORY, NULL)) {
        return -1;
    }
    va_start(arguments, format);
    int length = vasprintf(to, format, arguments);
    va_end(arguments);
    if (length >= 0) {
        count_in(*to);
    }
    return length;
}

/* getline() may be this one, inlined. */
WRAP(ssize_t, __getdelim, char **line, size_t *size, int end, FILE *from)
{
    bool fresh = *line == NULL;
    if (fresh && fails(FAULT_MEMORY, NULL)) {
        return -1;
    }
    ssize_t length = __real___getdelim(line, size, end, from);
    if (fresh) {
        count_in(*line);
    }
    return length;
}

ssize_t __wrap_getline(char **line, size_t *size, FILE *from);
ssize_t __wrap_getline(char **line, size_t *size, FILE *from)
{
    return __wrap___getdelim(line, size, '\n', from);
}

WRAP(FILE *, fopen64, const char *path, const char *mode)
{
    return fails(FAULT_MEMORY, NULL) ? NULL : __real_fopen64(path, mode);
}

WRAP(void, free, void *at)
{
    if (at != NULL) {
        atomic_fetch_sub(&memory, 1);
    }
    __real_free(at);
}

/* libevent's, where it is linked. */
void event_set_mem_functions(void *(*allocate)(size_t), void *(*grow)(void *, size_t),
                             void (*let_go)(void *)) __attribute__((weak));

void faults_libevent(void)
{
    if (event_set_mem_functions != NULL) {
        event_set_mem_functions(__wrap_malloc, __wrap_realloc, __wrap_free);
    }
}

/* Faults are for the sockets of clients, not for whatever else goes through the same calls. */
static bool is_of_client(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t size = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_INET;
}

/* --- threads, sockets, files ------------------------------------------------------------------ */

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
     void *argument)
{
    return fails(FAULT_THREAD, NULL) ? errno
                                     : __real_pthread_create(thread, attributes, run, argument);
}

WRAP(int, accept4, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return fails(FAULT_ACCEPT, NULL) ? -1 : __real_accept4(fd, address, size, flags);
}

WRAP(ssize_t, recv, int fd, void *to, size_t size, int flags)
{
    return is_of_client(fd) && fails(FAULT_RECEIVE, &size) ? -1 : __real_recv(fd, to, size, flags);
}

WRAP(ssize_t, send, int fd, const void *from, size_t size, int flags)
{
    return is_of_client(fd) && fails(FAULT_SEND, &size) ? -1 : __real_send(fd, from, size, flags);
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *message, int flags)
{
    size_t most = message->msg_iov->iov_len;
    size_t size = most;
    if (fails(FAULT_SEND, &size)) {
        return -1;
    }
    return size < most ? __real_send(fd, message->msg_iov->iov_base, size, flags)
                       : __real_sendmsg(fd, message, flags);
}

WRAP(ssize_t, sendfile64, int to, int from, off_t *offset, size_t size)
{
    return fails(FAULT_SEND_FILE, &size) ? -1 : __real_sendfile64(to, from, offset, size);
}

WRAP(int, fstat64, int fd, struct stat *status)
{
    return fails(FAULT_STATUS, NULL) ? -1 : __real_fstat64(fd, status);
}

WRAP(ssize_t, pread64, int fd, void *to, size_t size, off_t offset)
{
    return fails(FAULT_READ, &size) ? -1 : __real_pread64(fd, to, size, offset);
}

WRAP(ssize_t, preadv64v2, int fd, const struct iovec *to, int count, off_t offset, int flags)
{
    if (atomic_load(&cold)) {
        errno = EAGAIN;
        return -1;
    }
    return fails(FAULT_PROBE, NULL) ? -1 : __real_preadv64v2(fd, to, count, offset, flags);
}

WRAP(DIR *, fdopendir, int fd)
{
    return fails(FAULT_FOLDER, NULL) ? NULL : __real_fdopendir(fd);
}

WRAP(struct dirent *, readdir64, DIR *folder)
{
    return fails(FAULT_FOLDER, NULL) ? NULL : __real_readdir64(folder);
}

WRAP(int, shutdown, int fd, int how)
{
    return fails(FAULT_SHUTDOWN, NULL) ? -1 : __real_shutdown(fd, how);
}

WRAP(int, eventfd, unsigned count, int flags)
{
    return fails(FAULT_EVENTFD, NULL) ? -1 : __real_eventfd(count, flags);
}

/* What the C library has no function for is called by number, with up to six arguments: all are
 * passed on, be they there or not, as the C library itself does. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    size_t size = (size_t)c;
    if ((number == SYS_openat2 && fails(FAULT_OPEN, NULL)) ||
        (number == SYS_recvfrom && fails(FAULT_RECEIVE, &size))) {
        return -1;
    }
    return __real_syscall(number, a, b, number == SYS_recvfrom ? (long)size : c, d, e, f);
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct pollfd;

WRAP(int, poll, struct pollfd *list, unsigned long count, int timeout_ms)
{
    return fails(FAULT_POLL, NULL) ? -1 : __real_poll(list, count, timeout_ms);
}

WRAP(int, clock_nanosleep, clockid_t clock, int flags, const struct timespec *until,
     struct timespec *left)
{
    return fails(FAULT_SLEEP, NULL) ? errno : __real_clock_nanosleep(clock, flags, until, left);
}

/* libevent is a shared library, whose calls the linker does not wrap: it finds these instead of the
 * C library's. */
int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (operation != EPOLL_CTL_DEL && fails(FAULT_WATCH, NULL)) {
        return -1;
    }
    return (int)__real_syscall(SYS_epoll_ctl, set, operation, fd, event);
}

int epoll_wait(int set, struct epoll_event *events, int most, int timeout_ms)
{
    if (fails(FAULT_EVENTS, NULL)) {
        return -1;
    }
    return (int)__real_syscall(SYS_epoll_wait, set, events, most, timeout_ms);
}

/* --- words ------------------------------------------------------------------------------------ */

WRAP(ssize_t, write, int fd, const void *from, size_t size)
{
    if (fd != STDERR_FILENO || spared) {
        return __real_write(fd, from, size);
    }
    atomic_fetch_add(&lines, 1);
    return (ssize_t)size;
}
