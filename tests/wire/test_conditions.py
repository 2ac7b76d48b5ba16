"""Preconditions (RFC 9110 13): played against /thousand.bin, whose time is docroot.OLD."""

import os
import time

import pytest

from support.docroot import FILES, OLD, put
from support.facts import facts
from support.http import get, head, http_date, request

BEFORE, SAME, AFTER = http_date(OLD - 1), http_date(OLD), http_date(OLD + 1)
RFC850, ASCTIME = 'Sunday, 09-Sep-01 01:46:40 GMT', 'Sun Sep  9 01:46:40 2001'
RFC850_BEFORE, ASCTIME_BEFORE = 'Sunday, 09-Sep-01 01:46:39 GMT', 'Sun Sep  9 01:46:39 2001'



def two_digit_date(years_ahead):
    """The RFC 850 form of a day so many years from now."""
    return f'Monday, 01-Jan-{(time.gmtime().tm_year + years_ahead) % 100:02} 00:00:00 GMT'


# TAG stands for the entity tag of the file.
CASES = [
    ('none_match_of_the_tag', '9110 13.1.2', ['If-None-Match: TAG'], 304),
    ('none_match_of_the_tag_as_weak', '9110 13.1.2', ['If-None-Match: W/TAG'], 304),
    ('none_match_of_another_tag', '9110 13.1.2', ['If-None-Match: "other"'], 200),
    ('none_match_of_anything', '9110 13.1.2', ['If-None-Match: *'], 304),
    ('none_match_of_a_list_with_the_tag', '9110 13.1.2',
     ['If-None-Match: "a", W/"b", TAG, "c"'], 304),
    ('none_match_of_a_list_without_spaces', '9110 13.1.2', ['If-None-Match: "a",TAG,"c"'], 304),
    ('none_match_of_a_list_with_empty_members', '9110 5.6.1', ['If-None-Match: , ,"a", ,TAG'], 304),
    ('none_match_of_a_list_without_the_tag', '9110 13.1.2', ['If-None-Match: "a", "b"'], 200),
    ('none_match_on_two_lines', '9110 5.3', ['If-None-Match: "a"', 'If-None-Match: TAG'], 304),
    ('none_match_of_a_tag_with_a_comma_inside', '9110 8.8.3', ['If-None-Match: "a,b", TAG'], 304),
    ('none_match_of_the_tag_within_a_longer_one', '9110 8.8.3.2',
     ['If-None-Match: "xTAG_INSIDEx"'], 200),
    ('none_match_of_an_empty_tag', '9110 8.8.3', ['If-None-Match: ""'], 200),
    ('none_match_of_the_tag_as_weak_in_small_letters', '9110 8.8.3',
     ['If-None-Match: w/TAG'], 200),
    ('none_match_of_the_tag_in_other_letters', '9110 8.8.3.2',
     ['If-None-Match: TAG_SWAPPED'], 200),
    ('none_match_of_the_tag_between_tabs', '9110 5.6.3',
     ['If-None-Match:\t"a"\t,\tTAG\t'], 304),
    ('none_match_of_a_tag_with_a_backslash_before_the_tag', '9110 8.8.3',
     ['If-None-Match: "a\\", TAG'], 304),
    ('none_match_of_a_tag_with_a_comma_that_hides_the_tag', '9110 8.8.3',
     ['If-None-Match: "x,TAG_INSIDE"'], 200),
    ('none_match_of_anything_in_quotes', '9110 13.1.2', ['If-None-Match: "*"'], 200),
    ('none_match_of_the_tag_unquoted', '9110 8.8.3', ['If-None-Match: TAG_INSIDE'], 200),
    ('modified_since_before', '9110 13.1.3', [f'If-Modified-Since: {BEFORE}'], 200),
    ('modified_since_the_same_second', '9110 13.1.3', [f'If-Modified-Since: {SAME}'], 304),
    ('modified_since_after', '9110 13.1.3', [f'If-Modified-Since: {AFTER}'], 304),
    ('modified_since_in_rfc_850_form', '9110 5.6.7', [f'If-Modified-Since: {RFC850}'], 304),
    ('modified_since_before_in_rfc_850_form', '9110 5.6.7',
     [f'If-Modified-Since: {RFC850_BEFORE}'], 200),
    ('modified_since_in_asctime_form', '9110 5.6.7', [f'If-Modified-Since: {ASCTIME}'], 304),
    ('modified_since_before_in_asctime_form', '9110 5.6.7',
     [f'If-Modified-Since: {ASCTIME_BEFORE}'], 200),
    ('modified_since_a_day_of_two_digits_in_asctime_form', '9110 5.6.7',
     ['If-Modified-Since: Sun Sep 16 01:46:40 2001'], 304),
    ('modified_since_fifty_years_ahead_in_rfc_850_form', '9110 5.6.7',
     [f'If-Modified-Since: {two_digit_date(49)}'], 304),
    ('modified_since_what_seems_more_than_fifty_years_ahead_is_past', '9110 5.6.7',
     [f'If-Modified-Since: {two_digit_date(52)}'], 200),
    ('modified_since_a_leap_second', '9110 5.6.7',
     ['If-Modified-Since: Sat, 31 Dec 2016 23:59:60 GMT'], 304),
    ('modified_since_beyond_32_bits', '9110 5.6.7',
     ['If-Modified-Since: Tue, 19 Jan 2038 03:14:08 GMT'], 304),
    ('modified_since_beyond_33_bits', '9110 5.6.7',
     ['If-Modified-Since: Thu, 22 Mar 2525 09:42:23 GMT'], 304),
    ('modified_since_before_1970', '9110 5.6.7',
     ['If-Modified-Since: Wed, 31 Dec 1969 23:59:59 GMT'], 200),
    ('modified_since_in_small_letters', '9110 5.6.7', [f'If-Modified-Since: {SAME.lower()}'], 200),
    ('modified_since_in_utc', '9110 5.6.7',
     [f'If-Modified-Since: {SAME.replace("GMT", "UTC")}'], 200),
    ('modified_since_with_a_length_behind', '9110 13.1.3',
     [f'If-Modified-Since: {SAME}; length=1000'], 200),
    ('modified_since_in_quotes', '9110 13.1.3', [f'If-Modified-Since: "{SAME}"'], 200),
    ('modified_since_of_another_name', '9110 5.1', [f'If-Modified-Since2: {AFTER}'], 200),
    ('modified_since_no_date', '9110 13.1.3', ['If-Modified-Since: yesterday'], 200),
    ('modified_since_an_empty_date', '9110 13.1.3', ['If-Modified-Since:'], 200),
    ('modified_since_a_number', '9110 13.1.3', [f'If-Modified-Since: {OLD}'], 200),
    ('modified_since_the_32nd', '9110 13.1.3',
     ['If-Modified-Since: Sat, 32 Jan 2022 00:00:00 GMT'], 200),
    ('modified_since_hour_25', '9110 13.1.3',
     ['If-Modified-Since: Sat, 01 Jan 2022 25:00:00 GMT'], 200),
    ('modified_since_in_another_zone', '9110 5.6.7',
     ['If-Modified-Since: Sat, 01 Jan 2022 00:00:00 +0100'], 200),
    ('modified_since_two_dates', '9110 13.1.3', [f'If-Modified-Since: {AFTER}, {AFTER}'], 200),
    ('none_match_wins_over_modified_since_and_says_changed', '9110 13.1.3',
     ['If-None-Match: "other"', f'If-Modified-Since: {AFTER}'], 200),
    ('none_match_wins_over_modified_since_and_says_same', '9110 13.1.3',
     [f'If-Modified-Since: {BEFORE}', 'If-None-Match: TAG'], 304),
    ('match_of_the_tag', '9110 13.1.1', ['If-Match: TAG'], 200),
    ('match_of_anything', '9110 13.1.1', ['If-Match: *'], 200),
    ('match_of_a_list_with_the_tag', '9110 13.1.1', ['If-Match: "a", TAG'], 200),
    ('match_of_another_tag', '9110 13.1.1', ['If-Match: "other"'], 412),
    ('match_of_the_tag_as_weak', '9110 13.1.1', ['If-Match: W/TAG'], 412),
    ('match_of_a_list_without_the_tag', '9110 13.1.1', ['If-Match: "a", "b"'], 412),
    ('match_on_two_lines', '9110 5.3', ['If-Match: "a"', 'If-Match: TAG'], 200),
    ('match_of_a_tag_with_a_comma_inside', '9110 8.8.3', ['If-Match: "a,b", TAG'], 200),
    ('match_of_empty_members_and_the_tag', '9110 5.6.1', ['If-Match: , ,TAG,'], 200),
    ('match_of_no_tag', '9110 13.1.1', ['If-Match: TAG_INSIDE'], 412),
    ('match_of_anything_in_quotes', '9110 13.1.1', ['If-Match: "*"'], 412),
    ('unmodified_since_in_rfc_850_form', '9110 5.6.7',
     [f'If-Unmodified-Since: {RFC850_BEFORE}'], 412),
    ('unmodified_since_in_asctime_form', '9110 5.6.7',
     [f'If-Unmodified-Since: {ASCTIME_BEFORE}'], 412),
    ('unmodified_since_two_dates', '9110 13.1.4',
     [f'If-Unmodified-Since: {BEFORE}, {BEFORE}'], 200),
    ('unmodified_since_before', '9110 13.1.4', [f'If-Unmodified-Since: {BEFORE}'], 412),
    ('unmodified_since_the_same_second', '9110 13.1.4', [f'If-Unmodified-Since: {SAME}'], 200),
    ('unmodified_since_after', '9110 13.1.4', [f'If-Unmodified-Since: {AFTER}'], 200),
    ('unmodified_since_no_date', '9110 13.1.4', ['If-Unmodified-Since: yesterday'], 200),
    ('match_wins_over_unmodified_since', '9110 13.1.4',
     ['If-Match: TAG', f'If-Unmodified-Since: {BEFORE}'], 200),
    ('match_fails_before_none_match_is_asked', '9110 13.2.2',
     ['If-None-Match: TAG', 'If-Match: "other"'], 412),
    ('unmodified_since_fails_before_none_match_is_asked', '9110 13.2.2',
     ['If-None-Match: TAG', f'If-Unmodified-Since: {BEFORE}'], 412),
    ('match_holds_and_none_match_says_same', '9110 13.2.2',
     ['If-Match: TAG', 'If-None-Match: TAG'], 304),
    ('match_fails_before_modified_since_is_asked', '9110 13.2.2',
     [f'If-Modified-Since: {AFTER}', 'If-Match: "other"'], 412),
    ('unmodified_since_holds_and_modified_since_says_same', '9110 13.2.2',
     [f'If-Unmodified-Since: {SAME}', f'If-Modified-Since: {SAME}'], 304),
    ('all_four_hold', '9110 13.2.2',
     ['If-Match: TAG', f'If-Unmodified-Since: {BEFORE}', 'If-None-Match: "other"',
      f'If-Modified-Since: {AFTER}'], 200),
    ('if_range_is_asked_last', '9110 13.2.2',
     ['If-Match: TAG', 'If-None-Match: "other"', 'If-Range: TAG', 'Range: bytes=0-9'], 206),
    ('none_match_says_same_before_if_range_is_asked', '9110 13.2.2',
     ['If-None-Match: TAG', 'If-Range: "other"', 'Range: bytes=0-9'], 304),
    ('range_of_a_changed_file', '9110 13.2.2', ['If-None-Match: "other"', 'Range: bytes=0-9'], 206),
    ('range_of_an_unchanged_file', '9110 13.2.2', ['If-None-Match: TAG', 'Range: bytes=0-9'], 304),
    ('range_beyond_the_end_of_an_unchanged_file', '9110 13.2.2',
     ['If-None-Match: TAG', 'Range: bytes=5000-'], 304),
    ('range_with_a_failed_match', '9110 13.2.2', ['If-Match: "other"', 'Range: bytes=0-9'], 412),
    ('range_with_a_match', '9110 13.2.2', ['If-Match: TAG', 'Range: bytes=0-9'], 206),
    ('if_range_of_the_tag', '9110 13.1.5', ['If-Range: TAG', 'Range: bytes=0-9'], 206),
    ('if_range_of_another_tag', '9110 13.1.5', ['If-Range: "other"', 'Range: bytes=0-9'], 200),
    ('if_range_of_the_tag_as_weak', '9110 13.1.5', ['If-Range: W/TAG', 'Range: bytes=0-9'], 200),
    ('if_range_of_the_date', '9110 13.1.5', [f'If-Range: {SAME}', 'Range: bytes=0-9'], 206),
    ('if_range_of_the_date_in_rfc_850_form', '9110 5.6.7',
     [f'If-Range: {RFC850}', 'Range: bytes=0-9'], 206),
    ('if_range_of_the_date_in_asctime_form', '9110 5.6.7',
     [f'If-Range: {ASCTIME}', 'Range: bytes=0-9'], 206),
    ('if_range_of_two_tags', '9110 13.1.5', ['If-Range: TAG, TAG', 'Range: bytes=0-9'], 200),
    ('if_range_of_anything', '9110 13.1.5', ['If-Range: *', 'Range: bytes=0-9'], 200),
    ('if_range_of_the_tag_unquoted', '9110 13.1.5',
     ['If-Range: TAG_INSIDE', 'Range: bytes=0-9'], 200),
    ('if_range_of_the_tag_and_a_unit_unknown', '9110 14.2',
     ['If-Range: TAG', 'Range: items=0-9'], 200),
    ('if_range_of_an_earlier_date', '9110 13.1.5',
     [f'If-Range: {BEFORE}', 'Range: bytes=0-9'], 200),
    ('if_range_of_a_later_date', '9110 13.1.5', [f'If-Range: {AFTER}', 'Range: bytes=0-9'], 200),
    ('if_range_of_no_date', '9110 13.1.5', ['If-Range: yesterday', 'Range: bytes=0-9'], 200),
    ('if_range_of_another_tag_and_a_range_beyond_the_end', '9110 13.1.5',
     ['If-Range: "other"', 'Range: bytes=5000-'], 200),
    ('if_range_of_the_tag_and_a_range_beyond_the_end', '9110 13.1.5',
     ['If-Range: TAG', 'Range: bytes=5000-'], 416),
    ('if_range_without_range', '9110 13.1.5', ['If-Range: "other"'], 200),
]


