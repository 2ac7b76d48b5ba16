/* Files that are closed by helpers, so that nobody else waits for it. */
#include "server/async/closing.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"

#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FILES = 100
};

static struct helpers *helpers;
static struct closing closing;
static sem_t entered, leave;

static int begin(void **state)
{
    descriptors_count(state);
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    helpers = helpers_create(1, 0);
    assert_non_null(helpers);
    closing_init(&closing, helpers);
    return 0;
}

static int finish(void **state)
{
    return descriptors_compare(state);
}

static struct file *file_make(void)
{
    struct file *file = calloc(1, sizeof(*file));
    assert_non_null(file);
    atomic_init(&file->references, 1);
    file->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(file->fd >= 0);
    file->closer = &closing.closer;
    return file;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void hold(struct job *job)
{
    (void)job;
    sem_post(&entered);
    sem_wait(&leave);
}

static void end(void)
{
    closing_end(&closing);
    helpers_destroy(helpers);
    closing_finish(&closing);
}

static void a_file_is_closed_by_a_helper_when_the_last_lets_go(void **state)
{
    (void)state;
    struct job held = {.run = hold};
    helpers_do(helpers, &held);
    sem_wait(&entered); /* the helper is elsewhere */
    struct file *file = file_make();
    int fd = file->fd;
    file_hold(file);
    file_release(file);
    file_release(file);
    assert_true(is_open(fd)); /* and nobody else closes it, nor waits */
    sem_post(&leave);
    while (is_open(fd)) {
        usleep(1000);
    }
    end();
}

static void many_are_closed_one_after_the_other(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        file_release(file_make());
        if (i % 10 == 0) {
            assert_true(helpers_rest(helpers, CLOCK_NEVER));
        }
    }
    struct job last = {.run = hold};
    helpers_do(helpers, &last);
    sem_wait(&entered); /* whatever was to be done before is done */
    sem_post(&leave);
    end(); /* the descriptors are counted */
}

static void at_the_end_nobody_waits_for_what_is_not_closed_yet(void **state)
{
    (void)state;
    struct job held = {.run = hold};
    helpers_do(helpers, &held);
    sem_wait(&entered);
    struct file *before = file_make();
    int fds[2] = {before->fd, -1};
    file_release(before);
    closing_end(&closing);
    struct file *after = file_make();
    fds[1] = after->fd;
    file_release(after);
    sem_post(&leave);
    helpers_destroy(helpers);
    closing_finish(&closing); /* sanitizers see that both are freed */
    for (int i = 0; i < 2; i++) {
        if (is_open(fds[i])) {
            close(fds[i]);
        }
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_file_is_closed_by_a_helper_when_the_last_lets_go));
    suite_add(&suite, CASE(many_are_closed_one_after_the_other));
    suite_add(&suite, CASE(at_the_end_nobody_waits_for_what_is_not_closed_yet));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/closing");
}
