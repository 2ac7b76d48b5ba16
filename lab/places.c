#include "lab/places.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool find_root(const char *programs, char *root, char *why);
static bool own_folder(char *folder, bool *built);
static bool find_program(const char *root, const char *room, enum model model, char *to, char *why);
static bool find_book(const char *root, const char *book, char *to, char *why);
static bool make_folder(const char *path, char *why);
static bool is_empty(const char *path);
static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, PLACES_WHY, format, arguments);
    va_end(arguments);
    return false;
}

/* DIR "/" NAME into `to` (PATH_MAX bytes); false when it does not fit. */
static bool join(char *to, const char *dir, const char *name)
{
    return snprintf(to, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

bool places_find(struct places *places, const char *programs, const char *book, bool need_servers,
                 char *why)
{
    char root[PATH_MAX];
    *places = (struct places){0};
    if (!find_root(programs, root, why)) {
        return false;
    }
    for (int i = 0; i < MODEL_PAIR; i++) {
        if (!find_program(root, "client", (enum model)i, places->client[i], why) ||
            (need_servers &&
             !find_program(root, "server", (enum model)i, places->server[i], why))) {
            return false;
        }
    }
    return !need_servers || find_book(root, book, places->book, why);
}

static bool find_root(const char *programs, char *root, char *why)
{
    bool built;
    if (programs == NULL) {
        return own_folder(root, &built) || refuse(why, "cannot tell where this program lies");
    }
    return realpath(programs, root) != NULL ||
           refuse(why, "--programs: %s: %s", programs, strerror(errno));
}

/* The build folder, if this program lies in the lab/ of one; else the folder it lies in. */
static bool own_folder(char *folder, bool *built)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (len <= 0) {
        return false;
    }
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0';
    char *last = strrchr(folder, '/');
    *built = false;
    if (last != NULL && strcmp(last, "/lab") == 0) {
        *last = '\0';
        *built = join(path, folder, "server") && access(path, F_OK) == 0;
        if (!*built) {
            *last = '/';
        }
    }
    return true;
}

static bool find_program(const char *root, const char *room, enum model model, char *to, char *why)
{
    char name[64], in_room[128];
    snprintf(name, sizeof name, "cristo-%s-%s", model_name(model), room);
    snprintf(in_room, sizeof in_room, "%s/%s", room, name);
    if ((join(to, root, in_room) && access(to, X_OK) == 0) ||
        (join(to, root, name) && access(to, X_OK) == 0)) {
        return true;
    }
    return refuse(why, "there is no program %s in %s (build it, or say --programs DIR)", in_room,
                  root);
}

static bool find_book(const char *root, const char *book, char *to, char *why)
{
    static const char *const beside[] = {"book", "../share/cristo/book"};
    char path[PATH_MAX];

    if (book != NULL) {
        return realpath(book, to) != NULL || refuse(why, "--book: %s: %s", book, strerror(errno));
    }
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        if (join(path, root, beside[i]) && realpath(path, to) != NULL) {
            return true;
        }
    }
    return refuse(why,
                  "there is no book in %s (make it with corpus/prepare %s/book, or say --book DIR)",
                  root, root);
}

bool places_choose(const struct places *places, const char *path, uint64_t near_bytes, char *to,
                   size_t size, uint64_t *bytes, char *why)
{
    char pattern[PATH_MAX];
    glob_t found = {0};
    uint64_t nearest = UINT64_MAX;

    if (!join(pattern, places->book, path + (*path == '/')) ||
        glob(pattern, 0, NULL, &found) != 0) {
        globfree(&found);
        return refuse(why, "the book has no file %s", pattern);
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat status;
        if (stat(found.gl_pathv[i], &status) != 0 || !S_ISREG(status.st_mode)) {
            continue;
        }
        uint64_t here = (uint64_t)status.st_size;
        uint64_t apart = here > near_bytes ? here - near_bytes : near_bytes - here;
        if (apart < nearest) {
            nearest = apart;
            *bytes = here;
            snprintf(to, size, "%s", found.gl_pathv[i] + strlen(places->book));
        }
    }
    globfree(&found);
    return nearest != UINT64_MAX || refuse(why, "the book has no file %s", pattern);
}

bool places_make_results(const char *wanted, const char *name, char *dir, char *why, bool *misused)
{
    char path[PATH_MAX + 64], root[PATH_MAX] = ".";
    bool built = false;

    *misused = wanted != NULL;
    if (wanted != NULL) {
        snprintf(path, sizeof path, "%s", wanted);
        if (access(path, F_OK) == 0 && !is_empty(path)) {
            return refuse(why, "--out: %s: exists and is not an empty folder", wanted);
        }
        return make_folder(path, why) &&
               (realpath(path, dir) != NULL || refuse(why, "%s: %s", path, strerror(errno)));
    }

    char stamp[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    if (!own_folder(root, &built) || !built) {
        strcpy(root, ".");
    }
    snprintf(path, sizeof path, "%s/lab-results/%s-%s", root, name, stamp);
    for (int twin = 2; access(path, F_OK) == 0; twin++) {
        snprintf(path, sizeof path, "%s/lab-results/%s-%s-%d", root, name, stamp, twin);
    }
    return make_folder(path, why) &&
           (realpath(path, dir) != NULL || refuse(why, "%s: %s", path, strerror(errno)));
}

/* With the folders above it, like mkdir -p. */
static bool make_folder(const char *path, char *why)
{
    char part[PATH_MAX + 64];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return refuse(why, "cannot make the folder %s: %s", part, strerror(errno));
        }
        *slash = '/';
    }
    if (mkdir(part, 0777) != 0 && errno != EEXIST) {
        return refuse(why, "cannot make the folder %s: %s", part, strerror(errno));
    }
    return true;
}

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    bool empty = true;
    struct dirent *entry;
    while (empty && (entry = readdir(folder)) != NULL) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(folder);
    return empty;
}
