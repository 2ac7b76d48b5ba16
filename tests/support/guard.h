/* Memory that ends where nothing is mapped: who reads or writes one byte too far is killed. */
#pragma once

#include "lib/http/bytes.h"

struct guard {
    char *map;
    size_t map_size; /* the unmapped page included */
    char *end;       /* where the unmapped page begins */
};

/* Makes room for `most` bytes; a test without memory is aborted. */
void guard_init(struct guard *guard, size_t most);
void guard_finish(struct guard *guard);

/* The last `len` bytes before the unmapped page. */
char *guard_room(struct guard *guard, size_t len);

/* A copy of `text` that ends at the unmapped page; the copy before is gone. */
struct bytes guard_copy(struct guard *guard, struct bytes text);
