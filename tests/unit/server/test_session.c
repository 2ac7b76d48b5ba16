/* The life of a request: what is asked for, step by step, and what leaves. */
#include "tests/unit/server/one_talk.h"

#include "lib/base/clock.h"

#include <stdio.h>

#define HEAD(path) "HEAD " path HOST "\r\n"

/* --- one request ------------------------------------------------------------------------------ */

static void a_request_is_read_looked_up_and_sent(void **state)
{
    (void)state;
    talk_begin(&talk);
    assert_step(&talk, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_IDLE);
    assert_true(session_at_rest(&talk.session));

    talk_said(&talk, BYTES("GET /a.txt HTTP/1.1\r\nHo"));
    assert_step(&talk, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_HEAD);
    assert_false(session_at_rest(&talk.session));

    talk_said(&talk, BYTES("st: a\r\n\r\n"));
    assert_step(&talk, STEP_FETCH);
    assert_bytes(talk.step.fetch->path, BYTES("a.txt"));
    assert_false(talk.step.fetch->warm_only); /* nothing is kept waiting by it */

    talk_looked_up(&talk);
    assert_step(&talk, STEP_SEND);
    assert_null(talk.step.send.file);

    talk_sent(&talk, 0);
    assert_step(&talk, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_IDLE);
    assert_true(session_at_rest(&talk.session));
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.at[0].status, 200);
    assert_bytes(replies.at[0].body, BYTES("0123456789"));
    assert_bytes(seen_field(&replies.at[0], "Date"), BYTES("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_false(replies.at[0].closes);
    talk_end(&talk);
}

static void delay_comes_before_work_and_work_before_the_file(void **state)
{
    (void)state;
    talk.site.delays = true;
    talk.site.delay_low_ns = talk.site.delay_high_ns = NS_PER_S;
    talk.site.compute = 5;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt")));
    assert_step(&talk, STEP_WAIT);
    talk_step(&talk);
    assert_step(&talk, STEP_WORK);
    talk_step(&talk);
    assert_step(&talk, STEP_FETCH);
    talk_step(&talk);
    assert_step(&talk, STEP_SEND);
    talk_end(&talk);
}

/* What is asked for, what it is answered. The connection goes on after all of these. */
struct exchange_row {
    const char *name;
    const char *request;
    char method;
    unsigned status;
    const char *body;  /* NULL: a page, or none */
    const char *field; /* one that has to be there, and its value */
    const char *value;
};

static const struct exchange_row exchange_rows[] = {
    {"file_in_memory_is_200", GET("/a.txt"), 'G', 200, "0123456789", "Content-Type", "text/plain"},
    {"file_on_disk_is_200", GET("/disk"), 'G', 200, "on disk", "Content-Length", "7"},
    {"empty_file_in_memory_is_200", GET("/empty"), 'G', 200, "", "Content-Length", "0"},
    {"empty_file_on_disk_is_200", GET("/disk/empty"), 'G', 200, "", "Content-Length", "0"},
    {"query_is_no_part_of_the_path", GET("/a.txt?b=c"), 'G', 200, "0123456789", NULL, NULL},
    {"path_is_decoded_once", GET("/%61.t%78t"), 'G', 200, "0123456789", NULL, NULL},
    {"path_stays_below_the_root", GET("/../%2e%2e/a.txt"), 'G', 200, "0123456789", NULL, NULL},
    {"absolute_form_is_a_path_too", GET("http://a/a.txt"), 'G', 200, "0123456789", NULL, NULL},
    {"folder_has_its_index", GET("/folder/"), 'G', 200, "<p>index", NULL, NULL},
    {"folder_without_its_slash_is_301", GET("/folder"), 'G', 301, NULL, "Location", "/folder/"},
    {"redirect_keeps_the_query", GET("/folder?a=b&c"), 'G', 301, NULL, "Location",
     "/folder/?a=b&c"},
    {"what_is_not_there_is_404", GET("/none"), 'G', 404, NULL, NULL, NULL},
    {"folder_without_an_index_is_listed", GET("/bare/"), 'G', 200, "<p>a, b", NULL, NULL},
    {"listing_of_a_head", HEAD("/bare/"), 'H', 200, "", "Content-Length", "7"},
    {"root_that_may_not_be_listed_is_404", GET("/"), 'G', 404, NULL, NULL, NULL},
    {"what_may_not_be_read_is_403", GET("/secret"), 'G', 403, NULL, NULL, NULL},
    {"scarcity_is_503_for_a_moment", GET("/busy"), 'G', 503, NULL, "Retry-After", "1"},
    {"failure_of_the_file_system_is_500", GET("/broken"), 'G', 500, NULL, NULL, NULL},
    {"bad_escape_is_400", GET("/a%2"), 'G', 400, NULL, NULL, NULL},
    {"encoded_nul_is_400", GET("/a.txt%00"), 'G', 400, NULL, NULL, NULL},
    {"encoded_slash_is_400", GET("/folder%2findex.html"), 'G', 400, NULL, NULL, NULL},
    {"options_of_a_file", "OPTIONS /a.txt" HOST "\r\n", 'O', 204, "", "Allow",
     "GET, HEAD, OPTIONS"},
    {"options_of_the_server", "OPTIONS *" HOST "\r\n", 'O', 204, "", "Allow", "GET, HEAD, OPTIONS"},
    {"known_method_is_405", "DELETE /a.txt" HOST "\r\n", 'P', 405, NULL, "Allow",
     "GET, HEAD, OPTIONS"},
    {"trace_is_405", "TRACE /a.txt" HOST "\r\n", 'P', 405, NULL, "Allow", "GET, HEAD, OPTIONS"},
    {"connect_is_405", "CONNECT a:1" HOST "\r\n", 'P', 405, NULL, NULL, NULL},
    {"unknown_method_is_501", "BREW /a.txt" HOST "\r\n", 'P', 501, NULL, NULL, NULL},
    {"method_in_lower_case_is_501", "get /a.txt" HOST "\r\n", 'P', 501, NULL, NULL, NULL},
    {"head_of_a_file_in_memory", HEAD("/a.txt"), 'H', 200, "", "Content-Length", "10"},
    {"head_of_a_file_on_disk", HEAD("/large"), 'H', 200, "", "Content-Length", "716800"},
    {"head_of_a_folder", HEAD("/folder"), 'H', 301, "", "Location", "/folder/"},
    {"head_of_nothing", HEAD("/none"), 'H', 404, "", NULL, NULL},
    {"range_is_206", "GET /a.txt" HOST "Range: bytes=2-4\r\n\r\n", 'G', 206, "234", "Content-Range",
     "bytes 2-4/10"},
    {"range_of_one_byte", "GET /a.txt" HOST "Range: bytes=9-9\r\n\r\n", 'G', 206, "9",
     "Content-Range", "bytes 9-9/10"},
    {"open_range", "GET /a.txt" HOST "Range: bytes=7-\r\n\r\n", 'G', 206, "789", "Content-Length",
     "3"},
    {"suffix_range", "GET /a.txt" HOST "Range: bytes=-2\r\n\r\n", 'G', 206, "89", "Content-Range",
     "bytes 8-9/10"},
    {"suffix_longer_than_the_file_is_all", "GET /a.txt" HOST "Range: bytes=-20\r\n\r\n", 'G', 206,
     "0123456789", "Content-Range", "bytes 0-9/10"},
    {"range_beyond_the_end_is_416", "GET /a.txt" HOST "Range: bytes=10-\r\n\r\n", 'G', 416, NULL,
     "Content-Range", "bytes */10"},
    {"range_in_another_unit_is_ignored", "GET /a.txt" HOST "Range: lines=1-2\r\n\r\n", 'G', 200,
     "0123456789", NULL, NULL},
    {"range_of_a_head_is_ignored", "HEAD /a.txt" HOST "Range: bytes=2-4\r\n\r\n", 'H', 200, "",
     "Content-Length", "10"},
    {"range_on_disk", "GET /disk" HOST "Range: bytes=3-4\r\n\r\n", 'G', 206, "di", "Content-Range",
     "bytes 3-4/7"},
    {"range_on_disk_beyond_the_end", "GET /disk" HOST "Range: bytes=7-8\r\n\r\n", 'G', 416, NULL,
     "Content-Range", "bytes */7"},
    {"same_etag_is_304", "GET /a.txt" HOST "If-None-Match: \"e10\"\r\n\r\n", 'G', 304, "", "ETag",
     "\"e10\""},
    {"same_etag_on_disk_is_304", "GET /disk" HOST "If-None-Match: \"e7\"\r\n\r\n", 'G', 304, "",
     "ETag", "\"e7\""},
    {"other_etag_is_200", "GET /a.txt" HOST "If-None-Match: \"x\"\r\n\r\n", 'G', 200, "0123456789",
     NULL, NULL},
    {"other_etag_expected_is_412", "GET /disk" HOST "If-Match: \"x\"\r\n\r\n", 'G', 412, NULL, NULL,
     NULL},
    {"stored_coding_is_sent", "GET /packed" HOST "Accept-Encoding: gzip\r\n\r\n", 'G', 200,
     "gzip'd", "Content-Length", "6"},
    {"range_of_a_stored_coding",
     "GET /packed" HOST "Accept-Encoding: gzip\r\nRange: bytes=4-\r\n\r\n", 'G', 206, "'d",
     "Content-Range", "bytes 4-5/6"},
    {"several_ranges_of_a_stored_coding_are_ignored",
     "GET /packed" HOST "Accept-Encoding: gzip\r\nRange: bytes=0-0,4-\r\n\r\n", 'G', 200, "gzip'd",
     NULL, NULL},
    {"stored_coding_not_asked_for", GET("/packed"), 'G', 200, "as it is", NULL, NULL},
    {"stored_coding_that_has_gone_is_done_without",
     "GET /packed" HOST "Accept-Encoding: br\r\n\r\n", 'G', 200, "as it is", NULL, NULL},
    {"stored_coding_by_its_own_name", "GET /packed.gz" HOST "Accept-Encoding: gzip\r\n\r\n", 'G',
     200, "gzip'd", NULL, NULL},
    {"no_coding_accepted_is_406", "GET /packed" HOST "Accept-Encoding: identity;q=0\r\n\r\n", 'G',
     406, NULL, "Vary", "Accept-Encoding"},
    {"range_of_another_file_is_the_whole",
     "GET /a.txt" HOST "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n\r\n", 'G', 200, "0123456789", NULL,
     NULL},
};

static void exchange_row(void **state)
{
    const struct exchange_row *row = *state;
    char methods[] = {row->method, 'G', '\0'};
    play(row->request, methods);
    assert_int_equal(replies.count, 1);
    const struct seen *seen = &replies.at[0];
    assert_int_equal(seen->status, row->status);
    assert_bytes(seen_field(seen, "Date"), BYTES("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_bytes(seen_field(seen, "Server"), BYTES("cristo"));
    if (row->body != NULL) {
        assert_bytes(seen->body, bytes_of(row->body));
    } else {
        assert_true(seen->body.len > 0); /* an error says so to its reader */
        assert_bytes(seen_field(seen, "Content-Type"), BYTES("text/html; charset=utf-8"));
    }
    if (row->field != NULL) {
        assert_bytes(seen_field(seen, row->field), bytes_of(row->value));
    }
    assert_false(seen->closes);
    assert_step(&talk, STEP_READ);

    talk_play(&talk, BYTES(GET("/b.txt"))); /* and the next is answered as if nothing had been */
    talk_replies(&talk, &replies, methods);
    assert_int_equal(replies.count, 2);
    assert_bytes(replies.at[1].body, BYTES("The Pharaon"));
    talk_end(&talk);
}

/* RFC 9110 9.3.2: a HEAD has the fields that a GET would have had. */
static void head_has_the_fields_of_get(void **state)
{
    (void)state;
    static const char *const paths[] = {"/a.txt", "/large", "/none", "/folder", "/secret"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char input[256];
        snprintf(input, sizeof(input), "GET %s" HOST "\r\nHEAD %s" HOST "\r\n", paths[i], paths[i]);
        play(input, "GH");
        assert_int_equal(replies.count, 2);
        assert_bytes(replies.at[1].head, replies.at[0].head);
        assert_int_equal(replies.at[1].body.len, 0);
        talk_end(&talk);
    }
}

/* RFC 9110 15.4.5: no content, and no Content-Length of another representation. */
static void not_modified_describes_no_content(void **state)
{
    (void)state;
    play("GET /a.txt" HOST "If-None-Match: *\r\n\r\n", "G");
    assert_int_equal(replies.at[0].status, 304);
    assert_int_equal(seen_field(&replies.at[0], "Content-Type").len, 0);
    assert_int_equal(seen_field(&replies.at[0], "Content-Length").len, 0);
    talk_end(&talk);
}

static void names_with_a_dot_are_hidden_unless_asked_for(void **state)
{
    (void)state;
    static const char input[] = GET("/.x") GET("/folder/.y") GET("/.well-known/z");
    talk_put(&talk, ".x", FETCH_FILE, false, BYTES("x"));
    talk_put(&talk, "folder/.y", FETCH_FILE, false, BYTES("y"));
    talk_put(&talk, ".well-known/z", FETCH_FILE, false, BYTES("z"));
    play(input, "GGG");
    assert_int_equal(replies.at[0].status, 404);
    assert_int_equal(replies.at[1].status, 404);
    assert_int_equal(replies.at[2].status, 200);
    talk_end(&talk);
    talk.site.dotfiles = true;
    play(input, "GGG");
    assert_int_equal(replies.at[0].status, 200);
    assert_int_equal(replies.at[1].status, 200);
    assert_int_equal(replies.at[2].status, 200);
    talk_end(&talk);
}

static void fallback_stands_for_what_is_not_there(void **state)
{
    (void)state;
    talk.site.fallback = BYTES("a.txt");
    play(GET("/17") GET("/none/17") GET("/b.txt") GET("/secret") GET("/.x"), "GGGGG");
    assert_bytes(replies.at[0].body, BYTES("0123456789"));
    assert_bytes(replies.at[1].body, BYTES("0123456789"));
    assert_bytes(replies.at[2].body, BYTES("The Pharaon"));
    assert_int_equal(replies.at[3].status, 403);
    assert_bytes(replies.at[4].body, BYTES("0123456789"));
    talk_end(&talk);

    talk.site.fallback = BYTES("folder");
    play(GET("/17"), "G");
    assert_int_equal(replies.at[0].status, 404);
    talk_end(&talk);

    talk.site.fallback = BYTES("none"); /* and is not looked for again and again */
    play(GET("/17"), "G");
    assert_int_equal(replies.at[0].status, 404);
    assert_true(talk.fetches < 20);
    talk_end(&talk);
}

/* RFC 9112 9.3 */
static void connection_goes_on_as_both_sides_wish(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool goes_on;
        const char *says;
    } rows[] = {
        {"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", true, ""},
        {"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "close"},
        {"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", false, "close"},
        {"GET /a.txt HTTP/1.0\r\n\r\n", false, "close"},
        {"GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"},
        {"GET /none HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"},
        {"GET /none HTTP/1.0\r\n\r\n", false, "close"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        play(rows[i].request, "G");
        assert_int_equal(replies.count, 1);
        assert_bytes(seen_field(&replies.at[0], "Connection"), bytes_of(rows[i].says));
        if (rows[i].goes_on) {
            assert_step(&talk, STEP_READ);
        } else {
            assert_step(&talk, STEP_CLOSE);
            assert_false(talk.step.close.linger); /* the client wished it so, and has said all */
        }
        talk_end(&talk);
    }
}

static void nothing_behind_the_last_request_is_answered(void **state)
{
    (void)state;
    play("GET /a.txt" HOST "Connection: close\r\n\r\n" GET("/b.txt"), "GG");
    assert_int_equal(replies.count, 1);
    assert_step(&talk, STEP_CLOSE);
    assert_true(talk.step.close.linger); /* what came behind it must not reset the reply away */
    talk_end(&talk);
}

static void an_empty_line_may_come_before_a_request(void **state)
{
    (void)state;
    play("\r\n" GET("/a.txt") "\r\n" GET("/b.txt"), "GG");
    assert_int_equal(replies.count, 2);
    assert_step(&talk, STEP_READ);
    talk_end(&talk);
}

/* --- several ranges --------------------------------------------------------------------------- */

/* As they lie in the one content that is large enough: in memory and on disk. */
static struct bytes put_wide(bool on_disk)
{
    struct bytes content = talk_book(&talk, "large")->content;
    talk_put(&talk, "wide", FETCH_FILE, on_disk, content);
    return content;
}

/* More parts than leave in one call, in memory and on disk. */
static void every_part_comes_in_the_order_asked_for(void **state)
{
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        struct bytes content = put_wide(on_disk);
        char request[1200] = "GET /wide" HOST "Range: bytes=";
        char owed[8192];
        size_t len = 0;
        for (unsigned i = 0; i < RANGES_MOST; i++) {
            unsigned first = (RANGES_MOST - i) * 1000;
            snprintf(request + strlen(request), 40, "%s%u-%u", i > 0 ? "," : "", first, first + i);
            len += (size_t)sprintf(owed + len,
                                   "%s--%032x\r\nContent-Type: text/plain\r\n"
                                   "Content-Range: bytes %u-%u/%zu\r\n\r\n%.*s",
                                   i > 0 ? "\r\n" : "", 0, first, first + i, content.len,
                                   (int)i + 1, content.at + first);
        }
        strcat(request, "\r\n\r\n" GET("/b.txt"));
        len += (size_t)sprintf(owed + len, "\r\n--%032x--\r\n", 0);
        play(request, "GG");
        assert_int_equal(replies.count, 2);
        struct bytes body = replies.at[0].body;
        assert_int_equal(replies.at[0].status, 206);
        assert_int_equal(body.len, len);
        const char *boundary = strndupa(body.at + 2, MULTIPART_BOUNDARY);
        for (char *at = owed; (at = strstr(at, "--000000")) != NULL;) {
            memcpy(at + 2, boundary, MULTIPART_BOUNDARY);
        }
        assert_bytes(body, ((struct bytes){owed, len}));
        assert_bytes(replies.at[1].body, BYTES("The Pharaon"));
        talk_end(&talk);
    }
}

/* Nobody can put into a file what will part it: no boundary comes twice, nor can be foretold. */
static void every_reply_has_a_boundary_of_its_own(void **state)
{
    (void)state;
    char seen[6][64];
    for (int i = 0; i < 6; i++) {
        talk.site.secret.key[0] = (uint64_t)i / 2;
        talk_begin(&talk);
        atomic_store(&talk.site.boundaries, (unsigned)i % 2 * 2);
        talk_play(&talk, BYTES("GET /a.txt" HOST "Range: bytes=0-0,5-5\r\n\r\n"));
        talk_replies(&talk, &replies, "G");
        struct bytes type = seen_field(&replies.at[0], "Content-Type");
        snprintf(seen[i], sizeof(seen[i]), "%.*s", MULTIPART_BOUNDARY,
                 type.at + type.len - MULTIPART_BOUNDARY);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(seen[i], seen[j]);
        }
        talk_end(&talk);
    }
}

/* --- however it is cut ------------------------------------------------------------------------ */

/* All that a client may rightly say, and some wrong things, in one breath. */
static const char *const streams[] = {
    GET("/a.txt"),
    GET("/a.txt") GET("/b.txt") HEAD("/large") GET("/none") GET("/empty"),
    GET("/large") GET("/a.txt"),
    "GET /large" HOST "Range: bytes=262100-262200\r\n\r\n" GET("/disk") GET("/disk/empty"),
    GET("/b.txt") "GET /a.txt" HOST "Range: bytes=0-0,2-3,-1\r\n\r\n" GET("/b.txt"),
    "GET /large" HOST "Range: bytes=-9,0-0,1-300000,400000-400000\r\n\r\n" GET("/disk"),
    "GET /packed" HOST
    "Accept-Encoding: gzip\r\n\r\n" GET("/packed") "GET /packed" HOST "Accept-Encoding: br\r\n\r\n"
                                                   "HEAD /packed" HOST
                                                   "Accept-Encoding: *;q=0\r\n\r\n" GET("/a.txt"),
    "POST /a.txt" HOST "Content-Length: 11\r\n\r\nhello world" GET("/a.txt"),
    "POST /a.txt" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n"
    "T: v\r\n\r\n" GET("/a.txt"),
    "\r\nOPTIONS *" HOST "\r\n" GET("/folder") GET("/folder/") GET("/bare/"),
    GET("/a.txt") "GET /a.txt" HOST "Connection: close\r\n\r\n" GET("/b.txt"),
    GET("/a.txt") "GET /a.txt HTTP/1.1\r\nHost : a\r\n\r\n" GET("/b.txt"),
    GET("/a.txt") "POST /a.txt" HOST "Content-Length: 20000\r\n\r\n" GET("/b.txt"),
    "GET /a.txt" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc" GET("/b.txt"),
    "GET /a.txt HTTP/2.0\r\n\r\n",
};

enum {
    STREAMS = sizeof(streams) / sizeof(streams[0])
};

static char whole[TALK_OUTPUT];
static size_t whole_len;

static void play_whole(const char *stream)
{
    talk.slice = talk.takes = 0;
    talk_begin(&talk);
    talk_play(&talk, bytes_of(stream));
    talk_end(&talk);
    memcpy(whole, talk.output, talk.output_len);
    whole_len = talk.output_len;
}

/* What an interim reply is owed depends on when the body comes (RFC 9110 10.1.1): it is left out
 * of the comparison. */
static void assert_same_as_whole(void)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *found = memmem(talk.output, talk.output_len, interim, sizeof(interim) - 1);
    if (found != NULL && memmem(whole, whole_len, interim, sizeof(interim) - 1) == NULL) {
        char *behind = found + sizeof(interim) - 1;
        memmove(found, behind, (size_t)(talk.output + talk.output_len - behind));
        talk.output_len -= sizeof(interim) - 1;
    }
    assert_int_equal(talk.output_len, whole_len);
    assert_memory_equal(talk.output, whole, whole_len);
}

static void slices_of_any_size_are_answered_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAMS; i++) {
        play_whole(streams[i]);
        for (talk.slice = 1; talk.slice < 80; talk.slice++) {
            talk_begin(&talk);
            talk_play(&talk, bytes_of(streams[i]));
            assert_same_as_whole();
            talk_end(&talk);
        }
    }
}

