/* Plays drawn by lot: whatever a client says, however it is cut and taken, and whatever happens on
 * the way, a session keeps what it promises (talk.c checks every step), answers what was asked, and
 * comes to an end. A play is known by its number, which a failure names. */
#include "tests/support/suite.h"
#include "tests/unit/server/talk.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PLAYS = 20000,
    PLAYS_MOST_S = 40, /* on a slow machine they are fewer */
    REQUESTS_MOST = 40,
    SCRIPT_MOST = 64 * 1024
};

static struct talk talk;
static struct replies replies;

/* --- lots ------------------------------------------------------------------------------------- */

static uint64_t play, lots;

/* A number below `below`. */
static size_t lot(size_t below)
{
    return (size_t)random_between(play, lots++, 0, below - 1);
}

static bool one_in(size_t n)
{
    return lot(n) == 0;
}

/* Often small, sometimes large. */
static size_t lot_of_any_size(size_t most)
{
    size_t scale = (size_t)1 << lot(24);
    return 1 + lot(scale < most ? scale : most);
}

/* --- what the client says, and what it is owed ------------------------------------------------ */

struct script {
    char text[SCRIPT_MOST];
    size_t len;
    char methods[REQUESTS_MOST + 1];
    struct {
        unsigned status;
        struct bytes body; /* at is NULL: any */
    } owed[REQUESTS_MOST];
    unsigned count;
    bool over; /* nothing behind this is answered */
};

static struct script script;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(script.text + script.len, SCRIPT_MOST - script.len, format, arguments);
    va_end(arguments);
    assert_true(len >= 0 && (size_t)len < SCRIPT_MOST - script.len);
    script.len += (size_t)len;
}

static void owe(char method, unsigned status, struct bytes body)
{
    script.methods[script.count] = method;
    script.owed[script.count].status = status;
    script.owed[script.count].body = body;
    script.count++;
}

static const struct bytes any = {0};
static const struct bytes none = {"", 0};

/* Lines that change nothing. */
static void say_fields(void)
{
    for (size_t lines = lot(4); lines > 0; lines--) {
        say("X-%zu:%*s%0*d\r\n", lot(1000), (int)lot(3), "", (int)lot(60) + 1, 7);
    }
}

static void say_body(size_t size)
{
    if (one_in(2)) {
        say("Content-Length: %zu\r\n\r\n%0*d", size + 1, (int)size + 1, 0);
        return;
    }
    say("Transfer-Encoding: chunked\r\n\r\n");
    while (size > 0) {
        size_t piece = 1 + lot(size);
        say("%zx%s\r\n%0*d\r\n", piece, one_in(5) ? ";x=y" : "", (int)piece, 0);
        size -= piece;
    }
    say(one_in(5) ? "0\r\nT: v\r\n\r\n" : "0\r\n\r\n");
}

/* Whether the connection is to go on, and a body or none. */
static void say_end(void)
{
    say_fields();
    if (one_in(25)) {
        say("Connection: close\r\n");
        script.over = true;
    }
    if (one_in(6)) {
        if (one_in(3)) {
            say("Expect: 100-continue\r\n");
        }
        say_body(lot(one_in(4) ? 9000 : 40));
    } else {
        say("\r\n");
    }
}

static void say_get(void)
{
    static const char *const paths[] = {"a.txt", "b.txt", "empty", "disk", "disk/empty", "large"};
    const char *path = paths[one_in(8) ? lot(6) : lot(5)];
    bool head = one_in(5);
    struct bytes content = talk_book(&talk, path)->content;
    say("%s /%s%s HTTP/1.1\r\nHost: a\r\n", head ? "HEAD" : "GET", path, one_in(4) ? "?query" : "");
    owe(head ? 'H' : 'G', 200, head || content.len == 0 ? none : content);
    say_end();
}

static void say_range(void)
{
    const char *path = one_in(2) ? "large" : "a.txt";
    struct bytes content = talk_book(&talk, path)->content;
    size_t first = lot(content.len);
    size_t last = first + lot(one_in(2) ? content.len : 20);
    size_t end = last + 1 < content.len ? last + 1 : content.len;
    say("GET /%s HTTP/1.1\r\nHost: a\r\nRange: bytes=%zu-%zu\r\n", path, first, last);
    owe('G', 206, (struct bytes){content.at + first, end - first});
    say_end();
}

