#include "server/notify.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or, from '@' on, a name in the abstract name space. The size of the address; 0: it is
 * neither. */
static socklen_t find(struct sockaddr_un *to, const char *name)
{
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(to->sun_path)) {
        return 0;
    }
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(to->sun_path, name, len);
    if (name[0] == '@') {
        to->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void tell(const char *lines)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un at;
    socklen_t size = name != NULL ? find(&at, name) : 0;
    if (name == NULL) {
        return;
    }
    int fd = size > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    errno = size > 0 ? errno : EINVAL;
    if (fd < 0 ||
        sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&at, size) < 0) {
        log_warn("NOTIFY_SOCKET: %s: cannot be told anything: %s", name, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
}

void notify(enum notice notice)
{
    char lines[128];
    switch (notice) {
    case NOTICE_READY:
        snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%jd", (intmax_t)getpid());
        break;
    case NOTICE_CHANGING:
        snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                 clock_monotonic_ns() / NS_PER_US);
        break;
    case NOTICE_STOPPING:
        snprintf(lines, sizeof(lines), "STOPPING=1");
        break;
    }
    tell(lines);
}

void notify_succession(pid_t successor)
{
    char lines[64];
    snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%jd", (intmax_t)successor);
    tell(lines);
}
