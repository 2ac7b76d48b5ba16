#include "server/store/listing.h"

#include "lib/http/html.h"
#include "lib/http/target.h"
#include "server/store/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct entry {
    char *name;
    bool is_folder;
    uint64_t size;
    time_t modified;
};

struct entries {
    struct entry *list;
    size_t count, room;
    bool cut; /* there are more */
};

/* --- what is there ---------------------------------------------------------------------------- */

static void entries_finish(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->list[i].name);
    }
    free(entries->list);
}

static bool add(struct entries *entries, const char *name, const struct stat *status)
{
    if (entries->count == entries->room) {
        size_t room = entries->room > 0 ? entries->room * 2 : 64;
        struct entry *list = realloc(entries->list, room * sizeof(*list));
        if (list == NULL) {
            return false;
        }
        entries->list = list;
        entries->room = room;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return false;
    }
    entries->list[entries->count++] = (struct entry){
        .name = copy,
        .is_folder = S_ISDIR(status->st_mode),
        .size = (uint64_t)status->st_size,
        .modified = status->st_mtim.tv_sec,
    };
    return true;
}

/* What a link leads to, unless that is outside. */
static bool follow(const struct listing *listing, const char *name, struct stat *status)
{
    char *path;
    if (asprintf(&path, "%s%s", listing->path.at, name) < 0) {
        return false;
    }
    int fd = beneath_open(listing->beneath, path, O_PATH);
    bool there = fd >= 0 && status_of(fd, status);
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return there;
}

static bool is_served(const struct listing *listing, int folder, const char *name,
                      struct stat *status)
{
    if ((name[0] == '.' && !listing->dotfiles) || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0 || !status_within(folder, name, status) ||
        (S_ISLNK(status->st_mode) && !follow(listing, name, status))) {
        return false;
    }
    int needed = S_ISDIR(status->st_mode) ? X_OK : R_OK;
    return (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)) &&
           (faccessat(folder, name, needed, AT_EACCESS) == 0 || errno != EACCES);
}

/* Takes fd. NULL and errno set: it remains the caller's. */
static DIR *open_folder(int fd)
{
    DIR *folder;
    do {
        folder = fdopendir(fd);
    } while (folder == NULL && errno == EINTR);
    return folder;
}

/* The next one that there is; NULL and errno set, 0 at the end. */
static struct dirent *next_of(DIR *folder)
{
    struct dirent *found;
    do {
        errno = 0;
        found = readdir(folder);
    } while (found == NULL && errno == EINTR);
    return found;
}

/* 0 or -errno. */
static int read_entries(const struct listing *listing, DIR *folder, struct entries *entries)
{
    struct dirent *found;
    struct stat status;
    for (size_t seen = 0; (found = next_of(folder)) != NULL; seen++) {
        if (!is_served(listing, dirfd(folder), found->d_name, &status)) {
            entries->cut = seen >= LISTING_READ;
        } else if (entries->count == LISTING_ENTRIES || seen >= LISTING_READ) {
            entries->cut = true;
        } else if (!add(entries, found->d_name, &status)) {
            return -ENOMEM;
        }
        if (entries->cut) {
            return 0;
        }
    }
    return -errno;
}

static int compare(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *other = b;
    return one->is_folder != other->is_folder ? (int)other->is_folder - (int)one->is_folder
                                              : strcmp(one->name, other->name);
}

/* --- what is said of it ----------------------------------------------------------------------- */

static void write_encoded(struct head *head, struct bytes path)
{
    size_t room = head_overflowed(head) ? 0 : head->room - head->len;
    head->len += target_encode(room > 0 ? head->at + head->len : NULL, room, path);
}

static void write_number(struct head *head, uint64_t number)
{
    char digits[20];
    head_text(head, (struct bytes){digits, bytes_from_number(digits, number)});
}

static void write_date(struct head *head, time_t seconds)
{
    char text[64];
    struct tm parts;
    if (gmtime_r(&seconds, &parts) != NULL) {
        head_text(head, (struct bytes){text, strftime(text, sizeof(text), "%F %R", &parts)});
    }
}

static void write_entry(struct head *head, const struct entry *entry)
{
    struct bytes name = bytes_of(entry->name);
    struct bytes slash = entry->is_folder ? BYTES("/") : (struct bytes){0};
    head_text(head, BYTES("<tr><td><a href=\""));
    write_encoded(head, name);
    head_text(head, slash);
    head_text(head, BYTES("\">"));
    html_text(head, name);
    head_text(head, slash);
    head_text(head, BYTES("</a><td>"));
    if (!entry->is_folder) {
        write_number(head, entry->size);
    }
    head_text(head, BYTES("<td>"));
    write_date(head, entry->modified);
    head_text(head, BYTES("\n"));
}

static size_t entry_size(const struct entry *entry)
{
    struct head measure = {NULL, 0, 0};
    write_entry(&measure, entry);
    return measure.len;
}

static void write_top(struct head *head, struct bytes path)
{
    head_text(head, BYTES("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>/"));
    html_text(head, path);
    head_text(head, BYTES("</title>\n<style>td, th { padding-right: 2em; text-align: left; }\n"
                          "td:nth-child(2) { text-align: right; }</style>\n<h1>/"));
    html_text(head, path);
    head_text(head, BYTES("</h1>\n<table>\n<tr><th>Name<th>Bytes<th>Last change (UTC)\n"));
    if (path.len > 0) {
        head_text(head, BYTES("<tr><td><a href=\"../\">../</a><td><td>\n"));
    }
}

static void write_page(struct head *head, const struct listing *listing,
                       const struct entries *entries)
{
    size_t count = 0;
    write_top(head, listing->path);
    while (count < entries->count &&
           head->len + entry_size(&entries->list[count]) <= LISTING_BYTES) {
        write_entry(head, &entries->list[count++]);
    }
    head_text(head, BYTES("</table>\n"));
    if (entries->cut || count < entries->count) {
        head_text(head, BYTES("<p>There is more in this folder: only "));
        write_number(head, count);
        head_text(head, BYTES(" entries are listed.</p>\n"));
    }
}

/* Once to see how long it is, and once into as much memory. */
static int make_page(const struct listing *listing, const struct entries *entries,
                     struct bytes *page)
{
    struct head measure = {NULL, 0, 0};
    write_page(&measure, listing, entries);
    struct head head = {malloc(measure.len), measure.len, 0};
    if (head.at == NULL) {
        return -ENOMEM;
    }
    write_page(&head, listing, entries);
    *page = head_bytes(&head);
    return 0;
}

int listing_write(const struct listing *listing, struct bytes *page)
{
    struct entries entries = {0};
    int fd = beneath_open(listing->beneath, listing->path.at, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return fd;
    }
    DIR *folder = open_folder(fd);
    if (folder == NULL) {
        int error = errno;
        close(fd);
        return -error;
    }
    int error = read_entries(listing, folder, &entries);
    closedir(folder);
    if (error == 0) {
        if (entries.count > 1) {
            qsort(entries.list, entries.count, sizeof(entries.list[0]), compare);
        }
        error = make_page(listing, &entries, page);
    }
    entries_finish(&entries);
    return error;
}