static void say_ranges(void)
{
    const char *path = one_in(2) ? "large" : "a.txt";
    size_t size = talk_book(&talk, path)->content.len;
    size_t ranges = 2 + lot(3);
    say("GET /%s HTTP/1.1\r\nHost: a\r\nRange: bytes=", path);
    for (size_t i = 0; i < ranges; i++) {
        size_t first = i * size / ranges;
        size_t most = (i + 1) * size / ranges - first;
        say("%s%zu-%zu", i > 0 ? "," : "", first, first + lot(most));
    }
    say("\r\n");
    owe('G', 206, any);
    say_end();
}

static void say_odd(void)
{
    static const struct {
        const char *line;
        char method;
        unsigned status;
    } odd[] = {
        {"GET /none HTTP/1.1", 'G', 404},      {"HEAD /none HTTP/1.1", 'H', 404},
        {"GET /folder HTTP/1.1", 'G', 301},    {"GET /folder/ HTTP/1.1", 'G', 200},
        {"GET /secret HTTP/1.1", 'G', 403},    {"GET /busy HTTP/1.1", 'G', 503},
        {"GET /broken HTTP/1.1", 'G', 500},    {"OPTIONS * HTTP/1.1", 'O', 204},
        {"OPTIONS /a.txt HTTP/1.1", 'O', 204}, {"GET /%zz HTTP/1.1", 'G', 400},
    };
    size_t i = lot(sizeof(odd) / sizeof(odd[0]));
    say("%s\r\nHost: a\r\n", odd[i].line);
    owe(odd[i].method, odd[i].status, any);
    say_end();
}

/* A body that was announced for a method that takes none, or nothing: without Expect, which ends
 * the talk here. */
static void say_post(void)
{
    bool known = one_in(2);
    say("%s /a.txt HTTP/1.1\r\nHost: a\r\n", known ? "POST" : "BREW");
    owe('P', known ? 405 : 501, any);
    say_body(lot(200));
}

