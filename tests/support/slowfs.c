/* A file system for tests that is as slow, as broken or as dead as it is told to be.
 *
 *     slowfs BEHIND MOUNTPOINT
 *
 * shows the folder BEHIND, read only, at MOUNTPOINT until its standard input ends. Whoever tests
 * changes what lies in BEHIND, and it shows at once. Each line of standard input is an order, and
 * is answered by one line of standard output:
 *
 *     hold CALL PATH [FROM]        such calls are not answered from now on: a read when it reaches
 *                                  beyond the offset FROM
 *     fail CALL PATH ERRNO [FROM]  they fail with this number
 *     short PATH SIZE              reads find the file's end there, whatever its size says
 *     let                          none of this any more; what was held is answered
 *     held                         how many calls are held
 *     asked                        how many have been since the last time that all were let go
 *     deaf                         held calls are held on though whoever waits is told to die, as
 *                                  by a disk or another machine that answers nothing
 *     die                          answers nothing any more, as if the program were gone
 *
 * CALL is lookup, getattr, open, read, opendir, readdir or statfs; PATH begins with a slash, or is
 * * for every one. Nothing is kept in the kernel but pages of content. */
#define FUSE_USE_VERSION 34
#include <fuse_lowlevel.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NODES_MOST = 1024,
    RULES_MOST = 16,
    NO_MOUNT = 77 /* the exit status when this system allows none */
};

enum call_kind {
    CALL_LOOKUP,
    CALL_GETATTR,
    CALL_OPEN,
    CALL_READ,
    CALL_OPENDIR,
    CALL_READDIR,
    CALL_STATFS,
    CALLS,
};

static const char *const call_names[CALLS] = {"lookup",  "getattr", "open",  "read",
                                              "opendir", "readdir", "statfs"};

/* What was looked up once is known for ever: this lives for one test. */
struct node {
    int fd; /* O_PATH: it holds the file however its name ends */
    struct stat status;
    char *path;
};

struct call {
    struct call *next;
    enum call_kind kind;
    fuse_req_t request;
    fuse_ino_t node; /* LOOKUP: the folder */
    char path[PATH_MAX];
    struct fuse_file_info info;
    size_t size;
    off_t offset;
    bool interrupted;
};

struct rule {
    enum {
        RULE_HOLD,
        RULE_FAIL,
        RULE_SHORT
    } kind;
    enum call_kind call;
    char path[PATH_MAX];
    int error;
    off_t from;
};

static struct node nodes[NODES_MOST];
static size_t node_count;
static struct rule rules[RULES_MOST];
static size_t rule_count;
static struct call *held;
static size_t asked;
static bool deaf;
static bool dead;

/* --- what lies behind ------------------------------------------------------------------------- */

static struct node *node_of(fuse_ino_t number)
{
    return &nodes[number - 1];
}

/* Takes fd. The number, or 0 when there is no room. */
static fuse_ino_t node_for(int fd, const char *path)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        close(fd);
        return 0;
    }
    for (size_t i = 0; i < node_count; i++) {
        if (nodes[i].status.st_ino == status.st_ino && nodes[i].status.st_dev == status.st_dev) {
            close(fd);
            return i + 1;
        }
    }
    char *copy = node_count < NODES_MOST ? strdup(path) : NULL;
    if (copy == NULL) {
        close(fd);
        return 0;
    }
    nodes[node_count] = (struct node){fd, status, copy};
    return ++node_count;
}

