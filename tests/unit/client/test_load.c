/* One I/O model, played against servers that behave in known ways. Built once with each model: both
 * must come to the same. */
#include "client/load.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/client/play.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 200 OK\r\n"
#define HELLO HEAD "Content-Length: 5\r\n\r\nhello"

/* ---- every behaviour and its verdicts ---- */

struct row {
    const char *name;
    struct behaviour behaviour;
    const char *words; /* of the command line */
    uint64_t ok;
    enum failure failure; /* of all others */
    uint64_t failed;
    unsigned connections; /* that the server saw; 0: not looked at */
    enum family family;
};

static const struct row rows[] = {
    {"small_replies", {HELLO, 0, 0, GOES_ON, 0, 0}, "-c 8 -n 400", 400, FAILURE_NONE, 0, 8, V4},
    {"one_connection", {HELLO, 0, 0, GOES_ON, 0, 0}, "-c 1 -n 50", 50, FAILURE_NONE, 0, 1, V4},
    {"more_connections_than_requests",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 50 -n 20",
     20,
     FAILURE_NONE,
     0,
     20,
     V4},
    {"small_replies_over_v6",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 4 -n 40",
     40,
     FAILURE_NONE,
     0,
     4,
     V6},
    {"small_replies_over_a_unix_socket",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 4 -n 40",
     40,
     FAILURE_NONE,
     0,
     4,
     UNIX},
    {"large_replies",
     {HEAD "Content-Length: 3000000\r\n\r\n", 3000000, 0, GOES_ON, 0, 0},
     "-c 4 -n 24",
     24,
     FAILURE_NONE,
     0,
     4,
     V4},
    {"large_replies_over_a_unix_socket",
     {HEAD "Content-Length: 300000\r\n\r\n", 300000, 0, GOES_ON, 0, 0},
     "-c 4 -n 24",
     24,
     FAILURE_NONE,
     0,
     4,
     UNIX},
    {"chunked_replies_byte_by_byte",
     {HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n", 0, 0, GOES_ON, 0,
      1},
     "-c 3 -n 6",
     6,
     FAILURE_NONE,
     0,
     3,
     V4},
    {"replies_until_close",
     {HEAD "\r\n", 100000, 1, CLOSES, 0, 0},
     "-c 4 -n 20",
     20,
     FAILURE_NONE,
     0,
     20,
     V4},
    {"a_connection_for_each_request",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 4 -n 40 --close",
     40,
     FAILURE_NONE,
     0,
     40,
     V4},
    {"four_requests_in_flight",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 4 -n 400 -p 4",
     400,
     FAILURE_NONE,
     0,
     4,
     V4},
    {"large_replies_in_flight",
     {HEAD "Content-Length: 30000\r\n\r\n", 30000, 0, GOES_ON, 0, 0},
     "-c 4 -n 80 -p 4",
     80,
     FAILURE_NONE,
     0,
     4,
     V4},
    {"by_the_clock_in_flight",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 2 -n 40 -p 4 -R 400",
     40,
     FAILURE_NONE,
     0,
     2,
     V4},
    {"a_pause_between_requests",
     {HELLO, 0, 0, GOES_ON, 0, 0},
     "-c 4 -n 40 --think 1ms-5ms",
     40,
     FAILURE_NONE,
     0,
     4,
     V4},
    {"connections_closed_while_thinking",
     {HELLO, 0, 2, CLOSES, 0, 0},
     "-c 4 -n 40 --think 5ms",
     40,
     FAILURE_NONE,
     0,
     0,
     V4},
    {"connections_ended_while_thinking",
     {HELLO, 0, 2, ENDS, 0, 0},
     "-c 4 -n 40 --think 5ms",
     40,
     FAILURE_NONE,
     0,
     0,
     V4},
    {"connections_closed_between_requests",
     {HELLO, 0, 3, CLOSES, 0, 0},
     "-c 4 -n 60",
     60,
     FAILURE_NONE,
     0,
     0,
     V4},
    {"connections_reset_between_requests",
     {HELLO, 0, 3, RESETS, 0, 0},
     "-c 4 -n 60",
     60,
     FAILURE_NONE,
     0,
     0,
     V4},
    {"connections_ended_between_requests",
     {HELLO, 0, 3, ENDS, 0, 0},
     "-c 4 -n 60",
     60,
     FAILURE_NONE,
     0,
     0,
     V4},

    {"not_found",
     {"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 0, 0, GOES_ON, 0, 0},
     "-c 4 -n 20",
     0,
     FAILURE_STATUS,
     20,
     4,
     V4},
    {"closed_before_every_reply",
     {"", 0, 1, CLOSES, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_RESET,
     12,
     12,
     V4},
    {"reset_before_every_reply",
     {"", 0, 1, RESETS, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_RESET,
     12,
     12,
     V4},
    {"closed_within_every_body",
     {HEAD "Content-Length: 50000\r\n\r\n", 49999, 1, CLOSES, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_FRAMING,
     12,
     12,
     V4},
    {"ended_within_every_body",
     {HEAD "Content-Length: 50000\r\n\r\n", 49999, 1, ENDS, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_FRAMING,
     12,
     12,
     V4},
    {"reset_within_every_body",
     {HEAD "Content-Length: 50000\r\n\r\n", 49999, 1, RESETS, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_RESET,
     12,
     12,
     V4},
    {"reset_within_every_head",
     {HEAD "Content-", 0, 1, RESETS, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_RESET,
     12,
     12,
     V4},
    {"garbage",
     {"SSH-2.0-OpenSSH_9.2\r\n", 0, 1, SILENT, 0, 0},
     "-c 4 -n 12",
     0,
     FAILURE_FRAMING,
     12,
     12,
     V4},
    {"silence", {"", 0, 0, SILENT, 0, 0}, "-c 4 -n 8 -T 100ms", 0, FAILURE_TIMEOUT, 8, 8, V4},
    {"silence_within_every_body",
     {HEAD "Content-Length: 50000\r\n\r\n", 49999, 1, SILENT, 0, 0},
     "-c 4 -n 8 -T 100ms",
     0,
     FAILURE_TIMEOUT,
     8,
     8,
     V4},
    {"bytes_that_come_too_slowly",
     {HEAD "Content-Length: 500\r\n\r\n", 500, 0, GOES_ON, 0, 50},
     "-c 4 -n 8 -T 200ms",
     0,
     FAILURE_TIMEOUT,
     8,
     8,
     V4},
};

static void play_row(const struct row *row, bool secured)
{
    struct server *server = server_start(&row->behaviour, row->family, secured);
    struct load *load = secured ? load_plan_secured(row->words, server->url, server->path)
                                : load_plan(row->words, server->url, server->path);
    load_play(load);
    const struct tally *tally = load->tally;
    assert_int_equal(tally->ok, row->ok);
    assert_int_equal(tally->failed, row->failed);
    assert_int_equal(tally->sent, row->ok + row->failed);
    if (row->failure != FAILURE_NONE) {
        assert_int_equal(tally->failures[row->failure], row->failed);
    }
    if (row->connections > 0) {
        assert_int_equal(atomic_load(&server->connections), row->connections);
        assert_int_equal(tally->connect.count, row->connections);
    }
    assert_int_equal(tally->handshake.count, secured ? tally->connect.count : 0);
    assert_int_equal(tally->bytes_body % (tally->ok > 0 ? tally->ok : 1), 0);
    load_destroy(load);
    server_stop(server);
}

static void comes_to_its_verdicts(void **state)
{
    play_row(*state, false);
}

struct secured_row {
    char *name;
    const struct row *row;
};

static struct secured_row secured_rows[sizeof(rows) / sizeof(rows[0])];

static void secure_rows(void)
{
    static char names[sizeof(rows) / sizeof(rows[0])][64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(names[i], sizeof(names[i]), "%s_over_tls", rows[i].name);
        secured_rows[i] = (struct secured_row){names[i], &rows[i]};
    }
}

static void comes_to_the_same_over_tls(void **state)
{
    play_row(((struct secured_row *)*state)->row, true);
}

static void a_refused_connection_fails_its_request(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    char url[64];
    int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* and nobody listens there */
    assert_int_equal(bind(held, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct load *load = load_plan("-c 4 -n 20", url, "");
    load_play(load);
    close(held);
    assert_int_equal(load->tally->failures[FAILURE_CONNECT], 20);
    assert_int_equal(load->tally->causes[FAILURE_CONNECT].error, ECONNREFUSED);
    load_destroy(load);
}

static void a_socket_that_is_not_there_fails_its_request(void **state)
{
    (void)state;
    struct load *load = load_plan("-c 2 -n 4", "http://h/", "/tmp/cristo-no-such-socket");
    load_play(load);
    assert_int_equal(load->tally->failures[FAILURE_CONNECT], 4);
    assert_int_equal(load->tally->causes[FAILURE_CONNECT].error, ENOENT);
    load_destroy(load);
}

/* ---- time ---- */

static void waits_at_once_take_as_long_as_one(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct behaviour){.reply = HELLO, .pause_ms = 400}, V4, false);
    struct load *load = load_plan("-c 60 -n 60", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->ok, 60);
    assert_true(load->elapsed_ns >= 400 * NS_PER_MS);
    assert_true(load->elapsed_ns < 60 * 400 * NS_PER_MS / 2);
    assert_true(histogram_min(&load->tally->latency) >= 399 * 1000);
    load_destroy(load);
    server_stop(server);
}

static void waits_one_after_the_other_add_up(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct behaviour){.reply = HELLO, .pause_ms = 50}, V4, false);
    struct load *load = load_plan("-c 1 -n 5", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->ok, 5);
    assert_true(load->elapsed_ns >= 250 * NS_PER_MS);
    load_destroy(load);
    server_stop(server);
}

static void a_duration_ends_a_run_that_waits(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct behaviour){.reply = "", .then = SILENT}, V4, false);
    struct load *load = load_plan("-c 8 -d 2s", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->sent, 8);
    assert_int_equal(load->tally->ok, 0);
    assert_int_equal(load->tally->failed, 0);
    assert_true(load->elapsed_ns >= 2 * NS_PER_S);
    assert_true(load->elapsed_ns < 20 * NS_PER_S);
    assert_true(load->tally->ended_ns >= load->watch.course.begin_ns + 2 * NS_PER_S);
    load_destroy(load);
    server_stop(server);
}

static void a_duration_ends_a_run_that_is_busy(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct behaviour){.reply = HELLO, .pause_ms = 10}, V4, false);
    struct load *load = load_plan("-c 8 -d 2s", server->url, "");
    load_play(load);
    assert_true(load->tally->ok > 0);
    assert_int_equal(load->tally->failed, 0);
    assert_true(load->elapsed_ns >= 2 * NS_PER_S);
    load_destroy(load);
    server_stop(server);
}

/* Two requests with a body that is more than any socket takes. */
static struct load *load_play_large(const struct behaviour *behaviour, const char *timeout)
{
    char path[] = "/tmp/cristo-load-body-XXXXXX";
    char words[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    close(fd);
    struct server *server = server_start(behaviour, V4, false);
    snprintf(words, sizeof(words), "-c 2 -n 2 -T %s -X PUT --body %s", timeout, path);
    struct load *load = load_plan(words, server->url, "");
    load_play(load);
    server_stop(server);
    unlink(path);
    return load;
}

static void a_request_that_cannot_be_sent_times_out(void **state)
{
    (void)state;
    struct load *load = load_play_large(&(struct behaviour){.reply = "", .then = DEAFENS}, "200ms");
    assert_int_equal(load->tally->failures[FAILURE_TIMEOUT], 2);
    assert_true(load->tally->bytes_sent > 0);
    load_destroy(load);
}

/* RFC 9112 9.3 lets a server answer as soon as it has the head, and read the rest then. */
static void a_reply_that_is_there_before_its_request_has_left_is_seen(void **state)
{
    (void)state;
    struct load *load =
        load_play_large(&(struct behaviour){.reply = HELLO, .replies = 1, .then = SILENT}, "60s");
    assert_int_equal(load->tally->ok, 2);
    load_destroy(load);
}

/* ---- TLS ---- */

static void a_reply_cut_without_an_end_of_tls_is_not_whole(void **state)
{
    (void)state;
    struct server *server = server_start(
        &(struct behaviour){.reply = HEAD "\r\n", .body = 50000, .replies = 1, .then = CUTS}, V4,
        true);
    struct load *load = load_plan_secured("-c 4 -n 12", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->failures[FAILURE_FRAMING], 12);
    assert_string_equal(load->tally->causes[FAILURE_FRAMING].why, "closed without an end of TLS");
    load_destroy(load);
    server_stop(server);
}

static void a_whole_reply_needs_no_end_of_tls(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct behaviour){.reply = HELLO, .replies = 1, .then = CUTS}, V4, true);
    struct load *load = load_plan_secured("-c 4 -n 12", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->ok, 12);
    load_destroy(load);
    server_stop(server);
}