static void say_nonsense(void)
{
    static const struct {
        const char *text;
        unsigned status;
    } nonsense[] = {
        {"GET /a.txt HTTP/1.1\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {"GET /a.txt HTTP/3.0\r\nHost: a\r\n\r\n", 505},
        {"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
        {"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n", 413},
        {"GET /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: more\r\n\r\n", 417},
    };
    size_t i = lot(sizeof(nonsense) / sizeof(nonsense[0]));
    say("%s", nonsense[i].text);
    owe('P', nonsense[i].status, any);
    script.over = true;
}

static void write_script(void)
{
    size_t requests = 1 + lot(one_in(4) ? REQUESTS_MOST : 6);
    script.len = script.count = 0;
    script.over = false;
    while (requests-- > 0 && script.len < SCRIPT_MOST - 16384) {
        bool was_over = script.over;
        unsigned count = script.count;
        size_t kind = lot(20);
        if (one_in(20)) {
            say("\r\n");
        }
        if (kind < 12) {
            say_get();
        } else if (kind < 15) {
            (one_in(3) ? say_ranges : say_range)();
        } else if (kind < 18) {
            say_odd();
        } else if (kind < 19 || !one_in(3)) {
            say_post();
        } else {
            say_nonsense();
        }
        script.count = was_over ? count : script.count;
    }
    script.methods[script.count] = '\0';
}

/* --- how it is played ------------------------------------------------------------------------- */

static void set_site(void)
{
    struct site *site = &talk.site;
    site->delays = one_in(5);
    site->delay_high_ns = NS_PER_S;
    site->compute = one_in(5) ? 2 : 0;
    site->limits.requests = one_in(5) ? 1 + lot(20) : 0;
    for (unsigned i = 0; i < talk.books; i++) {
        talk.shelf[i].warm = !one_in(5);
    }
}

/* One step, in its plain way but for how much is said and taken at once. */
static bool plain_step(void)
{
    talk.slice = one_in(3) ? 0 : lot_of_any_size(5000);
    talk.takes = one_in(3) ? 0 : lot_of_any_size(1 << 20);
    talk.reads = one_in(2);
    if (talk.step.kind == STEP_SEND && one_in(10)) {
        talk_unload(&talk);
        return true;
    }
    if ((talk.step.kind == STEP_READ || talk.step.kind == STEP_LOAD ||
         talk.step.kind == STEP_SEND) &&
        one_in(10)) {
        talk_tell(&talk, (struct outcome){CAME_UNCHANGED, 0});
        return true;
    }
    if (talk.step.kind == STEP_FETCH && one_in(8)) {
        struct book *book = talk_book(&talk, talk.step.fetch->path.at);
        if (book != NULL) {
            book->warm = false; /* the cache let go of it */
        }
    }
    talk_later(&talk, lot(1000));
    return talk_step(&talk);
}

static void check_owed(void)
{
    unsigned most = (unsigned)talk.site.limits.requests;
    bool cut_short = most > 0 && most <= script.count;
    unsigned owed = cut_short ? most : script.count;
    script.methods[owed] = '\0';
    talk_replies(&talk, &replies, script.methods);
    unsigned count = 0;
    for (unsigned i = 0; i < replies.count; i++) {
        const struct seen *seen = &replies.at[i];
        if (seen->status == 100) {
            continue;
        }
        assert_true(count < owed);
        assert_int_equal(seen->status, script.owed[count].status);
        if (script.owed[count].body.at != NULL) {
            assert_bytes(seen->body, script.owed[count].body);
        }
        assert_int_equal(seen_field(seen, "Date").len, DATE_SIZE);
        count++;
        assert_int_equal(seen->closes, count == owed && (script.over || cut_short));
    }
    assert_int_equal(count, owed);
    assert_int_equal(talk.over, script.over || cut_short);
}

/* Every request is answered as it is owed, and in its place. */
static void what_was_asked_is_answered(void)
{
    set_site();
    write_script();
    talk_begin(&talk);
    talk.input = (struct bytes){script.text, script.len};
    size_t steps = 0;
    while (plain_step()) {
        steps++;
        assert_true(steps < 100000);
    }
    check_owed();
    talk_end(&talk);
}

/* --- what may happen on the way --------------------------------------------------------------- */

static void spoil_script(void)
{
    for (size_t spots = lot(4); spots > 0 && script.len > 0; spots--) {
        size_t at = lot(script.len);
        size_t len = lot_of_any_size(script.len - at);
        switch (lot(4)) {
        case 0:
            script.text[at] = (char)lot(256);
            break;
        case 1:
            memmove(script.text + at, script.text + at + len, script.len - at - len);
            script.len -= len;
            break;
        case 2:
            script.len = at;
            break;
        default:
            memcpy(script.text + at, "\r\n\r\n\r\n", script.len - at < 6 ? script.len - at : 6);
            break;
        }
    }
}

static void misfortune(void)
{
    static const unsigned reads[] = {CAME_TIMED_OUT, CAME_ENDED, CAME_FAILED, CAME_DRAINING,
                                     CAME_DRAINING};
    static const unsigned sends[] = {CAME_TIMED_OUT, CAME_FAILED};
    switch (talk.step.kind) {
    case STEP_READ:
        talk_tell(&talk, (struct outcome){reads[lot(5)], 0});
        break;
    case STEP_LOAD:
    case STEP_SEND:
        talk_tell(&talk, (struct outcome){sends[lot(2)], 0});
        break;
    case STEP_FETCH:
        talk.step.fetch->came = FETCH_FOLDER + (unsigned)lot(FETCH_FAILED);
        talk.step.fetch->file = NULL;
        talk_tell(&talk, (struct outcome){CAME_DONE, 0});
        break;
    default:
        session_drain(&talk.session);
        break;
    }
}

/* Anything is said and anything happens; all that is asked is that no promise is broken, which
 * talk.c looks after, and that it ends when there is nothing more to be said. */
static void whatever_happens_no_promise_is_broken(void)
{
    set_site();
    write_script();
    spoil_script();
    talk_begin(&talk);
    talk.input = (struct bytes){script.text, script.len};
    size_t steps = 0;
    size_t most = one_in(4) ? lot(60) : 100000; /* sometimes the model ends it in the middle */
    while (steps < most && !talk.over) {
        steps++;
        if (one_in(60)) {
            misfortune();
        } else if (!plain_step() && !talk.over) {
            talk_tell(&talk, (struct outcome){one_in(2) ? CAME_ENDED : CAME_TIMED_OUT, 0});
        }
    }
    assert_true(steps < 100000);
    talk_end(&talk);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void play_all(void (*one)(void))
{
    uint64_t until_ns = clock_monotonic_ns() + PLAYS_MOST_S * NS_PER_S;
    for (play = 1; play <= PLAYS && clock_monotonic_ns() < until_ns; play++) {
        lots = 0;
        talk.site.seed = play;
        one();
    }
    play = 0;
}

static void requests_are_answered(void **state)
{
    (void)state;
    play_all(what_was_asked_is_answered);
}

static void promises_are_kept(void **state)
{
    (void)state;
    play_all(whatever_happens_no_promise_is_broken);
}

static int begin(void **state)
{
    (void)state;
    talk_init(&talk);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    if (play != 0) {
        print_error("play %ju\n", (uintmax_t)play);
    }
    talk_finish(&talk);
    return 0;
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(requests_are_answered));
    suite_add(&suite, CASE(promises_are_kept));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/session_play");
}