/* Opens for reading what a node stands for; -1 and errno. */
static int open_node(fuse_ino_t number, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", node_of(number)->fd);
    return open(path, O_RDONLY | O_CLOEXEC | flags);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void answer_lookup(const struct call *call)
{
    const char *name = strrchr(call->path, '/') + 1;
    int fd = openat(node_of(call->node)->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    struct fuse_entry_param entry = {.ino = fd >= 0 ? node_for(fd, call->path) : 0};
    if (entry.ino == 0 || fstat(node_of(entry.ino)->fd, &entry.attr) < 0) {
        fuse_reply_err(call->request, fd < 0 ? error : ENOMEM);
        return;
    }
    entry.attr.st_ino = entry.ino;
    fuse_reply_entry(call->request, &entry);
}

static void answer_getattr(const struct call *call)
{
    struct stat status;
    if (fstat(node_of(call->node)->fd, &status) < 0) {
        fuse_reply_err(call->request, errno);
        return;
    }
    status.st_ino = call->node;
    fuse_reply_attr(call->request, &status, 0);
}

static void answer_open(struct call *call, int flags)
{
    int fd = open_node(call->node, flags);
    if (fd < 0) {
        fuse_reply_err(call->request, errno);
        return;
    }
    call->info.fh = (uint64_t)fd;
    if (fuse_reply_open(call->request, &call->info) < 0) { /* whoever asked has left */
        close(fd);
    }
}

/* Where this file ends, to those who read. */
static off_t end_of(const char *path)
{
    off_t end = INT64_MAX;
    for (size_t i = 0; i < rule_count; i++) {
        if (rules[i].kind == RULE_SHORT && strcmp(rules[i].path, path) == 0) {
            end = rules[i].from;
        }
    }
    return end;
}

static void answer_read(const struct call *call)
{
    off_t left = end_of(call->path) - call->offset;
    size_t size = left <= 0 ? 0 : (uint64_t)left < call->size ? (size_t)left : call->size;
    char *bytes = malloc(size + 1);
    ssize_t got = bytes != NULL ? pread((int)call->info.fh, bytes, size, call->offset) : -1;
    if (got < 0) {
        fuse_reply_err(call->request, EIO);
    } else {
        fuse_reply_buf(call->request, bytes, (size_t)got);
    }
    free(bytes);
}

/* The offset is the number of the entry. */
static void answer_readdir(const struct call *call)
{
    char bytes[4096];
    size_t room = call->size < sizeof(bytes) ? call->size : sizeof(bytes);
    size_t len = 0;
    int fd = open_node(call->node, O_DIRECTORY);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        fuse_reply_err(call->request, errno);
        return;
    }
    struct dirent *entry;
    for (off_t at = 0; (entry = readdir(folder)) != NULL; at++) {
        struct stat status = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
        size_t needed = fuse_add_direntry(call->request, NULL, 0, entry->d_name, NULL, 0);
        if (at < call->offset) {
            continue;
        }
        if (len + needed > room) {
            break;
        }
        fuse_add_direntry(call->request, bytes + len, room - len, entry->d_name, &status, at + 1);
        len += needed;
    }
    closedir(folder);
    fuse_reply_buf(call->request, bytes, len);
}

static void answer_statfs(const struct call *call)
{
    struct statvfs system = {.f_bsize = 4096, .f_namemax = NAME_MAX};
    fuse_reply_statfs(call->request, &system);
}

static void answer(struct call *call)
{
    switch (call->kind) {
    case CALL_LOOKUP:
        answer_lookup(call);
        break;
    case CALL_GETATTR:
        answer_getattr(call);
        break;
    case CALL_OPEN:
        answer_open(call, 0);
        break;
    case CALL_READ:
        answer_read(call);
        break;
    case CALL_OPENDIR:
        answer_open(call, O_DIRECTORY);
        break;
    case CALL_READDIR:
        answer_readdir(call);
        break;
    case CALL_STATFS:
        answer_statfs(call);
        break;
    case CALLS:
        break;
    }
}

/* --- rules ------------------------------------------------------------------------------------ */

static const struct rule *rule_for(const struct call *call)
{
    for (size_t i = 0; i < rule_count; i++) {
        const struct rule *rule = &rules[i];
        bool reaches = call->kind != CALL_READ || call->offset + (off_t)call->size > rule->from;
        if (rule->kind != RULE_SHORT && rule->call == call->kind && reaches &&
            (strcmp(rule->path, "*") == 0 || strcmp(rule->path, call->path) == 0)) {
            return rule;
        }
    }
    return NULL;
}

static void on_interrupt(fuse_req_t request, void *call)
{
    (void)request;
    ((struct call *)call)->interrupted = true;
}

static void hold(const struct call *call)
{
    struct call *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        fuse_reply_err(call->request, ENOMEM);
        return;
    }
    *copy = *call;
    copy->next = NULL;
    asked++;
    struct call **end = &held;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = copy;
    if (!deaf) {
        fuse_req_interrupt_func(call->request, on_interrupt, copy);
    }
}

