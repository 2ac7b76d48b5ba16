/* Request and site give a reply: what is looked up, and what is said of what was found. */
#include "server/answer.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static struct site site;
static struct request request;
static struct answer answer;
static struct guard guard;
static char asked[2048];
static struct file file;

static int begin(void **state)
{
    (void)state;
    site = (struct site){.fields = BYTES("Server: cristo\r\n")};
    guard_init(&guard, 4096);
    file = (struct file){
        .fd = -1,
        .size = 100,
        .content = {"", 100},
        .validators = {.exists = true, .etag = BYTES("\"tag\""), .last_modified = 1000000000},
        .type = BYTES("Content-Type: x/y\r\n"),
        .fields = BYTES("ETag: \"tag\"\r\n"),
        .shared = BYTES("ETag: \"tag\"\r\n"),
    };
    atomic_init(&file.references, 1000);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    guard_finish(&guard);
    return 0;
}

/* Begins with "METHOD TARGET" and these field lines; the path lies in room that ends where nothing
 * is mapped. */
static enum answer_next ask(const char *line, const char *fields)
{
    const struct request_limits limits = {2000, 1000, 50};
    const char *why = NULL;
    snprintf(asked, sizeof(asked), "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", line, fields);
    assert_int_equal(request_read(bytes_of(asked), &limits, &request, &why), REQUEST_COMPLETE);
    char *room = guard_room(&guard, ANSWER_ROOM(request.target.len));
    return answer_begin(&answer, &site, &request, room);
}

static char written[8192];

/* The reply as it is written, but for the status line and the fields of the moment. */
static struct bytes write_answer(void)
{
    struct head head = {written, sizeof(written), 0};
    reply_write(&answer.reply, &site, &head);
    assert_false(head_overflowed(&head));
    return head_bytes(&head);
}

static bool says(struct bytes text, const char *words)
{
    return memmem(text.at, text.len, words, strlen(words)) != NULL;
}

/* --- what is looked up ------------------------------------------------------------------------ */

struct path_row {
    const char *name;
    const char *line;
    const char *path;
};

static const struct path_row path_rows[] = {
    {"root_stands_for_its_index", "GET /", "index.html"},
    {"folder_stands_for_its_index", "GET /a/b/", "a/b/index.html"},
    {"file", "GET /a/b.txt", "a/b.txt"},
    {"head_looks_for_the_same", "HEAD /a/b.txt", "a/b.txt"},
    {"query_is_no_part_of_it", "GET /a?b=/c/", "a"},
    {"dot_segments_are_gone", "GET /a/./b/../c", "a/c"},
    {"nothing_leads_above_the_root", "GET /../../a", "a"},
    {"dots_in_a_name_stay", "GET /a..b", "a..b"},
    {"escapes_are_read_once", "GET /%2561", "%61"},
    {"slashes_collapse", "GET //a///b", "a/b"},
    {"host_of_an_absolute_target_is_dropped", "GET http://b/a", "a"},
    {"absolute_target_without_a_path", "GET http://b", "index.html"},
    {"folder_by_dot_segment", "GET /a/b/..", "a/index.html"},
    {"well_known_names_are_not_hidden", "GET /.well-known/a", ".well-known/a"},
};

static void path_row(void **state)
{
    const struct path_row *row = *state;
    assert_int_equal(ask(row->line, ""), ANSWER_FETCH);
    assert_bytes(answer.path, bytes_of(row->path));
    assert_int_equal(answer.path.at[answer.path.len], '\0');
}

static void hidden_names_are_not_looked_up(void **state)
{
    (void)state;
    static const char *const lines[] = {"GET /.a",
                                        "GET /a/.b",
                                        "GET /.a/b",
                                        "GET /%2ea",
                                        "GET /.well-known",
                                        "GET /.well-known/.a",
                                        "GET /a/.well-known/b",
                                        "GET /..a"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        site.dotfiles = false;
        assert_int_equal(ask(lines[i], ""), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, 404);
        site.dotfiles = true;
        assert_int_equal(ask(lines[i], ""), ANSWER_FETCH);
    }
}

