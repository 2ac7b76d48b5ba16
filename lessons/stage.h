/* What every lesson is told with: words, waits, and a clock that --speed drives.
 *
 * Lessons count in their own seconds. All waits are real, and divided by the speed: at speed 10, a
 * wait of 3 s takes 0.3 s, and the clock of the lesson says 3 s. */
#pragma once

#include <stdint.h>

/* Sets the clock to 0 and the speed. */
void stage_begin(double speed);

/* Sets the clock to 0 again, after what had to be made ready. */
void stage_restart(void);

double stage_speed(void);

/* The lesson's clock, in its seconds. */
double stage_clock_s(void);

/* How long so many of the lesson's seconds really take, and the other way round. */
uint64_t stage_real_ns(double seconds);
double stage_seconds(uint64_t real_ns);

/* The lesson's time of a moment on CLOCK_MONOTONIC. */
double stage_time_s(uint64_t at_ns);

/* Says a line: the time, the name of whoever's row it is, and the words. Any thread or process. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Waits, and keeps the thread meanwhile: the wait of a program that knows no other. On an event
 * loop this is the mistake that stops everybody. */
void block(double seconds);

/* Stands for work that needs full attention for so long. It is a wait too, so that a class on a
 * slow machine sees the same; the time line shows that it runs. */
void work(double seconds);

/* For what really blocks: between the two, the time line says so. */
void blocks(void);
void runs(void);

/* Begins and ends a row of the time line for something that is no task of the scheduler: a step of
 * a program, a thread, a process. */
void act_begin(const char *name);
void act_end(void);