static void a_cut_anywhere_is_answered_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAMS; i++) {
        play_whole(streams[i]);
        size_t len = strlen(streams[i]);
        for (size_t cut = 1; cut < len; cut++) {
            talk_begin(&talk);
            talk_play(&talk, (struct bytes){streams[i], cut});
            talk_play(&talk, (struct bytes){streams[i] + cut, len - cut});
            assert_same_as_whole();
            talk_end(&talk);
        }
    }
}

static void sends_of_any_size_leave_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAMS; i++) {
        play_whole(streams[i]);
        for (size_t takes = 1; takes < 1000; takes = takes * 3 + 1) {
            talk.takes = whole_len > 100000 ? takes * 100 : takes;
            talk_begin(&talk);
            talk_play(&talk, bytes_of(streams[i]));
            assert_same_as_whole();
            talk_end(&talk);
        }
    }
}

static void unchanged_is_asked_again_in_the_same_words(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt") GET("/large") "GET /b"));
    for (bool more = true; more;) {
        struct step before = talk.step;
        if (before.kind == STEP_READ || before.kind == STEP_LOAD || before.kind == STEP_SEND) {
            talk_tell(&talk, (struct outcome){CAME_UNCHANGED, 0});
            if (before.kind == STEP_SEND && talk.step.kind == STEP_LOAD) {
                talk_loaded(&talk); /* for it may be another by now */
            }
            assert_int_equal(talk.step.kind, before.kind);
            assert_int_equal(talk.step.patience, before.patience);
            assert_int_equal(talk.step.until_ns, before.until_ns);
        }
        if (before.kind == STEP_SEND) {
            assert_int_equal(talk.step.send.count, before.send.count);
            assert_int_equal(talk.step.send.offset, before.send.offset);
            assert_int_equal(talk.step.send.size, before.send.size);
        }
        more = talk_step(&talk);
    }
    talk_replies(&talk, &replies, "GG");
    assert_int_equal(replies.count, 2);
    talk_end(&talk);
}