static void methods_that_no_file_has_are_refused_before_anything_is_looked_up(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        unsigned status;
    } rows[] = {
        {"POST /a", 405},      {"PUT /a", 405},      {"DELETE /a", 405},    {"PATCH /a", 405},
        {"TRACE /a", 405},     {"CONNECT a:1", 405}, {"CONNECT /%zz", 405}, {"BREW /a", 501},
        {"Get /a", 501},       {"GET *", 400},       {"GET a", 400},        {"GET /%zz", 400},
        {"OPTIONS /%zz", 400}, {"OPTIONS *", 204},   {"OPTIONS /a", 204},   {"OPTIONS /none", 204},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ask(rows[i].line, ""), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, rows[i].status);
        assert_null(answer.reply.file);
        struct bytes text = write_answer();
        assert_int_equal(says(text, "Allow: GET, HEAD, OPTIONS\r\n"),
                         rows[i].status == 405 || rows[i].status == 204);
        assert_true(says(text, "Server: cristo\r\n"));
        assert_int_equal(says(text, "Content-Length"), rows[i].status != 204);
    }
}

/* --- what was found --------------------------------------------------------------------------- */

struct found_row {
    const char *name;
    enum fetch_came came;
    unsigned status;
};

static const struct found_row found_rows[] = {
    {"file_is_200", FETCH_FILE, 200},      {"folder_is_301", FETCH_FOLDER, 301},
    {"nothing_is_404", FETCH_ABSENT, 404}, {"forbidden_is_403", FETCH_FORBIDDEN, 403},
    {"scarcity_is_503", FETCH_BUSY, 503},  {"failure_is_500", FETCH_FAILED, 500},
};

static void found_row(void **state)
{
    const struct found_row *row = *state;
    struct file *found = row->came == FETCH_FILE ? &file : NULL;
    for (int head = 0; head < 2; head++) {
        ask(head ? "HEAD /a" : "GET /a", "");
        assert_int_equal(answer_fetched(&answer, row->came, found, 0), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, row->status);
        assert_ptr_equal(answer.reply.file, found);
        assert_int_equal(answer.reply.head_only, head);
        if (found != NULL) {
            assert_int_equal(answer.reply.slice.end - answer.reply.slice.first, head ? 0 : 100);
        } else {
            struct bytes text = write_answer();
            assert_int_equal(says(text, "<!DOCTYPE html>"), !head);
            assert_true(says(text, "Content-Length: "));
        }
    }
}

static void fallback_is_looked_up_once_for_what_is_absent(void **state)
{
    (void)state;
    site.fallback = BYTES("book.txt");
    assert_int_equal(ask("GET /17", ""), ANSWER_FETCH);
    assert_bytes(answer.path, BYTES("17"));
    assert_int_equal(answer_fetched(&answer, FETCH_ABSENT, NULL, 0), ANSWER_FETCH);
    assert_bytes(answer.path, BYTES("book.txt"));
    static const enum fetch_came then[] = {FETCH_ABSENT, FETCH_FOLDER};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answer_fetched(&answer, then[i], NULL, 0), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, 404);
    }
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, 200);
    assert_int_equal(ask("GET /.hidden", ""), ANSWER_FETCH); /* it is as if nothing were there */
    assert_bytes(answer.path, BYTES("book.txt"));
    ask("GET /17", ""); /* only for what is absent */
    assert_int_equal(answer_fetched(&answer, FETCH_FORBIDDEN, NULL, 0), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, 403);
}

