/* The clients' command line, a word on each line: whatever is asked for is refused, or leaves
 * settings that a run can be made of. */
#include "client/options.h"

#include "lib/http/field.h"
#include "tests/fuzz/text.h"

static const struct model models[] = {
    {"sync", "cristo-sync-client", "cristo-async-client", OPTION_SYNC, true},
    {"async", "cristo-async-client", "cristo-sync-client", OPTION_ASYNC, false},
};

/* What was given by -H stands in every request. */
static void check_lines(const char *lines)
{
    struct fields fields;
    size_t size;
    char *text = NULL;
    PROPERTY(asprintf(&text, "%s\r\n", lines != NULL ? lines : "") >= 0);
    PROPERTY(field_section_read(bytes_of(text), 10000, &fields, &size) == FIELD_SECTION_COMPLETE);
    PROPERTY(size == strlen(text));
    free(text);
}

/* Moments and counts of the stages agree, whichever they are. */
static void check_ramp(struct ramp ramp, uint64_t from)
{
    PROPERTY(ramp.count <= RAMP_STAGES);
    ramp_begin(&ramp, from);
    uint64_t before_ns = 0;
    for (uint64_t number = 0; number < 40 && ramp.count > 0; number = 2 * number + 1) {
        uint64_t due_ns = ramp_due_ns(&ramp, number);
        PROPERTY(due_ns >= before_ns);
        PROPERTY(due_ns == CLOCK_NEVER || ramp_due_before(&ramp, due_ns) <= number);
        before_ns = due_ns;
        uint64_t until_ns = 0;
        for (int i = 0; i < 200 && until_ns < CLOCK_NEVER; i++) {
            uint64_t now_ns = until_ns;
            ramp_wants(&ramp, number, now_ns, &until_ns);
            PROPERTY(until_ns > now_ns);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {(const char *)data, size};
    struct options options;
    struct words words;
    words_init(&words, input);
    hush(true);
    enum options_outcome outcome = client_options_read(
        &options, &models[tail_number(input, 1, 1) % 2], words.count, words.word);
    hush(false);
    if (outcome == OPTIONS_RUN) {
        PROPERTY(options.threads >= 1 && options.pipeline >= 1);
        check_ramp(options.ramp, options.rate > 0 ? options.rate : options.connections);
        PROPERTY(options.timeout_ns > 0 && options.think_low_ns <= options.think_high_ns);
        PROPERTY(options.rate == 0 || options.think_high_ns == 0);
        PROPERTY(options.url_count < 66 && is_token(bytes_of(options.method)));
        PROPERTY(options.thresholds.count <= REQUIRE_MOST);
        for (size_t i = 0; i < options.thresholds.count; i++) {
            PROPERTY(options.thresholds.at[i].text[0] != '\0' &&
                     options.thresholds.at[i].bound >= 0);
        }
        check_lines(options.header_lines);
    }
    client_options_finish(&options);
    free(words.text);
    return 0;
}
