/* Whatever can go wrong goes wrong once, in turn, and some of it again and again: one connection
 * may suffer, the server never. Afterwards a normal request is answered, and when the server has
 * ended no memory and no descriptor is lost. The same for whichever model is linked in. */
#include "tests/support/faults.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/server/running.h"

#include "lib/base/clock.h"
#include "server/session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

enum {
    SMALL = 1000,
    LARGE = 70000,  /* more than is held in memory */
    HUGE = 4 << 20, /* more than the sockets of a connection hold */
    ROOM = HUGE + 64 * 1024,
    TURNS_ALL = 400, /* points in turn; of what comes behind them, ... */
    TURNS_STEP = 97, /* ... the thousands of media types above all, one of so many */
};

static struct running running;

static bool is_sync(void)
{
    return serve_model.owner == OPTION_SYNC;
}

static void begin(void)
{
    char folder[256];
    faults_spare(true);
    faults_libevent();
    running_init(&running);
    running_put(&running, "small", SMALL);
    running_put(&running, "large", LARGE);
    snprintf(folder, sizeof(folder), "%s/folder", running.folder);
    assert_int_equal(mkdir(folder, 0755), 0);
}

/* Each case has a process of its own: what is left of one that fails is not in the others' way. */
static void in_its_process(void (*check)(const void *), const void *row)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        begin();
        check(row);
        running_clear(&running);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* --- conversations ---------------------------------------------------------------------------- */

/* What a client says, and the replies that it is owed. */
struct conversation {
    const char *says;
    const char *statuses;
};

static const struct conversation conversations[] = {
    {GET("/small") LAST("/small"), "200 200 "},
    {GET("/large") GET("/small") LAST("/large"), "200 200 200 "},
    {LAST("/none"), "404 "},
    {LAST("/folder"), "301 "},
    {LAST("/folder/"), "200 "},
    {"GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=0-99,60000-60999\r\n\r\n" LAST("/small"),
     "206 200 "},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5\r\nhello\r\n0\r\n\r\n" LAST("/small"),
     "204 200 "},
    {"nonsense\r\n\r\n", "400 "},
};

static char heard[ROOM];

/* Says it all, or what is taken of it, and receives until the end, which has to come. */
static size_t converse(const char *says)
{
    int fd = client_connect(&running);
    ssize_t sent = send(fd, says, strlen(says), MSG_NOSIGNAL);
    (void)sent;
    size_t have = 0;
    ssize_t got;
    while ((got = client_take(fd, heard + have, ROOM - have)) > 0) {
        have += (size_t)got;
    }
    assert_true(got == 0 || errno == ECONNRESET); /* and not that nothing came in 30 s */
    close(fd);
    return have;
}

/* Reads one reply; how many bytes it has, or 0 when it is cut. What is there of it has to be right.
 */
static size_t read_reply(const char *text, size_t size, char status[4])
{
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    assert_memory_equal(text, "HTTP/1.1 ", 9);
    memcpy(status, text + 9, 3);
    size_t head = (size_t)(end + 4 - text);
    const char *length = memmem(text, head, "\r\nContent-Length: ", 18);
    size_t body = length != NULL ? strtoul(length + 18, NULL, 10) : 0;
    bool is_whole_file =
        memcmp(status, "200", 3) == 0 && memmem(text, head, "text/html", 9) == NULL;
    size_t here = size - head < body ? size - head : body;
    for (size_t i = 0; i < here && is_whole_file; i++) {
        assert_int_equal(text[head + i], running_byte(i));
    }
    return here == body ? head + body : 0;
}

/* Appends the statuses of all whole replies. */
static void read_replies(const char *text, size_t size, char *statuses)
{
    while (size > 0) {
        char status[4] = {0};
        size_t reply = read_reply(text, size, status);
        if (reply == 0) {
            return;
        }
        statuses += sprintf(statuses, "%s ", status);
        text += reply;
        size -= reply;
    }
}

