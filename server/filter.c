#include "server/filter.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

const bool filter_is_known = true;

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Allowed, whatever is asked for. */
static const uint32_t always[] = {
    /* clients */
    SYS_accept,
    SYS_accept4,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_shutdown,
    /* files, and whatever is open */
    SYS_close,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fadvise64,
    SYS_fstat,
    SYS_fstatfs,
    SYS_getdents64,
    SYS_lseek,
    SYS_newfstatat,
    SYS_openat2,
    SYS_pread64,
    SYS_preadv,
    SYS_preadv2,
    SYS_read,
    SYS_readv,
    SYS_sendfile,
    SYS_statx,
    SYS_write,
    SYS_writev,
    /* waiting */
    SYS_clock_nanosleep,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_eventfd2,
    SYS_nanosleep,
    SYS_pipe2,
    SYS_ppoll,
    SYS_pselect6,
    SYS_restart_syscall,
    SYS_timerfd_create,
    SYS_timerfd_gettime,
    SYS_timerfd_settime,
    /* threads and memory */
    SYS_brk,
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_get_robust_list,
    SYS_madvise,
    SYS_membarrier,
    SYS_mremap,
    SYS_munmap,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_sigaltstack,
    /* what there is to know */
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_getcpu,
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getpid,
    SYS_getppid,
    SYS_getrandom,
    SYS_gettid,
    SYS_gettimeofday,
    SYS_getuid,
    SYS_sysinfo,
    SYS_uname,
#ifdef __x86_64__ /* others have none of these */
    SYS_access,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_getdents,
    SYS_getrlimit,
    SYS_lstat,
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_stat,
    SYS_time,
#endif
};

enum {
    ALWAYS = sizeof(always) / sizeof(always[0])
};

/* That an argument, masked, has this value. */
struct condition {
    unsigned argument;
    uint64_t mask, value;
};

#define INT UINT32_MAX /* all that the kernel looks at of an argument that is an int */
#define POINTER UINT64_MAX
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC)
#define OF_A_THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define OF_ANY_THREAD                                                              \
    (CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | \
     CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED)

/* Allowed when all conditions of one of these hold. */
static const struct {
    uint32_t number;
    struct condition when[2]; /* the second may be none: a mask of 0 */
} sometimes[] = {
    /* as the C library begins a thread; no process, nor anything in a name space of its own */
    {SYS_clone, {{0, ~(uint64_t)OF_ANY_THREAD, OF_A_THREAD}}},
    {SYS_mmap, {{2, PROT_EXEC, 0}}},
    {SYS_mprotect, {{2, PROT_EXEC, 0}}},
    {SYS_openat, {{2, WRITING, O_RDONLY}}},
    {SYS_prlimit64, {{2, POINTER, 0}}}, /* to look at it */
    {SYS_ioctl, {{1, INT, SIOCOUTQ}}},
    {SYS_fcntl, {{1, INT, F_DUPFD_CLOEXEC}}},
    {SYS_fcntl, {{1, INT, F_GETFD}}},
    {SYS_fcntl, {{1, INT, F_GETFL}}},
    {SYS_fcntl, {{1, INT, F_SETFD}}},
    {SYS_fcntl, {{1, INT, F_SETFL}}},
    {SYS_setsockopt, {{1, INT, SOL_SOCKET}, {2, INT, SO_ATTACH_FILTER}}}, /* listen_refuse() */
    {SYS_setsockopt,
     {{1, INT, IPPROTO_TCP}, {2, INT, TCP_ULP}}},            /* the kernel encrypts: is asked */
    {SYS_setsockopt, {{1, INT, SOL_TLS}, {2, INT, TLS_TX}}}, /* and given the keys */
    {SYS_setsockopt, {{1, INT, SOL_TLS}, {2, INT, TLS_RX}}},
#ifdef __x86_64__
    {SYS_open, {{1, WRITING, O_RDONLY}}},
#endif
};

/* From this number on, which is the same on all machines, calls came to Linux after those above; on
 * x86-64, those of x32 have numbers beyond. */
enum {
    YOUNG = 449
};

/* --- writing ---------------------------------------------------------------------------------- */

struct program {
    struct sock_filter *at;
    size_t size;
};

static void add(struct program *to, struct sock_filter instruction)
{
    assert(to->size < FILTER_MOST);
    to->at[to->size++] = instruction;
}

