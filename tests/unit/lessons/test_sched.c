/* Tasks run on stacks of their own, from which cmocka cannot leave: they write down what they see,
 * and it is judged afterwards. */
#include "lessons/sched.h"

#include "lessons/stack.h"
#include "lessons/stage.h"
#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/base/capture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the tasks of a case wrote, in order. */
static struct {
    char text[256];
    size_t size;
} paper;

static void write_down(char letter)
{
    if (paper.size + 1 < sizeof(paper.text)) {
        paper.text[paper.size++] = letter;
    }
}

static int clean_paper(void **state)
{
    (void)state;
    memset(&paper, 0, sizeof(paper));
    stage_begin(100);
    return 0;
}

static void run(task_body *body, void *argument)
{
    assert_true(sched_run(NULL, body, argument));
}

/* --- spawn, create, await, gather ------------------------------------------------------------- */

static void *write_letter(void *argument)
{
    write_down(*(char *)argument);
    return argument;
}

static char a[] = "a", b[] = "b", c[] = "c";

static void *spawn_two(void *argument)
{
    (void)argument;
    struct task *first = task_spawn(NULL, write_letter, a);
    struct task *second = task_spawn(NULL, write_letter, b);
    write_down('1');
    task_yield();
    write_down('2');
    write_down(task_await(first) == a ? 'A' : '?');
    write_down(task_await(second) == b ? 'B' : '?');
    return NULL;
}

static void spawned_tasks_run_at_the_next_wait_in_the_order_of_spawning(void **state)
{
    (void)state;
    run(spawn_two, NULL);
    assert_string_equal(paper.text, "1ab2AB");
}

static void *create_two(void *argument)
{
    (void)argument;
    struct task *first = task_create(NULL, write_letter, a);
    struct task *second = task_create(NULL, write_letter, b);
    task_sleep(0.5);
    write_down('1');
    write_down(task_await(second) == b ? 'B' : '?');
    write_down(task_await(first) == a ? 'A' : '?');
    return NULL;
}

static void created_tasks_run_when_they_are_awaited(void **state)
{
    (void)state;
    run(create_two, NULL);
    assert_string_equal(paper.text, "1bBaA");
}

struct walk {
    int turns;
    char letter;
};

static void *walk(void *argument)
{
    struct walk *mine = argument;
    for (int i = 0; i < mine->turns; i++) {
        task_yield();
    }
    write_down(mine->letter);
    return mine;
}

static void *gather_walks(void *argument)
{
    struct walk walks[] = {{3, 'x'}, {1, 'y'}, {2, 'z'}};
    struct task *tasks[3];
    void *results[3];
    (void)argument;
    for (int i = 0; i < 3; i++) {
        tasks[i] = task_spawn(NULL, walk, &walks[i]);
    }
    task_gather(tasks, 3, results);
    for (int i = 0; i < 3; i++) {
        write_down(((struct walk *)results[i])->letter);
    }
    return NULL;
}

static void gathered_results_are_in_the_order_of_asking(void **state)
{
    (void)state;
    run(gather_walks, NULL);
    assert_string_equal(paper.text, "yzxxyz");
}

static void *await_late(void *argument)
{
    (void)argument;
    struct task *task = task_spawn(NULL, write_letter, a);
    for (int i = 0; i < 10; i++) {
        task_yield();
    }
    write_down(task_await(task) == a ? 'A' : '?');
    return NULL;
}

static void result_of_one_that_ended_long_ago_is_still_there(void **state)
{
    (void)state;
    run(await_late, NULL);
    assert_string_equal(paper.text, "aA");
}

static void *sum(void *argument)
{
    uintptr_t n = (uintptr_t)argument;
    if (n == 0) {
        return NULL;
    }
    return (void *)(n + (uintptr_t)task_await(task_spawn(NULL, sum, (void *)(n - 1))));
}

static void *sum_up(void *argument)
{
    *(uintptr_t *)argument = (uintptr_t)sum((void *)1000);
    return NULL;
}

