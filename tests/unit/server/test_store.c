/* What is found beneath a docroot, what it is known by, and what is not found. */
#include "tests/unit/server/stored.h"

#include "lib/base/clock.h"
#include "lib/http/date.h"
#include "server/store/make.h"
#include "tests/unit/net/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------------------------ */

/* A field's value in the lines of a head. */
static struct bytes field_of(struct bytes lines, const char *name)
{
    struct fields fields;
    size_t size;
    char text[4096];
    static char value[256];
    assert_true(lines.len + 2 < sizeof(text));
    memcpy(text, lines.at, lines.len);
    memcpy(text + lines.len, "\r\n", 2);
    assert_int_equal(field_section_read((struct bytes){text, lines.len + 2}, 100, &fields, &size),
                     FIELD_SECTION_COMPLETE);
    struct bytes rest = fields.lines;
    struct field field;
    while (field_next(&rest, &field)) {
        if (bytes_equal(field.name, bytes_of(name))) {
            assert_true(field.value.len < sizeof(value));
            memcpy(value, field.value.at, field.value.len);
            return (struct bytes){value, field.value.len};
        }
    }
    return (struct bytes){0};
}

static void a_file_is_what_its_path_leads_to(void **state)
{
    (void)state;
    struct file *file = stored_find("a.txt");
    assert_bytes(file->path, BYTES("a.txt"));
    assert_bytes(file->content, BYTES("0123456789"));
    assert_int_equal(file->size, 10);
    assert_int_equal(atomic_load(&file->references), 1);
    assert_true(file->validators.exists);
    file_release(file);
    file = stored_find("sub/b.txt");
    assert_bytes(file->content, BYTES("b"));
    file_release(file);
}

/* A ready head ends with the empty line, and the content lies behind it; a 206 repeats the fields
 * that describe the file, a 304 those that it has in common with every reply (RFC 9110 15.4.5). */
static void its_head_is_ready(void **state)
{
    (void)state;
    struct file *file = stored_find("a.txt");
    struct bytes lines = {file->head.at, file->head.len - 2};
    assert_memory_equal(file->head.at + lines.len, "\r\n", 2);
    assert_ptr_equal(file->content.at, file->head.at + file->head.len);
    assert_bytes(field_of(lines, "Content-Length"), BYTES("10"));
    assert_bytes(field_of(lines, "Content-Type"), BYTES("text/plain; charset=utf-8"));
    assert_bytes(field_of(lines, "Accept-Ranges"), BYTES("bytes"));
    assert_bytes(field_of(lines, "Server"), BYTES("cristo"));
    assert_bytes(field_of(lines, "ETag"), file->validators.etag);
    char date[DATE_SIZE];
    struct stat status;
    assert_int_equal(stat(folder_path(&stored.folder, "a.txt"), &status), 0);
    date_write(date, status.st_mtime);
    assert_bytes(field_of(lines, "Last-Modified"), ((struct bytes){date, DATE_SIZE}));
    assert_int_equal(file->validators.last_modified, status.st_mtime);

    assert_null(field_of(file->fields, "Content-Length").at);
    assert_bytes(field_of(file->type, "Content-Type"), BYTES("text/plain; charset=utf-8"));
    assert_null(field_of(file->fields, "Content-Type").at);
    assert_non_null(field_of(file->fields, "Last-Modified").at);
    assert_null(field_of(file->shared, "Content-Type").at);
    assert_non_null(field_of(file->shared, "ETag").at);
    assert_non_null(field_of(file->shared, "Server").at);
    file_release(file);
}

