/* Makes the manual page, or the completion, of a server while building: usage PROGRAM FORM. What
 * --help says comes from the table of options; what only a page has room for stands here. */
#include "lib/base/manual.h"

#include "server/serve.h"

#include <stdio.h>
#include <string.h>

static const struct manual_entry description[] = {
    {.text =
         "GET, HEAD and OPTIONS are answered, with validators, preconditions, byte ranges, stored "
         "encodings, listings of folders, keep-alive and pipelining (RFC 9110, RFC 9112). Request "
         "bodies are read and dropped. Where leniency would let a request be smuggled past another "
         "reader, the "
         "request gets 400 and its connection is closed."},
    {.text = "Every file is opened beneath DOCROOT with openat2(2) and RESOLVE_BENEATH, and only "
             "regular files are: no request leaves it, by dots, encodings, links or races."},
    {.text = "Each connection has a thread of its own, which waits inside its system calls.",
     .owner = OPTION_SYNC},
    {.text = "No thread waits for one connection: an event loop waits for all of them, and helper "
             "threads open the files that are not in memory.",
     .owner = OPTION_ASYNC},
    {.text =
         "The process that is started holds the listeners and passes signals on; its child "
         "serves. A child that crashes is begun again after a second, and serves who waits to be "
         "accepted meanwhile."},
    {.text =
         "That child is confined where the kernel can do it, before it reads a byte: Landlock lets "
         "it read DOCROOT and nothing else, seccomp leaves it the system calls that it needs, and "
         "it has no privileges and gets no new ones. Root that serves as itself keeps one, to read "
         "all of DOCROOT; with --user it keeps none. What a child may not do, its parent does: it "
         "opens logs and begins successors, and reads nothing from the network. One line on "
         "standard error says what is in force, and what this kernel lacks; --no-sandbox does "
         "without. DOCROOT is the folder that had that name when the server began, whatever "
         "becomes of the name."},
    {.text = "When it is ready to accept, it prints one line for each listener to standard output, "
             "which tells the port, too, where port 0 was asked for. Messages go to standard "
             "error."},
    {.text = "A file replaced by rename is sent whole as it was. One truncated or rewritten in "
             "place while it is being sent cuts its connection when that is seen."},
    {.text =
         "Over TLS, versions 1.2 and 1.3 are spoken, with OpenSSL's ciphers as the machine's "
         "openssl.cnf(5) sets them, of which 1.2 has only those with AEAD and forward secrecy; and "
         "HTTP/1.1 or, to who asks for no other, 1.0 is agreed on (ALPN). All files that "
         "--cert, --key, --ocsp, --client-ca and --ticket-keys name are read and checked by the "
         "process that is started, which keeps what it needs of them to begin another child. "
         "Plain HTTP spoken there gets 400."},
    {.text = "Arguments of options: sizes take k, M and G; times take us, ms, s, m and h."},
    {0},
};

static const struct manual_entry signals[] = {
    {.term = "SIGTERM, SIGINT",
     .text =
         "Stop accepting, let running replies end within --drain-timeout, then exit. A "
         "connection is closed when it has been without a request for a second, so that none is "
         "on its way. A second signal ends the program at once."},
    {.term = "SIGHUP",
     .text =
         "Open the file of --access-log anew, once it has been moved away; and read certificates, "
         "keys and the like anew. New connections begin with them, and those that there are go "
         "on as they began. Where one of the files is bad, a message says so, and what was read "
         "before is used on. A certificate of the server's own, and random keys of tickets, "
         "stay."},
    {.term = "SIGUSR2",
     .text =
         "Replace the program: a successor, begun from the same path with the same arguments, "
         "inherits the listeners, and once it accepts, this one drains. When it does not come to "
         "accept, this one goes on and says so."},
    {0},
};

static const struct manual_entry environment[] = {
    {.term = "LISTEN_PID, LISTEN_FDS",
     .text =
         "Sockets that listen, passed by a supervisor as systemd.socket(5) does; they are served "
         "besides those of --listen and --tls-listen."},
    {.term = "LISTEN_FDNAMES",
     .text = "Their names (FileDescriptorName=). One that is called tls or https speaks TLS."},
    {.term = "NOTIFY_SOCKET",
     .text =
         "Where a supervisor is told, as sd_notify(3) does it, that the server accepts (READY), "
         "opens its log anew or begins a successor (RELOADING), is succeeded by another process "
         "(MAINPID), or stops (STOPPING)."},
    {0},
};

