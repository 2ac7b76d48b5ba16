/* A picture in character cells, which client/live/screen.h puts on a terminal: what is to be seen,
 * apart from how it gets there. Pure but for the memory of its cells. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

/* What a cell means, rather than how it looks. */
enum paint {
    PAINT_PLAIN,
    PAINT_FAINT,  /* labels and scales */
    PAINT_STRONG, /* figures */
    PAINT_HEAD,   /* the line on top */
    PAINT_RATE,   /* requests a second */
    PAINT_P50,    /* up to the median */
    PAINT_P99,    /* up to p99 */
    PAINT_BAD,    /* errors */
    /* The lower part of the cell one thing, the upper part another. */
    PAINT_RATE_UNDER_BAD,
    PAINT_P50_UNDER_P99,
    PAINT_COUNT,
};

struct cell {
    char text[4]; /* one character of UTF-8, one column wide */
    enum paint paint;
};

/* All zero is an empty canvas without cells. */
struct canvas {
    int rows, cols;
    bool fine;          /* its reader's characters are UTF-8's; else all is ASCII */
    bool colours;       /* paints can be told apart; else heights and shades must do */
    struct cell *cells; /* row by row */
    int room;
};

/* Makes it so large, and blank. False when out of memory: it is as it was then. */
bool canvas_begin(struct canvas *canvas, int rows, int cols);
void canvas_finish(struct canvas *canvas);

/* Puts a character, or text of ASCII, from a place on. What lies outside is cut off, and what is no
 * printable ASCII becomes '?'. canvas_right() lets the text end before the column. */
void canvas_mark(struct canvas *canvas, int row, int col, enum paint paint, const char *character);
void canvas_put(struct canvas *canvas, int row, int col, enum paint paint, const char *text);
void canvas_right(struct canvas *canvas, int row, int end, enum paint paint, const char *text);

/* As canvas_put(), of a format. Returns the column behind the text. */
int canvas_print(struct canvas *canvas, int row, int col, enum paint paint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Paints a whole row, blank. */
void canvas_fill(struct canvas *canvas, int row, enum paint paint);

static inline const struct cell *canvas_at(const struct canvas *canvas, int row, int col)
{
    return &canvas->cells[row * canvas->cols + col];
}