/* A folder without its index is listed, unless a fallback stands in for what is not there. */
static void a_folder_is_listed_where_nothing_stands_in_for_its_index(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *path;
    } rows[] = {{"GET /", ""}, {"HEAD /a/", "a/"}, {"GET /a/b/?c=d/", "a/b/"}, {"GET /a/..", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ask(rows[i].line, ""), ANSWER_FETCH);
        assert_false(answer.listing);
        assert_int_equal(answer_fetched(&answer, FETCH_ABSENT, NULL, 0), ANSWER_FETCH);
        assert_true(answer.listing);
        assert_bytes(answer.path, bytes_of(rows[i].path));
        assert_int_equal(answer.path.at[answer.path.len], '\0');
        assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, 200);

        ask(rows[i].line, "");
        answer_fetched(&answer, FETCH_ABSENT, NULL, 0);
        assert_int_equal(answer_fetched(&answer, FETCH_ABSENT, NULL, 0), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, 404);

        site.fallback = BYTES("book.txt");
        ask(rows[i].line, "");
        assert_int_equal(answer_fetched(&answer, FETCH_ABSENT, NULL, 0), ANSWER_FETCH);
        assert_false(answer.listing);
        assert_bytes(answer.path, BYTES("book.txt"));
        site.fallback = (struct bytes){0};
    }
    static const char *const others[] = {"GET /a", "GET /index.html", "GET /a/index.html"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ask(others[i], "");
        assert_int_equal(answer_fetched(&answer, FETCH_ABSENT, NULL, 0), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, 404);
    }
    ask("GET /a/", ""); /* what is forbidden is not gone round */
    assert_int_equal(answer_fetched(&answer, FETCH_FORBIDDEN, NULL, 0), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, 403);
}

/* RFC 9110 10.2.2: nothing that the client sent gets into the Location but as it is encoded. */
static void a_folder_is_redirected_to_its_encoded_name(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *location;
    } rows[] = {
        {"GET /folder", "Location: /folder/\r\n"},
        {"GET /a%20b/c%C3%A4", "Location: /a%20b/c%C3%A4/\r\n"},
        {"GET /a%0d%0aSet-Cookie:%20b", "Location: /a%0D%0ASet-Cookie%3A%20b/\r\n"},
        {"GET /%3Cscript%3E", "Location: /%3Cscript%3E/\r\n"},
        {"GET //evil.example", "Location: /evil.example/\r\n"},
        {"GET /\\evil.example", "Location: /%5Cevil.example/\r\n"},
        {"GET /folder?a=b%20c", "Location: /folder/?a=b%20c\r\n"},
        {"GET http://a/folder", "Location: /folder/\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ask(rows[i].line, ""), ANSWER_FETCH);
        assert_int_equal(answer_fetched(&answer, FETCH_FOLDER, NULL, 0), ANSWER_REPLY);
        struct bytes text = write_answer();
        if (!says(text, rows[i].location)) {
            print_error("%.*s\n", (int)text.len, text.at);
            fail();
        }
        assert_false(says(text, "script>")); /* nor into the page */
    }
}

/* --- conditions and ranges (RFC 9110 13.2.2, 14.2) -------------------------------------------- */

struct selected_row {
    const char *name;
    const char *method;
    const char *fields;
    unsigned status;
    uint64_t first, end;
};

#define DATE "Sun, 09 Sep 2001 01:46:40 GMT" /* that of the file */
#define LATER "Sun, 09 Sep 2001 01:46:41 GMT"
#define EARLIER "Sun, 09 Sep 2001 01:46:39 GMT"