def filled(server, fields):
    with server.connect() as connection:
        tag = connection.send(head('/thousand.bin')).reply('HEAD')['ETag']
    return [field.replace('TAG_INSIDE', tag[1:-1]).replace('TAG_SWAPPED', tag.swapcase())
            .replace('TAG', tag) for field in fields]


@facts('fields, status', CASES)
def test_condition(server, fields, status):
    with server.connect() as connection:
        reply = connection.send(get('/thousand.bin', *filled(server, fields))).reply()
        assert reply.status == status, reply.head
        if status == 200:
            assert reply.body == FILES['thousand.bin']
        elif status == 206:
            assert reply.body == FILES['thousand.bin'][:10]
        connection.goes_on()


@facts('fields, status', [(f'head_{fact}', section, fields, status)
                          for fact, section, fields, status in CASES if 'range' not in fact])
def test_condition_of_head(server, fields, status):
    """RFC 9110 13.2: the same outcome as for GET."""
    with server.connect() as connection:
        reply = connection.send(head('/thousand.bin', *filled(server, fields))).reply('HEAD')
        assert reply.status == status
        connection.goes_on()


ELSEWHERE = [
    ('match_of_anything_where_nothing_is', '9110 13.2.1',
     get('/no-such-file', 'If-Match: *'), {404, 412}),
    ('none_match_of_anything_where_nothing_is', '9110 13.2.1',
     get('/no-such-file', 'If-None-Match: *'), {404}),
    ('unmodified_since_where_nothing_is', '9110 13.2.1',
     get('/no-such-file', f'If-Unmodified-Since: {BEFORE}'), {404}),
    ('modified_since_of_a_redirect', '9110 13.2.1',
     get('/sub', f'If-Modified-Since: {AFTER}'), {301, 308}),
    ('match_of_a_method_not_allowed', '9110 13.2.1',
     request('POST', '/thousand.bin', 'If-Match: "no"'), {405}),
    ('none_match_of_a_method_not_allowed', '9110 13.2.1',
     request('DELETE', '/thousand.bin', 'If-None-Match: *'), {405}),
    ('match_of_options', '9110 13.2.1',
     request('OPTIONS', '/thousand.bin', 'If-Match: "no"'), {200, 204}),
    ('match_of_trace', '9110 13.2.1', request('TRACE', '/thousand.bin', 'If-Match: "no"'), {405}),
    ('match_of_a_redirect', '9110 13.2.1', get('/sub', 'If-Match: "no"'), {301, 308}),
    ('match_where_nothing_is', '9110 13.2.1', get('/no-such-file', 'If-Match: "no"'), {404, 412}),
    ('range_where_nothing_is', '9110 14.2', get('/no-such-file', 'Range: bytes=0-'), {404}),
    ('range_of_a_redirect', '9110 14.2', get('/sub', 'Range: bytes=0-0'), {301, 308}),
    ('range_of_options', '9110 14.2', request('OPTIONS', '/thousand.bin', 'Range: bytes=0-0'),
     {200, 204}),
    ('range_of_a_method_not_allowed', '9110 14.2',
     request('PUT', '/thousand.bin', 'Range: bytes=0-0'), {405}),
    ('content_range_of_a_method_not_allowed', '9110 14.5',
     request('PUT', '/thousand.bin', 'Content-Range: bytes 0-4/1000', 'Content-Length: 5',
             body=b'hello'), {400, 405}),
    ('modified_since_of_options', '9110 13.1.3',
     request('OPTIONS', '/thousand.bin', f'If-Modified-Since: {AFTER}'), {200, 204}),
    ('modified_since_of_an_index', '9110 13.1.3', get('/', f'If-Modified-Since: {AFTER}'), {304}),
]


