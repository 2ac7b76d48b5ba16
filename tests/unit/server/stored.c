#include "tests/unit/server/stored.h"

#include "tests/unit/net/descriptors.h"

struct stored stored;

struct store *stored_open(const char *docroot)
{
    return store_create(&(struct store_options){
        .docroot = docroot, .fields = BYTES("Server: cristo\r\n"), .in_memory = IN_MEMORY});
}

int stored_begin(void **state)
{
    (void)state;
    stored.descriptors = descriptors_open();
    folder_init(&stored.folder);
    folder_write(&stored.folder, "a.txt", BYTES("0123456789"));
    folder_age(&stored.folder, "a.txt");
    folder_fill(&stored.folder, "large", IN_MEMORY + 1, 'x');
    folder_age(&stored.folder, "large");
    folder_settle(&stored.folder, "large");
    folder_make(&stored.folder, "sub");
    folder_write(&stored.folder, "sub/b.txt", BYTES("b"));
    stored.store = stored_open(stored.folder.path);
    assert_non_null(stored.store);
    return 0;
}

int stored_finish(void **state)
{
    (void)state;
    store_destroy(stored.store);
    folder_finish(&stored.folder);
    assert_int_equal(descriptors_open(), stored.descriptors);
    return 0;
}

enum fetch_came stored_look(const char *path, struct file **file)
{
    struct fetch fetch = {.path = bytes_of(path)};
    fetch_open(&fetch, stored.store);
    if (fetch.came != FETCH_FILE) {
        assert_null(fetch.file);
    }
    *file = fetch.file;
    return fetch.came;
}

struct file *stored_find(const char *path)
{
    struct file *file;
    assert_int_equal(stored_look(path, &file), FETCH_FILE);
    return file;
}

struct file *stored_find_again(struct file *known)
{
    struct fetch fetch = {.path = known->path, .known = known};
    fetch_open(&fetch, stored.store);
    assert_int_equal(fetch.came, FETCH_FILE);
    file_release(known);
    return fetch.file;
}

void assert_came(const char *path, enum fetch_came came)
{
    struct file *file;
    enum fetch_came got = stored_look(path, &file);
    file_release(file);
    if (got != came) {
        print_error("%s\n", path);
    }
    assert_int_equal(got, came);
}
