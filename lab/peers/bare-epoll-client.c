/* The bare requester: the least a client can do and still know that it was served.
 *
 * A closed loop on one level-triggered epoll: each connection sends the same request again as soon
 * as the reply before has arrived whole. The very first reply tells how long all of them are, so
 * only the first bytes of each are looked at (status and length must be the same), and the rest is
 * dropped inside the kernel (MSG_TRUNC). Latency is not measured. Whatever else comes, a reply of
 * another status or length, a closed connection, silence, ends the program with status 1.
 *
 * The connections are opened one after the other, each with one request that is waited for: a
 * server is never met with more connections than it has accepted, and each has served one request
 * when the race begins, or when --hold says "holding N". */
#include "bare.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 512,
    REQUEST_MAX = 1024,
    LOOK_AT_MAX = 2048, /* a reply up to this long is received by one call */
    SILENCE_MAX_S = 10,
};

struct plan {
    struct sockaddr_in server;
    char request[REQUEST_MAX];
    size_t request_length;
    size_t connections;
    double warmup_s;
    double duration_s;
    uint64_t requests;
    pid_t server_pid; /* 0: unknown */
    bool json;
    bool hold;
};

/* What the first reply was like, and so every other must be. */
struct expected {
    char head[LOOK_AT_MAX];
    size_t head_length;
    size_t field; /* the Content-Length line within the head */
    size_t field_length;
    uint64_t reply_length; /* 0: no reply has been seen */
};

struct client {
    struct plan plan;
    struct expected expected;
    int epoll;
    uint64_t *left; /* by descriptor: how much of the reply is still to come */
    uint64_t replies;
};

/* One look at the clocks; results are differences of two. */
struct reading {
    double elapsed_s;
    double cpu_s;
    double server_cpu_s;
    uint64_t replies;
};

static volatile sig_atomic_t interrupted;

static void plan_read(struct plan *plan, int argc, char **argv);
static void open_connection(struct client *client);
static struct reading read_clocks(const struct client *client);
static void race(struct client *client, double until_s, uint64_t until_replies);
static void report(const struct client *client, struct reading from, struct reading to);

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void hold(const struct client *client)
{
    char ignored[64];
    printf("holding %zu\n", client->plan.connections);
    fflush(stdout);
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
    }
}

int main(int argc, char **argv)
{
    static struct client client;
    const struct sigaction interrupt = {.sa_handler = on_interrupt}; /* no SA_RESTART */
    plan_read(&client.plan, argc, argv);
    client.left = calloc(bare_raise_descriptors(), sizeof *client.left);
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!client.left || client.epoll < 0) {
        err(1, "epoll_create1");
    }
    for (size_t i = 0; i < client.plan.connections; i++) {
        open_connection(&client);
    }
    if (client.plan.hold) {
        hold(&client);
        return 0;
    }
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    race(&client, read_clocks(&client).elapsed_s + client.plan.warmup_s, UINT64_MAX);
    struct reading from = read_clocks(&client);
    race(&client, from.elapsed_s + client.plan.duration_s, from.replies + client.plan.requests);
    struct reading to = read_clocks(&client);
    if (to.replies == from.replies) {
        errx(interrupted ? 130 : 1, "no reply was measured");
    }
    report(&client, from, to);
    return interrupted ? 130 : 0;
}

/* --- Requests and replies ------------------------------------------------------------------ */

static void send_request(struct client *client, int fd)
{
    const struct plan *plan = &client->plan;
    ssize_t sent = send(fd, plan->request, plan->request_length, MSG_NOSIGNAL);
    if (sent != (ssize_t)plan->request_length) {
        errx(1, "request not sent: %s", sent < 0 ? strerror(errno) : "only a part of it");
    }
    client->left[fd] = client->expected.reply_length;
}

/* recv(2) that ends the program when the connection ends, or stays silent while it is waited for.
 * Returns 0 when there is nothing yet. */
static size_t receive(int fd, char *to, size_t size, int flags)
{
    ssize_t got = recv(fd, to, size, flags);
    if (got > 0) {
        return (size_t)got;
    }
    if (got == 0) {
        errx(1, "reply cut short: the server closed the connection");
    }
    if (errno == EAGAIN && !(flags & MSG_DONTWAIT)) {
        errx(1, "no reply for %d s", SILENCE_MAX_S);
    }
    if (errno != EINTR && errno != EAGAIN) {
        err(1, "reply cut short");
    }
    return 0;
}

/* Receives the beginning of a reply, at least its head, and compares it with the first one's;
 * returns how much it was, 0 when there is nothing yet. Servers send a head in one piece, so that
 * waiting for the rest of one is rare. */
