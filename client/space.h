/* Memory for what there is much of and little is touched of: fresh zero pages that cost nothing
 * before they are written. */
#pragma once

#include <stddef.h>

/* `count` objects of `size` bytes, all zero; NULL when there is no room, or nothing was asked for.
 */
void *space_create(size_t count, size_t size);

/* Takes back what space_create() gave for the same count and size. NULL is fine. */
void space_destroy(void *space, size_t count, size_t size);
