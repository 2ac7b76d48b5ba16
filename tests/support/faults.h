/* Faults on order: calls that the product makes in the test's own process fail when a test wants
 * them to.
 *
 * An executable that is linked with faults.c and `faults_link_args` (tests/unit/meson.build) has
 * these calls go through here; they are counted by kind, and those that a fault names come to what
 * it says. libevent's memory and its talk with the kernel go through here too. Only threads that
 * were not spared are counted: the test and its clients keep out of their own trouble. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What can go wrong. */
enum fault_call {
    FAULT_NONE,
    FAULT_MEMORY, /* malloc and all that allocates by it */
    FAULT_THREAD, /* pthread_create */
    FAULT_ACCEPT,
    FAULT_RECEIVE, /* recv, and recvfrom that drops */
    FAULT_SEND,    /* send, sendmsg */
    FAULT_SEND_FILE,
    FAULT_OPEN,
    FAULT_STATUS, /* fstat */
    FAULT_READ,   /* of a file, at an offset */
    FAULT_POLL,
    FAULT_SLEEP,
    FAULT_WATCH,  /* epoll_ctl */
    FAULT_EVENTS, /* epoll_wait */
    FAULT_FOLDER, /* fdopendir, readdir */
    FAULT_PROBE,  /* of pages that may be at hand: preadv2 */
    FAULT_SHUTDOWN,
    FAULT_EVENTFD,
    FAULT_CALLS,
};

struct fault {
    enum fault_call call;
    unsigned long first; /* the first of these calls that goes wrong, counted from 1 */
    unsigned long every; /* and then each so many calls later; 0: none after the first */
    int error;           /* what errno then is; 0: the call is carried out, but ... */
    size_t most;         /* ... moves no more than so many bytes (0: no bound) */
    unsigned delay_us;   /* ... and only after this time */
};

/* The calling thread is spared from now on, or not. */
void faults_spare(bool spared);

/* From now on, in the place of any other. Counts from zero. */
void faults_arm(const struct fault *fault);
/* How many calls have gone wrong since. */
unsigned long faults_failed(void);
/* No longer; how many calls went wrong. */
unsigned long faults_disarm(void);

/* How many such calls were made so far, whether they went wrong or not. */
unsigned long faults_seen(enum fault_call call);

/* Allocations of the product, the test and libevent that are not yet freed. */
long faults_memory(void);

/* Whether no page of a file is at hand: each slice of it then has to be fetched. */
void faults_cold(bool cold);

/* Lines that were written to stderr since the last call, instead of which nothing is shown. */
unsigned faults_lines(void);

/* Has libevent allocate through here; before its first call. */
void faults_libevent(void);
