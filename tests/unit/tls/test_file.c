#include "lib/tls/file.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tls-file-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, size_t size, mode_t mode)
{
    const char *path = path_of(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (size_t at = 0; at < size; at++) {
        char byte = (char)('a' + at % 26);
        assert_int_equal(write(fd, &byte, 1), 1);
    }
    fchmod(fd, mode);
    close(fd);
    return path;
}

/* The message without the path, which stands before it; NULL when it was read. */
static void expect(const char *path, enum tls_secrecy secrecy, bool is_read, const char *message)
{
    char wrong[TLS_WRONG] = "before", expected[TLS_WRONG] = "";
    struct tls_file file = {0};
    if (message != NULL) {
        snprintf(expected, sizeof(expected), "%s: %s", path, message);
    }
    assert_int_equal(tls_file_read(&file, path, secrecy, wrong), is_read);
    assert_string_equal(wrong, expected);
    assert_int_equal(file.bytes != NULL, is_read);
    tls_file_free(&file);
    assert_null(file.bytes);
}

static void file_is_read_whole(void **state)
{
    struct tls_file file;
    char wrong[TLS_WRONG];
    const char *path = write_file("whole", 100000, 0644);
    (void)state;
    assert_true(tls_file_read(&file, path, TLS_PUBLIC, wrong));
    assert_int_equal(file.size, 100000);
    assert_ptr_equal(file.name, path);
    for (size_t at = 0; at < file.size; at++) {
        assert_int_equal(file.bytes[at], 'a' + at % 26);
    }
    tls_file_free(&file);
    tls_file_free(&file);
    unlink(path);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    expect(path_of("missing"), TLS_PUBLIC, false, "No such file or directory");
    expect(folder, TLS_PUBLIC, false, "is not a file");
    const char *path = write_file("empty", 0, 0600);
    expect(path, TLS_SECRET, false, "is empty");
    unlink(path);
    path = write_file("large", (1 << 20) + 1, 0600);
    expect(path, TLS_SECRET, false, "is larger than a megabyte");
    unlink(path);
    path = path_of("pipe"); /* which nobody writes to: it is not waited for */
    assert_int_equal(mkfifo(path, 0600), 0);
    expect(path, TLS_SECRET, false, "is not a file");
    unlink(path);
}

static void secret_is_nobody_elses(void **state)
{
    static const char everybody[] = "can be read by everybody on this machine (chmod o= it)";
    static const struct {
        mode_t mode;
        bool is_read;
        const char *message;
    } rows[] = {
        {0600, true, NULL},
        {0400, true, NULL},
        {0640, true, "can be read by its group"},
        {0644, false, everybody},
        {0604, false, everybody},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = write_file("key", 10, rows[i].mode);
        expect(path, TLS_SECRET, rows[i].is_read, rows[i].message);
        expect(path, TLS_PUBLIC, true, NULL);
        unlink(path);
    }
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    suite_add(suite, CASE(file_is_read_whole));
    suite_add(suite, CASE(what_cannot_be_read_is_told));
    suite_add(suite, CASE(secret_is_nobody_elses));
    suite_frame(suite, descriptors_count, descriptors_compare);
    int failed = suite_run(suite, "tls/file");
    free(suite);
    rmdir(folder);
    return failed;
}
