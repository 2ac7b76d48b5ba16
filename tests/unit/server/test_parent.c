#include "server/parent.h"

#include "lib/base/clock.h"
#include "tests/unit/net/descriptors.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What the children of one case have in common. */
struct played {
    int begun; /* children */
    int ready; /* times that the parent announced */
    uint64_t died_ns;
    enum order_kind order, next;
};

static struct played *played;

static enum order_kind await_order(struct control *control)
{
    struct pollfd told = {.fd = control->fd, .events = POLLIN};
    assert_int_equal(poll(&told, 1, 20000), 1);
    return control_take(control);
}

static void announce(void *argument)
{
    (void)argument;
    played->ready++;
}

/* Runs a parent in a process of its own, with children that play this; its status. */
static int run(int (*serve)(void *, struct control *))
{
    memset(played, 0, sizeof *played);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int descriptors = descriptors_open();
        struct listener none = {.sockets = 0};
        parent_block_signals();
        int status = parent_run(
            &(struct parent_spec){.listeners = &none, .serve = serve, .ready = announce});
        /* who was killed and takes longer to end is left to itself, with the line to it */
        bool left = waitpid(-1, NULL, 0) > 0;
        _exit(descriptors_open() == descriptors + left ? status : 99);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int end_when_told(void *argument, struct control *control)
{
    (void)argument;
    control_ready(control);
    kill(getppid(), SIGTERM);
    played->order = await_order(control);
    kill(getppid(), SIGINT);
    played->next = await_order(control);
    return 5;
}

static void signals_are_orders_and_the_status_is_the_childs(void **state)
{
    (void)state;
    assert_int_equal(run(end_when_told), 5);
    assert_int_equal(played->ready, 1);
    assert_int_equal(played->order, ORDER_DRAIN);
    assert_int_equal(played->next, ORDER_CUT);
}

static int misfire(void *argument, struct control *control)
{
    (void)argument;
    (void)control;
    played->begun++;
    return 3;
}

static int die(void *argument, struct control *control)
{
    (void)argument;
    (void)control;
    played->begun++;
    raise(SIGKILL);
    return 0;
}

static int leave(void *argument, struct control *control)
{
    (void)argument;
    (void)control;
    played->begun++;
    return 0;
}

static void who_fails_at_the_start_is_not_begun_again(void **state)
{
    (void)state;
    assert_int_equal(run(misfire), 3);
    assert_int_equal(played->begun, 1);
    assert_int_equal(run(die), 1);
    assert_int_equal(played->begun, 1);
    assert_int_equal(run(leave), 1);
    assert_int_equal(played->begun, 1);
    assert_int_equal(played->ready, 0);
}

/* The first is killed and the second fails; the third finds that it was not begun at once. */
static int crash_twice(void *argument, struct control *control)
{
    (void)argument;
    uint64_t now_ns = clock_monotonic_ns();
    played->begun++;
    if (played->begun == 1) {
        control_ready(control);
        raise(SIGKILL);
    }
    if (played->begun == 2) {
        played->died_ns = now_ns;
        return 1;
    }
    control_ready(control);
    kill(getppid(), SIGTERM);
    played->order = await_order(control);
    return now_ns - played->died_ns >= 500 * NS_PER_MS ? 0 : 4;
}

static void who_crashes_is_begun_again_after_a_pause(void **state)
{
    (void)state;
    assert_int_equal(run(crash_twice), 0);
    assert_int_equal(played->begun, 3);
    assert_int_equal(played->ready, 1);
    assert_int_equal(played->order, ORDER_DRAIN);
}

static int crash_when_told(void *argument, struct control *control)
{
    (void)argument;
    played->begun++;
    control_ready(control);
    kill(getppid(), SIGTERM);
    await_order(control);
    raise(SIGKILL);
    return 0;
}

static void who_crashes_while_it_drains_is_not_begun_again(void **state)
{
    (void)state;
    assert_int_equal(run(crash_when_told), 1);
    assert_int_equal(played->begun, 1);
}

static int ignore_signals(void *argument, struct control *control)
{
    (void)argument;
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    control_ready(control);
    kill(getppid(), SIGTERM);
    played->order = await_order(control);
    return 0;
}

static void signals_are_for_the_parent_alone(void **state)
{
    (void)state;
    assert_int_equal(run(ignore_signals), 0);
    assert_int_equal(played->order, ORDER_DRAIN);
}

static int stay(void *argument, struct control *control)
{
    (void)argument;
    control_ready(control);
    kill(getppid(), SIGTERM);
    while (pause() < 0) {
    }
    return 0;
}

static void who_does_not_end_when_told_is_killed(void **state)
{
    (void)state;
    uint64_t begun_ns = clock_monotonic_ns();
    assert_int_equal(run(stay), 1);
    assert_true(clock_monotonic_ns() - begun_ns >= 9 * NS_PER_S); /* it had its time */
}

static void line_whose_other_end_is_gone_says_drain_once(void **state)
{
    (void)state;
    struct control parent, child;
    assert_int_equal(control_open(&parent, &child), 0);
    assert_int_equal(control_take(&child), ORDER_NONE);
    assert_false(control_is_ready(&parent));
    control_ready(&child);
    assert_true(control_is_ready(&parent));
    control_order(&parent, ORDER_HAND_OVER);
    control_close(&parent);
    assert_int_equal(control_take(&child), ORDER_HAND_OVER);
    assert_int_equal(control_take(&child), ORDER_DRAIN);
    assert_int_equal(child.fd, -1);
    control_ready(&child); /* nobody hears it, and nothing comes of it */
}

static void adopt(void *heard, int fd)
{
    char byte = 0;
    if (fd < 0) {
        ((char *)heard)[0] = 'L';
        return;
    }
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    ((char *)heard)[0] = byte;
    ((char *)heard)[1]++;
}

/* Taken by whoever is there for it, and closed; without anybody it is closed, too. */
static void descriptor_goes_down_the_line(void **state)
{
    (void)state;
    struct control parent, child;
    char heard[2] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(write(fileno(file), "x", 1), 1);
    assert_int_equal(control_open(&parent, &child), 0);
    int next = dup(parent.fd);
    close(next);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(control_hand_over(&parent, ORDER_RENEW, fileno(file)), 0);
        control_order(&parent, ORDER_CUT);
        child.renew = i == 0 ? NULL : adopt;
        child.argument = heard;
        assert_int_equal(control_take(&child), ORDER_NONE);
        assert_int_equal(control_take(&child), ORDER_CUT);
        assert_int_equal(heard[1], i);
    }
    assert_int_equal(heard[0], 'x');
    assert_int_equal(dup(parent.fd), next); /* nothing was left open */
    close(next);
    control_close(&parent);
    control_close(&child);
    fclose(file);
}

