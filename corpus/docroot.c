#include "corpus/docroot.h"

#include "corpus/chapter.h"
#include "corpus/compress.h"
#include "corpus/contents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* To be raised when what is laid out changes: docroots of before are then made anew. */
#define LAYOUT "layout 1"
#define STAMP ".cristo-book"
#define WHOLE "count-of-monte-cristo.txt"

enum {
    FILES_MAX = BOOK_CHAPTERS + 2, /* the whole text and the contents */
    NAME_MAX_BYTES = 32,
    BROTLIS = 2,
};

struct making {
    const struct docroot_order *order;
    char path[PATH_MAX]; /* of the new docroot, beside its place */
    int folder;
    size_t count;
    char names[FILES_MAX][NAME_MAX_BYTES]; /* of the files to serve; the whole text first */
    char *wrong;
};

static bool tell(struct making *making, const char *what, int error)
{
    snprintf(making->wrong, TEXT_WRONG, "%.100s: %.100s", what, strerror(error));
    return false;
}

static bool write_file(struct making *making, const char *name, struct bytes content)
{
    int fd = openat(making->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return tell(making, name, errno);
    }
    size_t done = 0;
    while (done < content.len) {
        ssize_t count = write(fd, content.at + done, content.len - done);
        if (count < 0 && errno != EINTR) {
            int error = errno;
            close(fd);
            return tell(making, name, error);
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return close(fd) == 0 || tell(making, name, errno);
}

/* A file to serve and its .gz; its .br comes later, with all others. */
static bool add_file(struct making *making, const char *name, struct bytes content)
{
    char sibling[NAME_MAX_BYTES + 3];
    struct bytes packed;
    if (*making->order->ended) {
        return tell(making, "stopped", EINTR);
    }
    if (!write_file(making, name, content)) {
        return false;
    }
    snprintf(making->names[making->count++], NAME_MAX_BYTES, "%s", name);
    if (!compress_gzip(content, &packed)) {
        return tell(making, name, ENOMEM);
    }
    snprintf(sibling, sizeof sibling, "%s.gz", name);
    bool fine = write_file(making, sibling, packed);
    free((char *)packed.at);
    return fine;
}

static bool add_contents(struct making *making)
{
    struct bytes page;
    if (!contents_write(making->order->book, making->order->source, &page)) {
        return tell(making, "index.html", ENOMEM);
    }
    bool fine = add_file(making, "index.html", page);
    free((char *)page.at);
    return fine;
}

static bool add_chapters(struct making *making)
{
    bool fine = mkdirat(making->folder, "chapters", 0777) == 0 || tell(making, "chapters", errno);
    for (unsigned i = 0; fine && i < BOOK_CHAPTERS; i++) {
        char name[NAME_MAX_BYTES];
        struct bytes text;
        snprintf(name, sizeof name, "chapters/%03u.txt", i + 1);
        if (!chapter_write(i + 1, &making->order->book->chapters[i], &text)) {
            return tell(making, name, ENOMEM);
        }
        fine = add_file(making, name, text);
        free((char *)text.at);
    }
    return fine;
}

static bool add_stamp(struct making *making)
{
    char text[2 * TEXT_WRONG];
    int size =
        snprintf(text, sizeof text, LAYOUT "\n%s\n%s\n",
                 making->order->book->stand_in ? "stand-in" : "novel", making->order->source);
    return write_file(making, STAMP, (struct bytes){text, (size_t)size});
}

/* The whole text, which takes half of the time, by one brotli, and the others by another. */
static bool start_brotlis(struct making *making, pid_t *brotlis)
{
    const char *paths[FILES_MAX + 2] = {making->names[0], NULL};
    for (size_t i = 1; i < making->count; i++) {
        paths[i + 1] = making->names[i];
    }
    brotlis[0] = compress_brotli(making->folder, paths, making->order->brotli_quality);
    brotlis[1] = compress_brotli(making->folder, paths + 2, making->order->brotli_quality);
    return brotlis[0] >= 0 && brotlis[1] >= 0;
}

static bool add_brotlis(struct making *making, bool *brotli)
{
    pid_t brotlis[BROTLIS];
    *brotli = start_brotlis(making, brotlis);
    bool fine = true;
    for (size_t i = 0; i < BROTLIS; i++) {
        if (brotlis[i] < 0) {
            fine = fine && brotlis[i] == -ENOENT; /* a machine may do without */
            continue;
        }
        int status = compress_wait(brotlis[i]);
        fine = fine && status == 0;
    }
    if (!fine) {
        snprintf(making->wrong, TEXT_WRONG, "%s",
                 *making->order->ended ? "stopped" : "the brotli command failed");
    }
    return fine;
}

static bool set_time(struct making *making, const char *name, const char *suffix,
                     const struct timespec *times)
{
    char sibling[NAME_MAX_BYTES + 3];
    snprintf(sibling, sizeof sibling, "%s%s", name, suffix);
    return utimensat(making->folder, sibling, times, 0) == 0 || errno == ENOENT ||
           tell(making, sibling, errno);
}

/* One moment for all: what is compressed is as old as what it was made from. */
static bool set_times(struct making *making)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct timespec times[2] = {now, now};
    bool fine = true;
    for (size_t i = 0; fine && i < making->count; i++) {
        fine = set_time(making, making->names[i], "", times) &&
               set_time(making, making->names[i], ".gz", times) &&
               set_time(making, making->names[i], ".br", times);
    }
    return fine;
}

static bool fill(struct making *making, bool *brotli)
{
    const struct book *book = making->order->book;
    return add_file(making, WHOLE, book->whole) && add_contents(making) && add_chapters(making) &&
           add_brotlis(making, brotli) && set_times(making) && add_stamp(making);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A folder beside the docroot, on the same file system, with the access that the umask allows. */
static bool open_making(struct making *making)
{
    mode_t mask = umask(0);
    umask(mask);
    const char *path = making->order->path;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (snprintf(making->path, sizeof making->path, "%.*s.XXXXXX", (int)length, path) >=
        (int)sizeof making->path) {
        return tell(making, path, ENAMETOOLONG);
    }
    if (mkdtemp(making->path) == NULL) {
        return tell(making, path, errno);
    }
    making->folder = open(making->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (making->folder < 0 || fchmod(making->folder, 0777 & ~mask) < 0) {
        int error = errno;
        remove_tree(making->path);
        return tell(making, making->path, error);
    }
    return true;
}

/* Into place: as the first one, or in exchange for the one that is there, which is then removed. */
static bool move_in(struct making *making)
{
    const char *path = making->order->path;
    if (renameat2(AT_FDCWD, making->path, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
        return true;
    }
    if (errno == EEXIST &&
        renameat2(AT_FDCWD, making->path, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
        remove_tree(making->path);
        return true;
    }
    return tell(making, path, errno);
}

bool docroot_make(const struct docroot_order *order, bool *brotli, char *wrong)
{
    char source[TEXT_WRONG];
    if (docroot_look(order->path, source) == DOCROOT_FOREIGN) {
        snprintf(wrong, TEXT_WRONG, "is there already and not a docroot of this program's making");
        return false;
    }
    struct making *making = calloc(1, sizeof *making);
    if (making == NULL) {
        snprintf(wrong, TEXT_WRONG, "%s", strerror(ENOMEM));
        return false;
    }
    making->order = order;
    making->wrong = wrong;
    bool fine = open_making(making);
    if (fine) {
        fine = fill(making, brotli) && move_in(making);
        close(making->folder);
        if (!fine) {
            remove_tree(making->path);
        }
    }
    free(making);
    return fine;
}

static bool is_empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    size_t count = 0;
    while (readdir(folder) != NULL) {
        count++; /* "." and ".." are always there */
    }
    closedir(folder);
    return count <= 2;
}

static bool read_line(FILE *from, char *line)
{
    if (fgets(line, TEXT_WRONG, from) == NULL) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static enum docroot_kind read_stamp(const char *path, FILE *stamp, char *source)
{
    char whole[PATH_MAX];
    char line[TEXT_WRONG];
    struct stat status;
    if (!read_line(stamp, line) || strcmp(line, LAYOUT) != 0) {
        return DOCROOT_OUTDATED;
    }
    bool novel = read_line(stamp, line) && strcmp(line, "novel") == 0;
    snprintf(whole, sizeof whole, "%s/" WHOLE, path);
    if (stat(whole, &status) < 0 || !read_line(stamp, source)) {
        source[0] = '\0';
        return DOCROOT_OUTDATED;
    }
    return novel ? DOCROOT_NOVEL : DOCROOT_STAND_IN;
}

enum docroot_kind docroot_look(const char *path, char *source)
{
    char name[PATH_MAX];
    struct stat status;
    source[0] = '\0';
    if ((lstat(path, &status) < 0 && errno == ENOENT) || is_empty_folder(path)) {
        return DOCROOT_ABSENT;
    }
    snprintf(name, sizeof name, "%s/" STAMP, path);
    FILE *stamp = fopen(name, "re");
    if (stamp == NULL) {
        return DOCROOT_FOREIGN;
    }
    enum docroot_kind kind = read_stamp(path, stamp, source);
    fclose(stamp);
    return kind;
}
