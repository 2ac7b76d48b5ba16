/* titles sync|async|queue [N] [FILE]
 *
 * The titles of many pages, from a list of URLs: one by one, all at once, or at most N at a time
 * (4, unless told otherwise). One by one takes the sum. All at once takes as long as the slowest;
 * but whoever asks for a thousand pages at once is no friend of the server, and may have no
 * descriptors left. A queue with a few workers takes a little longer and is what one does.
 *
 * Without a FILE of URLs, one to a line, a server of this project serves 20 pages, each after 0.5
 * to 1.5 s. */
#include "lessons/fetch.h"
#include "lessons/lesson.h"
#include "lessons/sched.h"
#include "lessons/site.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_URLS = 1000
};

/* What is shared by all who fetch. */
static struct {
    struct place *place; /* looked up before there is a loop: that blocks */
    unsigned count;
    unsigned next;   /* of the queue */
    unsigned failed; /* pages */
} list;

static const char *name_of(char *name, const struct place *place)
{
    snprintf(name, TIMELINE_NAME, "page %u", (unsigned)(place - list.place) + 1);
    return name;
}

static void tell_title(const struct place *place, bool came, struct page *page)
{
    char title[64];
    if (!came) {
        tell("http://%s%s: %s", place->host, place->path, strerror(errno));
        list.failed++;
        return;
    }
    page_title(page, title, sizeof(title));
    tell("%s", title);
    page_finish(page);
}

/* --- one by one ------------------------------------------------------------------------------- */

static void one_by_one(void)
{
    char name[TIMELINE_NAME];
    for (struct place *place = list.place; place < list.place + list.count; place++) {
        struct page page;
        act_begin(name_of(name, place));
        bool came = fetch_blocking(place, &page);
        tell_title(place, came, &page);
        act_end();
    }
}

/* --- all at once ------------------------------------------------------------------------------ */

static void *get_title(void *argument)
{
    struct place *place = argument;
    struct page page;
    bool came = fetch(place, &page);
    tell_title(place, came, &page);
    return NULL;
}

static struct task *begin_to_get(struct place *place)
{
    char name[TIMELINE_NAME];
    return task_spawn(name_of(name, place), get_title, place);
}

static void *all_at_once(void *argument)
{
    struct task *tasks[MOST_URLS];
    (void)argument;
    for (unsigned i = 0; i < list.count; i++) {
        tasks[i] = begin_to_get(&list.place[i]);
    }
    task_gather(tasks, list.count, NULL);
    return NULL;
}

/* --- at most N at a time ---------------------------------------------------------------------- */

static void *take_the_next(void *argument)
{
    (void)argument;
    while (list.next < list.count) {
        task_await(begin_to_get(&list.place[list.next++]));
    }
    return NULL;
}

static void *with_workers(void *argument)
{
    unsigned workers = *(unsigned *)argument;
    struct task *tasks[MOST_URLS];
    for (unsigned i = 0; i < workers; i++) {
        tasks[i] = task_spawn(NULL, take_the_next, NULL);
    }
    task_gather(tasks, workers, NULL);
    return NULL;
}

/* --- the list --------------------------------------------------------------------------------- */

static bool add(const char *url)
{
    if (list.count == MOST_URLS || !place_find(&list.place[list.count], url)) {
        log_error("%s: %s", url, list.count == MOST_URLS ? "one URL too many" : "leads nowhere");
        return false;
    }
    list.count++;
    return true;
}

static bool read_list(const char *path)
{
    char line[PLACE_TEXT * 2];
    FILE *file = fopen(path, "re");
    bool fine = file != NULL;
    if (file == NULL) {
        log_error("%s: %s", path, strerror(errno));
        return false;
    }
    while (fine && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        fine = *line == '\0' || add(line);
    }
    fclose(file);
    return fine;
}

static bool list_pages(const struct site *site)
{
    char name[SITE_TEXT], url[2 * SITE_TEXT];
    for (unsigned i = 0; i < SITE_PAGES; i++) {
        snprintf(url, sizeof(url), "%s/%s", site->url, site_page(name, i));
        if (!add(url)) {
            return false;
        }
    }
    return true;
}

static bool get_titles(const struct asked *asked)
{
    unsigned workers = asked->number[0];
    bool fine = true;
    if (asked_for(asked, "sync")) {
        one_by_one();
    } else if (asked_for(asked, "async")) {
        fine = sched_run(NULL, all_at_once, NULL);
    } else {
        fine = sched_run(NULL, with_workers, &workers);
    }
    return fine && list.failed == 0;
}

bool lesson_titles(const struct asked *asked)
{
    struct site site;
    bool ours = asked->file == NULL, fine = false;
    list.place = calloc(MOST_URLS, sizeof(*list.place));
    if (list.place == NULL || (ours && !site_begin(&site, 0.5, 1.5))) {
        free(list.place);
        return false;
    }
    if (ours ? list_pages(&site) : read_list(asked->file)) {
        fine = get_titles(asked);
    }
    if (ours) {
        site_end(&site);
    }
    free(list.place);
    return fine;
}
