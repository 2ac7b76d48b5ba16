#include "server/notes.h"

#include "lib/base/clock.h"

/* Of what could not be read as a request, the line that was meant to be one. */
static struct bytes first_line(const struct exchange *x)
{
    struct bytes line = {x->room + x->begin, x->end - x->begin};
    while (line.len > 0 && (*line.at == '\r' || *line.at == '\n')) {
        line.at++;
        line.len--;
    }
    const char *end = line.len > 0 ? memchr(line.at, '\n', line.len) : NULL;
    if (end != NULL) {
        line.len = (size_t)(end - line.at) - (end > line.at && end[-1] == '\r');
    }
    return line;
}

static struct bytes field_of(const struct request *request, enum field_name name)
{
    return fields_have(&request->fields, name) ? request->fields.value[name] : (struct bytes){0};
}

static void note_request(struct note *note, const struct request *request)
{
    note->method = (uint8_t)request->method;
    note->minor = (uint8_t)request->minor;
    note->text[TEXT_METHOD] = request->method_text;
    note->text[TEXT_TARGET] = request->target;
    note->text[TEXT_REFERER] = field_of(request, FIELD_REFERER);
    note->text[TEXT_AGENT] = field_of(request, FIELD_USER_AGENT);
}

void notes_add(const struct session *s, bool was_request, const struct placed *placed)
{
    struct exchange *x = s->exchange;
    struct note *note = &x->notes[placed->index];
    *note = (struct note){
        .begun_ns = x->begun_ns,
        .from = placed->from,
        .body = placed->body,
        .number = s->requests + 1,
        .status = (uint16_t)x->answer.reply.status,
        .was_request = was_request,
    };
    if (was_request) {
        note_request(note, &x->request);
    } else {
        note->text[TEXT_TARGET] = first_line(x);
    }
}

static void tell_reply(const struct session *s, const struct note *note, uint64_t end,
                       const struct moment *now)
{
    bool unfinished = s->exchange->sent < end;
    uint64_t sent = unfinished ? s->exchange->sent : end;
    struct entry entry = {
        .record =
            {
                .status = note->status,
                .minor = note->minor,
                .unfinished = unfinished,
                .client = s->client,
                .number = note->number,
                .wall_s = now->wall_s,
                .took_us = (now->now_ns - note->begun_ns) / NS_PER_US,
                .connection = s->number,
                .body = sent - (sent < note->body ? sent : note->body),
            },
    };
    memcpy(entry.text, note->text, sizeof(entry.text));
    ledger_reply(s->ledger, &entry, note->was_request, (enum method)note->method);
}

void notes_tell(const struct session *s, enum progress progress, const struct moment *now)
{
    struct exchange *x = s->exchange;
    for (; s->ledger != NULL && x->recorded < x->replies; x->recorded++) {
        const struct note *note = &x->notes[x->recorded];
        bool last = x->recorded + 1 == x->replies;
        uint64_t end = !last ? note[1].from : progress == PROGRESS_ALL ? x->sent : UINT64_MAX;
        if (x->sent < end && progress == PROGRESS_SOME) {
            break;
        }
        tell_reply(s, note, end, now);
    }
}
