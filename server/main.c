/* Options, site, listeners; then a parent, and a child that serves. One source, linked into both
 * servers: the I/O model is chosen by the linker. */
#include "lib/base/limits.h"
#include "lib/base/log.h"
#include "server/confine.h"
#include "server/inherited.h"
#include "server/listeners.h"
#include "server/observe.h"
#include "server/parent.h"
#include "server/serve.h"
#include "server/tls/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What parent and child have in common. */
struct service {
    struct server_options options;
    struct site site;
    struct listener listeners[LISTENERS_MAX];
    unsigned count; /* of listeners; the first may be that of --admin */
    struct observer observer;
    struct keeper keeper;
    struct confinement confinement;
    bool announced; /* some child has accepted before */
};

static void fill_standard_streams(void);
static bool find_book(char docroot[PATH_MAX]);
static bool site_init(struct site *site, struct server_options *options);
static int serve_it(void *service, struct control *control);
static bool open_keeper(struct service *service);
static bool enter_confinement(struct service *service);
static bool begin_counting(struct service *service);
static void announce(void *service);
static void reopen(void *service, const struct control *child);
static void adopt(void *service, int fd);

int main(int argc, char **argv)
{
    static struct service service;

    fill_standard_streams();
    log_program(serve_model.program);
    switch (server_options_read(&service.options, &serve_model, argc, argv)) {
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_MISUSE:
        return 2;
    case OPTIONS_RUN:
        break;
    }
    parent_block_signals();
    if (!site_init(&service.site, &service.options) ||
        !confine_prepare(&service.confinement, &service.options) || !open_keeper(&service)) {
        return 1;
    }
    service.count = listeners_open(&service.options, service.listeners);
    if (service.count == 0) {
        return 1;
    }
    if (!observer_open(&service.observer, &service.options)) {
        listeners_remove(service.listeners, service.count);
        return 1;
    }
    return parent_run(&(struct parent_spec){
        .argv = argv,
        .listeners = service.listeners,
        .count = service.count,
        .drain_ns = service.site.timeouts.drain_ns,
        .serve = serve_it,
        .ready = announce,
        .reopen = reopen,
        .argument = &service,
    });
}

/* Whoever starts us with 0, 1 or 2 closed must not find a message in a connection that has taken
 * the place. */
static void fill_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

/* One context for each core that may use it at once. */
static bool open_keeper(struct service *service)
{
    if (!service->options.speaks_tls) {
        return true;
    }
    bool opened = keeper_open(&service->keeper, &service->options, service->site.cores);
    service->site.gate = service->keeper.gate;
    return opened;
}

/* The child's whole life. The store is left as it is: a thread stuck in a system call may be using
 * it. */
static int serve_it(void *argument, struct control *control)
{
    struct service *service = argument;
    struct site *site = &service->site;
    unsigned private = service->options.has_admin;
    control->renew = adopt;
    control->argument = service;
    keeper_forget(&service->keeper);
    if (!enter_confinement(service) || !begin_counting(service)) {
        return 1;
    }
    int status = serve(site, &service->options, service->listeners + private,
                       service->count - private, control);
    observer_finish(&service->observer);
    return status;
}

/* The first child tells; those that take its place are confined alike. */
static bool enter_confinement(struct service *service)
{
    char text[400];
    if (!confine(&service->confinement, store_root(service->site.store))) {
        return false;
    }
    if (!service->announced) {
        confine_describe(&service->confinement, text, sizeof(text));
        log_note("%s", text);
    }
    return true;
}

/* Events are counted by the loop, threads by the core that they happen to run on. */
static bool begin_counting(struct service *service)
{
    const struct server_options *options = &service->options;
    struct site *site = &service->site;
    bool by_core = serve_model.owner == OPTION_SYNC;
    if (options->limits.per_address > 0) {
        site->addresses = addresses_create(site->limits.connections, site->limits.per_address);
        if (site->addresses == NULL) {
            log_error("out of memory");
            return false;
        }
    }
    return observer_start(&service->observer, site, by_core ? "sync" : "async",
                          by_core ? site->cores : options->loops, by_core,
                          service->listeners[0].fds[0]);
}

static void reopen(void *argument, const struct control *child)
{
    struct service *service = argument;
    observer_reopen(&service->observer);
    keeper_renew(&service->keeper, child);
}

static void adopt(void *argument, int fd)
{
    keeper_adopt(&((struct service *)argument)->keeper, fd);
}

/* --- the site --------------------------------------------------------------------------------- */

#define BOOK "count-of-monte-cristo.txt"

/* Beside the program's folder when it was built, in ../share when it was installed. */
static bool find_book(char docroot[PATH_MAX])
{
    static const char *const places[] = {"../book", "../share/cristo/book"};
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[len > 0 ? len : 0] = '\0';
    const char *folder = dirname(program);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char path[PATH_MAX];
        struct stat status;
        if (snprintf(path, sizeof(path), "%s/%s", folder, places[i]) < (int)sizeof(path) &&
            stat(path, &status) == 0 && S_ISDIR(status.st_mode) &&
            realpath(path, docroot) != NULL) {
            return true;
        }
    }
    log_error("no DOCROOT was given, and the book is not prepared: neither %s/%s nor %s/%s is a "
              "folder; 'corpus/prepare %s/%s' makes it",
              folder, places[0], folder, places[1], folder, places[0]);
    return false;
}

