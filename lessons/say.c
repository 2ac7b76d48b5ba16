/* say sync|async
 *
 * Two words are to be said: one after a second, the other after two. A program that knows only
 * blocking waits says one, then the other, and takes the sum of both. Two tasks wait together, and
 * take as long as the longest. */
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/stage.h"

struct word {
    const char *text;
    double after_s;
};

static struct word words[] = {{"hello", 1}, {"world", 2}};

/* In turn: block() keeps the thread, and nobody else can run until it returns. */
static void say_in_turn(void)
{
    for (int i = 0; i < 2; i++) {
        act_begin(words[i].text);
        block(words[i].after_s);
        tell("%s", words[i].text);
        act_end();
    }
}

/* Together: task_sleep() looks the same and lets go of the thread meanwhile. */
static void *say(void *argument)
{
    struct word *word = argument;
    task_sleep(word->after_s);
    tell("%s", word->text);
    return NULL;
}

static void *say_together(void *argument)
{
    (void)argument;
    struct task *hello = task_spawn(words[0].text, say, &words[0]);
    struct task *world = task_spawn(words[1].text, say, &words[1]);
    task_await(hello);
    task_await(world);
    return NULL;
}

bool lesson_say(const struct asked *asked)
{
    if (asked_for(asked, "async")) {
        return sched_run(NULL, say_together, NULL);
    }
    say_in_turn();
    return true;
}
