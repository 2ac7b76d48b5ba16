"""Replies cut off after every byte, or with a wrong byte in every place, and replies that take too long:
what the clients make of them."""

import collections

import pytest

from support.client import whole
from support.facts import facts
from support.hostile import CLOSE, RESET, STALL, Endless, Hostile, play, trace

OK = b'HTTP/1.1 200 OK\r\n'
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n'
HELLO = whole()

# A reply in parts that are framing and content by turns, beginning with framing.
Reply = collections.namedtuple('Reply', 'parts ends_by_closing', defaults=[False])

REPLIES = {
    'length': Reply([OK + b'Content-Length: 5\r\nDelay: 0.1\r\n\r\n', b'hello']),
    'chunked': Reply([CHUNKED + b'5;a;b=c;d="e \\" f"\r\n', b'hello', b'\r\n00A\r\n', b'0123456789',
                      b'\r\n0;x\r\nX: y\r\nZ:\r\n\r\n']),
    'until_close': Reply([OK + b'Connection: close\r\n\r\n', b'hello'], True),
    'until_close_in_1_0': Reply([b'HTTP/1.0 200 OK\r\nServer: x\r\n\r\n', b'hello'], True),
    'interim': Reply([b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
                      + OK + b'Content-Length: 5\r\n\r\n', b'hello']),
    'no_content': Reply([b'HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n']),
    'not_modified': Reply([b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n']),
    'redirect': Reply([b'HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 2\r\n\r\n', b'no']),
}

REPLIES_TO_HEAD = {
    'length': Reply([OK + b'Content-Length: 5\r\n\r\n']),
    'chunked': Reply([CHUNKED]),
    'neither': Reply([OK + b'Server: x\r\n\r\n']),
    'interim': Reply([b'HTTP/1.1 103 Early Hints\r\n\r\n' + OK + b'Content-Length: 5\r\n\r\n']),
}

# Some of what follows a large body's head is passed over in one go, and in many.
LARGE = 300_000
PLACES = [1, 2, 4095, 4096, 8191, 8192, 16_383, 16_384, 65_535, 65_536, 131_072, LARGE - 1]
LARGE_REPLIES = {
    'large': (OK + b'Content-Length: 300000\r\n\r\n', b'x' * LARGE),
    'large_chunk': (CHUNKED + b'493e0\r\n', b'x' * LARGE + b'\r\n0\r\n\r\n'),
}


def text_of(reply):
    return b''.join(reply.parts)


def came_of_a_cut(reply, count, then):
    """RFC 9112 8 and 9.5, after so many bytes."""
    complete = count == len(text_of(reply)) and not reply.ends_by_closing
    if complete or then == CLOSE and reply.ends_by_closing and count >= len(reply.parts[0]):
        return 'ok'
    if then == CLOSE and count > 0:
        return 'framing'
    return 'timeout' if then == STALL else 'reset'


def cut(replies, then):
    """Rows, and what is to come of them. A reset behind a whole reply may be seen before the reply."""
    rows, wanted = {}, {}
    for name, reply in replies.items():
        text = text_of(reply)
        for count in range(len(text) + (then == CLOSE)):
            rows[f'{name}-{count}'] = text[:count], then
            wanted[f'{name}-{count}'] = [came_of_a_cut(reply, count, then)]
    return rows, wanted


def differences(came, wanted):
    return {name: (came[name], 'wanted', kinds) for name, kinds in wanted.items()
            if came[name] != kinds}


CUTS = [
    ('closed_after_every_byte', '9112 8', CLOSE, '60s', 32),
    ('reset_after_every_byte', '9112 9.5', RESET, '60s', 32),
    ('silent_after_every_byte', 'design 5', STALL, '0.4s', 200),
]


@facts('then, timeout, connections', CUTS)
@pytest.mark.parametrize('method, replies', [('GET', REPLIES), ('HEAD', REPLIES_TO_HEAD)])
def test_reply_cut_off(model, method, replies, then, timeout, connections, tmp_path):
    rows, wanted = cut(replies, then)
    came = play(model, rows, tmp_path, '-X', method, '-T', timeout, connections=connections)
    assert differences(came, wanted) == {}


@facts('then, timeout, connections', CUTS)
def test_large_body_cut_off(model, then, timeout, connections, tmp_path):
    rows = {f'{name}-{count}': (head + body[:count], then)
            for name, (head, body) in LARGE_REPLIES.items() for count in PLACES}
    kind = {CLOSE: 'framing', RESET: 'reset', STALL: 'timeout'}[then]
    for verify in 'length', 'bytes':
        came = play(model, rows, tmp_path, '-T', timeout, '--verify', verify, connections=connections)
        assert differences(came, {name: [kind] for name in rows}) == {}


WRONG_BYTES = [
    ('nul_in_every_place', '9110 5.5', b'\0'),
    ('line_feed_in_every_place', '9112 2.2', b'\n'),
    ('carriage_return_in_every_place', '9112 2.2', b'\r'),
    ('delete_in_every_place', '9110 5.5', b'\x7f'),
]


def spoilt(reply, byte):
    """The reply with this byte in every place where another one is, and whether it is framing there."""
    text, at = text_of(reply), 0
    for number, part in enumerate(reply.parts):
        for place in range(at, at + len(part)):
            if text[place:place + 1] != byte:
                yield place, text[:place] + byte + text[place + 1:], number % 2 == 0
        at += len(part)


@facts('byte', WRONG_BYTES)
def test_byte_that_does_not_belong_there(model, byte, tmp_path):
    """No framing holds it; content may be anything."""
    rows, wanted = {}, {}
    for name, reply in REPLIES.items():
        for place, text, is_framing in spoilt(reply, byte):
            # what is broken is said at once, whether more is to come or not
            then = () if not reply.ends_by_closing else (STALL,) if is_framing else (CLOSE,)
            rows[f'{name}-{place}'] = text, *then
            wanted[f'{name}-{place}'] = ['framing' if is_framing else 'ok']
    came = play(model, rows, tmp_path, '-T', '60s')
    assert differences(came, wanted) == {}


def test_content_that_differs_in_any_byte(model, tmp_path):
    """Every URL is asked for twice, and its second body is not the first one."""
    rows, wanted = {}, {}
    for name, reply in REPLIES.items():
        then = (CLOSE,) if reply.ends_by_closing else ()
        good = text_of(reply), *then
        for place, text, is_framing in spoilt(reply, b'\0'):
            if not is_framing:
                rows[f'{name}-{place}'] = lambda count, good=good, bad=(text, *then): (
                    good if count == 1 else bad)
                wanted[f'{name}-{place}'] = ['ok', 'content']
    came = play(model, rows, tmp_path, '--verify', 'bytes', '-n', 2 * len(rows), connections=1)
    assert differences(came, wanted) == {}


def test_content_is_the_same_however_it_is_framed(model, tmp_path):
    replies = [(HELLO,), (CHUNKED + b'2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',), (OK + b'\r\nhello', CLOSE),
               (b'HTTP/1.1 100 Continue\r\n\r\n' + HELLO,), (OK + b'\r\nhell', CLOSE)]
    came = play(model, {'x': lambda count: replies[count - 1]}, tmp_path, '--verify', 'bytes',
                '-n', len(replies), connections=1)
    assert came['x'] == ['ok', 'ok', 'ok', 'ok', 'content']


# --- Where only the status is looked at ------------------------------------------------------------

STATUS_ALONE = [
    ('short_body', '9112 8', 'ok', OK + b'Content-Length: 6\r\n\r\nhello', CLOSE),
    ('no_body', '9112 8', 'ok', OK + b'Content-Length: 6\r\n\r\n', CLOSE),
    ('chunks_without_end', '9112 8', 'ok', CHUNKED + b'5\r\nhello\r\n', CLOSE),
    ('bytes_behind_the_end', '9112 9.2', 'ok', HELLO + b'!'),
    ('another_reply_behind_the_end', '9112 9.2', 'ok', HELLO + HELLO),
    ('short_body_of_an_error', '9112 8', 'status',
     b'HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nhello', CLOSE),
    ('error', '9110 15.6.1', 'status', whole(b'no', '500 Internal Server Error')),
    ('head_without_end', '9112 8', 'framing', OK + b'Content-Length: 0\r\n', CLOSE),
    ('interim_reply_alone', '9112 8', 'framing', b'HTTP/1.1 100 Continue\r\n\r\n', CLOSE),
    ('no_http', '9112 4', 'framing', b'hello\r\n\r\n', CLOSE),
    ('lengths_that_differ', '9112 6.3', 'framing',
     OK + b'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello'),
    ('chunk_without_size', '9112 7.1', 'framing', CHUNKED + b'x\r\n'),
    ('reset_within_the_body', '9112 9.5', 'reset', OK + b'Content-Length: 6\r\n\r\nhello', RESET),
    ('nothing_at_all', '9112 9.5', 'reset', CLOSE),
]


def test_verify_status_asks_for_no_more_than_a_head(model, tmp_path):
    rows = {fact: acts for fact, _, _, *acts in STATUS_ALONE}
    came = play(model, rows, tmp_path, '-T', '60s', '--verify', 'status')
    assert differences(came, {fact: [kind] for fact, _, kind, *_ in STATUS_ALONE}) == {}


# --- What takes too long ---------------------------------------------------------------------------

def drip(data, pause):
    return tuple(act for byte in data for act in (bytes([byte]), pause))


TOO_LONG = {
    'nothing': (STALL,),
    'nothing_soon_enough': (20, HELLO),
    'head_too_slowly': drip(whole(b'hello', '200 OK', 'X: ' + 'y' * 1000), 0.02),
    'body_too_slowly': (OK + b'Content-Length: 1000\r\n\r\n', *drip(b'x' * 1000, 0.02)),
    'chunks_too_slowly': (CHUNKED, *(b'1\r\nx\r\n', 0.02) * 1000),
    'interim_replies_too_slowly': (b'HTTP/1.1 102 Processing\r\n\r\n', 0.02) * 1000,
    'body_until_a_close_that_does_not_come': (OK + b'\r\nhello', STALL),
    'body_until_close_too_slowly': (OK + b'\r\n', *drip(b'x' * 1000, 0.02)),
    'largest_length': (OK + b'Content-Length: 9223372036854775807\r\n\r\n', Endless(b'x' * 65536)),
    'largest_chunk': (CHUNKED + b'7fffffffffffffff\r\n', Endless(b'x' * 65536)),
    'endless_body': (OK + b'\r\n', Endless(b'x' * 65536)),
    'endless_chunks': (CHUNKED, Endless(b'1\r\nx\r\n' * 1000)),
    'endless_interim_replies': (Endless(b'HTTP/1.1 100 Continue\r\n\r\n' * 500),),
}


@pytest.mark.parametrize('verify', ['status', 'length', 'bytes'])
def test_reply_that_takes_too_long(model, verify, tmp_path):
    came = play(model, TOO_LONG, tmp_path, '-T', '0.4s', '--verify', verify,
                connections=len(TOO_LONG))
    assert differences(came, {name: ['timeout'] for name in TOO_LONG}) == {}
