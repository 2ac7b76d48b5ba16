#include "server/queue.h"

#include <assert.h>

void queue_init(struct exchange *x)
{
    x->piece_first = x->piece_end = 0;
    x->replies = 0;
    x->body = NULL;
    x->in_parts = false;
    x->text_used = 0;
    x->queued = x->sent = 0;
    x->recorded = 0;
}

/* The slice in memory has left, or will not. */
static void spend_memory(struct exchange *x)
{
    if (x->load.memory != NULL) {
        x->spent = x->load.memory;
        x->load.memory = NULL;
    }
}

void queue_release(struct exchange *x)
{
    spend_memory(x);
    for (unsigned i = 0; i < x->replies; i++) {
        file_release(x->held[i]);
    }
    queue_init(x);
}

/* --- replies in ------------------------------------------------------------------------------- */

void queue_piece(struct exchange *x, struct bytes bytes)
{
    if (bytes.len > 0) {
        x->pieces[x->piece_end++] = (struct iovec){(void *)(uintptr_t)bytes.at, bytes.len};
        x->queued += bytes.len;
    }
}

/* "Delay: 1.234": the wait that this reply had, in seconds. */
static void write_delay(struct head *head, uint64_t delay_ns)
{
    char text[32];
    uint64_t ms = delay_ns / 1000000;
    size_t len = bytes_from_number(text, ms / 1000);
    text[len++] = '.';
    text[len++] = (char)('0' + ms / 100 % 10);
    text[len++] = (char)('0' + ms / 10 % 10);
    text[len++] = (char)('0' + ms % 10);
    head_field(head, BYTES("Delay"), (struct bytes){text, len});
}

/* The status line, and the fields of the moment. */
static void write_start(const struct exchange *x, unsigned status, const struct moment *now,
                        struct head *head)
{
    head_status(head, status);
    head_text(head, BYTES("Date: "));
    head_text(head, (struct bytes){now->date, DATE_SIZE});
    head_text(head, BYTES("\r\n"));
    if (x->delayed) {
        write_delay(head, x->delay_ns);
    }
    if (!x->persists) {
        head_text(head, BYTES("Connection: close\r\n"));
    } else if (x->speaks_1_0) {
        head_text(head, BYTES("Connection: keep-alive\r\n"));
    }
}

/* *head_len: how many bytes of the reply, what is ready-made of it included, are its head. */
static struct bytes write_reply(struct exchange *x, const struct site *site,
                                const struct reply *reply, const struct moment *now,
                                size_t *head_len)
{
    struct head head = {x->text + x->text_used, sizeof(x->text) - x->text_used, 0};
    write_start(x, reply->status, now, &head);
    if (reply_is_ready(reply)) {
        *head_len = head.len + reply->file->head.len;
    } else {
        size_t page_len = reply_write(reply, site, &head);
        *head_len = head.len - page_len;
    }
    return head_overflowed(&head) ? (struct bytes){0} : head_bytes(&head);
}

static void add_slice(struct exchange *x, struct file *file, struct slice slice)
{
    if (file->content.at != NULL) {
        size_t size = (size_t)(slice.end - slice.first);
        queue_piece(x, (struct bytes){file->content.at + slice.first, size});
    } else {
        x->body = file;
        x->body_slice = slice;
    }
}

/* Queues as many of the parts that are left, each its text and its slice, as there is room for; a
 * slice that is sent from a descriptor has to leave before the next. */
static void add_parts(struct exchange *x)
{
    const struct multipart *multipart = x->answer.reply.multipart;
    struct file *file = x->answer.reply.file;
    while (x->part <= multipart->count && x->body == NULL && x->piece_end + 2 <= BATCH_PIECES &&
           sizeof(x->text) - x->text_used >= PART_SPARE) {
        struct head text = {x->text + x->text_used, sizeof(x->text) - x->text_used, 0};
        multipart_text(&text, multipart, x->part);
        assert(!head_overflowed(&text));
        queue_piece(x, head_bytes(&text));
        x->text_used += text.len;
        if (x->part < multipart->count) {
            add_slice(x, file, multipart->slices[x->part]);
        }
        x->part++;
    }
}

static void begin_parts(struct exchange *x)
{
    x->in_parts = true;
    x->part = 0;
    add_parts(x);
}