static void tasks_await_tasks_a_thousand_deep(void **state)
{
    (void)state;
    uintptr_t total = 0;
    run(sum_up, &total);
    assert_int_equal(total, 500500);
}

static void *use_stacks_again(void *argument)
{
    size_t *turns = argument;
    for (int i = 0; i < 10000; i++) {
        task_await(task_spawn(NULL, write_letter, a));
    }
    *turns = sched_turns();
    return NULL;
}

static void stacks_are_used_again(void **state)
{
    (void)state;
    size_t turns = 0; /* more of them than there are stacks in a build with a sanitizer */
    run(use_stacks_again, &turns);
    assert_true(turns >= 20000);
}

static void *await_nothing(void *argument)
{
    (void)argument;
    write_down(task_await(NULL) == NULL ? 'n' : '?');
    task_cancel(NULL);
    return NULL;
}

static void task_that_could_not_be_made_has_no_result(void **state)
{
    (void)state;
    run(await_nothing, NULL);
    assert_string_equal(paper.text, "n");
}

/* --- waits ------------------------------------------------------------------------------------ */

static void *sleep_and_measure(void *argument)
{
    uint64_t begun_ns = clock_monotonic_ns();
    task_sleep(5);
    *(uint64_t *)argument = clock_monotonic_ns() - begun_ns;
    return NULL;
}

static void sleep_takes_no_less_than_it_should_at_this_speed(void **state)
{
    (void)state;
    uint64_t took_ns = 0;
    run(sleep_and_measure, &took_ns);
    assert_true(took_ns >= 50 * NS_PER_MS);
}

static void *alternate(void *argument)
{
    for (int i = 0; i < 4; i++) {
        write_down(*(char *)argument);
        task_sleep(0);
    }
    return NULL;
}

static void *alternate_both(void *argument)
{
    (void)argument;
    task_spawn(NULL, alternate, a);
    task_spawn(NULL, alternate, b);
    task_await(task_spawn(NULL, alternate, c));
    return NULL;
}

static void sleep_of_nothing_passes_the_turn_on(void **state)
{
    (void)state;
    run(alternate_both, NULL);
    assert_string_equal(paper.text, "abcabcabcabc");
}

struct nap {
    double seconds;
    char letter;
    uint64_t begun_ns;
};

static void *nap(void *argument)
{
    struct nap *mine = argument;
    mine->begun_ns = clock_monotonic_ns();
    task_sleep(mine->seconds);
    write_down(mine->letter);
    return mine;
}

static void *hold(void *argument)
{
    *(uint64_t *)argument = clock_monotonic_ns();
    block(3);
    write_down('h');
    return NULL;
}

static void *hold_while_others_wait(void *argument)
{
    uint64_t *apart_ns = argument, held_ns;
    struct nap naps[] = {{2, 'y', 0}, {1, 'x', 0}};
    struct task *late = task_spawn(NULL, nap, &naps[0]);
    struct task *soon = task_spawn(NULL, nap, &naps[1]);
    task_await(task_spawn(NULL, hold, &held_ns));
    task_await(late);
    task_await(soon);
    *apart_ns = held_ns - naps[0].begun_ns;
    return NULL;
}

static void whoever_blocks_keeps_all_waiting_and_then_they_come_as_they_were_due(void **state)
{
    uint64_t apart_ns;
    do { /* the second is due first unless it began by so much later */
        clean_paper(state);
        run(hold_while_others_wait, &apart_ns);
    } while (apart_ns >= stage_real_ns(1));
    assert_string_equal(paper.text, "hxy");
}

static void *read_pipe(void *argument)
{
    int *ends = argument;
    char byte;
    write_down(task_until(ends[0], EV_READ) ? 'r' : '?');
    write_down(read(ends[0], &byte, 1) == 1 ? byte : '?');
    return NULL;
}

static void *write_pipe(void *argument)
{
    int *ends = argument;
    write_down(task_until(ends[1], EV_WRITE) ? 'w' : '?');
    task_sleep(1);
    write_down(write(ends[1], "m", 1) == 1 ? '!' : '?');
    return NULL;
}

