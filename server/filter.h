/* The system calls that are left to the process that serves: a list of those that its threads make
 * on either model, so that whatever is not thought of is refused. Where a call can do harm by its
 * arguments, and they are in registers, these are looked at, too: memory never becomes executable,
 * only threads are begun, only threads of this process get signals, and the plain ways of opening
 * open nothing for writing. (openat2(2) has its flags in memory, where a filter does not see them:
 * there Landlock refuses to write.)
 *
 * What is refused fails with EPERM, and nothing is killed for it: a C library may try a call that
 * this list does not know and go on without it, and a server that ends itself would be an easier
 * prey than one that goes on. Calls younger than the list fail with ENOSYS, as on an older kernel.
 * So does clone3(2), whose flags no filter can see: the C library then uses clone(2).
 *
 * Written here and not by libseccomp, which makes other filters than it was asked for when memory
 * lacks (2.5.4). */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    FILTER_MOST = 512
};

/* Whether there is one for this kind of processor. */
extern const bool filter_is_known;

/* Writes the program (seccomp(2)) for a process of this number; how many instructions it has. */
size_t filter_write(struct sock_filter program[FILTER_MOST], pid_t pid);

/* Loads it, for this thread, which is the only one, and all that it begins. After
 * PR_SET_NO_NEW_PRIVS. 0, or -errno. */
int filter_load(void);
