/* A small client for HTTP: one request, one connection, the same steps waited for in two ways. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
    PLACE_TEXT = 512
};

/* Where a URL leads. */
struct place {
    struct sockaddr_storage address;
    socklen_t address_size;
    char host[PLACE_TEXT]; /* with its port */
    char path[PLACE_TEXT];
};

struct page {
    int status;
    double delay_s; /* how long the server says that it has waited, in the lesson's seconds */
    char *text;     /* the reply with its head, ended by NUL; owned */
    size_t size, room;
    const char *body; /* in it */
};

/* "http://HOST[:PORT][/PATH]". Looks the host up, which may block: before there is a loop. False
 * when that is no such URL, or there is no such host. */
bool place_find(struct place *place, const char *url);

/* Asks for the page and waits for all of it, blocking. False, with errno, when it did not come. A
 * page that came is to be finished. */
bool fetch_blocking(const struct place *place, struct page *page);

/* The same, waiting as a task. */
bool fetch(const struct place *place, struct page *page);

void page_finish(struct page *page);

/* What stands between <title> and </title>, in one line of at most `size` - 1 bytes; "(no title)"
 * when there is none. */
void page_title(const struct page *page, char *to, size_t size);
