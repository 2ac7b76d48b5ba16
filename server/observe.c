#include "server/observe.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RING_CELLS = 64 * 1024 /* 4 MB: what 50 ms may bring at a million replies a second */
};

static int open_log(const char *path)
{
    int fd = journal_open(path);
    if (fd < 0) {
        log_error("--access-log: %s: %s", path, strerror(-fd));
    }
    return fd;
}

bool observer_open(struct observer *observer, const struct server_options *options)
{
    *observer = (struct observer){
        .options = options, .started_s = clock_wall_s(), .log = -1, .line = {-1, -1}};
    if (options->log == NULL) {
        return true;
    }
    observer->log = open_log(options->log);
    if (observer->log < 0) {
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, observer->line) < 0) {
        log_error("--access-log: %s", strerror(errno));
        return false;
    }
    return true;
}

/* When it cannot be opened, the log goes on where it is. */
void observer_reopen(struct observer *observer)
{
    if (observer->log < 0) {
        return;
    }
    int fd = open_log(observer->options->log);
    if (fd >= 0) {
        close(observer->log);
        observer->log = fd;
        journal_hand_over(observer->line[0], fd);
    }
}

static bool start_journal(struct observer *observer, const struct ledgers *ledgers)
{
    if (observer->log < 0) {
        return true;
    }
    close(observer->line[0]);
    observer->journal =
        journal_start(ledgers, observer->options->log_format, observer->log, observer->line[1]);
    return observer->journal != NULL;
}

static bool start_admin(struct observer *observer, const struct site *site, const char *model,
                        int listener)
{
    if (!observer->options->has_admin) {
        return true;
    }
    observer->admin = admin_start(&(struct admin_spec){
        .listener = listener,
        .draining = &site->draining,
        .handed_over = &site->handed_over,
        .metrics =
            {
                .ledgers = site->ledgers,
                .journal = observer->journal,
                .model = model,
                .started_s = observer->started_s,
            },
    });
    return observer->admin != NULL;
}

bool observer_start(struct observer *observer, struct site *site, const char *model,
                    unsigned ledgers, bool shared, int listener)
{
    if (observer->log < 0 && !observer->options->has_admin) {
        return true;
    }
    site->ledgers = ledgers_create(ledgers, shared, !observer->options->has_admin,
                                   observer->log >= 0 ? RING_CELLS : 0);
    if (site->ledgers == NULL) {
        log_error("out of memory");
        return false;
    }
    return start_journal(observer, site->ledgers) && start_admin(observer, site, model, listener);
}

void observer_finish(struct observer *observer)
{
    admin_finish(observer->admin);
    journal_finish(observer->journal);
}
