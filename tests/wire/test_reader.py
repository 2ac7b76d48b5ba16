"""The reader of replies itself: every reply of this suite goes through it, so what it lets pass is
not tested anywhere. Each row is a whole reply that no origin server may send."""

import time

import pytest

from support.client import Wrong
from support.facts import facts
from support.http import Connection, Ended, Timeout, get, http_date

DATE = 'Date: NOW'  # the moment of sending
LATER = f'Last-Modified: {http_date(time.time() + 86400)}'


def reply(*fields, status='200 OK', version='HTTP/1.1', body=''):
    return '\r\n'.join([f'{version} {status}', *fields, '', body]).encode('latin-1')


GOOD = [
    ('whole_file', '9110 15.3.1', reply(DATE, 'Content-Length: 2', body='hi')),
    ('reason_that_is_empty', '9112 4', reply(DATE, 'Content-Length: 0', status='200 ')),
    ('chunks', '9112 7.1', reply(DATE, 'Transfer-Encoding: chunked',
                                 body='2\r\nhi\r\n0\r\n\r\n')),
    ('body_that_the_end_ends', '9112 6.3', reply(DATE, 'Connection: close', body='hi')),
    ('no_content', '9110 15.3.5', reply(DATE, status='204 No Content')),
    ('not_modified', '9110 15.4.5', reply(DATE, 'ETag: W/"a,b"', 'Content-Length: 9',
                                          status='304 Not Modified')),
    ('part', '9110 15.3.7.1', reply(DATE, 'Content-Range: bytes 0-1/9', 'Content-Length: 2',
                                    status='206 Partial Content', body='hi')),
    ('failure_without_date', '9110 6.6.1',
     reply('Content-Length: 0', status='503 Service Unavailable')),
]

WRONG = [
    ('no_reply_at_all', '9112 4', b'hello\r\n\r\n'),
    ('status_without_space', '9112 4', reply(DATE, 'Content-Length: 0', status='200')),
    ('status_of_two_digits', '9112 4', reply(DATE, 'Content-Length: 0', status='20 OK')),
    ('status_of_no_class', '9110 15', reply(DATE, 'Content-Length: 0', status='600 Odd')),
    ('version_of_http_2', '9112 2.3', reply(DATE, 'Content-Length: 0', version='HTTP/2.0')),
    ('control_byte_in_reason', '9112 4', reply(DATE, 'Content-Length: 0', status='200 O\x01K')),
    ('bare_lf', '9112 2.2', reply(DATE, 'X: a\nY: b', 'Content-Length: 0')),
    ('bare_cr', '9112 2.2', reply(DATE, 'X: a\rY: b', 'Content-Length: 0')),
    ('nul_in_value', '9110 5.5', reply(DATE, 'X: a\x00b', 'Content-Length: 0')),
    ('folded_line', '9112 5.2', reply(DATE, 'X: a', ' b', 'Content-Length: 0')),
    ('space_before_colon', '9112 5.1', reply(DATE, 'Content-Length : 0')),
    ('no_colon', '9112 5', reply(DATE, 'X', 'Content-Length: 0')),
    ('separator_in_name', '9110 5.6.2', reply(DATE, 'X(Y: z', 'Content-Length: 0')),
    ('length_twice', '9110 5.3', reply(DATE, 'Content-Length: 0', 'Content-Length: 0')),
    ('date_twice', '9110 5.3', reply(DATE, DATE, 'Content-Length: 0')),
    ('type_twice', '9110 5.3', reply(DATE, 'Content-Type: a/b', 'Content-Type: a/b',
                                     'Content-Length: 0')),
    ('no_date', '9110 6.6.1', reply('Content-Length: 0')),
    ('no_date_in_an_error', '9110 6.6.1', reply('Content-Length: 0', status='404 Not Found')),
    ('date_of_yesterday', '9110 6.6.1',
     reply(f'Date: {http_date(time.time() - 86400)}', 'Content-Length: 0')),
    ('date_in_asctime_form', '9110 5.6.7', reply(f'Date: {time.asctime()}', 'Content-Length: 0')),
    ('length_that_is_no_number', '9110 8.6', reply(DATE, 'Content-Length: +2', body='hi')),
    ('length_beside_coding', '9112 6.2',
     reply(DATE, 'Content-Length: 2', 'Transfer-Encoding: chunked', body='2\r\nhi\r\n0\r\n\r\n')),
    ('length_in_204', '9110 8.6', reply(DATE, 'Content-Length: 0', status='204 No Content')),
    ('coding_in_204', '9112 6.1', reply(DATE, 'Transfer-Encoding: chunked',
                                        status='204 No Content')),
    ('length_in_100', '9110 8.6', reply('Content-Length: 0', status='100 Continue')),
    ('coding_in_100', '9112 6.1', reply('Transfer-Encoding: chunked', status='100 Continue')),
    ('body_without_end', '9112 6.3', reply(DATE, body='hi')),
    ('coding_that_is_not_known', '9112 7', reply(DATE, 'Transfer-Encoding: gzip', body='hi')),
    ('chunk_that_is_malformed', '9112 7.1', reply(DATE, 'Transfer-Encoding: chunked',
                                                  body='x\r\nhi\r\n0\r\n\r\n')),
    ('chunk_without_its_end', '9112 7.1', reply(DATE, 'Transfer-Encoding: chunked',
                                                body='2\r\nhi!\r\n0\r\n\r\n')),
    ('tag_without_quotes', '9110 8.8.3', reply(DATE, 'ETag: a', 'Content-Length: 0')),
    ('tag_with_a_space', '9110 8.8.3', reply(DATE, 'ETag: "a b"', 'Content-Length: 0')),
    ('modified_in_the_future', '9110 8.8.2.1', reply(DATE, LATER, 'Content-Length: 0')),
    ('method_not_allowed_without_allow', '9110 15.5.6',
     reply(DATE, 'Content-Length: 0', status='405 Method Not Allowed')),
    ('redirect_to_nowhere', '9110 15.4',
     reply(DATE, 'Content-Length: 0', status='301 Moved Permanently')),
    ('part_without_range', '9110 15.3.7.1',
     reply(DATE, 'Content-Type: a/b', 'Content-Length: 2', status='206 Partial Content',
           body='hi')),
    ('parts_with_a_range', '9110 15.3.7.2',
     reply(DATE, 'Content-Type: multipart/byteranges; boundary=x', 'Content-Range: bytes 0-1/9',
           'Content-Length: 2', status='206 Partial Content', body='hi')),
    ('range_of_the_whole', '9110 14.4',
     reply(DATE, 'Content-Range: bytes 0-1/2', 'Content-Length: 2', body='hi')),
]


def read(data):
    def send(peer, _):
        peer.sendall(data.replace(b'NOW', http_date(time.time()).encode()))
    with Wrong(send) as server:
        with Connection(('127.0.0.1', server.port)) as connection:
            return connection.send(get('/')).reply()


@facts('sent', GOOD)
def test_good_reply_is_read(sent):
    assert read(sent).status


@facts('sent', WRONG)
def test_wrong_reply_is_refused(sent):
    with pytest.raises(AssertionError) as refused:
        read(sent)
    assert not isinstance(refused.value, (Ended, Timeout)), 'it was waited for more'
