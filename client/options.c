#include "client/options.h"

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/http/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECTIONS_MOST = 1000000,
    THREADS_MOST = 1024,
    PIPELINE_MOST = 1024,
    RATE_MOST = 10000000,
    EXIT_MISUSE = 2,
};

static const char *take_count(uint64_t *count, const char *argument, uint64_t most)
{
    return units_read_count(argument, 1, most, count) ? NULL : "is not a number (try 100 or 20k)";
}

static const char *take_duration(uint64_t *ns, const char *argument)
{
    bool fine = units_read_duration(argument, ns) && *ns > 0;
    return fine ? NULL : "is not a duration (try 10s or 500ms)";
}

static const char *take_connections(void *into, const char *argument)
{
    return take_count(&((struct options *)into)->connections, argument, CONNECTIONS_MOST);
}

static const char *take_requests(void *into, const char *argument)
{
    return take_count(&((struct options *)into)->requests, argument, INT64_MAX);
}

static const char *take_length(void *into, const char *argument)
{
    return take_duration(&((struct options *)into)->duration_ns, argument);
}

static const char *take_rate(void *into, const char *argument)
{
    return take_count(&((struct options *)into)->rate, argument, RATE_MOST);
}

static const char *take_stages(void *into, const char *argument)
{
    return ramp_read(argument, RATE_MOST, &((struct options *)into)->ramp);
}

static const char *take_warmup(void *into, const char *argument)
{
    return take_duration(&((struct options *)into)->warmup_ns, argument);
}

static const char *take_threads(void *into, const char *argument)
{
    return take_count(&((struct options *)into)->threads, argument, THREADS_MOST);
}

static const char *take_timeout(void *into, const char *argument)
{
    return take_duration(&((struct options *)into)->timeout_ns, argument);
}

static const char *take_connect_timeout(void *into, const char *argument)
{
    return take_duration(&((struct options *)into)->connect_timeout_ns, argument);
}

static const char *take_pipeline(void *into, const char *argument)
{
    return take_count(&((struct options *)into)->pipeline, argument, PIPELINE_MOST);
}

static const char *take_think(void *into, const char *argument)
{
    struct options *options = into;
    bool fine = units_read_span(argument, &options->think_low_ns, &options->think_high_ns);
    return fine ? NULL : "is not a span of time (try 0s-3s or 10ms)";
}

static const char *take_seed(void *into, const char *argument)
{
    bool fine = units_read_count(argument, 0, INT64_MAX, &((struct options *)into)->seed);
    return fine ? NULL : "is not a number";
}

static const char *take_urls(void *into, const char *argument)
{
    ((struct options *)into)->urls_path = argument;
    return NULL;
}

static const char *take_method(void *into, const char *argument)
{
    if (!is_token(bytes_of(argument))) {
        return "is not a method";
    }
    if (strcmp(argument, "CONNECT") == 0) {
        return "makes a tunnel, which is no load";
    }
    ((struct options *)into)->method = argument;
    return NULL;
}

static const char *take_body(void *into, const char *argument)
{
    ((struct options *)into)->body_path = argument;
    return NULL;
}

static bool may_be_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static const char *add_line(struct options *options, const char *line)
{
    size_t have = options->header_lines == NULL ? 0 : strlen(options->header_lines);
    size_t more = strlen(line) + sizeof "\r\n";
    char *lines = realloc(options->header_lines, have + more);
    if (lines == NULL) {
        return "is too much for the memory";
    }
    snprintf(lines + have, more, "%s\r\n", line);
    options->header_lines = lines;
    return NULL;
}

static const char *take_header(void *into, const char *argument)
{
    const char *colon = strchr(argument, ':');
    struct bytes name = {argument, colon == NULL ? 0 : (size_t)(colon - argument)};
    if (!is_token(name) || !may_be_value(argument)) {
        return "is not a field line (try 'Accept: text/plain')";
    }
    if (bytes_equal_nocase(name, field_spelling(FIELD_CONTENT_LENGTH)) ||
        bytes_equal_nocase(name, field_spelling(FIELD_TRANSFER_ENCODING))) {
        return "would say how long the request is, which --body does";
    }
    return add_line(into, argument);
}

static const char *take_close(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->close = true;
    return NULL;
}

static const char *take_verify(void *into, const char *argument)
{
    struct options *options = into;
    if (strcmp(argument, "status") == 0) {
        options->verify = VERIFY_STATUS;
    } else if (strcmp(argument, "length") == 0) {
        options->verify = VERIFY_LENGTH;
    } else if (strcmp(argument, "bytes") == 0) {
        options->verify = VERIFY_BYTES;
    } else {
        return "is none of status, length and bytes";
    }
    return NULL;
}

static const char *take_unix_socket(void *into, const char *argument)
{
    ((struct options *)into)->unix_path = argument;
    return NULL;
}

