#include "tests/unit/server/talk.h"

#include "lib/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIELDS "Server: cristo\r\n"
#define POISON 0xa5

/* --- the shelf -------------------------------------------------------------------------------- */

/* As the store makes one: path, ready head and content in one piece of memory. */
static struct file *file_make(const struct book *book)
{
    size_t path_len = strlen(book->path);
    size_t in_memory = book->on_disk ? 0 : book->content.len;
    struct file *file = calloc(1, sizeof(*file) + path_len + 1 + 512 + in_memory);
    assert_non_null(file);
    atomic_init(&file->references, 1);
    file->fd = -1;
    file->path = (struct bytes){file->text, path_len};
    memcpy(file->text, book->path, path_len);
    file->size = book->content.len;

    char *head = file->text + path_len + 1;
    int length = sprintf(head, "Content-Length: %zu\r\n", book->content.len);
    int type = sprintf(head + length, "Content-Type: text/plain\r\n");
    int shared = sprintf(head + length + type, "ETag: \"e%zu\"\r\n" FIELDS, book->content.len);
    strcpy(head + length + type + shared, "\r\n");
    file->head = bytes_of(head);
    file->type = (struct bytes){head + length, (size_t)type};
    file->fields = (struct bytes){head + length + type, (size_t)shared};
    file->shared = (struct bytes){head + length + type, (size_t)shared};
    file->validators.exists = true;
    file->validators.etag = (struct bytes){file->shared.at + 6, strcspn(file->shared.at + 6, "\r")};
    if (!book->on_disk) {
        char *content = head + file->head.len;
        if (in_memory > 0) {
            memcpy(content, book->content.at, in_memory);
        }
        file->content = (struct bytes){content, in_memory};
    }
    return file;
}

struct book *talk_book(struct talk *talk, const char *path)
{
    for (unsigned i = 0; i < talk->books; i++) {
        if (strcmp(talk->shelf[i].path, path) == 0) {
            return &talk->shelf[i];
        }
    }
    return NULL;
}

struct book *talk_put(struct talk *talk, const char *path, enum fetch_came came, bool on_disk,
                      struct bytes content)
{
    struct book *book = talk_book(talk, path);
    if (book == NULL) {
        assert_true(talk->books < SHELF_MOST);
        book = &talk->shelf[talk->books++];
    }
    file_release(book->file);
    *book = (struct book){path, came, on_disk, true, content, NULL};
    book->file = came == FETCH_FILE ? file_make(book) : NULL;
    return book;
}

/* --- begin and end ---------------------------------------------------------------------------- */

enum {
    LARGE = 700 * 1024
};

static const char *large(void)
{
    static char content[LARGE];
    if (content[0] == '\0') {
        for (size_t i = 0; i < sizeof(content); i++) {
            content[i] = (char)('A' + i * 2654435761u % 53);
        }
    }
    return content;
}

void talk_init(struct talk *talk)
{
    static char output[TALK_OUTPUT]; /* one talk at a time */
    static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    memset(talk, 0, sizeof(*talk));
    talk->site.fields = BYTES(FIELDS);
    talk->site.limits =
        (struct limits){.request = {.head = 2048, .target = 1024, .fields = 20}, .body = 10000};
    talk->site.timeouts = (struct timeouts){.head_ns = 10 * NS_PER_S,
                                            .idle_ns = 60 * NS_PER_S,
                                            .send_ns = 30 * NS_PER_S,
                                            .drain_ns = 5 * NS_PER_S};
    talk->now = (struct moment){1000 * NS_PER_S, 784111777, date};
    talk_put(talk, "a.txt", FETCH_FILE, false, BYTES("0123456789"));
    talk_put(talk, "b.txt", FETCH_FILE, false, BYTES("The Pharaon"));
    talk_put(talk, "empty", FETCH_FILE, false, (struct bytes){0});
    talk_put(talk, "large", FETCH_FILE, true, (struct bytes){large(), LARGE});
    talk_put(talk, "disk", FETCH_FILE, true, BYTES("on disk"));
    talk_put(talk, "disk/empty", FETCH_FILE, true, (struct bytes){0});
    talk_put(talk, "packed", FETCH_FILE, false, BYTES("as it is"))->file->siblings =
        1 << CODING_GZIP | 1 << CODING_BROTLI;
    talk_put(talk, "packed.gz", FETCH_FILE, true, BYTES("gzip'd"))->file->coding = CODING_GZIP;
    talk_put(talk, "packed.br", FETCH_ABSENT, false, (struct bytes){0}); /* gone since */
    talk_put(talk, "bare/", FETCH_FILE, false, BYTES("<p>a, b"));        /* its listing */
    talk_put(talk, "folder", FETCH_FOLDER, false, (struct bytes){0});
    talk_put(talk, "folder/index.html", FETCH_FILE, false, BYTES("<p>index"));
    talk_put(talk, "secret", FETCH_FORBIDDEN, false, (struct bytes){0});
    talk_put(talk, "busy", FETCH_BUSY, false, (struct bytes){0});
    talk_put(talk, "broken", FETCH_FAILED, false, (struct bytes){0});
    talk->output = output;
}

