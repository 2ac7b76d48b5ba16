#include "client/plan.h"

#include "client/options.h"
#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PLENTY = 1000000
};

static const struct model threads_model = {
    .name = "sync",
    .program = "cristo-sync-client",
    .sister = "cristo-async-client",
    .owner = OPTION_SYNC,
    .one_thread_each = true,
};

static const struct model events_model = {
    .name = "async",
    .program = "cristo-async-client",
    .sister = "cristo-sync-client",
    .owner = OPTION_ASYNC,
};

/* A command line, read and planned. */
struct made {
    struct options options;
    struct plan plan;
    enum plan_outcome outcome;
    char why[PLAN_TEXT];
};

/* Words are separated by single blanks; '_' stands for a blank within a word. */
static struct made *make(const struct model *model, uint64_t descriptors, const char *line)
{
    static char text[512];
    static char *argv[32];
    int argc = 0;
    struct made *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    snprintf(text, sizeof(text), "%s", line);
    argv[argc++] = (char *)model->program;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
        for (char *at = word; (at = strchr(at, '_')) != NULL;) {
            *at = ' ';
        }
    }
    argv[argc] = NULL;
    assert_int_equal(client_options_read(&made->options, model, argc, argv), OPTIONS_RUN);
    struct means means = {.descriptors = descriptors, .open = 3, .ports = 28000};
    made->outcome =
        plan_init(&made->plan, &made->options, model->one_thread_each, &means, made->why);
    return made;
}

static void unmake(struct made *made)
{
    if (made->outcome == PLAN_READY) {
        plan_finish(&made->plan);
    }
    client_options_finish(&made->options);
    free(made);
}

static struct made *make_ready(const char *line)
{
    struct made *made = make(&events_model, PLENTY, line);
    if (made->outcome != PLAN_READY) {
        fail_msg("%s: %s", line, made->why);
    }
    return made;
}

/* ---- how much ---- */

static void ten_connections_for_ten_seconds_unless_told_otherwise(void **state)
{
    (void)state;
    struct made *made = make_ready("http://127.0.0.1/");
    assert_int_equal(made->plan.connections, 10);
    assert_int_equal(made->plan.requests, 0);
    assert_int_equal(made->plan.duration_ns, 10 * NS_PER_S);
    assert_int_equal(made->plan.threads, 1);
    assert_int_equal(made->plan.pipeline, 1);
    assert_int_equal(made->plan.method, METHOD_GET);
    assert_int_equal(made->plan.verify, VERIFY_LENGTH);
    assert_false(made->plan.close);
    unmake(made);
}

static void requests_alone_are_not_bounded_in_time(void **state)
{
    (void)state;
    struct made *made = make_ready("-n 20k http://127.0.0.1/");
    assert_int_equal(made->plan.requests, 20000);
    assert_int_equal(made->plan.duration_ns, 0);
    unmake(made);
}

static void requests_and_duration_both_bound(void **state)
{
    (void)state;
    struct made *made = make_ready("-n 5 -d 250ms -c 2 http://127.0.0.1/");
    assert_int_equal(made->plan.requests, 5);
    assert_int_equal(made->plan.duration_ns, 250 * NS_PER_MS);
    unmake(made);
}

static void no_more_connections_than_requests(void **state)
{
    (void)state;
    struct made *made = make_ready("-c 100 -n 7 http://127.0.0.1/");
    assert_int_equal(made->plan.connections, 7);
    unmake(made);
}

static void no_more_loops_than_connections(void **state)
{
    (void)state;
    struct made *made = make_ready("-c 3 -t 8 http://127.0.0.1/");
    assert_int_equal(made->plan.threads, 3);
    unmake(made);
}

static void a_thread_for_each_connection_when_the_model_has_it(void **state)
{
    (void)state;
    struct made *made = make(&threads_model, PLENTY, "-c 64 http://127.0.0.1/");
    assert_int_equal(made->plan.threads, 64);
    unmake(made);
}

static void connecting_has_the_request_s_timeout_unless_told_otherwise(void **state)
{
    (void)state;
    struct made *made = make_ready("-T 3s http://127.0.0.1/");
    assert_int_equal(made->plan.timeout_ns, 3 * NS_PER_S);
    assert_int_equal(made->plan.connect_timeout_ns, 3 * NS_PER_S);
    unmake(made);
    made = make_ready("--connect-timeout 1s http://127.0.0.1/");
    assert_int_equal(made->plan.connect_timeout_ns, NS_PER_S);
    assert_int_equal(made->plan.timeout_ns, 30 * NS_PER_S);
    unmake(made);
}

