"""From a target to a file: names, folders, redirects, and no way out of the docroot."""

import os
import socket
import stat
from urllib.parse import quote, urlsplit

import pytest

from support.docroot import FILES, put
from support.facts import facts
from support.http import get, request

SECRET = b'secret'

# target, the file it names
NAMES = [
    ('plain_name', '9112 3.2.1', '/small.txt', 'small.txt'),
    ('name_in_folders', '9112 3.2.1', '/deep/er/still/file.txt', 'deep/er/still/file.txt'),
    ('encoded_letter', '3986 2.3', '/%73mall.txt', 'small.txt'),
    ('everything_encoded', '3986 2.3', '/%73%6d%61%6C%6c%2E%74%78%74', 'small.txt'),
    ('space', '3986 2.1', '/with%20space.txt', 'with space.txt'),
    ('percent', '3986 2.4', '/percent%2541.txt', 'percent%41.txt'),
    ('plus_is_plus', '3986 2.2', '/plus+sign.txt', 'plus+sign.txt'),
    ('encoded_plus', '3986 2.1', '/plus%2Bsign.txt', 'plus+sign.txt'),
    ('encoded_question_mark', '3986 2.1', '/que%3Fstion.txt', 'que?stion.txt'),
    ('encoded_number_sign', '3986 2.1', '/ha%23sh.txt', 'ha#sh.txt'),
    ('semicolon', '3986 3.3', '/semi;colon.txt', 'semi;colon.txt'),
    ('tilde_and_quote', '3986 3.3', "/tilde~and'quote.txt", "tilde~and'quote.txt"),
    ('encoded_backslash', '3986 2.1', '/back%5Cslash.txt', 'back\\slash.txt'),
    ('utf_8', '3986 2.5', '/Dant%C3%A8s.txt', 'Dant\u00e8s.txt'),
    ('utf_8_in_small_hex', '3986 2.1', '/dant%c3%a8s.txt'.replace('d', 'D', 1), 'Dant\u00e8s.txt'),
    ('utf_8_of_three_bytes', '3986 2.5',
     '/' + quote('\u57fa\u7763\u5c71.txt'), '\u57fa\u7763\u5c71.txt'),
    ('query', '3986 3.4', '/small.txt?chapter=1', 'small.txt'),
    ('empty_query', '3986 3.4', '/small.txt?', 'small.txt'),
    ('query_with_question_mark', '3986 3.4', '/small.txt?a?b', 'small.txt'),
    ('query_with_slashes', '3986 3.4', '/small.txt?/../..//x', 'small.txt'),
    ('query_with_escapes', '3986 3.4', '/small.txt?%2e%2e%2f%00', 'small.txt'),
    ('single_dot', '3986 5.2.4', '/./small.txt', 'small.txt'),
    ('encoded_single_dot', '3986 5.2.4', '/%2e/small.txt', 'small.txt'),
    ('many_single_dots', '3986 5.2.4', '/././sub/./page.txt', 'sub/page.txt'),
    ('two_dots_inside', '3986 5.2.4', '/sub/../small.txt', 'small.txt'),
    ('encoded_two_dots_inside', '3986 5.2.4', '/sub/%2e%2E/small.txt', 'small.txt'),
    ('two_dots_behind_nothing', '3986 5.2.4', '/no-such-folder/../small.txt', 'small.txt'),
    ('two_dots_at_the_root_stay_there', '3986 5.2.4', '/../small.txt', 'small.txt'),
    ('many_two_dots_stay_at_the_root', '3986 5.2.4', '/../../../../small.txt', 'small.txt'),
    ('two_dots_in_a_name', '3986 5.2.4', '/dots..inside.txt', 'dots..inside.txt'),
    ('dot_behind_a_name', '3986 5.2.4', '/trailing./dot.txt', 'trailing./dot.txt'),
    ('two_slashes', '3986 3.3', '//small.txt', 'small.txt'),
    ('two_slashes_inside', '3986 3.3', '/sub//page.txt', 'sub/page.txt'),
    ('many_slashes', '3986 3.3', '////sub////page.txt', 'sub/page.txt'),
    ('root', '9112 3.2.1', '/', 'index.html'),
    ('root_with_query', '9112 3.2.1', '/?x', 'index.html'),
    ('folder', '9112 3.2.1', '/sub/', 'sub/index.html'),
    ('index_by_name', '9112 3.2.1', '/sub/index.html', 'sub/index.html'),
    ('folder_up_to_root', '3986 5.2.4', '/sub/..', 'index.html'),
    ('folder_up_to_root_with_slash', '3986 5.2.4', '/sub/../', 'index.html'),
    ('folder_itself', '3986 5.2.4', '/sub/.', 'sub/index.html'),
    ('absolute_form', '9112 3.2.2', 'http://t/small.txt', 'small.txt'),
    ('absolute_form_of_https', '9112 3.2.2', 'https://t/small.txt', 'small.txt'),
    ('absolute_form_in_capitals', '3986 3.1', 'HTTP://T/small.txt', 'small.txt'),
    ('absolute_form_with_port', '9112 3.2.2', 'http://t:8080/small.txt', 'small.txt'),
    ('absolute_form_of_another_host_than_host', '9112 3.2.2',
     'http://other/small.txt', 'small.txt'),
    ('absolute_form_of_a_v6_address', '9112 3.2.2', 'http://[::1]:80/small.txt', 'small.txt'),
    ('absolute_form_without_path', '9112 3.2.2', 'http://t', 'index.html'),
    ('absolute_form_with_query_alone', '9112 3.2.2', 'http://t?x', 'index.html'),
    ('absolute_form_with_query', '9112 3.2.2', 'http://t/small.txt?x', 'small.txt'),
    ('link_inside', 'design 3', '/link-inside.txt', 'small.txt'),
    ('link_to_a_folder_inside', 'design 3', '/link-inside-folder/page.txt', 'sub/page.txt'),
    ('link_upwards_inside', 'design 3', '/sub/link-up.txt', 'small.txt'),
    ('well_known', '8615 3', '/.well-known/security.txt', '.well-known/security.txt'),
]