void talk_begin(struct talk *talk)
{
    size_t capacity = exchange_capacity(&talk->site);
    talk->exchange = malloc(exchange_size(capacity)); /* not a byte more: sanitizers see it */
    assert_non_null(talk->exchange);
    talk->output_len = 0;
    atomic_store(&talk->site.boundaries, 0); /* every talk draws the same */
    talk->over = false;
    session_init(&talk->session, &talk->site, talk->ledger, &talk->client, &talk->now);
    if (talk->secured) {
        session_secure(&talk->session);
    }
    talk_tell(talk, (struct outcome){CAME_UNCHANGED, 0});
}

static void count_references(const struct talk *talk, const struct exchange *lent)
{
    for (unsigned i = 0; i < talk->books; i++) {
        struct file *file = talk->shelf[i].file;
        unsigned held = 1;
        for (unsigned j = 0; lent != NULL && j < lent->replies; j++) {
            held += file != NULL && lent->held[j] == file;
        }
        if (file != NULL) {
            assert_int_equal(atomic_load(&file->references), held);
        }
    }
}

/* What was lent for a slice comes back once, and that very piece. */
static void take_spent(struct talk *talk, struct exchange *exchange)
{
    char *spent = exchange != NULL ? exchange_take_spent(exchange) : NULL;
    if (spent != NULL) {
        assert_ptr_equal(spent, talk->memory);
        free(talk->memory);
        talk->memory = NULL;
    }
}

void talk_end(struct talk *talk)
{
    struct exchange *exchange = session_finish(&talk->session, &talk->now);
    assert_true(exchange == NULL || exchange == talk->exchange);
    take_spent(talk, exchange);
    assert_null(talk->memory);
    count_references(talk, NULL);
    free(talk->exchange);
    talk->exchange = NULL;
}

void talk_finish(struct talk *talk)
{
    for (unsigned i = 0; i < talk->books; i++) {
        file_release(talk->shelf[i].file);
    }
    talk->books = 0;
}

void talk_later(struct talk *talk, uint64_t ns)
{
    talk->now.now_ns += ns;
}

/* --- what is promised of every step ----------------------------------------------------------- */

static void check_exchange(const struct exchange *x)
{
    assert_true(x->begin <= x->end);
    assert_true(x->end <= x->capacity);
    assert_true(0 <= x->piece_first && x->piece_first <= x->piece_end);
    assert_true(x->piece_end <= BATCH_PIECES);
    assert_true(x->replies <= BATCH_REPLIES);
    assert_true(x->text_used <= BATCH_TEXT);
    assert_true(x->body == NULL || x->body_slice.first <= x->body_slice.end);
}

