/* Curves and bars of block characters on a canvas. Pure. */
#pragma once

#include "client/live/canvas.h"

/* Where one lies: its rows from the top, its columns from the left. */
struct area {
    int top, left, rows, cols;
};

/* A column of a curve in two layers, in parts of its height: filled up to `low`, and from there up
 * to `high`. What is more than nothing fills at least an eighth of a cell. */
struct layers {
    double low, high;
};

/* How two layers are painted. `edge`: a cell in which both meet. */
struct layer_paints {
    enum paint low, high, edge;
};

/* Draws area->cols columns. */
void chart_layers(struct canvas *canvas, const struct area *area, const struct layers *columns,
                  const struct layer_paints *paints);

/* A whole cell of the lower or the upper layer, for a legend. Static. */
const char *chart_layer_sample(const struct canvas *canvas, bool upper);

/* Draws one bar from below, `height` of 1. */
void chart_bar(struct canvas *canvas, const struct area *area, int col, double height,
               enum paint paint);

/* A round number, or round duration in ns, that is not below the value: where a scale from 0 ends.
 */
double chart_round_up(double value);

/* The ends of a scale of which every decade is as long as the others; both are 1, 2 or 5 times a
 * power of 10, and `high` is at least twice `low`. Values are above 0. */
struct decades {
    double low, high;
};

struct decades chart_decades(double least, double most);

/* The same for values that are only known within a hundredth: those that are round all but for that
 * are ends, too. */
static inline struct decades chart_decades_about(double least, double most)
{
    return chart_decades(least * 1.01, most > least * 1.03 ? most / 1.01 : least * 1.02);
}

/* Where a value lies on it, from 0 to 1. */
double chart_decade_place(const struct decades *decades, double value);
