#include "server/options.h"

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/http/field.h"
#include "server/serve.h"

#include <string.h>

#define DURATION_WRONG "is not a duration (try 500ms, 10s or 2m)"
#define SIZE_WRONG "is not a size (try 512, 16k or 1M)"

static const char *take_duration(uint64_t *into, const char *argument)
{
    return units_read_duration(argument, into) ? NULL : DURATION_WRONG;
}

/* Who is waited for no time at all is never waited for. */
static const char *take_timeout(uint64_t *into, const char *argument)
{
    uint64_t ns;
    if (!units_read_duration(argument, &ns) || ns == 0) {
        return "is not a duration above 0 (try 500ms, 10s or 2m)";
    }
    *into = ns;
    return NULL;
}

static const char *take_listen(void *into, const char *argument)
{
    struct server_options *options = into;
    if (options->listen_count == LISTENERS_MAX) {
        return "is one address too many: 16 can be listened on";
    }
    const char *wrong = address_read(argument, &options->listen[options->listen_count]);
    options->listen_count += wrong == NULL;
    return wrong;
}

static const char *take_fallback(void *into, const char *argument)
{
    struct server_options *options = into;
    options->fallback = argument + strspn(argument, "/");
    return *options->fallback != '\0' ? NULL : "names no file";
}

static const char *take_no_fallback(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->no_fallback = true;
    return NULL;
}

static const char *take_user(void *into, const char *argument)
{
    ((struct server_options *)into)->user = argument;
    return *argument != '\0' ? NULL : "names no user";
}

static const char *take_chroot(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->chroot = true;
    return NULL;
}

static const char *take_no_sandbox(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->no_sandbox = true;
    return NULL;
}

static const char *take_revalidate(void *into, const char *argument)
{
    return take_duration(&((struct server_options *)into)->trust_ns, argument);
}

static const char *take_dotfiles(void *into, const char *argument)
{
    (void)argument;
    ((struct server_options *)into)->dotfiles = true;
    return NULL;
}

static bool is_field_value(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static const char *take_cache_control(void *into, const char *argument)
{
    if (!is_field_value(bytes_of(argument)) || strlen(argument) > FIELDS_MAX / 2) {
        return "is not a field value";
    }
    ((struct server_options *)into)->cache_control = argument;
    return NULL;
}

/* Fields that say where a message ends, or that the server writes itself: a second one would lie.
 */
static bool is_own_field(struct bytes name)
{
    static const char *const own[] = {
        "Connection",    "Content-Length", "Content-Range", "Content-Type",
        "Date",          "Delay",          "ETag",          "Keep-Alive",
        "Last-Modified", "Location",       "Server",        "Transfer-Encoding",
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (bytes_equal_nocase(name, bytes_of(own[i]))) {
            return true;
        }
    }
    return false;
}

static const char *take_response_header(void *into, const char *argument)
{
    struct server_options *options = into;
    const char *colon = strchr(argument, ':');
    if (colon == NULL || !is_token((struct bytes){argument, (size_t)(colon - argument)})) {
        return "is not a field (try 'Name: value')";
    }
    struct bytes name = {argument, (size_t)(colon - argument)};
    struct bytes value = bytes_of(colon + 1 + strspn(colon + 1, " \t"));
    if (!is_field_value(value)) {
        return "has a control character in its value";
    }
    if (is_own_field(name)) {
        return "is a field that the server writes itself";
    }
    size_t room = sizeof(options->fields) - options->fields_len;
    if (name.len + value.len + 4 >= room) {
        return "makes the response headers longer than 1,000 bytes in all";
    }
    char *to = options->fields + options->fields_len;
    memcpy(to, name.at, name.len);
    memcpy(to + name.len, ": ", 2);
    memcpy(to + name.len + 2, value.at, value.len);
    memcpy(to + name.len + 2 + value.len, "\r\n", 2);
    options->fields_len += name.len + value.len + 4;
    return NULL;
}

static const char *take_delay(void *into, const char *argument)
{
    struct server_options *options = into;
    options->delays = true;
    return units_read_span(argument, &options->delay_low_ns, &options->delay_high_ns)
               ? NULL
               : "is not a span of time (try 0s-3s, or 50ms)";
}

static const char *take_seed(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT64_MAX, &((struct server_options *)into)->seed)
               ? NULL
               : "is not a whole number";
}

