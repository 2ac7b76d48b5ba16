#include "server/async/patience.h"

#include "lib/base/clock.h"

void patience_init(struct waits *waits)
{
    for (int i = 0; i < PATIENCE_LISTS; i++) {
        waits->list[i].prev = waits->list[i].next = &waits->list[i];
    }
}

/* Before the first entry from the end that is not later: mostly the end itself. */
static void insert(struct waits *waits, struct wait *wait, unsigned list, uint64_t until_ns)
{
    struct wait *head = &waits->list[list];
    struct wait *before = head->prev;
    while (list != PATIENCE_ENDLESS && before != head && before->listed_ns > until_ns) {
        before = before->prev;
    }
    wait->list = (uint8_t)list;
    wait->listed_ns = wait->until_ns = until_ns;
    wait->prev = before;
    wait->next = before->next;
    before->next->prev = wait;
    before->next = wait;
}

void patience_join(struct waits *waits, struct wait *wait)
{
    insert(waits, wait, PATIENCE_ENDLESS, CLOCK_NEVER);
}

void patience_leave(struct wait *wait)
{
    wait->prev->next = wait->next;
    wait->next->prev = wait->prev;
}

bool patience_wait(struct waits *waits, struct wait *wait, unsigned list, uint64_t until_ns)
{
    if (wait->list == list && until_ns >= wait->listed_ns) {
        wait->until_ns = until_ns;
        return false;
    }
    patience_leave(wait);
    insert(waits, wait, list, until_ns);
    return wait->prev == &waits->list[list];
}

struct wait *patience_overdue(struct waits *waits, uint64_t now_ns, uint64_t *next_ns)
{
    *next_ns = CLOCK_NEVER;
    for (unsigned i = 0; i < PATIENCE_KINDS; i++) {
        struct wait *head = &waits->list[i];
        while (head->next != head && head->next->listed_ns <= now_ns) {
            struct wait *wait = head->next;
            patience_leave(wait);
            if (wait->until_ns <= now_ns) {
                patience_join(waits, wait);
                return wait;
            }
            insert(waits, wait, i, wait->until_ns);
        }
        if (head->next != head && head->next->listed_ns < *next_ns) {
            *next_ns = head->next->listed_ns;
        }
    }
    return NULL;
}
