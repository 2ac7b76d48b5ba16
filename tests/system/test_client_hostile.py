"""Servers that break every rule, and what the clients make of it: an error of the right kind, never a
hang, a crash or a success. What is right follows from the section named in the row.

Each row is a server's answer to a request for its name; a client asks for all of them in one run."""

import pytest

from support.client import whole
from support.facts import facts
from support.hostile import CLOSE, RESET, STALL, Endless, play

OK = b'HTTP/1.1 200 OK\r\n'
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n'
HELLO = whole()
EMPTY = OK + b'Content-Length: 0\r\n\r\n'

ok, reset, status, framing = 'ok', 'reset', 'status', 'framing'


def length(value, body=b'hello'):
    return OK + b'Content-Length: ' + value + b'\r\n\r\n' + body


def coding(value, body=b'5\r\nhello\r\n0\r\n\r\n'):
    return OK + b'Transfer-Encoding: ' + value + b'\r\n\r\n' + body


def chunks(body):
    return CHUNKED + body


def fields(lines):
    return OK + lines + b'Content-Length: 5\r\n\r\nhello'


def line(start):
    return start + b'\r\nContent-Length: 5\r\n\r\nhello'


# Lengths. 9112 6.3: what is no single valid number is an unrecoverable error, and 9110 8.6 lets a list
# of equal ones be one as well; 9112 8: a body shorter than its length is incomplete.
LENGTHS = [
    ('length_too_long', '9112 8', framing, length(b'6'), CLOSE),
    ('length_too_long_by_far', '9112 8', framing, length(b'1000000'), CLOSE),
    ('length_as_long_as_can_be', '9112 8', framing, length(b'9223372036854775807'), CLOSE),
    ('length_too_short', '9112 9.2', framing, length(b'4')),
    ('length_too_short_and_closed', '9112 9.2', framing, length(b'4'), CLOSE),
    ('length_zero_of_a_body', '9112 9.2', framing, length(b'0')),
    ('length_with_leading_zeros', '9110 8.6', ok, length(b'0000000000000000000000005')),
    ('length_between_blanks', '9112 5.1', ok, length(b' \t5\t ')),
    ('lengths_that_differ', '9112 6.3', framing, length(b'5\r\nContent-Length: 6')),
    ('lengths_that_differ_the_right_one_last', '9112 6.3', framing,
     length(b'6\r\nContent-Length: 5')),
    ('lengths_that_are_equal', '9110 8.6', framing, length(b'5\r\nContent-Length: 5')),
    ('list_of_lengths_that_differ', '9112 6.3', framing, length(b'5, 6')),
    ('list_of_lengths_that_are_equal', '9110 8.6', framing, length(b'5, 5')),
    ('length_behind_a_comma', '9110 8.6', framing, length(b', 5')),
    ('length_empty', '9110 8.6', framing, length(b'')),
    ('length_negative', '9110 8.6', framing, length(b'-5')),
    ('length_of_minus_zero', '9110 8.6', framing, length(b'-0', b'')),
    ('length_with_a_plus', '9110 8.6', framing, length(b'+5')),
    ('length_of_letters', '9110 8.6', framing, length(b'five')),
    ('length_in_hexadecimal', '9110 8.6', framing, length(b'0x5')),
    ('length_with_a_fraction', '9110 8.6', framing, length(b'5.0')),
    ('length_with_an_exponent', '9110 8.6', framing, length(b'5e0')),
    ('length_with_an_underscore', '9110 8.6', framing, length(b'0_5')),
    ('length_with_a_parameter', '9110 8.6', framing, length(b'5;a=b')),
    ('length_quoted', '9110 8.6', framing, length(b'"5"')),
    ('length_of_two_numbers', '9110 8.6', framing, length(b'5 5')),
    ('length_of_two_lines', '9110 8.6', framing, length(b'1\r\n 2', b'hellohello12')),
    ('length_in_other_digits', '9110 8.6', framing, length('\u0665'.encode())),
    ('length_of_2_to_the_31', '9112 8', framing, length(b'2147483648'), CLOSE),
    ('length_of_2_to_the_32_and_5', '9112 8', framing, length(b'4294967301'), CLOSE),
    ('length_of_2_to_the_63', '9110 8.6', framing, length(b'9223372036854775808')),
    ('length_of_2_to_the_64_and_5', '9110 8.6', framing, length(b'18446744073709551621')),
    ('length_of_forty_digits', '9110 8.6', framing, length(b'9' * 40)),
    ('length_name_with_a_blank_behind', '9112 5.1', framing,
     OK + b'Content-Length : 5\r\n\r\nhello'),
    ('length_cut_off_by_a_bare_line_feed', '9112 2.2', framing, length(b'5\n')),
]

