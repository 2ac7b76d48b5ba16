#include "lib/http/bytes.h"

#include "lib/http/scan.h"

static inline bool same_letter(char a, char b)
{
    return (a ^ b) == ('a' ^ 'A') && byte_is(a, BYTE_LETTER);
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.at[i] != b.at[i] && !same_letter(a.at[i], b.at[i])) {
            return false;
        }
    }
    return true;
}

bool bytes_to_number(struct bytes text, unsigned long long *number)
{
    const unsigned long long most = INT64_MAX;
    unsigned long long sum = 0;

    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.at[i] - (unsigned)'0';
        if (digit > 9 || sum > (most - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

static size_t digits_of(unsigned long long number)
{
    size_t digits = 1;

    for (; number >= 10000; number /= 10000) {
        digits += 4;
    }
    return number < 10 ? digits : number < 100 ? digits + 1 : digits + 2 + (number >= 1000);
}

/* From the end, two digits at a time: a division is the dearest part. */
size_t bytes_from_number(char *to, unsigned long long number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    size_t len = digits_of(number);
    char *at = to + len;

    for (; number >= 100; number /= 100) {
        at -= 2;
        memcpy(at, pairs + number % 100 * 2, 2);
    }
    if (number >= 10) {
        memcpy(at - 2, pairs + number * 2, 2);
    } else {
        at[-1] = (char)('0' + number);
    }
    return len;
}
