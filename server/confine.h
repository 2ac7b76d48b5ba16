/* What the process that serves can do, whatever a client may make it do: read beneath the docroot,
 * talk on the sockets it has or accepts, and write to its log. Landlock holds it there by paths, a
 * filter (filter.h) by system calls, and it has no privileges and gets no new ones.
 *
 * What it lacks then, its parent has: listeners, logs, and the successor to be begun. What is
 * already open stays usable, so all that is read at start-up (the table of media types, the number
 * of cores, users) is read before. */
#pragma once

#include "server/options.h"

#include <sys/types.h>

struct confinement {
    const char *docroot; /* for messages */
    bool chroot;
    bool sandbox;

    const char *user; /* NULL: stays who it is */
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* malloc'd */
    int group_count;

    char in_force[160]; /* by name, for confine_describe() */
    char lacking[160];
};

/* The parent's: looks up the user of --user. False after log_error(). */
bool confine_prepare(struct confinement *confinement, const struct server_options *options);

/* The child's, before it begins a thread or reads a byte: takes away what is asked for and what the
 * kernel can. `root` is a descriptor of the docroot. What the kernel or the build lacks is done
 * without; false after log_error() when --user or --chroot cannot be done, or memory lacks. */
bool confine(struct confinement *confinement, int root);

/* After confine(): "confined: ..." or "not confined: ...", with what is in force, and what is not
 * and why. */
void confine_describe(const struct confinement *confinement, char *to, size_t room);