static const struct selected_row selected_rows[] = {
    {"none", "GET", "", 200, 0, 100},
    {"range", "GET", "Range: bytes=10-19\r\n", 206, 10, 20},
    {"range_of_all", "GET", "Range: bytes=0-\r\n", 206, 0, 100},
    {"range_clipped", "GET", "Range: bytes=90-200\r\n", 206, 90, 100},
    {"suffix", "GET", "Range: bytes=-1\r\n", 206, 99, 100},
    {"unsatisfiable", "GET", "Range: bytes=100-\r\n", 416, 0, 0},
    {"one_of_several_that_can_be_met", "GET", "Range: bytes=0-1,100-\r\n", 206, 0, 2},
    {"several_that_overlap_are_ignored", "GET", "Range: bytes=0-9,9-10\r\n", 200, 0, 100},
    {"many_that_are_longer_than_all_are_ignored", "GET", "Range: bytes=0-1,3-3,5-5,7-7,9-9\r\n",
     200, 0, 100},
    {"malformed_range_is_ignored", "GET", "Range: bytes=5-4\r\n", 200, 0, 100},
    {"other_unit_is_ignored", "GET", "Range: pages=1-2\r\n", 200, 0, 100},
    {"range_of_head_is_ignored", "HEAD", "Range: bytes=10-19\r\n", 200, 0, 0},
    {"none_match", "GET", "If-None-Match: \"tag\"\r\n", 304, 0, 0},
    {"none_match_weakly", "GET", "If-None-Match: W/\"tag\"\r\n", 304, 0, 0},
    {"none_match_for_head", "HEAD", "If-None-Match: *\r\n", 304, 0, 0},
    {"none_match_of_another", "GET", "If-None-Match: \"x\", \"y\"\r\n", 200, 0, 100},
    {"match", "GET", "If-Match: \"x\", \"tag\"\r\n", 200, 0, 100},
    {"match_fails", "GET", "If-Match: \"x\"\r\n", 412, 0, 0},
    {"match_is_strong", "GET", "If-Match: W/\"tag\"\r\n", 412, 0, 0},
    {"modified_since", "GET", "If-Modified-Since: " EARLIER "\r\n", 200, 0, 100},
    {"not_modified_since", "GET", "If-Modified-Since: " DATE "\r\n", 304, 0, 0},
    {"unmodified_since", "GET", "If-Unmodified-Since: " DATE "\r\n", 200, 0, 100},
    {"unmodified_since_fails", "GET", "If-Unmodified-Since: " EARLIER "\r\n", 412, 0, 0},
    {"tag_before_date", "GET", "If-None-Match: \"x\"\r\nIf-Modified-Since: " LATER "\r\n", 200, 0,
     100},
    {"match_before_none_match", "GET", "If-Match: \"x\"\r\nIf-None-Match: \"tag\"\r\n", 412, 0, 0},
    {"condition_before_range", "GET", "If-None-Match: \"tag\"\r\nRange: bytes=200-\r\n", 304, 0, 0},
    {"condition_met_then_range", "GET", "If-Match: \"tag\"\r\nRange: bytes=1-2\r\n", 206, 1, 3},
    {"if_range_of_this_file", "GET", "If-Range: \"tag\"\r\nRange: bytes=1-2\r\n", 206, 1, 3},
    {"if_range_of_another", "GET", "If-Range: \"x\"\r\nRange: bytes=1-2\r\n", 200, 0, 100},
    {"if_range_of_another_and_beyond", "GET", "If-Range: \"x\"\r\nRange: bytes=200-\r\n", 200, 0,
     100},
    {"if_range_by_date", "GET", "If-Range: " DATE "\r\nRange: bytes=1-2\r\n", 206, 1, 3},
    {"if_range_by_another_date", "GET", "If-Range: " LATER "\r\nRange: bytes=1-2\r\n", 200, 0, 100},
    {"if_range_alone", "GET", "If-Range: \"x\"\r\n", 200, 0, 100},
};

static void selected_row(void **state)
{
    const struct selected_row *row = *state;
    char line[32];
    snprintf(line, sizeof(line), "%s /a", row->method);
    assert_int_equal(ask(line, row->fields), ANSWER_FETCH);
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 2000000000), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, row->status);
    assert_int_equal(answer.reply.slice.first, row->first);
    assert_int_equal(answer.reply.slice.end, row->end);
    assert_ptr_equal(answer.reply.file, &file); /* it is let go of with the reply */
    if (row->status == 206) {
        char range[64];
        struct bytes text = write_answer();
        snprintf(range, sizeof(range), "Content-Range: bytes %u-%u/100\r\n", (unsigned)row->first,
                 (unsigned)row->end - 1);
        assert_true(says(text, range));
        snprintf(range, sizeof(range), "Content-Length: %u\r\n", (unsigned)(row->end - row->first));
        assert_true(says(text, range));
        assert_true(says(text, "Content-Type: x/y\r\n"));
    } else if (row->status == 304) {
        struct bytes text = write_answer();
        assert_true(says(text, "ETag: \"tag\"\r\n"));
        assert_false(says(text, "Content-"));
    } else if (row->status == 416) {
        assert_true(says(write_answer(), "Content-Range: bytes */100\r\n"));
    }
}

/* --- several ranges (RFC 9110 14.6, 15.3.7.2) ------------------------------------------------- */