/* All conversations, one after the other. Where nothing may suffer, each has to be whole. */
static void converse_all(bool unharmed)
{
    for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
        char statuses[64] = "";
        read_replies(heard, converse(conversations[i].says), statuses);
        if (unharmed) {
            assert_string_equal(statuses, conversations[i].statuses);
        }
    }
}

/* --- the server ------------------------------------------------------------------------------- */

static struct store *make_store(void)
{
    return store_create(&(struct store_options){
        .docroot = running.folder, .fields = BYTES("Server: cristo\r\n"), .in_memory = 65536});
}

/* Returns when it waits for clients: what goes wrong from then on goes wrong while it serves. */
static void start(void)
{
    enum fault_call waits = is_sync() ? FAULT_POLL : FAULT_EVENTS;
    unsigned long before = faults_seen(waits);
    running_start(&running);
    running_ready(&running);
    while (faults_seen(waits) == before) {
        usleep(100);
    }
}

static void end(void)
{
    running_join(&running);
    store_destroy(running.site.store);
    running.listening = false;
}

static void stop(void)
{
    running_order(&running, ORDER_HAND_OVER); /* to nobody: the doors are closed at once */
    end();
}

/* Files of which the kernel cannot say whether they are at hand may take for ever to be closed, and
 * are left to the end of the process (async/closing.h). */
static void close_slow_files(const struct fault *fault)
{
    size_t len = strlen(running.folder);
    for (int fd = 0; fd < 1024 && fault->call == FAULT_PROBE; fd++) {
        char path[64], what[256];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, what, sizeof(what)) > (ssize_t)len &&
            memcmp(what, running.folder, len) == 0) {
            close(fd);
        }
    }
}

/* A server's life, while part of which something goes wrong; how often it did. */
static unsigned long live_with(const struct fault *fault)
{
    int descriptors = descriptors_open();
    long memory = faults_memory();
    start();
    faults_arm(fault);
    converse_all(false);
    unsigned long failed = faults_disarm();
    converse_all(true);
    stop();
    close_slow_files(fault);
    assert_int_equal(descriptors_open(), descriptors);
    assert_int_equal(faults_memory(), memory);
    return failed;
}

/* --- while serving ---------------------------------------------------------------------------- */

enum {
    SYNC = 1,
    ASYNC = 2,
    BOTH = SYNC | ASYNC
};

/* What goes wrong in turn at each of its calls. */
struct turn {
    const char *name;
    enum fault_call call;
    int error;
    int models; /* which of them make this call while they serve */
    bool works; /* with a wait and with work before each reply */
    bool cold;  /* every slice of a file has to be fetched */
};