/* --- several at once -------------------------------------------------------------------------- */

static void pipelined_replies_leave_in_one_send_and_in_order(void **state)
{
    (void)state;
    play(GET("/a.txt") GET("/b.txt") GET("/none") HEAD("/b.txt"), "GGGH");
    assert_int_equal(talk.sends, 1);
    assert_int_equal(replies.count, 4);
    assert_bytes(replies.at[0].body, BYTES("0123456789"));
    assert_bytes(replies.at[1].body, BYTES("The Pharaon"));
    assert_int_equal(replies.at[2].status, 404);
    assert_int_equal(replies.at[3].status, 200);
    talk_end(&talk);
}

static void what_is_ready_leaves_before_more_of_a_head_is_waited_for(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_play(&talk, BYTES(GET("/a.txt") "GET /b.txt"));
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_step(&talk, STEP_READ);
    assert_int_equal(talk.step.patience, PATIENCE_HEAD);
    talk_end(&talk);
}

/* As many as a batch holds, and more than that, come back complete and in order. */
static void batches_are_bounded(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 3 * BATCH_REPLIES; count++) {
        char input[4096] = "";
        char methods[64] = "";
        for (unsigned i = 0; i < count; i++) {
            strcat(input,
                   i % 2 ? "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" : GET("/b.txt"));
            strcat(methods, "G");
        }
        talk.sends = 0;
        talk_begin(&talk);
        for (struct bytes rest = bytes_of(input); rest.len > 0; rest = talk.input) {
            talk_play(&talk, rest);
        }
        talk_replies(&talk, &replies, methods);
        assert_int_equal(replies.count, count);
        for (unsigned i = 0; i < count; i++) {
            assert_bytes(replies.at[i].body, i % 2 ? BYTES("0123456789") : BYTES("The Pharaon"));
        }
        assert_true(talk.sends >= (count + BATCH_REPLIES - 1) / BATCH_REPLIES);
        talk_end(&talk);
    }
}

