/* What a cache holds, for how long it is trusted, and what leaves it first. */
#include "server/store/cache.h"

#include "lib/base/random.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    T0 = 1000000,
    TRUST = 1000
};

/* A file made by hand: its reference is the caller's. */
static struct file *make_file(const char *path, size_t content, bool open_too)
{
    size_t path_len = strlen(path);
    struct file *file = calloc(1, sizeof(*file) + path_len + 1);
    assert_non_null(file);
    atomic_init(&file->references, 1);
    file->fd = open_too ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    memcpy(file->text, path, path_len);
    file->path = (struct bytes){file->text, path_len};
    file->content = (struct bytes){"", content}; /* counted, never read */
    return file;
}

static struct cache *make_cache(size_t files, size_t descriptors, uint64_t bytes)
{
    struct cache *cache = cache_create(&(struct cache_limits){files, descriptors, bytes});
    assert_non_null(cache);
    return cache;
}

/* Finds at `now_ns`, and lets go at once. */
static enum cache_found find_at(struct cache *cache, const char *path, uint64_t now_ns,
                                struct file **file)
{
    struct file *found = NULL;
    enum cache_found came = cache_find(cache, bytes_of(path), CODING_NONE, TRUST, now_ns, &found);
    assert_int_equal(came == CACHE_MISS, found == NULL);
    if (file != NULL) {
        *file = found;
    }
    file_release(found);
    return came;
}

static bool holds(struct cache *cache, const char *path)
{
    return find_at(cache, path, T0, NULL) != CACHE_MISS;
}

/* Puts a new file and keeps no reference. */
static void put(struct cache *cache, const char *path, size_t content, bool open_too)
{
    struct file *file = make_file(path, content, open_too);
    cache_put(cache, file, T0);
    file_release(file);
}

static unsigned references(struct file *file)
{
    return atomic_load(&file->references);
}

/* --- held ------------------------------------------------------------------------------------- */

/* A direct request for "a.gz" is one thing, "a" in gzip another, and "a" as it is a third. */
static void a_coding_is_a_place_of_its_own(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    struct file *plain = make_file("a", 5, false);
    struct file *coded = make_file("a", 3, false);
    struct file *found = NULL;
    coded->coding = CODING_GZIP;
    cache_put(cache, plain, T0);
    cache_put(cache, coded, T0);
    assert_int_equal(references(plain), 2);
    assert_int_equal(cache_find(cache, BYTES("a"), CODING_NONE, TRUST, T0, &found), CACHE_FRESH);
    assert_ptr_equal(found, plain);
    file_release(found);
    assert_int_equal(cache_find(cache, BYTES("a"), CODING_GZIP, TRUST, T0, &found), CACHE_FRESH);
    assert_ptr_equal(found, coded);
    file_release(found);
    assert_int_equal(cache_find(cache, BYTES("a"), CODING_ZSTD, TRUST, T0, &found), CACHE_MISS);
    cache_remove(cache, coded);
    assert_int_equal(references(coded), 1);
    assert_int_equal(find_at(cache, "a", T0, NULL), CACHE_FRESH);
    file_release(plain);
    file_release(coded);
    cache_destroy(cache);
}

static void what_was_put_is_found_by_its_path(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    struct file *file = make_file("a/b", 5, false);
    struct file *found;
    assert_int_equal(find_at(cache, "a/b", T0, NULL), CACHE_MISS);
    cache_put(cache, file, T0);
    assert_int_equal(references(file), 2);
    assert_int_equal(find_at(cache, "a/b", T0, &found), CACHE_FRESH);
    assert_ptr_equal(found, file);
    assert_int_equal(references(file), 2);
    static const char *const others[] = {"", "a", "a/", "a/b/", "a/c", "A/b", "a/b\t"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(find_at(cache, others[i], T0, NULL), CACHE_MISS);
    }
    cache_destroy(cache);
    assert_int_equal(references(file), 1);
    file_release(file);
}