static const struct turn turns[] = {
    {"memory", FAULT_MEMORY, ENOMEM, BOTH, false, false},
    {"memory_while_replies_are_worked_for", FAULT_MEMORY, ENOMEM, BOTH, true, false},
    {"memory_while_slices_are_fetched", FAULT_MEMORY, ENOMEM, BOTH, true, true},
    {"threads", FAULT_THREAD, EAGAIN, SYNC, false, false},
    {"accept_without_descriptors", FAULT_ACCEPT, EMFILE, BOTH, false, false},
    {"accept_without_descriptors_anywhere", FAULT_ACCEPT, ENFILE, BOTH, false, false},
    {"accept_without_memory", FAULT_ACCEPT, ENOMEM, BOTH, false, false},
    {"accept_without_buffers", FAULT_ACCEPT, ENOBUFS, BOTH, false, false},
    {"accept_of_one_who_has_left", FAULT_ACCEPT, ECONNABORTED, BOTH, false, false},
    {"accept_against_a_firewall", FAULT_ACCEPT, EPERM, BOTH, false, false},
    {"accept_of_a_broken_one", FAULT_ACCEPT, EPROTO, BOTH, false, false},
    {"receive_after_a_reset", FAULT_RECEIVE, ECONNRESET, BOTH, false, false},
    {"receive_after_silence_of_the_net", FAULT_RECEIVE, ETIMEDOUT, BOTH, false, false},
    {"receive_without_memory", FAULT_RECEIVE, ENOMEM, BOTH, false, false},
    {"send_to_one_who_has_left", FAULT_SEND, EPIPE, BOTH, false, false},
    {"send_after_a_reset", FAULT_SEND, ECONNRESET, BOTH, false, false},
    {"send_without_memory", FAULT_SEND, ENOMEM, BOTH, false, false},
    {"send_without_buffers", FAULT_SEND, ENOBUFS, BOTH, false, false},
    {"send_file_from_a_broken_disk", FAULT_SEND_FILE, EIO, BOTH, false, false},
    {"send_file_to_one_who_has_left", FAULT_SEND_FILE, EPIPE, BOTH, false, false},
    {"send_file_without_memory", FAULT_SEND_FILE, ENOMEM, BOTH, false, false},
    {"open_without_descriptors", FAULT_OPEN, EMFILE, BOTH, false, false},
    {"open_without_descriptors_anywhere", FAULT_OPEN, ENFILE, BOTH, false, false},
    {"open_without_memory", FAULT_OPEN, ENOMEM, BOTH, false, false},
    {"open_on_a_broken_disk", FAULT_OPEN, EIO, BOTH, false, false},
    {"status_on_a_broken_disk", FAULT_STATUS, EIO, BOTH, false, false},
    {"status_without_memory", FAULT_STATUS, ENOMEM, BOTH, false, false},
    {"read_from_a_broken_disk", FAULT_READ, EIO, BOTH, false, false},
    {"slices_from_a_broken_disk", FAULT_READ, EIO, BOTH, false, true},
    {"status_of_slices_on_a_broken_disk", FAULT_STATUS, EIO, BOTH, false, true},
    {"probe_of_a_broken_disk", FAULT_PROBE, EIO, ASYNC, false, false},
    {"folder_on_a_broken_disk", FAULT_FOLDER, EIO, BOTH, false, false},
    {"folder_without_memory", FAULT_FOLDER, ENOMEM, BOTH, false, false},
    {"events_without_memory", FAULT_WATCH, ENOMEM, ASYNC, false, false},
    {"events_beyond_the_limit", FAULT_WATCH, ENOSPC, ASYNC, true, false},
    {"end_of_our_side", FAULT_SHUTDOWN, ENOTCONN, BOTH, false, false},
    {"poll_without_memory", FAULT_POLL, ENOMEM, SYNC, false, false},
};

static void set_work(bool works)
{
    running.site.delays = works;
    running.site.delay_low_ns = running.site.delay_high_ns = NS_PER_MS;
    running.site.compute = works ? 1 : 0;
    running.options.offload = works ? 1 : 0;
}

static void in_turn(const void *row)
{
    const struct turn *turn = row;
    struct fault fault = {.call = turn->call, .first = 1, .error = turn->error};
    set_work(turn->works);
    faults_cold(turn->cold);
    while (live_with(&fault) > 0) {
        fault.first++;
    }
    assert_true(fault.first > 1 || (turn->models & (is_sync() ? SYNC : ASYNC)) == 0);
}

/* --- again and again -------------------------------------------------------------------------- */

/* A reply that is on its way when the server is asked to stop comes to its end. */
static void stop_while_replying(void)
{
    char statuses[64] = "";
    int fd = client_connect(&running);
    client_send(fd, LAST("/huge"));
    assert_true(client_hears(fd, 30000));
    running_order(&running, ORDER_DRAIN);
    read_replies(heard, client_receive(fd, heard, sizeof(heard)), statuses);
    assert_string_equal(statuses, "200 ");
    close(fd);
    end();
}

/* What goes wrong all the time, and does no harm. */
struct storm {
    const char *name;
    struct fault fault;
    int models;
};