static void too_few_descriptors_name_the_option_and_the_limit(void **state)
{
    (void)state;
    struct made *made = make(&events_model, 20000, "-c 30000 http://127.0.0.1/");
    assert_int_equal(made->outcome, PLAN_MISUSE);
    assert_string_equal(made->why, "-c 30000 needs 30012 descriptors, the hard limit is 20000: "
                                   "raise it with ulimit -Hn 30012");
    unmake(made);
}

static void enough_descriptors_are_enough(void **state)
{
    (void)state;
    struct made *made = make(&threads_model, 1012, "-c 1000 http://127.0.0.1/");
    assert_int_equal(made->outcome, PLAN_READY);
    unmake(made);
    made = make(&threads_model, 1011, "-c 1000 http://127.0.0.1/");
    assert_int_equal(made->outcome, PLAN_MISUSE);
    unmake(made);
}

static void a_rate_is_taken_over(void **state)
{
    (void)state;
    struct made *made = make_ready("-R 20k -d 1s --warmup 500ms http://127.0.0.1/");
    assert_int_equal(made->plan.rate, 20000);
    assert_int_equal(made->plan.warmup_ns, 500 * NS_PER_MS);
    unmake(made);
    made = make_ready("http://127.0.0.1/");
    assert_int_equal(made->plan.rate, 0);
    unmake(made);
}

static void stages_of_connections_say_how_many_and_how_long(void **state)
{
    (void)state;
    struct made *made = make_ready("--stages 10s:100,20s:1000,5s:0 http://127.0.0.1/");
    assert_true(made->plan.ramps_connections);
    assert_int_equal(made->plan.connections, 1000);
    assert_int_equal(made->plan.duration_ns, 35 * NS_PER_S);
    assert_true(made->plan.ramp.at[0].from == 0);
    unmake(made);
    made = make_ready("-c 50 --stages 10s:10 -d 1m http://127.0.0.1/");
    assert_int_equal(made->plan.connections, 50);
    assert_int_equal(made->plan.duration_ns, 60 * NS_PER_S);
    assert_true(made->plan.ramp.at[0].from == 50);
    unmake(made);
}

static void stages_of_a_rate_leave_the_connections_alone(void **state)
{
    (void)state;
    struct made *made = make_ready("-R 5 --stages 10s:10 http://127.0.0.1/");
    assert_false(made->plan.ramps_connections);
    assert_int_equal(made->plan.connections, 10);
    assert_int_equal(made->plan.duration_ns, 10 * NS_PER_S);
    assert_int_equal(plan_due_before(&made->plan, 10 * NS_PER_S), 75);
    assert_int_equal(plan_warm_due_ns(&made->plan, 10), 2 * NS_PER_S);
    unmake(made);
    made = make_ready("-R 5 --stages 10s:10 -n 20 http://127.0.0.1/");
    assert_int_equal(made->plan.requests, 20);
    assert_int_equal(made->plan.duration_ns, 10 * NS_PER_S);
    unmake(made);
}

static void stages_that_make_no_run_say_why(void **state)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"--stages 10s:0", "--stages: not one of them comes to a connection"},
        {"--stages 0s:5", "--stages: they take no time, so say how long with -d"},
        {"-R 5 --stages 0s:5", "--stages: they take no time, so say how long with -d"},
        {"--stages 1s:5 -n 5",
         "--stages of connections end by the clock, which leaves no room for -n"},
        {"--stages 1s:5 --warmup 1s",
         "--stages begin with no connection that --warmup could use: give some with -c"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[200];
        snprintf(line, sizeof line, "%s http://127.0.0.1/", rows[i].line);
        struct made *made = make(&events_model, PLENTY, line);
        assert_int_equal(made->outcome, PLAN_MISUSE);
        assert_string_equal(made->why, rows[i].why);
        unmake(made);
    }
    struct made *made = make_ready("--stages 0s:5,1s:9 --warmup 1s http://127.0.0.1/");
    assert_int_equal(made->plan.connections, 9);
    unmake(made);
}