static void what_is_put_takes_the_place_of_what_was_there(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    struct file *first = make_file("a", 5, true);
    struct file *second = make_file("a", 6, false);
    struct file *found;
    cache_put(cache, first, T0);
    cache_put(cache, second, T0);
    assert_int_equal(references(first), 1);
    find_at(cache, "a", T0, &found);
    assert_ptr_equal(found, second);
    cache_remove(cache, first); /* it has left already, and the other stays */
    find_at(cache, "a", T0, &found);
    assert_ptr_equal(found, second);
    assert_int_equal(references(first), 1);
    cache_remove(cache, second);
    assert_false(holds(cache, "a"));
    assert_int_equal(references(second), 1);
    cache_remove(cache, second);
    assert_int_equal(references(second), 1);
    file_release(first);
    file_release(second);
    cache_destroy(cache);
}

static void nothing_is_fine_to_be_destroyed(void **state)
{
    (void)state;
    cache_destroy(NULL);
    cache_destroy(make_cache(0, 0, 0));
    cache_set_destroy(NULL);
}

static void thousands_are_found(void **state)
{
    (void)state;
    enum {
        FILES = 5000
    };
    struct cache *cache = make_cache(FILES, FILES, 1 << 30);
    char path[64];
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "folder/%d/with a longer name/%d.txt", i % 7, i);
        put(cache, path, 1, false);
    }
    for (int i = 0; i < FILES; i++) {
        struct file *found;
        snprintf(path, sizeof(path), "folder/%d/with a longer name/%d.txt", i % 7, i);
        assert_int_equal(find_at(cache, path, T0, &found), CACHE_FRESH);
    }
    cache_destroy(cache);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void the_least_recently_used_leaves_first(void **state)
{
    (void)state;
    struct cache *cache = make_cache(3, 10, 1 << 20);
    put(cache, "a", 1, false);
    put(cache, "b", 1, false);
    put(cache, "c", 1, false);
    assert_true(holds(cache, "a")); /* and is used by that */
    put(cache, "d", 1, false);
    assert_false(holds(cache, "b"));
    put(cache, "e", 1, false);
    assert_false(holds(cache, "c"));
    assert_true(holds(cache, "a"));
    assert_true(holds(cache, "d"));
    assert_true(holds(cache, "e"));
    cache_destroy(cache);
}

static void descriptors_are_bounded_by_themselves(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 2, 1 << 20);
    struct file *first = make_file("a", 1, true);
    cache_put(cache, first, T0);
    put(cache, "small", 1, false);
    put(cache, "b", 1, true);
    assert_int_equal(references(first), 2);
    put(cache, "c", 1, true);
    assert_int_equal(references(first), 1);
    assert_true(holds(cache, "b"));
    assert_true(holds(cache, "c"));
    file_release(first);
    cache_destroy(cache);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 100000);
    put(cache, "a", 45000, false);
    put(cache, "b", 45000, false);
    assert_true(holds(cache, "a"));
    put(cache, "c", 45000, false);
    assert_false(holds(cache, "b"));
    assert_true(holds(cache, "a"));
    assert_true(holds(cache, "c"));
    put(cache, "a", 1, false); /* what leaves gives its room back */
    put(cache, "d", 45000, false);
    assert_true(holds(cache, "c"));
    cache_destroy(cache);
}

/* It is answered with all the same: the caller has a reference of its own. */
static void what_is_larger_than_all_is_not_held(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 100000);
    put(cache, "a", 1, false);
    struct file *file = make_file("large", 200000, false);
    cache_put(cache, file, T0);
    assert_int_equal(references(file), 1);
    assert_false(holds(cache, "large"));
    file_release(file);
    cache_destroy(cache);
}

