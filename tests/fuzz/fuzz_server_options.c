/* The servers' command line, a word on each line: whatever is asked for is refused, or leaves
 * settings that a server can be started with. */
#include "server/options.h"

#include "lib/http/field.h"
#include "server/serve.h"
#include "tests/fuzz/numeric_hosts.h"
#include "tests/fuzz/text.h"

static const struct serve_model models[] = {
    {.program = "cristo-sync-server",
     .sister = "cristo-async-server",
     .owner = OPTION_SYNC,
     .address = "127.0.0.1:8080"},
    {.program = "cristo-async-server",
     .sister = "cristo-sync-server",
     .owner = OPTION_ASYNC,
     .address = "127.0.0.1:8081"},
};

/* What was given by --response-header stands in every head. */
static void check_fields_of(const struct server_options *options)
{
    char text[FIELDS_MAX + 2];
    struct fields fields;
    size_t size;
    PROPERTY(options->fields_len < sizeof(options->fields));
    memcpy(text, options->fields, options->fields_len);
    memcpy(text + options->fields_len, "\r\n", 2);
    struct bytes section = {text, options->fields_len + 2};
    PROPERTY(field_section_read(section, 1000, &fields, &size) == FIELD_SECTION_COMPLETE);
    PROPERTY(size == section.len);
    PROPERTY(!fields_have(&fields, FIELD_CONTENT_LENGTH));
    PROPERTY(!fields_have(&fields, FIELD_TRANSFER_ENCODING));
}

static void check_settings(const struct server_options *options)
{
    PROPERTY(options->listen_count >= 1 && options->listen_count <= LISTENERS_MAX);
    PROPERTY(options->loops >= 1 && options->loops <= LOOPS_MAX);
    PROPERTY(options->file_threads >= 1);
    PROPERTY(options->limits.request.head >= 256 && options->limits.request.fields >= 1);
    PROPERTY(options->limits.request.target < options->limits.request.head);
    PROPERTY(options->timeouts.head_ns > 0 && options->timeouts.idle_ns > 0);
    PROPERTY(options->timeouts.send_ns > 0);
    PROPERTY(options->delay_low_ns <= options->delay_high_ns);
    check_fields_of(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {(const char *)data, size};
    static struct server_options options;
    struct words words;
    words_init(&words, input);
    hush(true);
    enum options_outcome outcome = server_options_read(
        &options, &models[tail_number(input, 1, 1) % 2], words.count, words.word);
    hush(false);
    if (outcome == OPTIONS_RUN) {
        check_settings(&options);
    }
    free(words.text);
    return 0;
}