static const struct storm storms[] = {
    {"accept_is_interrupted", {FAULT_ACCEPT, 1, 2, EINTR, 0, 0}, BOTH},
    {"receive_is_interrupted", {FAULT_RECEIVE, 1, 2, EINTR, 0, 0}, BOTH},
    {"send_is_interrupted", {FAULT_SEND, 1, 2, EINTR, 0, 0}, BOTH},
    {"send_file_is_interrupted", {FAULT_SEND_FILE, 1, 2, EINTR, 0, 0}, BOTH},
    {"open_is_interrupted", {FAULT_OPEN, 1, 2, EINTR, 0, 0}, BOTH},
    {"read_is_interrupted", {FAULT_READ, 1, 2, EINTR, 0, 0}, BOTH},
    {"poll_is_interrupted", {FAULT_POLL, 1, 2, EINTR, 0, 0}, SYNC},
    {"sleep_is_interrupted", {FAULT_SLEEP, 1, 2, EINTR, 0, 0}, SYNC},
    {"events_are_interrupted", {FAULT_EVENTS, 1, 2, EINTR, 0, 0}, ASYNC},
    {"accept_has_nobody_after_all", {FAULT_ACCEPT, 1, 2, EAGAIN, 0, 0}, BOTH},
    {"send_has_no_room_after_all", {FAULT_SEND, 1, 2, EAGAIN, 0, 0}, BOTH},
    {"send_file_has_no_room_after_all", {FAULT_SEND_FILE, 1, 2, EAGAIN, 0, 0}, BOTH},
    {"open_is_asked_to_try_again", {FAULT_OPEN, 1, 2, EAGAIN, 0, 0}, BOTH},
    {"receive_gives_a_byte_at_a_time", {FAULT_RECEIVE, 1, 1, 0, 1, 0}, SYNC},
    {"send_takes_a_byte_at_a_time", {FAULT_SEND, 1, 1, 0, 1, 0}, BOTH},
    {"send_file_takes_a_little_at_a_time", {FAULT_SEND_FILE, 1, 1, 0, 99, 0}, BOTH},
    {"read_gives_a_byte_at_a_time", {FAULT_READ, 1, 1, 0, 1, 0}, BOTH},
    {"pages_are_not_at_hand_after_all", {FAULT_PROBE, 1, 2, EAGAIN, 0, 0}, ASYNC},
    {"pages_cannot_be_asked_for", {FAULT_PROBE, 1, 1, EOPNOTSUPP, 0, 0}, ASYNC},
    {"open_takes_a_while", {FAULT_OPEN, 1, 1, 0, 0, 2000}, BOTH},
};

static void again_and_again(const void *row)
{
    const struct storm *storm = row;
    if ((storm->models & (is_sync() ? SYNC : ASYNC)) == 0) {
        return;
    }
    set_work(storm->fault.call == FAULT_SLEEP);
    running_put(&running, "huge", HUGE);
    int descriptors = descriptors_open();
    long memory = faults_memory();
    start();
    faults_arm(&storm->fault);
    converse_all(true);
    stop_while_replying();
    assert_true(faults_disarm() > 0);
    close_slow_files(&storm->fault);
    assert_int_equal(descriptors_open(), descriptors);
    assert_int_equal(faults_memory(), memory);
}

/* Signals that nobody ignores end whatever call a thread of the server is waiting in. */
static void on_alarm(int signal)
{
    (void)signal;
}

static void signals_rain(const void *row)
{
    static const struct itimerval often = {{0, 300}, {0, 300}}, never;
    struct sigaction action = {.sa_handler = on_alarm};
    sigset_t alarm;
    (void)row;
    set_work(true);
    start();
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL); /* in this thread: the clients have no part in it */
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 20; i++) {
        converse_all(true);
    }
    stop();
    setitimer(ITIMER_REAL, &never, NULL);
}

static void who_says_a_byte_at_a_time_is_heard(const void *row)
{
    (void)row;
    start();
    for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
        char statuses[64] = "";
        int fd = client_connect(&running);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        for (const char *at = conversations[i].says; *at != '\0'; at++) {
            assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
            usleep(50);
        }
        read_replies(heard, client_receive(fd, heard, sizeof(heard)), statuses);
        assert_string_equal(statuses, conversations[i].statuses);
        close(fd);
    }
    stop();
}

/* --- clients that leave without a word -------------------------------------------------------- */

/* Where the conversation is when the client's system says that nobody is there any more. */
struct reset {
    const char *name;
    const char *says;
    bool hears; /* it has begun to be answered */
    bool ends;  /* it was answered, and told that nothing more follows */
    struct fault fault;
    bool works;
};