@facts('target, name', NAMES)
def test_target_names_a_file(server, target, name):
    with server.connect() as connection:
        reply = connection.send(get(target)).reply()
        assert (reply.status, reply.body) == (200, FILES[name]), reply.head
        connection.goes_on()


NOTHING = [
    ('no_such_file', '9110 15.5.5', '/no-such-file'),
    ('no_such_folder', '9110 15.5.5', '/no-such-folder/file'),
    ('name_of_another_case', '3986 6.2.2.1', '/SMALL.txt'),
    ('file_with_slash', '3986 6.2.4', '/small.txt/'),
    ('file_as_a_folder', '9110 15.5.5', '/small.txt/x'),
    ('file_as_a_folder_of_dots', '9110 15.5.5', '/sub/page.txt/x/y'),
    ('name_with_space_behind', '3986 2.1', '/small.txt%20'),
    ('name_with_dot_behind', '3986 2.3', '/small.txt.'),
    ('name_decoded_twice', '3986 2.4', '/%2573mall.txt'),
    ('name_in_latin_1', '3986 2.5', '/Dant%E8s.txt'),
    ('overlong_utf_8', '3629 3', '/%C1%B3mall.txt'),
    ('encoded_line_end', '3986 2.1', '/small.txt%0d%0aX:%20y'),
    ('very_long_name', '9110 15.5.5', '/' + 'n' * 300),
    ('name_longer_than_any_path', '9110 15.5.5', '/' + 'n/' * 2500),
    ('dotfile', 'design 2', '/.hidden'),
    ('encoded_dotfile', 'design 2', '/%2ehidden'),
    ('file_in_a_dotted_folder', 'design 2', '/.git/config'),
    ('dotfile_in_a_folder', 'design 2', '/sub/.env'),
    ('dotfile_behind_dots', 'design 2', '/sub/./.env'),
    ('dotted_folder_without_slash', 'design 2', '/.git'),
    ('dotted_folder', 'design 2', '/.git/'),
    ('name_of_two_dots_and_more', 'design 2', '/..double'),
    ('three_dots', '3986 5.2.4', '/.../small.txt'),
    ('link_nowhere', 'design 3', '/link-nowhere.txt'),
    ('link_to_itself', 'design 3', '/link-self'),
    ('links_in_a_circle', 'design 3', '/link-loop-a'),
    ('link_out_absolute', 'design 3', '/link-out-absolute.txt'),
    ('link_out_relative', 'design 3', '/link-out-relative.txt'),
    ('file_in_a_folder_linked_out', 'design 3', '/link-out-folder/secret.txt'),
    ('folder_linked_out', 'design 3', '/link-out-folder/'),
    ('folder_linked_out_without_slash', 'design 3', '/link-out-folder'),
    ('file_in_a_sibling_linked_out', 'design 3', '/link-out-sibling/secret.txt'),
    ('etc_passwd_by_a_link_to_the_root', 'design 3', '/link-out-root/etc/passwd'),
    ('link_out_and_back', 'design 3', '/link-out-and-back.txt'),
    ('link_into_proc', 'design 3', '/link-proc'),
    ('up_from_a_folder_linked_out', 'design 3', '/link-out-folder/%2e%2e/outside/secret.txt'),
]