static const char *take_source(void *into, const char *argument)
{
    ((struct options *)into)->sources = argument;
    return NULL;
}

static const char *take_insecure(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->insecure = true;
    return NULL;
}

static const char *take_ca(void *into, const char *argument)
{
    ((struct options *)into)->ca_path = argument;
    return NULL;
}

static const char *take_cert(void *into, const char *argument)
{
    ((struct options *)into)->cert_path = argument;
    return NULL;
}

static const char *take_key(void *into, const char *argument)
{
    ((struct options *)into)->key_path = argument;
    return NULL;
}

static const char *take_resume(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->resume = true;
    return NULL;
}

static const char *take_trace(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->trace = true;
    return NULL;
}

static const char *take_hlog(void *into, const char *argument)
{
    ((struct options *)into)->hlog_path = argument;
    return NULL;
}

static const char *take_quiet(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->quiet = true;
    return NULL;
}

static const char *take_live(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->live = true;
    return NULL;
}

static const char *take_latency(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->latency_table = true;
    return NULL;
}

static const char *take_wrk(void *into, const char *argument)
{
    (void)argument;
    ((struct options *)into)->wrk = true;
    return NULL;
}

static const char *take_require(void *into, const char *argument)
{
    return require_read(argument, &((struct options *)into)->thresholds);
}

static const char *take_json(void *into, const char *argument)
{
    ((struct options *)into)->json_path = argument;
    return NULL;
}

static const struct option_spec specs[] = {
    {'c', "connections", "N", "connections at once. Default 10", OPTION_BOTH, take_connections,
     "How much"},
    {'n', "requests", "N", "end after so many requests, over all connections", OPTION_BOTH,
     take_requests, NULL},
    {'d', "duration", "T",
     "end after so long; with -n too, whichever comes first. Default 10s, unless -n is given",
     OPTION_BOTH, take_length, NULL},
    {'R', "rate", "N",
     "send N requests a second in all, by the clock and whatever the replies do; latency then "
     "counts from the moment a request was due",
     OPTION_BOTH, take_rate, NULL},
    {0, "stages", "T:N[,T:N]",
     "let the connections, or with -R the rate, go in a straight line to N within T, then on to "
     "the "
     "next N; 0s jumps there. They begin at -c or -R, else at none, and the run ends with the last "
     "stage, unless -d is longer",
     OPTION_BOTH, take_stages, NULL},
    {0, "warmup", "T", "load for so long before anything counts toward -n, -d or the results",
     OPTION_BOTH, take_warmup, NULL},
    {'t', "threads", "N", "event loops that share the connections. Default 1", OPTION_ASYNC,
     take_threads, NULL},
    {'p', "pipeline", "N", "requests in flight on each connection. Default 1", OPTION_BOTH,
     take_pipeline, NULL},
    {0, "think", "MIN-MAX", "wait so long, drawn uniformly, between a reply and the next request",
     OPTION_BOTH, take_think, NULL},
    {0, "seed", "N", "where random draws begin, so that a run can be repeated. Default 1",
     OPTION_BOTH, take_seed, NULL},
    {'X', "method", "M", "request method. Default GET", OPTION_BOTH, take_method, "What"},
    {0, "body", "FILE", "send the file's content with every request", OPTION_BOTH, take_body, NULL},
    {'H', "header", "'N: V'", "send this field too; may be given several times", OPTION_BOTH,
     take_header, NULL},
    {0, "close", NULL, "make a new connection for every request", OPTION_BOTH, take_close, NULL},
    {0, "urls", "FILE",
     "ask for the URLs in this file, one on each line, too: all of them once, or in rounds when -n "
     "or -d asks for more. A number behind a URL is its weight: how many times in a round",
     OPTION_BOTH, take_urls, NULL},
    {0, "unix-socket", "PATH", "connect to this socket instead of to the URL's host", OPTION_BOTH,
     take_unix_socket, NULL},
    {0, "source", "ADDR[,ADDR]",
     "connect from these addresses in turn: each has ports of its own, some 28,000", OPTION_BOTH,
     take_source, NULL},
    {'k', "insecure", NULL,
     "look at no certificate. Without it, a server's has to be by an authority that is trusted, "
     "for "
     "the URL's host, and valid now",
     OPTION_BOTH, take_insecure, "With https"},
    {0, "cacert", "FILE", "trust these authorities (PEM) instead of the system's", OPTION_BOTH,
     take_ca, NULL},
    {0, "cert", "FILE", "show this certificate (PEM) to a server that asks for one", OPTION_BOTH,
     take_cert, NULL},
    {0, "key", "FILE", "its private key. Default: in the same file", OPTION_BOTH, take_key, NULL},
    {0, "tls-resume", NULL,
     "go on with the last session of the same server wherever it agrees to that; without it, every "
     "handshake is a full one",
     OPTION_BOTH, take_resume, NULL},
    {'T', "timeout", "T",
     "how long a request may take, from its first byte to the reply's last. "
     "Default 30s",
     OPTION_BOTH, take_timeout, "What counts"},
    {0, "connect-timeout", "T",
     "how long a connection may take to be made, with its handshake of TLS. Default as --timeout",
     OPTION_BOTH, take_connect_timeout, NULL},
    {0, "verify", "WHAT",
     "what a good reply is: status (below 400), length (that, and exactly the bytes that its "
     "framing promised) or bytes (that, and the body of the first good reply to its URL). Default "
     "length",
     OPTION_BOTH, take_verify, NULL},
    {0, "require", "THRESHOLDS",
     "what the results must keep to, or the exit status is 3: 'p99<50ms,errors=0,rps>1000'. "
     "Figures "
     "are p50, p99.9 and so on, min, mean and max of latency, rps, and errors, as a number or a "
     "share: a threshold on errors allows requests to fail",
     OPTION_BOTH, take_require, NULL},
    {'L', "latency", NULL, "print the full table of percentiles", OPTION_BOTH, take_latency,
     "What is shown"},
    {0, "wrk", NULL, "print the summary in the words of wrk, for programs that read these",
     OPTION_BOTH, take_wrk, NULL},
    {0, "trace", NULL,
     "print a line for every reply as it comes: date, URL, status, bytes, delay, "
     "time taken",
     OPTION_BOTH, take_trace, NULL},
    {0, "json", "FILE", "write the results as JSON; - is stdout, in place of the summary",
     OPTION_BOTH, take_json, NULL},
    {0, "hlog", "FILE",
     "write the latencies as an HdrHistogram log, in microseconds; - is stdout, in place of the "
     "summary",
     OPTION_BOTH, take_hlog, NULL},
    {0, "live", NULL,
     "show the run on the whole terminal while it lasts: rate, p50 and p99 over time, latencies, "
     "errors, connections. q ends it",
     OPTION_BOTH, take_live, NULL},
    {0, "quiet", NULL, "show no progress line", OPTION_BOTH, take_quiet, NULL},
    {0},
};