static void a_server_that_nobody_vouches_for_is_asked_for_nothing(void **state)
{
    char words[128];
    (void)state;
    struct server *server = server_start(&(struct behaviour){.reply = HELLO}, V4, true);
    snprintf(words, sizeof(words), "-c 4 -n 12 --cacert %s", trust_stranger());
    struct load *load = load_plan(words, server->url, "");
    load_play(load);
    assert_int_equal(load->tally->failures[FAILURE_TLS], 12);
    assert_string_equal(load->tally->causes[FAILURE_TLS].why,
                        "certificate is by an unknown authority");
    assert_int_equal(load->tally->bytes_sent, 0);
    assert_int_equal(atomic_load(&server->connections), 12);
    load_destroy(load);
    load = load_plan("-k -c 4 -n 12", server->url, ""); /* unless nobody asks */
    load_play(load);
    assert_int_equal(load->tally->ok, 12);
    load_destroy(load);
    server_stop(server);
}

/* To a server that speaks no TLS. */
static struct load *play_to_plain(const char *words, const struct behaviour *behaviour)
{
    char url[128];
    struct server *server = server_start(behaviour, V4, false);
    snprintf(url, sizeof(url), "https%s", server->url + strlen("http"));
    struct load *load = load_plan(words, url, "");
    load_play(load);
    server_stop(server);
    return load;
}

