#include "tests/unit/client/live/picture.h"

#include <string.h>

struct canvas picture;

int picture_begin(void **state)
{
    (void)state;
    picture = (struct canvas){.fine = true, .colours = true};
    return 0;
}

int picture_end(void **state)
{
    (void)state;
    canvas_finish(&picture);
    return 0;
}

static char *write_row(char *end, int row)
{
    for (int col = 0; col < picture.cols; col++) {
        end = stpcpy(end, canvas_at(&picture, row, col)->text);
    }
    return end;
}

const char *picture_text(void)
{
    static char all[4096];
    char *end = all;
    for (int row = 0; row < picture.rows; row++) {
        end = stpcpy(write_row(end, row), "|");
    }
    return all;
}

const char *picture_row(int row)
{
    static char text[4096];
    char *end = write_row(text, row);
    while (end > text && end[-1] == ' ') {
        end--;
    }
    *end = '\0';
    return text;
}
