#include "lib/http/multipart.h"

#include "tests/fuzz/property.h"

enum {
    MOST = 8
};

static void check_slices(const struct slice *slices, size_t count, uint64_t size)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        PROPERTY(slices[i].first < slices[i].end && slices[i].end <= size);
        sum += slices[i].end - slices[i].first;
        for (size_t k = 0; k < i; k++) {
            PROPERTY(slices[i].end <= slices[k].first || slices[k].end <= slices[i].first);
        }
    }
    PROPERTY(sum <= size);
}

/* Asked for by its first and last bytes, the same comes back. */
static void check_again(const struct slice *slices, size_t count, uint64_t size)
{
    char text[MOST * 50];
    size_t len = (size_t)sprintf(text, "bytes=");
    struct slice again[MOST];
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        len += (size_t)sprintf(text + len, "%s%llu-%llu", i > 0 ? "," : "",
                               (unsigned long long)slices[i].first,
                               (unsigned long long)slices[i].end - 1);
    }
    PROPERTY(range_parse((struct bytes){text, len}, size, again, MOST, &found) == RANGE_SLICES);
    PROPERTY(found == count && memcmp(again, slices, count * sizeof(slices[0])) == 0);
}

static void check_content_range(struct slice slice, uint64_t size)
{
    char text[81];
    unsigned long long first;
    unsigned long long last;
    unsigned long long whole;
    size_t len = range_write_content(text, slice, size);

    PROPERTY(len <= 80);
    text[len] = '\0';
    PROPERTY(sscanf(text, "bytes %llu-%llu/%llu", &first, &last, &whole) == 3);
    PROPERTY(first == slice.first && last == slice.end - 1 && whole == size);
}

/* Sent in parts, what is sent is as long as was said, and each part can be told from the text. */
static void check_parts(const struct slice *slices, size_t count, uint64_t size)
{
    static char text[MOST * 200];
    struct multipart multipart = {.size = size, .slices = slices, .count = count};
    struct head head = {text, sizeof(text) - 1, 0};
    uint64_t sum = 0;

    multipart_bound(&multipart, size, count);
    for (size_t i = 0; i <= count; i++) {
        size_t before = head.len;
        multipart_text(&head, &multipart, i);
        PROPERTY(!head_overflowed(&head) && head.len - before <= MULTIPART_TEXT_ROOM);
        sum += i < count ? slices[i].end - slices[i].first : 0;
    }
    PROPERTY(multipart_size(&multipart) == sum + head.len);
    text[head.len] = '\0';
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, "Content-Range: ")) != NULL; found++) {
        unsigned long long first;
        unsigned long long last;
        PROPERTY(sscanf(at, "Content-Range: bytes %llu-%llu/", &first, &last) == 2);
        PROPERTY(found < count && first == slices[found].first && last == slices[found].end - 1);
        at++;
    }
    PROPERTY(found == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes value = {(const char *)data, size};
    uint64_t width = take_number(&value, 1) % 8;
    uint64_t body = take_number(&value, width + 1) & INT64_MAX;
    size_t max = 1 + take_number(&value, 1) % MOST;
    struct slice slices[MOST];
    size_t count = 0;

    switch (range_parse(value, body, slices, max, &count)) {
    case RANGE_SLICES:
        PROPERTY(count >= 1 && count <= max);
        check_slices(slices, count, body);
        check_again(slices, count, body);
        check_content_range(slices[0], body);
        check_parts(slices, count, body);
        break;
    case RANGE_UNSATISFIABLE:
    case RANGE_IGNORE:
        PROPERTY(count == 0);
        break;
    }
    return 0;
}