static void several_ranges_are_parts(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /a", "Range: bytes=10-19, 0-0,-1\r\n"), ANSWER_FETCH);
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, 206);
    assert_ptr_equal(answer.reply.multipart, &answer.multipart);
    static const struct slice slices[] = {{10, 20}, {0, 1}, {99, 100}};
    assert_int_equal(answer.multipart.count, 3);
    assert_memory_equal(answer.slices, slices, sizeof(slices));
    multipart_bound(&answer.multipart, 1, 2);
    struct bytes text = write_answer();
    assert_true(says(text, "Content-Type: multipart/byteranges; "
                           "boundary=00000000000000010000000000000002\r\n"));
    assert_true(says(text, "ETag: \"tag\"\r\n"));
    assert_false(says(text, "Content-Range")); /* it is said of each part */
    assert_false(says(text, "x/y"));
    char length[64];
    snprintf(length, sizeof(length), "Content-Length: %ju\r\n",
             (uintmax_t)multipart_size(&answer.multipart));
    assert_true(says(text, length));
}

/* RFC 9110 14.2: no request is answered by more than the whole and a little. */
static void many_small_ranges_are_parts_when_that_is_shorter(void **state)
{
    (void)state;
    char fields[1000] = "Range: bytes=0-0";
    file.size = 1000000;
    for (unsigned ranges = 1; ranges <= RANGES_MOST + 1; ranges++) {
        char line[1024];
        snprintf(line, sizeof(line), "%s\r\n", fields);
        ask("GET /a", line);
        answer_fetched(&answer, FETCH_FILE, &file, 0);
        assert_int_equal(answer.reply.status, ranges <= RANGES_MOST ? 206 : 200);
        assert_int_equal(answer.reply.multipart != NULL, ranges > 1 && ranges <= RANGES_MOST);
        file.size = 300;
        ask("GET /a", line);
        answer_fetched(&answer, FETCH_FILE, &file, 0);
        assert_int_equal(answer.reply.status, ranges <= RANGES_ALWAYS ? 206 : 200);
        file.size = 1000000;
        snprintf(fields + strlen(fields), 20, ",%u-%u", 2 * ranges, 2 * ranges);
    }
}

static void ranges_of_a_head_are_ignored(void **state)
{
    (void)state;
    ask("HEAD /a", "Range: bytes=0-0,5-5\r\n");
    answer_fetched(&answer, FETCH_FILE, &file, 0);
    assert_int_equal(answer.reply.status, 200);
    assert_null(answer.reply.multipart);
}

/* --- stored codings (RFC 9110 12.5.3) --------------------------------------------------------- */

static void a_stored_coding_is_looked_up_in_its_turn(void **state)
{
    (void)state;
    file.siblings = 1 << CODING_GZIP;
    unsigned before = atomic_load(&file.references);
    assert_int_equal(ask("GET /a", "Accept-Encoding: br, gzip\r\n"), ANSWER_FETCH);
    assert_int_equal(answer.coding, CODING_NONE);
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_FETCH);
    assert_int_equal(answer.coding, CODING_GZIP);
    assert_bytes(answer.path, BYTES("a"));
    assert_int_equal(atomic_load(&file.references), before - 1); /* it is let go of */
    static struct file packed;
    packed = file;
    packed.coding = CODING_GZIP;
    packed.siblings = 0;
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &packed, 0), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, 200);
    assert_ptr_equal(answer.reply.file, &packed);
}

static void a_coding_that_has_gone_is_done_without(void **state)
{
    (void)state;
    static const enum fetch_came cames[] = {FETCH_ABSENT, FETCH_FOLDER, FETCH_FORBIDDEN, FETCH_BUSY,
                                            FETCH_FAILED};
    file.siblings = 1 << CODING_GZIP;
    for (size_t i = 0; i < sizeof(cames) / sizeof(cames[0]); i++) {
        ask("GET /a", "Accept-Encoding: gzip\r\n");
        assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_FETCH);
        assert_int_equal(answer_fetched(&answer, cames[i], NULL, 0), ANSWER_FETCH);
        assert_int_equal(answer.coding, CODING_NONE);
        assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
        assert_int_equal(answer.reply.status, 200);
    }
}