static const struct reset resets[] = {
    {"reset_before_a_head", "", false, false, {0}, false},
    {"reset_within_a_head", "GET /small HT", false, false, {0}, false},
    {"reset_between_requests", GET("/small"), true, false, {0}, false},
    {"reset_behind_a_head", GET("/small"), false, false, {0}, false},
    {"reset_behind_many_heads",
     GET("/small") GET("/large") GET("/small") GET("/huge") GET("/small") GET("/none"),
     false,
     false,
     {0},
     false},
    {"reset_within_a_body",
     "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc",
     false,
     false,
     {0},
     false},
    {"reset_within_a_chunk",
     "OPTIONS * HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nabc",
     false,
     false,
     {0},
     false},
    {"reset_before_a_body_that_is_asked_for",
     "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
     true,
     false,
     {0},
     false},
    {"reset_while_it_waits_or_works", GET("/small"), false, false, {0}, true},
    {"reset_while_a_file_is_fetched",
     GET("/large"),
     false,
     false,
     {FAULT_OPEN, 1, 1, 0, 0, 3000},
     false},
    {"reset_while_a_file_is_sent", GET("/huge"), true, false, {0}, false},
    {"reset_while_it_lingers", "nonsense\r\n\r\n", true, true, {0}, false},
};

enum {
    RESETS = 30
};