static void *talk(void *argument)
{
    struct task *reader = task_spawn(NULL, read_pipe, argument);
    task_await(task_spawn(NULL, write_pipe, argument));
    task_await(reader);
    return NULL;
}

static void descriptors_are_waited_for(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    run(talk, ends);
    close(ends[0]);
    close(ends[1]);
    assert_string_equal(paper.text, "w!rm");
}

static void *wait_for_file(void *argument)
{
    FILE *file = tmpfile();
    (void)argument;
    write_down(file != NULL && !task_until(fileno(file), EV_READ) && errno == EPERM ? 'p' : '?');
    fclose(file);
    return NULL;
}

static void regular_files_cannot_be_waited_for(void **state)
{
    (void)state; /* epoll_ctl(2): EPERM */
    run(wait_for_file, NULL);
    assert_string_equal(paper.text, "p");
}

/* --- cancel ----------------------------------------------------------------------------------- */

static void *cancel_before_it_ran(void *argument)
{
    (void)argument;
    struct task *spawned = task_spawn(NULL, write_letter, a);
    struct task *created = task_create(NULL, write_letter, b);
    task_cancel(spawned);
    task_cancel(created);
    write_down(task_await(spawned) == NULL ? '0' : '?');
    write_down(task_await(created) == NULL ? '0' : '?');
    return NULL;
}

static void cancelled_before_it_ran_it_never_does(void **state)
{
    (void)state;
    run(cancel_before_it_ran, NULL);
    assert_string_equal(paper.text, "00");
}

static void *sleep_long(void *argument)
{
    int *ends = argument;
    write_down(task_sleep(1e6) ? '?' : 's');
    write_down(task_sleep(1e6) ? '?' : 's');
    write_down(task_sleep(0) ? '?' : 'z');
    write_down(task_yield() ? '?' : 'y');
    write_down(task_until(ends[0], EV_READ) ? '?' : 'u');
    return argument;
}

static void *cancel_a_sleeper(void *argument)
{
    struct task *task = task_spawn(NULL, sleep_long, argument);
    task_yield();
    task_cancel(task);
    task_cancel(task); /* once more does nothing */
    write_down('c');
    write_down(task_await(task) == argument ? 'A' : '?');
    return NULL;
}

static void cancelled_one_is_told_at_every_wait_and_returns(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    run(cancel_a_sleeper, ends);
    close(ends[0]);
    close(ends[1]);
    assert_string_equal(paper.text, "csszyuA");
}

static void *wait_for_bytes(void *argument)
{
    int *ends = argument;
    write_down(task_until(ends[0], EV_READ) ? '?' : errno == 0 ? 'u' : 'e');
    return NULL;
}

static void *cancel_a_reader(void *argument)
{
    struct task *task = task_spawn(NULL, wait_for_bytes, argument);
    task_sleep(0.1);
    task_cancel(task);
    task_await(task);
    return NULL;
}

static void cancelled_one_stops_waiting_for_a_descriptor(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    run(cancel_a_reader, ends);
    close(ends[0]);
    close(ends[1]);
    assert_string_equal(paper.text, "u");
}

static void *await_sleeper(void *argument)
{
    int ends[2] = {-1, -1};
    (void)argument;
    struct task *inner = task_spawn(NULL, sleep_long, ends);
    write_down(task_await(inner) == ends ? 'i' : '?');
    write_down(task_sleep(1e6) ? '?' : 'o');
    return NULL;
}

static void *cancel_who_awaits(void *argument)
{
    (void)argument;
    struct task *outer = task_spawn(NULL, await_sleeper, NULL);
    task_sleep(0.1);
    task_cancel(outer);
    task_await(outer);
    return NULL;
}

static void cancel_goes_on_to_the_one_that_is_awaited(void **state)
{
    (void)state;
    run(cancel_who_awaits, NULL);
    assert_string_equal(paper.text, "sszyuio");
}

static void *await_when_cancelled(void *argument)
{
    (void)argument;
    task_sleep(1e6);
    write_down(task_await(task_spawn(NULL, write_letter, a)) == NULL ? '0' : '?');
    return NULL;
}