/* Request k of R a second is due k/R seconds after the beginning, to the nanosecond. */
static void a_schedule_counts_what_it_has_made_due(void **state)
{
    static const uint64_t rates[] = {1, 3, 7, 1000, 999983, 10000000};
    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct plan plan = {.rate = rates[i]};
        const uint64_t numbers[] = {0, 1, 2, 999, 1000000, 86400 * rates[i] + 5};
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
            uint64_t due = plan_due_ns(&plan, numbers[k]);
            assert_true((long double)due <= (long double)numbers[k] * 1e9L / rates[i]);
            assert_true((long double)due + 1 > (long double)numbers[k] * 1e9L / rates[i]);
            assert_int_equal(plan_due_before(&plan, due), numbers[k]);
            assert_int_equal(plan_due_before(&plan, due + 1), numbers[k] + 1);
        }
    }
    struct plan plan = {.rate = 1000};
    assert_int_equal(plan_due_before(&plan, 10 * NS_PER_S), 10000);
}

static void sources_are_read_in_their_order(void **state)
{
    char text[ADDRESS_TEXT];
    (void)state;
    struct made *made = make_ready("--source 127.0.0.2,127.0.0.3 http://127.0.0.1/");
    assert_int_equal(made->plan.source_count, 2);
    assert_string_equal(address_write(text, &made->plan.sources[0]), "127.0.0.2:0");
    assert_string_equal(address_write(text, &made->plan.sources[1]), "127.0.0.3:0");
    unmake(made);
}

static void sources_that_cannot_be_are_named(void **state)
{
    static const struct {
        const char *line;
        enum plan_outcome outcome;
        const char *words;
    } rows[] = {
        {"--source 127.0.0.2, http://127.0.0.1/", PLAN_MISUSE, "--source : is not"},
        {"--source nonsense:1:2 http://127.0.0.1/", PLAN_MISUSE, "--source nonsense:1:2: is not"},
        {"--source ::1 http://127.0.0.1/", PLAN_MISUSE, "--source ::1: is of another family"},
        {"--source 127.0.0.1 --unix-socket /x http://h/", PLAN_MISUSE, "another family"},
        {"--source 192.0.2.1 http://127.0.0.1/", PLAN_FAILURE, "--source 192.0.2.1: Cannot assign"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct made *made = make(&events_model, PLENTY, rows[i].line);
        assert_int_equal(made->outcome, rows[i].outcome);
        assert_non_null(strstr(made->why, rows[i].words));
        unmake(made);
    }
}

/* 28,000 of them for each address and server. */
static void too_few_ports_are_told_before_the_run(void **state)
{
    (void)state;
    struct made *made = make(&events_model, PLENTY, "-c 28001 http://127.0.0.1/");
    assert_int_equal(made->outcome, PLAN_MISUSE);
    assert_non_null(strstr(made->why, "-c 28001"));
    assert_non_null(strstr(made->why, "the 28000 of 1 address: name 2 with --source, or widen "
                                      "net.ipv4.ip_local_port_range from 28000 ports to 28001"));
    unmake(made);
    made = make(&events_model, PLENTY, "-c 60k --source 127.0.0.2,127.0.0.3 http://127.0.0.1/");
    assert_int_equal(made->outcome, PLAN_MISUSE);
    assert_non_null(strstr(made->why, "the 56000 of 2 addresses: name 3 with --source, or widen "
                                      "net.ipv4.ip_local_port_range from 28000 ports to 30000"));
    unmake(made);
    made = make(&events_model, PLENTY, "-c 64513 http://127.0.0.1/");
    assert_non_null(strstr(made->why, "name 3 with --source"));
    assert_null(strstr(made->why, "widen")); /* no address has as many */
    unmake(made);
    /* two hosts to ask for, but one server to connect to */
    made = make(&events_model, PLENTY, "-k -c 28001 https://127.0.0.1/ https://localhost/");
    assert_int_equal(made->outcome, PLAN_MISUSE);
    assert_non_null(strstr(made->why, "the 28000 of 1 address: name 2 with --source"));
    unmake(made);
    unmake(make_ready("-c 28k http://127.0.0.1/"));
    unmake(make_ready("-c 56k --source 127.0.0.2,127.0.0.3 http://127.0.0.1/"));
    unmake(make_ready("-c 56k http://127.0.0.1/ http://127.0.0.1:81/"));
    unmake(make_ready("-c 60k --unix-socket /x http://h/"));
}

static void think_and_pipeline_are_taken_over(void **state)
{
    (void)state;
    struct made *made = make_ready("-p 16 --think 1ms-5ms --seed 7 http://127.0.0.1/");
    assert_int_equal(made->plan.pipeline, 16);
    assert_int_equal(made->plan.think_low_ns, NS_PER_MS);
    assert_int_equal(made->plan.think_high_ns, 5 * NS_PER_MS);
    assert_int_equal(made->plan.seed, 7);
    unmake(made);
}

/* ---- requests ---- */

#define AGENT "User-Agent: cristo/" CRISTO_VERSION "\r\n"

struct request_row {
    const char *name;
    const char *line;
    const char *request;
};

static const struct request_row request_rows[] = {
    {"host_and_agent", "http://127.0.0.1:8081/17",
     "GET /17 HTTP/1.1\r\nHost: 127.0.0.1:8081\r\n" AGENT "\r\n"},
    {"slash_where_no_path_is", "http://127.0.0.1",
     "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" AGENT "\r\n"},
    {"slash_before_a_query", "http://127.0.0.1?a=b",
     "GET /?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\n" AGENT "\r\n"},
    {"v6_keeps_its_brackets_in_host", "http://[::1]:8080/x",
     "GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n" AGENT "\r\n"},
    {"method", "-X HEAD http://127.0.0.1/", "HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n" AGENT "\r\n"},
    {"fields_in_their_order", "-H A:_1 -H b:2 -H A:_3 http://127.0.0.1/",
     "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: 1\r\nb: 2\r\nA: 3\r\n" AGENT "\r\n"},
    {"host_of_one_s_own", "-H hOst:_a.example http://127.0.0.1/",
     "GET / HTTP/1.1\r\nHost: a.example\r\n" AGENT "\r\n"},
    {"agent_of_one_s_own", "-H user-agent:_me http://127.0.0.1/",
     "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nuser-agent: me\r\n\r\n"},
    {"close_is_said", "--close http://127.0.0.1/",
     "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" AGENT "Connection: close\r\n\r\n"},
    {"post_without_a_body_says_so", "-X POST http://127.0.0.1/",
     "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" AGENT "Content-Length: 0\r\n\r\n"},
};

static void request_is_written(void **state)
{
    const struct request_row *row = *state;
    struct made *made = make_ready(row->line);
    struct bytes request = made->plan.targets[0].request;
    assert_int_equal(request.len, strlen(row->request));
    assert_memory_equal(request.at, row->request, request.len);
    unmake(made);
}

/* Writes a file; its name replaces the XXXXXX at the end of `path`. */
static void write_file(char *path, const char *content, size_t size)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), size);
    close(fd);
}