static void small_files_are_held_in_memory_and_large_ones_open(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        folder_fill(&stored.folder, "some", sizes[i], 'y');
        struct file *file = stored_find("some");
        assert_int_equal(file->size, sizes[i]);
        if (sizes[i] <= IN_MEMORY) {
            assert_int_equal(file->fd, -1);
            assert_non_null(file->content.at);
            assert_int_equal(file->content.len, sizes[i]);
            for (size_t j = 0; j < sizes[i]; j++) {
                assert_int_equal(file->content.at[j], 'y');
            }
        } else {
            assert_true(file->fd >= 0);
            assert_null(file->content.at);
            assert_int_equal(fcntl(file->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        }
        file_release(file);
    }
}

static void an_etag_is_strong_and_another_for_other_content(void **state)
{
    (void)state;
    struct timespec when = {1000000000, 5};
    static const char *const contents[] = {"aaaa", "aaab", "aaaaa", ""};
    char etags[4][80];
    for (int i = 0; i < 4; i++) {
        folder_write(&stored.folder, "some", bytes_of(contents[i]));
        folder_date(&stored.folder, "some", when);
        struct file *file = stored_find("some");
        struct bytes etag = file->validators.etag;
        assert_true(etag.len > 2 && etag.len < sizeof(etags[i]));
        assert_int_equal(etag.at[0], '"');
        assert_int_equal(etag.at[etag.len - 1], '"');
        assert_null(memchr(etag.at + 1, '"', etag.len - 2));
        memcpy(etags[i], etag.at, etag.len);
        etags[i][etag.len] = '\0';
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(etags[i], etags[j]);
        }
        file_release(file);
    }
    folder_write(&stored.folder, "some", BYTES("aaaa")); /* and the same again for the same */
    folder_date(&stored.folder, "some", when);
    struct file *file = stored_find("some");
    assert_bytes(file->validators.etag, bytes_of(etags[0]));
    file_release(file);
}

/* RFC 9110 8.8.2.1: a date in the future is sent as now. Whatever a file is dated, nothing wraps.
 */
static void dates_of_any_year_are_taken(void **state)
{
    (void)state;
    static const int64_t years[] = {-30610224000, -1, 0, 1, 4102444800, 13569465600, 253402300800};
    for (size_t i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        folder_date(&stored.folder, "a.txt", (struct timespec){years[i], 999999999});
        struct file *file = stored_find("a.txt");
        assert_true(file->validators.last_modified <= clock_wall_s());
        file = stored_find_again(file);
        assert_bytes(file->content, BYTES("0123456789"));
        file_release(file);
    }
}

/* --- what is not served ----------------------------------------------------------------------- */

static char long_name[400];

struct came_row {
    const char *name;
    const char *path;
    enum fetch_came came;
};

static const struct came_row came_rows[] = {
    {"root_is_a_folder", "", FETCH_FOLDER},
    {"folder_is_a_folder", "sub", FETCH_FOLDER},
    {"folder_with_a_slash_is_a_folder", "sub/", FETCH_FOLDER},
    {"nothing_is_absent", "none", FETCH_ABSENT},
    {"nothing_in_nothing_is_absent", "none/none", FETCH_ABSENT},
    {"nothing_in_a_file_is_absent", "a.txt/none", FETCH_ABSENT},
    {"file_with_a_slash_is_absent", "a.txt/", FETCH_ABSENT},
    {"name_that_is_too_long_is_absent", long_name, FETCH_ABSENT},
    {"link_to_a_file_is_that_file", "link", FETCH_FILE},
    {"link_to_a_folder_is_that_folder", "to-sub", FETCH_FOLDER},
    {"file_in_a_linked_folder_is_found", "to-sub/b.txt", FETCH_FILE},
    {"link_up_and_down_again_is_followed", "sub/up", FETCH_FILE},
    {"link_out_is_absent", "out", FETCH_ABSENT},
    {"link_to_a_folder_outside_is_absent", "out-folder/passwd", FETCH_ABSENT},
    {"link_out_and_back_is_absent", "out-and-back", FETCH_ABSENT},
    {"absolute_link_is_absent", "absolute", FETCH_ABSENT},
    {"link_to_nothing_is_absent", "dangling", FETCH_ABSENT},
    {"link_to_itself_is_absent", "loop", FETCH_ABSENT},
    {"link_to_proc_is_absent", "magic", FETCH_ABSENT},
    {"fifo_is_absent_and_not_waited_for", "fifo", FETCH_ABSENT},
    {"socket_is_absent", "socket", FETCH_ABSENT},
    {"way_up_is_absent", "../etc/passwd", FETCH_ABSENT},
    {"absolute_path_is_absent", "/etc/passwd", FETCH_ABSENT},
};

