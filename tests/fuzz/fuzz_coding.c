#include "lib/http/coding.h"

#include "lib/http/request.h"
#include "tests/fuzz/property.h"

static const struct request_limits limits = {.head = 4096, .target = 100, .fields = 40};

static bool choose(const char *line, struct bytes value, unsigned stored, enum coding *coding)
{
    char text[3200];
    struct request request;
    const char *why;
    int len =
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%sAccept-Encoding: ", line);

    memcpy(text + len, value.at, value.len);
    memcpy(text + len + value.len, "\r\n\r\n", 4);
    struct bytes head = {text, (size_t)len + value.len + 4};
    *coding = CODING_COUNT;
    return request_read(head, &limits, &request, &why) != REQUEST_COMPLETE ||
           coding_choose(&request.fields, stored, coding);
}

/* Whether the value says so of no coding at all, or of everything. */
static bool refuses(struct bytes value)
{
    return memmem(value.at, value.len, ";", 1) != NULL &&
           (memmem(value.at, value.len, "*", 1) != NULL ||
            memmem(value.at, value.len, "0", 1) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes value = {(const char *)data, size};
    unsigned stored = (unsigned)tail_number(value, 1, 1) & 0xe;
    enum coding coding;
    enum coding again;

    if (size > 3000 || memchr(data, '\r', size) != NULL || memchr(data, '\n', size) != NULL) {
        return 0;
    }
    bool acceptable = choose("", value, stored, &coding);
    if (!acceptable) {
        PROPERTY(coding == CODING_COUNT && refuses(value));
        return 0;
    }
    PROPERTY(coding == CODING_COUNT || coding == CODING_NONE || stored >> coding & 1);
    /* the same again, and what is not there is not chosen */
    PROPERTY(choose("", value, stored, &again) && again == coding);
    if (coding != CODING_COUNT && coding != CODING_NONE) {
        bool without = choose("", value, stored & ~(1u << coding), &again);
        PROPERTY(!without || again != coding);
    }
    /* the first of two counts: nothing behind these changes anything */
    PROPERTY(choose("Accept-Encoding: identity, gzip;q=0, br;q=0, zstd;q=0, *;q=0\r\n", value,
                    stored, &again));
    PROPERTY(again == CODING_COUNT || again == CODING_NONE);
    return 0;
}
