/* Records as lines: exactly these. */
#include "tests/unit/server/one_ring.h"

#include "server/ledger/line.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static char line[LINE_MOST];

static struct entry entry_of(void)
{
    return (struct entry){
        .record = {.status = 200,
                   .minor = 1,
                   .client = {CLIENT_V4, {192, 0, 2, 10}},
                   .number = 3,
                   .wall_s = 784111777,
                   .took_us = 1234567,
                   .connection = 42,
                   .body = 5000000000},
        .text = {BYTES("GET"), BYTES("/a.txt?b"), BYTES("http://c/"), BYTES("d/1.0 (e)")},
    };
}

static struct bytes written(struct line_writer *writer, const struct entry *entry)
{
    ring_put(&ring, entry);
    const struct record *record = ring_take(&ring);
    assert_non_null(record);
    size_t len = line_write(writer, record, line);
    ring_free(&ring, record);
    assert_true(len <= sizeof(line));
    return (struct bytes){line, len};
}

static struct bytes written_as(enum line_format format, const struct entry *entry)
{
    struct line_writer writer = {.format = format};
    return written(&writer, entry);
}

static void the_combined_form_is_this(void **state)
{
    (void)state;
    struct entry entry = entry_of();
    assert_bytes(written_as(LINE_COMBINED, &entry),
                 BYTES("192.0.2.10 - - [06/Nov/1994:08:49:37 +0000] \"GET /a.txt?b HTTP/1.1\" 200 "
                       "5000000000 \"http://c/\" \"d/1.0 (e)\" 1234567 42 3\n"));
    entry.record.minor = 0;
    entry.record.body = 0;
    entry.text[TEXT_REFERER] = entry.text[TEXT_AGENT] = (struct bytes){0};
    assert_bytes(
        written_as(LINE_COMBINED, &entry),
        BYTES("192.0.2.10 - - [06/Nov/1994:08:49:37 +0000] \"GET /a.txt?b HTTP/1.0\" 200 0 "
              "\"-\" \"-\" 1234567 42 3\n"));
}

static void the_json_form_is_this(void **state)
{
    (void)state;
    struct entry entry = entry_of();
    assert_bytes(
        written_as(LINE_JSON, &entry),
        BYTES("{\"time\":\"1994-11-06T08:49:37Z\",\"client\":\"192.0.2.10\",\"connection\":42,"
              "\"request\":3,\"method\":\"GET\",\"target\":\"/a.txt?b\",\"version\":\"HTTP/1.1\","
              "\"status\":200,\"bytes\":5000000000,\"time_us\":1234567,\"complete\":true,"
              "\"referer\":\"http://c/\",\"user_agent\":\"d/1.0 (e)\"}\n"));
    entry.record.minor = 0;
    entry.record.unfinished = 1;
    entry.text[TEXT_REFERER] = (struct bytes){0};
    entry.text[TEXT_AGENT] = BYTES("");
    assert_bytes(
        written_as(LINE_JSON, &entry),
        BYTES("{\"time\":\"1994-11-06T08:49:37Z\",\"client\":\"192.0.2.10\",\"connection\":42,"
              "\"request\":3,\"method\":\"GET\",\"target\":\"/a.txt?b\",\"version\":\"HTTP/1.0\","
              "\"status\":200,\"bytes\":5000000000,\"time_us\":1234567,\"complete\":false,"
              "\"referer\":null,\"user_agent\":\"\"}\n"));
}

static void what_was_no_request_has_no_method(void **state)
{
    (void)state;
    struct entry entry = entry_of();
    entry.text[TEXT_METHOD] = (struct bytes){0};
    entry.text[TEXT_TARGET] = BYTES("no \"request\"");
    assert_non_null(
        strstr(written_as(LINE_COMBINED, &entry).at, "] \"no \\x22request\\x22\" 200 "));
    assert_non_null(strstr(written_as(LINE_JSON, &entry).at,
                           ",\"method\":null,\"target\":\"no \\\"request\\\"\",\"version\":null,"));
}

static void every_kind_of_client_is_written(void **state)
{
    static const struct {
        struct client client;
        const char *text;
    } rows[] = {
        {{CLIENT_V4, {0, 0, 0, 0}}, "0.0.0.0"},
        {{CLIENT_V4, {255, 255, 255, 255}}, "255.255.255.255"},
        {{CLIENT_V6, {[15] = 1}}, "::1"},
        {{CLIENT_V6, {0x20, 0x01, 0x0d, 0xb8, [14] = 0xab, [15] = 0xcd}}, "2001:db8::abcd"},
        {{.kind = CLIENT_LOCAL}, "unix:"},
    };
    struct line_writer writer = {.format = LINE_COMBINED};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) { /* each comes twice */
        struct entry entry = entry_of();
        const char *expected = rows[i / 2].text;
        entry.record.client = rows[i / 2].client;
        struct bytes text = written(&writer, &entry);
        assert_memory_equal(text.at, expected, strlen(expected));
        assert_memory_equal(text.at + strlen(expected), " - - [", 6);
    }
}

