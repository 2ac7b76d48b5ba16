#include "client/tally.h"

#include "lib/base/clock.h"
#include "lib/base/order.h"

#include <errno.h>
#include <string.h>

/* Durations go into the histograms in whole microseconds, rounded to the nearest. */
static uint64_t to_us(uint64_t ns)
{
    return (ns + NS_PER_US / 2) / NS_PER_US;
}

void tally_ok(struct tally *tally, uint64_t latency_ns, uint64_t first_byte_ns)
{
    tally->ok++;
    histogram_record(&tally->latency, to_us(latency_ns));
    histogram_record(&tally->first_byte, to_us(first_byte_ns));
}

static void keep_cause(struct tally *tally, enum failure failure, struct cause cause)
{
    size_t len = cause.why == NULL ? 0 : strlen(cause.why);
    len = len < TALLY_WHY ? len : TALLY_WHY - 1;
    tally->causes[failure].error = cause.error;
    if (len > 0) {
        memcpy(tally->causes[failure].why, cause.why, len);
    }
    tally->causes[failure].why[len] = '\0';
}

void tally_failure(struct tally *tally, enum failure failure, struct cause cause)
{
    if (tally->failures[failure]++ == 0) {
        keep_cause(tally, failure, cause);
    }
    tally->failed++;
}

void tally_connect(struct tally *tally, uint64_t took_ns)
{
    histogram_record(&tally->connect, to_us(took_ns));
}

void tally_no_connection(struct tally *tally, int error, uint64_t now_ns)
{
    tally->no_descriptor += error == EMFILE;
    tally->no_descriptor_of_machine += error == ENFILE;
    if (error == EADDRNOTAVAIL && tally->no_port++ == 0) {
        tally->no_port_ns = now_ns;
    }
}

/* By what they agreed on; what there is no room for is left out. */
static void count_suite(struct tally *tally, const char *protocol, const char *cipher,
                        uint64_t handshakes)
{
    for (size_t i = 0; i < TALLY_SUITES; i++) {
        if (tally->suites[i].handshakes == 0) {
            tally->suites[i].protocol = protocol;
            tally->suites[i].cipher = cipher;
        }
        if (strcmp(tally->suites[i].protocol, protocol) == 0 &&
            strcmp(tally->suites[i].cipher, cipher) == 0) {
            tally->suites[i].handshakes += handshakes;
            return;
        }
    }
}

void tally_handshake(struct tally *tally, uint64_t took_ns, const struct agreement *agreed)
{
    histogram_record(&tally->handshake, to_us(took_ns));
    tally->resumed += agreed->resumed;
    count_suite(tally, agreed->protocol, agreed->cipher, 1);
}

void tally_raw(struct tally *tally, uint64_t latency_ns)
{
    histogram_record(&tally->raw, to_us(latency_ns));
}

void tally_lag(struct tally *tally, uint64_t lag_ns)
{
    histogram_record(&tally->lag, to_us(lag_ns));
}

void tally_delay(struct tally *tally, uint64_t delay_ns)
{
    tally->delay_count++;
    tally->delay_sum_ns += delay_ns;
    tally->delay_max_ns = greater_of(tally->delay_max_ns, delay_ns);
}

static void add_failures(struct tally *to, const struct tally *from)
{
    for (int kind = 0; kind < FAILURE_COUNT; kind++) {
        if (to->failures[kind] == 0) {
            to->causes[kind] = from->causes[kind];
        }
        to->failures[kind] += from->failures[kind];
    }
}

/* 0 is never. */
static uint64_t first_of(uint64_t a, uint64_t b)
{
    return b == 0 || (a != 0 && a < b) ? a : b;
}

void tally_add(struct tally *to, const struct tally *from)
{
    add_failures(to, from);
    to->sent += from->sent;
    to->ok += from->ok;
    to->failed += from->failed;
    to->bytes_sent += from->bytes_sent;
    to->bytes_received += from->bytes_received;
    to->bytes_body += from->bytes_body;
    to->held_up += from->held_up;
    to->missed += from->missed;
    to->no_descriptor += from->no_descriptor;
    to->no_descriptor_of_machine += from->no_descriptor_of_machine;
    to->no_port += from->no_port;
    to->no_port_ns = first_of(to->no_port_ns, from->no_port_ns);
    to->resumed += from->resumed;
    for (size_t i = 0; i < TALLY_SUITES && from->suites[i].handshakes > 0; i++) {
        count_suite(to, from->suites[i].protocol, from->suites[i].cipher,
                    from->suites[i].handshakes);
    }
    to->delay_count += from->delay_count;
    to->delay_sum_ns += from->delay_sum_ns;
    to->delay_max_ns = greater_of(to->delay_max_ns, from->delay_max_ns);
    to->ended_ns = greater_of(to->ended_ns, from->ended_ns);
    for (int status = 0; status < TALLY_STATUSES; status++) {
        to->statuses[status] += from->statuses[status];
    }
    histogram_add(&to->latency, &from->latency);
    histogram_add(&to->first_byte, &from->first_byte);
    histogram_add(&to->connect, &from->connect);
    histogram_add(&to->handshake, &from->handshake);
    histogram_add(&to->raw, &from->raw);
    histogram_add(&to->lag, &from->lag);
}

const char *failure_name(enum failure failure)
{
    static const char *const names[] = {
        [FAILURE_CONNECT] = "connect", [FAILURE_TLS] = "tls",       [FAILURE_TIMEOUT] = "timeout",
        [FAILURE_RESET] = "reset",     [FAILURE_STATUS] = "status", [FAILURE_FRAMING] = "framing",
        [FAILURE_CONTENT] = "content", [FAILURE_NONE] = "ok",
    };
    return names[failure];
}
