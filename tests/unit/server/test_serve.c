/* What serve.h promises, of whichever model is linked in: how clients are served, waited for, and
 * seen off. */
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/server/running.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum {
    LARGE = 12 << 20, /* more than the sockets of a connection hold */
    MOMENT_MS = 200   /* long enough for what must not happen to show itself */
};

static struct running running;

/* Each case has a process of its own: what is left of one that fails is not in the others' way. */
static void in_its_process(void (*check)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        int descriptors = descriptors_open();
        running_init(&running);
        running_put(&running, "a.txt", 1000);
        check();
        running_finish(&running);
        assert_int_equal(descriptors_open(), descriptors);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_sync(void)
{
    return serve_model.owner == OPTION_SYNC;
}

static void expect_reply(int fd, size_t size)
{
    char head[2048];
    assert_int_equal(client_head(fd, head, sizeof(head)), size);
    assert_memory_equal(head, "HTTP/1.1 200 ", 13);
    client_file(fd, size);
}

static void expect_status(int fd, const char *status)
{
    char head[2048];
    client_head(fd, head, sizeof(head));
    assert_memory_equal(head + 9, status, 3);
}

/* --- served ----------------------------------------------------------------------------------- */

static void a_client_is_served(void)
{
    running_start(&running);
    int fd = client_connect(&running);
    for (int i = 0; i < 3; i++) {
        client_send(fd, GET("/a.txt"));
        expect_reply(fd, 1000);
    }
    close(fd);
}

/* So many clients come, and ask for it. */
static void ask_by_each(int *fd, int count, const char *request)
{
    for (int i = 0; i < count; i++) {
        fd[i] = client_connect(&running);
        client_send(fd[i], request);
    }
}

static void each_of_many_clients_is_served(void)
{
    enum {
        CLIENTS = 200
    };
    int fd[CLIENTS];
    running_start(&running);
    ask_by_each(fd, CLIENTS, GET("/a.txt"));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            expect_reply(fd[i], 1000);
            client_send(fd[i], GET("/a.txt"));
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(fd[i]);
    }
}

static void a_client_may_end_its_side_behind_its_request(void)
{
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/large.bin") GET("/a.txt"));
    shutdown(fd, SHUT_WR);
    expect_reply(fd, LARGE);
    expect_reply(fd, 1000);
    client_expect_end(fd);
    close(fd);
}

/* A reply that has to wait for its client, then work done by a helper, while the client could be
 * written to: nothing but the helper's return may go on with the conversation. */
static void who_waits_for_a_helper_is_left_alone(void)
{
    running.site.compute = 33;
    running.options.offload = 1;
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    for (int i = 0; i < 3; i++) {
        int fd = client_connect(&running);
        client_send(fd, GET("/large.bin") GET("/a.txt") GET("/a.txt"));
        usleep(20000);
        expect_reply(fd, LARGE);
        expect_reply(fd, 1000);
        expect_reply(fd, 1000);
        close(fd);
    }
}

/* A client that takes all it can get must not keep the others waiting. */
static void one_large_file_leaves_time_for_the_others(void)
{
    static char dropped[1 << 20];
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    int greedy = client_connect(&running);
    int modest = client_connect(&running);
    for (int i = 0; i < 20; i++) {
        client_send(greedy, GET("/large.bin"));
    }
    client_receive(greedy, dropped, sizeof(dropped));
    client_send(modest, GET("/a.txt"));
    expect_reply(modest, 1000);
    close(greedy);
    close(modest);
}

/* --- scarcity --------------------------------------------------------------------------------- */

static void no_more_clients_at_once_than_allowed(void)
{
    int fd[3];
    running.site.limits.connections = 2;
    running_start(&running);
    ask_by_each(fd, 3, GET("/a.txt"));
    expect_reply(fd[0], 1000);
    expect_reply(fd[1], 1000);
    assert_false(client_hears(fd[2], MOMENT_MS));
    close(fd[0]);
    expect_reply(fd[2], 1000);
    close(fd[1]);
    close(fd[2]);
}

static uint64_t cpu_ns_of(int ms)
{
    uint64_t before_ns = clock_process_cpu_ns();
    usleep((useconds_t)ms * 1000);
    return clock_process_cpu_ns() - before_ns;
}