@facts('target', NOTHING)
def test_target_names_nothing(server, target):
    with server.connect() as connection:
        reply = connection.send(get(target)).reply()
        assert reply.status == 404, reply.head
        assert SECRET not in reply.body and b'root:' not in reply.body
        connection.goes_on()


# Every spelling of a way out that a server was once seen to take. Some are malformed, some name
# nothing; none may get out.
ESCAPES = [
    ('dots', '3986 5.2.4', '/../outside/secret.txt'),
    ('many_dots', '3986 5.2.4', '/' + '../' * 20 + 'etc/passwd'),
    ('dots_from_a_folder', '3986 5.2.4', '/sub/../../outside/secret.txt'),
    ('encoded_dots', '3986 2.1', '/%2e%2e/outside/secret.txt'),
    ('encoded_dots_in_capitals', '3986 2.1', '/%2E%2E/outside/secret.txt'),
    ('half_encoded_dots', '3986 2.1', '/.%2e/outside/secret.txt'),
    ('other_half_encoded_dots', '3986 2.1', '/%2e./outside/secret.txt'),
    ('encoded_slash', '3986 2.2', '/..%2foutside/secret.txt'),
    ('encoded_slash_in_capitals', '3986 2.2', '/..%2Foutside%2Fsecret.txt'),
    ('dots_and_slash_encoded', '3986 2.2', '/%2e%2e%2foutside/secret.txt'),
    ('encoded_slash_first', '3986 2.2', '/%2fetc/passwd'),
    ('encoded_slash_alone', '3986 2.2', '/%2f'),
    ('encoded_slash_from_a_folder', '3986 2.2', '/sub%2f..%2f..%2foutside/secret.txt'),
    ('encoded_twice', '3986 2.4', '/%252e%252e/outside/secret.txt'),
    ('encoded_slash_twice', '3986 2.4', '/..%252foutside/secret.txt'),
    ('backslash', '3986 2.2', '/..\\outside\\secret.txt'),
    ('encoded_backslash', '3986 2.2', '/..%5coutside%5csecret.txt'),
    ('backslash_first', '3986 2.2', '/\\..\\outside\\secret.txt'),
    ('overlong_dots', '3629 3', '/%c0%ae%c0%ae/outside/secret.txt'),
    ('overlong_slash', '3629 3', '/..%c0%afoutside/secret.txt'),
    ('overlong_backslash', '3629 3', '/..%c1%9coutside/secret.txt'),
    ('fullwidth_dots', '3986 2.5', '/%ef%bc%8e%ef%bc%8e/outside/secret.txt'),
    ('percent_u_dots', '3986 2.1', '/%u002e%u002e/outside/secret.txt'),
    ('nul_behind_dots', '3986 7.3', '/..%00/outside/secret.txt'),
    ('dots_behind_a_file', '3986 5.2.4', '/small.txt/../../outside/secret.txt'),
    ('dots_behind_nothing', '3986 5.2.4', '/no/such/../../../outside/secret.txt'),
    ('dots_behind_empty_segments', '3986 5.2.4', '//..//..//outside/secret.txt'),
    ('dots_with_semicolon', '3986 3.3', '/..;/outside/secret.txt'),
    ('dots_with_space', '3986 2.1', '/..%20/outside/secret.txt'),
    ('dots_with_tab', '3986 2.1', '/..%09/outside/secret.txt'),
    ('four_dots', '3986 5.2.4', '/..../outside/secret.txt'),
    ('dots_at_the_end', '3986 5.2.4', '/..'),
    ('dots_and_slash_at_the_end', '3986 5.2.4', '/../'),
    ('sibling_by_prefix', 'design 3', '/../docroot-sibling/secret.txt'),
    ('absolute_path', 'design 3', '//etc/passwd'),
    ('absolute_form_with_dots', '9112 3.2.2', 'http://t/../outside/secret.txt'),
    ('absolute_form_with_dots_as_host', '9112 3.2.2', 'http://../outside/secret.txt'),
    ('absolute_form_with_encoded_dots', '9112 3.2.2', 'http://t/%2e%2e/outside/secret.txt'),
    ('query_with_dots', '3986 3.4', '/no-such-file?/../../outside/secret.txt'),
]