# Codings. 9112 6.3: the last one decides, and overrides a length; 6.1: none in HTTP/1.0, and chunked
# but once.
CODINGS = [
    ('coding_beside_a_length', '9112 6.3', ok, coding(b'chunked\r\nContent-Length: 99')),
    ('coding_beside_lengths_that_differ', '9112 6.3', ok,
     coding(b'chunked\r\nContent-Length: 98\r\nContent-Length: 99')),
    ('coding_beside_a_length_that_is_right', '9112 6.3', framing,
     coding(b'chunked\r\nContent-Length: 5', b'hello')),
    ('coding_in_capitals', '9112 7', ok, coding(b'CHUNKED')),
    ('coding_behind_gzip', '9112 6.3', ok, coding(b'gzip, chunked')),
    ('coding_behind_gzip_on_its_own_line', '9112 6.3', ok,
     coding(b'gzip\r\nTransfer-Encoding: chunked')),
    ('coding_before_gzip', '9112 6.3', ok, coding(b'chunked, gzip'), CLOSE),
    ('coding_gzip_alone', '9112 6.3', ok, coding(b'gzip'), CLOSE),
    ('coding_gzip_beside_a_length', '9112 6.3', ok, coding(b'gzip\r\nContent-Length: 3'), CLOSE),
    ('coding_unknown', '9112 6.3', ok, coding(b'xchunked'), CLOSE),
    ('coding_identity', '9112 6.3', ok, coding(b'identity'), CLOSE),
    ('coding_twice', '9112 6.1', framing, coding(b'chunked, chunked')),
    ('coding_twice_on_two_lines', '9112 6.1', framing,
     coding(b'chunked\r\nTransfer-Encoding: chunked')),
    ('coding_first_and_last', '9112 6.1', framing, coding(b'chunked, gzip, chunked')),
    ('coding_with_a_parameter', '9112 7.1', framing, coding(b'chunked;q=1')),
    ('coding_empty', '9112 6.1', framing, coding(b'')),
    ('coding_quoted', '9112 6.1', framing, coding(b'"chunked"')),
    ('coding_of_two_words', '9112 6.1', framing, coding(b'chunked x')),
    ('coding_behind_a_vertical_tab', '9110 5.5', framing, coding(b'\x0bchunked')),
    ('coding_in_http_1_0', '9112 6.1', framing,
     b'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'),
]

