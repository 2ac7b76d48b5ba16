/* How files are asked for: without waiting for more than a disk, and beside what a cache knows. */
#include "tests/unit/server/stored.h"

#include "lib/base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- promptly --------------------------------------------------------------------------------- */

static void what_lies_on_the_docroots_file_system_is_opened_promptly(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum fetch_came came;
    } rows[] = {{"a.txt", FETCH_FILE}, {"sub", FETCH_FOLDER}, {"none", FETCH_ABSENT}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fetch fetch = {.path = bytes_of(rows[i].path)};
        assert_true(fetch_is_prompt(&fetch, stored.store));
        assert_true(fetch_open_promptly(&fetch, stored.store));
        assert_int_equal(fetch.came, rows[i].came);
        file_release(fetch.file);
    }
}

/* Its entries may lie anywhere. */
static void a_folder_is_not_listed_promptly(void **state)
{
    (void)state;
    struct fetch fetch = {.path = BYTES("sub/"), .listing = true};
    assert_false(fetch_is_prompt(&fetch, stored.store));
}

static void where_a_link_leads_is_not_found_out_promptly(void **state)
{
    (void)state;
    assert_int_equal(symlink("/etc/passwd", folder_path(&stored.folder, "out")), 0);
    struct fetch fetch = {.path = BYTES("out")};
    assert_false(fetch_open_promptly(&fetch, stored.store));
    assert_null(fetch.file);
    assert_int_equal(symlink("/etc/passwd", folder_path(&stored.folder, "a.txt.gz")), 0);
    fetch = (struct fetch){.path = BYTES("a.txt")};
    assert_false(fetch_open_promptly(&fetch, stored.store));
    assert_null(fetch.file);
    assert_came("out", FETCH_ABSENT);
    assert_came("a.txt", FETCH_FILE);
}

/* In /dev another file system is mounted, at /dev/shm. */
static void what_is_mounted_within_the_docroot_is_not_touched_promptly(void **state)
{
    (void)state;
    char path[] = "/dev/shm/cristo-XXXXXX";
    struct stat outer, inner;
    int fd = mkstemp(path);
    if (fd < 0 || stat("/dev", &outer) < 0 || fstat(fd, &inner) < 0 ||
        outer.st_dev == inner.st_dev) {
        skip();
    }
    struct store *devices = stored_open("/dev");
    struct fetch fetch = {.path = bytes_of(path + strlen("/dev/"))};
    assert_true(fetch_is_prompt(&fetch, devices));
    assert_false(fetch_open_promptly(&fetch, devices));
    assert_null(fetch.file);
    fetch_open(&fetch, devices);
    assert_int_equal(fetch.came, FETCH_FILE);
    fetch = (struct fetch){.path = fetch.path, .known = fetch.file};
    assert_true(fetch_is_prompt(&fetch, devices)); /* it is known not to be slow */
    assert_true(fetch_open_promptly(&fetch, devices));
    assert_int_equal(fetch.came, FETCH_FILE);
    file_release(fetch.known);
    file_release(fetch.file);
    store_destroy(devices);
    unlink(path);
    close(fd);
}

/* --- together with a cache -------------------------------------------------------------------- */

enum {
    T0 = 1000000,
    TRUST = 1000
};

static struct cache *new_cache(void)
{
    return cache_create(&(struct cache_limits){.files = 10, .descriptors = 5, .bytes = 1 << 20});
}

/* One look-up as a model carries it out; what it found, whose reference is the caller's. */
static enum fetch_came fetch_all(struct cache *cache, const char *path, uint64_t now_ns,
                                 bool *asked, struct file **file)
{
    struct fetch fetch = {.path = bytes_of(path)};
    *asked = !fetch_recall(&fetch, cache, TRUST, now_ns);
    if (*asked) {
        fetch_open(&fetch, stored.store);
        fetch_keep(&fetch, cache);
    }
    *file = fetch.file;
    return fetch.came;
}