static const struct manual_entry files[] = {
    {.term = "../share/cristo/book",
     .text = "The prepared book, seen from the program's folder: DOCROOT where none is given. In a "
             "build folder it is ../book."},
    {.term = "/etc/mime.types", .text = "Media types by the endings of file names."},
    {.term = "@.service, @.socket",
     .text =
         "Units for systemd. The service reads OPTIONS and DOCROOT from /etc/default/@, serves as "
         "www-data, may log to /var/log/@ and have sockets in /run/@; the socket unit "
         "says where it listens, also on ports below 1024. With neither variable set it serves the "
         "book. 'systemctl reload @' opens the log anew, and 'systemctl kill --signal=USR2 "
         "--kill-whom=main @' replaces the program."},
    {.term = "index.html",
     .text = "What a folder of DOCROOT shows. Without one the folder is listed, unless --fallback "
             "stands in."},
    {.term = "NAME.br, NAME.zst, NAME.gz",
     .text =
         "The file NAME of DOCROOT, encoded; sent in its place to whoever accepts that encoding, "
         "unless it is older."},
    {0},
};

static const struct manual_entry status[] = {
    {.term = "0", .text = "It was asked to stop and did, or --help or --version was printed."},
    {.term = "1",
     .text = "It could not begin: an address in use, no DOCROOT, a --user that it cannot become, a "
             "certificate that has expired; the message says."},
    {.term = "2", .text = "The command line was misused."},
    {0},
};

static const struct manual_entry examples[] = {
    {.text = "Serve a folder to this machine alone:", .command = "@ ~/public"},
    {.text = "Serve it to whoever reaches this machine, and let caches keep it for an hour:",
     .command = "@ -l 0.0.0.0:8000 \\\n    --cache-control 'public, max-age=3600' /srv/www"},
    {.text = "Serve one page for every path that names no file, on a socket for a proxy:",
     .command = "@ -l unix:/run/cristo.sock \\\n    --fallback index.html /srv/app"},
    {.text = "Serve on a port that only root may listen on, as a user who may do nothing else:",
     .command = "@ -l 0.0.0.0:80 --user www-data --chroot /srv/www"},
    {.text = "Serve over TLS, with a key that only root may read, and renew the certificate later:",
     .command = "@ --tls-listen 0.0.0.0:443 --user www-data \\\n"
                "    --cert /etc/ssl/fullchain.pem --key /etc/ssl/privkey.pem /srv/www\n"
                "kill -HUP PID"},
    {.text = "Serve with a log, and with metrics for this machine alone:",
     .command = "@ --access-log /var/log/cristo.log \\\n    --admin 127.0.0.1:9100 /srv/www"},
    {.text = "Replace a running server by the program that has been installed since:",
     .command = "kill -USR2 PID"},
    {.text = "Stand in for a slow service, whose replies take up to three seconds:",
     .command = "@ --delay 0s-3s"},
    {0},
};

static const struct manual_entry see_also[] = {
    {.text = "cristo-async-server(1), cristo-sync-client(1), cristo-async-client(1)",
     .owner = OPTION_SYNC},
    {.text = "cristo-sync-server(1), cristo-sync-client(1), cristo-async-client(1)",
     .owner = OPTION_ASYNC},
    {0},
};

static const struct manual_section sections[] = {
    {"DESCRIPTION", description}, {"SIGNALS", signals},
    {"ENVIRONMENT", environment}, {"FILES", files},
    {"EXIT STATUS", status},      {"EXAMPLES", examples},
    {"SEE ALSO", see_also},       {0},
};

static const struct {
    struct serve_model model;
    struct manual manual;
} pages[] = {
    {{.program = "cristo-sync-server", .sister = "cristo-async-server", .owner = OPTION_SYNC},
     {"file server over HTTP/1.1, a thread for each connection", sections, true}},
    {{.program = "cristo-async-server", .sister = "cristo-sync-server", .owner = OPTION_ASYNC},
     {"file server over HTTP/1.1, on event loops", sections, true}},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(argv[1], pages[i].model.program) == 0) {
            struct option_table table = server_option_table(&pages[i].model);
            return manual_main(&table, &pages[i].manual, argv[2]);
        }
    }
    fprintf(stderr, "usage: %s PROGRAM page|completion\n", argv[0]);
    return 2;
}
