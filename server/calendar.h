/* The moment, with its date already written: the date is formatted once a second, not once a reply.
 */
#pragma once

#include "lib/base/clock.h"
#include "server/session.h"

/* One for each thread. The zero value is ready. */
struct calendar {
    int64_t second;
    char date[DATE_SIZE];
};

/* Now. The moment's date points into the calendar and holds until the next call. */
static inline struct moment calendar_now(struct calendar *calendar)
{
    int64_t second = clock_wall_s();
    if (second != calendar->second) {
        calendar->second = second;
        date_write(calendar->date, second);
    }
    return (struct moment){clock_monotonic_ns(), second, calendar->date};
}
