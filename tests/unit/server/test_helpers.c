/* Threads that do what would block a loop, and the mailbox through which it hears of it. */
#include "server/async/helpers.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    JOBS = 1000,
    PATIENCE_MS = 30000
};

struct task {
    struct job job;
    unsigned number;
    atomic_uint runs, ends;
    unsigned place; /* how many were run before it */
    pthread_t ran_on, ended_on;
};

static struct task tasks[JOBS];
static atomic_uint places;
static unsigned ends;
static struct mailbox *mailbox;

static void run_task(struct job *job)
{
    struct task *task = (struct task *)job;
    task->place = atomic_fetch_add(&places, 1);
    task->ran_on = pthread_self();
    atomic_fetch_add(&task->runs, 1);
}

static void end_task(struct job *job)
{
    struct task *task = (struct task *)job;
    task->ended_on = pthread_self();
    atomic_fetch_add(&task->ends, 1);
    ends++;
}

static bool rings(int timeout_ms)
{
    struct pollfd ready = {.fd = mailbox_fd(mailbox), .events = POLLIN};
    return poll(&ready, 1, timeout_ms) > 0;
}

static int begin(void **state)
{
    descriptors_count(state);
    memset(tasks, 0, sizeof(tasks));
    atomic_store(&places, 0);
    ends = 0;
    mailbox = mailbox_create();
    assert_non_null(mailbox);
    for (unsigned i = 0; i < JOBS; i++) {
        tasks[i].job = (struct job){.run = run_task, .done = end_task, .home = mailbox};
        tasks[i].number = i;
    }
    return 0;
}

static int finish(void **state)
{
    mailbox_destroy(mailbox);
    return descriptors_compare(state);
}

static void empty_until(unsigned count)
{
    while (ends < count) {
        assert_true(rings(PATIENCE_MS));
        mailbox_empty(mailbox);
    }
    assert_int_equal(ends, count);
}

/* --- mailbox ---------------------------------------------------------------------------------- */

static void an_empty_mailbox_is_silent(void **state)
{
    (void)state;
    assert_false(rings(0));
    mailbox_empty(mailbox); /* and may be emptied all the same */
    assert_false(rings(0));
}

static void letters_ring_until_they_are_taken_all_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        mailbox_post(mailbox, &tasks[i].job);
        assert_true(rings(0));
    }
    mailbox_empty(mailbox);
    assert_int_equal(ends, 5);
    assert_false(rings(0));
    mailbox_post(mailbox, &tasks[5].job);
    assert_true(rings(0)); /* it rings again for the next */
    mailbox_empty(mailbox);
    assert_int_equal(ends, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(tasks[i].ends, 1);
        assert_int_equal(tasks[i].runs, 0); /* posted by itself: there was nothing to run */
    }
}

static unsigned again;

static void post_again(struct job *job)
{
    ends++;
    if (again-- > 0) {
        mailbox_post(mailbox, job);
    }
}

/* Whose `done` is called may be posted anew, or be freed. */
static void a_letter_may_be_posted_from_its_own_done(void **state)
{
    (void)state;
    again = 3;
    tasks[0].job.done = post_again;
    mailbox_post(mailbox, &tasks[0].job);
    empty_until(4);
    assert_false(rings(0));
}

static void free_job(struct job *job)
{
    free(job);
    ends++;
}

static void a_letter_may_be_freed_in_its_done(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct job *job = calloc(1, sizeof(*job));
        assert_non_null(job);
        job->done = free_job;
        mailbox_post(mailbox, job);
    }
    empty_until(10);
}

static void *post_many(void *first)
{
    struct task *task = first;
    for (unsigned i = 0; i < JOBS / 4; i++) {
        mailbox_post(mailbox, &task[i].job);
    }
    return NULL;
}

static void many_may_post_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &tasks[i * JOBS / 4]), 0);
    }
    empty_until(JOBS);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].ends, 1);
    }
    assert_false(rings(0));
}

/* --- helpers ---------------------------------------------------------------------------------- */

static void each_job_is_run_once_elsewhere_and_ended_once_here(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        struct helpers *helpers = helpers_create(threads, 0);
        assert_non_null(helpers);
        ends = 0;
        for (unsigned i = 0; i < JOBS; i++) {
            atomic_store(&tasks[i].runs, 0);
            atomic_store(&tasks[i].ends, 0);
            helpers_do(helpers, &tasks[i].job);
        }
        empty_until(JOBS);
        for (unsigned i = 0; i < JOBS; i++) {
            assert_int_equal(tasks[i].runs, 1);
            assert_int_equal(tasks[i].ends, 1);
            assert_true(pthread_equal(tasks[i].ended_on, pthread_self()));
            assert_false(pthread_equal(tasks[i].ran_on, pthread_self()));
        }
        helpers_destroy(helpers);
    }
}

static void one_helper_begins_them_in_the_order_given(void **state)
{
    (void)state;
    struct helpers *helpers = helpers_create(1, 0);
    assert_non_null(helpers);
    for (unsigned i = 0; i < JOBS; i++) {
        helpers_do(helpers, &tasks[i].job);
    }
    empty_until(JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].place, i);
    }
    helpers_destroy(helpers);
}

