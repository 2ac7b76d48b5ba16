"""What is said of a folder without an index (design 4): a page that names what would be served."""

import html.parser
import os
import time
from urllib.parse import unquote

import pytest

from support.docroot import OLD, put
from support.facts import facts
from support.http import get, head, http_date

ODD_NAMES = [
    'plain.txt', 'with space.txt', '<script>alert(1)<script>', '" onclick="alert(1)', "it's.txt",
    'a&amp;b.txt', 'javascript:alert(1)', '100%.txt', '%41.txt', 'que?stion.txt', 'ha#sh.txt',
    '\\evil.example', 'line\r\nSet-Cookie: a=b', 'tab\there', '\u57fa\u7763\u5c71.txt',
    '\U0001f600.txt', b'latin-1-\xe9.txt', b'cut-\xc3', b'overlong-\xc0\xaf', b'\x7f\x1b[2J',
    '-l', '~tilde', 'n' * 255, '//'.replace('/', '\u2215'), '&lt;', '<table>', '<!--',
]


class Page(html.parser.HTMLParser):
    """The links of a page and their texts, the text of all of it, and its elements."""

    def __init__(self, text):
        super().__init__()
        self.links, self.elements, self.text = [], set(), ''
        self.open = False
        self.feed(text.decode('utf-8'))  # strictly: what is not UTF-8 is refused
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        assert all(not name.startswith('on') for name, _ in attributes)
        if tag == 'a':
            self.links.append([dict(attributes)['href'], ''])
        self.open = tag == 'a'

    def handle_endtag(self, tag):
        self.open = self.open and tag != 'a'

    def handle_data(self, data):
        self.text += data
        if self.open:
            self.links[-1][1] += data

    @property
    def targets(self):
        return [href for href, _ in self.links]


def listed(connection, path='/', *fields):
    reply = connection.send(get(path, *fields)).reply()
    assert reply.status == 200, reply.head
    assert reply['Content-Type'] == 'text/html; charset=utf-8'
    return Page(reply.body)


def test_folder_without_index_is_listed(server):
    with server.connect() as connection:
        page = listed(connection, '/bare/')
        assert page.links == [['../', '../'], ['one.txt', 'one.txt']]
        assert '/bare/' in page.text and '26' in page.text and '2001-09-09 01:46' in page.text
        connection.goes_on()


def test_folder_with_index_is_not(server):
    with server.connect() as connection:
        assert b'A folder' in connection.send(get('/sub/')).reply().body
        assert b'The book' in connection.send(get('/')).reply().body


def test_folder_without_slash_is_redirected_first(server):
    """RFC 3986 5.2: the links of a page hold only where its path ends in a slash."""
    with server.connect() as connection:
        reply = connection.send(get('/bare')).reply()
        assert reply.status == 301 and reply['Location'] == '/bare/'


@pytest.mark.parametrize('name', ODD_NAMES, ids=repr)
def test_every_name_is_text_and_leads_to_its_file(own, scratch, name):
    raw = os.fsencode(name)
    path = os.path.join(os.fsencode(scratch), raw)
    with open(path, 'wb') as file:
        file.write(raw)
    os.mkdir(os.path.join(os.fsencode(scratch), b'folder'))
    os.mkdir(os.path.join(os.fsencode(scratch), b'folder', raw))
    server = own(docroot=scratch)
    with server.connect() as connection:
        page = listed(connection)
        (_, _), (href, text) = page.links  # the folder, and the file
        assert unquote(href, 'latin-1').encode('latin-1') == raw
        assert href.replace('%', '').replace('~', '').replace('-', '').replace('.', '') \
            .replace('_', '').isalnum()
        shown = raw.decode('utf-8', 'replace')
        if shown.isprintable() and '\ufffd' not in shown:
            assert text == shown
        assert connection.send(get('/' + href)).reply().body == raw
        assert page.elements <= {'html', 'meta', 'title', 'style', 'h1', 'table', 'tr', 'th', 'td',
                                 'a', 'p', 'head', 'body', 'tbody'}
        inner = listed(connection, '/folder/')
        assert inner.targets == ['../', href + '/']
        deepest = listed(connection, '/folder/' + href + '/')  # its own name, in title and heading
        assert deepest.targets == ['../'] and 'script' not in deepest.elements


