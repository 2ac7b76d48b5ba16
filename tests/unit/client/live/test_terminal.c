/* How a terminal is given back by processes that die: each is a child of its own, on a
 * pseudo-terminal whose other side is read here. */
#include "client/live/terminal.h"

#include "tests/support/suite.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LEAVE "\x1b[?1049l"

static void fault(void)
{
    static volatile int *volatile nothing;
    *nothing = 1;
}

static void send_a_signal(void)
{
    raise(SIGFPE);
}

static void hang_up(void)
{
    raise(SIGHUP);
}

static void leave_early(void)
{
    exit(7);
}

static void release(void)
{
    terminal_release();
    exit(7);
}

static void ignored_hang_up(void)
{
    hang_up();
    exit(7);
}

static const struct way_row {
    const char *name;
    void (*way)(void);
    int signal; /* that ends it; 0: none does, and its status is 7 */
    bool ignores_hang_up, gives_back;
} ways[] = {
    {"a_fault_gives_it_back", fault, SIGSEGV, false, true},
    {"abort_gives_it_back", abort, SIGABRT, false, true},
    {"a_signal_gives_it_back", send_a_signal, SIGFPE, false, true},
    {"a_hang_up_gives_it_back", hang_up, SIGHUP, false, true},
    {"exit_gives_it_back", leave_early, 0, false, true},
    {"a_signal_that_is_ignored_does_nothing_before_the_end", ignored_hang_up, 0, true, true},
    {"who_has_released_it_writes_nothing_more", release, 0, false, false},
};

static void die(const struct way_row *row, int fd)
{
    static const struct rlimit no_core = {0, 0};
    struct termios raw;
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGHUP, row->ignores_hang_up ? SIG_IGN : SIG_DFL);
    signal(SIGSEGV, SIG_DFL); /* rather than the test runner's way to go on, or a sanitizer's */
    signal(SIGFPE, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    terminal_guard(fd);
    terminal_guard(fd); /* twice is as good as once */
    terminal_leave_by(LEAVE, strlen(LEAVE));
    tcgetattr(fd, &raw);
    cfmakeraw(&raw);
    tcsetattr(fd, TCSANOW, &raw);
    row->way();
}

/* All that was written to it. */
static size_t read_all(int fd, char *text, size_t room)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t got = read(fd, text, room);
    return got > 0 ? (size_t)got : 0;
}

static void is_what_becomes_of_it(void **state)
{
    const struct way_row *row = *state;
    struct termios before;
    struct termios after;
    char text[256];
    int ours;
    int theirs;
    int status;
    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    tcgetattr(theirs, &before);
    pid_t child = fork();
    if (child == 0) {
        die(row, theirs);
        _exit(8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (row->signal == 0) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    } else {
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == row->signal);
    }
    size_t size = read_all(ours, text, sizeof text);
    tcgetattr(theirs, &after);
    if (row->gives_back) {
        assert_int_equal(size, strlen(LEAVE));
        assert_memory_equal(text, LEAVE, size);
        assert_int_equal(after.c_lflag, before.c_lflag);
        assert_int_equal(after.c_iflag, before.c_iflag);
        assert_int_equal(after.c_oflag, before.c_oflag);
    } else {
        assert_int_equal(size, 0);
        assert_int_not_equal(after.c_lflag, before.c_lflag);
    }
    close(ours);
    close(theirs);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, is_what_becomes_of_it, ROWS(ways));
    return suite_run(&suite, "client/live/terminal");
}