static bool is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

struct option_table client_option_table(const struct model *model)
{
    return (struct option_table){
        .program = model->program,
        .sister = model->sister,
        .me = model->owner,
        .usage = "[OPTION]... URL...",
        .about = model->one_thread_each
                     ? "Loads a web server and measures how it bears it: blocking, with a thread "
                       "for each connection. With -c 1 it is a plain loop of requests."
                     : "Loads a web server and measures how it bears it: with events, all "
                       "connections on one loop.",
        .version = CRISTO_VERSION,
        .specs = specs,
    };
}

enum options_outcome client_options_read(struct options *options, const struct model *model,
                                         int argc, char **argv)
{
    struct option_table table = client_option_table(model);
    int operand;
    *options = (struct options){
        .threads = 1,
        .pipeline = 1,
        .seed = 1,
        .timeout_ns = 30 * NS_PER_S,
        .method = "GET",
        .verify = VERIFY_LENGTH,
    };
    enum options_outcome outcome = options_read(&table, argc, argv, options, &operand);
    if (outcome != OPTIONS_RUN) {
        return outcome;
    }
    options->urls = (const char *const *)&argv[operand];
    options->url_count = (size_t)(argc - operand);
    bool json = is_stdout(options->json_path);
    bool hlog = is_stdout(options->hlog_path);
    if (options->trace && (json || hlog)) {
        return options_misuse(&table, "--trace and --%s - both want stdout",
                              json ? "json" : "hlog");
    }
    if (json && hlog) {
        return options_misuse(&table, "--json - and --hlog - both want stdout");
    }
    if (options->live && options->quiet) {
        return options_misuse(&table, "--live leaves no sense to --quiet");
    }
    if (options->close && options->pipeline > 1) {
        return options_misuse(&table, "--close leaves no room for --pipeline");
    }
    if (options->rate > 0 && options->think_high_ns > 0) {
        return options_misuse(&table, "--rate leaves no time for --think");
    }
    if (options->insecure && options->ca_path != NULL) {
        return options_misuse(&table, "--insecure leaves nothing for --cacert to vouch for");
    }
    if (options->key_path != NULL && options->cert_path == NULL) {
        return options_misuse(&table, "--key is of no use without --cert");
    }
    return OPTIONS_RUN;
}

int client_options_misuse(const struct model *model, const char *what)
{
    struct option_table table = client_option_table(model);
    options_misuse(&table, "%s", what);
    return EXIT_MISUSE;
}

void client_options_finish(struct options *options)
{
    free(options->header_lines);
}