# Chunks: 9112 7.1, byte for byte.
CHUNKS = [
    ('chunk_with_leading_zeros', '9112 7.1', ok, chunks(b'000000000000000000005\r\nhello\r\n0\r\n\r\n')),
    ('chunk_of_capital_digits', '9112 7.1', ok, chunks(b'A\r\n0123456789\r\n0\r\n\r\n')),
    ('chunk_last_of_many_zeros', '9112 7.1', ok, chunks(b'000\r\n\r\n')),
    ('chunk_extensions', '9112 7.1.1', ok,
     chunks(b'5;a;b=c ; d = "e;\\"" ; f\r\nhello\r\n0;g="0"\r\n\r\n')),
    ('chunk_size_missing', '9112 7.1', framing, chunks(b'\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_negative', '9112 7.1', framing, chunks(b'-5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_with_a_plus', '9112 7.1', framing, chunks(b'+5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_with_a_prefix', '9112 7.1', framing, chunks(b'0x5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_of_letters', '9112 7.1', framing, chunks(b'xyz\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_behind_a_blank', '9112 7.1', framing, chunks(b' 5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_before_a_blank', '9112 7.1', framing, chunks(b'5 \r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_quoted', '9112 7.1', framing, chunks(b'"5"\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_of_2_to_the_63', '9112 7.1', framing, chunks(b'8000000000000000\r\nhello')),
    ('chunk_size_of_2_to_the_64_and_5', '9112 7.1', framing,
     chunks(b'10000000000000005\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_of_sixteen_f', '9112 7.1', framing, chunks(b'ffffffffffffffff\r\nhello')),
    ('chunk_size_of_a_thousand_digits', '9112 7.1', framing, chunks(b'1' * 1000)),
    ('chunk_as_large_as_can_be', '9112 8', framing, chunks(b'7fffffffffffffff\r\nhello'), CLOSE),
    ('chunk_longer_than_its_size', '9112 7.1', framing, chunks(b'4\r\nhello\r\n0\r\n\r\n')),
    ('chunk_shorter_than_its_size', '9112 7.1', framing, chunks(b'6\r\nhello\r\n0\r\n\r\n'), CLOSE),
    ('chunk_without_its_line_end', '9112 7.1', framing, chunks(b'5\r\nhello0\r\n\r\n')),
    ('chunk_size_ended_by_a_line_feed', '9112 2.2', framing, chunks(b'5\nhello\r\n0\r\n\r\n')),
    ('chunk_size_ended_by_a_return', '9112 2.2', framing, chunks(b'5\rhello\r\n0\r\n\r\n')),
    ('chunk_ended_by_a_line_feed', '9112 2.2', framing, chunks(b'5\r\nhello\n0\r\n\r\n')),
    ('chunk_last_ended_by_a_line_feed', '9112 2.2', framing, chunks(b'5\r\nhello\r\n0\n\r\n')),
    ('chunk_end_missing', '9112 8', framing, chunks(b'5\r\nhello\r\n0\r\n'), CLOSE),
    ('chunk_last_missing', '9112 8', framing, chunks(b'5\r\nhello\r\n'), CLOSE),
    ('chunk_extension_without_name', '9112 7.1.1', framing, chunks(b'5;=b\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_without_value', '9112 7.1.1', framing, chunks(b'5;a=\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_quote_left_open', '9112 7.1.1', framing,
     chunks(b'5;a="b\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_with_nul', '9112 7.1.1', framing, chunks(b'5;a=\0\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_ended_by_a_line_feed', '9112 2.2', framing,
     chunks(b'5;a\nhello\r\n0\r\n\r\n')),
    ('chunked_body_not_chunked', '9112 7.1', framing, chunks(b'<html>hello</html>'), CLOSE),
    ('trailers', '9112 7.1.2', ok, chunks(b'0\r\nA: b\r\nC:\r\n\r\n')),
    ('trailers_that_would_frame', '9110 6.5.1', ok,
     chunks(b'5\r\nhello\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n\r\n')),
    ('trailer_folded', '9112 5.2', ok, chunks(b'0\r\nA: b\r\n c\r\n\r\n')),
    ('trailer_without_colon', '9112 5', framing, chunks(b'0\r\nA\r\n\r\n')),
    ('trailer_without_name', '9112 5', framing, chunks(b'0\r\n: b\r\n\r\n')),
    ('trailer_with_a_blank_before_its_colon', '9112 5.1', framing, chunks(b'0\r\nA : b\r\n\r\n')),
    ('trailer_with_nul', '9110 5.5', framing, chunks(b'0\r\nA: \0\r\n\r\n')),
    ('trailer_ended_by_a_line_feed', '9112 2.2', framing, chunks(b'0\r\nA: b\n\r\n')),
    ('trailers_are_another_reply', '9112 5', framing, chunks(b'0\r\nHTTP/1.1 200 OK\r\n\r\n')),
]

# Status lines: 9112 4 and 2.3; 9110 15 for the codes.
STATUS_LINES = [
    ('status_line_without_reason', '9112 4', ok, line(b'HTTP/1.1 200 ')),
    ('status_line_without_reason_and_blank', '9112 4', ok, line(b'HTTP/1.1 200')),
    ('status_line_with_any_reason', '9112 4', ok, line(b'HTTP/1.1 200 a\tb  \xe9\xff "')),
    ('status_line_of_a_later_minor', '9110 2.5', ok, line(b'HTTP/1.9 200 OK')),
    ('status_line_in_small_letters', '9112 2.3', framing, line(b'http/1.1 200 OK')),
    ('status_line_without_version', '9112 4', framing, line(b'200 OK')),
    ('status_line_without_minor', '9112 2.3', framing, line(b'HTTP/1 200 OK')),
    ('status_line_without_minor_digit', '9112 2.3', framing, line(b'HTTP/1. 200 OK')),
    ('status_line_of_a_long_minor', '9112 2.3', framing, line(b'HTTP/1.10 200 OK')),
    ('status_line_of_a_long_major', '9112 2.3', framing, line(b'HTTP/01.1 200 OK')),
    ('status_line_with_a_comma', '9112 2.3', framing, line(b'HTTP/1,1 200 OK')),
    ('status_line_with_a_blank_in_the_version', '9112 2.3', framing, line(b'HTTP/ 1.1 200 OK')),
    ('status_line_of_https', '9112 2.3', framing, line(b'HTTPS/1.1 200 OK')),
    ('status_line_of_icy', '9112 2.3', framing, line(b'ICY 200 OK')),
    ('status_line_of_0_9', '9112 2.3', framing, line(b'HTTP/0.9 200 OK')),
    ('status_line_of_2', '9112 2.3', framing, line(b'HTTP/2 200 OK')),
    ('status_line_of_2_0', '9112 2.3', framing, line(b'HTTP/2.0 200 OK')),
    ('status_line_of_3', '9112 2.3', framing, line(b'HTTP/3 200 OK')),
    ('status_line_behind_a_blank', '9112 4', framing, line(b' HTTP/1.1 200 OK')),
    ('status_line_behind_an_empty_line', '9112 4', framing, line(b'\r\nHTTP/1.1 200 OK')),
    ('status_line_behind_a_byte_order_mark', '9112 4', framing,
     line(b'\xef\xbb\xbfHTTP/1.1 200 OK')),
    ('status_line_of_two_blanks', '9112 4', framing, line(b'HTTP/1.1  200 OK')),
    ('status_line_of_tabs', '9112 4', framing, line(b'HTTP/1.1\t200\tOK')),
    ('status_line_without_blanks', '9112 4', framing, line(b'HTTP/1.1200OK')),
    ('status_line_without_code', '9112 4', framing, line(b'HTTP/1.1 OK')),
    ('status_line_without_code_and_reason', '9112 4', framing, line(b'HTTP/1.1')),
    ('status_line_ended_by_a_line_feed', '9112 2.2', framing, b'HTTP/1.1 200 OK\n' + EMPTY[17:]),
    ('status_line_ended_by_a_return', '9112 2.2', framing, b'HTTP/1.1 200 OK\r' + EMPTY[17:]),
    ('status_line_twice', '9112 5', framing, line(b'HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK')),
    ('reason_with_nul', '9112 4', framing, line(b'HTTP/1.1 200 O\0K')),
    ('reason_with_escape', '9112 4', framing, line(b'HTTP/1.1 200 O\x1bK')),
    ('reason_with_delete', '9112 4', framing, line(b'HTTP/1.1 200 O\x7fK')),
    ('reason_with_a_return', '9112 2.2', framing, line(b'HTTP/1.1 200 O\rK')),
    ('reason_without_blank', '9112 4', framing, line(b'HTTP/1.1 200OK')),
    ('code_of_one_digit', '9112 4', framing, line(b'HTTP/1.1 2 OK')),
    ('code_of_two_digits', '9112 4', framing, line(b'HTTP/1.1 20 OK')),
    ('code_of_four_digits', '9112 4', framing, line(b'HTTP/1.1 2000 OK')),
    ('code_with_a_fraction', '9112 4', framing, line(b'HTTP/1.1 200.1 OK')),
    ('code_of_letters', '9112 4', framing, line(b'HTTP/1.1 abc OK')),
    ('code_in_hexadecimal', '9112 4', framing, line(b'HTTP/1.1 0xC8 OK')),
    ('code_negative', '9112 4', framing, line(b'HTTP/1.1 -20 OK')),
    ('code_of_zero', '9110 15', framing, line(b'HTTP/1.1 000 OK')),
    ('code_below_100', '9110 15', framing, line(b'HTTP/1.1 099 OK')),
    ('code_299', '9110 15', ok, line(b'HTTP/1.1 299 Odd')),
    ('code_399', '9110 15', ok, line(b'HTTP/1.1 399 Odd')),
    ('code_400', '9110 15.5', status, line(b'HTTP/1.1 400 Bad Request')),
    ('code_499', '9110 15', status, line(b'HTTP/1.1 499 Odd')),
    ('code_599', '9110 15', status, line(b'HTTP/1.1 599 Odd')),
    ('code_600', '9110 15', status, line(b'HTTP/1.1 600 Odd')),
    ('code_999', '9110 15', status, line(b'HTTP/1.1 999 Odd')),
]

# Field lines: 9112 5, 9110 5.
FIELDS = [
    ('field_of_nothing', '9110 5.5', ok, fields(b'X:\r\n')),
    ('field_of_blanks', '9110 5.5', ok, fields(b'X: \t \r\n')),
    ('field_of_high_bytes', '9110 5.5', ok, fields(b'X: \x80\xff\r\n')),
    ('field_folded', '9112 5.2', ok, fields(b'X: a\r\n b\r\n\tc\r\n')),
    ('field_folded_that_frames', '9112 5.2', ok, OK + b'Content-Length:\r\n 5\r\n\r\nhello'),
    ('fields_256', '9110 5.4', ok, fields(b'X: y\r\n' * 255)),
    ('fields_257', '9110 5.4', framing, fields(b'X: y\r\n' * 256)),
    ('field_folded_behind_the_status_line', '9112 2.2', framing, fields(b' X: y\r\n')),
    ('field_without_colon', '9112 5', framing, fields(b'X\r\n')),
    ('field_without_name', '9112 5', framing, fields(b': y\r\n')),
    ('field_with_a_blank_before_its_colon', '9112 5.1', framing, fields(b'X : y\r\n')),
    ('field_with_a_blank_in_its_name', '9110 5.1', framing, fields(b'X Y: z\r\n')),
    ('field_with_a_bracket_in_its_name', '9110 5.1', framing, fields(b'X(Y): z\r\n')),
    ('field_with_a_high_byte_in_its_name', '9110 5.1', framing, fields(b'X\xe9: z\r\n')),
    ('field_with_nul_in_its_name', '9110 5.1', framing, fields(b'X\0: z\r\n')),
    ('field_with_nul', '9110 5.5', framing, fields(b'X: a\0b\r\n')),
    ('field_with_a_return', '9110 5.5', framing, fields(b'X: a\rb\r\n')),
    ('field_with_escape', '9110 5.5', framing, fields(b'X: \x1b[2J\r\n')),
    ('field_with_delete', '9110 5.5', framing, fields(b'X: \x7f\r\n')),
    ('field_ended_by_a_line_feed', '9112 2.2', framing, fields(b'X: y\n')),
    ('field_ended_by_two_returns', '9112 2.2', framing, fields(b'X: y\r\r\n')),
    ('head_ended_by_line_feeds', '9112 2.2', framing, OK + b'Content-Length: 0\n\n'),
    ('head_ended_by_a_line_feed', '9112 2.2', framing, OK + b'Content-Length: 0\r\n\n'),
    ('head_of_line_feeds_alone', '9112 2.2', framing, EMPTY.replace(b'\r', b'')),
    ('head_of_returns_alone', '9112 2.2', framing, EMPTY.replace(b'\n', b''), CLOSE),
    ('head_of_16_kb', '9110 5.4', ok, fields(b'X: ' + b'y' * (16384 - 43) + b'\r\n')),
    ('head_of_a_byte_more', '9110 5.4', framing, fields(b'X: ' + b'y' * (16384 - 42) + b'\r\n')),
    ('head_of_nul', '9112 4', framing, b'\0' * 100),
]

# What is no HTTP/1 at all.
OTHER_PROTOCOLS = [
    ('http_0_9', '9112 2.3', framing, b'<html>hello</html>', CLOSE),
    ('http_0_9_with_line_ends', '9112 2.3', framing, b'hello\r\n\r\n', CLOSE),
    ('http_2_preface', '9112 2.3', framing, b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', STALL),
    ('http_2_settings', '9112 2.3', framing, b'\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64', STALL),
    ('request', '9112 4', framing, b'GET / HTTP/1.1\r\nHost: h\r\n\r\n', STALL),
    ('greeting_of_ssh', '9112 4', framing, b'SSH-2.0-OpenSSH_9.2\r\n', STALL),
    ('greeting_of_smtp', '9112 4', framing, b'220 mail.example ESMTP\r\n', STALL),
    ('greeting_of_ftp', '9112 4', framing, b'220-hello\r\n220 there\r\n', STALL),
    ('tls_alert', '9112 4', framing, b'\x15\x03\x01\x00\x02\x02\x46', CLOSE),
    ('tls_hello', '9112 4', framing, b'\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03', STALL),
    ('gzip_without_head', '9112 4', framing, b'\x1f\x8b\x08\x00\x00\x00\x00\x00', CLOSE),
    ('empty_lines', '9112 4', framing, b'\r\n\r\n', STALL),
    ('switched_protocols', '9110 15.2.2', framing,
     b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n', STALL),
]

# Interim replies: 9110 15.2. They have no content whatever they say, and are none.
INTERIM = [
    ('interim_and_final', '9110 15.2', ok, b'HTTP/1.1 100 Continue\r\n\r\n' + HELLO),
    ('interim_of_any_number', '9110 15.2', ok, b'HTTP/1.1 199 Odd\r\n\r\n' + HELLO),
    ('interim_a_thousand_times', '9110 15.2', ok,
     b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' * 1000 + HELLO),
    ('interim_with_a_length', '9112 6.3', ok,
     b'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n' + HELLO),
    ('interim_with_a_coding', '9112 6.3', ok,
     b'HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n' + HELLO),
    ('interim_with_a_body', '9112 6.3', framing,
     b'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello' + HELLO),
    ('interim_that_is_malformed', '9112 5', framing,
     b'HTTP/1.1 100 Continue\r\nX\r\n\r\n' + HELLO),
    ('interim_in_pieces', '9110 15.2', ok, b'HTTP/1.1 100 Continue\r\n', 0.01, b'\r\n', 0.01, HELLO),
    ('interim_alone', '9112 8', framing, b'HTTP/1.1 100 Continue\r\n\r\n', CLOSE),
    ('interim_behind_the_final_one', '9112 9.2', framing,
     HELLO + b'HTTP/1.1 100 Continue\r\n\r\n'),
]

# Ends: 9112 6.3 says where a reply's is, 9.3 whether the connection goes on, 9.2 that nothing may follow.
ENDS = [
    ('end_of_no_content', '9112 6.3', ok, b'HTTP/1.1 204 No Content\r\n\r\n'),
    ('end_of_no_content_with_a_length', '9112 6.3', ok,
     b'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'),
    ('end_of_no_content_with_a_coding', '9112 6.3', ok,
     b'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ('end_of_no_content_with_a_body', '9112 9.2', framing,
     b'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'),
    ('end_of_not_modified', '9112 6.3', ok,
     b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'),
    ('end_of_not_modified_with_a_body', '9112 9.2', framing,
     b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello'),
    ('end_of_reset_content', '9110 15.3.6', ok,
     b'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'),
    ('end_by_closing', '9112 6.3', ok, OK + b'\r\nhello', CLOSE),
    ('end_by_closing_at_once', '9112 6.3', ok, OK + b'\r\n', CLOSE),
    ('end_by_closing_though_kept_alive', '9112 6.3', ok,
     OK + b'Connection: keep-alive\r\n\r\nhello', CLOSE),
    ('end_by_closing_of_an_error', '9112 6.3', status, b'HTTP/1.1 500 No\r\n\r\nhello', CLOSE),
    ('end_by_closing_in_1_0', '9112 6.3', ok, b'HTTP/1.0 200 OK\r\n\r\nhello', CLOSE),
    ('end_by_closing_in_1_0_though_kept_alive', '9112 6.3', ok,
     b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello', CLOSE),
    ('end_by_a_reset', '9112 8', reset, OK + b'\r\nhello', RESET),
    ('end_in_1_0_by_length', '9112 9.3', ok,
     b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', CLOSE),
    ('end_in_1_0_kept_alive', '9112 9.3', ok,
     b'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello'),
    ('end_announced', '9112 9.6', ok,
     OK + b'Connection: close\r\nContent-Length: 5\r\n\r\nhello', CLOSE),
    ('end_announced_among_others', '9112 9.6', ok,
     OK + b'Connection: x , CLOSE\r\nContent-Length: 5\r\n\r\nhello', CLOSE),
    ('end_announced_and_put_off', '9112 9.6', ok,
     OK + b'Connection: close\r\nContent-Length: 5\r\n\r\nhello', 0.05, CLOSE),
    ('end_unannounced', '9112 9.3.1', ok, HELLO, CLOSE),
    ('end_and_a_byte', '9112 9.2', framing, HELLO + b'!'),
    ('end_and_a_line_end', '9112 9.2', framing, HELLO + b'\r\n'),
    ('end_and_another_reply', '9112 9.2', framing, HELLO + HELLO),
    ('end_announced_and_a_byte', '9112 9.2', framing,
     OK + b'Connection: close\r\nContent-Length: 5\r\n\r\nhello!', CLOSE),
    ('end_of_chunks_and_a_byte', '9112 9.2', framing, chunks(b'5\r\nhello\r\n0\r\n\r\n!')),
    ('end_of_a_large_body_and_a_byte', '9112 9.2', framing, length(b'100000', b'x' * 100_001)),
    ('end_of_a_large_body', '9112 6.3', ok, length(b'1000000', b'x' * 1_000_000)),
    ('end_of_a_large_body_missing', '9112 8', framing, length(b'1000000', b'x' * 999_999), CLOSE),
    ('end_of_large_chunks', '9112 7.1', ok,
     chunks(b'f4240\r\n' + b'x' * 1_000_000 + b'\r\n0\r\n\r\n')),
    ('end_of_large_chunks_missing', '9112 8', framing,
     chunks(b'f4240\r\n' + b'x' * 1_000_000 + b'\r\n0\r\n'), CLOSE),
    ('end_of_ten_thousand_chunks', '9112 7.1', ok, chunks(b'1\r\nx\r\n' * 10_000 + b'0\r\n\r\n')),
    ('end_without_beginning', '9112 9.5', reset, CLOSE),
    ('end_without_beginning_by_a_reset', '9112 9.5', reset, RESET),
]

# What never ends, and is given up for its size: the client is not to read, or to keep, all of it.
ENDLESS = [
    ('endless_line', '9110 5.4', framing, b'HTTP/1.1 200 ', Endless(b'x' * 4096)),
    ('endless_field', '9110 5.4', framing, OK + b'X: ', Endless(b'y' * 4096)),
    ('endless_name', '9110 5.4', framing, OK, Endless(b'x' * 4096)),
    ('endless_fields', '9110 5.4', framing, OK, Endless(b'X: y\r\n' * 100)),
    ('endless_folds', '9110 5.4', framing, OK + b'X: y\r\n', Endless(b' y\r\n' * 100)),
    ('endless_fields_of_an_interim_reply', '9110 5.4', framing, b'HTTP/1.1 100 Continue\r\n',
     Endless(b'X: y\r\n' * 100)),
    ('endless_zeros_of_a_size', '9112 7.1', framing, CHUNKED, Endless(b'0' * 4096)),
    ('endless_extension', '9112 7.1.1', framing, CHUNKED + b'5;', Endless(b'a' * 4096)),
    ('endless_extensions', '9112 7.1.1', framing, CHUNKED + b'5', Endless(b';a=b' * 1000)),
    ('endless_quote', '9112 7.1.1', framing, CHUNKED + b'5;a="', Endless(b'a' * 4096)),
    ('endless_trailer', '9112 7.1.2', framing, CHUNKED + b'0\r\nX: ', Endless(b'y' * 4096)),
    ('endless_trailers', '9112 7.1.2', framing, CHUNKED + b'0\r\n', Endless(b'X: y\r\n' * 1000)),
    ('endless_extensions_of_tiny_chunks', '9112 7.1.1', framing, CHUNKED,
     Endless(b'1;' + b'a' * 1000 + b'\r\nx\r\n')),
]

# A byte at a time: how a reply is cut changes nothing (9112 2.2).
DRIPS = [
    ('drip_of_a_length', '9112 2.2', ok, HELLO),
    ('drip_of_chunks', '9112 2.2', ok, chunks(b'5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n')),
    ('drip_of_an_interim_reply', '9112 2.2', ok, b'HTTP/1.1 100 Continue\r\n\r\n' + HELLO),
    ('drip_of_a_folded_line', '9112 2.2', ok, fields(b'X: a\r\n b\r\n')),
    ('drip_of_a_bad_length', '9112 2.2', framing, length(b'5x')),
    ('drip_of_a_bad_chunk', '9112 2.2', framing, chunks(b'5\r\nhello!')),
]
DRIPS = [(*row[:3], *(act for byte in row[3] for act in (bytes([byte]), 0.001)), *row[4:])
         for row in DRIPS]

ROWS = [*LENGTHS, *CODINGS, *CHUNKS, *STATUS_LINES, *FIELDS, *OTHER_PROTOCOLS, *INTERIM, *ENDS,
        *ENDLESS, *DRIPS]


@pytest.fixture(scope='module', params=['length', 'bytes'])
def came(request, model, tmp_path_factory):
    """What a client said of every row: with bodies passed over, and with every byte looked at."""
    rows = {fact: acts for fact, _, _, *acts in ROWS}
    return play(model, rows, tmp_path_factory.mktemp('hostile'), '-T', '60s', '--verify',
                request.param)


@facts('name, kind', [(fact, section, fact, kind) for fact, section, kind, *_ in ROWS])
def test_reply_ends_as_the_rule_has_it(came, name, kind):
    assert came[name] == [kind]
