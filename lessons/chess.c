/* chess [BOARDS [CHAMPION [OPPONENTS [MOVES]]]]
 *
 * A champion plays against a room full of people. She needs 5 s for a move, they need 55 s, and
 * each of 24 games goes over 30 moves of both.
 *
 * One game after the other: 24 games x 30 moves x 60 s = 12 hours, and while an opponent thinks
 * she looks out of the window. Or she walks from board to board, makes her move and goes on: when
 * she comes back, the opponent has moved. 30 rounds x 24 boards x 5 s = 1 hour, and she is only one
 * person, as before: what has changed is that she does not wait where she could go on.
 *
 * Her thinking is work, and keeps the thread: she can only be at one board. That of the opponents
 * is a wait. On the time line of the walk, a board that is "ready, kept waiting" has moved and
 * waits for her. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"

#include <stdio.h>

enum {
    MOST_BOARDS = 200
};

struct exhibition {
    unsigned boards;
    double champion_s, opponents_s;
    unsigned moves;
};

static const char *name_of(char *name, unsigned board)
{
    snprintf(name, TIMELINE_NAME, "board %u", board + 1);
    return name;
}

/* --- one game after the other ----------------------------------------------------------------- */

static void play_in_turn(const struct exhibition *exhibition)
{
    char name[TIMELINE_NAME];
    for (unsigned board = 0; board < exhibition->boards; board++) {
        act_begin(name_of(name, board));
        for (unsigned move = 0; move < exhibition->moves; move++) {
            work(exhibition->champion_s);
            block(exhibition->opponents_s);
        }
        act_end();
    }
    tell("%u games are over, one after the other", exhibition->boards);
}

/* --- walking round the boards ----------------------------------------------------------------- */

static void *play(void *argument)
{
    const struct exhibition *exhibition = argument;
    for (unsigned move = 0; move < exhibition->moves; move++) {
        work(exhibition->champion_s);
        task_sleep(exhibition->opponents_s);
    }
    return NULL;
}

static void *walk(void *argument)
{
    const struct exhibition *exhibition = argument;
    struct task *games[MOST_BOARDS];
    char name[TIMELINE_NAME];
    for (unsigned board = 0; board < exhibition->boards; board++) {
        games[board] = task_spawn(name_of(name, board), play, argument);
    }
    task_gather(games, exhibition->boards, NULL);
    tell("%u more are over, all at once", exhibition->boards);
    return NULL;
}

bool lesson_chess(const struct asked *asked)
{
    struct exhibition exhibition = {
        .boards = asked->number[0],
        .champion_s = asked->number[1],
        .opponents_s = asked->number[2],
        .moves = asked->number[3],
    };
    timeline_scene("one game after the other");
    play_in_turn(&exhibition);

    timeline_scene("walking round the boards");
    double round_s = exhibition.boards * exhibition.champion_s;
    timeline_zoom(2 * round_s + exhibition.opponents_s);
    return sched_run(NULL, walk, &exhibition);
}
