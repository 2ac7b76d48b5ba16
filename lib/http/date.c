#include "lib/http/date.h"

#include "lib/http/scan.h"

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char long_days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum {
    DAY_S = 24 * 60 * 60,
};
static const int64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */

struct civil {
    int64_t year;
    unsigned month; /* 1..12 */
    unsigned day;   /* 1..31 */
    unsigned hour;
    unsigned minute;
    unsigned second; /* 0..60 */
};

/* Both directions count in eras of 400 years, which all have the same 146097 days, and in years
 * that begin in March, so that the leap day is the last one. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t of_era = shifted - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct civil civil_of(int64_t seconds)
{
    int64_t from_march = seconds / DAY_S + 719468; /* days since 0000-03-01 */
    int64_t era = from_march / 146097;
    unsigned of_era = (unsigned)(from_march - era * 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    unsigned of_day = (unsigned)(seconds % DAY_S);
    bool next_year = month >= 10;

    return (struct civil){
        .year = era * 400 + year + next_year,
        .month = next_year ? month - 9 : month + 3,
        .day = of_year - (153 * month + 2) / 5 + 1,
        .hour = of_day / 3600,
        .minute = of_day / 60 % 60,
        .second = of_day % 60,
    };
}

static int64_t seconds_of(const struct civil *civil)
{
    return days_of(civil->year, civil->month, civil->day) * DAY_S +
           (int64_t)(civil->hour * 3600 + civil->minute * 60 + civil->second);
}

static void put_two(char *to, unsigned number)
{
    to[0] = (char)('0' + number / 10);
    to[1] = (char)('0' + number % 10);
}

void date_write(char *to, int64_t seconds)
{
    seconds = seconds < 0 ? 0 : seconds > last_second ? last_second : seconds;
    struct civil civil = civil_of(seconds);

    memcpy(to, "Ddd, 00 Mmm 0000 00:00:00 GMT", DATE_SIZE);
    memcpy(to, days[(seconds / DAY_S + 4) % 7], 3); /* 1970 began on a Thursday */
    put_two(to + 5, civil.day);
    memcpy(to + 8, months[civil.month - 1], 3);
    put_two(to + 12, (unsigned)(civil.year / 100));
    put_two(to + 14, (unsigned)(civil.year % 100));
    put_two(to + 17, civil.hour);
    put_two(to + 20, civil.minute);
    put_two(to + 23, civil.second);
}

/* Whether `text` has the form: '0' stands for a digit, '*' for a byte that its reader judges,
 * everything else for itself. */
static bool has_form(struct bytes text, const char *form)
{
    if (text.len != strlen(form)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (form[i] == '0' ? !byte_is(text.at[i], BYTE_DIGIT)
                           : form[i] != '*' && form[i] != text.at[i]) {
            return false;
        }
    }
    return true;
}

static unsigned two(const char *digits)
{
    return (unsigned)(digits[0] - '0') * 10 + (unsigned)(digits[1] - '0');
}

static bool is_short_day(const char *at)
{
    for (size_t i = 0; i < 7; i++) {
        if (memcmp(at, days[i], 3) == 0) {
            return true;
        }
    }
    return false;
}

/* 1..12, or 0 for what is no month. */
static unsigned month_of(const char *at)
{
    for (unsigned i = 0; i < 12; i++) {
        if (memcmp(at, months[i], 3) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static void read_time(const char *at, struct civil *civil)
{
    civil->hour = two(at);
    civil->minute = two(at + 3);
    civil->second = two(at + 6);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool read_imf(struct bytes text, struct civil *civil)
{
    if (!has_form(text, "***, 00 *** 0000 00:00:00 GMT") || !is_short_day(text.at)) {
        return false;
    }
    civil->day = two(text.at + 5);
    civil->month = month_of(text.at + 8);
    civil->year = two(text.at + 12) * 100 + two(text.at + 14);
    read_time(text.at + 17, civil);
    return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool read_asctime(struct bytes text, struct civil *civil)
{
    bool padded = has_form(text, "*** ***  0 00:00:00 0000");

    if ((!padded && !has_form(text, "*** *** 00 00:00:00 0000")) || !is_short_day(text.at)) {
        return false;
    }
    civil->month = month_of(text.at + 4);
    civil->day = padded ? (unsigned)(text.at[9] - '0') : two(text.at + 8);
    read_time(text.at + 11, civil);
    civil->year = two(text.at + 20) * 100 + two(text.at + 22);
    return true;
}

/* The year of this century, unless the date would then be more than 50 years ahead: then the one
 * a hundred years before (RFC 9110 5.6.7). */
static int64_t whole_year(unsigned year, const struct civil *civil, int64_t now)
{
    int64_t clamped = now < 0 ? 0 : now > last_second ? last_second : now;
    int64_t this_year = civil_of(clamped).year;
    struct civil earlier = *civil;

    earlier.year = this_year - this_year % 100 + year - 50;
    return seconds_of(&earlier) > clamped ? earlier.year - 50 : earlier.year + 50;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool read_rfc850(struct bytes text, int64_t now, struct civil *civil)
{
    for (size_t i = 0; i < 7; i++) {
        struct bytes day = bytes_of(long_days[i]);
        if (text.len <= day.len || memcmp(text.at, day.at, day.len) != 0) {
            continue;
        }
        struct bytes rest = {text.at + day.len, text.len - day.len};
        if (!has_form(rest, ", 00-***-00 00:00:00 GMT")) {
            return false;
        }
        civil->day = two(rest.at + 2);
        civil->month = month_of(rest.at + 5);
        read_time(rest.at + 12, civil);
        civil->year = whole_year(two(rest.at + 9), civil, now);
        return true;
    }
    return false;
}

static unsigned days_in(int64_t year, unsigned month)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return lengths[month - 1] + (month == 2 && leap);
}

static bool is_possible(const struct civil *civil)
{
    return civil->month != 0 && civil->day >= 1 &&
           civil->day <= days_in(civil->year, civil->month) && civil->hour < 24 &&
           civil->minute < 60 && civil->second <= 60;
}

bool date_read(struct bytes text, int64_t now, int64_t *seconds)
{
    struct civil civil;

    if (!read_imf(text, &civil) && !read_rfc850(text, now, &civil) && !read_asctime(text, &civil)) {
        return false;
    }
    if (!is_possible(&civil)) {
        return false;
    }
    *seconds = seconds_of(&civil);
    return true;
}
