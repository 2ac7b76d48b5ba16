/* Files by path and content coding, bounded, the least recently used leaving first.
 *
 * There is one cache for each event loop, or for each core when connections have threads of their
 * own, so that cores do not pass hot counters to and fro. Its lock guards the table, the order of
 * use and the fields of a file named as the cache's; it is held for lookups alone, never across a
 * system call but close(2). Lock order: a cache's lock is a leaf. */
#pragma once

#include "server/store/file.h"

struct cache;

struct cache_limits {
    size_t files;
    size_t descriptors; /* of files that are sent from the file system */
    uint64_t bytes;     /* of memory, heads and proofs included */
};

/* NULL when out of memory. */
struct cache *cache_create(const struct cache_limits *limits);
/* Lets go of everything held. */
void cache_destroy(struct cache *cache);

enum cache_found {
    CACHE_FRESH, /* *file, a reference: its identity held less than trust_ns ago */
    CACHE_STALE, /* *file, a reference, to be compared with what the file system says now */
    CACHE_MISS,
};

/* Looks up a path in a coding. The identity of a file in use is asked for again when half its time
 * of trust is over: one caller is then told STALE and asks, while the others go on with FRESH; so
 * under load nobody queues for a file whose trust ran out. */
enum cache_found cache_find(struct cache *cache, struct bytes path, enum coding coding,
                            uint64_t trust_ns, uint64_t now_ns, struct file **file);

/* Says that `file`, from cache_find, had the same identity at `checked_ns`. */
void cache_renew(struct cache *cache, struct file *file, uint64_t checked_ns);

/* Holds `file` under its path and coding from now on, in the place of any other; takes a reference
 * of its own.
 */
void cache_put(struct cache *cache, struct file *file, uint64_t checked_ns);

/* Says that asking for the identity of `file`, from cache_find, came to nothing: somebody else
 * may.*/
void cache_abandon(struct cache *cache, struct file *file);

/* Forgets `file`, from cache_find: its path leads elsewhere now. */
void cache_remove(struct cache *cache, struct file *file);

/* Caches for threads that are at home nowhere: one for each core. */
struct cache_set;
struct cache_set *cache_set_create(const struct cache_limits *all, unsigned count);
void cache_set_destroy(struct cache_set *set);
/* The cache of the core that the caller happens to run on. */
struct cache *cache_set_here(struct cache_set *set);
