#include "server/answer.h"

#include "lib/http/condition.h"
#include "lib/http/status.h"
#include "lib/http/target.h"

#define ALLOWED "GET, HEAD, OPTIONS"
#define INDEX "index.html"

static enum answer_next refuse(struct answer *answer, unsigned status, const char *why)
{
    reply_refuse(&answer->reply, status, why);
    answer->reply.head_only = answer->request->method == METHOD_HEAD;
    return ANSWER_REPLY;
}

void reply_refuse(struct reply *reply, unsigned status, const char *why)
{
    *reply = (struct reply){.status = status, .why = why, .page = true};
}

/* Whether any segment begins with a dot; "/.well-known/" is open to all (RFC 8615). */
static bool is_hidden(struct bytes path)
{
    static const char well_known[] = ".well-known/";
    size_t skip = 0;
    if (path.len >= sizeof(well_known) - 1 &&
        memcmp(path.at, well_known, sizeof(well_known) - 1) == 0) {
        skip = sizeof(well_known) - 1;
    }
    for (size_t i = skip; i < path.len; i++) {
        if (path.at[i] == '.' && (i == 0 || path.at[i - 1] == '/')) {
            return true;
        }
    }
    return false;
}

/* A folder without an index: the path is the folder's own again. */
static enum answer_next list(struct answer *answer)
{
    answer->listing = true;
    answer->coding_failed = false;
    answer->path.len -= sizeof(INDEX) - 1;
    answer->room[answer->path.len] = '\0';
    return ANSWER_FETCH;
}

/* Where a fallback stands in for what is not there, it does so for an index, too. */
static enum answer_next absent(struct answer *answer)
{
    if (answer->site->fallback.len > 0 && !answer->fell_back) {
        answer->fell_back = true;
        answer->coding_failed = false;
        answer->path = answer->site->fallback;
        return ANSWER_FETCH;
    }
    if (answer->site->fallback.len == 0 && answer->indexed && !answer->listing) {
        return list(answer);
    }
    return refuse(answer, 404, "There is nothing here by that name.");
}

/* A folder stands for its index. */
static bool add_index(struct bytes *path, char *room)
{
    if (path->len > 0 && path->at[path->len - 1] != '/') {
        return false;
    }
    memcpy(room + path->len, INDEX, sizeof(INDEX));
    *path = (struct bytes){room, path->len + sizeof(INDEX) - 1};
    return true;
}

enum answer_next answer_begin(struct answer *answer, const struct site *site,
                              const struct request *request, char *room)
{
    answer->site = site;
    answer->request = request;
    answer->fell_back = false;
    answer->coding = CODING_NONE;
    answer->coding_failed = false;
    answer->indexed = false;
    answer->listing = false;
    answer->room = room;
    answer->query = (struct bytes){0};
    if (request->method == METHOD_OTHER) {
        return refuse(answer, 501, "This method is not known here.");
    }
    if (request->method != METHOD_GET && request->method != METHOD_HEAD &&
        request->method != METHOD_OPTIONS) {
        return refuse(answer, 405, "Files are read here: " ALLOWED ".");
    }
    switch (target_read(request->method, request->target, room, &answer->path, &answer->query)) {
    case TARGET_MALFORMED:
        return refuse(answer, 400, "The request target is malformed.");
    case TARGET_ASTERISK:
        break;
    case TARGET_PATH:
        if (request->method == METHOD_OPTIONS) {
            break;
        }
        if (!site->dotfiles && is_hidden(answer->path)) {
            return absent(answer);
        }
        answer->indexed = add_index(&answer->path, room);
        return ANSWER_FETCH;
    }
    answer->reply = (struct reply){.status = 204};
    return ANSWER_REPLY;
}

/* The fields that let a reply be anything but the whole file. */
enum {
    SELECTIVE = 1 << FIELD_RANGE | 1 << FIELD_IF_RANGE | 1 << FIELD_IF_MATCH |
                1 << FIELD_IF_NONE_MATCH | 1 << FIELD_IF_MODIFIED_SINCE |
                1 << FIELD_IF_UNMODIFIED_SINCE,
};

/* One slice is a plain 206. Of several each is a part, unless they are many and small, so that the
 * whole would be shorter: then the Range field is ignored (RFC 9110 14.2, 15.3.7.2). So it is for
 * several of a stored coding, since no field tells whether its parts or the whole are coded. */