static void make_oddities(void)
{
    char text[256];
    memset(long_name, 'n', sizeof(long_name) - 1);
    folder_link(&stored.folder, "link", "a.txt");
    folder_link(&stored.folder, "to-sub", "sub");
    folder_link(&stored.folder, "sub/up", "../sub/../a.txt");
    folder_link(&stored.folder, "out", "../../../../../../etc/passwd");
    folder_link(&stored.folder, "out-folder", "../../../../../../etc");
    snprintf(text, sizeof(text), "..%s/a.txt", strrchr(stored.folder.path, '/'));
    folder_link(&stored.folder, "out-and-back", text);
    folder_link(&stored.folder, "absolute", folder_path(&stored.folder, "a.txt"));
    folder_link(&stored.folder, "dangling", "none");
    folder_link(&stored.folder, "loop", "loop");
    folder_link(&stored.folder, "magic", "/proc/self/exe");
    assert_int_equal(mkfifo(folder_path(&stored.folder, "fifo"), 0644), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", stored.folder.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void came_row(void **state)
{
    const struct came_row *row = *state;
    make_oddities();
    alarm(20); /* a FIFO that is waited for is never left */
    assert_came(row->path, row->came);
    alarm(0);
}

/* As somebody whom permissions bind. */
static void what_may_not_be_read_is_forbidden(void **state)
{
    (void)state;
    bool is_root = geteuid() == 0;
    assert_int_equal(chmod(stored.folder.path, 0755), 0);
    assert_int_equal(chmod(folder_path(&stored.folder, "a.txt"), 0), 0);
    assert_int_equal(chmod(folder_path(&stored.folder, "sub"), 0), 0);
    if (is_root) {
        assert_int_equal(seteuid(65534), 0);
    }
    struct file *file;
    enum fetch_came of_file = stored_look("a.txt", &file);
    enum fetch_came in_folder = stored_look("sub/b.txt", &file);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(chmod(folder_path(&stored.folder, "sub"), 0755), 0);
    assert_int_equal(of_file, FETCH_FORBIDDEN);
    assert_int_equal(in_folder, FETCH_FORBIDDEN);
}

static void without_descriptors_it_is_busy(void **state)
{
    (void)state;
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){(rlim_t)dup(0), limit.rlim_max};
    close((int)low.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct file *file;
    enum fetch_came came = stored_look("a.txt", &file);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(came, FETCH_BUSY);
    assert_came("a.txt", FETCH_FILE);
}

static void a_docroot_has_to_be_a_folder_that_is_there(void **state)
{
    (void)state;
    assert_null(stored_open(folder_path(&stored.folder, "none")));
    assert_null(stored_open(folder_path(&stored.folder, "a.txt")));
}

/* --- the same file again ---------------------------------------------------------------------- */

static void what_has_not_changed_is_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"a.txt", "large"};
    for (int i = 0; i < 2; i++) {
        struct file *known = stored_find(names[i]);
        struct file *again = stored_find_again(file_hold(known));
        assert_ptr_equal(again, known);
        assert_int_equal(atomic_load(&known->references), 2);
        file_release(again);
        file_release(known);
    }
}

static void what_has_changed_is_another(void **state)
{
    (void)state;
    static const char *const names[] = {"a.txt", "large"};
    for (int i = 0; i < 2; i++) {
        struct file *known = stored_find(names[i]);

        folder_write(&stored.folder, names[i], BYTES("shorter")); /* rewritten in place */
        struct file *second = stored_find_again(file_hold(known));
        assert_ptr_not_equal(second, known);
        assert_bytes(second->content, BYTES("shorter"));

        folder_write(&stored.folder, "new", BYTES("another")); /* replaced */
        assert_int_equal(
            rename(folder_path(&stored.folder, "new"), folder_path(&stored.folder, names[i])), 0);
        struct file *third = stored_find_again(file_hold(second));
        assert_ptr_not_equal(third, second);
        assert_bytes(third->content, BYTES("another"));

        assert_int_equal(truncate(folder_path(&stored.folder, names[i]), 3), 0);
        struct file *fourth = stored_find_again(file_hold(third));
        assert_bytes(fourth->content, BYTES("ano"));

        file_release(known);
        file_release(second);
        file_release(third);
        file_release(fourth);
    }
}

