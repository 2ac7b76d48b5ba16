/* Listening sockets that come with a process: by number, told of by the environment. */
#include "server/inherited.h"

#include "lib/base/log.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listening(struct address *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_null(address_read("127.0.0.1:0", at));
    assert_int_equal(bind(fd, &at->at.any, at->size), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static int environment_is_empty(void **state)
{
    (void)state;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    unsetenv(INHERITED_VARIABLE);
    return 0;
}

static void nothing_told_is_nothing_inherited(void **state)
{
    (void)state;
    struct inherited *sockets;
    unsigned count;
    assert_int_equal(inherited_count(), 0);
    assert_true(inherited_take(&sockets, &count));
    assert_int_equal(count, 0);
    free(sockets);
}

/* With one socket, and with several. */
static void what_a_predecessor_writes_its_successor_takes(void **state)
{
    (void)state;
    for (unsigned all = 1; all <= 3; all++) {
        struct inherited left[3] = {{0}};
        for (unsigned i = 0; i < all; i++) {
            left[i].fd = listening(&left[i].asked);
            left[i].group = i / 2;
            left[i].lent = i == 1;
            left[i].tls = i >= 1;
        }
        char *text = inherited_write(left, all);
        assert_non_null(text);
        setenv(INHERITED_VARIABLE, text, 1);
        free(text);

        struct inherited *taken;
        unsigned count;
        assert_int_equal(inherited_count(), all);
        assert_int_equal(inherited_has_tls(), all > 1);
        assert_true(inherited_take(&taken, &count));
        assert_int_equal(count, all);
        for (unsigned i = 0; i < all; i++) {
            char written[ADDRESS_TEXT], read[ADDRESS_TEXT];
            assert_int_equal(taken[i].fd, left[i].fd);
            assert_int_equal(taken[i].group, left[i].group);
            assert_int_equal(taken[i].lent, left[i].lent);
            assert_int_equal(taken[i].tls, left[i].tls);
            assert_string_equal(address_write(read, &taken[i].asked),
                                address_write(written, &left[i].asked));
            assert_true((fcntl(taken[i].fd, F_GETFD) & FD_CLOEXEC) != 0);
            assert_true((fcntl(taken[i].fd, F_GETFL) & O_NONBLOCK) != 0);
            close(taken[i].fd);
        }
        free(taken);
        assert_null(getenv(INHERITED_VARIABLE)); /* it is not told on */
    }
}

static void what_does_not_listen_is_refused(void **state)
{
    (void)state;
    struct inherited *sockets;
    unsigned count;
    char text[64];
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    snprintf(text, sizeof(text), "0 %d 127.0.0.1:80", pair[0]);
    setenv(INHERITED_VARIABLE, text, 1);
    assert_false(inherited_take(&sockets, &count));
    close(pair[0]);
    close(pair[1]);
}

struct row {
    const char *name, *text;
};

static const struct row nonsense[] = {
    {"no_number", "one 3 127.0.0.1:80"},
    {"no_descriptor", "0 127.0.0.1:80"},
    {"negative_descriptor", "0 -1 127.0.0.1:80"},
    {"no_address", "0 3 "},
    {"only_a_number", "0"},
    {"an_empty_line_between", "\n\n"},
};

static void what_cannot_be_understood_is_refused(void **state)
{
    const struct row *row = *state;
    struct inherited *sockets;
    unsigned count;
    setenv(INHERITED_VARIABLE, row->text, 1);
    assert_false(inherited_take(&sockets, &count));
}

static void sockets_for_another_process_are_not_ours(void **state)
{
    (void)state;
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    assert_int_equal(inherited_count(), 0);
}

struct name_row {
    const char *name, *names, *count;
    bool has_tls;
};

/* sd_listen_fds_with_names(3) */
static const struct name_row name_rows[] = {
    {"none", NULL, "2", false},
    {"names_of_units", "a.socket:b.socket", "2", false},
    {"first", "tls:b", "2", true},
    {"last", "a:https", "2", true},
    {"alone", "https", "1", true},
    {"beyond_the_sockets", "a:b:tls", "2", false},
    {"longer_words", "tls1:xhttps", "2", false},
    {"empty", ":", "2", false},
    {"fewer_names_than_sockets", "a", "2", false},
};

static void names_of_sockets_say_what_is_spoken(void **state)
{
    const struct name_row *row = *state;
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", row->count, 1);
    if (row->names != NULL) {
        setenv("LISTEN_FDNAMES", row->names, 1);
    }
    assert_int_equal(inherited_has_tls(), row->has_tls);
}

int main(void)
{
    static struct suite suite;
    log_program("test");
    suite_add(&suite, CASE(nothing_told_is_nothing_inherited));
    suite_add(&suite, CASE(what_a_predecessor_writes_its_successor_takes));
    suite_add(&suite, CASE(what_does_not_listen_is_refused));
    suite_add(&suite, CASE(sockets_for_another_process_are_not_ours));
    suite_add_rows(&suite, what_cannot_be_understood_is_refused, ROWS(nonsense));
    suite_add_rows(&suite, names_of_sockets_say_what_is_spoken, ROWS(name_rows));
    suite_frame(&suite, environment_is_empty, environment_is_empty);
    return suite_run(&suite, "server/inherited");
}