@facts('target', ESCAPES)
def test_no_way_out(server, target):
    with server.connect() as connection:
        reply = connection.send(get(target)).reply()
        assert SECRET not in reply.body and b'root:' not in reply.body
        assert reply.status in (200, 400, 404)
        if reply.status == 200:  # the root itself, where dots that climb stay (RFC 3986 5.2.4)
            assert reply.body == FILES['index.html']


@facts('path', [(f'{fact}_as_a_path', section, path) for fact, section, path in (
    ('encoded_slash_in_a_name', '3986 2.2', '/sub%2fpage.txt'),
    ('encoded_slash_behind_a_folder', '3986 2.2', '/sub%2F'))])
def test_encoded_slash_is_no_slash(server, path):
    """RFC 3986 2.2: an escaped delimiter is data; no file can have it in its name."""
    with server.connect() as connection:
        assert connection.send(get(path)).reply().status in (400, 404)


# folder, Location; %23 and the like have to stay encoded
REDIRECTS = [
    ('folder', '9110 15.4.2', '/sub', '/sub/'),
    ('folder_in_folders', '9110 15.4.2', '/deep/er', '/deep/er/'),
    ('folder_with_query', '9110 15.4.2', '/sub?a=b&c', '/sub/?a=b&c'),
    ('folder_with_a_space', '9110 10.2.2', '/with%20space', '/with%20space/'),
    ('folder_in_utf_8', '9110 10.2.2', '/ch%C3%A2teau', '/ch%C3%A2teau/'),
    ('folder_by_absolute_form', '9112 3.2.2', 'http://t/sub', '/sub/'),
    ('folder_by_absolute_form_of_another_host', '9112 3.2.2', 'http://evil.example/sub?x',
     '/sub/?x'),
    ('folder_behind_two_slashes', '3986 4.2', '//sub', '/sub/'),
    ('folder_behind_many_slashes', '3986 4.2', '////sub', '/sub/'),
    ('folder_behind_dots', '3986 5.2.4', '/./sub/../sub', '/sub/'),
    ('folder_of_a_backslash', '3986 4.2', '/%5Cevil.example', '/%5Cevil.example/'),
    ('folder_of_a_raw_backslash', '3986 4.2', '/\\evil.example', '/%5Cevil.example/'),
    ('folder_of_a_line_end', '9110 5.5', '/line%0D%0AEvil:%20yes', '/line%0D%0AEvil%3A%20yes/'),
    ('host_behind_two_slashes', '3986 4.2', '//evil.example', '/evil.example/'),
    ('host_behind_many_slashes', '3986 4.2', '/////evil.example', '/evil.example/'),
    ('host_behind_two_slashes_and_a_query', '3986 4.2', '//evil.example?x', '/evil.example/?x'),
    ('host_behind_a_dot', '3986 5.2.4', '/.//evil.example', '/evil.example/'),
    ('host_behind_an_encoded_dot', '3986 5.2.4', '/%2e//evil.example', '/evil.example/'),
    ('host_behind_dots', '3986 5.2.4', '/x/..//evil.example', '/evil.example/'),
    ('host_behind_dots_at_the_root', '3986 5.2.4', '/..//evil.example', '/evil.example/'),
    ('host_behind_a_folder', '3986 4.2', '/sub//evil.example', '/sub/evil.example/'),
    ('host_in_absolute_form', '9112 3.2.2', 'http://t//evil.example', '/evil.example/'),
    ('host_of_an_absolute_form', '9112 3.2.2', 'http://evil.example/sub', '/sub/'),
    ('query_that_looks_like_a_host', '3986 3.4', '/sub?//evil.example', '/sub/?//evil.example'),
    ('link_to_a_folder', 'design 3', '/link-inside-folder', '/link-inside-folder/'),
]


@facts('target, location', REDIRECTS)
def test_folder_is_redirected_to_its_slash(server, target, location):
    with server.connect() as connection:
        reply = connection.send(get(target)).reply()
        assert reply.status in (301, 308), reply.head
        assert not reply.has('Evil')
        assert not reply['Location'].startswith('//') and '\\' not in reply['Location']
        parts = urlsplit(reply['Location'])
        assert parts.netloc in ('', 't')  # this server, by its own name or by none
        went = parts.path + ('?' + parts.query if parts.query else '')
        assert went.upper() == location.upper()
        after = connection.send(get(reply['Location'])).reply()
        assert after.status in (200, 403, 404)


