#include "client/live/banner.h"

#include <string.h>

/* Six rows of dots, two of which make a row of cells, the bits of each from left to right. */
struct glyph {
    int cols;
    unsigned char rows[2 * BANNER_ROWS];
};

static const struct glyph digits[] = {
    {3, {7, 5, 5, 5, 7, 0}}, {3, {2, 6, 2, 2, 7, 0}}, {3, {7, 1, 7, 4, 7, 0}},
    {3, {7, 1, 7, 1, 7, 0}}, {3, {5, 5, 7, 1, 1, 0}}, {3, {7, 4, 7, 1, 7, 0}},
    {3, {7, 4, 7, 5, 7, 0}}, {3, {7, 1, 1, 1, 1, 0}}, {3, {7, 5, 7, 5, 7, 0}},
    {3, {7, 5, 7, 1, 7, 0}},
};

static const struct glyph point = {1, {0, 0, 0, 0, 1, 0}};
static const struct glyph comma = {1, {0, 0, 0, 0, 1, 1}};

/* NULL: it has none. */
static const struct glyph *glyph_of(char character)
{
    switch (character) {
    case '.':
        return &point;
    case ',':
        return &comma;
    default:
        return character >= '0' && character <= '9' ? &digits[character - '0'] : NULL;
    }
}

static void draw_glyph(struct canvas *canvas, int row, int col, enum paint paint,
                       const struct glyph *glyph)
{
    static const char *const halves[] = {" ", "▄", "▀", "█"};
    for (int i = 0; i < BANNER_ROWS; i++) {
        for (int j = 0; j < glyph->cols; j++) {
            int bit = glyph->cols - 1 - j;
            int upper = glyph->rows[2 * i] >> bit & 1;
            int lower = glyph->rows[2 * i + 1] >> bit & 1;
            if (upper + lower > 0) {
                canvas_mark(canvas, row + i, col + j, paint, halves[2 * upper + lower]);
            }
        }
    }
}

int banner_cols(const char *figure)
{
    int cols = 0;
    for (; glyph_of(*figure) != NULL; figure++) {
        cols += glyph_of(*figure)->cols + 1;
    }
    return cols + (int)strlen(figure);
}

void banner_draw(struct canvas *canvas, int row, int col, int cols, enum paint paint,
                 const char *figure)
{
    if (!canvas->fine || banner_cols(figure) > cols) {
        canvas_put(canvas, row + BANNER_ROWS - 1, col, paint, figure);
        return;
    }
    for (; glyph_of(*figure) != NULL; figure++) {
        draw_glyph(canvas, row, col, paint, glyph_of(*figure));
        col += glyph_of(*figure)->cols + 1;
    }
    canvas_put(canvas, row + BANNER_ROWS - 1, col, paint, figure);
}