static void reset_one(const struct reset *reset, unsigned pause_us)
{
    static const struct linger at_once = {1, 0};
    int fd = client_connect(&running);
    client_send(fd, reset->says);
    if (reset->hears) {
        assert_true(client_hears(fd, 30000));
    }
    if (reset->ends) {
        client_drain(fd);
    }
    usleep(pause_us);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void is_reset(const void *row)
{
    const struct reset *reset = row;
    set_work(reset->works);
    running.site.trust_ns = 0; /* every request opens its file */
    running_put(&running, "huge", HUGE);
    int outside = descriptors_open();
    long memory = faults_memory();
    start();
    converse_all(true); /* so that files are held open */
    faults_arm(&reset->fault);
    int sockets = running_sockets(); /* files may be held open, by whichever core */
    for (unsigned i = 0; i < RESETS; i++) {
        reset_one(reset, i * 100);
    }
    while (running_sockets() > sockets) { /* or the test is out of time */
        usleep(1000);
    }
    faults_disarm();
    converse_all(true);
    stop();
    assert_int_equal(descriptors_open(), outside);
    assert_int_equal(faults_memory(), memory);
}

/* --- at start --------------------------------------------------------------------------------- */

static void *run_serve(void *argument)
{
    (void)argument;
    running.status = serve(&running.site, &running.options, &running.listener, 1, &running.child);
    return NULL;
}

/* Whether it serves; false: it has ended, and said why. */
static bool is_serving(void)
{
    while (!control_is_ready(&running.parent)) {
        if (pthread_tryjoin_np(running.thread, NULL) == 0) {
            running.thread = 0;
            assert_int_equal(running.status, 1);
            for (unsigned i = 0; i < running.listener.sockets; i++) {
                close(running.listener.fds[i]);
            }
            return false;
        }
        usleep(100);
    }
    return true;
}

/* A start during which something goes wrong; how often it did. */
static unsigned long start_with(const struct fault *fault)
{
    int descriptors = descriptors_open();
    long memory = faults_memory();
    faults_lines();
    faults_arm(fault);
    faults_spare(false);
    running.site.store = make_store();
    faults_spare(true);
    assert_int_equal(running.site.store == NULL, faults_failed() > 0);
    running.site.fields = BYTES("Server: cristo\r\n");
    bool serves = running.site.store != NULL;
    if (serves) {
        running_listen(&running);
        assert_int_equal(pthread_create(&running.thread, NULL, run_serve, NULL), 0);
        serves = is_serving();
    }
    unsigned long failed = faults_disarm();
    unsigned lines = faults_lines();
    assert_true(serves || (failed > 0 && lines > 0));
    if (serves) {
        converse_all(true);
        stop();
    } else {
        store_destroy(running.site.store);
    }
    running.listening = false;
    assert_int_equal(descriptors_open(), descriptors);
    assert_int_equal(faults_memory(), memory);
    return failed;
}

static const struct turn starts[] = {
    {"start_without_memory", FAULT_MEMORY, ENOMEM, BOTH, true, false},
    {"start_without_threads", FAULT_THREAD, EAGAIN, ASYNC, true, false},
    {"start_without_events", FAULT_WATCH, ENOMEM, ASYNC, false, false},
    {"start_without_mailboxes", FAULT_EVENTFD, EMFILE, ASYNC, false, false},
    {"start_without_descriptors", FAULT_OPEN, EMFILE, BOTH, false, false},
};

static void at_start(const void *row)
{
    const struct turn *turn = row;
    struct fault fault = {.call = turn->call, .first = 1, .error = turn->error};
    set_work(turn->works);
    running.options.loops = is_sync() ? 1 : 2;
    while (start_with(&fault) > 0) {
        fault.first += fault.first < TURNS_ALL ? 1 : TURNS_STEP;
    }
    assert_true(fault.first > 1 || (turn->models & (is_sync() ? SYNC : ASYNC)) == 0);
}

/* --- delays ----------------------------------------------------------------------------------- */

/* With a field that makes it as long as is asked for. */
static void ask_at_length(int fd, size_t size)
{
    static const char begins[] = "GET /small HTTP/1.1\r\nHost: a\r\nX: ";
    char text[8192];
    memset(text, 'x', size);
    memcpy(text, begins, sizeof(begins) - 1);
    memcpy(text + size - 4, "\r\n\r\n", 4);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

static void expect_small(int fd)
{
    char head[2048];
    assert_int_equal(client_head(fd, head, sizeof(head)), SMALL);
    client_file(fd, SMALL);
}

/* And not from when the server began to look for it. Two requests that fill its room have it look
 * for another one right behind their replies, which takes it long enough for that one to be sent.
 */
static void delay_is_counted_from_its_request(const void *row)
{
    const uint64_t delay_ns = 100 * NS_PER_MS;
    size_t room = exchange_capacity(&running.site);
    (void)row;
    running.site.delays = true;
    running.site.delay_low_ns = running.site.delay_high_ns = delay_ns;
    running_start(&running);
    faults_arm(&(struct fault){.call = FAULT_RECEIVE, .first = 1, .every = 1, .delay_us = 60000});
    int fd = client_connect(&running);
    ask_at_length(fd, room / 2);
    ask_at_length(fd, room - room / 2);
    expect_small(fd);
    expect_small(fd);
    usleep(30000);
    uint64_t asked_ns = clock_monotonic_ns();
    client_send(fd, GET("/small"));
    expect_small(fd);
    assert_true(clock_monotonic_ns() - asked_ns >= delay_ns);
    close(fd);
    faults_disarm();
    running_order(&running, ORDER_DRAIN);
    running_join(&running);
}

static void delay_row(void **state)
{
    in_its_process(delay_is_counted_from_its_request, *state);
}

static void turn_row(void **state)
{
    in_its_process(in_turn, *state);
}

static void storm_row(void **state)
{
    in_its_process(again_and_again, *state);
}

static void reset_row(void **state)
{
    in_its_process(is_reset, *state);
}

static void signals_row(void **state)
{
    in_its_process(signals_rain, *state);
}

static void bytes_row(void **state)
{
    in_its_process(who_says_a_byte_at_a_time_is_heard, *state);
}

static void start_row(void **state)
{
    in_its_process(at_start, *state);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, turn_row, ROWS(turns));
    suite_add_rows(&suite, storm_row, ROWS(storms));
    suite_add_rows(&suite, reset_row, ROWS(resets));
    suite_add_rows(&suite, start_row, ROWS(starts));
    suite_add(&suite, "signals_rain", signals_row);
    suite_add(&suite, "who_says_a_byte_at_a_time_is_heard", bytes_row);
    suite_add(&suite, "delay_is_counted_from_its_request", delay_row);
    return suite_run(&suite, "server/faults");
}