static void take(struct call *call)
{
    const struct rule *rule = rule_for(call);
    if (rule == NULL) {
        answer(call);
    } else if (rule->kind == RULE_FAIL) {
        fuse_reply_err(call->request, rule->error);
    } else {
        hold(call);
    }
}

/* Answers what is held: all of it, or what nobody waits for any more. */
static void let_go(bool all)
{
    for (struct call **link = &held; *link != NULL;) {
        struct call *call = *link;
        if (!all && !call->interrupted) {
            link = &call->next;
            continue;
        }
        *link = call->next;
        if (call->interrupted || dead) {
            fuse_reply_err(call->request, EINTR);
        } else {
            fuse_req_interrupt_func(call->request, NULL, NULL);
            answer(call);
        }
        free(call);
    }
}

static size_t count_held(void)
{
    size_t count = 0;
    for (const struct call *call = held; call != NULL; call = call->next) {
        count++;
    }
    return count;
}

/* --- calls ------------------------------------------------------------------------------------ */

static struct call call_on(enum call_kind kind, fuse_req_t request, fuse_ino_t node)
{
    struct call call = {.kind = kind, .request = request, .node = node};
    const char *path = node_of(node)->path;
    snprintf(call.path, sizeof(call.path), "%s", *path != '\0' ? path : "/");
    return call;
}

static void on_lookup(fuse_req_t request, fuse_ino_t folder, const char *name)
{
    struct call call = {.kind = CALL_LOOKUP, .request = request, .node = folder};
    int len = snprintf(call.path, sizeof(call.path), "%s/%s", node_of(folder)->path, name);
    if (len >= PATH_MAX) {
        fuse_reply_err(request, ENAMETOOLONG);
        return;
    }
    take(&call);
}

static void on_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    struct call call = call_on(CALL_GETATTR, request, node);
    (void)info;
    take(&call);
}

/* Of a file and of a folder. */
static void take_open(enum call_kind kind, fuse_req_t request, fuse_ino_t node,
                      const struct fuse_file_info *info)
{
    struct call call = call_on(kind, request, node);
    call.info = *info;
    take(&call);
}

static void take_read(enum call_kind kind, fuse_req_t request, fuse_ino_t node, size_t size,
                      off_t offset, const struct fuse_file_info *info)
{
    struct call call = call_on(kind, request, node);
    call.info = *info;
    call.size = size;
    call.offset = offset;
    take(&call);
}

static void on_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    take_open(CALL_OPEN, request, node, info);
}

static void on_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
    take_read(CALL_READ, request, node, size, offset, info);
}

static void on_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    (void)node;
    close((int)info->fh);
    fuse_reply_err(request, 0);
}

static void on_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    take_open(CALL_OPENDIR, request, node, info);
}

static void on_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    take_read(CALL_READDIR, request, node, size, offset, info);
}

static void on_statfs(fuse_req_t request, fuse_ino_t node)
{
    struct call call = call_on(CALL_STATFS, request, node);
    take(&call);
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = on_lookup,
    .getattr = on_getattr,
    .open = on_open,
    .read = on_read,
    .release = on_release,
    .opendir = on_opendir,
    .readdir = on_readdir,
    .releasedir = on_release,
    .statfs = on_statfs,
};

/* --- orders ----------------------------------------------------------------------------------- */

static bool read_call(const char *name, enum call_kind *kind)
{
    for (int i = 0; i < CALLS; i++) {
        if (strcmp(name, call_names[i]) == 0) {
            *kind = (enum call_kind)i;
            return true;
        }
    }
    return false;
}

