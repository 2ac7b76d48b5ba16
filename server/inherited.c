#include "server/inherited.h"

#include "lib/base/log.h"
#include "lib/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LISTEN_FDS_START = 3, /* SD_LISTEN_FDS_START */
    INHERITED_MOST = 65536
};

/* --- a supervisor's --------------------------------------------------------------------------- */

/* LISTEN_FDS of them from 3 on, if LISTEN_PID is this process. */
static unsigned activated_count(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *fds = getenv("LISTEN_FDS");
    uint64_t whose, count;
    bool ours = pid != NULL && fds != NULL && units_read_count(pid, 1, INT32_MAX, &whose) &&
                (pid_t)whose == getpid() && units_read_count(fds, 0, INHERITED_MOST, &count);
    return ours ? (unsigned)count : 0;
}

/* LISTEN_FDNAMES tells their names, in order, with colons between them. */
static bool activated_tls(unsigned index)
{
    const char *name = getenv("LISTEN_FDNAMES");
    for (; name != NULL && index > 0; index--) {
        const char *colon = strchr(name, ':');
        name = colon != NULL ? colon + 1 : NULL;
    }
    size_t len = name != NULL ? strcspn(name, ":") : 0;
    return (len == 3 && memcmp(name, "tls", len) == 0) ||
           (len == 5 && memcmp(name, "https", len) == 0);
}

/* --- a predecessor's -------------------------------------------------------------------------- */

/* "GROUP FD ADDRESS", or "GROUP FD lent tls ADDRESS" with one of the words or both, a line each.
 * NULL behind the last one. */
static const char *line_after(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : NULL;
}

static unsigned bequeathed_count(void)
{
    const char *line = getenv(INHERITED_VARIABLE);
    unsigned count = 0;
    while (line != NULL && *line != '\0' && count < INHERITED_MOST) {
        count++;
        line = line_after(line);
    }
    return count;
}

static bool read_number(const char **at, int *number)
{
    char *end;
    long value = strtol(*at, &end, 10);
    if (end == *at || *end != ' ' || value < 0 || value > INT32_MAX) {
        return false;
    }
    *number = (int)value;
    *at = end + 1;
    return true;
}

/* Whether this word, with its space, comes next: then *at goes on behind it. */
static bool read_word(const char **at, const char *word)
{
    size_t len = strlen(word);
    bool is = strncmp(*at, word, len) == 0;
    *at += is ? len : 0;
    return is;
}

static bool read_line(const char *at, struct inherited *socket)
{
    char address[ADDRESS_TEXT];
    int group;
    if (!read_number(&at, &group) || !read_number(&at, &socket->fd)) {
        return false;
    }
    socket->group = (unsigned)group;
    socket->lent = read_word(&at, "lent ");
    socket->tls = read_word(&at, "tls ");
    snprintf(address, sizeof(address), "%.*s", (int)strcspn(at, "\n"), at);
    return address_read(address, &socket->asked) == NULL;
}

char *inherited_write(const struct inherited *sockets, unsigned count)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        char address[ADDRESS_TEXT];
        fprintf(out, "%s%u %d %s%s%s", i > 0 ? "\n" : "", sockets[i].group, sockets[i].fd,
                sockets[i].lent ? "lent " : "", sockets[i].tls ? "tls " : "",
                address_write(address, &sockets[i].asked));
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* --- both ------------------------------------------------------------------------------------- */

static bool is_option(int fd, int name, int value)
{
    int is = -1;
    socklen_t size = sizeof(is);
    return getsockopt(fd, SOL_SOCKET, name, &is, &size) == 0 && is == value;
}

/* As our own are; a supervisor's may be otherwise. */
static bool adopt(int fd)
{
    static const int on = 1;
    int flags = fcntl(fd, F_GETFL);
    bool tcp = is_option(fd, SO_DOMAIN, AF_INET) || is_option(fd, SO_DOMAIN, AF_INET6);
    if (flags < 0 || !is_option(fd, SO_ACCEPTCONN, 1) || !is_option(fd, SO_TYPE, SOCK_STREAM) ||
        (!tcp && !is_option(fd, SO_DOMAIN, AF_UNIX))) {
        log_error("descriptor %d, which is to be inherited, is no socket that listens", fd);
        return false;
    }
    if (tcp) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* A supervisor may pass several sockets of one address. */
static unsigned group_of(const struct inherited *sockets, unsigned index)
{
    char text[ADDRESS_TEXT], other[ADDRESS_TEXT];
    address_write(text, &sockets[index].asked);
    for (unsigned i = 0; i < index; i++) {
        if (strcmp(text, address_write(other, &sockets[i].asked)) == 0) {
            return sockets[i].group;
        }
    }
    return INHERITED_MOST + index; /* no predecessor has as many */
}

static bool take_activated(struct inherited *sockets, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct inherited *one = &sockets[i];
        one->fd = LISTEN_FDS_START + (int)i;
        one->lent = true;
        one->tls = activated_tls(i);
        one->asked.size = sizeof(one->asked.at);
        if (!adopt(one->fd) || getsockname(one->fd, &one->asked.at.any, &one->asked.size) < 0) {
            return false;
        }
        one->group = group_of(sockets, i);
    }
    return true;
}

static bool take_bequeathed(struct inherited *sockets, unsigned count)
{
    const char *line = getenv(INHERITED_VARIABLE);
    for (unsigned i = 0; i < count; i++) {
        if (!read_line(line, &sockets[i])) {
            log_error("%s in the environment cannot be understood", INHERITED_VARIABLE);
            return false;
        }
        if (!adopt(sockets[i].fd)) {
            return false;
        }
        line = line_after(line);
    }
    return true;
}

static bool bequeathed_tls(void)
{
    const char *line = getenv(INHERITED_VARIABLE);
    while (line != NULL && *line != '\0') {
        struct inherited socket = {0};
        if (read_line(line, &socket) && socket.tls) {
            return true;
        }
        line = line_after(line);
    }
    return false;
}

bool inherited_has_tls(void)
{
    for (unsigned i = 0; i < activated_count(); i++) {
        if (activated_tls(i)) {
            return true;
        }
    }
    return bequeathed_tls();
}

unsigned inherited_count(void)
{
    return activated_count() + bequeathed_count();
}

bool inherited_take(struct inherited **sockets, unsigned *count)
{
    unsigned activated = activated_count();
    unsigned bequeathed = bequeathed_count();
    struct inherited *all = calloc(activated + bequeathed + 1, sizeof(*all));
    bool taken = all != NULL && take_activated(all, activated) &&
                 take_bequeathed(all + activated, bequeathed);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    unsetenv(INHERITED_VARIABLE);
    if (!taken) {
        free(all);
        return false;
    }
    *sockets = all;
    *count = activated + bequeathed;
    return true;
}