static void check_read(const struct talk *talk)
{
    const struct step *step = &talk->step;
    const struct exchange *x = talk->session.exchange;
    assert_true(step->patience == PATIENCE_IDLE || step->patience == PATIENCE_DRAIN ||
                step->patience == PATIENCE_HEAD || step->patience == PATIENCE_BODY);
    if (session_at_rest(&talk->session)) {
        assert_true(step->patience == PATIENCE_IDLE || step->patience == PATIENCE_DRAIN);
    } else {
        assert_true(session_space(&talk->session).size > 0);
        assert_true(step->patience == PATIENCE_HEAD || step->patience == PATIENCE_BODY);
    }
    /* nothing that is ready is kept back while the client is waited for */
    assert_true(x == NULL || (x->replies == 0 && x->piece_first == x->piece_end));
}

static void check_send(const struct talk *talk)
{
    const struct step *step = &talk->step;
    assert_int_equal(step->patience, PATIENCE_SEND);
    assert_true(step->send.count > 0 || (step->send.file != NULL && step->send.size > 0));
    assert_true(step->send.count <= BATCH_PIECES);
    assert_true(step->send.size <= SEND_SLICE);
    for (int i = 0; i < step->send.count; i++) {
        assert_true(step->send.pieces[i].iov_len > 0);
    }
    if (step->send.file != NULL) { /* what was loaded just before, and nothing else of it */
        assert_ptr_equal(step->send.file, talk->load.file);
        assert_int_equal(step->send.offset, talk->load.slice.first);
        assert_int_equal(step->send.size, talk->load.slice.end - talk->load.slice.first);
        assert_null(talk->memory);
        assert_int_equal(talk->before, STEP_LOAD);
    }
}

static void check_load(const struct talk *talk)
{
    const struct step *step = &talk->step;
    const struct load *load = step->load;
    assert_int_equal(step->patience, PATIENCE_SEND);
    assert_true(load->file->fd >= 0 || load->file->content.at == NULL);
    assert_true(load->slice.first < load->slice.end && load->slice.end <= load->file->size);
    assert_true(load->slice.end - load->slice.first <= SEND_SLICE);
    assert_null(load->memory);
    assert_null(talk->memory); /* one slice at a time */
}

static void check_fetch(const struct talk *talk)
{
    const struct bytes path = talk->step.fetch->path;
    assert_int_equal(path.at[path.len], '\0');
    assert_int_equal(strlen(path.at), path.len);
    assert_true(path.len == 0 || path.at[0] != '/');
    bool names_folder = path.len == 0 || path.at[path.len - 1] == '/';
    assert_int_equal(names_folder, talk->step.fetch->listing);
    assert_true(!names_folder || talk->step.fetch->coding == CODING_NONE);
}

static void check_step(const struct talk *talk)
{
    if (talk->session.exchange != NULL) {
        check_exchange(talk->session.exchange);
    }
    count_references(talk, talk->session.exchange);
    switch (talk->step.kind) {
    case STEP_HANDSHAKE:
        assert_null(talk->session.exchange);
        break;
    case STEP_READ:
        check_read(talk);
        break;
    case STEP_FETCH:
        check_fetch(talk);
        break;
    case STEP_LOAD:
        check_load(talk);
        break;
    case STEP_WAIT:
        assert_true(talk->step.until_ns >= talk->now.now_ns);
        break;
    case STEP_WORK:
        assert_non_null(talk->step.work.call);
        break;
    case STEP_SEND:
        check_send(talk);
        break;
    case STEP_CLOSE:
        break;
    default:
        fail();
    }
    /* nothing more is asked for but to close */
    assert_true(!talk->over || talk->step.kind == STEP_CLOSE);
}

/* --- steps carried out ------------------------------------------------------------------------ */

/* At rest the exchange is taken back, and what it held is gone. */
static void take_back(struct talk *talk)
{
    if (talk->step.kind == STEP_READ && session_at_rest(&talk->session) &&
        talk->session.exchange != NULL) {
        assert_ptr_equal(session_take_back(&talk->session), talk->exchange);
        memset(talk->exchange, POISON, exchange_size(exchange_capacity(&talk->site)));
    }
}

static void lend(struct talk *talk)
{
    if (talk->session.exchange == NULL) {
        exchange_init(talk->exchange, exchange_capacity(&talk->site));
        session_lend(&talk->session, talk->exchange);
    }
}