static size_t receive_head(const struct expected *expected, int fd, int flags)
{
    char head[LOOK_AT_MAX];
    size_t got = receive(fd, head, sizeof head, flags);
    if (got == 0) {
        return 0;
    }
    while (got < expected->head_length) {
        got += receive(fd, head + got, expected->head_length - got, 0);
    }
    if (memcmp(head, expected->head, strlen("HTTP/1.1 200")) != 0) {
        errx(1, "reply is not a 200, or does not begin where it should: \"%.12s\"", head);
    }
    if (memcmp(head + expected->field, expected->head + expected->field, expected->field_length)) {
        errx(1, "reply is not as long as the first");
    }
    return got;
}

/* Receives what there is of a reply; true when it has arrived whole. */
static bool receive_reply(struct client *client, int fd, int flags)
{
    uint64_t *left = &client->left[fd];
    size_t got = *left == client->expected.reply_length
                     ? receive_head(&client->expected, fd, flags)
                     : receive(fd, NULL, *left, flags | MSG_TRUNC);
    if (got > *left) {
        errx(1, "reply is longer than the first");
    }
    *left -= got;
    return *left == 0;
}

/* Receives the first reply's head, and maybe more of it, and keeps what the others are compared
 * with; true when the reply has arrived whole. */
static bool learn_reply(struct client *client, int fd)
{
    static const char field[] = "\r\nContent-Length:";
    struct expected *expected = &client->expected;
    char *head = expected->head;
    size_t got = 0;
    char *end = NULL;
    while (!end) {
        if (got == LOOK_AT_MAX - 1) {
            errx(1, "the reply's head is longer than %d bytes", LOOK_AT_MAX - 1);
        }
        got += receive(fd, head + got, LOOK_AT_MAX - 1 - got, 0);
        end = strstr(head, "\r\n\r\n");
    }
    end[2] = '\0';
    const char *length = strcasestr(head, field);
    if (strncmp(head, "HTTP/1.1 200", 12) != 0 || !length) {
        errx(1, "the reply is not a 200 with a Content-Length:\n%s", head);
    }
    expected->head_length = (size_t)(end + 4 - head);
    expected->field = (size_t)(length - head);
    expected->field_length = strcspn(length + 2, "\r") + 3; /* with both \r */
    expected->reply_length = expected->head_length + strtoull(length + strlen(field), NULL, 10);
    if (got > expected->reply_length) {
        errx(1, "the reply is longer than its Content-Length");
    }
    client->left[fd] = expected->reply_length - got;
    return client->left[fd] == 0;
}

/* --- A connection's life ------------------------------------------------------------------- */

static void open_connection(struct client *client)
{
    const struct plan *plan = &client->plan;
    const struct timeval silence = {.tv_sec = SILENCE_MAX_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) < 0 ||
        connect(fd, (const struct sockaddr *)&plan->server, sizeof plan->server) < 0) {
        err(1, "connection not opened");
    }
    send_request(client, fd);
    bool whole = client->expected.reply_length == 0 && learn_reply(client, fd);
    while (!whole) {
        whole = receive_reply(client, fd, 0);
    }
    if (!plan->hold) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
            err(1, "epoll_ctl");
        }
        send_request(client, fd);
    }
}

static void on_readable(struct client *client, int fd)
{
    if (receive_reply(client, fd, MSG_DONTWAIT)) {
        client->replies++;
        send_request(client, fd);
    }
}

/* --- The race ------------------------------------------------------------------------------ */

static double read_clock_s(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) < 0) {
        err(1, "clock_gettime");
    }
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct reading read_clocks(const struct client *client)
{
    struct reading reading = {
        .elapsed_s = read_clock_s(CLOCK_MONOTONIC),
        .cpu_s = read_clock_s(CLOCK_PROCESS_CPUTIME_ID),
        .replies = client->replies,
    };
    if (client->plan.server_pid) {
        clockid_t clock;
        int error = clock_getcpuclockid(client->plan.server_pid, &clock);
        if (error) {
            errx(1, "--server-pid %d: %s", client->plan.server_pid, strerror(error));
        }
        reading.server_cpu_s = read_clock_s(clock);
    }
    return reading;
}

/* Plays until the monotonic clock or the number of replies gets there, or somebody interrupts. */
static void race(struct client *client, double until_s, uint64_t until_replies)
{
    while (!interrupted && client->replies < until_replies &&
           read_clock_s(CLOCK_MONOTONIC) < until_s) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(client->epoll, events, EVENTS_MAX, SILENCE_MAX_S * 1000);
        if (count == 0) {
            errx(1, "no reply for %d s", SILENCE_MAX_S);
        }
        for (int i = 0; i < count && client->replies < until_replies; i++) {
            on_readable(client, events[i].data.fd);
        }
    }
}

