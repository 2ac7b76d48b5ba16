/* Media types by file name extension, from the system's table (RFC 9110 8.3). */
#pragma once

#include "lib/http/bytes.h"

struct types;

/* Reads a table in the form of /etc/mime.types; what it lacks, or all when there is none, comes
 * from a short list of our own. Text carries "; charset=utf-8"; JSON, and what is made of XML, does
 * not. NULL when out of memory. */
struct types *types_create(const char *table);
void types_destroy(struct types *types);

/* The type for a path's extension, without regard to case; "application/octet-stream" when unknown.
 * The view lives as long as `types`, which is only read: any thread. */
struct bytes types_of(const struct types *types, struct bytes path);
