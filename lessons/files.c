/* files sync|async [N]
 *
 * N files (300) are written and read. A socket says "would block", and one can wait until it is
 * ready. A regular file never says so: for the kernel it is always ready, and read() returns when
 * the disk has delivered. A task that reads one keeps the thread meanwhile, however asynchronous
 * all the rest is. So on a loop,
 *
 *     1  tasks that simply read and write stop the loop: a metronome cannot tick
 *     2  helper threads block in their place, and the loop goes on
 *     3  io_uring, where the kernel has it, takes requests and tells what is done
 *
 * The files are small and stay in memory: all this is fast here. On a disk that is busy it is not.
 */
#include "lessons/lesson.h"
#include "lessons/pool.h"
#include "lessons/sched.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lessons/uring.h"
#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SIZE = 32 * 1024,
    WORKERS = 8, /* tasks that take files from the queue */
    HELPERS = 4,
};

struct file {
    unsigned number;
};

static char folder[64];
static unsigned count, next;
static struct uring ring;

static int open_file(const struct file *file)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/%u", folder, file->number);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static bool is_right(const struct file *file, const char *bytes)
{
    return bytes[0] == (char)file->number && memcmp(bytes, bytes + 1, SIZE - 1) == 0;
}

/* --- three ways to do it ---------------------------------------------------------------------- */

static bool plainly(const struct file *file)
{
    char bytes[SIZE];
    int fd = open_file(file);
    memset(bytes, (int)file->number, SIZE);
    bool fine = fd >= 0 && pwrite(fd, bytes, SIZE, 0) == SIZE;
    memset(bytes, 0, SIZE);
    fine = fine && pread(fd, bytes, SIZE, 0) == SIZE && is_right(file, bytes);
    if (fd >= 0) {
        close(fd);
    }
    return fine;
}

static void *plainly_elsewhere(void *argument)
{
    return plainly(argument) ? argument : NULL;
}

static bool by_a_helper(const struct file *file)
{
    struct file copy = *file;
    return pool_do(plainly_elsewhere, &copy) != NULL;
}

static bool by_the_ring(const struct file *file)
{
    char bytes[SIZE];
    int fd = open_file(file);
    memset(bytes, (int)file->number, SIZE);
    bool fine = fd >= 0 && uring_write(&ring, fd, bytes, SIZE, 0) == SIZE;
    memset(bytes, 0, SIZE);
    fine = fine && uring_read(&ring, fd, bytes, SIZE, 0) == SIZE && is_right(file, bytes);
    if (fd >= 0) {
        close(fd);
    }
    return fine;
}

/* --- one after the other ---------------------------------------------------------------------- */

static bool in_turn(void)
{
    bool fine = true;
    act_begin("files");
    for (unsigned i = 0; i < count; i++) {
        fine = plainly(&(struct file){.number = i}) && fine;
    }
    tell("%u files were written and read", count);
    act_end();
    return fine;
}

/* --- as tasks, beside a metronome ------------------------------------------------------------- */

static bool (*way)(const struct file *file);
static unsigned ticks;

/* Ticks every millisecond, real ones. */
static void *metronome(void *argument)
{
    (void)argument;
    while (task_sleep(0.001 * stage_speed())) {
        ticks++;
    }
    return NULL;
}

/* Takes files from the queue until there are none. */
static void *work_off(void *argument)
{
    bool *fine = argument;
    while (next < count) {
        struct file file = {.number = next++};
        *fine = way(&file) && *fine;
    }
    return NULL;
}

static void *all_files(void *argument)
{
    struct task *workers[WORKERS];
    struct task *beat = task_spawn("metronome", metronome, NULL);
    char name[TIMELINE_NAME];
    task_yield();
    next = ticks = 0;
    for (int i = 0; i < WORKERS; i++) {
        snprintf(name, sizeof(name), "worker %d", i + 1);
        workers[i] = task_spawn(name, work_off, argument);
    }
    task_gather(workers, WORKERS, NULL);
    tell("%u files were written and read; the metronome ticked %u times", count, ticks);
    task_cancel(beat);
    task_await(beat);
    return NULL;
}

static bool as_tasks(bool (*how)(const struct file *file))
{
    bool fine = true;
    way = how;
    return sched_run(NULL, all_files, &fine) && fine;
}

static void *try_to_wait(void *argument)
{
    int fd = open_file(argument);
    if (fd >= 0 && !task_until(fd, EV_READ)) {
        tell("to wait until a file is readable: %s", strerror(errno));
    }
    close(fd);
    return NULL;
}

static bool three_ways(void)
{
    struct file first = {.number = 0};
    timeline_scene("tasks that read and write");
    bool fine = sched_run(NULL, try_to_wait, &first) && as_tasks(plainly);

    timeline_scene("helper threads read and write");
    fine = fine && pool_begin(HELPERS) && as_tasks(by_a_helper);
    pool_end();

    timeline_scene("io_uring reads and writes");
    int error = uring_init(&ring, 2 * WORKERS);
    if (error < 0) {
        tell("no io_uring here: %s", strerror(-error));
        return fine;
    }
    fine = fine && as_tasks(by_the_ring);
    uring_finish(&ring);
    return fine;
}

/* ---------------------------------------------------------------------------------------------- */

static void remove_files(void)
{
    char path[96];
    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%u", folder, i);
        unlink(path);
    }
    rmdir(folder);
}

bool lesson_files(const struct asked *asked)
{
    const char *temporary = getenv("TMPDIR");
    count = asked->number[0];
    temporary = temporary != NULL && strlen(temporary) < 32 ? temporary : "/tmp";
    snprintf(folder, sizeof(folder), "%s/cristo-lesson-XXXXXX", temporary);
    if (mkdtemp(folder) == NULL) {
        log_error("%s: %s", folder, strerror(errno));
        return false;
    }
    bool fine = asked_for(asked, "sync") ? in_turn() : three_ways();
    remove_files();
    if (!fine) {
        log_error("files: what was read is not what was written");
    }
    return fine;
}