static bool add_rule(const char *order)
{
    struct rule rule = {.from = -1};
    char call[16] = "read";
    long long from = -1;
    if (rule_count == RULES_MOST) {
        return false;
    }
    if (sscanf(order, "hold %15s %4095s %lld", call, rule.path, &from) >= 2) {
        rule.kind = RULE_HOLD;
    } else if (sscanf(order, "fail %15s %4095s %d %lld", call, rule.path, &rule.error, &from) >=
               3) {
        rule.kind = RULE_FAIL;
    } else if (sscanf(order, "short %4095s %lld", rule.path, &from) == 2) {
        rule.kind = RULE_SHORT;
    } else {
        return false;
    }
    rule.from = from;
    if (!read_call(call, &rule.call)) {
        return false;
    }
    rules[rule_count++] = rule;
    return true;
}

/* Without its descriptor the kernel tells everybody that the file system is gone. */
static void die(struct fuse_session *session)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup3(nothing, fuse_session_fd(session), O_CLOEXEC);
    close(nothing);
    dead = true;
}

static void obey(const char *order, struct fuse_session *session)
{
    if (strcmp(order, "let") == 0) {
        rule_count = asked = 0;
        deaf = false;
        let_go(true);
    } else if (strcmp(order, "held") == 0 || strcmp(order, "asked") == 0) {
        printf("%zu\n", *order == 'h' ? count_held() : asked);
        return;
    } else if (strcmp(order, "deaf") == 0) {
        deaf = true;
    } else if (strcmp(order, "die") == 0) {
        die(session);
    } else if (!add_rule(order)) {
        printf("no such order: %s\n", order);
        return;
    }
    printf("done\n");
}

/* Whole lines of what has come; false at its end. */
static bool read_orders(struct fuse_session *session)
{
    static char text[2 * PATH_MAX];
    static size_t len;
    ssize_t got = read(STDIN_FILENO, text + len, sizeof(text) - len);
    if (got <= 0) {
        return false;
    }
    len += (size_t)got;
    for (char *end; (end = memchr(text, '\n', len)) != NULL;) {
        *end = '\0';
        obey(text, session);
        fflush(stdout);
        len -= (size_t)(end + 1 - text);
        memmove(text, end + 1, len);
    }
    return len < sizeof(text);
}

static bool serve_call(struct fuse_session *session, struct fuse_buf *buffer)
{
    int got = fuse_session_receive_buf(session, buffer);
    if (got > 0) {
        fuse_session_process_buf(session, buffer);
        let_go(false);
    }
    return (got > 0 || got == -EINTR || got == -EAGAIN) && !fuse_session_exited(session);
}

static void serve(struct fuse_session *session)
{
    struct fuse_buf buffer = {0};
    for (bool goes_on = true; goes_on;) {
        struct pollfd ready[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = dead ? -1 : fuse_session_fd(session), .events = POLLIN}};
        if (poll(ready, 2, -1) < 0) {
            continue;
        }
        if (ready[0].revents != 0) {
            goes_on = read_orders(session);
        }
        if (ready[1].revents != 0 && !dead) {
            goes_on = serve_call(session, &buffer) && goes_on;
        }
    }
    free(buffer.mem);
}

/* Should this be killed, the program that mounted it unmounts it (auto_unmount). */
int main(int argc, char **argv)
{
    char *options[] = {argv[0], "-oauto_unmount,fsname=slowfs,ro"};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, options);
    int behind = argc == 3 ? open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (behind < 0 || node_for(behind, "") == 0) {
        fprintf(stderr, "usage: slowfs BEHIND MOUNTPOINT\n");
        return 2;
    }
    struct fuse_session *session =
        fuse_session_new(&arguments, &operations, sizeof(operations), NULL);
    if (session == NULL || fuse_session_mount(session, argv[2]) < 0) {
        return NO_MOUNT;
    }
    printf("mounted\n");
    fflush(stdout);
    serve(session);
    let_go(true);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    for (size_t i = 0; i < node_count; i++) {
        close(nodes[i].fd);
        free(nodes[i].path);
    }
    return 0;
}
