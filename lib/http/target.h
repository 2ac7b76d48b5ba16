/* Request targets (RFC 9112 3.2, RFC 3986 3.3 and 5.2.4). */
#pragma once

#include "lib/http/request.h"

enum target_outcome {
    TARGET_PATH,      /* *path is set */
    TARGET_ASTERISK,  /* "*", for OPTIONS alone */
    TARGET_MALFORMED, /* 400 */
};

/* Turns a target into a path below a root.
 * Forms:    origin-form, or absolute-form with http or https (its authority is not compared with
 *           Host: RFC 9112 3.2.2 lets it win), or "*" with OPTIONS.
 * Path:     percent-encoding is decoded once, dot segments are removed afterwards, so "%2e%2e" is
 *           ".."; empty segments collapse ("a//b" is "a/b"). A path that climbs above the root
 *           stays at the root, as RFC 3986 5.2.4 has it.
 * Query:    dropped, and given as it is, without its '?', in *query when that is not NULL.
 * MALFORMED: authority-form and whatever else does not begin with "/"; "*" with another method; an
 *           absolute-form with userinfo, without a host or with a bad one; a bad percent escape in
 *           the path, an encoded NUL, an encoded slash (%2F would name another file than it says);
 *           and the bytes that RFC 3986 does not allow in a target, for who takes them for others
 *           can be led past a filter (RFC 9112 3): '#', '"', "<", ">", whitespace, control bytes
 *           and those from 0x80 on. Let through are the ones that browsers send: "|", "^", "`",
 *           "{", "}", "[", "]" and "\".
 *
 * *path has no leading slash, keeps a trailing one ("" is the root, "a/" a folder), and is followed
 * by a NUL so that it can be handed to the system; it lies in `room`, which needs target.len + 1
 * bytes. *path and *query are written on PATH only. Any thread. */
enum target_outcome target_read(enum method method, struct bytes target, char *room,
                                struct bytes *path, struct bytes *query);

/* Writes `path` percent-encoded so that it can stand in a Location field or an href: unreserved
 * bytes and "/" stay, all others become %XX. Returns the length needed; what was written is whole
 * only if that fits into `room`. Any thread. */
size_t target_encode(char *to, size_t room, struct bytes path);
