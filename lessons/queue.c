/* queue 1..7
 *
 * A queue of things to do: to wait 4, 3, 2 and 1 s, and between them to compute the factorials of
 * 40 and 50. What changes from 1 to 7 is who takes them from the queue, and how they wait:
 *
 *     1  one worker                                            the sum of all
 *     2  two workers that do not cooperate                     the first does all, the second
 * nothing 3  two that cooperate, but what they do still blocks     they take turns, and it is still
 * the sum 4  two that wait asynchronously                          together 5  as 3, and the waits
 * are fetches over HTTP             the sum 6  as 4, and the waits are fetches over HTTP together
 *     7  a task for each: fetches, and files read by helpers   as long as the longest
 */
#include "lessons/fetch.h"
#include "lessons/lesson.h"
#include "lessons/pool.h"
#include "lessons/sched.h"
#include "lessons/site.h"
#include "lessons/stage.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum kind {
    WAIT,
    FACTORIAL,
    FILE_READ
};

struct item {
    enum kind kind;
    unsigned number; /* seconds to wait, or of which the factorial */
};

static const struct item items[] = {
    {WAIT, 4}, {FACTORIAL, 40}, {WAIT, 3}, {FACTORIAL, 50}, {WAIT, 2}, {WAIT, 1},
};

enum {
    ITEMS = sizeof(items) / sizeof(*items)
};

static unsigned next; /* the head of the queue */
static struct site site;

/* --- what there is to do ---------------------------------------------------------------------- */

/* Exact, in groups of nine digits, the lowest first: 50! has 65. */
static void compute_factorial(unsigned n)
{
    uint32_t groups[16] = {1};
    for (unsigned factor = 2; factor <= n; factor++) {
        uint64_t carry = 0;
        for (int i = 0; i < 16; i++) {
            carry += (uint64_t)groups[i] * factor;
            groups[i] = (uint32_t)(carry % 1000000000);
            carry /= 1000000000;
        }
    }
    char text[16 * 9 + 1];
    int top = 15, size;
    while (top > 0 && groups[top] == 0) {
        top--;
    }
    size = sprintf(text, "%u", groups[top]);
    while (top-- > 0) {
        size += sprintf(text + size, "%09u", groups[top]);
    }
    tell("%u! = %s", n, text);
}

static void get_page(unsigned number, bool (*get)(const struct place *, struct page *))
{
    struct place place;
    struct page page;
    char url[2 * SITE_TEXT], name[SITE_TEXT];
    snprintf(url, sizeof(url), "%s/%s", site.url, site_page(name, number));
    tell("asks for page %u", number);
    if (!place_find(&place, url) || !get(&place, &page)) {
        log_error("%s: %s", url, strerror(errno));
        return;
    }
    tell("page %u came, %d, after %.3f s", number, page.status, page.delay_s);
    page_finish(&page);
}

static void wait_blocking(unsigned seconds)
{
    tell("waits %u s", seconds);
    block(seconds);
    tell("has waited %u s", seconds);
}

static void wait_as_task(unsigned seconds)
{
    tell("waits %u s", seconds);
    task_sleep(seconds);
    tell("has waited %u s", seconds);
}

static void fetch_and_block(unsigned number)
{
    get_page(number, fetch_blocking);
}

static void fetch_as_task(unsigned number)
{
    get_page(number, fetch);
}

/* --- workers ---------------------------------------------------------------------------------- */

/* How the workers of one lesson wait. */
struct manner {
    void (*wait)(unsigned number);
    bool cooperates; /* lets the other run after each item */
};

static void *work_off_the_queue(void *argument)
{
    const struct manner *manner = argument;
    if (next == ITEMS) {
        tell("finds the queue empty");
    }
    while (next < ITEMS) {
        const struct item *item = &items[next++];
        if (item->kind == FACTORIAL) {
            compute_factorial(item->number);
        } else {
            manner->wait(item->number);
        }
        if (manner->cooperates) {
            task_yield();
        }
    }
    return NULL;
}

static void *two_tasks(void *argument)
{
    struct task *first = task_spawn("worker 1", work_off_the_queue, argument);
    struct task *second = task_spawn("worker 2", work_off_the_queue, argument);
    task_await(first);
    task_await(second);
    return NULL;
}

static bool two_cooperate(void (*wait)(unsigned number))
{
    struct manner manner = {wait, true};
    return sched_run(NULL, two_tasks, &manner);
}

/* One after the other: that the second is called a worker changes nothing. */
static bool each_in_turn(unsigned workers)
{
    struct manner manner = {wait_blocking, false};
    for (unsigned i = 0; i < workers; i++) {
        act_begin(i == 0 ? "worker 1" : "worker 2");
        work_off_the_queue(&manner);
        act_end();
    }
    return true;
}

/* --- fetches and files together --------------------------------------------------------------- */

/* A file cannot be waited for (see "files"), so a helper thread reads it. */
static void *read_file(void *argument)
{
    char name[SITE_TEXT], path[2 * SITE_TEXT], bytes[4096];
    snprintf(path, sizeof(path), "%s/%s", site.folder, site_page(name, *(unsigned *)argument));
    FILE *file = fopen(path, "re");
    uintptr_t size = file != NULL ? fread(bytes, 1, sizeof(bytes), file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return (void *)size;
}

static void *do_one(void *argument)
{
    const struct item *item = argument;
    unsigned number = item->number;
    if (item->kind == FILE_READ) {
        tell("asks for file %u", number);
        size_t size = (size_t)(uintptr_t)pool_do(read_file, &number);
        tell("file %u has %zu bytes", number, size);
    } else {
        fetch_as_task(number);
    }
    return NULL;
}

static void *all_at_once(void *argument)
{
    static struct item both[8];
    struct task *tasks[8];
    char name[SITE_TEXT];
    (void)argument;
    for (unsigned i = 0; i < 8; i++) {
        both[i] = (struct item){i % 2 == 0 ? WAIT : FILE_READ, i / 2 + 1};
        snprintf(name, sizeof(name), i % 2 == 0 ? "page %u" : "file %u", i / 2 + 1);
        tasks[i] = task_spawn(name, do_one, &both[i]);
    }
    task_gather(tasks, 8, NULL);
    return NULL;
}

static bool with_helpers(void)
{
    bool fine = pool_begin(2) && sched_run(NULL, all_at_once, NULL);
    pool_end();
    return fine;
}

/* ---------------------------------------------------------------------------------------------- */

bool lesson_queue(const struct asked *asked)
{
    int way = atoi(asked->way);
    next = 0;
    if (way >= 5 && !site_begin(&site, 1, 4)) {
        return false;
    }
    bool fine = way == 1   ? each_in_turn(1)
                : way == 2 ? each_in_turn(2)
                : way == 3 ? two_cooperate(wait_blocking)
                : way == 4 ? two_cooperate(wait_as_task)
                : way == 5 ? two_cooperate(fetch_and_block)
                : way == 6 ? two_cooperate(fetch_as_task)
                           : with_helpers();
    if (way >= 5) {
        site_end(&site);
    }
    return fine;
}
