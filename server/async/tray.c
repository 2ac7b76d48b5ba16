#include "server/async/tray.h"

void tray_init(struct tray *tray, unsigned most)
{
    tray->taken = 0;
    tray->most = most > TRAY_LEAST ? most : TRAY_LEAST;
    jobs_init(&tray->waiting);
}

bool tray_take(struct tray *tray, struct job *job)
{
    if (tray->taken == tray->most) {
        jobs_add(&tray->waiting, job);
        return false;
    }
    tray->taken++;
    return true;
}

struct job *tray_leave(struct tray *tray)
{
    struct job *next = tray_dismiss(tray);
    tray->taken -= next == NULL;
    return next;
}

bool tray_is_roomy(const struct tray *tray)
{
    return tray->taken <= tray->most / 2;
}

struct job *tray_dismiss(struct tray *tray)
{
    return tray->waiting.first != NULL ? jobs_take(&tray->waiting) : NULL;
}