void talk_tell(struct talk *talk, struct outcome came)
{
    talk->before = talk->step.kind;
    session_step(&talk->session, &talk->now, came, &talk->step);
    take_spent(talk, talk->session.exchange);
    check_step(talk);
    talk->over = talk->step.kind == STEP_CLOSE;
    talk->sends += talk->step.kind == STEP_SEND;
    talk->fetches += talk->step.kind == STEP_FETCH;
    talk->loads += talk->step.kind == STEP_LOAD;
    talk->works += talk->step.kind == STEP_WORK;
    talk->waits += talk->step.kind == STEP_WAIT;
    take_back(talk);
}

void talk_said(struct talk *talk, struct bytes said)
{
    assert_step(talk, STEP_READ);
    lend(talk);
    struct space space = session_space(&talk->session);
    assert_true(said.len <= space.size);
    memcpy(space.at, said.at, said.len);
    talk_tell(talk, (struct outcome){CAME_DONE, said.len});
}

static void keep(struct talk *talk, const void *at, size_t len)
{
    assert_true(len <= TALK_OUTPUT - talk->output_len);
    memcpy(talk->output + talk->output_len, at, len);
    talk->output_len += len;
}

static const char *content_of(const struct talk *talk, const struct file *file)
{
    for (unsigned i = 0; i < talk->books; i++) {
        if (talk->shelf[i].file == file) {
            return talk->shelf[i].content.at;
        }
    }
    fail();
    return NULL;
}

void talk_sent(struct talk *talk, size_t most)
{
    const struct step *step = &talk->step;
    size_t left = most > 0 ? most : SIZE_MAX;
    if (step->kind == STEP_LOAD) { /* what has passed meanwhile was for want of room */
        talk_tell(talk, (struct outcome){CAME_UNCHANGED, 0});
        talk_loaded(talk);
    }
    assert_step(talk, STEP_SEND);
    for (int i = 0; i < step->send.count && left > 0; i++) {
        size_t len = step->send.pieces[i].iov_len < left ? step->send.pieces[i].iov_len : left;
        keep(talk, step->send.pieces[i].iov_base, len);
        left -= len;
    }
    if (step->send.file != NULL && left > 0) {
        size_t len = step->send.size < left ? step->send.size : left;
        keep(talk, content_of(talk, step->send.file) + step->send.offset, len);
        left -= len;
    }
    talk_tell(talk, (struct outcome){CAME_DONE, (most > 0 ? most : SIZE_MAX) - left});
}

/* A coding of a path stands on the shelf with the ending that it has on a disk. */
static struct book *talk_book_of(struct talk *talk, const struct fetch *fetch)
{
    static const char *const endings[CODING_COUNT] = {"", ".gz", ".br", ".zst"};
    char path[8192];
    snprintf(path, sizeof(path), "%s%s", fetch->path.at, endings[fetch->coding]);
    return talk_book(talk, path);
}

void talk_looked_up(struct talk *talk)
{
    struct fetch *fetch = talk->step.fetch;
    assert_step(talk, STEP_FETCH);
    struct book *book = talk_book_of(talk, fetch);
    if (fetch->warm_only && book != NULL && !book->warm) {
        talk->colds++;
        talk_tell(talk, (struct outcome){CAME_COLD, 0});
        return;
    }
    fetch->recalled = book != NULL && book->warm;
    fetch->came = book != NULL ? book->came : FETCH_ABSENT;
    fetch->file = NULL;
    if (fetch->came == FETCH_FILE) {
        fetch->file = file_hold(book->file);
        book->warm = true;
    }
    talk_tell(talk, (struct outcome){CAME_DONE, 0});
}

void talk_loaded(struct talk *talk)
{
    struct load *load = talk->step.load;
    assert_step(talk, STEP_LOAD);
    if (talk->reads) {
        size_t size = (size_t)(load->slice.end - load->slice.first);
        load->memory = talk->memory = malloc(size); /* not a byte more, and gone when it has left */
        assert_non_null(load->memory);
        memcpy(load->memory, content_of(talk, load->file) + load->slice.first, size);
    }
    talk->load = *load;
    talk_tell(talk, (struct outcome){CAME_DONE, 0});
}

