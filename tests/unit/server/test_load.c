/* Slices of files: whether one is at hand, and having it brought. */
#include "server/store/load.h"

#include "lib/base/clock.h"
#include "server/store/store.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/server/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SIZE = 700 * 1024 /* two units and some */
};

static const uint64_t now_ns = 1000 * NS_PER_S;

static struct folder folder;
static struct store *store;
static struct file *file;

static int begin(void **state)
{
    descriptors_count(state);
    folder_init(&folder);
    folder_fill(&folder, "file", SIZE, 'f');
    folder_age(&folder, "file");
    store = store_create(&(struct store_options){.docroot = folder.path, .in_memory = 65536});
    assert_non_null(store);
    struct fetch fetch = {.path = BYTES("file")};
    fetch_open(&fetch, store);
    assert_int_equal(fetch.came, FETCH_FILE);
    file = fetch.file;
    assert_true(file->fd >= 0);
    return 0;
}

static int finish(void **state)
{
    file_release(file);
    store_destroy(store);
    folder_finish(&folder);
    return descriptors_compare(state);
}

static struct load slice(uint64_t first, uint64_t end)
{
    return (struct load){.file = file, .slice = {first, end}};
}

static void assert_read(uint64_t first, uint64_t end)
{
    struct load load = slice(first, end);
    assert_int_equal(load_read(&load), LOADED);
    assert_non_null(load.memory);
    for (uint64_t i = 0; i < end - first; i++) {
        assert_int_equal(load.memory[i], 'f');
    }
    free(load.memory);
}

static void any_slice_can_be_read(void **state)
{
    (void)state;
    assert_read(0, SIZE);
    assert_read(0, 1);
    assert_read(SIZE - 1, SIZE);
    assert_read(PROOF_UNIT - 1, PROOF_UNIT + 1);
}

static void what_is_left_in_the_file_has_no_memory(void **state)
{
    (void)state;
    struct load load = slice(5, 500);
    assert_int_equal(load_leave(&load), LOADED);
    assert_null(load.memory);
}

/* On a disk what was just written is in memory; whether the kernel says so is its own affair, but
 * what it says is trusted for a second and no longer. */
static void what_is_proven_is_trusted_for_a_second(void **state)
{
    (void)state;
    if (file->pace != PACE_DISK) {
        skip();
    }
    struct load load = slice(PROOF_UNIT - 10, PROOF_UNIT + 10);
    assert_int_equal(file->proofs, 3);
    if (load_recall(&load, now_ns) == LOAD_COLD) {
        assert_read(0, SIZE); /* it was evicted: a crowded machine */
        skip();
    }
    assert_null(load.memory);
    for (unsigned unit = 0; unit < 2; unit++) {
        assert_int_equal(file->proof[unit].unit, unit);
        assert_int_equal(file->proof[unit].until_ns, now_ns + PROOF_NS);
    }
    assert_int_equal(file->proof[2].until_ns, 0); /* nobody asked for it */
    assert_int_equal(load_recall(&load, now_ns + PROOF_NS - 1), LOADED);
    assert_int_equal(file->proof[0].until_ns, now_ns + PROOF_NS);
    if (load_recall(&load, now_ns + PROOF_NS) == LOADED) {
        assert_int_equal(file->proof[0].until_ns, now_ns + 2 * PROOF_NS);
    }
}

/* Of a descriptor that cannot be read at all the kernel hands out nothing. */
static void what_the_kernel_does_not_hand_out_is_cold(void **state)
{
    (void)state;
    int fd = file->fd;
    file->fd = open(folder_path(&folder, "file"), O_PATH | O_CLOEXEC);
    assert_true(file->fd >= 0);
    file->pace = PACE_DISK;
    struct load load = slice(0, 100);
    assert_int_equal(load_recall(&load, now_ns), LOAD_COLD);
    assert_true(load_is_prompt(&load));
    assert_int_equal(file->proof[0].until_ns, 0);
    close(file->fd);
    file->fd = fd;
}

static void a_file_in_memory_is_always_at_hand(void **state)
{
    (void)state;
    file->pace = PACE_MEMORY;
    struct load load = slice(0, SIZE);
    assert_int_equal(load_recall(&load, now_ns), LOADED);
    assert_null(load.memory);
    assert_true(file->proofs == 0 || file->proof[0].until_ns == 0);
}

