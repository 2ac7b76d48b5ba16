#include "client/live/canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MOST = 512
};

static const struct cell blank = {" ", PAINT_PLAIN};

bool canvas_begin(struct canvas *canvas, int rows, int cols)
{
    int count = rows * cols;
    if (count > canvas->room) {
        struct cell *cells = realloc(canvas->cells, (size_t)count * sizeof(*cells));
        if (cells == NULL) {
            return false;
        }
        canvas->cells = cells;
        canvas->room = count;
    }
    canvas->rows = rows;
    canvas->cols = cols;
    for (int i = 0; i < count; i++) {
        canvas->cells[i] = blank;
    }
    return true;
}

void canvas_finish(struct canvas *canvas)
{
    free(canvas->cells);
    canvas->cells = NULL;
    canvas->room = canvas->rows = canvas->cols = 0;
}

void canvas_mark(struct canvas *canvas, int row, int col, enum paint paint, const char *character)
{
    if (row < 0 || row >= canvas->rows || col < 0 || col >= canvas->cols) {
        return;
    }
    struct cell *cell = &canvas->cells[row * canvas->cols + col];
    snprintf(cell->text, sizeof cell->text, "%s", character);
    cell->paint = paint;
}

void canvas_put(struct canvas *canvas, int row, int col, enum paint paint, const char *text)
{
    for (; *text != '\0'; text++, col++) {
        const char character[2] = {*text >= ' ' && *text <= '~' ? *text : '?', '\0'};
        canvas_mark(canvas, row, col, paint, character);
    }
}

void canvas_right(struct canvas *canvas, int row, int end, enum paint paint, const char *text)
{
    canvas_put(canvas, row, end - (int)strlen(text), paint, text);
}

int canvas_print(struct canvas *canvas, int row, int col, enum paint paint, const char *format, ...)
{
    char text[TEXT_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    canvas_put(canvas, row, col, paint, text);
    return col + (int)strlen(text);
}

void canvas_fill(struct canvas *canvas, int row, enum paint paint)
{
    for (int col = 0; col < canvas->cols; col++) {
        canvas_mark(canvas, row, col, paint, " ");
    }
}
