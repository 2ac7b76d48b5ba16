#include "server/async/tray.h"

void tray_init(struct tray *tray, unsigned most)
{
    *tray = (struct tray){.most = most > TRAY_LEAST ? most : TRAY_LEAST};
    jobs_init(&tray->prompt);
    jobs_init(&tray->other);
}

static bool has_place(const struct tray *tray, bool prompt)
{
    return tray->taken < tray->most && (prompt || tray->slow < tray->most / 2);
}

static void give_place(struct tray *tray, const struct job *job)
{
    tray->taken++;
    tray->slow += !job->prompt;
}

/* The one that came first of those for whom there is a place; NULL: there is none. */
static struct job *next_job(struct tray *tray)
{
    struct job *prompt = has_place(tray, true) ? tray->prompt.first : NULL;
    struct job *other = has_place(tray, false) ? tray->other.first : NULL;
    if (prompt == NULL && other == NULL) {
        return NULL;
    }
    bool prompt_first = other == NULL || (prompt != NULL && prompt->turn < other->turn);
    struct job *next = jobs_take(prompt_first ? &tray->prompt : &tray->other);
    give_place(tray, next);
    return next;
}

bool tray_take(struct tray *tray, struct job *job)
{
    struct jobs *waiting = job->prompt ? &tray->prompt : &tray->other;
    if (waiting->first == NULL && has_place(tray, job->prompt)) {
        give_place(tray, job);
        return true;
    }
    job->turn = tray->turns++;
    jobs_add(waiting, job);
    return false;
}

struct job *tray_return(struct tray *tray, const struct job *job)
{
    tray->slow -= !job->prompt;
    return next_job(tray);
}

struct job *tray_leave(struct tray *tray)
{
    tray->taken--;
    return next_job(tray);
}

bool tray_is_roomy(const struct tray *tray)
{
    return tray->taken <= tray->most / 2;
}

struct job *tray_dismiss(struct tray *tray)
{
    struct jobs *waiting = tray->prompt.first != NULL ? &tray->prompt : &tray->other;
    return waiting->first != NULL ? jobs_take(waiting) : NULL;
}