/* --- Command line and report --------------------------------------------------------------- */

static void usage(FILE *to)
{
    fputs("Usage: bare-epoll-client [OPTION]... http://HOST:PORT/PATH\n"
          "Requests one URL again and again, and measures only how often that goes.\n"
          "  -c, --connections N    opened at once, default 1\n"
          "  -d, --duration S       seconds to measure, default 10 when there is no -n\n"
          "  -n, --requests N       end after N measured requests\n"
          "  -w, --warmup S         seconds before that which do not count, default 0\n"
          "      --server-pid PID   also tell the CPU time that this process spends meanwhile\n"
          "      --hold             one request on each connection, then keep them open and idle\n"
          "                         until standard input ends or a signal comes\n"
          "      --json             print one JSON object\n"
          "  -h, --help             print this\n",
          to);
}

static double number(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0) || value > 1e15) {
        errx(2, "%s: %s: is not a number", name, text);
    }
    return value;
}

static void plan_url(struct plan *plan, const char *url)
{
    static const char scheme[] = "http://";
    const char *authority = url + strlen(scheme);
    if (strncmp(url, scheme, strlen(scheme)) != 0 || !strchr(authority, '/')) {
        errx(2, "%s: is not a URL like http://127.0.0.1:8080/path", url);
    }
    const char *path = strchr(authority, '/');
    char *host = strndup(authority, (size_t)(path - authority));
    if (!host) {
        err(1, "strndup");
    }
    plan->server = bare_address(host);
    int length = snprintf(plan->request, sizeof plan->request,
                          "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    free(host);
    if (length >= (int)sizeof plan->request) {
        errx(2, "%s: is too long", url);
    }
    plan->request_length = (size_t)length;
}

static void plan_read(struct plan *plan, int argc, char **argv)
{
    static const struct option options[] = {{"connections", required_argument, NULL, 'c'},
                                            {"duration", required_argument, NULL, 'd'},
                                            {"requests", required_argument, NULL, 'n'},
                                            {"warmup", required_argument, NULL, 'w'},
                                            {"server-pid", required_argument, NULL, 'p'},
                                            {"hold", no_argument, NULL, 'o'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    double connections = 1;
    double duration_s = 0;
    double requests = 0;
    int option;
    while ((option = getopt_long(argc, argv, "c:d:n:w:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            connections = number("--connections", optarg);
            break;
        case 'd':
            duration_s = number("--duration", optarg);
            break;
        case 'n':
            requests = number("--requests", optarg);
            break;
        case 'w':
            plan->warmup_s = number("--warmup", optarg);
            break;
        case 'p':
            plan->server_pid = (pid_t)number("--server-pid", optarg);
            break;
        case 'o':
            plan->hold = true;
            break;
        case 'j':
            plan->json = true;
            break;
        default:
            usage(option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (optind != argc - 1 || connections < 1) {
        usage(stderr);
        exit(2);
    }
    plan->connections = (size_t)connections;
    plan->requests = requests > 0 ? (uint64_t)requests : UINT64_MAX / 2;
    plan->duration_s = duration_s > 0 ? duration_s : requests > 0 ? HUGE_VAL : 10;
    plan_url(plan, argv[optind]);
}

static void report(const struct client *client, struct reading from, struct reading to)
{
    const struct plan *plan = &client->plan;
    uint64_t requests = to.replies - from.replies;
    double elapsed_s = to.elapsed_s - from.elapsed_s;
    double rate = (double)requests / elapsed_s;
    double cpu_us = 1e6 * (to.cpu_s - from.cpu_s) / (double)requests;
    double server_cpu_us = 1e6 * (to.server_cpu_s - from.server_cpu_s) / (double)requests;
    if (plan->json) {
        printf("{\"program\":\"bare-epoll-client\",\"connections\":%zu,\"reply_bytes\":%ju,"
               "\"requests\":%ju,\"elapsed_s\":%.6f,\"requests_per_s\":%.1f,"
               "\"cpu_us_per_request\":%.3f",
               plan->connections, (uintmax_t)client->expected.reply_length, (uintmax_t)requests,
               elapsed_s, rate, cpu_us);
        if (plan->server_pid) {
            printf(",\"server_cpu_us_per_request\":%.3f", server_cpu_us);
        }
        printf("}\n");
        return;
    }
    printf("%zu connections, replies of %ju bytes\n", plan->connections,
           (uintmax_t)client->expected.reply_length);
    printf("%ju requests in %.3f s: %.1f requests/s\n", (uintmax_t)requests, elapsed_s, rate);
    printf("%.3f us of CPU per request here\n", cpu_us);
    if (plan->server_pid) {
        printf("%.3f us of CPU per request in the server\n", server_cpu_us);
    }
}
