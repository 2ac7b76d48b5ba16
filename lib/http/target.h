/* Request targets (RFC 9112 3.2, RFC 3986 3.3 and 5.2.4). */
#pragma once

#include "lib/http/request.h"

enum target_outcome {
    TARGET_PATH,      /* *path is set */
    TARGET_ASTERISK,  /* "*", for OPTIONS alone */
    TARGET_MALFORMED, /* 400 */
};

/* Turns a target into a path below a root: origin-form, or absolute-form with http or https (its
 * authority is not compared with Host; RFC 9112 3.2.2 lets it win). The query is dropped (returned
 * in *query when that is not NULL; without '?'). Percent-encoding is decoded once, dot segments are
 * removed afterwards, so "%2e%2e" is ".."; empty segments collapse ("a//b" is "a/b"). A path that
 * climbs above the root stays at the root, as RFC 3986 5.2.4 has it. MALFORMED: not starting with
 * "/", a bad percent escape, an encoded NUL, an encoded slash (%2F: it would name another file than
 * it says), authority-form, "*" with a method other than OPTIONS, bytes RFC 3986 does not allow in
 * a target (but "|", "^", "`",
 * "{", "}", '"', "<", ">", "\" and bytes from 0x80 on are let through in the path as browsers send
 * some of them).
 *
 * *path has no leading slash, keeps a trailing one ("" is the root, "a/" a folder), and is followed
 * by a NUL so that it can be handed to the system; it lies in `room`, which needs target.len + 1
 * bytes. */
enum target_outcome target_read(enum method method, struct bytes target, char *room,
                                struct bytes *path, struct bytes *query);

/* Writes `path` percent-encoded so that it can stand in a Location field or an href: unreserved
 * bytes and "/" stay, all others become %XX. Returns the length needed, writes it if it fits
 * `room`. */
size_t target_encode(char *to, size_t room, struct bytes path);