/* A change that leaves size and time stamp as they were is seen in what was read so shortly after
 * the one before. */
static void a_change_within_one_tick_is_seen(void **state)
{
    (void)state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    folder_write(&stored.folder, "some", BYTES("first "));
    folder_date(&stored.folder, "some", now);
    struct file *first = stored_find("some");
    folder_write(&stored.folder, "some", BYTES("second"));
    folder_date(&stored.folder, "some", now);
    struct file *second = stored_find_again(file_hold(first));
    assert_bytes(second->content, BYTES("second"));
    assert_false(bytes_equal(first->validators.etag, second->validators.etag));
    file_release(first);
    file_release(second);
}

/* Whatever the time of modification is set back to: that of the last change of any kind is not. */
static void a_change_set_back_in_time_is_seen(void **state)
{
    (void)state;
    static const size_t sizes[] = {10, IN_MEMORY + 1, DIGEST_MOST};
    struct timespec when = {1000000000, 5};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct file *file = NULL;
        char before[80] = "";
        for (int round = 0; round < 20; round++) {
            folder_fill(&stored.folder, "some", sizes[i], (char)('a' + round));
            folder_date(&stored.folder, "some", when);
            file = round == 0 ? stored_find("some") : stored_find_again(file);
            struct bytes etag = file->validators.etag;
            assert_false(file->validators.weak);
            assert_false(bytes_equal(etag, bytes_of(before)));
            snprintf(before, sizeof(before), "%.*s", (int)etag.len, etag.at);
        }
        file_release(file);
    }
}

/* One file has one tag, whoever opens it; another content another tag, up to the bound. */
static void an_etag_is_of_the_file_alone(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 10, IN_MEMORY + 1, 70000, DIGEST_MOST, DIGEST_MOST + 1};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        folder_fill(&stored.folder, "some", sizes[i], 'x');
        folder_age(&stored.folder, "some");
        struct file *first = stored_find("some");
        folder_settle(&stored.folder, "some");
        struct file *second = stored_find("some");
        assert_bytes(first->validators.etag, second->validators.etag);
        assert_false(second->validators.weak);
        file_release(first);
        file_release(second);
    }
}

/* RFC 9110 8.8.1: as long as a further change would not show, a tag that does not tell the content
 * is weak. */
static void a_large_file_changed_just_now_has_a_weak_tag(void **state)
{
    (void)state;
    struct timespec future = {time(NULL) + 3600, 5}; /* a clock that runs ahead proves nothing */
    folder_fill(&stored.folder, "some", DIGEST_MOST + 1, 'x');
    folder_date(&stored.folder, "some", future);
    struct file *file = stored_find("some");
    assert_true(file->validators.weak);
    assert_int_equal(file->validators.etag.at[0], '"');
    assert_memory_equal(file->validators.etag.at - 2, "W/", 2);
    folder_age(&stored.folder, "some");
    folder_settle(&stored.folder, "some");
    file = stored_find_again(file);
    assert_false(file->validators.weak);
    char before[80];
    snprintf(before, sizeof(before), "%.*s", (int)file->validators.etag.len,
             file->validators.etag.at);
    struct timespec modified = file->identity.modified;
    folder_fill(&stored.folder, "some", DIGEST_MOST + 1,
                'y'); /* and is another after a change set back */
    folder_date(&stored.folder, "some", modified);
    folder_settle(&stored.folder, "some");
    file = stored_find_again(file);
    assert_false(file->validators.weak);
    assert_false(bytes_equal(file->validators.etag, bytes_of(before)));
    file_release(file);

    folder_fill(&stored.folder, "some", DIGEST_MOST,
                'x'); /* up to the bound the content itself tells */
    folder_date(&stored.folder, "some", future);
    file = stored_find("some");
    assert_false(file->validators.weak);
    file_release(file);
}

