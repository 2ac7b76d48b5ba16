/* What a folder is said to hold. */
#include "server/store/listing.h"

#include "server/store/store.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/server/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;
static struct beneath beneath;
static struct bytes page;
static int descriptors;

static int begin(void **state)
{
    (void)state;
    descriptors = descriptors_open();
    page = (struct bytes){0};
    folder_init(&folder);
    assert_int_equal(beneath_init(&beneath, folder.path), 0);
    return 0;
}

static void forget_page(void)
{
    free((char *)(uintptr_t)page.at);
    page = (struct bytes){0};
}

static int finish(void **state)
{
    (void)state;
    forget_page();
    beneath_finish(&beneath);
    folder_finish(&folder);
    assert_int_equal(descriptors_open(), descriptors);
    return 0;
}

static int list(const char *path, bool dotfiles)
{
    struct listing listing = {&beneath, bytes_of(path), dotfiles};
    forget_page();
    return listing_write(&listing, &page);
}

static const char *where(const char *words)
{
    return memmem(page.at, page.len, words, strlen(words));
}

static bool says(const char *words)
{
    return where(words) != NULL;
}

static void files_and_folders_are_named_with_size_and_date(void **state)
{
    (void)state;
    folder_write(&folder, "b.txt", BYTES("0123456789"));
    folder_date(&folder, "b.txt", (struct timespec){1000000000, 5});
    folder_make(&folder, "sub");
    folder_date(&folder, "sub", (struct timespec){0, 0});
    assert_int_equal(list("", false), 0);
    assert_true(says("<title>/</title>"));
    assert_true(says("<tr><td><a href=\"b.txt\">b.txt</a><td>10<td>2001-09-09 01:46\n"));
    assert_true(says("<tr><td><a href=\"sub/\">sub/</a><td><td>1970-01-01 00:00\n"));
    assert_false(says("../"));
    assert_false(says("There is more"));
    folder_write(&folder, "sub/c.txt", BYTES(""));
    assert_int_equal(list("sub/", false), 0);
    assert_true(says("<title>/sub/</title>"));
    assert_true(says("<a href=\"../\">../</a>"));
    assert_true(says("<a href=\"c.txt\">c.txt</a><td>0<td>"));
    assert_false(says("b.txt"));
}

static void folders_come_first_and_each_kind_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"B/", "a/", "10.txt", "9.txt", "Z.txt", "b.txt"};
    folder_write(&folder, "b.txt", BYTES(""));
    folder_write(&folder, "9.txt", BYTES(""));
    folder_make(&folder, "a");
    folder_write(&folder, "10.txt", BYTES(""));
    folder_write(&folder, "Z.txt", BYTES(""));
    folder_make(&folder, "B");
    assert_int_equal(list("", false), 0);
    const char *before = page.at;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char words[40];
        snprintf(words, sizeof(words), "\">%s</a>", names[i]);
        assert_non_null(where(words));
        assert_true(where(words) > before);
        before = where(words);
    }
}

static void names_are_escaped_in_text_and_encoded_in_links(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *row;
    } rows[] = {
        {"<script>alert(1)<script>", "<a href=\"%3Cscript%3Ealert%281%29%3Cscript%3E\">"
                                     "&lt;script&gt;alert(1)&lt;script&gt;</a>"},
        {"\" onclick=\"x", "<a href=\"%22%20onclick%3D%22x\">&quot; onclick=&quot;x</a>"},
        {"javascript:alert(1)", "<a href=\"javascript%3Aalert%281%29\">javascript:alert(1)</a>"},
        {"a&b'c", "<a href=\"a%26b%27c\">a&amp;b&#39;c</a>"},
        {"%41?x#y", "<a href=\"%2541%3Fx%23y\">%41?x#y</a>"},
        {"line\r\nend", "<a href=\"line%0D%0Aend\">line\xef\xbf\xbd\xef\xbf\xbd"
                        "end</a>"},
        {"\xe9t\xe9", "<a href=\"%E9t%E9\">\xef\xbf\xbdt\xef\xbf\xbd</a>"},
        {"\xc3\xa9t\xc3\xa9", "<a href=\"%C3%A9t%C3%A9\">\xc3\xa9t\xc3\xa9</a>"},
        {"\\evil.example", "<a href=\"%5Cevil.example\">\\evil.example</a>"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        folder_write(&folder, rows[i].name, BYTES(""));
    }
    folder_make(&folder, "<b>");
    assert_int_equal(list("", false), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!says(rows[i].row)) {
            print_error("%s\n", rows[i].row);
            fail();
        }
    }
    assert_false(says("<script"));
    assert_int_equal(list("<b>/", false), 0);
    assert_true(says("<h1>/&lt;b&gt;/</h1>"));
}