static void *cancel_then_awaits(void *argument)
{
    (void)argument;
    struct task *task = task_spawn(NULL, await_when_cancelled, NULL);
    task_yield();
    task_cancel(task);
    task_await(task);
    return NULL;
}

static void what_a_cancelled_one_awaits_is_cancelled_too(void **state)
{
    (void)state;
    run(cancel_then_awaits, NULL);
    assert_string_equal(paper.text, "0");
}

static void *cancel_too_late(void *argument)
{
    (void)argument;
    struct task *task = task_spawn(NULL, write_letter, a);
    task_yield();
    task_cancel(task);
    write_down(task_await(task) == a ? 'A' : '?');
    return NULL;
}

static void cancel_of_one_that_has_ended_changes_nothing(void **state)
{
    (void)state;
    run(cancel_too_late, NULL);
    assert_string_equal(paper.text, "aA");
}

static void *leave_others_behind(void *argument)
{
    task_spawn(NULL, sleep_long, argument);
    task_create(NULL, write_letter, a);
    task_yield();
    task_spawn(NULL, write_letter, b);
    write_down('1');
    return NULL;
}

static void what_the_first_task_leaves_is_cancelled_and_may_end(void **state)
{
    (void)state;
    int ends[2] = {-1, -1};
    run(leave_others_behind, ends);
    assert_string_equal(paper.text, "1sszyu"); /* and neither a nor b ran */
}

static struct task *pair[2];

static void *await_the_other(void *argument)
{
    return task_await(*(struct task **)argument);
}

static void *make_circle(void *argument)
{
    (void)argument;
    pair[0] = task_spawn(NULL, await_the_other, &pair[1]);
    pair[1] = task_spawn(NULL, await_the_other, &pair[0]);
    task_yield();
    return NULL;
}

static void two_who_await_each_other_are_an_error(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    bool fine = sched_run(NULL, make_circle, NULL);
    capture_end(&capture, text);
    assert_false(fine);
    assert_non_null(strstr(text, "every task waits for another"));
}

/* --- many, and large -------------------------------------------------------------------------- */

enum {
    SLEEPERS = 100 * 1000
};

static size_t asleep, awake;

static void *sleep_until_cancelled(void *argument)
{
    (void)argument;
    asleep++;
    awake += !task_sleep(1e6);
    return NULL;
}

static size_t resident_pages(void)
{
    size_t all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &all, &resident) != 2) {
        resident = 0;
    }
    fclose(file);
    return resident;
}

static void *crowd(void *argument)
{
    static struct task *tasks[SLEEPERS];
    size_t *pages = argument, before = resident_pages();
    for (size_t i = 0; i < SLEEPERS; i++) {
        tasks[i] = task_spawn(NULL, sleep_until_cancelled, NULL);
    }
    task_yield();
    *pages = resident_pages() - before;
    write_down(asleep == SLEEPERS && awake == 0 ? 's' : '?');
    for (size_t i = 0; i < SLEEPERS; i++) {
        task_cancel(tasks[i]);
    }
    task_gather(tasks, SLEEPERS, NULL);
    return NULL;
}

static void hundred_thousand_sleep_at_once_on_less_than_two_pages_each(void **state)
{
    (void)state;
    size_t pages = 0;
    asleep = awake = 0;
    run(crowd, &pages);
    assert_string_equal(paper.text, "s");
    assert_int_equal(awake, SLEEPERS);
    assert_true(pages >= SLEEPERS && pages < 2 * (size_t)SLEEPERS);
}

static void *take_all_stacks(void *argument)
{
    size_t *made = argument;
    while (task_create(NULL, write_letter, a) != NULL) {
        ++*made;
    }
    return NULL;
}

static void task_without_a_stack_is_refused(void **state)
{
    (void)state;
    size_t made = 0;
    run(take_all_stacks, &made);
    assert_int_equal(made, STACK_MOST - 1); /* the first task has one, too */
    assert_string_equal(paper.text, "");
}

static volatile char *looked_at;

