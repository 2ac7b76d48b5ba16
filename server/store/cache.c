#include "server/store/cache.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct cache {
    pthread_mutex_t lock;
    struct cache_limits limits;
    size_t files;
    size_t descriptors;
    uint64_t bytes;
    struct file *newest, *oldest; /* by last use */
    size_t buckets;               /* a power of two */
    struct file *bucket[];
};

struct cache *cache_create(const struct cache_limits *limits)
{
    size_t buckets = 16;
    while (buckets < limits->files) {
        buckets *= 2;
    }
    struct cache *cache = calloc(1, sizeof(*cache) + buckets * sizeof(cache->bucket[0]));
    if (cache == NULL) {
        return NULL;
    }
    pthread_mutex_init(&cache->lock, NULL);
    cache->limits = *limits;
    cache->buckets = buckets;
    return cache;
}

/* FNV-1a over words: paths are short, and those who choose them gain nothing by collisions but a
 * slower look-up of files that exist. */
static uint64_t hash_of(struct bytes path, enum coding coding)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ path.len ^ (uint64_t)coding << 32;
    size_t at = 0;
    for (; at + 8 <= path.len; at += 8) {
        uint64_t word;
        memcpy(&word, path.at + at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; at < path.len; at++) {
        hash = (hash ^ (unsigned char)path.at[at]) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 29;
}

static struct file **bucket_of(struct cache *cache, uint64_t hash)
{
    return &cache->bucket[hash & (cache->buckets - 1)];
}

static struct file *look_up(struct cache *cache, struct bytes path, enum coding coding,
                            uint64_t hash)
{
    struct file *file = *bucket_of(cache, hash);
    while (file != NULL &&
           (file->hash != hash || file->coding != coding || !bytes_equal(file->path, path))) {
        file = file->next;
    }
    return file;
}

static void order_remove(struct cache *cache, struct file *file)
{
    *(file->newer != NULL ? &file->newer->older : &cache->newest) = file->older;
    *(file->older != NULL ? &file->older->newer : &cache->oldest) = file->newer;
}

static void order_add(struct cache *cache, struct file *file)
{
    file->newer = NULL;
    file->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = file;
    cache->newest = file;
}

static uint64_t weight(const struct file *file)
{
    return sizeof(*file) + file->path.len + file->head.len + file->content.len +
           file->proofs * sizeof(file->proof[0]);
}

/* Takes it out of the table; its reference is the caller's to release, outside the lock. */
static struct file *take_out(struct cache *cache, struct file *file)
{
    struct file **link = bucket_of(cache, file->hash);
    while (*link != file) {
        link = &(*link)->next;
    }
    *link = file->next;
    order_remove(cache, file);
    cache->files--;
    cache->descriptors -= file->fd >= 0;
    cache->bytes -= weight(file);
    file->cached = false;
    return file;
}

static bool is_over(const struct cache *cache)
{
    return cache->files > cache->limits.files || cache->descriptors > cache->limits.descriptors ||
           cache->bytes > cache->limits.bytes;
}

void cache_destroy(struct cache *cache)
{
    if (cache == NULL) {
        return;
    }
    while (cache->oldest != NULL) {
        file_release(take_out(cache, cache->oldest));
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static enum cache_found judge(struct file *file, uint64_t trust_ns, uint64_t now_ns)
{
    uint64_t age_ns = now_ns > file->checked_ns ? now_ns - file->checked_ns : 0;
    if (age_ns < trust_ns && (age_ns < trust_ns / 2 || file->refreshing)) {
        return CACHE_FRESH;
    }
    file->refreshing = true;
    return CACHE_STALE;
}

enum cache_found cache_find(struct cache *cache, struct bytes path, enum coding coding,
                            uint64_t trust_ns, uint64_t now_ns, struct file **file)
{
    uint64_t hash = hash_of(path, coding);
    enum cache_found found = CACHE_MISS;
    pthread_mutex_lock(&cache->lock);
    struct file *here = look_up(cache, path, coding, hash);
    if (here != NULL) {
        found = judge(here, trust_ns, now_ns);
        if (cache->newest != here) {
            order_remove(cache, here);
            order_add(cache, here);
        }
        *file = file_hold(here);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void cache_renew(struct cache *cache, struct file *file, uint64_t checked_ns)
{
    pthread_mutex_lock(&cache->lock);
    file->refreshing = false;
    if (file->checked_ns < checked_ns) {
        file->checked_ns = checked_ns;
    }
    pthread_mutex_unlock(&cache->lock);
}

void cache_abandon(struct cache *cache, struct file *file)
{
    pthread_mutex_lock(&cache->lock);
    file->refreshing = false;
    pthread_mutex_unlock(&cache->lock);
}

void cache_put(struct cache *cache, struct file *file, uint64_t checked_ns)
{
    struct file *left = NULL; /* chained by `next`, to be released outside the lock */
    file->hash = hash_of(file->path, file->coding);
    file->checked_ns = checked_ns;
    pthread_mutex_lock(&cache->lock);
    struct file *before = look_up(cache, file->path, file->coding, file->hash);
    if (before != NULL) {
        left = take_out(cache, before);
        left->next = NULL;
    }
    file->next = *bucket_of(cache, file->hash);
    *bucket_of(cache, file->hash) = file_hold(file);
    order_add(cache, file);
    file->cached = true;
    cache->files++;
    cache->descriptors += file->fd >= 0;
    cache->bytes += weight(file);
    while (is_over(cache) && cache->oldest != NULL) {
        struct file *oldest = take_out(cache, cache->oldest);
        oldest->next = left;
        left = oldest;
    }
    pthread_mutex_unlock(&cache->lock);
    while (left != NULL) {
        struct file *next = left->next;
        file_release(left);
        left = next;
    }
}

void cache_remove(struct cache *cache, struct file *file)
{
    pthread_mutex_lock(&cache->lock);
    bool held = file->cached;
    if (held) {
        take_out(cache, file);
    }
    pthread_mutex_unlock(&cache->lock);
    if (held) {
        file_release(file);
    }
}

struct cache_set {
    unsigned count;
    struct cache *cache[];
};

struct cache_set *cache_set_create(const struct cache_limits *all, unsigned count)
{
    struct cache_set *set = calloc(1, sizeof(*set) + count * sizeof(set->cache[0]));
    if (set == NULL) {
        return NULL;
    }
    struct cache_limits each = {all->files / count + 1, all->descriptors / count + 1,
                                all->bytes / count + 1};
    for (; set->count < count; set->count++) {
        set->cache[set->count] = cache_create(&each);
        if (set->cache[set->count] == NULL) {
            cache_set_destroy(set);
            return NULL;
        }
    }
    return set;
}

void cache_set_destroy(struct cache_set *set)
{
    if (set == NULL) {
        return;
    }
    for (unsigned i = 0; i < set->count; i++) {
        cache_destroy(set->cache[i]);
    }
    free(set);
}

struct cache *cache_set_here(struct cache_set *set)
{
    int core = sched_getcpu();
    return set->cache[core < 0 ? 0 : (unsigned)core % set->count];
}