static void load(struct program *to, size_t offset)
{
    add(to, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void end_with(struct program *to, uint32_t action)
{
    add(to, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* A jump over what is not written yet, if the comparison fails (or holds); land() tells how far. */
static size_t jump(struct program *to, uint16_t comparison, uint32_t value)
{
    add(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | comparison, value, 0, 0));
    return to->size - 1;
}

static uint8_t distance(const struct program *to, size_t from)
{
    assert(to->size - from - 1 <= UINT8_MAX);
    return (uint8_t)(to->size - from - 1);
}

static void land_if_not(struct program *to, size_t from)
{
    to->at[from].jf = distance(to, from);
}

static void land_if(struct program *to, size_t from)
{
    to->at[from].jt = distance(to, from);
}

static void refuse_if(struct program *to, uint16_t comparison, uint32_t value, int error)
{
    size_t other = jump(to, comparison, value);
    end_with(to, SECCOMP_RET_ERRNO | (uint32_t)error);
    land_if_not(to, other);
}

static void refuse_unless(struct program *to, uint16_t comparison, uint32_t value, int error)
{
    size_t as_it_is = jump(to, comparison, value);
    end_with(to, SECCOMP_RET_ERRNO | (uint32_t)error);
    land_if(to, as_it_is);
}

enum {
    LEAF = 3
};

/* Allows these numbers, which are in order; others come out behind. A tree, so that each is found
 * with few comparisons; and of comparisons alone, so that the kernel can find out beforehand which
 * calls are allowed whatever they ask for, and spares them the filter. */
static void allow(struct program *to, const uint32_t *numbers, size_t count)
{
    if (count <= LEAF) {
        for (size_t i = 0; i < count; i++) {
            size_t other = jump(to, BPF_JEQ, numbers[i]);
            end_with(to, SECCOMP_RET_ALLOW);
            land_if_not(to, other);
        }
        return;
    }
    size_t upper = jump(to, BPF_JGE, numbers[count / 2]);
    allow(to, numbers, count / 2);
    size_t none = to->size;
    add(to, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
    land_if(to, upper);
    allow(to, numbers + count / 2, count - count / 2);
    to->at[none].k = (uint32_t)(to->size - none - 1);
}

/* One half of an argument; returns what jumps if it is another. */
static size_t compare(struct program *to, size_t offset, uint32_t mask, uint32_t value)
{
    load(to, offset);
    add(to, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    return jump(to, BPF_JEQ, value);
}

static void allow_when(struct program *to, const struct condition *when, unsigned count)
{
    size_t jumps[4];
    unsigned all = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t offset = offsetof(struct seccomp_data, args) + 8 * when[i].argument;
        uint64_t mask = when[i].mask, value = when[i].value;
        jumps[all++] = compare(to, offset, (uint32_t)mask, (uint32_t)value);
        if (mask >> 32 != 0) {
            jumps[all++] = compare(to, offset + 4, (uint32_t)(mask >> 32), (uint32_t)(value >> 32));
        }
    }
    end_with(to, SECCOMP_RET_ALLOW);
    while (all > 0) {
        land_if_not(to, jumps[--all]);
    }
}

/* The number is there again behind it. */
static void allow_call_when(struct program *to, uint32_t number, const struct condition *when)
{
    size_t other = jump(to, BPF_JEQ, number);
    allow_when(to, when, when[1].mask != 0 ? 2 : 1);
    load(to, offsetof(struct seccomp_data, nr));
    land_if_not(to, other);
}

static int in_order(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

size_t filter_write(struct sock_filter program[FILTER_MOST], pid_t pid)
{
    /* signals that threads send each other, and abort(3) */
    const struct condition ours[2] = {{0, INT, (uint32_t)pid}};
    struct program to = {program, 0};
    uint32_t numbers[ALWAYS];
    memcpy(numbers, always, sizeof(always));
    qsort(numbers, ALWAYS, sizeof(numbers[0]), in_order);
    load(&to, offsetof(struct seccomp_data, arch));
    refuse_unless(&to, BPF_JEQ, ARCHITECTURE, EPERM);
    load(&to, offsetof(struct seccomp_data, nr));
    refuse_if(&to, BPF_JGE, YOUNG, ENOSYS);
    refuse_if(&to, BPF_JEQ, SYS_clone3, ENOSYS);
    allow(&to, numbers, ALWAYS);
    for (size_t i = 0; i < sizeof(sometimes) / sizeof(sometimes[0]); i++) {
        allow_call_when(&to, sometimes[i].number, sometimes[i].when);
    }
    allow_call_when(&to, SYS_tgkill, ours);
    end_with(&to, SECCOMP_RET_ERRNO | EPERM);
    return to.size;
}

/* Without speculative execution being hampered: kernels before 5.16 do that to every process with a
 * filter, to the harm of all its calls, and nobody's programs are run here. */
int filter_load(void)
{
    struct sock_filter program[FILTER_MOST];
    size_t size = filter_write(program, getpid());
    const struct sock_fprog filter = {(unsigned short)size, program};
    bool done =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0;
    return done ? 0 : -errno;
}
