#include "lib/http/date.h"

#include "tests/fuzz/property.h"

static const int64_t last_second = 253402300799;

/* Every moment is written as a date that reads as that moment. */
static void check_written(int64_t seconds, int64_t now)
{
    char text[DATE_SIZE];
    int64_t again;

    date_write(text, seconds);
    PROPERTY(date_read((struct bytes){text, DATE_SIZE}, now, &again));
    PROPERTY(again == (seconds < 0 ? 0 : seconds > last_second ? last_second : seconds));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    int64_t now = (int64_t)take_number(&text, 8);
    int64_t seconds = 4711;

    check_written(now, 0);
    check_written(now & 0x3fffffffff, now);
    if (!date_read(text, now, &seconds)) {
        PROPERTY(seconds == 4711);
        return 0;
    }
    PROPERTY(text.len >= 24 && text.len <= 33);
    PROPERTY(seconds <= last_second + 1);
    if (seconds >= 0 && seconds <= last_second) {
        check_written(seconds, now);
    }
    return 0;
}