static void select_slices(struct answer *answer, size_t count)
{
    struct reply *reply = &answer->reply;
    if (count == 1) {
        reply->status = 206;
        reply->slice = answer->slices[0];
        return;
    }
    if (reply->file->coding != CODING_NONE) {
        return;
    }
    answer->multipart = (struct multipart){
        .fields = reply->file->type,
        .size = reply->file->size,
        .slices = answer->slices,
        .count = count,
    };
    if (count <= RANGES_ALWAYS || multipart_size(&answer->multipart) < reply->file->size) {
        reply->status = 206;
        reply->slice = (struct slice){0};
        reply->multipart = &answer->multipart;
    }
}

static void select_range(struct answer *answer)
{
    struct reply *reply = &answer->reply;
    size_t count;
    switch (range_parse(answer->request->fields.value[FIELD_RANGE], reply->file->size,
                        answer->slices, RANGES_MOST, &count)) {
    case RANGE_SLICES:
        select_slices(answer, count);
        break;
    case RANGE_UNSATISFIABLE:
        reply->status = 416;
        reply->why = "No byte of the file lies in that range.";
        reply->slice = (struct slice){0};
        reply->page = true;
        break;
    case RANGE_IGNORE:
        break;
    }
}

/* RFC 9110 13.2.2: preconditions first, then Range, for GET alone (14.2). */
static void select_part(struct answer *answer, int64_t now_s)
{
    struct reply *reply = &answer->reply;
    const struct request *request = answer->request;
    switch (condition_judge(request, &reply->file->validators, now_s)) {
    case CONDITION_NOT_MODIFIED:
        reply->status = 304;
        reply->slice = (struct slice){0};
        break;
    case CONDITION_FAILED:
        reply->status = 412;
        reply->why = "The file is not the one that the request is about.";
        reply->slice = (struct slice){0};
        reply->page = true;
        break;
    case CONDITION_GO:
        if (request->method == METHOD_GET && fields_have(&request->fields, FIELD_RANGE)) {
            select_range(answer);
        }
        break;
    case CONDITION_GO_WHOLE:
        break;
    }
}

static enum answer_next send_file(struct answer *answer, struct file *file, int64_t now_s)
{
    bool head_only = answer->request->method == METHOD_HEAD;
    answer->reply = (struct reply){
        .status = 200,
        .file = file,
        .slice = {0, head_only ? 0 : file->size},
        .head_only = head_only,
    };
    if (answer->request->fields.seen & SELECTIVE) {
        select_part(answer, now_s);
    }
    return ANSWER_REPLY;
}

/* RFC 9110 12.5.3: a stored sibling is looked up in its turn. Where nothing is acceptable the
 * request hears so, rather than get what it said it cannot read (15.5.7). */
static enum answer_next choose_coding(struct answer *answer, struct file *file, int64_t now_s)
{
    const struct fields *fields = &answer->request->fields;
    if (!fields_have(fields, FIELD_ACCEPT_ENCODING) || answer->coding != CODING_NONE ||
        answer->coding_failed) {
        return send_file(answer, file, now_s);
    }
    bool acceptable = coding_choose(fields, file->siblings, &answer->coding);
    if (acceptable && answer->coding == CODING_NONE) {
        return send_file(answer, file, now_s);
    }
    file_release(file);
    return acceptable ? ANSWER_FETCH
                      : refuse(answer, 406, "The file is in no encoding that the request accepts.");
}

/* A sibling that has gone or cannot be had just now: the file itself serves as well. */
static enum answer_next do_without_coding(struct answer *answer)
{
    answer->coding = CODING_NONE;
    answer->coding_failed = true;
    return ANSWER_FETCH;
}

enum answer_next answer_fetched(struct answer *answer, enum fetch_came came, struct file *file,
                                int64_t now_s)
{
    if (came != FETCH_FILE && answer->coding != CODING_NONE) {
        return do_without_coding(answer);
    }
    switch (came) {
    case FETCH_FILE:
        return choose_coding(answer, file, now_s);
    case FETCH_FOLDER:
        if (answer->fell_back) {
            return refuse(answer, 404, "There is nothing here by that name.");
        }
        answer->reply = (struct reply){
            .status = 301,
            .why = "The folder is there, with a slash at its end.",
            .folder = answer->path,
            .query = answer->query,
            .page = true,
            .head_only = answer->request->method == METHOD_HEAD,
        };
        return ANSWER_REPLY;
    case FETCH_ABSENT:
        return absent(answer);
    case FETCH_FORBIDDEN:
        return refuse(answer, 403, "This may not be read.");
    case FETCH_BUSY:
        return refuse(answer, 503, "The server is short of resources; try again in a moment.");
    case FETCH_FAILED:
        break;
    }
    return refuse(answer, 500, "The file could not be read.");
}

