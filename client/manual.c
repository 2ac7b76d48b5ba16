/* Makes the manual page, or the completion, of a client while building: usage PROGRAM FORM. What
 * --help says comes from the table of options; what only a page has room for stands here. */
#include "lib/base/manual.h"

#include "client/options.h"

#include <stdio.h>
#include <string.h>

static const struct manual_entry description[] = {
    {.text = "Latency runs from the moment a request is written to the last byte of its reply, "
             "into a histogram of three significant digits. Every reply is checked: its status, "
             "and exactly the bytes that its framing promised."},
    {.text = "With --rate it runs from the moment a request was due, whether a connection was free "
             "for it then or not; the line raw shows beside it what it would be from the sending, "
             "and the line send lag how late the program was with requests that a free connection "
             "waited for. What was due and never sent is counted too."},
    {.text = "A run ends after the requests of -n or the duration of -d, whichever comes first. "
             "The summary goes to standard output. While a run lasts, a line on a terminal's "
             "standard error shows how far it is."},
    {.text =
         "With --live the whole terminal shows it: the figures of the last second, rate, p50 and "
         "p99 over time, all latencies so far, errors by kind, connections and requests in "
         "flight. The key q ends the run as SIGINT does. It is drawn on standard output or, "
         "where results go elsewhere, on standard error, and needs a terminal whose TERM is "
         "known and whose cursor can be moved. When the run ends, or the program by any signal "
         "but SIGKILL, the terminal is what it was before."},
    {.text = "A summary also draws how the run went over time, from left to right: requests a "
             "second, and p99 of those that ended in each column. Where the locale's characters "
             "are not UTF-8's, denser characters of ASCII stand for higher blocks."},
    {.text =
         "A run says whether its own figures can be trusted. Requests in flight are counted apart "
         "and held against what latencies come to by Little's law; the generator's threads may "
         "neither use up their cores nor wait for them for long; an open loop must keep its "
         "schedule wherever a connection is free; there must be descriptors and local ports; "
         "the clock must not jump, nor the host of a virtual machine take its time away. What "
         "is not so is said. With fewer than 100 requests on each connection nothing is."},
    {.text = "A URL that begins with https:// is asked for over TLS 1.2 or 1.3. The server's "
             "certificate has to be by a trusted authority and for the URL's host, which is also "
             "the name that is asked for (SNI), whatever --unix-socket and a Host field say; an "
             "address is never asked for. A handshake is a part of the time to connect, but has a "
             "line of its own; requests that come to nothing by it fail as tls. A reply that ends "
             "with its connection is whole only if TLS has been ended, too."},
    {.text = "Arguments of options: counts take k, M and G; times take us, ms, s, m and h. A URL "
             "begins with http:// or https:// and may hold an IPv6 address in brackets."},
    {0},
};

static const struct manual_entry signals[] = {
    {.term = "SIGINT, SIGTERM",
     .text = "End the run early. The summary of what came until then is printed, and the exit "
             "status is 130. A second one ends the program at once."},
    {.term = "SIGTSTP, SIGCONT",
     .text = "Stop the program, and let it go on. With --live it gives the terminal back and takes "
             "it again. The time of the run goes on meanwhile."},
    {0},
};

static const struct manual_entry files[] = {
    {.term = "../share/cristo/client-schema.json",
     .text = "The JSON schema of what --json writes, seen from the program's folder."},
    {0},
};

static const struct manual_entry variables[] = {
    {.term = "TERM", .text = "What the terminal of --live can, by terminfo(5)."},
    {.term = "NO_COLOR", .text = "Unless it is empty, --live does without colours."},
    {.term = "LC_ALL, LC_CTYPE, LANG",
     .text = "Whether the characters of pictures are UTF-8's, or only ASCII's."},
    {0},
};

static const struct manual_entry status[] = {
    {.term = "0",
     .text = "Every reply was what was asked for. The first of these that applies: 2, 130, "
             "1, 4, 3, 0."},
    {.term = "1",
     .text = "Some request failed or came back wrong, also during the warm-up, unless a "
             "threshold on errors allows it; or none was answered well."},
    {.term = "2", .text = "The command line was misused."},
    {.term = "3", .text = "A threshold of --require was missed."},
    {.term = "4", .text = "The figures cannot be trusted."},
    {.term = "130", .text = "The run was interrupted; its summary was printed."},
    {0},
};

static const struct manual_entry examples[] = {
    {.text = "Load a page over 64 connections for ten seconds:",
     .command = "@ -c 64 -d 10s http://127.0.0.1:8080/"},
    {.text = "Offer a thousand requests a second, whatever the server makes of them:",
     .command = "@ -c 200 -R 1000 -d 60s http://127.0.0.1:8080/"},
    {.text = "Let a build fail when the server has become slow:",
     .command = "@ --require 'p99<50ms,errors<1%' http://host/"},
    {.text = "Ask one request after the other, and print a line for each reply:",
     .command = "@ -c 1 -n 20 --trace http://127.0.0.1:8080/0"},
    {.text = "Measure handshakes of TLS alone, and look at no certificate:",
     .command = "@ -c 64 --close -k https://127.0.0.1:8443/"},
    {.text = "Show a class how a server bears it:",
     .command = "@ --live -c 200 -d 60s http://127.0.0.1:8080/"},
    {.text = "Keep the latencies as a histogram that others can be added to:",
     .command = "@ --hlog run.hlog http://127.0.0.1:8080/"},
    {.text = "Draw from a file of URLs, and keep the results for a program:",
     .command = "@ -c 100 -n 20k --urls urls.txt --json results.json"},
    {0},
};

static const struct manual_entry see_also[] = {
    {.text = "cristo-async-client(1), cristo-sync-server(1), cristo-async-server(1)",
     .owner = OPTION_SYNC},
    {.text = "cristo-sync-client(1), cristo-sync-server(1), cristo-async-server(1)",
     .owner = OPTION_ASYNC},
    {0},
};

static const struct manual_section sections[] = {
    {"DESCRIPTION", description}, {"SIGNALS", signals},
    {"ENVIRONMENT", variables},   {"FILES", files},
    {"EXIT STATUS", status},      {"EXAMPLES", examples},
    {"SEE ALSO", see_also},       {0},
};

static const struct {
    struct model model;
    struct manual manual;
} pages[] = {
    {{.program = "cristo-sync-client",
      .sister = "cristo-async-client",
      .owner = OPTION_SYNC,
      .one_thread_each = true},
     {"load generator for HTTP/1.1, a thread for each connection", sections, false}},
    {{.program = "cristo-async-client", .sister = "cristo-sync-client", .owner = OPTION_ASYNC},
     {"load generator for HTTP/1.1, on event loops", sections, false}},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(argv[1], pages[i].model.program) == 0) {
            struct option_table table = client_option_table(&pages[i].model);
            return manual_main(&table, &pages[i].manual, argv[2]);
        }
    }
    fprintf(stderr, "usage: %s PROGRAM page|completion\n", argv[0]);
    return 2;
}