/* Not even fstat(2): the descriptor is closed, and nothing notices. */
static void a_slow_file_is_not_touched(void **state)
{
    (void)state;
    int fd = dup(file->fd);
    close(file->fd);
    file->pace = PACE_SLOW;
    struct load load = slice(0, SIZE);
    assert_int_equal(load_recall(&load, now_ns), LOAD_COLD);
    assert_false(load_is_prompt(&load));
    file->fd = fd;
}

static void assert_lost(void)
{
    struct load load = slice(0, 100);
    enum pace pace = file->pace;
    assert_int_equal(load_leave(&load), LOAD_LOST);
    assert_int_equal(load_read(&load), LOAD_LOST);
    assert_null(load.memory);
    file->pace = PACE_MEMORY;
    assert_int_equal(load_recall(&load, now_ns), LOAD_LOST);
    file->pace = pace;
}

static void a_file_that_was_truncated_is_lost(void **state)
{
    (void)state;
    assert_int_equal(truncate(folder_path(&folder, "file"), 50), 0);
    assert_lost();
}

static void a_file_that_was_rewritten_is_lost(void **state)
{
    (void)state;
    folder_fill(&folder, "file", SIZE, 'g');
    assert_lost();
}

/* It is cut before the reading even ends: the file ends in the slice. */
static void a_slice_that_is_no_longer_there_is_lost(void **state)
{
    (void)state;
    assert_int_equal(truncate(folder_path(&folder, "file"), SIZE - 50), 0);
    struct load load = slice(SIZE - 100, SIZE);
    assert_int_equal(load_read(&load), LOAD_LOST);
    assert_null(load.memory);
}

static void a_file_that_cannot_be_read_is_lost(void **state)
{
    (void)state;
    int fd = file->fd;
    file->fd = open(folder_path(&folder, "file"), O_PATH | O_CLOEXEC);
    struct load load = slice(0, 100);
    assert_int_equal(load_read(&load), LOAD_LOST);
    assert_null(load.memory);
    close(file->fd);
    file->fd = fd;
}

/* A file replaced by rename, or deleted, is sent whole as it was. */
static void a_file_of_another_name_by_now_is_not_lost(void **state)
{
    (void)state;
    folder_fill(&folder, "new", 10, 'n');
    assert_int_equal(rename(folder_path(&folder, "new"), folder_path(&folder, "file")), 0);
    assert_read(0, SIZE);
    assert_int_equal(unlink(folder_path(&folder, "file")), 0);
    assert_read(0, SIZE);
}

/* --- pace ------------------------------------------------------------------------------------- */

static void memory_is_told_from_what_may_wait(void **state)
{
    (void)state;
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        assert_int_equal(pace_of(fd), PACE_MEMORY);
        close(fd);
    }
    fd = open("/proc/version", O_RDONLY | O_CLOEXEC); /* it has no RWF_NOWAIT */
    assert_true(fd >= 0);
    assert_int_equal(pace_of(fd), PACE_SLOW);
    close(fd);
    assert_int_equal(pace_of(-1), PACE_SLOW);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(any_slice_can_be_read));
    suite_add(&suite, CASE(what_is_left_in_the_file_has_no_memory));
    suite_add(&suite, CASE(what_is_proven_is_trusted_for_a_second));
    suite_add(&suite, CASE(what_the_kernel_does_not_hand_out_is_cold));
    suite_add(&suite, CASE(a_file_in_memory_is_always_at_hand));
    suite_add(&suite, CASE(a_slow_file_is_not_touched));
    suite_add(&suite, CASE(a_file_that_was_truncated_is_lost));
    suite_add(&suite, CASE(a_file_that_was_rewritten_is_lost));
    suite_add(&suite, CASE(a_slice_that_is_no_longer_there_is_lost));
    suite_add(&suite, CASE(a_file_that_cannot_be_read_is_lost));
    suite_add(&suite, CASE(a_file_of_another_name_by_now_is_not_lost));
    suite_add(&suite, CASE(memory_is_told_from_what_may_wait));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/load");
}