/* The page, in the pieces that it is made of. Nothing in it comes from the request. */
enum {
    PAGE_PIECES = 9
};

static void page_of(const struct reply *reply, struct bytes piece[PAGE_PIECES], char digits[3])
{
    struct bytes reason = status_reason(reply->status);
    struct bytes status = {digits, 3};
    bytes_from_number(digits, reply->status);
    const struct bytes pieces[PAGE_PIECES] = {
        BYTES("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>"),
        status,
        BYTES(" "),
        reason,
        BYTES("</title>\n<h1>"),
        reason,
        BYTES("</h1>\n<p>"),
        bytes_of(reply->why),
        BYTES("</p>\n"),
    };
    memcpy(piece, pieces, sizeof(pieces));
}

static void write_page(const struct reply *reply, struct head *head)
{
    char digits[3];
    struct bytes piece[PAGE_PIECES];
    page_of(reply, piece, digits);
    for (int i = 0; i < PAGE_PIECES; i++) {
        head_text(head, piece[i]);
    }
}

static unsigned long long page_size(const struct reply *reply)
{
    struct head measure = {NULL, 0, 0};
    char digits[3];
    struct bytes piece[PAGE_PIECES];
    page_of(reply, piece, digits);
    for (int i = 0; i < PAGE_PIECES; i++) {
        measure.len += piece[i].len;
    }
    return measure.len;
}

static void write_location(const struct reply *reply, struct head *head)
{
    head_text(head, BYTES("Location: /"));
    size_t room = head_overflowed(head) ? 0 : head->room - head->len;
    size_t len = target_encode(room > 0 ? head->at + head->len : NULL, room, reply->folder);
    head->len += len;
    head_text(head, BYTES("/"));
    if (reply->query.len > 0) { /* as sent: a target holds nothing that ends a line */
        head_text(head, BYTES("?"));
        head_text(head, reply->query);
    }
    head_text(head, BYTES("\r\n"));
}

/* What belongs to one status alone. */
static void write_particulars(const struct reply *reply, struct head *head)
{
    char text[80];
    if (reply->multipart != NULL) { /* Content-Range is said of each part */
        head_field(head, BYTES("Content-Type"),
                   (struct bytes){text, multipart_type(text, reply->multipart)});
        return;
    }
    switch (reply->status) {
    case 204:
    case 405:
        head_field(head, BYTES("Allow"), BYTES(ALLOWED));
        break;
    case 301:
        write_location(reply, head);
        break;
    case 206:
        head_field(
            head, BYTES("Content-Range"),
            (struct bytes){text, range_write_content(text, reply->slice, reply->file->size)});
        break;
    case 406:
        head_field(head, BYTES("Vary"), BYTES("Accept-Encoding"));
        break;
    case 416:
        head_field(head, BYTES("Content-Range"),
                   (struct bytes){text, range_write_unsatisfied(text, reply->file->size)});
        break;
    case 503:
        head_field(head, BYTES("Retry-After"), BYTES("1"));
        break;
    default:
        break;
    }
}

size_t reply_write(const struct reply *reply, const struct site *site, struct head *head)
{
    write_particulars(reply, head);
    if (reply->page) {
        if (reply->file != NULL && file_varies(reply->file)) {
            head_field(head, BYTES("Vary"), BYTES("Accept-Encoding"));
        }
        head_field_number(head, BYTES("Content-Length"), page_size(reply));
        head_field(head, BYTES("Content-Type"), BYTES("text/html; charset=utf-8"));
        head_text(head, site->fields);
    } else if (reply->multipart != NULL) {
        head_field_number(head, BYTES("Content-Length"), multipart_size(reply->multipart));
        head_text(head, reply->file->fields);
    } else if (reply->status == 206) {
        head_field_number(head, BYTES("Content-Length"), reply->slice.end - reply->slice.first);
        head_text(head, reply->file->type);
        head_text(head, reply->file->fields);
    } else if (reply->status == 304) {
        head_text(head, reply->file->shared);
    } else {
        head_text(head, site->fields);
    }
    head_end(head);
    size_t head_len = head->len;
    if (reply->page && !reply->head_only) {
        write_page(reply, head);
    }
    return head->len - head_len;
}