void talk_unload(struct talk *talk)
{
    assert_step(talk, STEP_SEND);
    session_unload(&talk->session);
    take_spent(talk, talk->session.exchange);
    assert_null(talk->memory);
    talk_tell(talk, (struct outcome){CAME_UNCHANGED, 0});
}

static bool say(struct talk *talk)
{
    size_t len = talk->input.len;
    if (len == 0) {
        return false;
    }
    lend(talk);
    struct space space = session_space(&talk->session);
    len = len < space.size ? len : space.size;
    len = talk->slice > 0 && len > talk->slice ? talk->slice : len;
    struct bytes said = {talk->input.at, len};
    talk->input = (struct bytes){talk->input.at + len, talk->input.len - len};
    talk_said(talk, said);
    return true;
}

bool talk_step(struct talk *talk)
{
    switch (talk->step.kind) {
    case STEP_HANDSHAKE:
        talk_tell(talk, (struct outcome){CAME_DONE, 0});
        return true;
    case STEP_READ:
        return say(talk);
    case STEP_FETCH:
        talk_looked_up(talk);
        return true;
    case STEP_LOAD:
        talk_loaded(talk);
        return true;
    case STEP_WAIT:
        talk->waited_ns += talk->step.until_ns - talk->now.now_ns;
        talk->now.now_ns = talk->step.until_ns;
        talk_tell(talk, (struct outcome){CAME_DONE, 0});
        return true;
    case STEP_WORK:
        talk->step.work.call(talk->step.work.argument);
        talk_tell(talk, (struct outcome){CAME_DONE, 0});
        return true;
    case STEP_SEND:
        talk_sent(talk, talk->takes);
        return true;
    case STEP_CLOSE:
        break;
    }
    return false;
}

void talk_play(struct talk *talk, struct bytes input)
{
    talk->input = input;
    while (talk_step(talk)) {
    }
}

/* --- what left -------------------------------------------------------------------------------- */

static enum method method_of_letter(char letter)
{
    return letter == 'H' ? METHOD_HEAD : letter == 'O' ? METHOD_OPTIONS : METHOD_GET;
}

void replies_read(struct replies *replies, struct bytes output, const char *methods)
{
    replies->count = 0;
    while (output.len > 0) {
        struct response response;
        const char *why = "";
        enum response_outcome outcome = response_read(output, 8192, 100, &response, &why);
        if (outcome == RESPONSE_MORE) {
            break;
        }
        assert_int_equal(outcome, RESPONSE_COMPLETE);
        bool interim = response.status < 200;
        assert_true(interim || *methods != '\0');
        struct framing framing =
            framing_of_response(&response, interim ? METHOD_GET : method_of_letter(*methods++));
        size_t body = framing.kind == FRAMING_LENGTH ? (size_t)framing.length : 0;
        assert_true(framing.kind == FRAMING_NONE || framing.kind == FRAMING_LENGTH);
        if (output.len - response.head_size < body) {
            break;
        }
        assert_true(replies->count < SEEN_MOST);
        replies->at[replies->count++] = (struct seen){
            .status = response.status,
            .head = {output.at, response.head_size},
            .body = {output.at + response.head_size, body},
            .closes = !framing_response_persists(&response),
        };
        output.at += response.head_size + body;
        output.len -= response.head_size + body;
    }
    replies->rest = output;
}

void talk_replies(const struct talk *talk, struct replies *replies, const char *methods)
{
    replies_read(replies, (struct bytes){talk->output, talk->output_len}, methods);
    assert_int_equal(replies->rest.len, 0);
}

struct bytes seen_field(const struct seen *seen, const char *name)
{
    struct response response;
    const char *why;
    struct field field;
    struct bytes value = {0};
    assert_int_equal(response_read(seen->head, 8192, 100, &response, &why), RESPONSE_COMPLETE);
    struct bytes rest = response.fields.lines;
    while (field_next(&rest, &field)) {
        if (bytes_equal_nocase(field.name, bytes_of(name))) {
            assert_null(value.at); /* no field of ours stands twice */
            value = field.value;
        }
    }
    return value;
}