@facts('data, statuses', ELSEWHERE)
def test_condition_elsewhere(server, data, statuses):
    with server.connect() as connection:
        assert connection.send(data).reply(data.split()[0].decode()).status in statuses


@pytest.mark.parametrize('field', ['If-Modified-Since', 'If-None-Match'])
def test_304_has_no_body_even_for_a_large_file(server, field):
    """RFC 9110 15.4.5: the next reply follows the head at once."""
    with server.connect() as connection:
        value = SAME if field == 'If-Modified-Since' else '*'
        connection.send(get('/sizes/1048577.bin', f'{field}: {value}') + get('/small.txt'))
        assert connection.reply().status == 304
        assert connection.reply().body == FILES['small.txt']


def test_date_of_this_second_is_not_strong(own, scratch):
    """RFC 9110 8.8.2.2: a file may change twice within the second of its Last-Modified."""
    server = own('--revalidate', '0', docroot=scratch)
    put(scratch / 'young.bin', b'0123456789')
    for _ in range(5):
        now = int(time.time())
        os.utime(scratch / 'young.bin', (now, now))
        with server.connect() as connection:
            reply = connection.send(get('/young.bin', f'If-Range: {http_date(now)}',
                                        'Range: bytes=0-4')).reply()
        if reply['Date'] == http_date(now):
            assert reply.status == 200 and reply.body == b'0123456789'
            return
    pytest.skip('no reply came within the second of its file')