/* Against a list of what ought to be there, in order of use. */
static void whatever_is_done_the_bounds_hold(void **state)
{
    (void)state;
    enum {
        PATHS = 12,
        MOST = 5,
        ROUNDS = 20000
    };
    struct cache *cache = make_cache(MOST, MOST, 1 << 20);
    int order[MOST + 1]; /* newest first */
    int count = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        int which = (int)random_between(1, 2 * i, 0, PATHS - 1);
        char path[8];
        snprintf(path, sizeof(path), "p%d", which);
        int at = 0;
        while (at < count && order[at] != which) {
            at++;
        }
        struct file *found = NULL;
        switch (random_between(1, 2 * i + 1, 0, 3)) {
        case 0: /* put */
            put(cache, path, 1, which % 3 == 0);
            count += at == count;
            memmove(order + 1, order, (size_t)at * sizeof(order[0]));
            order[0] = which;
            count = count > MOST ? MOST : count;
            break;
        case 1: /* remove */
            if (cache_find(cache, bytes_of(path), CODING_NONE, TRUST, T0, &found) != CACHE_MISS) {
                cache_remove(cache, found);
                file_release(found);
                count--;
                memmove(order + at, order + at + 1, (size_t)(count - at) * sizeof(order[0]));
            }
            break;
        default: /* find */
            assert_int_equal(holds(cache, path), at < count);
            if (at < count) {
                memmove(order + 1, order, (size_t)at * sizeof(order[0]));
                order[0] = which;
            }
            break;
        }
    }
    cache_destroy(cache);
}

/* --- trust ------------------------------------------------------------------------------------ */

static void one_caller_asks_again_at_half_time(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    struct file *file = make_file("a", 1, false);
    cache_put(cache, file, T0);
    assert_int_equal(find_at(cache, "a", T0, NULL), CACHE_FRESH);
    assert_int_equal(find_at(cache, "a", T0 + TRUST / 2 - 1, NULL), CACHE_FRESH);
    assert_int_equal(find_at(cache, "a", T0 + TRUST / 2, NULL), CACHE_STALE);
    assert_int_equal(find_at(cache, "a", T0 + TRUST / 2, NULL), CACHE_FRESH);
    assert_int_equal(find_at(cache, "a", T0 + TRUST - 1, NULL), CACHE_FRESH);
    cache_renew(cache, file, T0 + TRUST / 2);
    assert_int_equal(find_at(cache, "a", T0 + TRUST, NULL), CACHE_STALE); /* half time again */
    assert_int_equal(find_at(cache, "a", T0 + TRUST, NULL), CACHE_FRESH);
    file_release(file);
    cache_destroy(cache);
}

/* However long the one who asks takes: a request begun that long after a change sees it. */
static void beyond_its_time_nobody_trusts_it(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    struct file *file = make_file("a", 1, false);
    cache_put(cache, file, T0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(find_at(cache, "a", T0 + TRUST, NULL), CACHE_STALE);
    }
    cache_renew(cache, file, T0 + TRUST);
    assert_int_equal(find_at(cache, "a", T0 + TRUST, NULL), CACHE_FRESH);
    cache_renew(cache, file, T0); /* who asked before says nothing new */
    assert_int_equal(find_at(cache, "a", T0 + TRUST + TRUST / 2 - 1, NULL), CACHE_FRESH);
    file_release(file);
    cache_destroy(cache);
}

static void who_gives_up_leaves_the_asking_to_the_next(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    struct file *file = make_file("a", 1, false);
    cache_put(cache, file, T0);
    assert_int_equal(find_at(cache, "a", T0 + TRUST / 2, NULL), CACHE_STALE);
    assert_int_equal(find_at(cache, "a", T0 + TRUST / 2, NULL), CACHE_FRESH);
    cache_abandon(cache, file);
    assert_int_equal(find_at(cache, "a", T0 + TRUST / 2, NULL), CACHE_STALE);
    file_release(file);
    cache_destroy(cache);
}

static void without_trust_everybody_asks(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    put(cache, "a", 1, false);
    for (int i = 0; i < 3; i++) {
        struct file *file;
        assert_int_equal(cache_find(cache, BYTES("a"), CODING_NONE, 0, T0, &file), CACHE_STALE);
        file_release(file);
    }
    cache_destroy(cache);
}