/* Fills the table of descriptors but for `free` places. */
static int fill_descriptors(int *fd, int most, int spare)
{
    int count = 0;
    while (count < most && (fd[count] = dup(0)) >= 0) {
        count++;
    }
    assert_true(count < most && errno == EMFILE && count >= spare);
    while (spare-- > 0) {
        close(fd[--count]);
    }
    return count;
}

static void out_of_descriptors_it_waits_without_spinning(void)
{
    static int filler[4096];
    struct rlimit limit, low;
    running_start(&running);
    int first = client_connect(&running);
    client_send(first, GET("/a.txt"));
    expect_reply(first, 1000);

    getrlimit(RLIMIT_NOFILE, &limit);
    low = (struct rlimit){200, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    int filled = fill_descriptors(filler, 4096, 1);
    int second = client_connect(&running); /* and none is left for the server's end */
    client_send(second, GET("/a.txt"));
    usleep(MOMENT_MS * 1000);
    uint64_t spent_ns = cpu_ns_of(500);
    client_send(first, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"); /* who is in is still heard */
    expect_status(first, "204");
    assert_true(spent_ns < 250 * NS_PER_MS);

    while (filled > 0) {
        close(filler[--filled]);
    }
    setrlimit(RLIMIT_NOFILE, &limit);
    expect_reply(second, 1000);
    close(first);
    close(second);
}

/* Threads are what the blocking server may run out of. */
static void without_a_thread_for_it_a_client_is_told_503(void)
{
    if (!is_sync()) {
        return;
    }
    running.options.stack = (size_t)1 << 46;
    running_start(&running);
    for (int i = 0; i < 3; i++) {
        int fd = client_connect(&running);
        expect_status(fd, "503");
        client_expect_end(fd);
        close(fd);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void silence_ends_a_connection_and_not_too_early(void)
{
    running.site.timeouts.idle_ns = 2 * NS_PER_S;
    running_start(&running);
    for (int i = 0; i < 2; i++) {
        uint64_t from_ns = clock_monotonic_ns();
        int fd = client_connect(&running);
        if (i > 0) {
            from_ns = clock_monotonic_ns();
            client_send(fd, GET("/a.txt"));
            expect_reply(fd, 1000);
        }
        client_expect_end(fd);
        assert_true(clock_monotonic_ns() >= from_ns + running.site.timeouts.idle_ns);
        close(fd);
    }
}

static void a_head_that_takes_too_long_is_told_so(void)
{
    running.site.timeouts.head_ns = 300 * NS_PER_MS;
    running_start(&running);
    int fd = client_connect(&running);
    uint64_t from_ns = clock_monotonic_ns();
    client_send(fd, "GET /a.txt HT");
    expect_status(fd, "408");
    assert_true(clock_monotonic_ns() >= from_ns + running.site.timeouts.head_ns);
    client_drain(fd);
    close(fd);
}

static void who_takes_nothing_is_cut(void)
{
    running.site.timeouts.send_ns = 300 * NS_PER_MS;
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    running_ready(&running);
    int sockets = running_sockets();
    int fd = client_connect(&running);
    uint64_t from_ns = clock_monotonic_ns();
    client_send(fd, GET("/large.bin") GET("/a.txt"));
    assert_true(client_hears(fd, 30000));
    while (running_sockets() > sockets + 1) { /* or the test is out of time */
        usleep(1000);
    }
    assert_true(client_drain(fd) < LARGE);
    assert_true(clock_monotonic_ns() >= from_ns + running.site.timeouts.send_ns);
    close(fd);
}

static void who_takes_a_little_now_and_then_is_not(void)
{
    static char taken[512 * 1024];
    char head[2048];
    running.site.timeouts.send_ns = 5 * NS_PER_S;
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/large.bin"));
    assert_int_equal(client_head(fd, head, sizeof(head)), LARGE);
    size_t have = 0;
    for (int i = 0; i < 12; i++) { /* longer than its time in all */
        have += client_receive(fd, taken, sizeof(taken));
        usleep(500 * 1000);
    }
    while (have < LARGE) {
        size_t want = LARGE - have < sizeof(taken) ? LARGE - have : sizeof(taken);
        assert_int_equal(client_receive(fd, taken, want), want);
        have += want;
    }
    close(fd);
}

static void delays_are_never_cut_short(void)
{
    enum {
        CLIENTS = 50
    };
    int fd[CLIENTS];
    uint64_t sent_ns[CLIENTS];
    running.site.delays = true;
    running.site.delay_low_ns = running.site.delay_high_ns = 57 * NS_PER_MS;
    running_start(&running);
    for (int i = 0; i < CLIENTS; i++) {
        fd[i] = client_connect(&running);
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            sent_ns[i] = clock_monotonic_ns();
            client_send(fd[i], GET("/a.txt"));
            usleep(777);
        }
        for (int i = 0; i < CLIENTS; i++) {
            char head[2048];
            assert_int_equal(client_head(fd[i], head, sizeof(head)), 1000);
            if (i == 0) { /* the others may have been waiting here */
                assert_true(clock_monotonic_ns() >= sent_ns[i] + 57 * NS_PER_MS);
            }
            assert_non_null(strstr(head, "\r\nDelay: 0.057\r\n"));
            client_file(fd[i], 1000);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(fd[i]);
    }
}

/* --- files that change ------------------------------------------------------------------------ */

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", running.folder, name);
}

/* Asks for a large file and takes its beginning; how much of it. */
static size_t begin_large(int *fd)
{
    char head[2048];
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    *fd = client_connect(&running);
    client_send(*fd, GET("/large.bin"));
    assert_int_equal(client_head(*fd, head, sizeof(head)), LARGE);
    client_file(*fd, 1000);
    return 1000;
}

static void a_file_replaced_while_it_is_sent_is_sent_as_it_was(void)
{
    char from[256], to[256], rest[4096];
    int fd;
    size_t have = begin_large(&fd);
    running_put(&running, "other", 5);
    path_of(from, "other");
    path_of(to, "large.bin");
    assert_int_equal(rename(from, to), 0);
    while (have < LARGE) {
        size_t want = LARGE - have < sizeof(rest) ? LARGE - have : sizeof(rest);
        assert_int_equal(client_receive(fd, rest, want), want);
        for (size_t i = 0; i < want; i++) {
            assert_int_equal(rest[i], running_byte(have + i));
        }
        have += want;
    }
    client_send(fd, GET("/a.txt"));
    expect_reply(fd, 1000);
    close(fd);
}

static void a_file_truncated_while_it_is_sent_cuts_its_connection(void)
{
    char path[256];
    int fd;
    size_t have = begin_large(&fd);
    path_of(path, "large.bin");
    assert_int_equal(truncate(path, 100000), 0);
    assert_true(have + client_drain(fd) < LARGE);
    close(fd);
}

static void a_file_rewritten_while_it_is_sent_cuts_its_connection(void)
{
    int fd;
    usleep(50000); /* its time stamp has to differ, at the tick of the file system */
    size_t have = begin_large(&fd);
    usleep(50000);
    running_put(&running, "large.bin", LARGE);
    assert_true(have + client_drain(fd) < LARGE);
    close(fd);
}

/* --- seen off --------------------------------------------------------------------------------- */

static void at_rest_it_ends_without_waiting_for_long(void)
{
    int fd[20];
    running_start(&running);
    for (int i = 0; i < 20; i++) {
        fd[i] = client_connect(&running);
        if (i % 2) {
            client_send(fd[i], GET("/a.txt"));
            expect_reply(fd[i], 1000);
        }
    }
    running_order(&running, ORDER_DRAIN);
    running_join(&running); /* the drain timeout is 20 s, the patience of this test 30 s */
    for (int i = 0; i < 20; i++) {
        client_expect_end(fd[i]);
        close(fd[i]);
    }
}

static void running_replies_come_to_their_end(void)
{
    int fd[8];
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    for (int i = 0; i < 8; i++) {
        fd[i] = client_connect(&running);
        client_send(fd[i], GET("/large.bin"));
        assert_true(client_hears(fd[i], 30000));
    }
    running_order(&running, ORDER_DRAIN);
    for (int i = 0; i < 8; i++) {
        expect_reply(fd[i], LARGE);
        client_expect_end(fd[i]);
        close(fd[i]);
    }
    running_join(&running);
}

/* Connections that the system has taken are owed a reply, however many there are. */
static void who_has_come_is_let_in(void)
{
    enum {
        CLIENTS = 300
    };
    int fd[CLIENTS];
    running_listen(&running);
    ask_by_each(fd, CLIENTS, GET("/a.txt"));
    running_order(&running, ORDER_DRAIN);
    running_start(&running);
    for (int i = 0; i < CLIENTS; i++) {
        expect_reply(fd[i], 1000);
        close(fd[i]);
    }
    running_join(&running);
}

/* Those too for whom there was no room until now. */
static void who_waits_for_room_is_let_in(void)
{
    int fd[5];
    running.site.limits.connections = 1;
    running_start(&running);
    ask_by_each(fd, 5, GET("/a.txt"));
    running_order(&running, ORDER_DRAIN);
    for (int i = 0; i < 5; i++) {
        expect_reply(fd[i], 1000);
        client_expect_end(fd[i]);
        close(fd[i]);
    }
    running_join(&running);
}

/* Who waits at a socket that others hold too is left to them, and no client is refused there. */
static void handed_over_sockets_are_left_to_others(void)
{
    char text[8];
    running_listen(&running);
    int heir = fcntl(running.listener.fds[0], F_DUPFD_CLOEXEC, 0);
    assert_true(heir >= 0);
    running_start(&running);
    int before = client_connect(&running);
    client_send(before, GET("/a.txt"));
    expect_reply(before, 1000);
    running_order(&running, ORDER_HAND_OVER);
    running_join(&running);
    client_expect_end(before);
    int later = client_connect(&running);
    client_send(later, "heard");
    int fd = accept4(heir, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(client_receive(fd, text, 5), 5);
    close(fd);
    close(later);
    close(before);
    close(heir);
}

static void it_says_when_it_accepts(void)
{
    running_start(&running);
    running_ready(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/a.txt"));
    expect_reply(fd, 1000);
    close(fd);
}

/* A descriptor for each loop, or more or fewer sockets than loops: a client of any is served. */
static void every_socket_is_accepted_from(void)
{
    running.options.loops = 3;
    running_listen(&running);
    running.options.loops = 2;
    running_start(&running);
    for (int i = 0; i < 60; i++) {
        int fd = client_connect(&running);
        client_send(fd, GET("/a.txt"));
        expect_reply(fd, 1000);
        close(fd);
    }
}

static void without_a_parent_it_drains(void)
{
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/a.txt"));
    expect_reply(fd, 1000);
    control_close(&running.parent);
    client_expect_end(fd);
    close(fd);
    running_join(&running);
}

static void who_comes_later_is_refused(void)
{
    const struct address *address = &running.listener.address;
    running.site.delays = true;
    running.site.delay_low_ns = running.site.delay_high_ns = 2 * NS_PER_S;
    running_start(&running);
    int first = client_connect(&running);
    client_send(first, GET("/a.txt"));
    usleep(MOMENT_MS * 1000);
    running_order(&running, ORDER_DRAIN);
    uint64_t until_ns = clock_monotonic_ns() + 20 * NS_PER_S;
    for (;;) { /* the order has to be heard first */
        int later = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int came = connect(later, &address->at.any, address->size);
        int error = errno;
        close(later);
        if (came < 0) {
            assert_true(error == ECONNREFUSED || error == ECONNRESET); /* in the act of closing */
            break;
        }
        assert_true(clock_monotonic_ns() < until_ns);
        usleep(5000);
    }
    expect_reply(first, 1000);
    client_expect_end(first);
    close(first);
    running_join(&running);
}

static void at_the_end_of_the_drain_waits_end_and_their_replies_leave(void)
{
    running.site.delays = true;
    running.site.delay_low_ns = running.site.delay_high_ns = 3600 * NS_PER_S;
    running.site.timeouts.drain_ns = 3 * NS_PER_S; /* within which all are heard */
    running_start(&running);
    int fd[10];
    ask_by_each(fd, 10, GET("/none"));
    uint64_t from_ns = clock_monotonic_ns();
    running_order(&running, ORDER_DRAIN);
    for (int i = 0; i < 10; i++) {
        expect_status(fd[i], "404");
        assert_true(clock_monotonic_ns() >= from_ns + running.site.timeouts.drain_ns);
        client_drain(fd[i]);
        close(fd[i]);
    }
    running_join(&running);
}

static void at_the_end_of_the_drain_slow_readers_are_cut(void)
{
    running.site.timeouts.drain_ns = 300 * NS_PER_MS;
    running_put(&running, "large.bin", LARGE);
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/large.bin"));
    assert_true(client_hears(fd, 30000));
    running_order(&running, ORDER_DRAIN);
    running_join(&running);
    assert_true(client_drain(fd) < LARGE);
    close(fd);
}

static void told_to_cut_it_ends_at_once(void)
{
    running.site.delays = true;
    running.site.delay_low_ns = running.site.delay_high_ns = 3600 * NS_PER_S;
    running.site.timeouts.drain_ns = 3600 * NS_PER_S;
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/a.txt"));
    usleep(MOMENT_MS * 1000);
    running_order(&running, ORDER_DRAIN);
    usleep(MOMENT_MS * 1000);
    running_order(&running, ORDER_CUT);
    running_join(&running);
    client_drain(fd);
    close(fd);
}

/* An impatient user's orders come while nobody has time to hear them. */
static void further_orders_change_nothing(void)
{
    running.site.compute = 31; /* long enough to be in the way, short enough for ThreadSanitizer */
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/a.txt"));
    usleep(5000);
    for (int i = 0; i < 6; i++) {
        running_order(&running, i == 0 ? ORDER_DRAIN : ORDER_CUT);
        usleep(5000);
    }
    running_join(&running);
    client_drain(fd);
    close(fd);
}

/* Nobody can wait for a computation without end, and nobody can stop it. */
static void who_computes_is_left_behind(void)
{
    running.site.compute = 60;
    running_start(&running);
    int fd = client_connect(&running);
    client_send(fd, GET("/a.txt"));
    usleep(MOMENT_MS * 1000);
    running_order(&running, ORDER_DRAIN);
    usleep(MOMENT_MS * 1000);
    running_order(&running, ORDER_CUT);
    running_join(&running);
    running_clear(&running);
    _exit(0); /* over what is left behind */
}

static const struct row {
    const char *name;
    void (*check)(void);
} rows[] = {
    {CASE(a_client_is_served)},
    {CASE(it_says_when_it_accepts)},
    {CASE(every_socket_is_accepted_from)},
    {CASE(each_of_many_clients_is_served)},
    {CASE(a_client_may_end_its_side_behind_its_request)},
    {CASE(who_waits_for_a_helper_is_left_alone)},
    {CASE(one_large_file_leaves_time_for_the_others)},
    {CASE(no_more_clients_at_once_than_allowed)},
    {CASE(out_of_descriptors_it_waits_without_spinning)},
    {CASE(without_a_thread_for_it_a_client_is_told_503)},
    {CASE(silence_ends_a_connection_and_not_too_early)},
    {CASE(a_head_that_takes_too_long_is_told_so)},
    {CASE(who_takes_nothing_is_cut)},
    {CASE(who_takes_a_little_now_and_then_is_not)},
    {CASE(delays_are_never_cut_short)},
    {CASE(a_file_replaced_while_it_is_sent_is_sent_as_it_was)},
    {CASE(a_file_truncated_while_it_is_sent_cuts_its_connection)},
    {CASE(a_file_rewritten_while_it_is_sent_cuts_its_connection)},
    {CASE(at_rest_it_ends_without_waiting_for_long)},
    {CASE(running_replies_come_to_their_end)},
    {CASE(who_has_come_is_let_in)},
    {CASE(who_waits_for_room_is_let_in)},
    {CASE(handed_over_sockets_are_left_to_others)},
    {CASE(without_a_parent_it_drains)},
    {CASE(who_comes_later_is_refused)},
    {CASE(at_the_end_of_the_drain_waits_end_and_their_replies_leave)},
    {CASE(at_the_end_of_the_drain_slow_readers_are_cut)},
    {CASE(told_to_cut_it_ends_at_once)},
    {CASE(further_orders_change_nothing)},
    {CASE(who_computes_is_left_behind)},
};

static void row(void **state)
{
    in_its_process(((const struct row *)*state)->check);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, row, ROWS(rows));
    return suite_run(&suite, "server/serve");
}
