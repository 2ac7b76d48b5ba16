#include "client/hlog.h"

#include "lib/base/clock.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

/* What HdrHistogram (HdrHistogram.github.io/HdrHistogram) calls its V2 encoding:
 *
 *     cookie, length of the counts, normalizing offset, significant digits    4 bytes each
 *     lowest and highest value, ratio to doubles                              8 bytes each
 *     counts: from slot 0 to the last one used, each ZigZag LEB128; a run of zeros is its negative
 *
 * big-endian. Compressed by zlib it follows another cookie and its length, and stands in base64 at
 * the end of a line of the log. */
enum {
    COOKIE = 0x1c849303 | 0x10,
    COOKIE_COMPRESSED = 0x1c849304 | 0x10,
    DIGITS = 3,
    HEAD = 4 * 4 + 3 * 8,
    COUNT_MOST = 9, /* bytes of one */
};

struct buffer {
    unsigned char *at;
    size_t size;
};

/* --- encoding --------------------------------------------------------------------------------- */

static void put_4(struct buffer *buffer, uint32_t value)
{
    value = htobe32(value);
    memcpy(buffer->at + buffer->size, &value, sizeof value);
    buffer->size += sizeof value;
}

static void put_8(struct buffer *buffer, uint64_t value)
{
    value = htobe64(value);
    memcpy(buffer->at + buffer->size, &value, sizeof value);
    buffer->size += sizeof value;
}

/* Seven bits in each byte, the lowest first, and the high bit says that more follow; but the ninth
 * byte holds eight. */
static void put_count(struct buffer *buffer, int64_t count)
{
    uint64_t value = ((uint64_t)count << 1) ^ (count < 0 ? UINT64_MAX : 0);
    int bytes = 1;
    while (value > 0x7f && bytes < COUNT_MOST) {
        buffer->at[buffer->size++] = (unsigned char)(value | 0x80);
        value >>= 7;
        bytes++;
    }
    buffer->at[buffer->size++] = (unsigned char)value;
}

static void put_counts(struct buffer *buffer, const struct histogram *histogram)
{
    int64_t zeros = histogram->low;
    for (size_t slot = histogram->low; slot < histogram->high; slot++) {
        if (histogram->slots[slot] == 0) {
            zeros++;
            continue;
        }
        if (zeros > 0) {
            put_count(buffer, zeros == 1 ? 0 : -zeros);
            zeros = 0;
        }
        put_count(buffer, (int64_t)histogram->slots[slot]);
    }
}

static void encode(struct buffer *buffer, const struct histogram *histogram)
{
    struct buffer counts = {buffer->at + HEAD, 0};
    put_counts(&counts, histogram);
    buffer->size = 0;
    put_4(buffer, COOKIE);
    put_4(buffer, (uint32_t)counts.size);
    put_4(buffer, 0);
    put_4(buffer, DIGITS);
    put_8(buffer, 1);
    put_8(buffer, HISTOGRAM_MAX_US);
    put_8(buffer, UINT64_C(0x3ff0000000000000)); /* 1.0 */
    buffer->size += counts.size;
}

/* Both buffers are large enough for any histogram. */
static bool compress_to(struct buffer *to, const struct buffer *from)
{
    uLongf size = compressBound(from->size);
    if (compress2(to->at + 8, &size, from->at, from->size, Z_DEFAULT_COMPRESSION) != Z_OK) {
        return false;
    }
    put_4(to, COOKIE_COMPRESSED);
    put_4(to, (uint32_t)size);
    to->size += size;
    return true;
}

static void write_base64(FILE *to, const struct buffer *from)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < from->size; i += 3) {
        size_t left = from->size - i;
        uint32_t three = (uint32_t)from->at[i] << 16 |
                         (left > 1 ? (uint32_t)from->at[i + 1] << 8 : 0) |
                         (left > 2 ? from->at[i + 2] : 0);
        fputc(digits[three >> 18], to);
        fputc(digits[three >> 12 & 63], to);
        fputc(left > 1 ? digits[three >> 6 & 63] : '=', to);
        fputc(left > 2 ? digits[three & 63] : '=', to);
    }
}

/* --- the log ---------------------------------------------------------------------------------- */

static void write_start(const struct report *report, FILE *to)
{
    char text[64];
    struct tm date;
    time_t s = (time_t)(report->started_ms / 1000);
    gmtime_r(&s, &date);
    strftime(text, sizeof text, "%a %b %d %H:%M:%S UTC %Y", &date);
    fprintf(to, "#[Logged with %s " CRISTO_VERSION ", latencies in microseconds]\n",
            report->model->program);
    fprintf(to, "#[Histogram log format version 1.3]\n");
    fprintf(to, "#[StartTime: %.3f (seconds since epoch), %s]\n", (double)report->started_ms / 1000,
            text);
    fprintf(to, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                "\"Interval_Compressed_Histogram\"\n");
}

static bool write_interval(const struct report *report, const char *tag,
                           const struct histogram *histogram, FILE *to)
{
    size_t room = HEAD + (size_t)COUNT_MOST * HISTOGRAM_SLOTS;
    struct buffer plain = {malloc(room), 0};
    struct buffer packed = {malloc(8 + compressBound(room)), 0};
    bool fine = plain.at != NULL && packed.at != NULL;
    if (fine) {
        encode(&plain, histogram);
        fine = compress_to(&packed, &plain);
    }
    if (fine) {
        fprintf(to, "%s%.3f,%.3f,%.3f,", tag, (double)report->plan->warmup_ns / NS_PER_S,
                (double)report->elapsed_ns / NS_PER_S, (double)histogram_max(histogram));
        write_base64(to, &packed);
        fputc('\n', to);
    }
    free(plain.at);
    free(packed.at);
    return fine;
}

int hlog_write(const struct report *report, FILE *to)
{
    const struct tally *tally = report->tally;
    write_start(report, to);
    if (!write_interval(report, "", &tally->latency, to) ||
        (report->plan->rate > 0 && !write_interval(report, "Tag=raw,", &tally->raw, to))) {
        return -ENOMEM;
    }
    errno = EIO;
    return fflush(to) == 0 && !ferror(to) ? 0 : -errno;
}
