/* Whatever a client says, a session answers it alike however it is cut and taken, and breaks no
 * promise when something happens on the way (tests/unit/server/talk.c checks every step). The input
 * is what the client says; its last bytes also draw the lots. */
#include "lib/base/random.h"
#include "tests/fuzz/property.h"
#include "tests/unit/server/talk.h"

static struct talk talk;
static char whole[TALK_OUTPUT];
static size_t whole_len;
static uint64_t seed, lots;

static size_t lot(size_t below)
{
    return (size_t)random_between(seed, lots++, 0, below - 1);
}

/* Whether a body is asked for hangs on how much of it has come (RFC 9110 10.1.1): such replies are
 * left out of the comparison. */
static size_t without_interim(char *text, size_t len)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const size_t interim_len = sizeof(interim) - 1;
    char *at = text;

    while ((at = memmem(at, len - (size_t)(at - text), interim, interim_len)) != NULL) {
        memmove(at, at + interim_len, len - (size_t)(at - text) - interim_len);
        len -= interim_len;
    }
    return len;
}

static void play_whole(struct bytes input)
{
    talk.slice = talk.takes = 0;
    talk.reads = false;
    talk_begin(&talk);
    talk_play(&talk, input);
    talk_end(&talk);
    whole_len = without_interim(talk.output, talk.output_len);
    memcpy(whole, talk.output, whole_len);
}

static void draw(void)
{
    talk.slice = lot(3) == 0 ? 0 : 1 + lot(40);
    talk.takes = lot(3) == 0 ? 0 : 1 + lot(lot(2) == 0 ? 100 : 1000000);
    talk.shelf[lot(talk.books)].warm = lot(2) == 0;
    talk.reads = lot(2) == 0;
}

static void play_in_pieces(struct bytes input)
{
    size_t steps = 0;

    talk_begin(&talk);
    talk.input = input;
    do {
        draw();
        if (talk.step.kind == STEP_SEND && lot(8) == 0) {
            talk_unload(&talk);
        }
        PROPERTY(++steps < 100000);
    } while (talk_step(&talk));
    talk_end(&talk);
    PROPERTY(without_interim(talk.output, talk.output_len) == whole_len);
    PROPERTY(memcmp(talk.output, whole, whole_len) == 0);
}

static void play_with_misfortunes(struct bytes input)
{
    static const unsigned reads[] = {CAME_TIMED_OUT, CAME_ENDED, CAME_FAILED, CAME_DRAINING};
    static const unsigned sends[] = {CAME_TIMED_OUT, CAME_FAILED, CAME_UNCHANGED};
    size_t steps = 0;

    talk_begin(&talk);
    talk.input = input;
    while (!talk.over && ++steps < 100000) {
        draw();
        if (talk.step.kind == STEP_READ && (talk.input.len == 0 || lot(20) == 0)) {
            talk_tell(&talk, (struct outcome){reads[lot(4)], 0});
        } else if (talk.step.kind == STEP_SEND && lot(20) == 0) {
            talk_tell(&talk, (struct outcome){sends[lot(3)], 0});
        } else if (talk.step.kind == STEP_LOAD && lot(20) == 0) {
            talk_tell(&talk, (struct outcome){sends[lot(3)], 0});
        } else if (talk.step.kind == STEP_WAIT && lot(20) == 0) {
            talk_tell(&talk, (struct outcome){CAME_FAILED, 0});
        } else if (lot(2000) == 0) {
            break; /* the server ends */
        } else {
            talk_step(&talk);
        }
    }
    PROPERTY(steps < 100000);
    talk_end(&talk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {(const char *)data, size};

    setenv("CMOCKA_TEST_ABORT", "1", 1); /* the promises are cmocka's assertions */
    lots = 0;
    seed = tail_number(input, 8, 8);
    talk_init(&talk);
    talk.site.limits.requests = seed % 5 == 0 ? 1 + seed % 7 : 0;
    talk.site.compute = seed % 11 == 0 ? 1 : 0;
    play_whole(input);
    play_in_pieces(input);
    talk.site.delays = seed % 3 == 0;
    play_with_misfortunes(input);
    talk_finish(&talk);
    return 0;
}