/* Pages are written into the room for text, which they fill long before there are 16 of them. */
static void room_for_text_is_bounded(void **state)
{
    (void)state;
    static char fields[1024];
    char input[2048] = "";
    memset(fields, 'x', sizeof(fields));
    memcpy(fields, "X: ", 3);
    memcpy(fields + sizeof(fields) - 2, "\r\n", 2);
    talk.site.fields = (struct bytes){fields, sizeof(fields)};
    talk.site.delays = true;
    for (unsigned i = 0; i < 20; i++) {
        strcat(input, i % 3 ? GET("/none") : i % 2 ? GET("/folder") : GET("/a.txt"));
    }
    play(input, "GGGGGGGGGGGGGGGGGGGG");
    assert_int_equal(replies.count, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(replies.at[i].status, i % 3 ? 404 : i % 2 ? 301 : 200);
    }
    talk_end(&talk);
}

/* A Location of any length is sent or refused for its own sake, not for what came before it. */
static void a_long_redirect_is_answered_alike_behind_others(void **state)
{
    (void)state;
    static char input[16384];
    talk.site.limits.request.head = 8192;
    talk.site.limits.request.target = 8000;
    unsigned sent = 0, refused = 0;
    for (int len = 1; len < 6000; len += 97) {
        unsigned alone = 0;
        for (unsigned before = 0; before < BATCH_REPLIES; before++) {
            char methods[BATCH_REPLIES + 3] = "";
            char *at = input;
            for (unsigned i = 0; i < before; i++) {
                at += sprintf(at, i % 3 ? GET("/a.txt") : GET("/none"));
                strcat(methods, "G");
            }
            sprintf(at, "GET /folder?%0*d" HOST "\r\n" GET("/b.txt"), len, 0);
            strcat(methods, "GG");
            play(input, methods);
            assert_int_equal(replies.count, before + 2);
            alone = before == 0 ? replies.at[0].status : alone;
            assert_int_equal(replies.at[before].status, alone);
            assert_bytes(replies.at[before + 1].body, BYTES("The Pharaon"));
            if (alone == 301) {
                assert_int_equal(seen_field(&replies.at[before], "Location").len, 9 + len);
            }
            talk_end(&talk);
        }
        sent += alone == 301;
        refused += alone == 414;
    }
    assert_true(sent > 0 && refused > 0 && sent + refused == 62);
}