static void the_fallback_has_codings_too(void **state)
{
    (void)state;
    site.fallback = BYTES("book.txt");
    file.siblings = 1 << CODING_ZSTD;
    ask("GET /17", "Accept-Encoding: zstd\r\n");
    assert_int_equal(answer_fetched(&answer, FETCH_ABSENT, NULL, 0), ANSWER_FETCH);
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_FETCH);
    assert_bytes(answer.path, BYTES("book.txt"));
    assert_int_equal(answer.coding, CODING_ZSTD);
}

/* What hangs on Accept-Encoding says so, whatever its status (RFC 9110 12.5.5). */
static void an_error_page_of_what_varies_says_so(void **state)
{
    (void)state;
    file.siblings = 1 << CODING_GZIP;
    static const char *const fields[] = {"If-Match: \"x\"\r\n", "Range: bytes=100-\r\n"};
    for (int i = 0; i < 2; i++) {
        file.siblings = 1 << CODING_GZIP;
        ask("GET /a", fields[i]);
        assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
        assert_true(says(write_answer(), "Vary: Accept-Encoding\r\n"));
        file.siblings = 0;
        ask("GET /a", fields[i]);
        assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
        assert_false(says(write_answer(), "Vary"));
    }
    ask("GET /a", "Accept-Encoding: *;q=0\r\n");
    assert_int_equal(answer_fetched(&answer, FETCH_FILE, &file, 0), ANSWER_REPLY);
    assert_int_equal(answer.reply.status, 406);
    assert_null(answer.reply.file);
    assert_true(says(write_answer(), "Vary: Accept-Encoding\r\n"));
}

/* --- pages ------------------------------------------------------------------------------------ */

static void a_page_is_as_long_as_it_says(void **state)
{
    (void)state;
    static const unsigned statuses[] = {301, 400, 403, 404, 405, 408, 412, 413,
                                        414, 416, 417, 431, 500, 501, 503, 505};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        reply_refuse(&answer.reply, statuses[i], "Why it is so.");
        answer.reply.folder = BYTES("x");
        answer.reply.file = &file;
        struct bytes text = write_answer();
        const char *end = memmem(text.at, text.len, "\r\n\r\n", 4);
        const char *length = memmem(text.at, text.len, "Content-Length: ", 16);
        assert_non_null(end);
        assert_non_null(length);
        assert_int_equal(strtoul(length + 16, NULL, 10), text.at + text.len - (end + 4));
        char digits[8];
        snprintf(digits, sizeof(digits), "%u ", statuses[i]);
        assert_true(says(text, digits));
        assert_true(says(text, "Why it is so."));

        answer.reply.head_only = true; /* the same head, and no page */
        struct bytes head = write_answer();
        assert_int_equal(head.len, end + 4 - text.at);
        assert_memory_equal(head.at + head.len - 4, "\r\n\r\n", 4);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, path_row, ROWS(path_rows));
    suite_add(&suite, CASE(hidden_names_are_not_looked_up));
    suite_add(&suite, CASE(methods_that_no_file_has_are_refused_before_anything_is_looked_up));
    suite_add_rows(&suite, found_row, ROWS(found_rows));
    suite_add(&suite, CASE(fallback_is_looked_up_once_for_what_is_absent));
    suite_add(&suite, CASE(a_folder_is_listed_where_nothing_stands_in_for_its_index));
    suite_add(&suite, CASE(a_folder_is_redirected_to_its_encoded_name));
    suite_add_rows(&suite, selected_row, ROWS(selected_rows));
    suite_add(&suite, CASE(several_ranges_are_parts));
    suite_add(&suite, CASE(many_small_ranges_are_parts_when_that_is_shorter));
    suite_add(&suite, CASE(ranges_of_a_head_are_ignored));
    suite_add(&suite, CASE(a_stored_coding_is_looked_up_in_its_turn));
    suite_add(&suite, CASE(a_coding_that_has_gone_is_done_without));
    suite_add(&suite, CASE(the_fallback_has_codings_too));
    suite_add(&suite, CASE(an_error_page_of_what_varies_says_so));
    suite_add(&suite, CASE(a_page_is_as_long_as_it_says));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/answer");
}
