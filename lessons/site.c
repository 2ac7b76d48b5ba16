#include "lessons/site.h"

#include "lessons/stage.h"
#include "lib/base/log.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the pages -------------------------------------------------------------------------------- */

const char *site_page(char *to, unsigned index)
{
    snprintf(to, SITE_TEXT, "page-%02u.html", index + 1);
    return to;
}

static bool write_page(const struct site *site, unsigned index)
{
    char name[SITE_TEXT], path[2 * SITE_TEXT];
    snprintf(path, sizeof(path), "%s/%s", site->folder, site_page(name, index));
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "<!doctype html>\n<title>Page %u of %d</title>\n<p>Worth waiting for.</p>\n",
            index + 1, SITE_PAGES);
    return fclose(file) == 0;
}

static bool write_pages(struct site *site)
{
    const char *temporary = getenv("TMPDIR");
    temporary = temporary != NULL && strlen(temporary) < 64 ? temporary : "/tmp";
    snprintf(site->folder, sizeof(site->folder), "%s/cristo-lesson-XXXXXX", temporary);
    if (mkdtemp(site->folder) == NULL) {
        site->folder[0] = '\0';
        return false;
    }
    for (unsigned i = 0; i < SITE_PAGES; i++) {
        if (!write_page(site, i)) {
            return false;
        }
    }
    return true;
}

static void remove_pages(const struct site *site)
{
    char name[SITE_TEXT], path[2 * SITE_TEXT];
    for (unsigned i = 0; i < SITE_PAGES; i++) {
        snprintf(path, sizeof(path), "%s/%s", site->folder, site_page(name, i));
        unlink(path);
    }
    rmdir(site->folder);
}

/* --- the server ------------------------------------------------------------------------------- */

/* Beside this program: in the same folder, as installed, or in server/ of the build folder. */
static bool find_server(char *to, size_t size)
{
    char here[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);
    if (length <= 0) {
        return false;
    }
    here[length] = '\0';
    *strrchr(here, '/') = '\0';
    static const char *const beside[] = {"cristo-async-server", "../server/cristo-async-server"};
    for (int i = 0; i < 2; i++) {
        snprintf(to, size, "%s/%s", here, beside[i]);
        if (access(to, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

static void become_server(const char *program, const struct site *site, const char *delay, int to)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it ends when the lesson does, whatever happens */
    dup2(to, STDOUT_FILENO);
    if (freopen("/dev/null", "w", stderr) == NULL) { /* what it tells its operator is no lesson */
        _exit(127);
    }
    execl(program, program, "--listen", "127.0.0.1:0", "--delay", delay, "--seed", "3",
          site->folder, (char *)NULL);
    _exit(127);
}

/* "listening on http://127.0.0.1:40123/ (async, 1 loop)" */
static bool read_url(struct site *site)
{
    char line[256];
    size_t size = 0;
    while (size + 1 < sizeof(line) && memchr(line, '\n', size) == NULL) {
        ssize_t got = read(site->output, line + size, sizeof(line) - 1 - size);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            break;
        }
        size += got > 0 ? (size_t)got : 0;
    }
    line[size] = '\0';
    return sscanf(line, "listening on %127[^ \n]", site->url) == 1;
}

static bool start_server(struct site *site, const char *delay)
{
    char program[PATH_MAX + 64];
    int ends[2];
    if (!find_server(program, sizeof(program))) {
        log_error("there is no cristo-async-server beside this program");
        return false;
    }
    if (pipe(ends) != 0 || (site->pid = fork()) < 0) {
        log_error("cannot start a server: %s", strerror(errno));
        return false;
    }
    if (site->pid == 0) {
        close(ends[0]);
        become_server(program, site, delay, ends[1]);
    }
    close(ends[1]);
    site->output = ends[0];
    if (!read_url(site)) {
        log_error("the server did not say where it listens");
        return false;
    }
    site->url[strlen(site->url) - 1] = '\0'; /* its slash */
    return true;
}

bool site_begin(struct site *site, double low_s, double high_s)
{
    char delay[SITE_TEXT];
    *site = (struct site){.output = -1};
    snprintf(delay, sizeof(delay), "%.6fs-%.6fs", low_s / stage_speed(), high_s / stage_speed());
    if (!write_pages(site)) {
        log_error("%s: cannot write pages: %s", site->folder, strerror(errno));
    } else if (start_server(site, delay)) {
        stage_restart();
        return true;
    }
    site_end(site);
    return false;
}

void site_end(struct site *site)
{
    if (site->pid > 0) {
        kill(site->pid, SIGTERM);
        kill(site->pid, SIGTERM); /* at once: nobody is left whom it could serve */
        waitpid(site->pid, NULL, 0);
    }
    if (site->output >= 0) {
        close(site->output);
    }
    if (site->folder[0] != '\0') {
        remove_pages(site);
    }
    *site = (struct site){.output = -1};
}