static void a_large_file_leaves_in_slices_and_in_its_place(void **state)
{
    (void)state;
    play(GET("/a.txt") GET("/large") GET("/b.txt"), "GGG");
    struct book *large = talk_book(&talk, "large");
    assert_int_equal(replies.count, 3);
    assert_bytes(replies.at[1].body, large->content);
    assert_bytes(replies.at[2].body, BYTES("The Pharaon"));
    assert_true(talk.sends >= 4); /* two slices and the rest, then the next reply */
    talk_end(&talk);
}

static void a_part_of_a_large_file_leaves_from_its_descriptor(void **state)
{
    (void)state;
    talk_begin(&talk);
    talk_said(&talk, BYTES("GET /large" HOST "Range: bytes=1000-300999\r\n\r\n"));
    talk_looked_up(&talk);
    talk_loaded(&talk);
    assert_step(&talk, STEP_SEND);
    assert_non_null(talk.step.send.file);
    assert_int_equal(talk.step.send.offset, 1000);
    assert_int_equal(talk.step.send.size, SEND_SLICE);
    while (talk_step(&talk)) {
    }
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.at[0].status, 206);
    assert_bytes(replies.at[0].body,
                 ((struct bytes){talk_book(&talk, "large")->content.at + 1000, 300000}));
    talk_end(&talk);
}

