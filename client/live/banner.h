/* Figures three rows high, to be read from the last row of a room. Pure. */
#pragma once

#include "client/live/canvas.h"

enum {
    BANNER_ROWS = 3
};

/* Draws a figure of digits, points and commas, and behind it, at the foot, what is none of these
 * ("1.31ms"); and how many columns that takes. Where it does not fit into `cols`, or the canvas is
 * not fine, it is text of one row, at the foot. */
void banner_draw(struct canvas *canvas, int row, int col, int cols, enum paint paint,
                 const char *figure);
int banner_cols(const char *figure);