/* Nothing is lost in silence: neither where the child may open no more, nor where it does not
 * listen, nor where it is gone. */
static void lost_descriptor_is_told(void **state)
{
    (void)state;
    struct control parent, child;
    struct rlimit limit, none;
    char heard[2] = "";
    int given = 0;
    assert_int_equal(control_open(&parent, &child), 0);
    int next = dup(parent.fd);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){(rlim_t)next, limit.rlim_max};
    child.renew = adopt;
    child.argument = heard;
    assert_int_equal(control_hand_over(&parent, ORDER_RENEW, parent.fd), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum order_kind order = control_take(&child);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(order, ORDER_NONE);
    assert_int_equal(heard[0], 'L');
    while (given < 100000 && control_hand_over(&parent, ORDER_RENEW, parent.fd) == 0) {
        given++;
    }
    assert_in_range(given, 1, 99999);
    assert_int_equal(control_hand_over(&parent, ORDER_RENEW, parent.fd), -EAGAIN);
    control_close(&child);
    assert_true(control_hand_over(&parent, ORDER_RENEW, parent.fd) < 0);
    control_close(&parent);
}

/* A child that is deaf for a while hears of it all the same. */
static void order_that_cannot_be_given_ends_the_line(void **state)
{
    (void)state;
    struct control parent, child;
    enum order_kind order;
    assert_int_equal(control_open(&parent, &child), 0);
    for (int given = 0; parent.fd >= 0; given++) {
        assert_true(given < 100000);
        control_order(&parent, ORDER_NONE);
    }
    while ((order = control_take(&child)) == ORDER_NONE) {
    }
    assert_int_equal(order, ORDER_DRAIN);
    assert_int_equal(child.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_orders_and_the_status_is_the_childs),
        cmocka_unit_test(who_fails_at_the_start_is_not_begun_again),
        cmocka_unit_test(who_crashes_is_begun_again_after_a_pause),
        cmocka_unit_test(who_crashes_while_it_drains_is_not_begun_again),
        cmocka_unit_test(signals_are_for_the_parent_alone),
        cmocka_unit_test(who_does_not_end_when_told_is_killed),
        cmocka_unit_test(line_whose_other_end_is_gone_says_drain_once),
        cmocka_unit_test(descriptor_goes_down_the_line),
        cmocka_unit_test(lost_descriptor_is_told),
        cmocka_unit_test(order_that_cannot_be_given_ends_the_line),
    };
    played = mmap(NULL, sizeof *played, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return played == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
