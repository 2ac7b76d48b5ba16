#include "lessons/fetch.h"

#include "lessons/sched.h"
#include "lessons/stage.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE_MOST = 16 * 1024 * 1024
};

/* --- where to --------------------------------------------------------------------------------- */

bool place_find(struct place *place, const char *url)
{
    char host[PLACE_TEXT], *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (strncmp(url, "http://", 7) != 0) {
        return false;
    }
    size_t length = strcspn(url + 7, "/");
    const char *path = url[7 + length] == '/' ? url + 7 + length : "/";
    if (length == 0 || length >= sizeof(host) || strlen(path) >= sizeof(place->path) ||
        strcspn(url, " \t\r\n") != strlen(url)) {
        return false;
    }
    memcpy(host, url + 7, length);
    host[length] = '\0';
    strcpy(place->host, host);
    strcpy(place->path, path);
    port = strrchr(host, ':');
    if (port != NULL) {
        *port++ = '\0';
    }
    if (getaddrinfo(host, port != NULL ? port : "80", &hints, &found) != 0) {
        return false;
    }
    memcpy(&place->address, found->ai_addr, found->ai_addrlen);
    place->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* --- what to say, and what came --------------------------------------------------------------- */

static size_t write_request(char *to, size_t size, const struct place *place)
{
    int length =
        snprintf(to, size, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", place->path, place->host);
    return (size_t)length;
}

/* Where the next bytes go: there is room for one at least, and for a NUL behind it. NULL when it
 * would be too much. */
static char *make_room(struct page *page)
{
    if (page->size == page->room) {
        size_t room = page->room == 0 ? 4096 : 2 * page->room;
        char *text = room <= PAGE_MOST ? realloc(page->text, room + 1) : NULL;
        if (text == NULL) {
            errno = ENOMEM;
            return NULL;
        }
        page->text = text;
        page->room = room;
    }
    return page->text + page->size;
}

/* Reads the head of what has come. */
static bool understand(struct page *page)
{
    page->text[page->size] = '\0';
    char *end = strstr(page->text, "\r\n\r\n"), *delay = strcasestr(page->text, "\r\nDelay:");
    if (end == NULL || sscanf(page->text, "HTTP/1.%*1d %3d", &page->status) != 1) {
        errno = EBADMSG;
        return false;
    }
    page->body = end + 4;
    if (delay != NULL && delay < end) {
        page->delay_s = atof(delay + strlen("\r\nDelay:")) * stage_speed();
    }
    return true;
}

void page_finish(struct page *page)
{
    free(page->text);
    *page = (struct page){0};
}

void page_title(const struct page *page, char *to, size_t size)
{
    const char *begin = strcasestr(page->body, "<title>");
    const char *end = begin != NULL ? strcasestr(begin, "</title>") : NULL;
    if (end == NULL) {
        snprintf(to, size, "(no title)");
        return;
    }
    begin += strlen("<title>");
    size_t length = (size_t)(end - begin) < size ? (size_t)(end - begin) : size - 1;
    while (length > 0 && (begin[length] & 0xc0) == 0x80) { /* not in the middle of a letter */
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        to[i] = (unsigned char)begin[i] < ' ' || begin[i] == 0x7f ? ' ' : begin[i];
    }
    to[length] = '\0';
}

/* --- blocking: each call returns when it is done ---------------------------------------------- */

static bool exchange_blocking(int fd, const struct place *place, struct page *page)
{
    char request[2 * PLACE_TEXT + 64];
    size_t length = write_request(request, sizeof(request), place);
    if (connect(fd, (const struct sockaddr *)&place->address, place->address_size) != 0 ||
        send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
        return false;
    }
    for (;;) {
        char *to = make_room(page);
        ssize_t got = to != NULL ? recv(fd, to, page->room - page->size, 0) : -1;
        if (got <= 0) {
            return got == 0 && understand(page); /* HTTP/1.0: it ends with the connection */
        }
        page->size += (size_t)got;
    }
}

/* --- as a task: each call does what it can, and then the task waits --------------------------- */

static bool connect_as_task(int fd, const struct place *place)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (connect(fd, (const struct sockaddr *)&place->address, place->address_size) == 0) {
        return true;
    }
    if (errno != EINPROGRESS || !task_until(fd, EV_WRITE) ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return false;
    }
    errno = error;
    return error == 0;
}

static bool exchange_as_task(int fd, const struct place *place, struct page *page)
{
    char request[2 * PLACE_TEXT + 64];
    size_t length = write_request(request, sizeof(request), place);
    if (!connect_as_task(fd, place) ||
        send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) { /* so little always fits */
        return false;
    }
    for (;;) {
        char *to = make_room(page);
        ssize_t got = to != NULL ? recv(fd, to, page->room - page->size, 0) : -1;
        if (got > 0) {
            page->size += (size_t)got;
        } else if (got == 0) {
            return understand(page);
        } else if (to == NULL || errno != EAGAIN || !task_until(fd, EV_READ)) {
            return false;
        }
    }
}

/* ---------------------------------------------------------------------------------------------- */

static bool fetch_by(bool (*exchange)(int, const struct place *, struct page *), int flags,
                     const struct place *place, struct page *page)
{
    *page = (struct page){0};
    int fd = socket(place->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    bool fine = fd >= 0 && exchange(fd, place, page);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (!fine) {
        page_finish(page);
    }
    errno = error;
    return fine;
}

bool fetch_blocking(const struct place *place, struct page *page)
{
    blocks();
    bool fine = fetch_by(exchange_blocking, 0, place, page);
    runs();
    return fine;
}

bool fetch(const struct place *place, struct page *page)
{
    return fetch_by(exchange_as_task, SOCK_NONBLOCK, place, page);
}