static void what_would_not_be_served_is_not_named(void **state)
{
    (void)state;
    folder_write(&folder, "a.txt", BYTES(""));
    folder_write(&folder, ".hidden", BYTES(""));
    folder_make(&folder, ".git");
    folder_make(&folder, "sub");
    folder_write(&folder, "sub/b.txt", BYTES("12345"));
    assert_int_equal(mkfifo(folder_path(&folder, "fifo"), 0644), 0);
    folder_link(&folder, "inside", "a.txt");
    folder_link(&folder, "to-sub", "sub");
    folder_link(&folder, "sub/up", "../a.txt");
    folder_link(&folder, "out", "/etc/passwd");
    folder_link(&folder, "out-folder", "../..");
    folder_link(&folder, "nowhere", "none");
    folder_link(&folder, "loop", "loop");
    static const char *const unnamed[] = {"fifo", "out", "nowhere", "loop", "\"./", "\"../"};
    for (int dotfiles = 0; dotfiles < 2; dotfiles++) {
        assert_int_equal(list("", dotfiles), 0);
        assert_true(says("\"a.txt\"") && says("\"sub/\""));
        assert_true(says("\"inside\"") && says("\"to-sub/\""));
        for (size_t i = 0; i < sizeof(unnamed) / sizeof(unnamed[0]); i++) {
            assert_false(says(unnamed[i]));
        }
        assert_int_equal(says("hidden"), dotfiles);
        assert_int_equal(says("\".git/\""), dotfiles);
    }
    assert_int_equal(list("sub/", false), 0);
    assert_true(says("\"up\""));
    assert_int_equal(list("to-sub/", false), 0); /* by a link to it, too */
    assert_true(says("\"b.txt\""));
}

/* As somebody whom permissions bind. */
static void what_may_not_be_read_is_not_named(void **state)
{
    (void)state;
    bool is_root = geteuid() == 0;
    folder_write(&folder, "a.txt", BYTES(""));
    folder_write(&folder, "closed.txt", BYTES(""));
    folder_make(&folder, "closed");
    assert_int_equal(chmod(folder.path, 0755), 0);
    assert_int_equal(chmod(folder_path(&folder, "closed.txt"), 0), 0);
    assert_int_equal(chmod(folder_path(&folder, "closed"), 0), 0);
    if (is_root) {
        assert_int_equal(seteuid(65534), 0);
    }
    int root = list("", false);
    bool names_closed = says("closed");
    bool names_open = says("a.txt");
    int closed = list("closed/", false);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(chmod(folder_path(&folder, "closed"), 0755), 0);
    assert_int_equal(root, 0);
    assert_true(names_open && !names_closed);
    assert_int_equal(closed, -EACCES);
}

static void what_is_no_folder_is_not_listed(void **state)
{
    (void)state;
    folder_write(&folder, "a.txt", BYTES(""));
    folder_link(&folder, "out", "/etc");
    assert_int_equal(list("none/", false), -ENOENT);
    assert_int_equal(list("a.txt/", false), -ENOTDIR);
    assert_int_equal(list("out/", false), -EXDEV);
    assert_int_equal(list("../", false), -EXDEV);
}