@facts('target', [
    ('other_host_by_two_slashes', '3986 4.2', '//evil.example/%2e%2e'),
    ('other_host_by_dots', '3986 4.2', '//evil.example/..'),
    ('other_host_by_two_slashes_and_folder', '3986 4.2', '//evil.example/../sub'),
    ('other_host_by_encoded_slash', '3986 4.2', '/%2Fevil.example/../sub'),
    ('other_host_by_backslash', '3986 4.2', '/\\evil.example/../sub'),
    ('other_host_by_absolute_form', '3986 4.2', 'http://t//evil.example/../sub'),
    ('other_host_by_tab', '3986 4.2', '/%09/evil.example/../../sub'),
    ('other_host_by_two_encoded_slashes', '3986 2.2', '/%2f%2fevil.example'),
    ('other_host_by_encoded_slashes_in_capitals', '3986 2.2', '/%2F%2Fevil.example/'),
    ('other_host_by_encoded_slash_behind_a_slash', '3986 2.2', '//%2fevil.example'),
    ('other_host_by_encoded_backslashes', '3986 4.2', '/%5c%5cevil.example'),
    ('other_host_by_slash_and_backslash', '3986 4.2', '//\\evil.example'),
    ('other_host_by_backslash_and_slash', '3986 4.2', '/\\/evil.example'),
    ('other_host_by_userinfo', '3986 3.2.1', 'http://t@evil.example/sub'),
    ('other_host_by_port', '3986 3.2', '//evil.example:80/sub/..'),
    ('other_host_by_semicolon', '3986 3.3', '/;//evil.example'),
    ('other_host_by_at', '3986 3.3', '/@evil.example'),
])
def test_redirect_never_leads_to_another_host(server, target):
    with server.connect() as connection:
        reply = connection.send(get(target)).reply()
        if reply.has('Location'):
            location = reply['Location']
            assert not location.startswith(('//', '/\\', '\\')), location
            assert 'evil' not in urlsplit(location).netloc
        else:
            assert reply.status in (200, 400, 404)


def test_dotfiles_are_served_when_asked_for(shared):
    server = shared('--dotfiles')
    with server.connect() as connection:
        assert connection.send(get('/.hidden')).reply().body == FILES['.hidden']
        assert connection.send(get('/.git/config')).reply().body == FILES['.git/config']


def test_dots_climb_nowhere_even_with_dotfiles(shared):
    server = shared('--dotfiles')
    with server.connect() as connection:
        for target in ('/../outside/secret.txt', '/%2e%2e/outside/secret.txt', '/..',
                       '/sub/../../outside'):
            assert SECRET not in connection.send(get(target)).reply().body


SPECIAL = [
    ('fifo', 'design 3', lambda path: os.mkfifo(path)),
    ('socket', 'design 3', lambda path: socket.socket(socket.AF_UNIX).bind(str(path))),
    ('device', 'design 3', lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))),
    ('index_that_is_a_fifo', 'design 3',
     lambda path: (path.mkdir(), os.mkfifo(path / 'index.html'))),
    ('index_that_is_a_folder', 'design 3', lambda path: (path / 'index.html').mkdir(parents=True)),
]


@facts('create', SPECIAL)
def test_only_regular_files_are_served(own, tmp_path_factory, create):
    root = tmp_path_factory.mktemp('s')  # a short path: a socket's name has 107 bytes
    put(root / 'small.txt', b'here\n')
    try:
        create(root / 'odd')
    except PermissionError:
        pytest.skip('a device needs root')
    server = own(docroot=root)
    with server.connect() as connection:
        reply = connection.send(get('/odd')).reply()
        assert reply.status in (301, 308, 404), reply.head
        reply = connection.send(get('/odd/')).reply()
        if reply.status == 200:  # a folder without an index that can be served is listed
            assert b'index.html' not in reply.body and stat.S_ISDIR((root / 'odd').stat().st_mode)
            assert connection.send(get('/odd/index.html')).reply().status == 404
        else:
            assert reply.status in (301, 308, 404), reply.head
        assert connection.goes_on().body == b'here\n'