static const char *take_small_count(unsigned *into, const char *argument, unsigned low,
                                    unsigned high)
{
    uint64_t count;
    if (!units_read_count(argument, low, high, &count)) {
        return NULL;
    }
    *into = (unsigned)count;
    return argument;
}

static const char *take_compute(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->compute, argument, 0, 60)
               ? NULL
               : "is not a whole number from 0 to 60";
}

static const char *take_threads(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->loops, argument, 1, LOOPS_MAX)
               ? NULL
               : "is not a number of loops from 1 to 256";
}

static const char *take_file_threads(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->file_threads, argument, 1, 1024)
               ? NULL
               : "is not a number of threads from 1 to 1024";
}

static const char *take_offload(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->offload, argument, 0, 1024)
               ? NULL
               : "is not a number of threads from 0 to 1024";
}

static const char *take_stack(void *into, const char *argument)
{
    uint64_t size;
    if (!units_read_size(argument, &size)) {
        return SIZE_WRONG;
    }
    if (size < 32 * 1024 || size > UINT64_C(1) << 40) {
        return "is too small or too large for a stack (32k at the least)";
    }
    ((struct server_options *)into)->stack = size;
    return NULL;
}

static const char *take_max_connections(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT32_MAX,
                            &((struct server_options *)into)->limits.connections)
               ? NULL
               : "is not a whole number";
}

static const char *take_max_per_address(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT32_MAX,
                            &((struct server_options *)into)->limits.per_address)
               ? NULL
               : "is not a whole number";
}

static const char *take_min_rate(void *into, const char *argument)
{
    return units_read_size(argument, &((struct server_options *)into)->limits.min_rate)
               ? NULL
               : SIZE_WRONG;
}

static const char *take_access_log(void *into, const char *argument)
{
    ((struct server_options *)into)->log = argument;
    return *argument != '\0' ? NULL : "names no file";
}

static const char *take_log_format(void *into, const char *argument)
{
    static const char *const names[] = {[LINE_COMBINED] = "combined", [LINE_JSON] = "json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(argument, names[i]) == 0) {
            ((struct server_options *)into)->log_format = (enum line_format)i;
            return NULL;
        }
    }
    return "is neither combined nor json";
}

static const char *take_admin(void *into, const char *argument)
{
    struct server_options *options = into;
    const char *wrong = address_read(argument, &options->admin);
    options->has_admin = wrong == NULL;
    return wrong;
}

static const char *take_max_requests(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT32_MAX,
                            &((struct server_options *)into)->limits.requests)
               ? NULL
               : "is not a whole number";
}

static const char *take_max_head(void *into, const char *argument)
{
    uint64_t size;
    if (!units_read_size(argument, &size) || size < 256 || size > 1 << 20) {
        return "is not a size from 256 to 1M";
    }
    ((struct server_options *)into)->limits.request.head = (size_t)size;
    return NULL;
}

static const char *take_max_fields(void *into, const char *argument)
{
    return take_small_count(&((struct server_options *)into)->limits.request.fields, argument, 1,
                            10000)
               ? NULL
               : "is not a number of fields from 1 to 10000";
}

static const char *take_max_body(void *into, const char *argument)
{
    return units_read_size(argument, &((struct server_options *)into)->limits.body) ? NULL
                                                                                    : SIZE_WRONG;
}

static const char *take_header_timeout(void *into, const char *argument)
{
    return take_timeout(&((struct server_options *)into)->timeouts.head_ns, argument);
}

static const char *take_idle_timeout(void *into, const char *argument)
{
    return take_timeout(&((struct server_options *)into)->timeouts.idle_ns, argument);
}

static const char *take_send_timeout(void *into, const char *argument)
{
    return take_timeout(&((struct server_options *)into)->timeouts.send_ns, argument);
}