static void a_handshake_that_is_not_answered_times_out(void **state)
{
    (void)state;
    struct load *load = play_to_plain("-k -c 4 -n 8 --connect-timeout 100ms",
                                      &(struct behaviour){.reply = "", .then = SILENT});
    assert_int_equal(load->tally->failures[FAILURE_TLS], 8);
    assert_string_equal(load->tally->causes[FAILURE_TLS].why, "no handshake in time");
    assert_int_equal(load->tally->connect.count, 8);
    assert_int_equal(load->tally->handshake.count, 0);
    assert_true(load->elapsed_ns >= 200 * NS_PER_MS); /* two rounds */
    load_destroy(load);
}

static void a_handshake_that_is_cut_fails_its_request(void **state)
{
    static const enum manner manners[] = {CLOSES, RESETS};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct load *load =
            play_to_plain("-k -c 4 -n 12", &(struct behaviour){.reply = "", .then = manners[i]});
        /* some connections are reset before they are seen to be made */
        const uint64_t *failures = load->tally->failures;
        assert_int_equal(failures[FAILURE_TLS] + failures[FAILURE_RESET], 12);
        load_destroy(load);
    }
}

static void a_duration_ends_handshakes(void **state)
{
    (void)state;
    struct load *load =
        play_to_plain("-k -c 8 -d 2s", &(struct behaviour){.reply = "", .then = SILENT});
    assert_int_equal(load->tally->failed, 0);
    assert_int_equal(load->tally->sent, 0);
    assert_int_equal(load->tally->connect.count, 8);
    assert_true(load->elapsed_ns < 20 * NS_PER_S);
    load_destroy(load);
}