/* A compiler that cannot tell who looks at its room keeps all of it, until after the call. */
static size_t __attribute__((noinline)) dig(size_t depth)
{
    volatile char room[1024];
    looked_at = room;
    room[depth % sizeof(room)] = 1;
    size_t below = depth == 0 ? 0 : dig(depth - 1);
    looked_at = room;
    return below + (size_t)room[depth % sizeof(room)];
}

static void *dig_deep(void *argument)
{
    return (void *)dig(*(size_t *)argument);
}

static void *dig_beside_a_neighbour(void *argument)
{
    struct task *neighbour = task_spawn(NULL, sleep_until_cancelled, NULL);
    task_await(task_spawn(NULL, dig_deep, argument));
    task_cancel(neighbour);
    task_await(neighbour);
    return NULL;
}

enum {
    NO_MEMORY = 3
};

static int status_of_digging(size_t depth)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO); /* sanitizers have much to say about it */
        _exit(sched_run(NULL, dig_beside_a_neighbour, &depth) ? 0 : NO_MEMORY);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void stack_has_room_for_what_is_promised(void **state)
{
    (void)state;
    int status = status_of_digging(STACK_SIZE / 1024 / 4);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void whoever_needs_more_stack_ends_at_the_guard(void **state)
{
    (void)state;
    int status = status_of_digging(STACK_SIZE / 1024 + 16);
    if (WIFEXITED(status)) { /* a sanitizer catches the signal, and has a status of its own */
        assert_true(STACK_SIZE > 128 * 1024);
        assert_true(WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != NO_MEMORY);
    } else {
        assert_int_equal(WTERMSIG(status), SIGSEGV);
    }
}

int main(void)
{
    struct suite suite = {0};
    suite_add(&suite, CASE(spawned_tasks_run_at_the_next_wait_in_the_order_of_spawning));
    suite_add(&suite, CASE(created_tasks_run_when_they_are_awaited));
    suite_add(&suite, CASE(gathered_results_are_in_the_order_of_asking));
    suite_add(&suite, CASE(result_of_one_that_ended_long_ago_is_still_there));
    suite_add(&suite, CASE(tasks_await_tasks_a_thousand_deep));
    suite_add(&suite, CASE(stacks_are_used_again));
    suite_add(&suite, CASE(task_that_could_not_be_made_has_no_result));
    suite_add(&suite, CASE(sleep_takes_no_less_than_it_should_at_this_speed));
    suite_add(&suite, CASE(sleep_of_nothing_passes_the_turn_on));
    suite_add(&suite, CASE(whoever_blocks_keeps_all_waiting_and_then_they_come_as_they_were_due));
    suite_add(&suite, CASE(descriptors_are_waited_for));
    suite_add(&suite, CASE(regular_files_cannot_be_waited_for));
    suite_add(&suite, CASE(cancelled_before_it_ran_it_never_does));
    suite_add(&suite, CASE(cancelled_one_is_told_at_every_wait_and_returns));
    suite_add(&suite, CASE(cancelled_one_stops_waiting_for_a_descriptor));
    suite_add(&suite, CASE(cancel_goes_on_to_the_one_that_is_awaited));
    suite_add(&suite, CASE(what_a_cancelled_one_awaits_is_cancelled_too));
    suite_add(&suite, CASE(cancel_of_one_that_has_ended_changes_nothing));
    suite_add(&suite, CASE(what_the_first_task_leaves_is_cancelled_and_may_end));
    suite_add(&suite, CASE(two_who_await_each_other_are_an_error));
    if ((size_t)STACK_MOST > SLEEPERS) { /* a sanitizer needs too much of its own for so many */
        suite_add(&suite, CASE(hundred_thousand_sleep_at_once_on_less_than_two_pages_each));
    } else { /* half a GB is much to ask of a test, and once is enough */
        suite_add(&suite, CASE(task_without_a_stack_is_refused));
    }
    suite_add(&suite, CASE(stack_has_room_for_what_is_promised));
    suite_add(&suite, CASE(whoever_needs_more_stack_ends_at_the_guard));
    suite_frame(&suite, clean_paper, NULL);
    return suite_run(&suite, "lessons/sched");
}