static const char *take_drain_timeout(void *into, const char *argument)
{
    return take_duration(&((struct server_options *)into)->timeouts.drain_ns, argument);
}

static const struct option_spec specs[] = {
    {'l', "listen", "ADDR",
     "listen on HOST:PORT, [V6]:PORT or unix:PATH; may be given several times; port 0 picks a free "
     "one. Default 127.0.0.1:8080 (sync), 127.0.0.1:8081 (async), unless a supervisor passes "
     "sockets that "
     "listen (systemd's socket activation): those are served besides any ADDR given",
     OPTION_BOTH, take_listen, "Where"},
    {0, "fallback", "PATH",
     "serve this path of DOCROOT where no file matches. Default, when DOCROOT is omitted: the "
     "whole book",
     OPTION_BOTH, take_fallback, "What"},
    {0, "no-fallback", NULL, "answer 404 where no file matches", OPTION_BOTH, take_no_fallback,
     NULL},
    {0, "revalidate", "T",
     "trust a file's identity for this long without asking the file system; 0 asks for every "
     "request. Default 1s",
     OPTION_BOTH, take_revalidate, NULL},
    {0, "dotfiles", NULL,
     "serve names that begin with a dot too; they are 404 unless asked for, /.well-known/ excepted",
     OPTION_BOTH, take_dotfiles, NULL},
    {0, "cache-control", "V", "send Cache-Control: V with every file", OPTION_BOTH,
     take_cache_control, NULL},
    {0, "response-header", "'N: V'", "send this field with every reply; may be given several times",
     OPTION_BOTH, take_response_header, NULL},
    {'t', "threads", "N", "event loops, each on a thread of its own. Default 1", OPTION_ASYNC,
     take_threads, "How"},
    {0, "file-threads", "N",
     "helper threads that open files and read what is not in memory, so that no loop waits for a "
     "disk or a network; one more is kept for files on disks. Default 4",
     OPTION_ASYNC, take_file_threads, NULL},
    {0, "offload", "T",
     "do the work of --compute on T helper threads instead of the loop. Default 0", OPTION_ASYNC,
     take_offload, NULL},
    {0, "stack", "SIZE", "bytes of each connection thread's stack. Default 64k", OPTION_SYNC,
     take_stack, NULL},
    {0, "delay", "MIN-MAX",
     "wait that long, drawn uniformly, before each reply, which then says so in a Delay field; "
     "stands for a slow database or API",
     OPTION_BOTH, take_delay, "Stand-ins for work"},
    {0, "seed", "N", "the seed of the delays. Default 1", OPTION_BOTH, take_seed, NULL},
    {0, "compute", "N", "compute fib(N) by naive recursion before each reply", OPTION_BOTH,
     take_compute, NULL},
    {0, "max-connections", "N",
     "connections at once; more wait to be accepted. Default 0: as many as there are descriptors",
     OPTION_BOTH, take_max_connections, "Limits"},
    {0, "max-per-address", "N",
     "connections at once from one IPv4 address, or one IPv6 network of 64 bits; more are answered "
     "503. Default 0: any number",
     OPTION_BOTH, take_max_per_address, NULL},
    {0, "max-requests", "N", "requests on one connection. Default 0: any number", OPTION_BOTH,
     take_max_requests, NULL},
    {0, "max-head", "SIZE", "bytes of a request head. Default 16k", OPTION_BOTH, take_max_head,
     NULL},
    {0, "max-fields", "N", "field lines of a request head. Default 100", OPTION_BOTH,
     take_max_fields, NULL},
    {0, "max-body", "SIZE", "bytes of a request body that are read and dropped. Default 1M",
     OPTION_BOTH, take_max_body, NULL},
    {0, "header-timeout", "T",
     "time for a whole request head, and for each further piece of a request body. Default 10s",
     OPTION_BOTH, take_header_timeout, NULL},
    {0, "idle-timeout", "T", "time without a request. Default 60s", OPTION_BOTH, take_idle_timeout,
     NULL},
    {0, "send-timeout", "T", "time without the client taking anything. Default 30s", OPTION_BOTH,
     take_send_timeout, NULL},
    {0, "min-rate", "B",
     "bytes a second that a client has to take of a reply, or to send of a request body, in each "
     "span of --send-timeout or --header-timeout; 0: any progress will do. Default 240",
     OPTION_BOTH, take_min_rate, NULL},
    {0, "drain-timeout", "T", "time for running replies after SIGTERM or SIGINT. Default 10s",
     OPTION_BOTH, take_drain_timeout, NULL},
    {0, "user", "NAME",
     "serve as this user, with the groups it has: files that it may not read are refused. The "
     "process that holds listeners and logs stays who it is. Only root can. Default: whoever "
     "started it",
     OPTION_BOTH, take_user, "Confinement"},
    {0, "chroot", NULL,
     "make DOCROOT the root of the file system for the process that serves. Only root can",
     OPTION_BOTH, take_chroot, NULL},
    {0, "no-sandbox", NULL,
     "do without what confines the process that serves where the kernel has it: Landlock, which "
     "lets it read DOCROOT and nothing else; seccomp, which leaves it the system calls that it "
     "needs; no new privileges, and root's dropped",
     OPTION_BOTH, take_no_sandbox, NULL},
    {0, "access-log", "FILE",
     "write a line for every reply to FILE, which may be a FIFO, or to standard output if it is "
     "'-'. "
     "SIGHUP has FILE opened anew. Lines that FILE does not take in time are dropped and counted. "
     "Default: none is written",
     OPTION_BOTH, take_access_log, "Logs and metrics"},
    {0, "log-format", "F",
     "the form of these lines: combined, with the time in microseconds, the connection and the "
     "number "
     "of the request on it behind; or json. Default combined",
     OPTION_BOTH, take_log_format, NULL},
    {0, "admin", "ADDR",
     "listen on this address, too, for GET /metrics (in the text format of Prometheus) and "
     "/healthz. It is meant to be private. Default: nowhere",
     OPTION_BOTH, take_admin, NULL},
    {0},
};

