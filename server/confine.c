#include "server/confine.h"

#include "lib/base/log.h"
#include "server/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- what is said of it ----------------------------------------------------------------------- */

static void append(char *to, size_t room, const char *name, const char *more)
{
    size_t used = strlen(to);
    snprintf(to + used, room - used, "%s%s%s", used > 0 ? ", " : "", name, more);
}

static void holds(struct confinement *c, const char *name, const char *more)
{
    append(c->in_force, sizeof(c->in_force), name, more);
}

static void lacks(struct confinement *c, const char *name, const char *why)
{
    append(c->lacking, sizeof(c->lacking), name, why);
}

void confine_describe(const struct confinement *c, char *to, size_t room)
{
    bool some = c->in_force[0] != '\0';
    bool more = c->lacking[0] != '\0';
    snprintf(to, room, "%s%s%s%s", some ? "confined: " : "not confined: ", c->in_force,
             some && more ? "; without " : "", c->lacking);
}

/* --- the user --------------------------------------------------------------------------------- */

/* The groups that the user is in, its own included. */
static bool find_groups(struct confinement *c)
{
    c->group_count = 0;
    getgrouplist(c->user, c->gid, NULL, &c->group_count);
    c->groups = calloc((size_t)c->group_count + 1, sizeof(c->groups[0]));
    if (c->groups == NULL) {
        log_error("--user %s: out of memory", c->user);
        return false;
    }
    if (getgrouplist(c->user, c->gid, c->groups, &c->group_count) < 0) {
        log_error("--user %s: its groups cannot be found out", c->user);
        return false;
    }
    return true;
}

static bool find_user(struct confinement *c)
{
    errno = 0;
    const struct passwd *account = getpwnam(c->user);
    if (account == NULL) {
        bool absent = errno == 0 || errno == ENOENT || errno == ESRCH;
        log_error("--user %s: %s", c->user, absent ? "there is no such user" : strerror(errno));
        return false;
    }
    c->uid = account->pw_uid;
    c->gid = account->pw_gid;
    return find_groups(c);
}

bool confine_prepare(struct confinement *c, const struct server_options *options)
{
    *c = (struct confinement){
        .docroot = options->docroot != NULL ? options->docroot : "the book",
        .chroot = options->chroot,
        .sandbox = !options->no_sandbox,
        .user = options->user,
    };
    return c->user == NULL || find_user(c);
}

static bool is_that_user_already(const struct confinement *c)
{
    uid_t uid, effective_uid, saved_uid;
    gid_t gid, effective_gid, saved_gid;
    return getresuid(&uid, &effective_uid, &saved_uid) == 0 &&
           getresgid(&gid, &effective_gid, &saved_gid) == 0 && uid == c->uid &&
           effective_uid == c->uid && saved_uid == c->uid && gid == c->gid &&
           effective_gid == c->gid && saved_gid == c->gid;
}

/* Whether the user may so much as look for a file in the docroot; it need not be able to come there
 * from the root of the file system. */