/* A ready head and content in memory lie side by side, and leave as one piece. */
static void add_file(struct exchange *x, const struct reply *reply)
{
    const struct file *file = reply->file;
    size_t size = (size_t)(reply->slice.end - reply->slice.first);
    if (reply->multipart != NULL) {
        begin_parts(x);
    } else if (file->content.at == NULL) {
        queue_piece(x, reply_is_ready(reply) ? file->head : (struct bytes){0});
        x->body = size > 0 ? reply->file : NULL;
        x->body_slice = reply->slice;
    } else if (reply_is_ready(reply)) {
        queue_piece(x, (struct bytes){file->head.at, file->head.len + size});
    } else {
        queue_piece(x, (struct bytes){file->content.at + reply->slice.first, size});
    }
}

/* What no part of the multipart reply to come can be made to hold: a boundary that nobody knows. */
static void draw_boundary(struct site *site, struct multipart *multipart)
{
    uint64_t draw = atomic_fetch_add_explicit(&site->boundaries, 2, memory_order_relaxed);
    multipart_bound(multipart, secret_at(&site->secret, draw), secret_at(&site->secret, draw + 1));
}

bool queue_add(struct exchange *x, struct site *site, const struct moment *now,
               struct placed *placed)
{
    struct reply *reply = &x->answer.reply;
    size_t head_len;
    if (reply->multipart != NULL) {
        draw_boundary(site, reply->multipart);
    }
    struct bytes text = write_reply(x, site, reply, now, &head_len);
    if (text.len == 0) { /* only a Location can be that long */
        assert(reply->file == NULL);
        if (x->text_used > 0) {
            return false;
        }
        reply_refuse(reply, 414, "The address of that folder is too long to be sent.");
        text = write_reply(x, site, reply, now, &head_len);
        assert(text.len > 0);
    }
    *placed = (struct placed){x->replies, x->queued, x->queued + head_len};
    queue_piece(x, text);
    x->text_used += text.len;
    if (reply->file != NULL) {
        add_file(x, reply);
    }
    x->held[x->replies++] = reply->file;
    return true;
}

bool queue_is_full(const struct exchange *x)
{
    return x->replies == BATCH_REPLIES || x->body != NULL || x->in_parts ||
           sizeof(x->text) - x->text_used < BATCH_SPARE;
}

/* --- bytes out -------------------------------------------------------------------------------- */

bool queue_has_to_load(const struct exchange *x)
{
    return x->load.memory == NULL && x->body != NULL && x->body_slice.first < x->body_slice.end;
}

/* From where the last one ended, however little of that has left. */
void queue_load(struct exchange *x)
{
    struct slice slice = x->body_slice;
    if (slice.end - slice.first > SEND_SLICE) {
        slice.end = slice.first + SEND_SLICE;
    }
    x->load = (struct load){.file = x->body, .slice = slice};
}

/* What came in memory becomes the last piece. */
void queue_loaded(struct exchange *x)
{
    struct slice slice = x->load.slice;
    if (x->load.memory == NULL) {
        return;
    }
    if (x->piece_first == x->piece_end) {
        x->piece_first = x->piece_end = 0;
    }
    x->pieces[x->piece_end++] = (struct iovec){x->load.memory, (size_t)(slice.end - slice.first)};
    x->body_slice.first = slice.end;
}

void queue_unload(struct exchange *x)
{
    if (x->load.memory != NULL) {
        x->body_slice.first -= x->pieces[--x->piece_end].iov_len;
        spend_memory(x);
    }
}

void queue_left(struct exchange *x, size_t bytes)
{
    x->sent += bytes;
    while (x->piece_first < x->piece_end && bytes >= x->pieces[x->piece_first].iov_len) {
        bytes -= x->pieces[x->piece_first++].iov_len;
    }
    if (x->piece_first < x->piece_end) {
        struct iovec *piece = &x->pieces[x->piece_first];
        piece->iov_base = (char *)piece->iov_base + bytes;
        piece->iov_len -= bytes;
    } else {
        spend_memory(x);
        x->body_slice.first += bytes;
    }
}

static bool has_left(const struct exchange *x)
{
    return x->piece_first == x->piece_end &&
           (x->body == NULL || x->body_slice.first == x->body_slice.end);
}

bool queue_is_sent(struct exchange *x)
{
    if (!has_left(x)) {
        return false;
    }
    if (!x->in_parts || x->part > x->answer.multipart.count) {
        return true;
    }
    x->piece_first = x->piece_end = 0;
    x->body = NULL;
    x->text_used = 0;
    add_parts(x);
    return false;
}
