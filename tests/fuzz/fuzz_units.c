/* Numbers with units: what is read lies where it is said to, and what is written fits. */
#include "lib/base/units.h"

#include "lib/base/clock.h"
#include "tests/fuzz/text.h"

static void check_durations(const char *text)
{
    uint64_t ns, low, high, again;
    char room[UNITS_TEXT];
    if (units_read_duration(text, &ns)) {
        PROPERTY(ns <= 10000 * 3600 * NS_PER_S);
        PROPERTY(strlen(units_write_duration(room, ns)) < UNITS_TEXT);
        PROPERTY(units_read_span(text, &low, &high) && low == ns && high == ns);
        if (ns >= 1000) { /* three digits of it come back */
            PROPERTY(units_read_duration(room, &again));
            PROPERTY(again >= ns - ns / 150 && again <= ns + ns / 150);
        }
    }
    if (units_read_span(text, &low, &high)) {
        PROPERTY(low <= high && high <= 10000 * 3600 * NS_PER_S);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[UNITS_TEXT];
    char *text = text_copy((struct bytes){(const char *)data, size});
    uint64_t bytes = 7;
    uint64_t count = 7;
    check_durations(text);
    if (units_read_size(text, &bytes)) {
        PROPERTY(strlen(units_write_bytes(room, (double)bytes)) < UNITS_TEXT);
    } else {
        PROPERTY(bytes == 7);
    }
    if (units_read_count(text, 10, 100000, &count)) {
        PROPERTY(count >= 10 && count <= 100000);
        PROPERTY(strlen(units_write_count(room, count)) < UNITS_TEXT);
    } else {
        PROPERTY(count == 7);
    }
    free(text);
    return 0;
}