def test_entries_are_sorted(own, scratch):
    for name in ('b', 'a', 'C', '10', '9', 'folder-z/x', 'folder-a/x'):
        put(scratch / name, b'')
    server = own(docroot=scratch)
    with server.connect() as connection:
        assert listed(connection).targets == ['folder-a/', 'folder-z/', '10', '9', 'C', 'a', 'b']


def make_oddities(root):
    put(root / 'seen.txt', b'seen')
    put(root / '.hidden', b'secret')
    put(root / '.git/config', b'secret')
    put(root.parent / 'outside.txt', b'secret')
    os.mkfifo(root / 'fifo')
    for name, to in {'inside': 'seen.txt', 'out': '../outside.txt', 'absolute': '/etc/passwd',
                     'up': '..', 'nowhere': 'none', 'loop': 'loop', 'self': '.'}.items():
        (root / name).symlink_to(to)


def test_what_would_not_be_served_is_not_listed(own, scratch):
    make_oddities(scratch)
    server = own(docroot=scratch)
    with server.connect() as connection:
        assert listed(connection).targets == ['self/', 'inside', 'seen.txt']
        for name in listed(connection).targets:
            assert connection.send(get(f'/{name}')).reply().status == 200


def test_dotfiles_are_listed_when_asked_for(own, scratch):
    make_oddities(scratch)
    server = own('--dotfiles', docroot=scratch)
    with server.connect() as connection:
        assert listed(connection).targets == ['.git/', 'self/', '.hidden', 'inside', 'seen.txt']
        assert listed(connection, '/.git/').targets == ['../', 'config']


def test_hidden_folders_are_not_listed(own, scratch):
    make_oddities(scratch)
    put(scratch / '.well-known/open.txt', b'')
    put(scratch / '.well-known/.closed', b'')
    server = own(docroot=scratch)
    with server.connect() as connection:
        assert connection.send(get('/.git/')).reply().status == 404
        assert listed(connection, '/.well-known/').targets == ['../', 'open.txt']  # RFC 8615


@facts('path', [
    ('listing_of_nothing', '9110 15.5.5', '/none/'),
    ('listing_of_a_file', '3986 6.2.4', '/small.txt/'),
    ('listing_of_a_folder_linked_out', 'design 3', '/link-out-folder/'),
    ('listing_of_the_root_linked', 'design 3', '/link-out-root/'),
    ('listing_of_a_fifo', 'design 3', '/fifo/'),
    ('listing_of_an_encoded_slash', '3986 2.2', '/bare%2f'),
])
def test_what_is_no_folder_is_not_listed(server, path):
    with server.connect() as connection:
        reply = connection.send(get(path)).reply()
        assert reply.status in (400, 404), reply.head
        connection.goes_on()


def test_dots_list_nothing_above_the_root(own, scratch):
    put(scratch / 'sub/x', b'')
    put(scratch.parent / 'secret.txt', b'')
    server = own(docroot=scratch)
    with server.connect() as connection:
        for target in ('/..', '/../', '/%2e%2e/', '/sub/../../'):
            assert listed(connection, target).targets == ['sub/']


def test_fallback_stands_in_for_a_listing(shared):
    """design 2: it is served where no file matches."""
    server = shared('--fallback', 'novel.txt')
    with server.connect() as connection:
        assert connection.send(get('/bare/')).reply().body == b'the fallback\n'


def test_head_of_a_listing_is_get_without_its_body(server):
    with server.connect() as connection:
        whole = connection.send(get('/bare/')).reply()
        empty = connection.send(head('/bare/')).reply('HEAD')
        assert empty.except_date() == whole.except_date()
        assert int(empty['Content-Length']) == len(whole.body)
        connection.goes_on()


