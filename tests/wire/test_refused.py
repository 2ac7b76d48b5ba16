"""Requests that must not be understood: malformed ones, and those that two readers could take apart
differently, which is how a request is smuggled past one of them.

Behind each of them stands a second, well-formed request. The answer has to be exactly one refusal,
and the connection closed: what follows a request that was not understood is never taken for one.
"""

import pytest

from support.facts import facts
from support.http import get, request

HIDDEN = get('/small.txt')

REQUEST_LINE = [
    ('bare_lf_ends_request_line_is_400', '9112 2.2', b'GET / HTTP/1.1\nHost: t\r\n\r\n'),
    ('bare_lf_everywhere_is_400', '9112 2.2', b'GET / HTTP/1.1\nHost: t\n\n'),
    ('bare_cr_ends_request_line_is_400', '9112 2.2', b'GET / HTTP/1.1\rHost: t\r\n\r\n'),
    ('bare_cr_before_crlf_is_400', '9112 2.2', b'GET / HTTP/1.1\r\r\nHost: t\r\n\r\n'),
    ('bare_cr_in_target_is_400', '9112 2.2', b'GET /\rx HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('two_spaces_before_target_is_400', '9112 3', b'GET  / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('two_spaces_before_version_is_400', '9112 3', b'GET /  HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('tab_before_target_is_400', '9112 3', b'GET\t/ HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('tab_before_version_is_400', '9112 3', b'GET /\tHTTP/1.1\r\nHost: t\r\n\r\n'),
    ('vertical_tab_before_target_is_400', '9112 3', b'GET\x0b/ HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('form_feed_before_version_is_400', '9112 3', b'GET /\x0cHTTP/1.1\r\nHost: t\r\n\r\n'),
    ('space_before_method_is_400', '9112 3', b' GET / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('space_after_version_is_400', '9112 3', b'GET / HTTP/1.1 \r\nHost: t\r\n\r\n'),
    ('tab_after_version_is_400', '9112 3', b'GET / HTTP/1.1\t\r\nHost: t\r\n\r\n'),
    ('words_after_version_is_400', '9112 3', b'GET / HTTP/1.1 x\r\nHost: t\r\n\r\n'),
    ('space_in_target_is_400', '9112 3.2', b'GET /small.txt x HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('no_target_is_400', '9112 3', b'GET HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('empty_target_is_400', '9112 3.2', b'GET  HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('no_version_is_400', '9112 3', b'GET /\r\nHost: t\r\n\r\n'),
    ('no_version_and_no_fields_is_400', '9112 3', b'GET /\r\n\r\n'),
    ('method_alone_is_400', '9112 3', b'GET\r\n\r\n'),
    ('no_method_is_400', '9112 3', b'/ HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('separator_in_method_is_400', '9110 9.1', b'GE(T / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('colon_in_method_is_400', '9110 9.1', b'GET: / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('quote_in_method_is_400', '9110 9.1', b'"GET" / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('nul_in_method_is_400', '9110 9.1', b'GE\x00T / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('high_byte_in_method_is_400', '9110 9.1', b'GE\xc3T / HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('lower_case_version_is_400', '9112 2.3', b'GET / http/1.1\r\nHost: t\r\n\r\n'),
    ('two_digit_minor_is_400', '9112 2.3', b'GET / HTTP/1.10\r\nHost: t\r\n\r\n'),
    ('two_digit_major_is_400', '9112 2.3', b'GET / HTTP/01.1\r\nHost: t\r\n\r\n'),
    ('no_minor_is_400', '9112 2.3', b'GET / HTTP/1.\r\nHost: t\r\n\r\n'),
    ('no_dot_in_version_is_400', '9112 2.3', b'GET / HTTP/11\r\nHost: t\r\n\r\n'),
    ('comma_in_version_is_400', '9112 2.3', b'GET / HTTP/1,1\r\nHost: t\r\n\r\n'),
    ('letter_in_version_is_400', '9112 2.3', b'GET / HTTP/1.x\r\nHost: t\r\n\r\n'),
    ('sign_in_version_is_400', '9112 2.3', b'GET / HTTP/+1.1\r\nHost: t\r\n\r\n'),
    ('space_within_version_is_400', '9112 2.3', b'GET / HTTP/ 1.1\r\nHost: t\r\n\r\n'),
    ('other_protocol_is_400', '9112 2.3', b'GET / HTTPS/1.1\r\nHost: t\r\n\r\n'),
    ('ftp_protocol_is_400', '9112 2.3', b'GET / FTP/1.1\r\nHost: t\r\n\r\n'),
    ('nul_in_version_is_400', '9112 2.3', b'GET / HTTP/1.1\x00\r\nHost: t\r\n\r\n'),
    ('tls_hello_is_400', '9112 2.2', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
    ('two_empty_lines_of_bare_lf_is_400', '9112 2.2', b'\n\nGET / HTTP/1.1\r\nHost: t\r\n\r\n'),
]

TARGET = [
    ('nul_in_target_is_400', '9112 3.2', b'GET /small.txt\x00 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('control_byte_in_target_is_400', '9112 3.2', b'GET /\x01 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('escape_byte_in_target_is_400', '9112 3.2', b'GET /\x1b[31m HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('delete_byte_in_target_is_400', '9112 3.2', b'GET /\x7f HTTP/1.1\r\nHost: t\r\n\r\n'),
]

ODD_TARGETS = [
    ('fragment_in_target_is_400', '9112 3.2', b'GET /small.txt#x HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('relative_target_is_400', '9112 3.2.1', b'GET small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('query_alone_is_400', '9112 3.2.1', b'GET ?x HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('asterisk_with_get_is_400', '9112 3.2.4', b'GET * HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('asterisk_with_head_is_400', '9112 3.2.4', b'HEAD * HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('authority_form_with_get_is_400', '9112 3.2.3', b'GET t:80 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_of_ftp_is_400', '9112 3.2.2',
     b'GET ftp://t/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_of_file_is_400', '9112 3.2.2',
     b'GET file:///etc/passwd HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_without_host_is_400', '9110 4.2.1',
     b'GET http:///small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('percent_alone_is_400', '3986 2.1', b'GET /% HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('percent_and_one_digit_is_400', '3986 2.1', b'GET /%4 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('percent_and_no_hex_is_400', '3986 2.1', b'GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('percent_and_half_hex_is_400', '3986 2.1', b'GET /%4z HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('percent_and_sign_is_400', '3986 2.1', b'GET /%+1 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('percent_u_is_400', '3986 2.1', b'GET /%u0041 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('encoded_nul_is_400', '3986 7.3', b'GET /small.txt%00 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('encoded_nul_before_extension_is_400', '3986 7.3',
     b'GET /small%00.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
]

FIELDS = [
    ('bare_lf_ends_field_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\nX: y\r\n\r\n'),
    ('bare_lf_as_empty_line_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\n\n'),
    ('bare_lf_before_empty_line_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\n\r\n'),
    ('bare_cr_in_field_value_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\nX: a\rb\r\n\r\n'),
    ('bare_cr_ends_field_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\rX: y\r\n\r\n'),
    ('two_cr_before_lf_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\nX: y\r\r\n\r\n'),
    ('cr_alone_as_empty_line_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\n\rX: y\r\n\r\n'),
    ('space_before_colon_is_400', '9112 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX : y\r\n\r\n'),
    ('tab_before_colon_is_400', '9112 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX\t: y\r\n\r\n'),
    ('space_before_colon_of_host_is_400', '9112 5.1', b'GET / HTTP/1.1\r\nHost : t\r\n\r\n'),
    ('space_before_first_field_is_400', '9112 2.2', b'GET / HTTP/1.1\r\n Host: t\r\n\r\n'),
    ('tab_before_first_field_is_400', '9112 2.2', b'GET / HTTP/1.1\r\n\tX: y\r\nHost: t\r\n\r\n'),
    ('folded_line_is_400', '9112 5.2', b'GET / HTTP/1.1\r\nHost: t\r\nX: y\r\n z\r\n\r\n'),
    ('line_folded_by_tab_is_400', '9112 5.2', b'GET / HTTP/1.1\r\nHost: t\r\nX: y\r\n\tz\r\n\r\n'),
    ('folded_empty_line_is_400', '9112 5.2', b'GET / HTTP/1.1\r\nHost: t\r\nX: y\r\n \r\n\r\n'),
    ('folded_host_is_400', '9112 5.2', b'GET / HTTP/1.1\r\nHost:\r\n t\r\n\r\n'),
    ('no_colon_is_400', '9112 5', b'GET / HTTP/1.1\r\nHost: t\r\nX\r\n\r\n'),
    ('no_name_is_400', '9112 5', b'GET / HTTP/1.1\r\nHost: t\r\n: y\r\n\r\n'),
    ('space_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX Y: z\r\n\r\n'),
    ('separator_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX(Y: z\r\n\r\n'),
    ('slash_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX/Y: z\r\n\r\n'),
    ('control_byte_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX\x01: z\r\n\r\n'),
    ('nul_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX\x00: z\r\n\r\n'),
    ('high_byte_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX\xe9: z\r\n\r\n'),
    ('nul_in_value_is_400', '9110 5.5', b'GET / HTTP/1.1\r\nHost: t\r\nX: a\x00b\r\n\r\n'),
    ('control_byte_in_value_is_400', '9110 5.5', b'GET / HTTP/1.1\r\nHost: t\r\nX: a\x01b\r\n\r\n'),
    ('vertical_tab_in_value_is_400', '9110 5.5', b'GET / HTTP/1.1\r\nHost: t\r\nX: a\x0bb\r\n\r\n'),
    ('escape_byte_in_value_is_400', '9110 5.5',
     b'GET / HTTP/1.1\r\nHost: t\r\nX: \x1b[31m\r\n\r\n'),
    ('delete_byte_in_value_is_400', '9110 5.5', b'GET / HTTP/1.1\r\nHost: t\r\nX: a\x7f\r\n\r\n'),
]

HOST = [
    ('host_missing_in_1_1_is_400', '9112 3.2', b'GET / HTTP/1.1\r\n\r\n'),
    ('host_missing_with_absolute_form_is_400', '9112 3.2', b'GET http://t/ HTTP/1.1\r\n\r\n'),
    ('host_twice_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n'),
    ('host_twice_alike_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: t\r\nhost: t\r\n\r\n'),
    ('host_twice_in_1_0_is_400', '9112 3.2', b'GET / HTTP/1.0\r\nHost: t\r\nHost: u\r\n\r\n'),
    ('host_with_space_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'),
    ('host_with_slash_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'),
    ('host_with_scheme_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: http://a\r\n\r\n'),
    ('host_with_user_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: me@a\r\n\r\n'),
    ('host_with_query_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a?b\r\n\r\n'),
    ('host_with_fragment_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a#b\r\n\r\n'),
    ('host_with_backslash_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n'),
    ('host_with_quote_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: "a"\r\n\r\n'),
    ('host_with_letters_as_port_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n'),
    ('host_with_two_ports_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n'),
    ('host_with_open_bracket_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n'),
    ('host_with_bare_v6_address_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: ::1\r\n\r\n'),
    ('host_with_bad_escape_is_400', '3986 3.2.2', b'GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n'),
    ('host_malformed_in_1_0_is_400', '9112 3.2', b'GET / HTTP/1.0\r\nHost: a b\r\n\r\n'),
]


@facts('data', REQUEST_LINE + TARGET + FIELDS + HOST)
def test_malformed(server, data):
    refused(server, data, {400})


@facts('data', ODD_TARGETS)
def test_malformed_target(server, data):
    """Where such a request ends is clear, so its connection may go on."""
    with server.connect() as connection:
        reply = connection.send(data).reply(data.split()[0].decode())
        assert reply.status == 400
        if reply.closes:
            connection.ended()
        else:
            connection.goes_on()


VERSION = [
    ('version_2_0_is_505', '9110 15.6.6', b'GET / HTTP/2.0\r\nHost: t\r\n\r\n'),
    ('version_3_1_is_505', '9110 15.6.6', b'GET / HTTP/3.1\r\nHost: t\r\n\r\n'),
    ('version_0_9_is_505', '9110 15.6.6', b'GET / HTTP/0.9\r\nHost: t\r\n\r\n'),
    ('preface_of_http_2_is_505', '9113 3.4', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
]


@facts('data', VERSION)
def test_version(server, data):
    refused(server, data, {505})


def get_with(*fields, body=b'', version='1.1'):
    return request('GET', '/small.txt', *fields, body=body, version=version)


CHUNKS = b'5\r\nhello\r\n0\r\n\r\n'
FRAMING = [
    # The body of these two readings of one message is the hidden request itself.
    ('length_then_chunked_is_400', '9112 6.1',
     get_with('Content-Length: 5', 'Transfer-Encoding: chunked', body=b'0\r\n\r\n')),
    ('chunked_then_length_is_400', '9112 6.1',
     get_with('Transfer-Encoding: chunked', 'Content-Length: 5', body=b'0\r\n\r\n')),
    ('length_0_and_chunked_is_400', '9112 6.1',
     get_with('Content-Length: 0', 'Transfer-Encoding: chunked', body=b'0\r\n\r\n')),
    ('chunked_in_1_0_is_400', '9112 6.1',
     get_with('Transfer-Encoding: chunked', version='1.0', body=CHUNKS)),
    ('chunked_in_1_0_kept_alive_is_400', '9112 6.1',
     get_with('Connection: keep-alive', 'Transfer-Encoding: chunked', version='1.0', body=CHUNKS)),
    ('chunked_twice_is_400', '9112 6.1',
     get_with('Transfer-Encoding: chunked, chunked', body=CHUNKS)),
    ('chunked_on_two_lines_is_400', '9112 6.1',
     get_with('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', body=CHUNKS)),
    ('chunked_before_identity_is_400', '9112 6.3',
     get_with('Transfer-Encoding: chunked, identity', body=CHUNKS)),
    ('chunked_before_gzip_is_400', '9112 6.3',
     get_with('Transfer-Encoding: chunked, gzip', body=CHUNKS)),
    ('chunked_then_identity_on_two_lines_is_400', '9112 6.3',
     get_with('Transfer-Encoding: chunked', 'Transfer-Encoding: identity', body=CHUNKS)),
    ('lengths_that_differ_is_400', '9112 6.3', get_with('Content-Length: 5', 'Content-Length: 6',
                                                        body=b'hello')),
    ('length_twice_in_one_list_differing_is_400', '9112 6.3', get_with('Content-Length: 5, 6',
                                                                       body=b'hello')),
    ('length_negative_is_400', '9110 8.6', get_with('Content-Length: -5', body=b'hello')),
    ('length_with_plus_is_400', '9110 8.6', get_with('Content-Length: +5', body=b'hello')),
    ('length_hexadecimal_is_400', '9110 8.6', get_with('Content-Length: 0x5', body=b'hello')),
    ('length_with_fraction_is_400', '9110 8.6', get_with('Content-Length: 5.0', body=b'hello')),
    ('length_with_exponent_is_400', '9110 8.6', get_with('Content-Length: 5e0', body=b'hello')),
    ('length_of_two_words_is_400', '9110 8.6', get_with('Content-Length: 5 5', body=b'hello')),
    ('length_with_letter_is_400', '9110 8.6', get_with('Content-Length: 5a', body=b'hello')),
    ('length_empty_is_400', '9110 8.6', get_with('Content-Length:', body=b'hello')),
    ('length_of_letters_is_400', '9110 8.6', get_with('Content-Length: five', body=b'hello')),
    ('length_quoted_is_400', '9110 8.6', get_with('Content-Length: "5"', body=b'hello')),
    ('length_with_underscore_is_400', '9110 8.6', get_with('Content-Length: 1_0', body=b'hello')),
    ('length_with_trailing_comma_is_400', '9110 8.6',
     get_with('Content-Length: 5,', body=b'hello')),
    ('length_with_vertical_tab_is_400', '9110 8.6',
     get_with('Content-Length: \x0b5', body=b'hello')),
    ('space_before_colon_of_length_is_400', '9112 5.1',
     get_with('Content-Length : 5', body=b'hello')),
    ('space_before_colon_of_coding_is_400', '9112 5.1',
     get_with('Transfer-Encoding : chunked', body=CHUNKS)),
    ('folded_coding_is_400', '9112 5.2', get_with('Transfer-Encoding:\r\n chunked', body=CHUNKS)),
    ('folded_length_is_400', '9112 5.2', get_with('Content-Length:\r\n 5', body=b'hello')),
    ('control_byte_before_chunked_is_400', '9110 5.5',
     get_with('Transfer-Encoding: \x0bchunked', body=CHUNKS)),
    ('bare_lf_hides_coding_is_400', '9112 2.2',
     get_with('X: y\nTransfer-Encoding: chunked', body=CHUNKS)),
    ('bare_cr_hides_coding_is_400', '9112 2.2',
     get_with('X: y\rTransfer-Encoding: chunked', body=CHUNKS)),
    ('second_length_after_lower_case_one_is_400', '9112 6.3',
     get_with('content-length: 0', 'CONTENT-LENGTH: 44')),
]


@facts('data', FRAMING)
def test_framing(server, data):
    refused(server, data, {400})


# Well-formed framing that this server does not have, or that RFC 9112 lets it refuse either way.
CODINGS = [
    ('unknown_coding_is_refused', '9112 6.1', get_with('Transfer-Encoding: xchunked', body=CHUNKS)),
    ('identity_coding_is_refused', '9112 6.1',
     get_with('Transfer-Encoding: identity', body=CHUNKS)),
    ('gzip_alone_is_refused', '9112 6.3', get_with('Transfer-Encoding: gzip', body=CHUNKS)),
    ('empty_coding_is_refused', '9112 6.1', get_with('Transfer-Encoding:', body=CHUNKS)),
    ('quoted_coding_is_refused', '9112 6.1', get_with('Transfer-Encoding: "chunked"', body=CHUNKS)),
    ('coding_with_parameter_is_refused', '9112 7',
     get_with('Transfer-Encoding: chunked;q=1', body=CHUNKS)),
    ('coding_with_space_inside_is_refused', '9112 7',
     get_with('Transfer-Encoding: chun ked', body=CHUNKS)),
    ('unknown_coding_before_chunked_is_refused', '9112 6.1',
     get_with('Transfer-Encoding: x, chunked', body=CHUNKS)),
    ('length_with_unknown_coding_is_refused', '9112 6.1',
     get_with('Content-Length: 5', 'Transfer-Encoding: x', body=b'hello')),
    ('length_beyond_64_bits_is_refused', '9110 8.6',
     get_with('Content-Length: 18446744073709551621', body=b'hello')),
    ('length_beyond_any_integer_is_refused', '9110 8.6', get_with('Content-Length: ' + '9' * 60)),
    ('equal_lengths_in_a_list_are_refused', '9112 6.3',
     get_with('Content-Length: 5, 5', body=b'hello')),
    ('equal_lengths_on_two_lines_are_refused', '9112 6.3',
     get_with('Content-Length: 5', 'Content-Length: 5', body=b'hello')),
]


@facts('data', CODINGS)
def test_unacceptable_framing(server, data):
    refused(server, data, {400, 413, 501})


def chunked(body):
    return get_with('Transfer-Encoding: chunked', body=body)


BAD_CHUNKS = [
    ('chunk_size_not_hexadecimal', '9112 7.1', chunked(b'g\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_empty', '9112 7.1', chunked(b'\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_with_prefix', '9112 7.1', chunked(b'0x5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_negative', '9112 7.1', chunked(b'-5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_with_plus', '9112 7.1', chunked(b'+5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_after_space', '9112 7.1', chunked(b' 5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_of_two_words', '9112 7.1', chunked(b'5 5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_with_underscore', '9112 7.1', chunked(b'0_5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_beyond_64_bits', '9112 7.1', chunked(b'10000000000000005\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_beyond_any_integer', '9112 7.1', chunked(b'f' * 40 + b'\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_ended_by_bare_lf', '9112 7.1', chunked(b'5\nhello\r\n0\r\n\r\n')),
    ('chunk_size_ended_by_bare_cr', '9112 7.1', chunked(b'5\rhello\r\n0\r\n\r\n')),
    ('chunk_data_ended_by_bare_lf', '9112 7.1', chunked(b'5\r\nhello\n0\r\n\r\n')),
    ('chunk_data_longer_than_size', '9112 7.1', chunked(b'5\r\nhello!\r\n0\r\n\r\n')),
    ('chunk_data_shorter_than_size', '9112 7.1', chunked(b'6\r\nhello\r\n0\r\n\r\n')),
    ('chunk_data_without_end', '9112 7.1', chunked(b'5\r\nhello0\r\n\r\n')),
    ('last_chunk_ended_by_bare_lf', '9112 7.1', chunked(b'5\r\nhello\r\n0\n\n')),
    ('last_chunk_followed_by_bare_lf', '9112 7.1', chunked(b'5\r\nhello\r\n0\r\n\n')),
    ('chunk_extension_with_bare_lf', '9112 7.1.1', chunked(b'5;a\nb\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_with_bare_cr', '9112 7.1.1', chunked(b'5;a\rb\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_with_nul', '9112 7.1.1', chunked(b'5;a\x00\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_without_end', '9112 7.1.1',
     chunked(b'5;' + b'a' * 100_000 + b'\r\nhello\r\n0\r\n\r\n')),
    ('trailer_without_colon', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX\r\n\r\n')),
    ('trailer_with_space_before_colon', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX : y\r\n\r\n')),
    ('trailer_ended_by_bare_lf', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX: y\n\r\n')),
    ('trailer_folded', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n')),
    ('trailers_without_end', '9112 7.1.2',
     chunked(b'5\r\nhello\r\n0\r\n' + b'X: y\r\n' * 20_000 + b'\r\n')),
]


@facts('data', BAD_CHUNKS)
def test_bad_chunk(server, data):
    """A server may have answered the head before it saw the chunk; but what follows the chunk is
    never answered."""
    refused(server, data, {400, 413, 431, 200})


LIMITS = [
    ('target_of_100_kb_is_414', '9112 3', get('/' + 'a' * 100_000), 414),
    ('query_of_100_kb_is_414', '9112 3', get('/small.txt?' + 'a' * 100_000), 414),
    ('target_without_end_is_414', '9112 3', b'GET /' + b'a' * 200_000, 414),
    ('field_of_100_kb_is_431', '6585 5', get('/small.txt', 'X: ' + 'a' * 100_000), 431),
    ('field_name_of_100_kb_is_431', '6585 5', get('/small.txt', 'a' * 100_000 + ': x'), 431),
    ('five_thousand_fields_are_431', '6585 5', get('/small.txt', *['X: y'] * 5_000), 431),
    ('five_thousand_short_fields_are_431', '6585 5', get('/small.txt', *['X:'] * 5_000), 431),
    ('fields_without_end_are_431', '6585 5',
     b'GET /small.txt HTTP/1.1\r\nHost: t\r\n' + b'X: y\r\n' * 30_000, 431),
]


@facts('data, status', LIMITS)
def test_too_large(server, data, status):
    refused(server, data, {status})


def test_method_of_100_kb_is_refused(server):
    refused(server, b'G' * 100_000 + b' / HTTP/1.1\r\nHost: t\r\n\r\n', {400, 414, 431, 501})


def test_max_head_is_the_size_of_a_head(shared):
    server = shared('--max-head', '1k')
    refused(server, get('/small.txt', 'X: ' + 'a' * 1_024), {431})
    with server.connect() as connection:
        connection.send(get('/small.txt', 'X: ' + 'a' * 700))
        assert connection.reply().status == 200


def test_max_fields_is_the_number_of_fields(shared):
    server = shared('--max-fields', '10')
    refused(server, get('/small.txt', *['X: y'] * 10), {431})  # Host is the first of eleven
    with server.connect() as connection:
        connection.send(get('/small.txt', *['X: y'] * 9))
        assert connection.reply().status == 200


def test_body_beyond_max_body_is_413_or_its_connection_ends(shared):
    server = shared('--max-body', '1k')
    for data in (request('GET', '/small.txt', 'Content-Length: 2000', body=b'x' * 2000),
                 request('GET', '/small.txt', 'Transfer-Encoding: chunked',
                         body=(b'3e8\r\n' + b'x' * 1000 + b'\r\n') * 2 + b'0\r\n\r\n'),
                 request('POST', '/small.txt', 'Content-Length: 2000', body=b'x' * 2000)):
        refused(server, data, {413, 200, 405})


def test_body_of_an_exabyte_is_not_waited_for(server):
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 1152921504606846976'))
        reply = connection.reply()
        assert reply.status in (200, 413)
        assert reply.closes
        connection.ended()


@pytest.mark.parametrize('data', [
    pytest.param(b'GET / HTTP/1.1\r\nHost: t\r\nX : y\r\n', id='space_before_colon (9112 5.1)'),
    pytest.param(b'GET  ', id='second_space (9112 3)'),
    pytest.param(b'GET / HTTP/1.1\r\nHost: t\nX', id='bare_lf (9112 2.2)'),
    pytest.param(b'GET / HTTP/1.1\r\nHost: t\r\n\r\n'[:20] + b'\x00', id='nul (9110 5.5)')])
def test_malformed_bytes_are_refused_before_the_head_is_whole(server, data):
    """Nothing can make such a head good again, so nobody needs to wait for its end."""
    with server.connect() as connection:
        connection.send(data)
        assert connection.reply().status == 400
        connection.ended()


def refused(server, data, statuses):
    with server.connect() as connection:
        reply = connection.send(data + HIDDEN).reply()
        assert reply.status in statuses, reply.head
        if reply.status != 200:  # RFC 9112 9.6: the last reply says that it is the last
            assert reply.closes, reply.head
        connection.ended()
