#include "client/live/chart.h"

#include "client/blocks.h"

#include <math.h>
#include <stddef.h>

static int eighths_of(double part, int rows)
{
    int most = rows * BLOCK_FULL;
    int eighths = part > 0 ? (int)lround(fmin(part, 1) * most) : 0;
    return part > 0 && eighths == 0 ? 1 : eighths;
}

/* So many of them lie in the cell that begins at `floor`. */
static unsigned within(int eighths, int floor)
{
    int in = eighths - floor;
    return in < 0 ? 0 : in > BLOCK_FULL ? BLOCK_FULL : (unsigned)in;
}

/* A cell of one layer. Where there are no colours the layers are told apart by their shade. */
static const char *character_of(const struct canvas *canvas, bool upper, unsigned eighths)
{
    if (canvas->colours) {
        return block_of(eighths, canvas->fine);
    }
    if (canvas->fine) {
        return upper ? "░" : block_of(eighths, true);
    }
    bool half = eighths > BLOCK_FULL / 2;
    return upper ? (half ? ":" : ".") : (half ? "#" : "=");
}

const char *chart_layer_sample(const struct canvas *canvas, bool upper)
{
    return character_of(canvas, upper, BLOCK_FULL);
}

/* Where both layers meet in a cell, the lower one hides the upper, unless a colour can stand behind
 * it. */
static enum paint paint_of(const struct canvas *canvas, unsigned low, unsigned high,
                           const struct layer_paints *paints)
{
    if (low == 0) {
        return paints->high;
    }
    bool edge = low < BLOCK_FULL && high == BLOCK_FULL && canvas->colours && canvas->fine;
    return edge ? paints->edge : paints->low;
}

void chart_layers(struct canvas *canvas, const struct area *area, const struct layers *columns,
                  const struct layer_paints *paints)
{
    for (int i = 0; i < area->cols; i++) {
        int low = eighths_of(columns[i].low, area->rows);
        int high = eighths_of(columns[i].high, area->rows);
        for (int row = 0; row < area->rows; row++) {
            int floor = (area->rows - 1 - row) * BLOCK_FULL;
            unsigned low_here = within(low, floor);
            unsigned high_here = within(high, floor);
            unsigned here = low_here > 0 ? low_here : high_here;
            if (here > 0) {
                canvas_mark(canvas, area->top + row, area->left + i,
                            paint_of(canvas, low_here, high_here, paints),
                            character_of(canvas, low_here == 0, here));
            }
        }
    }
}

void chart_bar(struct canvas *canvas, const struct area *area, int col, double height,
               enum paint paint)
{
    const struct area one = {area->top, area->left + col, area->rows, 1};
    const struct layers layers = {height, 0};
    const struct layer_paints paints = {paint, paint, paint};
    chart_layers(canvas, &one, &layers, &paints);
}

double chart_round_up(double value)
{
    static const double round[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
    if (!(value > 0)) {
        return 1;
    }
    double power = pow(10, floor(log10(value)));
    for (size_t i = 0; i < sizeof round / sizeof round[0]; i++) {
        if (round[i] * power >= value) {
            return round[i] * power;
        }
    }
    return 10 * power;
}

static double one_two_five(double value, bool up)
{
    static const double round[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(value)));
    size_t i = 0;
    while (i + 1 < sizeof round / sizeof round[0] &&
           (up ? round[i] * power < value : round[i + 1] * power <= value)) {
        i++;
    }
    return round[i] * power;
}

struct decades chart_decades(double least, double most)
{
    struct decades decades = {one_two_five(least, false), one_two_five(most, true)};
    if (decades.high < 2 * decades.low) {
        decades.high = one_two_five(1.5 * decades.low, true);
    }
    return decades;
}

double chart_decade_place(const struct decades *decades, double value)
{
    double place = log(value / decades->low) / log(decades->high / decades->low);
    return fmax(0, fmin(place, 1));
}
