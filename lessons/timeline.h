/* The time line: who did what when, written down while it happens and drawn when it is over.
 *
 * Every task, thread or process that is to be seen has a row. Its marks say what it does from that
 * moment on, until its next mark. They are kept in memory that is shared with processes forked
 * later, and each takes a number of its own: threads and processes write into the same book.
 *
 * A lesson that shows two ways one after the other begins a new scene for each: rows belong to the
 * scene in which they were made, and every scene is drawn by itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum mark {
    MARK_CREATED, /* is there, but was not started */
    MARK_READY,   /* could run, and is kept waiting for its turn */
    MARK_RUNS,    /* has the thread */
    MARK_BLOCKS,  /* has the thread and does not use it: waits, and lets nobody else run */
    MARK_WAITS,   /* has let go of the thread: others may run */
    MARK_AWAITS,  /* the same, for the end of another task */
    MARK_ENDED,
    MARK_SAYS, /* a line of text; what it does goes on */
    MARKS
};

enum {
    TIMELINE_NAME = 24,
    TIMELINE_TEXT = 80,
    TIMELINE_COLUMNS = 80, /* in which it is drawn where nobody tells how wide a line is */
};

/* Begins the book. False when there is no memory. */
bool timeline_begin(void);
void timeline_end(void);

/* Begins the next scene; `title` must live on. Before the first call there is one without title. */
void timeline_scene(const char *title);

/* Draw no more of this scene than its first `seconds` (of the lesson's time). */
void timeline_zoom(double seconds);

/* A new row; -1, a row that takes no marks, when the book is full. Any thread or process. */
int timeline_row(const char *name);

/* On row -1 nothing is marked. Any thread or process. */
void timeline_mark(int row, enum mark mark, uint64_t at_ns);
void timeline_say(int row, uint64_t at_ns, const char *text);

/* The row of what the calling thread does now: -1 until told otherwise. */
void timeline_enter(int row);
int timeline_here(void);

/* Puts the marks in order: once, when all is over. What follows needs that. False when there is no
 * memory. */
bool timeline_close(void);

/* Each scene: a row for each task in characters, and how long it took against the sum of its parts
 * and the longest of them. */
void timeline_draw(FILE *to, unsigned columns); /* at least 40 */

/* The same as one picture. False when it could not be written. */
bool timeline_write_svg(FILE *to, const char *title);

/* All marks, one JSON object to a line: at (seconds), scene, row, task, event, text. */
bool timeline_write_events(FILE *to);
