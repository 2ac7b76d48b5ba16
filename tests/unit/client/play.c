#include "tests/unit/client/play.h"

#include "client/space.h"
#include "lib/base/clock.h"
#include "lib/tls/link.h"
#include "tests/support/authority.h"
#include "tests/support/suite.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- certificates ---- */

static struct {
    struct tls_server *server;
    char ca_path[64], other_ca_path[64]; /* who signed its certificate, and who did not */
} trust;

static void write_ca(char path[64], const struct authority *authority)
{
    struct tls_file file = authority_file(authority);
    strcpy(path, "/tmp/cristo-load-ca-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.bytes, file.size), file.size);
    close(fd);
    tls_file_free(&file);
}

void trust_make(void)
{
    char wrong[TLS_WRONG];
    assert_true(tls_init(wrong));
    struct authority *authority = authority_create("Test authority");
    struct authority *other = authority_create("Another");
    struct tls_pair pair = authority_issue(
        authority, &(struct wish){.name = "h", .alt_names = "DNS:h,IP:127.0.0.1,IP:::1"});
    trust.server =
        tls_server_create(&(struct tls_server_plan){.pairs = &pair, .pair_count = 1}, wrong);
    assert_non_null(trust.server);
    write_ca(trust.ca_path, authority);
    write_ca(trust.other_ca_path, other);
    authority_free_pair(&pair);
    authority_destroy(authority);
    authority_destroy(other);
}

const char *trust_stranger(void)
{
    return trust.other_ca_path;
}

void trust_drop(void)
{
    tls_server_destroy(trust.server);
    unlink(trust.ca_path);
    unlink(trust.other_ca_path);
}

/* ---- servers ---- */

struct guest {
    struct server *server;
    int fd;
    struct stream stream;
    bool heard;
};

/* True when there is something to read; false when the server stops. */
static bool wait_readable(const struct server *server, int fd)
{
    struct pollfd waited[] = {{fd, POLLIN, 0}, {server->stop[0], POLLIN, 0}};
    poll(waited, 2, -1);
    return waited[0].revents != 0 && waited[1].revents == 0;
}

static ssize_t receive(struct guest *guest, char *to, size_t size)
{
    ssize_t got;
    do {
        bool held = stream_holds(&guest->stream);
        if (!held && !wait_readable(guest->server, guest->fd)) {
            return 0;
        }
        got = stream_receive(&guest->stream, to, size);
    } while (stream_is_again(got));
    if (got > 0 && !guest->heard) {
        guest->heard = true;
        atomic_fetch_add(&guest->server->heard, 1);
    }
    return got;
}

static bool stops_within(const struct server *server, int ms)
{
    struct pollfd waited = {server->stop[0], POLLIN, 0};
    return poll(&waited, 1, ms) > 0;
}

/* Reads up to the end of a request head. */
static bool read_request(struct guest *guest)
{
    unsigned matched = 0;
    while (matched < 4) {
        char byte;
        if (receive(guest, &byte, 1) != 1) {
            return false;
        }
        matched = byte == "\r\n\r\n"[matched] ? matched + 1 : byte == '\r';
    }
    return true;
}

static bool send_bytes(struct guest *guest, const char *bytes, size_t size)
{
    unsigned drip_ms = guest->server->behaviour.drip_ms;
    while (size > 0) {
        struct iovec piece = {(char *)bytes, drip_ms > 0 ? 1 : size};
        ssize_t sent = stream_send(&guest->stream, &piece, 1, false);
        if (sent <= 0 || (drip_ms > 0 && stops_within(guest->server, (int)drip_ms))) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool send_reply(struct guest *guest)
{
    static const char body[64 * 1024];
    const struct behaviour *behaviour = &guest->server->behaviour;
    if (behaviour->pause_ms > 0 && stops_within(guest->server, (int)behaviour->pause_ms)) {
        return false;
    }
    bool sent = send_bytes(guest, behaviour->reply, strlen(behaviour->reply));
    for (size_t left = behaviour->body; sent && left > 0;) {
        size_t size = left < sizeof(body) ? left : sizeof(body);
        sent = send_bytes(guest, body, size);
        left -= size;
    }
    return sent;
}

static void stay(struct guest *guest, bool read)
{
    char dropped[4096];
    while (read && receive(guest, dropped, sizeof(dropped)) > 0) {
    }
    if (!read) {
        stops_within(guest->server, -1);
    }
}

static bool greet(struct guest *guest)
{
    int came = 0;
    stream_init(&guest->stream, guest->fd, false);
    if (guest->server->secured) {
        came = tls_accept(&guest->stream, trust.server);
        if (came == 0) {
            do {
                came = tls_handshake(&guest->stream);
            } while (stream_is_again(came));
        }
    }
    return came == 0;
}

static void leave(struct guest *guest, enum manner manner)
{
    if (manner == CLOSES || manner == ENDS) {
        stream_end(&guest->stream);
    }
    if (manner == ENDS) {
        shutdown(guest->fd, SHUT_WR);
    }
    if (manner >= ENDS) {
        stay(guest, manner != DEAFENS);
    }
    if (manner == RESETS) {
        struct linger at_once = {1, 0};
        setsockopt(guest->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
}

static void *serve_guest(void *argument)
{
    struct guest guest = *(struct guest *)argument;
    struct server *server = guest.server;
    const struct behaviour *behaviour = &server->behaviour;
    free(argument);
    bool going = greet(&guest);
    for (unsigned i = 0; going && (i < behaviour->replies || behaviour->then == GOES_ON); i++) {
        going = read_request(&guest) && send_reply(&guest);
    }
    if (going) {
        leave(&guest, behaviour->then);
    }
    stream_finish(&guest.stream);
    close(guest.fd);
    atomic_fetch_sub(&server->guests, 1);
    return NULL;
}

static void *accept_guests(void *argument)
{
    struct server *server = argument;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    while (wait_readable(server, server->listening)) {
        pthread_t thread;
        struct guest *guest = malloc(sizeof(*guest));
        *guest = (struct guest){.server = server, .fd = accept(server->listening, NULL, NULL)};
        atomic_fetch_add(&server->connections, 1);
        atomic_fetch_add(&server->guests, 1);
        if (pthread_create(&thread, &detached, serve_guest, guest) != 0) {
            abort();
        }
    }
    pthread_attr_destroy(&detached);
    return NULL;
}

static int bind_to(struct server *server, enum family family)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    struct sockaddr_un *local = (struct sockaddr_un *)&address;
    switch (family) {
    case V4:
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        size = sizeof(*v4);
        break;
    case V6:
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        size = sizeof(*v6);
        break;
    case UNIX:
        local->sun_family = AF_UNIX;
        snprintf(server->path, sizeof(server->path), "/tmp/cristo-load-%d", (int)getpid());
        strcpy(local->sun_path, server->path);
        unlink(server->path);
        size = sizeof(*local);
        break;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    const char *scheme = server->secured ? "https" : "http";
    if (family == UNIX) {
        snprintf(server->url, sizeof(server->url), "%s://h/x", scheme);
    } else {
        snprintf(server->url, sizeof(server->url), "%s://%s:%u/x", scheme,
                 family == V6 ? "[::1]" : "127.0.0.1",
                 ntohs(family == V6 ? v6->sin6_port : v4->sin_port));
    }
    return fd;
}

struct server *server_start(const struct behaviour *behaviour, enum family family, bool secured)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    server->behaviour = *behaviour;
    server->secured = secured;
    server->listening = bind_to(server, family);
    assert_int_equal(listen(server->listening, 256), 0);
    assert_int_equal(pipe(server->stop), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, accept_guests, server), 0);
    return server;
}

void server_stop(struct server *server)
{
    close(server->stop[1]); /* everything that polls the other end wakes up */
    pthread_join(server->thread, NULL);
    while (atomic_load(&server->guests) > 0) {
        usleep(1000);
    }
    close(server->stop[0]);
    close(server->listening);
    if (server->path[0] != '\0') {
        unlink(server->path);
    }
    free(server);
}

/* ---- loads ---- */

struct load *load_plan(const char *words, const char *url, const char *unix_path)
{
    static char text[256];
    static char *argv[32];
    char why[PLAN_TEXT] = "";
    int argc = 0;
    struct load *load = calloc(1, sizeof(*load));
    assert_non_null(load);
    snprintf(text, sizeof(text), "%s", words);
    argv[argc++] = (char *)load_model.program;
    argv[argc++] = "--connect-timeout";
    argv[argc++] = "20s";
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    if (unix_path[0] != '\0') {
        argv[argc++] = "--unix-socket";
        argv[argc++] = (char *)unix_path;
    }
    argv[argc++] = (char *)url;
    argv[argc] = NULL;
    assert_int_equal(client_options_read(&load->options, &load_model, argc, argv), OPTIONS_RUN);
    struct means means = {.descriptors = 20000, .ports = 20000};
    if (plan_init(&load->plan, &load->options, load_model.one_thread_each, &means, why) !=
        PLAN_READY) {
        fail_msg("%s", why);
    }
    load->tally = space_create(1, sizeof(*load->tally));
    load->warmup = space_create(1, sizeof(*load->warmup));
    assert_non_null(load->tally);
    assert_non_null(load->warmup);
    return load;
}

void load_play(struct load *load)
{
    assert_int_equal(watch_init(&load->watch, &load_model, &load->plan, SHOW_NOTHING), 0);
    assert_int_equal(load_run(&load->plan, &load->watch, load->tally, load->warmup), 0);
    load->elapsed_ns = clock_monotonic_ns() - load->watch.course.begin_ns;
    watch_finish(&load->watch);
}

void load_destroy(struct load *load)
{
    space_destroy(load->tally, 1, sizeof(*load->tally));
    space_destroy(load->warmup, 1, sizeof(*load->warmup));
    plan_finish(&load->plan);
    client_options_finish(&load->options);
    free(load);
}

struct load *load_plan_secured(const char *words, const char *url, const char *unix_path)
{
    char all[256];
    snprintf(all, sizeof(all), "--cacert %s %s", trust.ca_path, words);
    return load_plan(all, url, unix_path);
}
