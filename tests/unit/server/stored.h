/* A folder of some files, and a store that opens what lies beneath it. */
#pragma once

#include "server/store/store.h"

#include "tests/support/suite.h"
#include "tests/unit/server/folder.h"

enum {
    IN_MEMORY = 1000 /* bytes of a file that is held there */
};

extern struct stored {
    struct folder folder; /* a.txt, "large", sub/b.txt */
    struct store *store;
    int descriptors; /* open before */
} stored;

/* Before and after each case: nothing may be left open. */
int stored_begin(void **state);
int stored_finish(void **state);

/* A store of any folder, or NULL. */
struct store *stored_open(const char *docroot);

/* Asks for a path as if nothing were known of it. *file is a reference, or NULL. */
enum fetch_came stored_look(const char *path, struct file **file);
/* The same of a file that has to be there. */
struct file *stored_find(const char *path);
/* Asks again, knowing `known`; takes that reference. */
struct file *stored_find_again(struct file *known);

void assert_came(const char *path, enum fetch_came came);
