/* A bundle: one folder with everything that one experiment gave.
 *
 *     bundle.json   all of it; the other files are drawn from this one alone
 *     rows.csv      one line per run, for spreadsheets
 *     report.html   the page (report.h)
 *
 * bundle.json is one object (lab/bundle-schema.json says it in JSON Schema):
 *
 *     schema        "cristo-bundle/1"
 *     kind          "race", or "url" for a server of the user's own
 *     cristo        version of cristo-lab
 *     started       UTC; elapsed_s: how long it took
 *     interrupted   true when it was stopped before its end: then rows are missing
 *     quick         true when the plan's quick settings were used
 *     plan          the plan as it was carried out (plan.h)
 *     environment   machine, programs and book (environment.h)
 *     setting       which cores served and which asked, and how many loops the evented ones had
 *     targets       what was asked for: name, label, path or URL, bytes
 *     rows          one per run, in the order they were carried out:
 *       order, at_s      its place, and when it began, in seconds after `started`
 *       repeat, target, connections, server, client, url
 *       error            null, or why the run gave no trustworthy report
 *       client_status    exit status of the client
 *       result           the client's whole report (cristo-client/1), histogram included, or null
 *       server_use       null when the server could not be watched, else
 *         cores            how many it had, null for a server of the user's own
 *         cpu_s            CPU time in the run, exact; cpu_user_s, cpu_system_s by the kernel's
 * tick rss_bytes, pss_bytes, anonymous_bytes   near the end of the run, or null threads the most
 * seen switches_voluntary, switches_involuntary, switches_requests   context switches and the
 *                          requests they belong to: for our own servers in all their life, the
 *                          warm-up included; for others in the run, null if threads came or went
 *       client_use       cores, cpu_user_s, cpu_system_s, rss_max_bytes, switches_* of the client
 *       sampling         samples, and cpu_s: what watching cost
 *     waits         the demonstration, one per way and server: way, server, client, connections,
 *                   url, error, client_status, result (its delay_s has the waits)
 *     summary       computed from the above (summary.h), for other programs' convenience;
 *                   `cristo-lab report` computes it anew
 */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

enum {
    BUNDLE_WHY = PATH_MAX + 512
};

#define BUNDLE_SCHEMA "cristo-bundle/1"

/* Writes bundle.json and rows.csv into `dir`, each replaced whole or not at all. The top-level keys
 * stand on lines of their own, and so does each row. False: `why` (BUNDLE_WHY bytes) says what
 * failed. */
bool bundle_save(const json_t *bundle, const char *dir, char *why);

/* Reads DIR/bundle.json: a new reference, or NULL with `why` when it is missing or not a bundle. */
json_t *bundle_load(const char *dir, char *why);

/* Writes a file whole or not at all: `write` fills it. False: `why` says what failed. */
bool bundle_write_file(const char *dir, const char *name, bool (*write)(FILE *file, void *with),
                       void *with, char *why);
