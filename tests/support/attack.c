/* Preloaded into a server, this stands for code that an attacker gets to run in it: when a client
 * sends "attack NAME " (and an argument up to the next space), the thread that received it does
 * what NAME says, by system calls alone, and tells the client in a line "NAME: did it" or
 * "NAME: ERROR"; then the server goes on with what it received. What comes over TLS is looked at
 * when it is decrypted; the line is always plain. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WORD = 512
};

/* What an attack is told: the argument, and the client's socket. What it returns: as system calls
 * do. */
typedef long attack(const char *argument, int client);

/* --- files ------------------------------------------------------------------------------------ */

static long close_again(long fd)
{
    return fd >= 0 ? syscall(SYS_close, fd) : -1;
}

static long read_by_open(const char *path, int client)
{
    (void)client;
#ifdef SYS_open
    return close_again(syscall(SYS_open, path, O_RDONLY));
#else
    return close_again(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
#endif
}

static long read_by_openat(const char *path, int client)
{
    (void)client;
    return close_again(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
}

static long read_by_openat2(const char *path, int client)
{
    const struct open_how how = {.flags = O_RDONLY};
    (void)client;
    return close_again(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static long write_by_openat(const char *path, int client)
{
    (void)client;
    return close_again(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0600));
}

static long write_by_openat2(const char *path, int client)
{
    const struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0600};
    (void)client;
    return close_again(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static long make_folder(const char *path, int client)
{
    (void)client;
    return syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
}

static long remove_file(const char *path, int client)
{
    (void)client;
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static long rename_file(const char *path, int client)
{
    char to[WORD + 8];
    (void)client;
    snprintf(to, sizeof(to), "%s.new", path);
    return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, to, 0);
}

/* --- programs and processes ------------------------------------------------------------------- */

static long run_program(const char *argument, int client)
{
    char *const words[] = {"sh", "-c", "echo run_program: did it", NULL};
    char *const environment[] = {NULL};
    (void)argument;
    syscall(SYS_dup3, client, STDOUT_FILENO, 0);
    return syscall(SYS_execve, "/bin/sh", words, environment);
}

static long end_child(long pid)
{
    if (pid == 0) {
        syscall(SYS_exit_group, 0);
    }
    return pid > 0 ? syscall(SYS_wait4, pid, NULL, __WALL, NULL) : -1;
}

static long fork_process(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return end_child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static long fork_by_clone3(const char *argument, int client)
{
    uint64_t how[11] = {[4] = SIGCHLD};
    (void)argument;
    (void)client;
    return end_child(syscall(SYS_clone3, how, sizeof(how)));
}

static long trace_parent(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return syscall(SYS_ptrace, PTRACE_SEIZE, getppid(), 0, 0);
}

static long read_parent(const char *argument, int client)
{
    static char byte; /* the parent has it in the same place */
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    (void)argument;
    (void)client;
    return syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0);
}

static long signal_parent(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return syscall(SYS_kill, getppid(), SIGCONT);
}

static long signal_thread_of_parent(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static long connect_tcp(const char *port, int client)
{
    const struct sockaddr_in there = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)atoi(port)),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)client;
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    return fd >= 0 ? syscall(SYS_connect, fd, &there, sizeof(there)) : -1;
}

static long connect_unix(const char *path, int client)
{
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    (void)client;
    snprintf(there.sun_path, sizeof(there.sun_path), "%s", path);
    long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 ? syscall(SYS_connect, fd, &there, sizeof(there)) : -1;
}

static long listen_tcp(const char *argument, int client)
{
    const struct sockaddr_in here = {.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)argument;
    (void)client;
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    return fd >= 0 ? syscall(SYS_bind, fd, &here, sizeof(here)) : -1;
}

/* --- memory ----------------------------------------------------------------------------------- */

static long map_code(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long make_code(const char *argument, int client)
{
    static char code[8192];
    (void)argument;
    (void)client;
    return syscall(SYS_mprotect, ((uintptr_t)code + 4095) & ~(uintptr_t)4095, 4096,
                   PROT_READ | PROT_EXEC);
}

static long make_file_in_memory(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return close_again(syscall(SYS_memfd_create, "attack", 0));
}

/* --- the system ------------------------------------------------------------------------------- */

static long leave_name_space(const char *argument, int client)
{
    (void)argument;
    (void)client;
    return syscall(SYS_unshare, CLONE_FS);
}

static long raise_descriptors(const char *argument, int client)
{
    struct {
        uint64_t soft, hard;
    } limit = {64, 64};
    (void)argument;
    (void)client;
    return syscall(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, &limit, NULL);
}

/* --- from outside ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    attack *run;
} attacks[] = {
#define ATTACK(name) \
    {                \
#name, name  \
    }
    ATTACK(read_by_open),     ATTACK(read_by_openat),    ATTACK(read_by_openat2),
    ATTACK(write_by_openat),  ATTACK(write_by_openat2),  ATTACK(make_folder),
    ATTACK(remove_file),      ATTACK(rename_file),       ATTACK(run_program),
    ATTACK(fork_process),     ATTACK(fork_by_clone3),    ATTACK(trace_parent),
    ATTACK(read_parent),      ATTACK(signal_parent),     ATTACK(signal_thread_of_parent),
    ATTACK(connect_tcp),      ATTACK(connect_unix),      ATTACK(listen_tcp),
    ATTACK(map_code),         ATTACK(make_code),         ATTACK(make_file_in_memory),
    ATTACK(leave_name_space), ATTACK(raise_descriptors),
};

static void tell(int client, const char *name, const char *what)
{
    char line[128];
    int size = snprintf(line, sizeof(line), "%s: %s\n", name, what);
    syscall(SYS_sendto, client, line, size, 0, NULL, 0);
}

static void run(int client, const char *name, const char *argument)
{
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (strcmp(name, attacks[i].name) == 0) {
            bool done = attacks[i].run(argument, client) >= 0;
            tell(client, name, done ? "did it" : strerrorname_np(errno));
            return;
        }
    }
    tell(client, name, "no such attack");
}

static void look(int client, const char *bytes, size_t size)
{
    static const char start[] = "attack ";
    char text[2 * WORD], name[WORD], argument[WORD];
    const char *found = memmem(bytes, size, start, sizeof(start) - 1);
    if (found != NULL) {
        snprintf(text, sizeof(text), "%.*s", (int)((size_t)(bytes + size - found)), found);
        if (sscanf(text, "attack %500s %500s", name, argument) == 2) {
            run(client, name, argument);
        }
    }
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
    ssize_t got = syscall(SYS_recvfrom, fd, to, size, flags, NULL, NULL);
    if (got > 0) {
        look(fd, to, (size_t)got);
    }
    return got;
}

/* OpenSSL's, without its headers: these two calls are all that is needed of it. */
int SSL_read_ex(void *tls, void *to, size_t size, size_t *got);

static int next_read(void *tls, void *to, size_t size, size_t *got)
{
    int (*call)(void *, void *, size_t, size_t *);
    void *found = dlsym(RTLD_NEXT, "SSL_read_ex");
    memcpy(&call, &found, sizeof(call));
    return call(tls, to, size, got);
}

static int descriptor_of(void *tls)
{
    int (*call)(const void *);
    void *found = dlsym(RTLD_NEXT, "SSL_get_fd");
    memcpy(&call, &found, sizeof(call));
    return call(tls);
}

int SSL_read_ex(void *tls, void *to, size_t size, size_t *got)
{
    int done = next_read(tls, to, size, got);
    if (done == 1) {
        look(descriptor_of(tls), to, *got);
    }
    return done;
}