static bool may_search(const struct confinement *c, int root)
{
    int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        log_error("--user %s: %s cannot be searched: %s", c->user, c->docroot, strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

static bool become_user(struct confinement *c, int root)
{
    if (c->user == NULL) {
        return true;
    }
    if ((geteuid() == 0 || !is_that_user_already(c)) &&
        (setgroups((size_t)c->group_count, c->groups) < 0 ||
         setresgid(c->gid, c->gid, c->gid) < 0 || setresuid(c->uid, c->uid, c->uid) < 0)) {
        log_error("--user %s: this process cannot become that user: %s", c->user, strerror(errno));
        return false;
    }
    holds(c, "user ", c->user);
    return may_search(c, root);
}

static bool change_root(struct confinement *c, int root)
{
    if (!c->chroot) {
        return true;
    }
    if (fchdir(root) < 0 || chroot(".") < 0) {
        log_error("--chroot: %s cannot be made the root: %s", c->docroot, strerror(errno));
        return false;
    }
    holds(c, "chroot", "");
    return true;
}

/* --- privileges ------------------------------------------------------------------------------- */

/* No program that is started could have any back, were one to be started. Without the right to do
 * that there is little to be had back. */
static void bar_privileges(const struct confinement *c)
{
    for (unsigned long each = 0; c->sandbox && prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; each++) {
        prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
    }
}

/* Root that serves as itself goes on reading what others keep from each other, as whoever starts it
 * on such a folder means it to: beneath the docroot, and Landlock sees to it that nowhere else. All
 * else that root may, it may no more. */
static bool drop_privileges(const struct confinement *c)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {0};
    if (!c->sandbox) {
        return true;
    }
    if (syscall(SYS_capget, &header, held) == 0) {
        const uint32_t kept = UINT32_C(1) << CAP_DAC_READ_SEARCH;
        const struct __user_cap_data_struct less[_LINUX_CAPABILITY_U32S_3] = {
            {.effective = held[0].effective & kept, .permitted = held[0].permitted & kept}};
        if (memcmp(held, less, sizeof(held)) == 0 || syscall(SYS_capset, &header, less) == 0) {
            return true;
        }
    }
    log_error("privileges cannot be dropped: %s", strerror(errno));
    return false;
}

/* --- Landlock --------------------------------------------------------------------------------- */

/* What the kernel's documentation (userspace-api/landlock) numbers, and older headers do not. */
enum {
    ACCESS_FS_FIRST = (1 << 13) - 1, /* what the first ABI knows of files and folders */
    ACCESS_FS_REFER = 1 << 13,
    ACCESS_FS_TRUNCATE = 1 << 14,
    ACCESS_FS_IOCTL_DEV = 1 << 15,
    ACCESS_NET_BIND_TCP = 1 << 0,
    ACCESS_NET_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0,
    SCOPE_SIGNAL = 1 << 1,
};

/* struct landlock_ruleset_attr of today. */
struct ruleset {
    uint64_t access_fs, access_net, scoped;
};

/* All that this ABI can deny is denied. */
static struct ruleset everything(int abi)
{
    return (struct ruleset){
        .access_fs =
            (uint64_t)(ACCESS_FS_FIRST | (abi >= 2 ? ACCESS_FS_REFER : 0) |
                       (abi >= 3 ? ACCESS_FS_TRUNCATE : 0) | (abi >= 5 ? ACCESS_FS_IOCTL_DEV : 0)),
        .access_net = abi >= 4 ? ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP : 0,
        .scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0,
    };
}

/* Everything but to read beneath `root`. 0, or -errno. */
static int restrict_to(int root, int abi)
{
    const struct ruleset all = everything(abi);
    const struct landlock_path_beneath_attr reading = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = root,
    };
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    if (rules < 0) {
        return -errno;
    }
    bool done =
        syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &reading, 0) == 0 &&
        syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int error = done ? 0 : -errno;
    close(rules);
    return error;
}

static int find_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi >= 0 ? (int)abi : -errno;
}

/* --- the sandbox ------------------------------------------------------------------------------ */

/* False when memory lacks: that is no reason to serve with less than the kernel can. */
static bool note(struct confinement *c, int error, const char *name, const char *more)
{
    if (error == 0) {
        holds(c, name, more);
        return true;
    }
    char why[96];
    snprintf(why, sizeof(why), " (%s)",
             error == -ENOSYS       ? "this kernel has none"
             : error == -EOPNOTSUPP ? "it is turned off here"
                                    : strerror(-error));
    lacks(c, name, why);
    if (error == -ENOMEM) {
        log_error("%s: out of memory", name);
    }
    return error != -ENOMEM;
}

static bool enter_landlock(struct confinement *c, int root)
{
    char version[16] = "";
    int abi = find_abi();
    if (abi >= 0) {
        snprintf(version, sizeof(version), " %d", abi);
    }
    return note(c, abi >= 0 ? restrict_to(root, abi) : abi, "Landlock", version);
}

static bool enter_filter(struct confinement *c)
{
    if (!filter_is_known) {
        lacks(c, "seccomp", " (not on this processor)");
        return true;
    }
    return note(c, filter_load(), "seccomp", "");
}

static bool enter_sandbox(struct confinement *c, int root)
{
    if (!c->sandbox) {
        bool some = c->in_force[0] != '\0';
        lacks(c, some ? "Landlock and seccomp " : "", some ? "(--no-sandbox)" : "--no-sandbox");
        return true;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        log_error("privileges cannot be renounced: %s", strerror(errno));
        return false;
    }
    holds(c, "no new privileges", "");
    return enter_landlock(c, root) && enter_filter(c);
}

/* The root and the bounds need privileges, and so does to become another: they come first. */
bool confine(struct confinement *c, int root)
{
    if (!change_root(c, root)) {
        return false;
    }
    bar_privileges(c);
    return become_user(c, root) && drop_privileges(c) && enter_sandbox(c, root);
}
