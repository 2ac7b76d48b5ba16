#include "tests/unit/server/running.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    PATIENCE_S = 30,
    RECEIVE_ROOM = 128 * 1024
};

void running_init(struct running *running)
{
    const char *temporary = getenv("TMPDIR");
    *running = (struct running){
        .site =
            {
                .trust_ns = NS_PER_S,
                .cores = 2,
                .limits = {.request = {.head = 4096, .target = 2048, .fields = 50},
                           .body = 1 << 20,
                           .connections = 1000},
                .timeouts = {.head_ns = 20 * NS_PER_S,
                             .idle_ns = 20 * NS_PER_S,
                             .send_ns = 20 * NS_PER_S,
                             .drain_ns = 20 * NS_PER_S},
            },
        .options = {.cache = {.files = 100, .descriptors = 50, .bytes = 1 << 22},
                    .loops = 1,
                    .file_threads = 2,
                    .stack = 256 * 1024},
    };
    snprintf(running->folder, sizeof(running->folder), "%s/cristo-XXXXXX",
             temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    assert_non_null(mkdtemp(running->folder));
    assert_int_equal(control_open(&running->parent, &running->child), 0);
}

char running_byte(size_t offset)
{
    return (char)(offset * 2654435761u >> 13);
}

void running_put(struct running *running, const char *name, size_t size)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", running->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++) {
        putc(running_byte(i), file);
    }
    assert_int_equal(fclose(file), 0);
}

static void *run(void *argument)
{
    struct running *running = argument;
    running->status =
        serve(&running->site, &running->options, &running->listener, 1, &running->child);
    return NULL;
}

void running_listen(struct running *running)
{
    assert_null(address_read("127.0.0.1:0", &running->listener.address));
    assert_int_equal(listen_open(&running->listener.address, true, running->options.loops,
                                 running->listener.fds),
                     0);
    running->listener.sockets = running->options.loops;
    running->listening = true;
}

void running_start(struct running *running)
{
    signal(SIGPIPE, SIG_IGN);
    running->site.store = store_create(&(struct store_options){
        .docroot = running->folder, .fields = BYTES("Server: cristo\r\n"), .in_memory = 65536});
    assert_non_null(running->site.store);
    running->site.fields = BYTES("Server: cristo\r\n");
    if (!running->listening) {
        running_listen(running);
    }
    assert_int_equal(pthread_create(&running->thread, NULL, run, running), 0);
}

void running_ready(struct running *running)
{
    struct pollfd said = {.fd = running->parent.fd, .events = POLLIN};
    assert_int_equal(poll(&said, 1, PATIENCE_S * 1000), 1);
    assert_true(control_is_ready(&running->parent));
}

void running_order(struct running *running, enum order_kind order)
{
    control_order(&running->parent, order);
}

void running_join(struct running *running)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    assert_int_equal(pthread_timedjoin_np(running->thread, NULL, &until), 0);
    assert_int_equal(running->status, 0);
    running->thread = 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void running_clear(const struct running *running)
{
    nftw(running->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void running_finish(struct running *running)
{
    if (running->thread != 0) {
        running_order(running, ORDER_DRAIN);
        running_join(running);
    }
    store_destroy(running->site.store);
    control_close(&running->parent);
    control_close(&running->child);
    running_clear(running);
}

int running_sockets(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        char path[64], what[16];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        count += readlink(path, what, sizeof(what)) > 7 && memcmp(what, "socket:", 7) == 0;
    }
    return count;
}

/* --- clients ---------------------------------------------------------------------------------- */

int client_connect(const struct running *running)
{
    static const struct timeval patience = {PATIENCE_S, 0};
    const struct address *address = &running->listener.address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){RECEIVE_ROOM}, sizeof(int));
    assert_int_equal(connect(fd, &address->at.any, address->size), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

void client_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

ssize_t client_take(int fd, char *to, size_t size)
{
    ssize_t got;
    do {
        got = recv(fd, to, size, 0);
    } while (got < 0 && errno == EINTR); /* signal(7): a stop and a continue */
    return got;
}

size_t client_receive(int fd, char *to, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = client_take(fd, to + have, size - have);
        assert_true(got >= 0);
        if (got == 0) {
            break;
        }
        have += (size_t)got;
    }
    return have;
}

size_t client_head(int fd, char *head, size_t size)
{
    size_t have = 0;
    do {
        assert_true(have + 1 < size);
        assert_int_equal(client_receive(fd, head + have, 1), 1);
        head[++have] = '\0';
    } while (have < 4 || memcmp(head + have - 4, "\r\n\r\n", 4) != 0);
    const char *length = strstr(head, "\r\nContent-Length: ");
    return length != NULL ? strtoul(length + 18, NULL, 10) : 0;
}

void client_file(int fd, size_t size)
{
    char text[65536];
    for (size_t at = 0; at < size;) {
        size_t want = size - at < sizeof(text) ? size - at : sizeof(text);
        assert_int_equal(client_receive(fd, text, want), want);
        for (size_t i = 0; i < want; i++) {
            assert_int_equal(text[i], running_byte(at + i));
        }
        at += want;
    }
}

void client_expect_end(int fd)
{
    char more;
    assert_int_equal(client_receive(fd, &more, 1), 0);
}

size_t client_drain(int fd)
{
    char dropped[65536];
    size_t count = 0;
    ssize_t got;
    while ((got = client_take(fd, dropped, sizeof(dropped))) > 0) {
        count += (size_t)got;
    }
    assert_true(got == 0 || errno == ECONNRESET);
    return count;
}

bool client_hears(int fd, int timeout_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, timeout_ms) > 0;
}