/* --- cold files ------------------------------------------------------------------------------- */

static void what_is_ready_leaves_before_a_cold_file_is_opened(void **state)
{
    (void)state;
    talk_book(&talk, "b.txt")->warm = false;
    talk_begin(&talk);
    talk_said(&talk, BYTES(GET("/a.txt") GET("/b.txt") GET("/a.txt")));
    talk_looked_up(&talk);
    assert_step(&talk, STEP_FETCH);
    assert_true(talk.step.fetch->warm_only);
    talk_looked_up(&talk); /* cold */
    assert_step(&talk, STEP_SEND);
    talk_sent(&talk, 0);
    talk_replies(&talk, &replies, "G");
    assert_int_equal(replies.count, 1);
    assert_step(&talk, STEP_FETCH);
    assert_bytes(talk.step.fetch->path, BYTES("b.txt"));
    assert_false(talk.step.fetch->warm_only);
    while (talk_step(&talk)) {
    }
    talk_replies(&talk, &replies, "GGG");
    assert_int_equal(replies.count, 3);
    assert_bytes(replies.at[1].body, BYTES("The Pharaon"));
    talk_end(&talk);
}

static void a_cold_fallback_is_opened_after_what_is_ready_has_left(void **state)
{
    (void)state;
    talk.site.fallback = BYTES("b.txt");
    talk_book(&talk, "b.txt")->warm = false;
    play(GET("/a.txt") GET("/none") GET("/a.txt"), "GGG");
    assert_int_equal(talk.colds, 1);
    assert_int_equal(replies.count, 3);
    assert_bytes(replies.at[1].body, BYTES("The Pharaon"));
    talk_end(&talk);
}