static void each_part_of_an_identity_counts(void **state)
{
    (void)state;
    struct stat status = {
        .st_dev = 1, .st_ino = 2, .st_size = 3, .st_mtim = {4, 5}, .st_ctim = {6, 7}};
    struct identity same = identity_of(&status);
    struct identity other[] = {same, same, same, same, same, same, same};
    other[0].device++;
    other[1].inode++;
    other[2].size++;
    other[3].modified.tv_sec++;
    other[4].modified.tv_nsec++;
    other[5].changed.tv_sec++;
    other[6].changed.tv_nsec++;
    struct identity copy = identity_of(&status);
    assert_true(identity_equal(&same, &copy));
    for (int i = 0; i < 7; i++) {
        assert_false(identity_equal(&same, &other[i]));
    }
}

/* --- stored codings (RFC 9110 8.4, 12.5.3) ---------------------------------------------------- */

/* Asks for the sibling in a coding. */
static struct file *find_coded(const char *path, enum coding coding)
{
    struct fetch fetch = {.path = bytes_of(path), .coding = coding};
    fetch_open(&fetch, stored.store);
    return fetch.came == FETCH_FILE ? fetch.file : NULL;
}

static void siblings_that_are_not_older_are_known(void **state)
{
    (void)state;
    static const struct timespec when = {1000000000, 123456789};
    static const struct {
        struct timespec when;
        bool counts;
    } rows[] = {
        {{1000000000, 123456789}, true}, {{1000000000, 123456790}, true},
        {{1000000001, 0}, true},         {{1000000000, 123456788}, false},
        {{999999999, 999999999}, false}, {{1000000000, 0}, true}, /* its fraction is lost */
        {{1000000000, 123456000}, true}, {{1000000000, 123455000}, false},
        {{4102444800, 1}, true},
    };
    folder_write(&stored.folder, "some.txt", BYTES("as it is"));
    folder_date(&stored.folder, "some.txt", when);
    folder_write(&stored.folder, "some.txt.gz", BYTES("packed"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        folder_date(&stored.folder, "some.txt.gz", rows[i].when);
        struct file *file = stored_find("some.txt");
        assert_int_equal(file->siblings, rows[i].counts ? 1 << CODING_GZIP : 0);
        file_release(file);
    }
}

static void each_coding_is_found_by_its_ending(void **state)
{
    (void)state;
    static const char *const names[] = {"some.txt.gz", "some.txt.br", "some.txt.zst"};
    unsigned all = 0;
    folder_write(&stored.folder, "some.txt", BYTES("as it is"));
    for (int i = 0; i < 3; i++) {
        enum coding coding = (enum coding)(CODING_GZIP + i);
        assert_null(find_coded("some.txt", coding));
        folder_write(&stored.folder, names[i], bytes_of(names[i]));
        all |= 1u << coding;
        struct file *file = stored_find("some.txt");
        assert_int_equal(file->siblings, all);
        assert_bytes(field_of((struct bytes){file->head.at, file->head.len - 2}, "Vary"),
                     BYTES("Accept-Encoding"));
        struct file *coded = find_coded("some.txt", coding);
        assert_non_null(coded);
        assert_int_equal(coded->coding, coding);
        assert_bytes(coded->path, BYTES("some.txt"));
        assert_bytes(coded->content, bytes_of(names[i]));
        struct bytes lines = {coded->head.at, coded->head.len - 2};
        assert_bytes(field_of(lines, "Content-Encoding"), coding_name(coding));
        assert_bytes(field_of(lines, "Content-Type"), BYTES("text/plain; charset=utf-8"));
        assert_bytes(field_of(lines, "Vary"), BYTES("Accept-Encoding"));
        assert_bytes(field_of(coded->fields, "Content-Encoding"), coding_name(coding)); /* 206 */
        assert_bytes(field_of(coded->shared, "Vary"), BYTES("Accept-Encoding"));        /* 304 */
        assert_null(field_of(coded->shared, "Content-Encoding").at);
        file_release(file);
        file_release(coded);
    }
}

/* RFC 9110 8.8.3.3: even of the same content. */
static void each_coding_has_an_etag_of_its_own(void **state)
{
    (void)state;
    struct timespec when = {1000000000, 0};
    folder_write(&stored.folder, "some", BYTES("the same"));
    folder_write(&stored.folder, "some.gz", BYTES("the same"));
    folder_date(&stored.folder, "some", when);
    folder_date(&stored.folder, "some.gz", when);
    struct file *file = stored_find("some");
    struct file *coded = find_coded("some", CODING_GZIP);
    assert_false(bytes_equal(file->validators.etag, coded->validators.etag));
    file_release(file);
    file_release(coded);
}

static void a_sibling_that_is_no_file_does_not_count(void **state)
{
    (void)state;
    folder_write(&stored.folder, "some", BYTES("as it is"));
    folder_make(&stored.folder, "some.gz");
    folder_link(&stored.folder, "some.br", "/etc/passwd");
    assert_int_equal(mkfifo(folder_path(&stored.folder, "some.zst"), 0644), 0);
    struct file *file = stored_find("some");
    assert_int_equal(file->siblings, 0);
    assert_null(field_of((struct bytes){file->head.at, file->head.len - 2}, "Vary").at);
    file_release(file);
}

/* When a sibling comes or goes, its file is another that says so, though its own content is not. */
static void siblings_are_asked_for_again_with_their_file(void **state)
{
    (void)state;
    struct file *known = stored_find("a.txt");
    assert_int_equal(known->siblings, 0);
    folder_write(&stored.folder, "a.txt.br", BYTES("packed"));
    struct file *second = stored_find_again(file_hold(known));
    assert_ptr_not_equal(second, known);
    assert_int_equal(second->siblings, 1 << CODING_BROTLI);
    assert_bytes(second->validators.etag, known->validators.etag);
    struct file *third = stored_find_again(file_hold(second));
    assert_ptr_equal(third, second);
    assert_int_equal(unlink(folder_path(&stored.folder, "a.txt.br")), 0);
    struct file *fourth = stored_find_again(third);
    assert_int_equal(fourth->siblings, 0);
    file_release(known);
    file_release(second);
    file_release(fourth);
}

/* --- while it is sent ------------------------------------------------------------------------- */

static void a_file_is_intact_until_its_content_changes(void **state)
{
    (void)state;
    struct file *file = stored_find("large");
    assert_true(file_intact(file));
    folder_write(&stored.folder, "new", BYTES("another"));
    assert_int_equal(
        rename(folder_path(&stored.folder, "large"), folder_path(&stored.folder, "moved")), 0);
    assert_true(file_intact(file)); /* its name is not its content */
    assert_int_equal(chmod(folder_path(&stored.folder, "moved"), 0600), 0);
    assert_true(file_intact(file));
    assert_int_equal(
        rename(folder_path(&stored.folder, "new"), folder_path(&stored.folder, "moved")), 0);
    assert_true(file_intact(file)); /* nor is its being there */
    file_release(file);

    folder_fill(&stored.folder, "large", IN_MEMORY + 1, 'x');
    folder_age(&stored.folder, "large");
    file = stored_find("large");
    folder_fill(&stored.folder, "large", IN_MEMORY + 1, 'y'); /* as many bytes, at another time */
    assert_false(file_intact(file));
    file_release(file);

    file = stored_find("large");
    assert_int_equal(truncate(folder_path(&stored.folder, "large"), 100), 0);
    assert_false(file_intact(file));
    file_release(file);

    file = stored_find("a.txt");
    folder_write(&stored.folder, "a.txt", BYTES(""));
    assert_true(file_intact(file)); /* all of it is here */
    file_release(file);
}

/* --- without openat2 -------------------------------------------------------------------------- */

/* As in a sandbox that does not know the call: `error` is what it says. */
static void forbid_openat2(unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* What is a link, or lies beyond one, is not there; all else is as ever. */
static void look_by_hand(void)
{
    make_oddities();
    folder_make(&stored.folder, "sub/deep");
    folder_write(&stored.folder, "sub/deep/c.txt", BYTES("deep"));
    int open_before = descriptors_open();
    store_destroy(stored.store);
    stored.store = stored_open(stored.folder.path);
    assert_non_null(stored.store);
    alarm(20);
    for (size_t i = 0; i < sizeof(came_rows) / sizeof(came_rows[0]); i++) {
        bool by_link = strncmp(came_rows[i].path, "link", 4) == 0 ||
                       strncmp(came_rows[i].path, "to-sub", 6) == 0 ||
                       strcmp(came_rows[i].path, "sub/up") == 0;
        assert_came(came_rows[i].path, by_link ? FETCH_ABSENT : came_rows[i].came);
    }
    assert_came("sub/../a.txt", FETCH_ABSENT);
    assert_came("sub/deep/c.txt", FETCH_FILE);
    assert_came("sub/none/c.txt", FETCH_ABSENT);
    struct file *file = stored_find("sub/b.txt");
    assert_bytes(file->content, BYTES("b"));
    file_release(file);
    assert_int_equal(descriptors_open(), open_before);
}

static void without_openat2_no_link_is_followed(void **state)
{
    (void)state;
    static const unsigned errors[] = {ENOSYS, EPERM};
    for (int i = 0; i < 2; i++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            setenv("CMOCKA_TEST_ABORT", "1", 1);
            folder_init(&stored.folder);
            folder_write(&stored.folder, "a.txt", BYTES("0123456789"));
            folder_make(&stored.folder, "sub");
            folder_write(&stored.folder, "sub/b.txt", BYTES("b"));
            forbid_openat2(errors[i]);
            look_by_hand();
            folder_finish(&stored.folder);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_file_is_what_its_path_leads_to));
    suite_add(&suite, CASE(its_head_is_ready));
    suite_add(&suite, CASE(small_files_are_held_in_memory_and_large_ones_open));
    suite_add(&suite, CASE(an_etag_is_strong_and_another_for_other_content));
    suite_add(&suite, CASE(dates_of_any_year_are_taken));
    suite_add_rows(&suite, came_row, ROWS(came_rows));
    suite_add(&suite, CASE(what_may_not_be_read_is_forbidden));
    suite_add(&suite, CASE(without_descriptors_it_is_busy));
    suite_add(&suite, CASE(a_docroot_has_to_be_a_folder_that_is_there));
    suite_add(&suite, CASE(what_has_not_changed_is_the_same));
    suite_add(&suite, CASE(what_has_changed_is_another));
    suite_add(&suite, CASE(a_change_within_one_tick_is_seen));
    suite_add(&suite, CASE(a_change_set_back_in_time_is_seen));
    suite_add(&suite, CASE(an_etag_is_of_the_file_alone));
    suite_add(&suite, CASE(a_large_file_changed_just_now_has_a_weak_tag));
    suite_add(&suite, CASE(each_part_of_an_identity_counts));
    suite_add(&suite, CASE(siblings_that_are_not_older_are_known));
    suite_add(&suite, CASE(each_coding_is_found_by_its_ending));
    suite_add(&suite, CASE(each_coding_has_an_etag_of_its_own));
    suite_add(&suite, CASE(a_sibling_that_is_no_file_does_not_count));
    suite_add(&suite, CASE(siblings_are_asked_for_again_with_their_file));
    suite_add(&suite, CASE(a_file_is_intact_until_its_content_changes));
    suite_add(&suite, CASE(without_openat2_no_link_is_followed));
    suite_frame(&suite, stored_begin, stored_finish);
    return suite_run(&suite, "server/store");
}