static void body_is_read_and_its_length_said(void **state)
{
    char path[] = "/tmp/cristo-body-XXXXXX";
    char line[128];
    (void)state;
    write_file(path, "a\0b\r\n", 5);
    snprintf(line, sizeof(line), "-X PUT --body %s http://127.0.0.1/", path);
    struct made *made = make_ready(line);
    assert_int_equal(made->plan.body.len, 5);
    assert_memory_equal(made->plan.body.at, "a\0b\r\n", 5);
    struct bytes request = made->plan.targets[0].request;
    assert_non_null(memmem(request.at, request.len, "Content-Length: 5\r\n", 19));
    unmake(made);
    unlink(path);
}

struct method_row {
    const char *name;
    const char *method;
    bool repeatable;
};

/* RFC 9110 9.2.2 */
static const struct method_row method_rows[] = {
    {"get_may_be_repeated", "GET", true},
    {"head_may_be_repeated", "HEAD", true},
    {"put_may_be_repeated", "PUT", true},
    {"delete_may_be_repeated", "DELETE", true},
    {"options_may_be_repeated", "OPTIONS", true},
    {"trace_may_be_repeated", "TRACE", true},
    {"post_may_not", "POST", false},
    {"patch_may_not", "PATCH", false},
    {"unknown_may_not", "BREW", false},
    {"lower_case_is_unknown", "get", false},
};

static void method_is_known(void **state)
{
    const struct method_row *row = *state;
    char line[64];
    snprintf(line, sizeof(line), "-X %s http://127.0.0.1/", row->method);
    struct made *made = make_ready(line);
    assert_int_equal(made->plan.repeatable, row->repeatable);
    unmake(made);
}

