/* The filter of system calls, run as the kernel would run it. */
#include "tests/support/suite.h"

#include "server/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
    PID = 4711,
    ALLOWED = 0 /* beside errno */
};

#ifdef __x86_64__
#define HERE AUDIT_ARCH_X86_64
#define ELSEWHERE AUDIT_ARCH_I386
#else
#define HERE AUDIT_ARCH_AARCH64
#define ELSEWHERE AUDIT_ARCH_ARM
#endif

static struct sock_filter program[FILTER_MOST];
static size_t size;

static bool holds(const struct sock_filter *at, uint32_t value)
{
    switch (BPF_OP(at->code)) {
    case BPF_JEQ:
        return value == at->k;
    case BPF_JGE:
        return value >= at->k;
    default:
        fail_msg("comparison %#x", at->code);
        return false;
    }
}

/* What the program says to this call: an action of seccomp(2). */
static uint32_t run(const struct seccomp_data *call)
{
    uint32_t value = 0;
    for (size_t at = 0; at < size; at++) {
        const struct sock_filter *now = &program[at];
        switch (now->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(now->k % 4 == 0 && now->k < sizeof(*call));
            memcpy(&value, (const char *)call + now->k, sizeof(value));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            value &= now->k;
            break;
        case BPF_JMP | BPF_JA:
            at += now->k;
            break;
        case BPF_RET | BPF_K:
            return now->k;
        default:
            at += holds(now, value) ? now->jt : now->jf;
        }
    }
    fail_msg("the program has no end");
    return 0;
}