/* --- references ------------------------------------------------------------------------------- */

/* talk_end() counts them; here after every number of steps, each outcome that ends a talk, and none
 * of them. */
static void whatever_is_held_is_let_go_of_wherever_it_ends(void **state)
{
    (void)state;
    static const char input[] = GET("/a.txt") GET("/disk")
        GET("/none") "POST /b.txt" HOST "Content-Length: 4\r\n\r\nabcd" GET("/large")
            GET("/b.txt") "GET /";
    talk.takes = 300;
    talk.site.delays = true;
    talk.site.compute = 3;
    bool ended = false;
    for (unsigned steps = 0; !ended; steps++) {
        talk_begin(&talk);
        talk.input = BYTES(input);
        for (unsigned i = 0; i < steps && !ended; i++) {
            talk.takes = talk.output_len > 2000 ? 200000 : 300;
            ended = !talk_step(&talk);
        }
        talk_end(&talk);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, exchange_row, ROWS(exchange_rows));
    suite_add(&suite, CASE(a_request_is_read_looked_up_and_sent));
    suite_add(&suite, CASE(delay_comes_before_work_and_work_before_the_file));
    suite_add(&suite, CASE(head_has_the_fields_of_get));
    suite_add(&suite, CASE(not_modified_describes_no_content));
    suite_add(&suite, CASE(names_with_a_dot_are_hidden_unless_asked_for));
    suite_add(&suite, CASE(fallback_stands_for_what_is_not_there));
    suite_add(&suite, CASE(connection_goes_on_as_both_sides_wish));
    suite_add(&suite, CASE(nothing_behind_the_last_request_is_answered));
    suite_add(&suite, CASE(an_empty_line_may_come_before_a_request));
    suite_add(&suite, CASE(every_part_comes_in_the_order_asked_for));
    suite_add(&suite, CASE(every_reply_has_a_boundary_of_its_own));
    suite_add(&suite, CASE(slices_of_any_size_are_answered_alike));
    suite_add(&suite, CASE(a_cut_anywhere_is_answered_alike));
    suite_add(&suite, CASE(sends_of_any_size_leave_the_same));
    suite_add(&suite, CASE(unchanged_is_asked_again_in_the_same_words));
    suite_add(&suite, CASE(pipelined_replies_leave_in_one_send_and_in_order));
    suite_add(&suite, CASE(what_is_ready_leaves_before_more_of_a_head_is_waited_for));
    suite_add(&suite, CASE(batches_are_bounded));
    suite_add(&suite, CASE(room_for_text_is_bounded));
    suite_add(&suite, CASE(a_long_redirect_is_answered_alike_behind_others));
    suite_add(&suite, CASE(a_large_file_leaves_in_slices_and_in_its_place));
    suite_add(&suite, CASE(a_part_of_a_large_file_leaves_from_its_descriptor));
    suite_add(&suite, CASE(what_is_ready_leaves_before_a_cold_file_is_opened));
    suite_add(&suite, CASE(a_cold_fallback_is_opened_after_what_is_ready_has_left));
    suite_add(&suite, CASE(whatever_is_held_is_let_go_of_wherever_it_ends));
    suite_frame(&suite, open_talk, close_talk);
    return suite_run(&suite, "server/session");
}