def test_listing_has_a_tag_and_no_date(server):
    """RFC 9110 8.8: nothing tells when what a folder holds was last changed in size or date."""
    with server.connect() as connection:
        reply = connection.send(get('/bare/')).reply()
        tag = reply['ETag']
        assert tag.startswith('"') and not reply.has('Last-Modified')
        for fields, status in (([f'If-None-Match: {tag}'], 304), (['If-None-Match: "x"'], 200),
                               ([f'If-Match: {tag}'], 200), (['If-Match: "x"'], 412),
                               ([f'If-Modified-Since: {http_date(time.time())}'], 200),
                               ([f'If-Unmodified-Since: {http_date(OLD)}'], 200),
                               ([f'If-Range: {tag}', 'Range: bytes=0-8'], 206),
                               ([f'If-Range: {http_date(OLD)}', 'Range: bytes=0-8'], 200)):
            again = connection.send(get('/bare/', *fields)).reply()
            assert again.status == status, fields
            if status == 206:
                assert again.body == reply.body[:9]
        connection.goes_on()


def test_listing_is_not_stale(own, scratch):
    server = own('--revalidate', '0', docroot=scratch)
    with server.connect() as connection:
        assert listed(connection).targets == []
        put(scratch / 'a', b'1234567')
        assert listed(connection).targets == ['a'] and '7' in listed(connection).text
        tag = connection.send(get('/')).reply()['ETag']
        with open(scratch / 'a', 'ab') as file:  # the folder's own date does not change
            file.write(b'8' * 1000)
        assert '1007' in listed(connection).text
        assert connection.send(get('/', f'If-None-Match: {tag}')).reply().status == 200
        (scratch / 'a').unlink()
        assert listed(connection).targets == []
        put(scratch / 'index.html', b'an index')
        assert connection.send(get('/')).reply().body == b'an index'
        (scratch / 'index.html').unlink()
        assert listed(connection).targets == []


def test_listing_is_trusted_for_as_long_as_it_was_asked_to_be(own, scratch):
    server = own('--revalidate', '200ms', docroot=scratch)
    with server.connect() as connection:
        assert listed(connection).targets == []
        put(scratch / 'a', b'')
        time.sleep(0.25)
        assert listed(connection).targets == ['a']


def fill(folder, names):
    """With entries of these names: links to one empty file, which cost a file system less than files."""
    first, *others = names
    put(folder / first, b'')
    for name in others:
        os.link(folder / first, folder / name)


def test_long_listing_is_cut_and_says_so(own, scratch):
    fill(scratch, [f'{number:05}' for number in range(5001)])
    server = own('--revalidate', '0', docroot=scratch)
    with server.connect() as connection:
        page = listed(connection)
        assert len(page.targets) == 5000 and page.targets == sorted(page.targets)
        assert 'only 5000 entries are listed' in page.text
        (scratch / page.targets[0]).unlink()
        page = listed(connection)
        assert len(page.targets) == 5000 and 'only' not in page.text
        connection.send(get('/') + head('/'))
        whole = connection.reply()
        assert connection.reply('HEAD').except_date() == whole.except_date()


def test_large_listing_is_bounded_in_bytes(own, scratch):
    fill(scratch, [f'{number:04}' + "'" * 251 for number in range(700)])
    server = own(docroot=scratch)
    with server.connect() as connection:
        reply = connection.send(get('/')).reply()
        assert len(reply.body) < (1 << 20) + 4096
        page = Page(reply.body)
        assert f'only {len(page.targets)} entries are listed' in page.text
        assert reply.body.endswith(b'</p>\n')


def test_many_listings_at_once(own, scratch):
    fill(scratch / 'many', [f'{number}.txt' for number in range(300)])
    server = own('--revalidate', '0', docroot=scratch)
    connections = [server.connect() for _ in range(30)]
    for connection in connections:
        connection.send(get('/many/') * 3)
    bodies = {connection.reply().body for connection in connections for _ in range(3)}
    assert len(bodies) == 1 and len(Page(bodies.pop()).targets) == 301