static void sessions_are_resumed_when_that_is_asked_for(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct behaviour){.reply = HELLO}, V4, true);
    struct load *load = load_plan_secured("-c 1 -n 10 --close --tls-resume", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->ok, 10);
    assert_int_equal(load->tally->handshake.count, 10);
    assert_int_equal(load->tally->resumed, 9);
    assert_string_equal(load->tally->suites[0].protocol, "TLSv1.3");
    load_destroy(load);
    load = load_plan_secured("-c 1 -n 10 --close", server->url, "");
    load_play(load);
    assert_int_equal(load->tally->handshake.count, 10);
    assert_int_equal(load->tally->resumed, 0);
    load_destroy(load);
    server_stop(server);
}

/* ---- being stopped ---- */

static void *interrupt_soon(void *argument)
{
    struct server *server = argument;
    while (atomic_load(&server->heard) < 8) {
        usleep(1000);
    }
    usleep(50000); /* for the clients to have seen that it was sent */
    kill(getpid(), SIGINT);
    return NULL;
}

/* As main() has it: the threads of the servers must not take the signals of the run. */
static void block_signals(void)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
}

/* Plays a load to a server that says nothing; `sent` are its requests by then. */
static void interrupt_silence(const char *words, const char *scheme, uint64_t sent)
{
    pthread_t thread;
    char url[128];
    block_signals(); /* which a run that was interrupted has not left so */
    struct server *server =
        server_start(&(struct behaviour){.reply = "", .then = SILENT}, V4, false);
    snprintf(url, sizeof(url), "%s%s", scheme, server->url + strlen("http"));
    struct load *load = load_plan(words, url, "");
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, server), 0);
    load_play(load);
    pthread_join(thread, NULL);
    assert_true(load->watch.interrupted);
    assert_int_equal(load->tally->sent, sent);
    assert_int_equal(load->tally->failed, 0);
    assert_true(load->elapsed_ns < 20 * NS_PER_S);
    load_destroy(load);
    server_stop(server);
}