static void an_empty_folder_is_listed(void **state)
{
    (void)state;
    assert_int_equal(list("", false), 0);
    assert_true(says("<table>") && says("</table>"));
}

/* So many, and not one more. */
static void a_page_names_a_bounded_number_and_says_so(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < LISTING_ENTRIES; i++) {
        snprintf(name, sizeof(name), "%05d", i);
        folder_write(&folder, name, BYTES(""));
    }
    assert_int_equal(list("", false), 0);
    assert_false(says("There is more"));
    assert_true(says("\"00000\"") && says("\"04999\""));
    folder_write(&folder, "more", BYTES(""));
    assert_int_equal(list("", false), 0);
    assert_true(says("<p>There is more in this folder: only 5000 entries are listed.</p>"));
}

/* Long names are cut by the bytes of the page. */
static void a_page_is_bounded_in_bytes_and_says_so(void **state)
{
    (void)state;
    char name[256];
    memset(name, '\'', sizeof(name) - 1); /* five bytes in the text, three in the link */
    for (int i = 0; i < 600; i++) {
        snprintf(name + 251, 5, "%04d", i);
        folder_write(&folder, name, BYTES(""));
    }
    assert_int_equal(list("", false), 0);
    assert_in_range(page.len, LISTING_BYTES - 4096, LISTING_BYTES + 200);
    assert_true(says("There is more"));
    assert_true(says("</table>\n"));
}

/* --- as the store makes it -------------------------------------------------------------------- */

static struct file *fetch_listing(const struct store *store, struct file *known)
{
    struct fetch fetch = {.path = BYTES(""), .listing = true, .known = known};
    fetch_open(&fetch, store);
    assert_int_equal(fetch.came, FETCH_FILE);
    file_release(known);
    return fetch.file;
}

/* RFC 9110 8.8: what it says is all that it is known by; whether it still holds nothing tells but
 * to read the folder again. */
static void a_listing_is_the_same_as_long_as_it_says_the_same(void **state)
{
    (void)state;
    struct store *store = store_create(&(struct store_options){
        .docroot = folder.path, .fields = BYTES("Server: cristo\r\n"), .in_memory = 10});
    assert_non_null(store);
    folder_write(&folder, "a.txt", BYTES(""));
    struct file *first = fetch_listing(store, NULL);
    assert_int_equal(first->fd, -1); /* however large it is */
    assert_true(first->racy && first->validators.undated && !first->validators.weak);
    assert_non_null(memmem(first->head.at, first->head.len, "text/html; charset=utf-8", 24));
    assert_null(memmem(first->head.at, first->head.len, "Last-Modified", 13));
    assert_ptr_equal(fetch_listing(store, file_hold(first)), first);
    file_release(first);
    folder_write(&folder, "a.txt", BYTES("grown"));
    struct file *second = fetch_listing(store, file_hold(first));
    assert_ptr_not_equal(second, first);
    assert_false(bytes_equal(second->validators.etag, first->validators.etag));
    file_release(first);
    file_release(second);
    store_destroy(store);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(files_and_folders_are_named_with_size_and_date));
    suite_add(&suite, CASE(folders_come_first_and_each_kind_by_name));
    suite_add(&suite, CASE(names_are_escaped_in_text_and_encoded_in_links));
    suite_add(&suite, CASE(what_would_not_be_served_is_not_named));
    suite_add(&suite, CASE(what_may_not_be_read_is_not_named));
    suite_add(&suite, CASE(what_is_no_folder_is_not_listed));
    suite_add(&suite, CASE(an_empty_folder_is_listed));
    suite_add(&suite, CASE(a_page_names_a_bounded_number_and_says_so));
    suite_add(&suite, CASE(a_page_is_bounded_in_bytes_and_says_so));
    suite_add(&suite, CASE(a_listing_is_the_same_as_long_as_it_says_the_same));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/listing");
}