static sem_t entered, leave;

static void run_held(struct job *job)
{
    sem_post(&entered);
    sem_wait(&leave);
    run_task(job);
}

static void helpers_work_side_by_side(void **state)
{
    (void)state;
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    struct helpers *helpers = helpers_create(3, 0);
    assert_non_null(helpers);
    for (unsigned i = 0; i < 3; i++) {
        tasks[i].job.run = run_held;
        helpers_do(helpers, &tasks[i].job);
    }
    for (unsigned i = 0; i < 3; i++) {
        sem_wait(&entered); /* all three are in it at once */
    }
    for (unsigned i = 0; i < 3; i++) {
        sem_post(&leave);
    }
    empty_until(3);
    helpers_destroy(helpers);
}

/* A file system has died, and every helper who asked it waits for it. */
static void prompt_jobs_go_on_when_the_others_hang(void **state)
{
    (void)state;
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    struct helpers *helpers = helpers_create(2, 1);
    assert_non_null(helpers);
    for (unsigned i = 0; i < 6; i++) {
        tasks[i].job.run = run_held;
        helpers_do(helpers, &tasks[i].job);
    }
    sem_wait(&entered);
    sem_wait(&entered);
    assert_false(helpers_rest(helpers, clock_monotonic_ns()));
    for (unsigned i = 6; i < 106; i++) {
        tasks[i].job.prompt = true;
        helpers_do(helpers, &tasks[i].job);
    }
    empty_until(100);
    for (unsigned i = 6; i < 106; i++) {
        assert_int_equal(tasks[i].place, i - 6);
    }
    assert_int_not_equal(sem_trywait(&entered), 0); /* no third one was held */
    for (unsigned i = 0; i < 6; i++) {
        sem_post(&leave);
    }
    empty_until(106);
    assert_true(helpers_rest(helpers, CLOCK_NEVER));
    helpers_destroy(helpers);
}

static void a_job_that_nobody_waits_for_is_run_all_the_same(void **state)
{
    (void)state;
    struct helpers *helpers = helpers_create(1, 0);
    assert_non_null(helpers);
    tasks[0].job.home = NULL;
    helpers_do(helpers, &tasks[0].job);
    helpers_do(helpers, &tasks[1].job);
    empty_until(1);
    assert_int_equal(tasks[0].runs, 1);
    assert_int_equal(tasks[0].ends, 0);
    helpers_destroy(helpers);
}

/* Whether a thread of this process waits for something. */
static bool sleeps(pid_t thread)
{
    char path[64], state = '?';
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    fclose(file);
    return state == 'S';
}

static sem_t destroys;

/* Lets the job go when the one who destroys its helpers waits for that. */
static void *let_leave(void *main_thread)
{
    sem_wait(&destroys);
    while (!sleeps(*(pid_t *)main_thread)) {
        usleep(1000);
    }
    sem_post(&leave);
    return NULL;
}

static void at_the_end_the_running_job_ends_and_the_waiting_are_dropped(void **state)
{
    (void)state;
    pthread_t thread;
    pid_t self = gettid();
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    sem_init(&destroys, 0, 0);
    struct helpers *helpers = helpers_create(1, 0);
    assert_non_null(helpers);
    tasks[0].job.run = run_held;
    for (unsigned i = 0; i < 5; i++) {
        helpers_do(helpers, &tasks[i].job);
    }
    sem_wait(&entered);
    assert_int_equal(pthread_create(&thread, NULL, let_leave, &self), 0);
    sem_post(&destroys);
    helpers_destroy(helpers); /* waits for the one that runs */
    assert_int_equal(tasks[0].runs, 1);
    for (unsigned i = 1; i < 5; i++) {
        assert_int_equal(tasks[i].runs, 0);
    }
    mailbox_empty(mailbox);
    assert_int_equal(ends, 1);
    pthread_join(thread, NULL);
}

static void nothing_is_fine_to_be_destroyed(void **state)
{
    (void)state;
    helpers_destroy(NULL);
    mailbox_destroy(NULL);
    helpers_destroy(helpers_create(4, 0));
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(an_empty_mailbox_is_silent));
    suite_add(&suite, CASE(letters_ring_until_they_are_taken_all_at_once));
    suite_add(&suite, CASE(a_letter_may_be_posted_from_its_own_done));
    suite_add(&suite, CASE(a_letter_may_be_freed_in_its_done));
    suite_add(&suite, CASE(many_may_post_at_once));
    suite_add(&suite, CASE(each_job_is_run_once_elsewhere_and_ended_once_here));
    suite_add(&suite, CASE(one_helper_begins_them_in_the_order_given));
    suite_add(&suite, CASE(helpers_work_side_by_side));
    suite_add(&suite, CASE(prompt_jobs_go_on_when_the_others_hang));
    suite_add(&suite, CASE(a_job_that_nobody_waits_for_is_run_all_the_same));
    suite_add(&suite, CASE(at_the_end_the_running_job_ends_and_the_waiting_are_dropped));
    suite_add(&suite, CASE(nothing_is_fine_to_be_destroyed));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/helpers");
}