def test_fifo_never_hangs_many(server):
    """More requests than there are file helpers, and a plain one behind them."""
    stuck = [server.connect() for _ in range(20)]
    for connection in stuck:
        connection.send(get('/fifo'))
    with server.connect() as connection:
        connection.goes_on()
    for connection in stuck:
        assert connection.reply().status in (403, 404)


def test_unreadable_file_is_403_or_404(own, scratch):
    """RFC 9110 15.5.4 lets a server hide what it forbids. Root reads everything, so the server
    runs as nobody."""
    put(scratch / 'small.txt', b'here\n')
    put(scratch / 'closed.txt', SECRET)
    put(scratch / 'closed/page.txt', SECRET)
    (scratch / 'closed.txt').chmod(0)
    (scratch / 'closed').chmod(0)
    user = None
    if os.geteuid() == 0:
        user = 65534
        for folder in (scratch, *scratch.parents):
            if str(folder) not in ('/', '/tmp') and folder.stat().st_uid == 0:
                folder.chmod(folder.stat().st_mode | 0o755)
    try:
        server = own(docroot=scratch, user=user)
    except OSError:
        pytest.skip('nobody may not run the server from this folder')
    with server.connect() as connection:
        for path in ('/closed.txt', '/closed/page.txt', '/closed/'):
            assert connection.send(get(path)).reply().status in (403, 404)
        connection.goes_on()


FALLBACK = [
    ('no_such_file', 'design 2', '/no-such-file'),
    ('number', 'design 2', '/17'),
    ('folders_that_are_not', 'design 2', '/no/such/path'),
    ('with_query', 'design 2', '/anything?x=1'),
    ('escaped_name', 'design 2', '/any%20thing'),
]


@facts('target', [(f'fallback_for_{fact}', section, target) for fact, section, target in FALLBACK])
def test_fallback_stands_in(shared, target):
    server = shared('--fallback', 'novel.txt')
    with server.connect() as connection:
        reply = connection.send(get(target)).reply()
        assert (reply.status, reply.body) == (200, FILES['novel.txt'])
        plain = connection.send(get('/novel.txt')).reply()
        assert plain['ETag'] == reply['ETag'] and plain['Content-Type'] == reply['Content-Type']


def test_fallback_may_begin_with_a_slash(shared):
    server = shared('--fallback', '/novel.txt')
    with server.connect() as connection:
        assert connection.send(get('/17')).reply().body == FILES['novel.txt']


def test_fallback_leaves_files_alone(shared):
    server = shared('--fallback', 'novel.txt')
    with server.connect() as connection:
        assert connection.goes_on().body == FILES['small.txt']
        assert connection.send(get('/')).reply().body == FILES['index.html']
        assert connection.send(get('/sub')).reply().status in (301, 308)


def test_fallback_is_no_way_round_refusals(shared):
    server = shared('--fallback', 'novel.txt')
    with server.connect() as connection:
        assert connection.send(request('POST', '/17')).reply('POST').status == 405
        for target in ('/.hidden', '/link-out-absolute.txt', '/../outside/secret.txt',
                       '/link-out-root/etc/passwd'):
            assert SECRET not in connection.send(get(target)).reply().body


def test_fallback_has_ranges_and_conditions(shared):
    server = shared('--fallback', 'novel.txt')
    with server.connect() as connection:
        assert connection.send(get('/17', 'Range: bytes=4-11')).reply().body == b'fallback'
        assert connection.send(get('/17', 'If-None-Match: *')).reply().status == 304


def test_without_fallback_nothing_stands_in(shared):
    server = shared('--no-fallback')
    with server.connect() as connection:
        assert connection.send(get('/17')).reply().status == 404


def test_file_below_a_link_swapped_for_one_leading_out_is_not_served(own, scratch):
    """RESOLVE_BENEATH is asked of the kernel at the moment of opening, not before."""
    put(scratch / 'docroot/folder/file.txt', b'inside\n')
    put(scratch / 'outside/file.txt', SECRET)
    folder = scratch / 'docroot' / 'folder'
    server = own('--revalidate', '0', docroot=scratch / 'docroot')
    with server.connect() as connection:
        assert connection.send(get('/folder/file.txt')).reply().body == b'inside\n'
        folder.rename(scratch / 'docroot' / 'kept')
        folder.symlink_to('../outside')
        assert connection.send(get('/folder/file.txt')).reply().status == 404
        assert connection.send(get('/kept/file.txt')).reply().body == b'inside\n'
