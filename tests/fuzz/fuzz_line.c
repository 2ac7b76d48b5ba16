/* Lines of the access log: whatever a request held, a line is one line, and holds nothing that a
 * terminal or a reader of the log would take for something else. The input is the texts of a
 * record, one on each line; its last bytes are the numbers. */
#include "server/ledger/line.h"

#include "tests/fuzz/property.h"

static struct bytes take_line(struct bytes *input)
{
    const char *end = input->len > 0 ? memchr(input->at, '\n', input->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - input->at) : input->len;
    struct bytes line = {input->at, len};
    *input = (struct bytes){input->at + len + (end != NULL), input->len - len - (end != NULL)};
    return line;
}

/* All of it printable, quotes balanced: what is within quotes is escaped. */
static void check_line(const char *line, size_t len, enum line_format format)
{
    unsigned quotes = 0;
    PROPERTY(len > 0 && len <= LINE_MOST && line[len - 1] == '\n');
    for (size_t i = 0; i + 1 < len; i++) {
        PROPERTY((unsigned char)line[i] >= ' ' && (unsigned char)line[i] < 0x7f);
        if (line[i] == '\\') {
            PROPERTY(i + 2 < len && (format == LINE_JSON || line[i + 1] == 'x'));
            i++;
        } else {
            quotes += line[i] == '"';
        }
    }
    PROPERTY(quotes % 2 == 0);
    PROPERTY(format != LINE_COMBINED || quotes == 6);
    PROPERTY(format != LINE_JSON || (line[0] == '{' && line[len - 2] == '}'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ring ring;
    static void *memory;
    enum {
        CELLS = 2 * RECORD_MOST / CELL > 128 ? 256 : 128
    };
    struct bytes input = {(const char *)data, size};
    uint64_t numbers = tail_number(input, 8, 8);
    struct entry entry = {
        .record = {.status = (uint16_t)(100 + numbers % 500),
                   .minor = numbers % 2,
                   .unfinished = numbers >> 1 & 1,
                   .number = (uint32_t)numbers,
                   .wall_s = (int64_t)(numbers % 4102444800),
                   .took_us = numbers,
                   .connection = numbers >> 7,
                   .body = numbers >> 3},
    };
    for (int i = 0; i < RECORD_TEXTS; i++) {
        entry.text[i] = take_line(&input);
        if (numbers >> (8 + i) & 1) {
            entry.text[i] = (struct bytes){0};
        }
    }
    if (memory == NULL) {
        memory = aligned_alloc(CELL, (ring_bytes(CELLS) + CELL - 1) / CELL * CELL);
    }
    memset(memory, 0, ring_bytes(CELLS));
    memset(&ring, 0, sizeof(ring));
    ring_init(&ring, memory, CELLS);
    ring_put(&ring, &entry);
    const struct record *record = ring_take(&ring);
    PROPERTY(record != NULL);
    for (enum line_format format = LINE_COMBINED; format <= LINE_JSON; format++) {
        char *line = malloc(LINE_MOST);
        struct line_writer writer = {.format = format};
        check_line(line, line_write(&writer, record, line), format);
        free(line);
    }
    ring_free(&ring, record);
    PROPERTY(ring_take(&ring) == NULL);
    return 0;
}
