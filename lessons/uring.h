/* io_uring, as little of it as one needs: requests are written into a ring that the kernel reads,
 * and it writes what came of them into another. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uring {
    int fd; /* readable when something is done */
    void *rings, *requests;
    size_t rings_size, requests_size;
    unsigned *request_tail, *request_mask, *request_array;
    unsigned *done_head, *done_tail, *done_mask;
    void *done;
    unsigned told; /* requests that are done, and whose tasks have not gone on yet */
};

/* For up to `most` requests at a time. 0, or -errno where the kernel has no io_uring or forbids it.
 */
int uring_init(struct uring *ring, unsigned most);
void uring_finish(struct uring *ring);

/* Reads or writes at `offset` as pread() and pwrite() do, and waits for it as a task. What they
 * return, or -errno. */
ssize_t uring_read(struct uring *ring, int fd, void *to, size_t size, uint64_t offset);
ssize_t uring_write(struct uring *ring, int fd, const void *from, size_t size, uint64_t offset);
