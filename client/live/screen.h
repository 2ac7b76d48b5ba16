/* Puts a canvas on the terminal, by ncurses: the only place that knows of it, beside terminal.c.
 * One at a time; the main thread's. */
#pragma once

#include "client/live/canvas.h"

struct screen;

/* Begins nothing yet. NULL when out of memory, or the terminal cannot be opened. */
struct screen *screen_create(void);
void screen_destroy(struct screen *screen);

/* Makes the canvas as large as the terminal is now, and blank, to be drawn on. False when it cannot
 * be shown: in the background, or without memory. */
bool screen_begin(struct screen *screen, struct canvas *canvas);

/* Shows it; what was on the terminal before is kept for screen_leave(). */
void screen_show(struct screen *screen, const struct canvas *canvas);

/* A key that was pressed since the last time; -1: none. */
int screen_key(struct screen *screen);

/* Gives the terminal back as it was, until screen_show(). */
void screen_leave(struct screen *screen);