/* Clocks are read before locks are taken: a moment may be older than what was checked since. */
static void a_moment_before_the_check_is_fresh(void **state)
{
    (void)state;
    struct cache *cache = make_cache(10, 10, 1 << 20);
    put(cache, "a", 1, false);
    assert_int_equal(find_at(cache, "a", T0 - 1, NULL), CACHE_FRESH);
    cache_destroy(cache);
}

/* --- by many threads -------------------------------------------------------------------------- */

enum {
    THREADS = 4,
    SHARED = 8,
    OPERATIONS = 20000
};

static struct cache *shared;
static atomic_uint seeds;

static void *use(void *unused)
{
    uint64_t seed = atomic_fetch_add(&seeds, 1);
    (void)unused;
    for (uint64_t i = 0; i < OPERATIONS; i++) {
        uint64_t draw = random_at(seed, i);
        uint64_t now_ns = T0 + i;
        char path[8];
        struct file *file;
        snprintf(path, sizeof(path), "p%u", (unsigned)(draw % SHARED));
        switch (cache_find(shared, bytes_of(path), CODING_NONE, TRUST, now_ns, &file)) {
        case CACHE_FRESH:
            if (!bytes_equal(file->path, bytes_of(path))) {
                abort();
            }
            file_release(file);
            break;
        case CACHE_STALE:
            switch (draw / SHARED % 4) {
            case 0:
                cache_renew(shared, file, now_ns);
                break;
            case 1:
                cache_abandon(shared, file);
                break;
            case 2:
                cache_remove(shared, file);
                break;
            default:
                file_release(file);
                file = make_file(path, 1, false);
                cache_put(shared, file, now_ns);
                break;
            }
            file_release(file);
            break;
        case CACHE_MISS:
            file = make_file(path, 1, false);
            cache_put(shared, file, now_ns);
            file_release(file);
            break;
        }
    }
    return NULL;
}

static void many_threads_use_it_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct file *mine[SHARED]; /* one reference each, to see that no other is left */
    shared = make_cache(SHARED / 2, 10, 1 << 20);
    for (int i = 0; i < SHARED; i++) {
        char path[8];
        snprintf(path, sizeof(path), "p%d", i);
        mine[i] = make_file(path, 1, false);
        cache_put(shared, mine[i], T0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    cache_destroy(shared);
    for (int i = 0; i < SHARED; i++) {
        assert_int_equal(references(mine[i]), 1);
        file_release(mine[i]);
    }
}

static void each_core_has_a_cache(void **state)
{
    (void)state;
    for (unsigned count = 1; count < 5; count++) {
        struct cache_set *set = cache_set_create(&(struct cache_limits){10, 10, 1 << 20}, count);
        assert_non_null(set);
        struct cache *cache = cache_set_here(set);
        assert_non_null(cache);
        put(cache, "a", 1, false);
        assert_true(holds(cache, "a"));
        cache_set_destroy(set);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(what_was_put_is_found_by_its_path));
    suite_add(&suite, CASE(a_coding_is_a_place_of_its_own));
    suite_add(&suite, CASE(what_is_put_takes_the_place_of_what_was_there));
    suite_add(&suite, CASE(nothing_is_fine_to_be_destroyed));
    suite_add(&suite, CASE(thousands_are_found));
    suite_add(&suite, CASE(the_least_recently_used_leaves_first));
    suite_add(&suite, CASE(descriptors_are_bounded_by_themselves));
    suite_add(&suite, CASE(memory_is_bounded));
    suite_add(&suite, CASE(what_is_larger_than_all_is_not_held));
    suite_add(&suite, CASE(whatever_is_done_the_bounds_hold));
    suite_add(&suite, CASE(one_caller_asks_again_at_half_time));
    suite_add(&suite, CASE(beyond_its_time_nobody_trusts_it));
    suite_add(&suite, CASE(who_gives_up_leaves_the_asking_to_the_next));
    suite_add(&suite, CASE(without_trust_everybody_asks));
    suite_add(&suite, CASE(a_moment_before_the_check_is_fresh));
    suite_add(&suite, CASE(many_threads_use_it_at_once));
    suite_add(&suite, CASE(each_core_has_a_cache));
    return suite_run(&suite, "server/cache");
}