static int answer_of(uint32_t action)
{
    if (action == SECCOMP_RET_ALLOW) {
        return ALLOWED;
    }
    assert_int_equal(action & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
    return (int)(action & SECCOMP_RET_DATA);
}

/* --- cases ------------------------------------------------------------------------------------ */

#define THREAD                                                                          \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD | \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define UPPER (UINT64_C(1) << 32) /* of an int the kernel does not look at */

static const struct row {
    const char *fact;
    int number;
    uint64_t args[6];
    int answer;
} rows[] = {
    {"bytes_are_received", SYS_recvfrom, {5}, ALLOWED},
    {"bytes_are_sent", SYS_sendto, {5}, ALLOWED},
    {"a_file_is_sent", SYS_sendfile, {5}, ALLOWED},
    {"connections_are_accepted", SYS_accept4, {5}, ALLOWED},
    {"descriptors_are_received", SYS_recvmsg, {5}, ALLOWED},
    {"files_are_opened", SYS_openat2, {5}, ALLOWED},
    {"files_are_opened_to_read", SYS_openat, {0, 0, O_RDONLY | O_CLOEXEC | O_PATH}, ALLOWED},
    {"no_file_is_opened_to_write", SYS_openat, {0, 0, O_WRONLY}, EPERM},
    {"no_file_is_opened_to_read_and_write", SYS_openat, {0, 0, O_RDWR | O_CLOEXEC}, EPERM},
    {"no_file_is_made", SYS_openat, {0, 0, O_RDONLY | O_CREAT}, EPERM},
    {"no_file_is_truncated", SYS_openat, {0, 0, O_RDONLY | O_TRUNC}, EPERM},
    {"no_nameless_file_is_made", SYS_openat, {0, 0, O_RDWR | O_TMPFILE}, EPERM},
    {"upper_half_of_flags_does_not_hide_them", SYS_openat, {0, 0, UPPER | O_WRONLY}, EPERM},
    {"no_file_is_removed", SYS_unlinkat, {0}, EPERM},
    {"memory_is_had", SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE}, ALLOWED},
    {"guard_pages_are_had", SYS_mmap, {0, 4096, PROT_NONE}, ALLOWED},
    {"no_code_is_mapped", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}, EPERM},
    {"memory_is_made_writable", SYS_mprotect, {0, 4096, PROT_READ | PROT_WRITE}, ALLOWED},
    {"memory_does_not_become_code", SYS_mprotect, {0, 4096, PROT_EXEC}, EPERM},
    {"a_thread_is_begun", SYS_clone, {THREAD}, ALLOWED},
    {"no_process_is_begun", SYS_clone, {SIGCHLD}, EPERM},
    {"no_process_is_begun_on_the_same_memory",
     SYS_clone,
     {CLONE_VM | CLONE_VFORK | SIGCHLD},
     EPERM},
    {"no_thread_is_begun_elsewhere", SYS_clone, {THREAD | CLONE_NEWUSER}, EPERM},
    {"no_thread_is_begun_with_what_is_to_come", SYS_clone, {THREAD | UPPER}, EPERM},
    {"clone3_is_not_there", SYS_clone3, {0}, ENOSYS},
    {"no_program_is_run", SYS_execve, {0}, EPERM},
    {"no_open_program_is_run", SYS_execveat, {0}, EPERM},
    {"own_threads_are_signalled", SYS_tgkill, {PID, PID + 1, 34}, ALLOWED},
    {"others_are_not", SYS_tgkill, {PID - 1, PID - 1, 34}, EPERM},
    {"no_process_is_signalled", SYS_kill, {PID, 9}, EPERM},
    {"nothing_is_traced", SYS_ptrace, {0}, EPERM},
    {"no_socket_is_made", SYS_socket, {AF_INET, SOCK_STREAM}, EPERM},
    {"no_socket_is_connected", SYS_connect, {5}, EPERM},
    {"no_socket_is_bound", SYS_bind, {5}, EPERM},
    {"a_drain_turns_clients_away", SYS_setsockopt, {5, SOL_SOCKET, SO_ATTACH_FILTER}, ALLOWED},
    {"kernel_is_asked_to_encrypt", SYS_setsockopt, {5, IPPROTO_TCP, TCP_ULP}, ALLOWED},
    {"kernel_is_given_keys_to_send", SYS_setsockopt, {5, SOL_TLS, TLS_TX}, ALLOWED},
    {"kernel_is_given_keys_to_receive", SYS_setsockopt, {5, SOL_TLS, TLS_RX}, ALLOWED},
    {"tcp_is_left_as_it_is", SYS_setsockopt, {5, IPPROTO_TCP, TCP_CONGESTION}, EPERM},
    {"no_other_option_is_set", SYS_setsockopt, {5, SOL_SOCKET, SO_SNDBUF}, EPERM},
    {"no_option_of_that_number_is_set", SYS_setsockopt, {5, IPPROTO_TCP, SO_ATTACH_FILTER}, EPERM},
    {"what_is_unsent_is_asked", SYS_ioctl, {5, SIOCOUTQ}, ALLOWED},
    {"no_terminal_is_typed_on", SYS_ioctl, {0, TIOCSTI}, EPERM},
    {"upper_half_does_not_hide_a_request", SYS_ioctl, {0, UPPER | TIOCSTI}, EPERM},
    {"flags_are_asked", SYS_fcntl, {5, F_GETFL}, ALLOWED},
    {"upper_half_does_not_matter", SYS_fcntl, {5, UPPER | F_GETFL}, ALLOWED},
    {"nobody_is_signalled_by_a_descriptor", SYS_fcntl, {5, F_SETOWN, 1}, EPERM},
    {"limits_are_asked", SYS_prlimit64, {0, 7, 0, 0xffff}, ALLOWED},
    {"no_limit_is_set", SYS_prlimit64, {0, 7, 0xffff, 0}, EPERM},
    {"no_limit_is_set_from_far_away", SYS_prlimit64, {0, 7, UPPER, 0}, EPERM},
    {"no_filter_is_added", SYS_seccomp, {0}, EPERM},
    {"privileges_are_left_alone", SYS_prctl, {0}, EPERM},
    {"no_user_is_become", SYS_setresuid, {0}, EPERM},
    {"no_ring_does_calls", SYS_io_uring_setup, {0}, EPERM},
    {"last_call_of_the_list_is_refused", 448, {0}, EPERM},
    {"first_younger_call_is_not_there", 449, {0}, ENOSYS},
    {"call_of_x32_is_not_there", 0x40000000 | 1, {0}, ENOSYS},
    {"no_call_is_none", -1, {0}, ENOSYS},
};

static void call_is_answered(void **state)
{
    const struct row *row = *state;
    struct seccomp_data call = {.nr = row->number, .arch = HERE};
    memcpy(call.args, row->args, sizeof(call.args));
    assert_int_equal(answer_of(run(&call)), row->answer);
}

static void call_by_other_numbers_is_refused(void **state)
{
    (void)state;
    struct seccomp_data call = {.nr = SYS_recvfrom, .arch = ELSEWHERE};
    assert_int_equal(answer_of(run(&call)), EPERM);
}

/* Whatever its number and arguments: the program has an end. */
static void every_call_is_answered(void **state)
{
    (void)state;
    for (int number = -2; number < 1100; number++) {
        struct seccomp_data call = {.nr = number, .arch = HERE};
        for (uint64_t bits = 0; bits < 3; bits++) {
            memset(call.args, bits == 0 ? 0 : bits == 1 ? 0xff : 0x55, sizeof(call.args));
            answer_of(run(&call));
        }
    }
}

int main(void)
{
    struct suite suite = {0};
    size = filter_is_known ? filter_write(program, PID) : 0;
    if (size > 0) {
        suite_add_rows(&suite, call_is_answered, ROWS(rows));
        suite_add(&suite, CASE(call_by_other_numbers_is_refused));
        suite_add(&suite, CASE(every_call_is_answered));
    }
    return suite_run(&suite, "server/filter");
}
