/* HdrHistogram logs, read back by the letter of their format. */
#include "client/hlog.h"

#include "client/space.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const struct model model = {
    .name = "async", .program = "cristo-async-client", .owner = OPTION_ASYNC};

static struct plan plan = {.connections = 1, .threads = 1};

/* ---- reading ---- */

static unsigned digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    assert_true(c != '\0' && at != NULL);
    return (unsigned)(at - digits);
}

static size_t read_base64(unsigned char *to, const char *text)
{
    size_t size = 0;
    for (size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "+/=");
         len > 0; len -= 4, text += 4) {
        assert_true(len >= 4);
        unsigned three = digit(text[0]) << 18 | digit(text[1]) << 12 |
                         (text[2] == '=' ? 0 : digit(text[2]) << 6) |
                         (text[3] == '=' ? 0 : digit(text[3]));
        to[size++] = (unsigned char)(three >> 16);
        if (text[2] != '=') {
            to[size++] = (unsigned char)(three >> 8);
        }
        if (text[3] != '=') {
            to[size++] = (unsigned char)three;
        }
    }
    return size;
}

static uint64_t take(const unsigned char **at, int bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0) {
        value = value << 8 | *(*at)++;
    }
    return value;
}

static int64_t take_count(const unsigned char **at)
{
    uint64_t value = 0;
    for (int i = 0; i < 9; i++) {
        uint64_t byte = *(*at)++;
        value |= (i < 8 ? byte & 0x7f : byte) << (7 * i);
        if (i < 8 && byte < 0x80) {
            break;
        }
    }
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The histogram of a line, by its slots alone. */
static void read_line(const char *line, struct histogram *histogram)
{
    static unsigned char packed[1 << 19];
    static unsigned char plain[1 << 19];
    const unsigned char *at = packed;
    uLongf size = sizeof(plain);
    size_t got = read_base64(packed, strrchr(line, ',') + 1);
    assert_int_equal(take(&at, 4), 0x1c849314);
    assert_int_equal(take(&at, 4), got - 8);
    assert_int_equal(uncompress(plain, &size, at, got - 8), Z_OK);
    at = plain;
    assert_int_equal(take(&at, 4), 0x1c849313);
    assert_int_equal(take(&at, 4), size - 40);
    assert_int_equal(take(&at, 4), 0);
    assert_int_equal(take(&at, 4), 3);
    assert_int_equal(take(&at, 8), 1);
    assert_int_equal(take(&at, 8), 3600000000);
    assert_int_equal(take(&at, 8), 0x3ff0000000000000);
    for (size_t slot = 0; at < plain + size;) {
        int64_t count = take_count(&at);
        assert_true(slot < HISTOGRAM_SLOTS);
        if (count > 0) {
            histogram->slots[slot++] = (uint64_t)count;
        } else {
            slot += count == 0 ? 1 : (size_t)-count;
        }
    }
}

/* ---- cases ---- */

static char *log_of(struct tally *tally, uint64_t rate)
{
    static char *text;
    static size_t size;
    struct report report = {
        .model = &model,
        .plan = &plan,
        .tally = tally,
        .started_ms = UINT64_C(1700000000123),
        .elapsed_ns = 2500 * NS_PER_MS,
    };
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    plan.rate = rate;
    assert_int_equal(hlog_write(&report, to), 0);
    fclose(to);
    return text;
}

static const char *line_of(const char *text, unsigned number)
{
    for (; number > 0; number--) {
        text = strchr(text, '\n');
        assert_non_null(text);
        text++;
    }
    return text;
}

static void log_is_headed_as_its_format_asks(void **state)
{
    (void)state;
    struct tally *tally = space_create(1, sizeof(*tally));
    tally_ok(tally, 1500 * NS_PER_US, 0);
    plan.warmup_ns = NS_PER_S;
    char *text = log_of(tally, 0);
    plan.warmup_ns = 0;
    assert_non_null(strstr(text, "\n#[Histogram log format version 1.3]\n"));
    assert_non_null(strstr(text, "\n#[StartTime: 1700000000.123 (seconds since epoch), Tue Nov 14 "
                                 "22:13:20 UTC 2023]\n"));
    assert_non_null(strstr(text,
                           "\n\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                           "\"Interval_Compressed_Histogram\"\n1.000,2.500,1500.000,HISTFAAA"));
    assert_int_equal(*line_of(text, 5), '\0'); /* and there is one line more */
    free(text);
    space_destroy(tally, 1, sizeof(*tally));
}

static void every_slot_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct tally *tally = space_create(1, sizeof(*tally));
        struct histogram *read = space_create(1, sizeof(*read));
        for (uint64_t i = 0; i < 10 * seed; i++) {
            uint64_t most = UINT64_C(1) << random_between(seed, 2 * i, 0, 32);
            histogram_record(&tally->latency, random_between(seed, 2 * i + 1, 0, most));
        }
        char *text = log_of(tally, 0);
        read_line(line_of(text, 4), read);
        assert_memory_equal(read->slots, tally->latency.slots, sizeof(read->slots));
        free(text);
        space_destroy(read, 1, sizeof(*read));
        space_destroy(tally, 1, sizeof(*tally));
    }
}

/* One to nine bytes, and the ends between. */
static void counts_of_any_size_come_back(void **state)
{
    (void)state;
    struct tally *tally = space_create(1, sizeof(*tally));
    struct histogram *read = space_create(1, sizeof(*read));
    struct histogram *latency = &tally->latency;
    for (unsigned bit = 0; bit < 62; bit++) {
        latency->slots[3 * bit] = (UINT64_C(1) << bit) - 1;
        latency->slots[3 * bit + 1] = UINT64_C(1) << bit;
    }
    latency->slots[HISTOGRAM_SLOTS - 1] = INT64_MAX;
    latency->count = 1;
    latency->high = HISTOGRAM_SLOTS;
    char *text = log_of(tally, 0);
    read_line(line_of(text, 4), read);
    assert_memory_equal(read->slots, latency->slots, sizeof(read->slots));
    free(text);
    space_destroy(read, 1, sizeof(*read));
    space_destroy(tally, 1, sizeof(*tally));
}

static void an_open_loop_has_its_raw_latencies_too(void **state)
{
    (void)state;
    struct tally *tally = space_create(1, sizeof(*tally));
    struct histogram *read = space_create(1, sizeof(*read));
    tally_ok(tally, 900 * NS_PER_MS, 0);
    tally_raw(tally, 300 * NS_PER_MS);
    char *text = log_of(tally, 10);
    const char *line = line_of(text, 5);
    assert_int_equal(strncmp(line, "Tag=raw,0.000,2.500,300031.000,HISTFAAA", 39), 0);
    read_line(line, read);
    assert_memory_equal(read->slots, tally->raw.slots, sizeof(read->slots));
    free(text);
    space_destroy(read, 1, sizeof(*read));
    space_destroy(tally, 1, sizeof(*tally));
}

static void what_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    struct tally *tally = space_create(1, sizeof(*tally));
    struct report report = {.model = &model, .plan = &plan, .tally = tally};
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_true(hlog_write(&report, full) < 0);
    fclose(full);
    space_destroy(tally, 1, sizeof(*tally));
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(log_is_headed_as_its_format_asks));
    suite_add(&suite, CASE(every_slot_comes_back));
    suite_add(&suite, CASE(counts_of_any_size_come_back));
    suite_add(&suite, CASE(an_open_loop_has_its_raw_latencies_too));
    suite_add(&suite, CASE(what_cannot_be_written_is_an_error));
    return suite_run(&suite, "client/hlog");
}
