/* A canvas for each case, and what stands on it as text. */
#pragma once

#include "client/live/canvas.h"

extern struct canvas picture;

/* For suite_frame(): a canvas without a size, fine and in colours. */
int picture_begin(void **state);
int picture_end(void **state);

/* The rows, each ended by '|'. Static. */
const char *picture_text(void);

/* One of them, without the blanks at its end. Static. */
const char *picture_row(int row);
