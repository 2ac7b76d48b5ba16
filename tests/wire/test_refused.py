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
    ('no_major_is_400', '9112 2.3', b'GET / HTTP/.1\r\nHost: t\r\n\r\n'),
    ('no_version_behind_its_protocol_is_400', '9112 2.3', b'GET / HTTP/\r\nHost: t\r\n\r\n'),
    ('version_beyond_any_integer_is_400', '9112 2.3',
     b'GET / HTTP/4294967297.4294967297\r\nHost: t\r\n\r\n'),
    ('protocol_cut_short_is_400', '9112 2.3', b'GET / HTT/1.1\r\nHost: t\r\n\r\n'),
    ('letter_before_protocol_is_400', '9112 2.3', b'GET / IHTTP/1.1\r\nHost: t\r\n\r\n'),
    ('rtsp_protocol_is_400', '9112 2.3', b'OPTIONS * RTSP/1.0\r\nHost: t\r\n\r\n'),
    ('bare_lf_before_version_is_400', '9112 2.2', b'GET /\nHTTP/1.1\r\nHost: t\r\n\r\n'),
    ('line_end_before_version_is_400', '9112 3', b'GET /\r\nHTTP/1.1\r\nHost: t\r\n\r\n'),
    ('target_and_version_in_one_word_is_400', '9112 3', b'GET /HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('method_and_target_in_one_word_is_400', '9112 3', b'GET/ HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('request_line_of_a_space_is_400', '9112 3', b' \r\nHost: t\r\n\r\n'),
    ('field_line_first_is_400', '9112 3', b'Host: t\r\n\r\n'),
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
    ('absolute_form_of_https_without_host_is_400', '9110 4.2.2',
     b'GET https:///small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_of_a_port_alone_is_400', '9110 4.2.1',
     b'GET http://:80/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_user_is_400', '9110 4.2.4',
     b'GET http://me@t/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_user_and_password_is_400', '9110 4.2.4',
     b'GET http://me:word@t:80/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_letters_as_port_is_400', '9112 3.2.2',
     b'GET http://t:80x/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_two_ports_is_400', '9112 3.2.2',
     b'GET http://t:80:80/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_bare_v6_address_is_400', '9112 3.2.2',
     b'GET http://4711::abcd:80/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_two_gaps_in_its_v6_address_is_400', '3986 3.2.2',
     b'GET http://[4711::abcd::]/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_backslash_in_host_is_400', '9112 3.2.2',
     b'GET http://t\\x/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_fragment_is_400', '9112 3.2.2',
     b'GET http://t/small.txt#x HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_with_one_slash_is_400', '9112 3.2.2',
     b'GET http:/small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('absolute_form_without_slashes_is_400', '9112 3.2.2',
     b'GET http:small.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('fragment_behind_query_is_400', '9112 3.2',
     b'GET /small.txt?a#x HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('raw_utf_8_in_target_is_400', '9112 3', b'GET /Dant\xc3\xa8s.txt HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('high_byte_in_target_is_400', '9112 3', b'GET /\xff HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('high_byte_in_query_is_400', '9112 3',
     b'GET /small.txt?\xe8 HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('quote_in_target_is_400', '9112 3', b'GET /small.txt?"x" HTTP/1.1\r\nHost: t\r\n\r\n'),
    ('angle_brackets_in_target_is_400', '9112 3',
     b'GET /small.txt?<x> HTTP/1.1\r\nHost: t\r\n\r\n'),
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
    ('tab_in_name_is_400', '9110 5.1', b'GET / HTTP/1.1\r\nHost: t\r\nX\tY: z\r\n\r\n'),
    ('bare_cr_in_name_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\nX\rY: z\r\n\r\n'),
    ('bare_lf_in_name_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\nX\nY: z\r\n\r\n'),
    ('name_on_two_lines_is_400', '9112 5',
     b'GET / HTTP/1.1\r\nHost: t\r\nContent-\r\nLength: 0\r\n\r\n'),
    ('name_and_its_colon_on_two_lines_is_400', '9112 5',
     b'GET / HTTP/1.1\r\nHost: t\r\nX\r\n : y\r\n\r\n'),
    ('space_for_colon_is_400', '9112 5', b'GET / HTTP/1.1\r\nHost: t\r\nX y\r\n\r\n'),
    ('colon_before_name_is_400', '9112 5', b'GET / HTTP/1.1\r\nHost: t\r\n:X: y\r\n\r\n'),
    ('colon_alone_is_400', '9112 5', b'GET / HTTP/1.1\r\n:\r\nHost: t\r\n\r\n'),
    ('two_bare_lf_behind_colon_is_400', '9112 2.2', b'GET / HTTP/1.1\r\nHost: t\r\nX:\n\n\r\n\r\n'),
    ('cr_and_a_request_behind_fields_is_400', '9112 2.2',
     b'GET / HTTP/1.1\r\nHost: t\r\n\rXGET /small.txt: HTTP/1.1\r\n\r\n'),
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
    ('host_with_nul_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a\x00.b\r\n\r\n'),
    ('host_with_high_byte_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a\xa0\r\n\r\n'),
    ('host_with_tab_inside_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n'),
    ('host_of_two_in_a_list_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'),
    ('host_with_negative_port_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n'),
    ('host_with_sign_before_port_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n'),
    ('host_with_text_behind_bracket_is_400', '9112 3.2', b'GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n'),
    ('host_with_closing_bracket_alone_is_400', '9112 3.2',
     b'GET / HTTP/1.1\r\nHost: ::1]\r\n\r\n'),
    ('host_with_empty_brackets_is_400', '3986 3.2.2', b'GET / HTTP/1.1\r\nHost: []\r\n\r\n'),
    ('host_with_nine_groups_is_400', '3986 3.2.2',
     b'GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8:9]\r\n\r\n'),
    ('host_with_seven_groups_is_400', '3986 3.2.2',
     b'GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7]\r\n\r\n'),
    ('host_with_two_gaps_is_400', '3986 3.2.2', b'GET / HTTP/1.1\r\nHost: [1::2::3]\r\n\r\n'),
    ('host_with_five_digits_in_a_group_is_400', '3986 3.2.2',
     b'GET / HTTP/1.1\r\nHost: [::12345]\r\n\r\n'),
    ('host_with_v4_octet_of_256_in_v6_is_400', '3986 3.2.2',
     b'GET / HTTP/1.1\r\nHost: [::1.2.3.256]\r\n\r\n'),
    ('host_with_a_zone_is_400', '3986 3.2.2', b'GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n'),
    ('host_with_empty_future_address_is_400', '3986 3.2.2',
     b'GET / HTTP/1.1\r\nHost: [v1.]\r\n\r\n'),
    ('host_malformed_beside_absolute_form_is_400', '9112 3.2',
     b'GET http://t/small.txt HTTP/1.1\r\nHost: a b\r\n\r\n'),
    ('host_twice_beside_absolute_form_is_400', '9112 3.2',
     b'GET http://t/small.txt HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n'),
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


CTL = [byte for byte in (*range(0x20), 0x7f) if byte not in b'\t\r\n']
TCHAR = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def one_of_each(template, bytes_in_turn):
    return [template % bytes([byte]) for byte in bytes_in_turn]


@facts('several', [
    ('every_control_byte_in_a_value_is_400', '9110 5.5',
     one_of_each(b'GET /small.txt HTTP/1.1\r\nHost: t\r\nX: a%sb\r\n\r\n', CTL)),
    ('every_control_byte_in_a_target_is_400', '9112 3.2',
     one_of_each(b'GET /small.txt?%s HTTP/1.1\r\nHost: t\r\n\r\n', CTL)),
    ('every_byte_that_is_no_token_in_a_name_is_400', '9110 5.6.2',
     one_of_each(b'GET /small.txt HTTP/1.1\r\nHost: t\r\nX%sY: z\r\n\r\n',
                 (byte for byte in range(256) if byte not in TCHAR + b':'))),
    ('every_byte_that_is_no_token_behind_a_name_is_400', '9110 5.6.2',
     one_of_each(b'GET /small.txt HTTP/1.1\r\nHost: t\r\nContent-Length%s: 44\r\n\r\n',
                 (byte for byte in range(256) if byte not in TCHAR + b':'))),
    ('every_byte_that_is_no_token_in_a_method_is_400', '9110 5.6.2',
     one_of_each(b'GE%sT /small.txt HTTP/1.1\r\nHost: t\r\n\r\n',
                 (byte for byte in range(256) if byte not in TCHAR + b' '))),
])
def test_each_malformed(server, several):
    for data in several:
        refused(server, data, {400})


VERSION = [
    ('version_9_9_is_505', '9110 15.6.6', b'GET / HTTP/9.9\r\nHost: t\r\n\r\n'),
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
    ('empty_length_before_a_length_is_400', '9112 6.3',
     get_with('Content-Length:', 'Content-Length: 44')),
    ('length_before_an_empty_length_is_400', '9112 6.3',
     get_with('Content-Length: 44', 'Content-Length:')),
    ('length_of_nothing_then_a_length_is_400', '9112 6.3',
     get_with('Content-Length: 0', 'Content-Length: 44')),
    ('length_of_words_beside_chunked_is_400', '9112 6.3',
     get_with('Content-Length: nonsense', 'Transfer-Encoding: chunked', body=CHUNKS)),
    ('length_in_other_digits_is_400', '9110 8.6',
     get_with('Content-Length: \xd9\xa5', body=b'hello')),
    ('length_with_no_break_space_is_400', '9110 8.6',
     get_with('Content-Length: 5\xa0', body=b'hello')),
    ('length_with_tab_inside_is_400', '9110 8.6', get_with('Content-Length: 4\t4')),
    ('length_behind_no_break_space_in_name_is_400', '9110 5.1',
     get_with('Content-Length\xa0: 44')),
    ('length_behind_a_space_for_its_colon_is_400', '9112 5', get_with('Content-Length 44')),
    ('coding_whose_name_is_on_two_lines_is_400', '9112 5',
     get_with('Transfer-', 'Encoding: chunked', 'Content-Length: 5', body=b'0\r\n\r\n')),
    ('nul_behind_chunked_is_400', '9110 5.5',
     get_with('Transfer-Encoding: chunked\x00', body=CHUNKS)),
    ('bare_cr_before_chunked_is_400', '9112 2.2',
     get_with('Transfer-Encoding:\rchunked', body=CHUNKS)),
    # RFC 9112 6.3, item 4: without chunked at its end, nobody can tell where such a body ends.
    ('unknown_coding_alone_is_400', '9112 6.3',
     get_with('Transfer-Encoding: xchunked', body=CHUNKS)),
    ('identity_alone_is_400', '9112 6.3', get_with('Transfer-Encoding: identity', body=CHUNKS)),
    ('gzip_alone_is_400', '9112 6.3', get_with('Transfer-Encoding: gzip', body=CHUNKS)),
    ('deflate_and_gzip_are_400', '9112 6.3',
     get_with('Transfer-Encoding: deflate, gzip', body=CHUNKS)),
    ('empty_coding_is_400', '9112 6.3', get_with('Transfer-Encoding:', body=CHUNKS)),
    ('coding_of_a_comma_is_400', '9112 6.3', get_with('Transfer-Encoding: ,', body=CHUNKS)),
    ('quoted_chunked_is_400', '9112 6.3', get_with('Transfer-Encoding: "chunked"', body=CHUNKS)),
    ('chunked_with_space_inside_is_400', '9112 6.3',
     get_with('Transfer-Encoding: chun ked', body=CHUNKS)),
    ('chunked_behind_no_break_space_is_400', '9112 6.3',
     get_with('Transfer-Encoding: \xa0chunked', body=CHUNKS)),
    ('length_beside_unknown_coding_is_400', '9112 6.3',
     get_with('Content-Length: 5', 'Transfer-Encoding: x', body=b'hello')),
    ('length_beside_empty_coding_is_400', '9112 6.3',
     get_with('Content-Length: 5', 'Transfer-Encoding:', body=b'hello')),
    *[(f'length_and_chunked_of_{method.lower()}_is_400', '9112 6.1',
       request(method, '/small.txt', 'Content-Length: 5', 'Transfer-Encoding: chunked',
               body=b'0\r\n\r\n')) for method in ('POST', 'PUT', 'DELETE', 'OPTIONS', 'BREW')],
]


@facts('data', FRAMING)
def test_framing(server, data):
    refused(server, data, {400})


# Well-formed framing that this server does not have, or that RFC 9112 lets it refuse either way.
CODINGS = [
    ('coding_with_parameter_is_refused', '9112 7',
     get_with('Transfer-Encoding: chunked;q=1', body=CHUNKS)),
    ('chunked_behind_an_empty_member_is_refused', '9112 6.1',
     get_with('Transfer-Encoding: ,chunked', body=CHUNKS)),
    ('chunked_before_an_empty_member_is_refused', '9112 6.1',
     get_with('Transfer-Encoding: chunked,', body=CHUNKS)),
    ('chunked_behind_an_empty_line_is_refused', '9112 6.1',
     get_with('Transfer-Encoding:', 'Transfer-Encoding: chunked', body=CHUNKS)),
    ('length_beyond_32_bits_is_refused', '9110 8.6',
     get_with('Content-Length: 4294967301', body=b'hello')),
    ('length_beyond_64_bits_is_refused', '9110 8.6',
     get_with('Content-Length: 18446744073709551621', body=b'hello')),
    ('length_beyond_any_integer_is_refused', '9110 8.6', get_with('Content-Length: ' + '9' * 60)),
    ('equal_lengths_in_a_list_are_refused', '9112 6.3',
     get_with('Content-Length: 5, 5', body=b'hello')),
    ('equal_lengths_on_two_lines_are_refused', '9112 6.3',
     get_with('Content-Length: 5', 'Content-Length: 5', body=b'hello')),
]


@facts('data', [
    ('unknown_coding_before_chunked_is_501', '9112 6.1',
     get_with('Transfer-Encoding: x, chunked', body=CHUNKS)),
    ('gzip_before_chunked_is_501', '9112 6.1',
     get_with('Transfer-Encoding: gzip, chunked', body=CHUNKS)),
])
def test_unknown_coding(server, data):
    """Where such a body ends is clear, but not what it says."""
    refused(server, data, {501})


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
    ('chunk_size_with_words_behind', '9112 7.1', chunked(b'5words\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_with_nul_behind', '9112 7.1', chunked(b'5\x00\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_after_tab', '9112 7.1', chunked(b'\t5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_size_of_16_digits_with_sign', '9112 7.1',
     chunked(b'ffffffffffffffff\r\nhello\r\n0\r\n\r\n')),
    ('last_chunk_negative', '9112 7.1', chunked(b'5\r\nhello\r\n-0\r\n\r\n')),
    ('last_chunk_with_prefix', '9112 7.1', chunked(b'5\r\nhello\r\n0x0\r\n\r\n')),
    ('last_chunk_after_space', '9112 7.1', chunked(b'5\r\nhello\r\n 0\r\n\r\n')),
    ('last_chunk_with_underscore', '9112 7.1', chunked(b'5\r\nhello\r\n0_0\r\n\r\n')),
    ('last_chunk_empty', '9112 7.1', chunked(b'5\r\nhello\r\n\r\n\r\n')),
    ('empty_line_between_chunks', '9112 7.1', chunked(b'5\r\nhello\r\n\r\n0\r\n\r\n')),
    ('empty_line_before_first_chunk', '9112 7.1', chunked(b'\r\n5\r\nhello\r\n0\r\n\r\n')),
    ('chunk_data_ended_by_bare_cr', '9112 7.1', chunked(b'5\r\nhello\r0\r\n\r\n')),
    ('chunk_data_ended_by_another_byte_and_lf', '9112 7.1',
     chunked(b'5\r\nhelloX\n0\r\n\r\n')),
    ('chunk_data_ended_by_cr_and_another_byte', '9112 7.1',
     chunked(b'5\r\nhello\rX0\r\n\r\n')),
    ('chunk_data_ended_by_two_other_bytes', '9112 7.1', chunked(b'5\r\nhelloXX0\r\n\r\n')),
    ('chunk_data_ended_by_bare_lf', '9112 7.1', chunked(b'5\r\nhello\n0\r\n\r\n')),
    ('chunk_data_longer_than_size', '9112 7.1', chunked(b'5\r\nhello!\r\n0\r\n\r\n')),
    ('chunk_data_shorter_than_size', '9112 7.1', chunked(b'6\r\nhello\r\n0\r\n\r\n')),
    ('chunk_data_without_end', '9112 7.1', chunked(b'5\r\nhello0\r\n\r\n')),
    ('last_chunk_ended_by_bare_lf', '9112 7.1', chunked(b'5\r\nhello\r\n0\n\n')),
    ('last_chunk_followed_by_bare_lf', '9112 7.1', chunked(b'5\r\nhello\r\n0\r\n\n')),
    ('chunk_extension_with_bare_lf', '9112 7.1.1', chunked(b'5;a\nb\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_with_bare_cr', '9112 7.1.1', chunked(b'5;a\rb\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_behind_bare_cr', '9112 7.1.1', chunked(b'5\r;a\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_behind_line_end_and_cr', '9112 7.1.1',
     chunked(b'5\r\r;a\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_with_bare_lf_in_quotes', '9112 7.1.1',
     chunked(b'5;a="\n"\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_of_last_chunk_with_bare_lf', '9112 7.1.1',
     chunked(b'5\r\nhello\r\n0;a\n\r\n\r\n')),
    ('chunk_extension_without_name', '9112 7.1.1', chunked(b'5;\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_of_a_value_alone', '9112 7.1.1', chunked(b'5;=a\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_without_value', '9112 7.1.1', chunked(b'5;a=\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_of_an_open_quote', '9112 7.1.1',
     chunked(b'5;a="b\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_of_two_words', '9112 7.1.1', chunked(b'5;a b\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_without_semicolon', '9112 7.1.1', chunked(b'5 a\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_with_nul', '9112 7.1.1', chunked(b'5;a\x00\r\nhello\r\n0\r\n\r\n')),
    ('chunk_extension_without_end', '9112 7.1.1',
     chunked(b'5;' + b'a' * 100_000 + b'\r\nhello\r\n0\r\n\r\n')),
    ('trailer_without_colon', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX\r\n\r\n')),
    ('trailer_with_space_before_colon', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX : y\r\n\r\n')),
    ('trailer_without_name', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\n: y\r\n\r\n')),
    ('trailer_with_nul', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX: \x00\r\n\r\n')),
    ('trailer_with_bare_cr', '9112 7.1.2', chunked(b'5\r\nhello\r\n0\r\nX: a\rY: b\r\n\r\n')),
    ('trailer_with_high_byte_in_name', '9112 7.1.2',
     chunked(b'5\r\nhello\r\n0\r\nX\xe9: y\r\n\r\n')),
    ('trailer_that_is_a_request_line', '9112 7.1.2',
     chunked(b'5\r\nhello\r\n0\r\nGET /small.txt HTTP/1.1\r\nHost: t\r\n\r\n')),
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


def test_method_of_100_kb_is_501(server):
    """RFC 9112 3."""
    refused(server, b'G' * 100_000 + b' / HTTP/1.1\r\nHost: t\r\n\r\n', {501})


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


def test_body_of_max_body_is_read(shared):
    """To the byte, in whatever pieces it comes; behind it stands the next request."""
    server = shared('--max-body', '1k')
    with server.connect() as connection:
        for data in (request('GET', '/small.txt', 'Content-Length: 1024', body=b'x' * 1024),
                     request('GET', '/small.txt', 'Transfer-Encoding: chunked',
                             body=b'400\r\n' + b'x' * 1024 + b'\r\n0\r\n\r\n'),
                     request('GET', '/small.txt', 'Transfer-Encoding: chunked',
                             body=b'1\r\nx\r\n' * 1024 + b'0\r\n\r\n')):
            assert connection.send(data).reply().status == 200
        connection.goes_on()


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
