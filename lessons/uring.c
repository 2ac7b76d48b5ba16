#include "lessons/uring.h"

#include "lessons/sched.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Lies on the stack of the task that waits for it. */
struct request {
    bool done;
    int result;
};

static void *map(int fd, size_t size, off_t what)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
    return at == MAP_FAILED ? NULL : at;
}

static void *at(const struct uring *ring, unsigned offset)
{
    return (char *)ring->rings + offset;
}

int uring_init(struct uring *ring, unsigned most)
{
    struct io_uring_params made = {0};
    *ring = (struct uring){.fd = (int)syscall(SYS_io_uring_setup, most, &made)};
    if (ring->fd < 0) {
        return -errno;
    }
    if (!(made.features & IORING_FEAT_SINGLE_MMAP)) { /* older than Linux 5.4 */
        uring_finish(ring);
        return -ENOSYS;
    }
    size_t requests = made.sq_off.array + made.sq_entries * sizeof(unsigned);
    size_t done = made.cq_off.cqes + made.cq_entries * sizeof(struct io_uring_cqe);
    ring->rings_size = requests > done ? requests : done;
    ring->requests_size = made.sq_entries * sizeof(struct io_uring_sqe);
    ring->rings = map(ring->fd, ring->rings_size, IORING_OFF_SQ_RING);
    ring->requests = map(ring->fd, ring->requests_size, IORING_OFF_SQES);
    if (ring->rings == NULL || ring->requests == NULL) {
        uring_finish(ring);
        return -ENOMEM;
    }
    ring->request_tail = at(ring, made.sq_off.tail);
    ring->request_mask = at(ring, made.sq_off.ring_mask);
    ring->request_array = at(ring, made.sq_off.array);
    ring->done_head = at(ring, made.cq_off.head);
    ring->done_tail = at(ring, made.cq_off.tail);
    ring->done_mask = at(ring, made.cq_off.ring_mask);
    ring->done = at(ring, made.cq_off.cqes);
    return 0;
}

void uring_finish(struct uring *ring)
{
    if (ring->rings != NULL) {
        munmap(ring->rings, ring->rings_size);
    }
    if (ring->requests != NULL) {
        munmap(ring->requests, ring->requests_size);
    }
    if (ring->fd >= 0) {
        close(ring->fd);
    }
    *ring = (struct uring){.fd = -1};
}

/* Gives the kernel one request, and waits until `least` are done. 0, or -errno. */
static int enter(struct uring *ring, unsigned requests, unsigned least)
{
    unsigned flags = least > 0 ? IORING_ENTER_GETEVENTS : 0;
    long took;
    do {
        took = syscall(SYS_io_uring_enter, ring->fd, requests, least, flags, NULL, 0);
    } while (took < 0 && errno == EINTR);
    return took < 0 ? -errno : 0;
}

static int submit(struct uring *ring, const struct io_uring_sqe *wanted)
{
    unsigned tail = *ring->request_tail, index = tail & *ring->request_mask;
    ((struct io_uring_sqe *)ring->requests)[index] = *wanted;
    ring->request_array[index] = index;
    __atomic_store_n(ring->request_tail, tail + 1, __ATOMIC_RELEASE);
    return enter(ring, 1, 0);
}

/* Tells all whose request is done; any of the tasks that wait may do that for the others. */
static void take_results(struct uring *ring)
{
    unsigned head = *ring->done_head;
    unsigned tail = __atomic_load_n(ring->done_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) {
        struct io_uring_cqe *done = &((struct io_uring_cqe *)ring->done)[head & *ring->done_mask];
        struct request *request = (struct request *)(uintptr_t)done->user_data;
        if (request != NULL) {
            *request = (struct request){true, done->res};
            ring->told++;
        }
    }
    __atomic_store_n(ring->done_head, head, __ATOMIC_RELEASE);
}

/* Wakes who was told while it waited: of a ring that was emptied for it, it would hear no more. A
 * request for nothing is done at once, and the ring is readable again. */
static void wake_told(struct uring *ring)
{
    static const struct io_uring_sqe nothing = {.opcode = IORING_OP_NOP};
    if (ring->told > 0) {
        submit(ring, &nothing);
    }
}

/* The kernel may use the memory until it says that it is done, cancelled or not. */
static ssize_t transfer(struct uring *ring, struct io_uring_sqe *wanted)
{
    struct request request = {0};
    wanted->flags = IOSQE_ASYNC; /* not here and now, even if it could be */
    wanted->user_data = (uintptr_t)&request;
    int error = submit(ring, wanted);
    if (error < 0) {
        return error;
    }
    while (take_results(ring), !request.done) {
        wake_told(ring);
        if (!task_until(ring->fd, EV_READ)) {
            enter(ring, 0, 1);
        }
    }
    ring->told--;
    wake_told(ring);
    return request.result;
}

ssize_t uring_read(struct uring *ring, int fd, void *to, size_t size, uint64_t offset)
{
    struct io_uring_sqe wanted = {
        .opcode = IORING_OP_READ, .fd = fd, .off = offset, .len = (unsigned)size};
    wanted.addr = (uintptr_t)to;
    return transfer(ring, &wanted);
}

ssize_t uring_write(struct uring *ring, int fd, const void *from, size_t size, uint64_t offset)
{
    struct io_uring_sqe wanted = {
        .opcode = IORING_OP_WRITE, .fd = fd, .off = offset, .len = (unsigned)size};
    wanted.addr = (uintptr_t)from;
    return transfer(ring, &wanted);
}
