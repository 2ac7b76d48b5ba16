#include "lib/tls/file.h"

#include "lib/tls/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST = 1 << 20
};

/* Whether it is a file of a size that certificates have, and nobody else's to read. */
static bool is_fit(const char *path, const struct stat *status, enum tls_secrecy secrecy,
                   char wrong[TLS_WRONG])
{
    if (!S_ISREG(status->st_mode)) {
        return wrong_say(wrong, "%s: is not a file", path);
    }
    if (status->st_size == 0) {
        return wrong_say(wrong, "%s: is empty", path);
    }
    if (status->st_size > MOST) {
        return wrong_say(wrong, "%s: is larger than a megabyte", path);
    }
    if (secrecy == TLS_SECRET && (status->st_mode & S_IROTH) != 0) {
        return wrong_say(wrong, "%s: can be read by everybody on this machine (chmod o= it)", path);
    }
    if (secrecy == TLS_SECRET && (status->st_mode & S_IRGRP) != 0) {
        wrong_say(wrong, "%s: can be read by its group", path);
    }
    return true;
}

static bool read_all(struct tls_file *file, int fd, size_t size)
{
    file->bytes = malloc(size);
    while (file->bytes != NULL && file->size < size) {
        ssize_t got = read(fd, file->bytes + file->size, size - file->size);
        if (got == 0) {
            break; /* it has shrunk meanwhile */
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        file->size += got > 0 ? (size_t)got : 0;
    }
    return file->bytes != NULL;
}

bool tls_file_read(struct tls_file *file, const char *path, enum tls_secrecy secrecy,
                   char wrong[TLS_WRONG])
{
    struct tls_file taken = {.name = path};
    struct stat status;
    *wrong = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) < 0) {
        wrong_say(wrong, "%s: %s", path, strerror(errno));
    } else if (is_fit(path, &status, secrecy, wrong)) {
        if (read_all(&taken, fd, (size_t)status.st_size)) {
            *file = taken;
            close(fd);
            return true;
        }
        wrong_say(wrong, "%s: %s", path, strerror(errno));
        tls_file_free(&taken);
    }
    if (fd >= 0) {
        close(fd);
    }
    return false;
}

void tls_file_free(struct tls_file *file)
{
    if (file->bytes != NULL) {
        explicit_bzero(file->bytes, file->size);
        free(file->bytes);
    }
    *file = (struct tls_file){0};
}