static void what_was_found_is_recalled_for_as_long_as_it_is_trusted(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    struct file *first, *file;
    bool asked;
    assert_int_equal(fetch_all(cache, "a.txt", T0, &asked, &first), FETCH_FILE);
    assert_true(asked);
    folder_write(&stored.folder, "a.txt", BYTES("changed"));
    assert_int_equal(fetch_all(cache, "a.txt", T0 + TRUST / 2 - 1, &asked, &file), FETCH_FILE);
    assert_false(asked);
    assert_ptr_equal(file, first);
    file_release(file);
    assert_int_equal(fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file), FETCH_FILE);
    assert_true(asked);
    assert_bytes(file->content, BYTES("changed"));
    file_release(file);
    assert_int_equal(fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file), FETCH_FILE);
    assert_false(asked);
    assert_bytes(file->content, BYTES("changed"));
    file_release(file);
    assert_int_equal(atomic_load(&first->references), 1);
    file_release(first);
    cache_destroy(cache);
}

static void what_has_not_changed_is_trusted_anew(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    struct file *first, *file;
    bool asked;
    fetch_all(cache, "a.txt", T0, &asked, &first);
    fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file);
    assert_true(asked);
    assert_ptr_equal(file, first);
    file_release(file);
    fetch_all(cache, "a.txt", T0 + TRUST + TRUST / 2 - 1, &asked, &file);
    assert_false(asked);
    file_release(file);
    assert_int_equal(atomic_load(&first->references), 2); /* the cache's and ours */
    file_release(first);
    cache_destroy(cache);
}

static void what_has_gone_is_forgotten(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    struct file *first, *file;
    bool asked;
    fetch_all(cache, "a.txt", T0, &asked, &first);
    assert_int_equal(unlink(folder_path(&stored.folder, "a.txt")), 0);
    assert_int_equal(fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file), FETCH_ABSENT);
    assert_null(file);
    assert_int_equal(atomic_load(&first->references), 1);
    assert_int_equal(fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file), FETCH_ABSENT);
    assert_true(asked);
    file_release(first);
    cache_destroy(cache);
}

static void a_fetch_that_is_not_opened_leaves_the_asking_to_others(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    struct file *first, *file;
    bool asked;
    fetch_all(cache, "a.txt", T0, &asked, &first);
    struct fetch fetch = {.path = BYTES("a.txt"), .warm_only = true};
    assert_false(fetch_recall(&fetch, cache, TRUST, T0 + TRUST / 2));
    fetch_forget(&fetch, cache);
    assert_int_equal(atomic_load(&first->references), 2);
    fetch_all(cache, "a.txt", T0 + TRUST / 2, &asked, &file);
    assert_true(asked);
    file_release(file);
    struct fetch missed = {.path = BYTES("none")};
    assert_false(fetch_recall(&missed, cache, TRUST, T0));
    fetch_forget(&missed, cache); /* nothing was known: nothing to be let go of */
    file_release(first);
    cache_destroy(cache);
}

static void scarcity_forgets_nothing(void **state)
{
    (void)state;
    struct cache *cache = new_cache();
    struct file *first, *file;
    bool asked;
    struct rlimit limit, low;
    fetch_all(cache, "a.txt", T0, &asked, &first);
    getrlimit(RLIMIT_NOFILE, &limit);
    low = (struct rlimit){3, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    enum fetch_came came = fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(came, FETCH_BUSY);
    assert_int_equal(atomic_load(&first->references), 2);
    fetch_all(cache, "a.txt", T0 + TRUST, &asked, &file);
    assert_ptr_equal(file, first);
    file_release(file);
    file_release(first);
    cache_destroy(cache);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(what_lies_on_the_docroots_file_system_is_opened_promptly));
    suite_add(&suite, CASE(a_folder_is_not_listed_promptly));
    suite_add(&suite, CASE(where_a_link_leads_is_not_found_out_promptly));
    suite_add(&suite, CASE(what_is_mounted_within_the_docroot_is_not_touched_promptly));
    suite_add(&suite, CASE(what_was_found_is_recalled_for_as_long_as_it_is_trusted));
    suite_add(&suite, CASE(what_has_not_changed_is_trusted_anew));
    suite_add(&suite, CASE(what_has_gone_is_forgotten));
    suite_add(&suite, CASE(a_fetch_that_is_not_opened_leaves_the_asking_to_others));
    suite_add(&suite, CASE(scarcity_forgets_nothing));
    suite_frame(&suite, stored_begin, stored_finish);
    return suite_run(&suite, "server/store_fetch");
}