/* ---- where to ---- */

static void address_and_port_are_the_url_s(void **state)
{
    (void)state;
    struct made *made = make_ready("http://127.0.0.2:8081/x");
    const struct origin *origin = made->plan.targets[0].origin;
    assert_true(origin->tcp);
    assert_int_equal(ntohs(origin->address.at.v4.sin_port), 8081);
    assert_int_equal(ntohl(origin->address.at.v4.sin_addr.s_addr), 0x7f000002);
    unmake(made);
}

static void v6_address(void **state)
{
    (void)state;
    struct made *made = make_ready("http://[::1]/x");
    const struct origin *origin = made->plan.targets[0].origin;
    assert_int_equal(origin->address.at.any.sa_family, AF_INET6);
    assert_int_equal(ntohs(origin->address.at.v6.sin6_port), 80);
    unmake(made);
}

static void urls_of_one_server_share_its_origin(void **state)
{
    (void)state;
    struct made *made = make_ready(
        "http://127.0.0.1:1/a http://127.0.0.1:2/b http://127.0.0.1:1/c http://127.0.0.1:1/");
    const struct target *targets = made->plan.targets;
    assert_int_equal(made->plan.target_count, 4);
    assert_ptr_equal(targets[0].origin, targets[2].origin);
    assert_ptr_equal(targets[0].origin, targets[3].origin);
    assert_ptr_not_equal(targets[0].origin, targets[1].origin);
    assert_string_equal(targets[2].url, "http://127.0.0.1:1/c");
    unmake(made);
}

/* Plans with a file of URLs. */
static struct made *make_with_urls(const char *before, const char *content)
{
    char path[] = "/tmp/cristo-urls-XXXXXX";
    char line[256];
    write_file(path, content, strlen(content));
    snprintf(line, sizeof(line), "%s --urls %s", before, path);
    struct made *made = make(&events_model, PLENTY, line);
    unlink(path);
    return made;
}

static void urls_of_a_file_are_asked_for_once(void **state)
{
    (void)state;
    struct made *made = make_with_urls("-c 2", "# two of them\n\nhttp://127.0.0.1/a\r\n"
                                               "  \n \thttp://127.0.0.1/b?c#d");
    assert_int_equal(made->outcome, PLAN_READY);
    assert_int_equal(made->plan.target_count, 2);
    assert_string_equal(made->plan.targets[0].url, "http://127.0.0.1/a");
    assert_string_equal(made->plan.targets[1].url, "http://127.0.0.1/b?c#d");
    assert_int_equal(made->plan.requests, 2);
    assert_int_equal(made->plan.duration_ns, 0);
    unmake(made);
}

static void urls_of_a_file_come_in_rounds_when_more_is_asked_for(void **state)
{
    (void)state;
    struct made *made = make_with_urls("-n 50 http://127.0.0.1/0", "http://127.0.0.1/1\n");
    assert_int_equal(made->plan.target_count, 2);
    assert_string_equal(made->plan.targets[0].url, "http://127.0.0.1/0");
    assert_int_equal(made->plan.requests, 50);
    unmake(made);
    made = make_with_urls("-d 3s", "http://127.0.0.1/1\n");
    assert_int_equal(made->plan.requests, 0);
    assert_int_equal(made->plan.duration_ns, 3 * NS_PER_S);
    unmake(made);
}

/* Evenly spread: no URL takes all of its turns in a row. */
static void weights_say_how_many_turns_in_a_round(void **state)
{
    static const char wanted[] = "1213121"; /* at 1/8 3/8 5/8 7/8; 1/4 3/4; 1/2 of the round */
    (void)state;
    struct made *made = make_with_urls(
        "-c 1", "http://127.0.0.1/1 4\nhttp://127.0.0.1/2\t2 \nhttp://127.0.0.1/3\n");
    assert_int_equal(made->outcome, PLAN_READY);
    assert_int_equal(made->plan.target_count, 3);
    assert_int_equal(made->plan.turn_count, 7);
    assert_int_equal(made->plan.requests, 7); /* once, as nothing else was asked for */
    for (uint64_t i = 0; i < 14; i++) {
        const char *url = plan_target(&made->plan, i)->url;
        assert_int_equal(url[strlen(url) - 1], wanted[i % 7]);
    }
    assert_int_equal(made->plan.weights[0], 4);
    assert_int_equal(made->plan.weights[2], 1);
    unmake(made);
}