static void set_defaults(struct server_options *options)
{
    *options = (struct server_options){
        .trust_ns = NS_PER_S,
        .limits = {.request = {.head = 16 * 1024, .fields = 100},
                   .body = 1024 * 1024,
                   .min_rate = 240},
        .timeouts =
            {
                .head_ns = 10 * NS_PER_S,
                .idle_ns = 60 * NS_PER_S,
                .send_ns = 30 * NS_PER_S,
                .drain_ns = 10 * NS_PER_S,
            },
        .seed = 1,
        .loops = 1,
        .file_threads = 4,
        .stack = 64 * 1024,
    };
}

struct option_table server_option_table(const struct serve_model *model)
{
    return (struct option_table){
        .program = model->program,
        .sister = model->sister,
        .me = model->owner,
        .usage = "[OPTION]... [DOCROOT]",
        .about = "Serves the files of DOCROOT over HTTP/1.1; without DOCROOT, The Count of Monte "
                 "Cristo.",
        .version = CRISTO_VERSION,
        .specs = specs,
    };
}

enum options_outcome server_options_read(struct server_options *options,
                                         const struct serve_model *model, int argc, char **argv)
{
    const struct option_table table = server_option_table(model);
    int operand;
    set_defaults(options);
    enum options_outcome outcome = options_read(&table, argc, argv, options, &operand);
    if (outcome != OPTIONS_RUN) {
        return outcome;
    }
    if (argc - operand > 1) {
        return options_misuse(&table, "%s: one DOCROOT is enough", argv[operand + 1]);
    }
    if (options->fallback != NULL && options->no_fallback) {
        return options_misuse(&table, "--fallback and --no-fallback exclude each other");
    }
    options->docroot = operand < argc ? argv[operand] : NULL;
    options->listen_default = options->listen_count == 0;
    if (options->listen_default) {
        take_listen(options, model->address);
    }
    options->limits.request.target = options->limits.request.head / 2;
    return OPTIONS_RUN;
}