static void dates_change_with_the_second(void **state)
{
    struct line_writer combined = {.format = LINE_COMBINED}, json = {.format = LINE_JSON};
    (void)state;
    static const struct {
        int64_t second;
        const char *combined, *json;
    } rows[] = {
        {0, "[01/Jan/1970:00:00:00 +0000]", "\"1970-01-01T00:00:00Z\""},
        {951782400, "[29/Feb/2000:00:00:00 +0000]", "\"2000-02-29T00:00:00Z\""},
        {951782401, "[29/Feb/2000:00:00:01 +0000]", "\"2000-02-29T00:00:01Z\""},
        {951782401, "[29/Feb/2000:00:00:01 +0000]", "\"2000-02-29T00:00:01Z\""},
        {4102444799, "[31/Dec/2099:23:59:59 +0000]", "\"2099-12-31T23:59:59Z\""},
        {951782400, "[29/Feb/2000:00:00:00 +0000]", "\"2000-02-29T00:00:00Z\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct entry entry = entry_of();
        entry.record.wall_s = rows[i].second;
        assert_non_null(strstr(written(&combined, &entry).at, rows[i].combined));
        assert_non_null(strstr(written(&json, &entry).at, rows[i].json));
    }
}

/* At every place among plain ones, in texts of every length, so that none hides in a word that is
 * looked at as a whole. */
static void every_byte_is_plain_or_escaped(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t i = 0; i < 20 * 20; i++) {
            size_t place = i / 20, len = 1 + i % 20;
            if (place >= len) {
                continue;
            }
            char agent[] = "abcdefghijklmnopqrst", expected[64];
            struct entry entry = entry_of();
            agent[place] = (char)byte;
            agent[len] = '\0';
            entry.text[TEXT_AGENT] = (struct bytes){agent, len};
            bool plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
            if (plain) {
                sprintf(expected, "\"%s\" 1234567", agent);
            } else {
                sprintf(expected, "\"%.*s\\x%02X%s\" 1234567", (int)place, agent, byte,
                        agent + place + 1);
            }
            struct bytes text = written_as(LINE_COMBINED, &entry);
            assert_non_null(memmem(text.at, text.len, expected, strlen(expected)));
            assert_null(memchr(text.at, '\n', text.len - 1));
        }
    }
}

/* Read back by a parser of JSON, a text is what was sent, each byte a character. */
static void json_is_read_back_byte_for_byte(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 500; seed++) {
        char agent[200];
        struct entry entry = entry_of();
        srand(seed);
        size_t len = (size_t)rand() % sizeof(agent);
        for (size_t i = 0; i < len; i++) {
            agent[i] = (char)(rand() % 3 == 0 ? rand() % 256
                                              : "\"\\/bfnrtu\n\r\x7f\x80\xff a"[rand() % 17]);
        }
        entry.text[TEXT_AGENT] = (struct bytes){agent, len};
        struct bytes text = written_as(LINE_JSON, &entry);
        for (size_t i = 0; i + 1 < text.len; i++) {
            assert_in_range((unsigned char)text.at[i], ' ', '~');
        }
        json_error_t error;
        json_t *read = json_loadb(text.at, text.len, JSON_ALLOW_NUL, &error);
        assert_non_null(read);
        const json_t *value = json_object_get(read, "user_agent");
        const unsigned char *at = (const unsigned char *)json_string_value(value);
        const unsigned char *end = at + json_string_length(value);
        for (size_t i = 0; i < len; i++) { /* UTF-8 of U+0000..U+00FF */
            unsigned byte = at[0] < 0x80 ? at[0] : (at[0] & 3u) << 6 | (at[1] & 0x3fu);
            at += at[0] < 0x80 ? 1 : 2;
            assert_int_equal(byte, (unsigned char)agent[i]);
        }
        assert_ptr_equal(at, end);
        json_decref(read);
    }
}

static void the_longest_line_fits(void **state)
{
    static char text[2000];
    (void)state;
    memset(text, '\x80', sizeof(text));
    for (unsigned format = LINE_COMBINED; format <= LINE_JSON; format++) {
        struct entry entry = {
            .record = {.status = 999,
                       .minor = 1,
                       .client = {CLIENT_V6,
                                  {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                   255, 255, 255}},
                       .number = UINT32_MAX,
                       .wall_s = 253402300799,
                       .took_us = UINT64_MAX,
                       .connection = UINT64_MAX,
                       .body = UINT64_MAX},
        };
        for (unsigned i = 0; i < RECORD_TEXTS; i++) {
            entry.text[i] = (struct bytes){text, sizeof(text)};
        }
        struct bytes longest = written_as(format, &entry);
        assert_int_equal(longest.at[longest.len - 1], '\n');
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(the_combined_form_is_this));
    suite_add(&suite, CASE(the_json_form_is_this));
    suite_add(&suite, CASE(what_was_no_request_has_no_method));
    suite_add(&suite, CASE(every_kind_of_client_is_written));
    suite_add(&suite, CASE(dates_change_with_the_second));
    suite_add(&suite, CASE(every_byte_is_plain_or_escaped));
    suite_add(&suite, CASE(json_is_read_back_byte_for_byte));
    suite_add(&suite, CASE(the_longest_line_fits));
    suite_frame(&suite, open_ring, close_ring);
    return suite_run(&suite, "server/line");
}