static void urls_without_weights_take_turns_as_they_stand(void **state)
{
    (void)state;
    struct made *made = make_with_urls("-c 1", "http://127.0.0.1/1\nhttp://127.0.0.1/2\n");
    assert_null(made->plan.weights);
    assert_null(made->plan.turns);
    assert_int_equal(made->plan.turn_count, 2);
    assert_ptr_equal(plan_target(&made->plan, 5), &made->plan.targets[1]);
    unmake(made);
}

static void weights_that_cannot_be_are_named(void **state)
{
    static const char *const rows[][2] = {
        {"http://127.0.0.1/ x\n", "http://127.0.0.1/: x is not a weight"},
        {"http://127.0.0.1/ 0\n", "0 is not a weight"},
        {"http://127.0.0.1/ -1\n", "-1 is not a weight"},
        {"http://127.0.0.1/ 600k\nhttp://127.0.0.1/2 600k\n", "the weights make 1200000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct made *made = make_with_urls("-c 1", rows[i][0]);
        assert_int_equal(made->outcome, PLAN_MISUSE);
        if (strstr(made->why, rows[i][1]) == NULL) {
            fail_msg("no \"%s\" in: %s", rows[i][1], made->why);
        }
        unmake(made);
    }
}

static void a_file_without_urls_is_no_plan(void **state)
{
    static const char *const contents[] = {"", "\n\n", "# http://127.0.0.1/"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct made *made = make_with_urls("-c 1", contents[i]);
        assert_int_equal(made->outcome, PLAN_MISUSE);
        unmake(made);
    }
}

static void a_bad_url_in_a_file_is_named(void **state)
{
    (void)state;
    struct made *made = make_with_urls("-c 1", "http://127.0.0.1/\nnonsense\n");
    assert_int_equal(made->outcome, PLAN_MISUSE);
    assert_non_null(strstr(made->why, "nonsense"));
    unmake(made);
}

static void unix_socket_stands_for_every_host(void **state)
{
    (void)state;
    struct made *made =
        make_ready("--unix-socket /run/x.sock http://nowhere.invalid/a http://b.invalid:81/");
    assert_false(made->plan.targets[0].origin->tcp);
    assert_string_equal(made->plan.targets[0].origin->address.at.local.sun_path, "/run/x.sock");
    assert_ptr_equal(made->plan.targets[0].origin, made->plan.targets[1].origin);
    unmake(made);
}

static void https_has_a_host_and_a_port_of_its_own(void **state)
{
    (void)state;
    struct made *made = make_ready("-k https://127.0.0.1/a https://[::1]:444/ http://127.0.0.1/");
    const struct target *targets = made->plan.targets;
    assert_string_equal(targets[0].origin->host, "127.0.0.1");
    assert_int_equal(ntohs(targets[0].origin->address.at.v4.sin_port), 443);
    assert_string_equal(targets[1].origin->host, "::1");
    assert_null(targets[2].origin->host);
    assert_non_null(made->plan.tls);
    assert_true(made->plan.insecure);
    unmake(made);
}

/* One that was resumed is for the host that its certificate was for. */
static void hosts_of_one_address_are_origins_of_their_own(void **state)
{
    (void)state;
    struct made *made = make_ready("-k --tls-resume --unix-socket /run/x.sock https://a.test/ "
                                   "https://b.test/ https://A.test/x http://a.test/");
    const struct target *targets = made->plan.targets;
    assert_string_equal(targets[0].origin->host, "a.test");
    assert_string_equal(targets[1].origin->host, "b.test");
    assert_ptr_equal(targets[2].origin, targets[0].origin);
    assert_null(targets[3].origin->host);
    assert_int_equal(made->plan.origin_count, 3);
    assert_non_null(targets[0].origin->recall);
    assert_ptr_not_equal(targets[0].origin->recall, targets[1].origin->recall);
    assert_null(targets[3].origin->recall);
    unmake(made);
}

static void plain_urls_need_no_tls(void **state)
{
    (void)state;
    struct made *made = make_ready("http://127.0.0.1/");
    assert_null(made->plan.tls);
    assert_null(made->plan.targets[0].origin->host);
    unmake(made);
}

struct refusal_row {
    const char *name;
    const char *line;
    enum plan_outcome outcome;
    const char *names; /* what the message must name */
};

static const struct refusal_row refusal_rows[] = {
    {"no_url", "-c 1", PLAN_MISUSE, "URL"},
    {"no_scheme", "127.0.0.1:8080/x", PLAN_MISUSE, "127.0.0.1:8080/x"},
    {"no_such_authorities", "--cacert /nonexistent/ca https://127.0.0.1/", PLAN_FAILURE,
     "--cacert /nonexistent/ca"},
    {"no_such_certificate", "--cert /nonexistent/cert https://127.0.0.1/", PLAN_FAILURE,
     "--cert /nonexistent/cert"},
    {"no_such_key", "--cert /etc/hostname --key /nonexistent/key https://127.0.0.1/", PLAN_FAILURE,
     "--key /nonexistent/key"},
    {"authorities_that_are_none", "--cacert /etc/hostname https://127.0.0.1/", PLAN_FAILURE,
     "/etc/hostname"},
    {"insecure_without_https", "-k http://127.0.0.1/", PLAN_MISUSE, "--insecure"},
    {"authorities_without_https", "--cacert ca.pem http://127.0.0.1/", PLAN_MISUSE, "--cacert"},
    {"certificate_without_https", "--cert c.pem http://127.0.0.1/", PLAN_MISUSE, "--cert"},
    {"resuming_without_https", "--tls-resume http://127.0.0.1/", PLAN_MISUSE, "--tls-resume"},
    {"bad_port", "http://127.0.0.1:99999/", PLAN_MISUSE, "http://127.0.0.1:99999/"},
    {"second_url_is_bad", "http://127.0.0.1/ ftp://x/", PLAN_MISUSE, "ftp://x/"},
    {"unknown_host", "http://nowhere.invalid/x", PLAN_FAILURE, "http://nowhere.invalid/x"},
    {"host_named_unix_is_no_socket", "http://unix/x", PLAN_FAILURE, "http://unix/x"},
    {"no_such_body", "--body /nonexistent/body http://127.0.0.1/", PLAN_FAILURE,
     "--body /nonexistent/body"},
    {"no_such_urls", "--urls /nonexistent/urls", PLAN_FAILURE, "--urls /nonexistent/urls"},
    {"body_is_a_folder", "--body / http://127.0.0.1/", PLAN_FAILURE, "--body /"},
    {"socket_path_too_long",
     "--unix-socket /a/very/long/path/that/goes/on/and/on/and/on/until/no/socket/can/have/it/"
     "because/the/kernel/stops/at/107/bytes http://x/",
     PLAN_MISUSE, "--unix-socket"},
};

static void is_refused_by_name(void **state)
{
    const struct refusal_row *row = *state;
    struct made *made = make(&events_model, PLENTY, row->line);
    assert_int_equal(made->outcome, row->outcome);
    assert_non_null(strstr(made->why, row->names));
    unmake(made);
}

/* ---- options that are refused by themselves ---- */

static const char *const misuses[][2] = {
    {"connections_zero", "-c 0 http://a/"},
    {"connections_word", "-c many http://a/"},
    {"requests_zero", "-n 0 http://a/"},
    {"duration_zero", "-d 0s http://a/"},
    {"duration_word", "-d soon http://a/"},
    {"timeout_zero", "-T 0 http://a/"},
    {"method_of_two_words", "-X GET_IT http://a/"},
    {"method_connect", "-X CONNECT http://a/"},
    {"header_without_colon", "-H Accept http://a/"},
    {"header_with_a_blank_name", "-H A_b:_c http://a/"},
    {"header_says_the_length", "-H content-length:_4 http://a/"},
    {"header_says_the_coding", "-H Transfer-Encoding:_chunked http://a/"},
    {"verify_word", "--verify everything http://a/"},
    {"trace_and_json_on_stdout", "--trace --json - http://a/"},
    {"close_and_pipeline", "--close -p 2 http://a/"},
    {"pipeline_zero", "-p 0 http://a/"},
    {"think_backwards", "--think 3s-1s http://a/"},
    {"warmup_of_nothing", "--warmup 0 http://a/"},
    {"warmup_in_words", "--warmup long http://a/"},
    {"threshold_of_nothing", "--require p99 http://a/"},
    {"rate_of_nothing", "-R 0 http://a/"},
    {"rate_beyond_all_measure", "-R 11M http://a/"},
    {"rate_in_words", "--rate fast http://a/"},
    {"key_without_certificate", "--key k.pem https://a/"},
    {"authorities_of_nobody_s_interest", "-k --cacert ca.pem https://a/"},
    {"rate_and_think", "-R 10 --think 1ms http://a/"},
    {"unknown_option", "--faster http://a/"},
    {"option_of_the_sister", "-t 2 http://a/"},
};

static void is_misuse(void **state)
{
    const char *const *row = *state;
    char text[256];
    char *argv[16] = {"cristo-sync-client"};
    int argc = 1;
    struct options options;
    snprintf(text, sizeof(text), "%s", row[1]);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
        for (char *at = word; (at = strchr(at, '_')) != NULL;) {
            *at = ' ';
        }
    }
    assert_int_equal(client_options_read(&options, &threads_model, argc, argv), OPTIONS_MISUSE);
    client_options_finish(&options);
}

