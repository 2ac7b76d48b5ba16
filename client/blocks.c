#include "client/blocks.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <string.h>

const char *block_of(unsigned eighths, bool fine)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const coarse[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    return (fine ? blocks : coarse)[eighths];
}

unsigned block_height(double value, double most)
{
    return value > 0 ? (unsigned)ceil(fmin(value / most, 1) * BLOCK_FULL) : 0;
}

bool block_is_fine(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0) {
        return false;
    }
    bool fine = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return fine;
}