static void a_signal_ends_a_run_that_waits(void **state)
{
    (void)state;
    interrupt_silence("-c 8 -n 100", "http", 8);
}

static void a_signal_ends_handshakes(void **state)
{
    (void)state;
    interrupt_silence("-c 8 -n 100 -k", "https", 0);
}

/* ---- descriptors ---- */

static unsigned open_before;

static unsigned count_open(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static int count_before(void **state)
{
    (void)state;
    open_before = count_open();
    return 0;
}

static int nothing_is_left_open(void **state)
{
    (void)state;
    return count_open() != open_before;
}

int main(void)
{
    static struct suite suite;
    block_signals();
    trust_make();
    secure_rows();
    suite_add_rows(&suite, comes_to_its_verdicts, ROWS(rows));
    suite_add_rows(&suite, comes_to_the_same_over_tls, ROWS(secured_rows));
    suite_add(&suite, CASE(a_refused_connection_fails_its_request));
    suite_add(&suite, CASE(a_socket_that_is_not_there_fails_its_request));
    suite_add(&suite, CASE(waits_at_once_take_as_long_as_one));
    suite_add(&suite, CASE(waits_one_after_the_other_add_up));
    suite_add(&suite, CASE(a_duration_ends_a_run_that_waits));
    suite_add(&suite, CASE(a_duration_ends_a_run_that_is_busy));
    suite_add(&suite, CASE(a_request_that_cannot_be_sent_times_out));
    suite_add(&suite, CASE(a_reply_that_is_there_before_its_request_has_left_is_seen));
    suite_add(&suite, CASE(a_reply_cut_without_an_end_of_tls_is_not_whole));
    suite_add(&suite, CASE(a_whole_reply_needs_no_end_of_tls));
    suite_add(&suite, CASE(a_server_that_nobody_vouches_for_is_asked_for_nothing));
    suite_add(&suite, CASE(a_handshake_that_is_not_answered_times_out));
    suite_add(&suite, CASE(a_handshake_that_is_cut_fails_its_request));
    suite_add(&suite, CASE(a_duration_ends_handshakes));
    suite_add(&suite, CASE(sessions_are_resumed_when_that_is_asked_for));
    suite_add(&suite, CASE(a_signal_ends_a_run_that_waits));
    suite_add(&suite, CASE(a_signal_ends_handshakes));
    for (size_t i = 0; i < suite.count; i++) {
        suite.tests[i].setup_func = count_before;
        suite.tests[i].teardown_func = nothing_is_left_open;
    }
    int failed = suite_run(&suite, load_model.program);
    trust_drop();
    return failed;
}