static void a_header_may_not_hold_a_line_end(void **state)
{
    char *argv[] = {"cristo-sync-client", "-H", "A: b\r\nC: d", "http://a/", NULL};
    struct options options;
    (void)state;
    assert_int_equal(client_options_read(&options, &threads_model, 4, argv), OPTIONS_MISUSE);
    client_options_finish(&options);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(ten_connections_for_ten_seconds_unless_told_otherwise));
    suite_add(&suite, CASE(requests_alone_are_not_bounded_in_time));
    suite_add(&suite, CASE(requests_and_duration_both_bound));
    suite_add(&suite, CASE(no_more_connections_than_requests));
    suite_add(&suite, CASE(no_more_loops_than_connections));
    suite_add(&suite, CASE(a_thread_for_each_connection_when_the_model_has_it));
    suite_add(&suite, CASE(connecting_has_the_request_s_timeout_unless_told_otherwise));
    suite_add(&suite, CASE(too_few_descriptors_name_the_option_and_the_limit));
    suite_add(&suite, CASE(enough_descriptors_are_enough));
    suite_add(&suite, CASE(think_and_pipeline_are_taken_over));
    suite_add(&suite, CASE(sources_are_read_in_their_order));
    suite_add(&suite, CASE(sources_that_cannot_be_are_named));
    suite_add(&suite, CASE(too_few_ports_are_told_before_the_run));
    suite_add(&suite, CASE(a_rate_is_taken_over));
    suite_add(&suite, CASE(stages_of_connections_say_how_many_and_how_long));
    suite_add(&suite, CASE(stages_of_a_rate_leave_the_connections_alone));
    suite_add(&suite, CASE(stages_that_make_no_run_say_why));
    suite_add(&suite, CASE(a_schedule_counts_what_it_has_made_due));
    suite_add_rows(&suite, request_is_written, ROWS(request_rows));
    suite_add(&suite, CASE(body_is_read_and_its_length_said));
    suite_add_rows(&suite, method_is_known, ROWS(method_rows));
    suite_add(&suite, CASE(address_and_port_are_the_url_s));
    suite_add(&suite, CASE(v6_address));
    suite_add(&suite, CASE(urls_of_one_server_share_its_origin));
    suite_add(&suite, CASE(urls_of_a_file_are_asked_for_once));
    suite_add(&suite, CASE(urls_of_a_file_come_in_rounds_when_more_is_asked_for));
    suite_add(&suite, CASE(weights_say_how_many_turns_in_a_round));
    suite_add(&suite, CASE(urls_without_weights_take_turns_as_they_stand));
    suite_add(&suite, CASE(weights_that_cannot_be_are_named));
    suite_add(&suite, CASE(a_file_without_urls_is_no_plan));
    suite_add(&suite, CASE(a_bad_url_in_a_file_is_named));
    suite_add(&suite, CASE(unix_socket_stands_for_every_host));
    suite_add(&suite, CASE(https_has_a_host_and_a_port_of_its_own));
    suite_add(&suite, CASE(hosts_of_one_address_are_origins_of_their_own));
    suite_add(&suite, CASE(plain_urls_need_no_tls));
    suite_add_rows(&suite, is_refused_by_name, ROWS(refusal_rows));
    suite_add_rows(&suite, is_misuse, ROWS(misuses));
    suite_add(&suite, CASE(a_header_may_not_hold_a_line_end));
    return suite_run(&suite, "client/plan");
}
