#include "lessons/uring.h"

#include "lessons/sched.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ROUNDS = 3000,
    TASKS = 3
};

static struct uring ring;
static int file;
static unsigned drawn = 1;

static unsigned draw(unsigned below)
{
    drawn = drawn * 1103515245 + 12345;
    return drawn / 65536 % below;
}

/* Lets others go first, and the kernel have time, now and then. */
static void dawdle(void)
{
    for (unsigned turns = draw(3); turns > 0; turns--) {
        task_yield();
    }
    for (volatile unsigned spins = draw(2) * draw(40000); spins > 0; spins--) {
    }
}

/* In a place of its own for each. */
static void *write_and_read(void *argument)
{
    unsigned number = *(unsigned *)argument, wrote = draw(1000000), read = 0;
    uint64_t at = number * sizeof(wrote);
    dawdle();
    bool fine = uring_write(&ring, file, &wrote, sizeof(wrote), at) == sizeof(wrote);
    dawdle();
    fine = fine && uring_read(&ring, file, &read, sizeof(read), at) == sizeof(read);
    return fine && read == wrote ? argument : NULL;
}

static void *all(void *argument)
{
    unsigned numbers[TASKS] = {0, 1, 2};
    struct task *tasks[TASKS];
    void *results[TASKS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < TASKS; i++) {
            tasks[i] = task_spawn("one", write_and_read, &numbers[i]);
        }
        task_gather(tasks, TASKS, results);
        for (unsigned i = 0; i < TASKS; i++) {
            *(bool *)argument = *(bool *)argument && results[i] == &numbers[i];
        }
    }
    return NULL;
}

/* Whoever takes results takes those of others, too, who may have begun to wait meanwhile: none of
 * them waits for ever. */
static void tasks_that_share_a_ring_all_go_on(void **state)
{
    bool fine = true;
    char path[] = "/tmp/cristo-uring-XXXXXX";
    (void)state;
    int error = uring_init(&ring, 2 * TASKS);
    if (error < 0) {
        print_message("no io_uring here: %s\n", strerror(-error));
        skip();
    }
    file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    assert_true(sched_run(NULL, all, &fine));
    assert_true(fine);
    assert_int_equal(ring.told, 0);
    close(file);
    uring_finish(&ring);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(tasks_that_share_a_ring_all_go_on));
    return suite_run(&suite, "lessons/uring");
}
