#include "client/ramp.h"

#include "lib/base/units.h"

#include <string.h>

enum {
    WORD = 32, /* bytes of a duration or a level, and then some */
};

#define HINT "are not stages (try 10s:100,20s:1000)"

/* Takes the text before `end` off its front, as a string. False when it is too long. */
static bool take_word(const char **text, const char *end, char word[WORD])
{
    size_t len = (size_t)(end - *text);
    if (len >= WORD) {
        return false;
    }
    memcpy(word, *text, len);
    word[len] = '\0';
    *text = end + (*end != '\0');
    return true;
}

static bool read_stage(const char **text, uint64_t most, struct stage *stage)
{
    char length[WORD];
    char level[WORD];
    uint64_t to;
    const char *comma = *text + strcspn(*text, ",");
    const char *colon = memchr(*text, ':', (size_t)(comma - *text));
    if (colon == NULL || !take_word(text, colon, length) || !take_word(text, comma, level) ||
        !units_read_duration(length, &stage->length_ns) || !units_read_count(level, 0, most, &to)) {
        return false;
    }
    stage->to = (double)to;
    return true;
}

const char *ramp_read(const char *text, uint64_t most, struct ramp *ramp)
{
    struct ramp read = {0};
    bool more = true;
    while (more) {
        if (read.count == RAMP_STAGES) {
            return "are more than 64 stages";
        }
        const char *comma = text + strcspn(text, ",");
        more = *comma == ',';
        if (!read_stage(&text, most, &read.at[read.count++])) {
            return HINT;
        }
    }
    *ramp = read;
    return NULL;
}
