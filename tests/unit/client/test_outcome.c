/* What a session is told of a call, by what the call returned. */
#include "client/outcome.h"

#include "tests/support/suite.h"

#include <errno.h>

static const char before[] = "before";

struct row {
    const char *name;
    ssize_t came;
    struct outcome outcome;
    bool has_why; /* by TLS; else there is none */
};

static void is_told(struct outcome outcome, const struct news *news, const struct row *row)
{
    assert_int_equal(outcome.kind, row->outcome.kind);
    assert_int_equal(outcome.error, row->outcome.error);
    assert_int_equal(outcome.bytes, row->outcome.bytes);
    if (outcome.kind == CAME_FAILED) {
        assert_int_equal(news->why != NULL, row->has_why);
        assert_ptr_not_equal(news->why, before);
    } else {
        assert_ptr_equal(news->why, before); /* nothing is written that nobody is told of */
    }
}

/* ---- receive, discard, send ---- */

static const struct row calls[] = {
    {"bytes", 1, {CAME_DONE, 0, 1}, false},
    {"many_bytes", (ssize_t)1 << 40, {CAME_DONE, 0, (size_t)1 << 40}, false},
    {"an_end", 0, {CAME_ENDED, 0, 0}, false},
    {"an_end_without_that_of_tls", STREAM_TRUNCATED, {CAME_CUT, 0, 0}, false},
    {"no_time_to_read", STREAM_WANT_READ, {CAME_TIMED_OUT, 0, 0}, false},
    {"no_time_to_write", STREAM_WANT_WRITE, {CAME_TIMED_OUT, 0, 0}, false},
    {"stopped_by_a_signal", -EINTR, {CAME_TIMED_OUT, 0, 0}, false},
    {"reset", -ECONNRESET, {CAME_FAILED, ECONNRESET, 0}, false},
    {"given_up_by_the_system", -ETIMEDOUT, {CAME_FAILED, ETIMEDOUT, 0}, false},
    {"no_tls", STREAM_BROKEN, {CAME_FAILED, 0, 0}, true},
};

static void a_call_is_told_of(void **state)
{
    const struct row *row = *state;
    struct stream stream = {.fd = -1};
    struct news news = {.why = before};
    is_told(outcome_of(&stream, row->came, &news), &news, row);
}

/* ---- handshake ---- */

static const struct row handshakes[] = {
    {"a_handshake", 0, {CAME_DONE, 0, 0}, false},
    {"a_handshake_without_time", STREAM_WANT_WRITE, {CAME_TIMED_OUT, 0, 0}, false},
    {"a_handshake_stopped_by_a_signal", -EINTR, {CAME_TIMED_OUT, 0, 0}, false},
    {"a_handshake_reset", -ECONNRESET, {CAME_FAILED, ECONNRESET, 0}, false},
    {"a_handshake_refused", STREAM_BROKEN, {CAME_FAILED, 0, 0}, true},
    {"a_handshake_cut", STREAM_TRUNCATED, {CAME_FAILED, 0, 0}, true},
};

static void a_handshake_is_told_of(void **state)
{
    const struct row *row = *state;
    struct stream stream = {.fd = -1};
    struct news news = {.why = before};
    is_told(outcome_of_handshake(&stream, (int)row->came, &news), &news, row);
}

/* ---- connect ---- */

static const struct row connections[] = {
    {"the_first_descriptor", 0, {CAME_DONE, 0, 0}, false},
    {"a_descriptor", 7, {CAME_DONE, 0, 0}, false},
    {"no_connection_in_time", -ETIMEDOUT, {CAME_TIMED_OUT, 0, 0}, false},
    {"a_connection_stopped_by_a_signal", -EINTR, {CAME_TIMED_OUT, 0, 0}, false},
    {"a_connection_refused", -ECONNREFUSED, {CAME_FAILED, ECONNREFUSED, 0}, false},
    {"a_full_backlog", -EAGAIN, {CAME_FAILED, EAGAIN, 0}, false}, /* no matter of time */
};

static void a_connection_is_told_of(void **state)
{
    const struct row *row = *state;
    struct news news = {.why = row->outcome.kind == CAME_FAILED ? NULL : before};
    is_told(outcome_of_connect((int)row->came), &news, row);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, a_call_is_told_of, ROWS(calls));
    suite_add_rows(&suite, a_handshake_is_told_of, ROWS(handshakes));
    suite_add_rows(&suite, a_connection_is_told_of, ROWS(connections));
    return suite_run(&suite, "client/outcome");
}