/* Descriptors are shared out before serving: some for files held open, a few for the server itself,
 * and the rest are connections. */
static void share_descriptors(struct server_options *options, struct shortage *shortage)
{
    uint64_t all = limits_raise_descriptors();
    uint64_t own = 16 + options->loops * (4 + options->listen_count) + options->file_threads + 1 +
                   inherited_count() + (options->has_admin ? 40 : 0) +
                   (options->log != NULL ? 4 : 0);
    options->cache = (struct cache_limits){.files = 4096,
                                           .descriptors = all / 8 < 512 ? (size_t)(all / 8) : 512,
                                           .bytes = UINT64_C(64) << 20};
    own += options->cache.descriptors;
    uint64_t most = all > own + 8 ? all - own : 8;
    struct limits *limits = &options->limits;
    if (limits->connections > most) {
        log_warn("--max-connections: %ju needs more descriptors than the limit of %ju leaves; %ju "
                 "connections are accepted (raise it with ulimit -Hn)",
                 (uintmax_t)limits->connections, (uintmax_t)all, (uintmax_t)most);
    }
    bool asked_for = limits->connections > 0 && limits->connections <= most;
    if (!asked_for) {
        limits->connections = most;
    }
    shortage_init(shortage, limits->connections, all, asked_for,
                  serve_model.owner == OPTION_SYNC ? options->stack : 0);
}

static bool set_fallback(struct site *site, const struct server_options *options)
{
    const char *fallback = options->fallback != NULL  ? options->fallback
                           : options->docroot == NULL ? BOOK
                                                      : "";
    site->fallback = options->no_fallback ? (struct bytes){0} : bytes_of(fallback);
    return true;
}

static bool open_store(struct site *site, const struct server_options *options, const char *docroot)
{
    static char common[FIELDS_MAX + 64];             /* of every reply */
    static char fields[sizeof(common) + FIELDS_MAX]; /* of files */
    bool caching = options->cache_control != NULL;
    snprintf(common, sizeof(common), "Server: cristo\r\n%.*s", (int)options->fields_len,
             options->fields);
    snprintf(fields, sizeof(fields), "%s%s%.*s%s", common, caching ? "Cache-Control: " : "",
             FIELDS_MAX / 2, caching ? options->cache_control : "", caching ? "\r\n" : "");
    site->fields = bytes_of(common);
    site->store = store_create(&(struct store_options){
        .docroot = docroot,
        .fields = bytes_of(fields),
        .in_memory = 64 * 1024,
        .dotfiles = options->dotfiles,
    });
    return site->store != NULL;
}

static bool draw_secret(struct secret *secret)
{
    ssize_t got = getrandom(secret, sizeof(*secret), 0);
    if (got != (ssize_t)sizeof(*secret)) {
        log_error("no random numbers are to be had: %s", got < 0 ? strerror(errno) : "too few");
    }
    return got == (ssize_t)sizeof(*secret);
}

static bool site_init(struct site *site, struct server_options *options)
{
    char book[PATH_MAX];
    if (options->docroot == NULL && !find_book(book)) {
        return false;
    }
    share_descriptors(options, &site->shortage);
    site->cores = limits_cores();
    site->trust_ns = options->trust_ns;
    site->dotfiles = options->dotfiles;
    site->limits = options->limits;
    site->timeouts = options->timeouts;
    site->delays = options->delays;
    site->delay_low_ns = options->delay_low_ns;
    site->delay_high_ns = options->delay_high_ns;
    site->seed = options->seed;
    site->compute = options->compute;
    return draw_secret(&site->secret) && set_fallback(site, options) &&
           open_store(site, options, options->docroot != NULL ? options->docroot : book);
}

/* --- the listeners ---------------------------------------------------------------------------- */

/* "listening on https://127.0.0.1:8443/ (async, 1 loop)", "admin on unix:/run/x". */
static void announce_one(const char *what, const struct listener *listener, const char *model)
{
    char address[ADDRESS_TEXT];
    address_write(address, &listener->address);
    if (address_is_unix(&listener->address)) {
        printf("%s %s%s%s\n", what, address, listener->tls ? " over TLS" : "", model);
    } else {
        printf("%s http%s://%s/%s\n", what, listener->tls ? "s" : "", address, model);
    }
}

static void announce(void *argument)
{
    struct service *service = argument;
    unsigned private = service->options.has_admin;
    char model[64], in_brackets[72];
    service->announced = true;
    serve_model.describe(model, sizeof(model), &service->options);
    snprintf(in_brackets, sizeof(in_brackets), " (%s)", model);
    for (unsigned i = 0; i < private; i++) {
        announce_one("admin on", &service->listeners[i], "");
    }
    for (unsigned i = private; i < service->count; i++) {
        announce_one("listening on", &service->listeners[i], in_brackets);
    }
    if (*service->keeper.fingerprint != '\0') {
        printf("certificate of its own, for localhost: SHA-256 %s\n", service->keeper.fingerprint);
    }
    fflush(stdout);
}
