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

size_t bytes_from_number(char *to, unsigned long long number)
{
    char digits[20];
    size_t len = 0;

    do {
        digits[sizeof(digits) - ++len] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(to, digits + sizeof(digits) - len, len);
    return len;
}
