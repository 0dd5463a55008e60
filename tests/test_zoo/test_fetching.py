import errno
import hashlib
import io
import shutil
import socket
import threading
from types import SimpleNamespace

import pytest

from df2mm.zoo import FetchError, fetch, fetching, sha256_of

DATA = bytes(range(256)) * 2000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def get(server, tmp_path):
    """Fetch from the server, with no patience."""
    def get(source=None, **options):
        options = dict(timeout=5, tries=2, pause=0, show_progress=False) | options
        return fetch(source or f'{server.url}/m/file', tmp_path / 'new/file', SHA,
                     len(DATA), **options)
    return get


def left(folder):
    return sorted(path.name for path in folder.glob('new/*'))


def test_a_file_comes_whole(get, server, tmp_path):
    server.answer = lambda request, count: request.send_range(DATA)
    assert get().read_bytes() == DATA
    assert get() == tmp_path / 'new/file'
    assert server.asked == [('/m/file', None)]
    assert left(tmp_path) == ['file']


def test_a_folder_serves_too(get, tmp_path):
    source = tmp_path / 'source'
    source.write_bytes(DATA)
    assert get(source).read_bytes() == DATA
    source.write_bytes(DATA[:-1])
    (tmp_path / 'new/file').unlink()
    with pytest.raises(FetchError, match='expected 512,000 bytes, got 511,999'):
        get(source)
    with pytest.raises(FetchError, match=r'no cannot be read: No such file.*DF2MM_ZOO'):
        get(tmp_path / 'no')
    assert left(tmp_path) == []


def test_a_broken_connection_goes_on_where_it_broke(get, server, tmp_path):
    # Each answer brings 200,000 bytes and breaks, whatever length it announced.
    server.answer = lambda request, count: request.send_range(DATA, count * 200_000)
    assert get(tries=1).read_bytes() == DATA
    assert [asked for _, asked in server.asked] == [
        None, 'bytes=200000-', 'bytes=400000-']


def test_the_next_call_goes_on_too(get, server, tmp_path):
    server.answer = lambda request, count: request.send_range(DATA, 1000)
    with pytest.raises(FetchError, match=(
            r'ended after 1,000 of 512,000 bytes, 2 times in a row. 1,000 of 512,000 '
            r'bytes are kept in .*/new/file\.part; the same command goes on')):
        get()
    assert left(tmp_path) == ['file.part']
    server.answer = lambda request, count: request.send_range(DATA)
    assert get().read_bytes() == DATA
    assert server.asked[-1] == ('/m/file', 'bytes=1000-')
    assert left(tmp_path) == ['file']


@pytest.mark.parametrize('status', [200, 416])
def test_a_server_without_ranges_starts_again(get, server, tmp_path, status):
    def answer(request, count):
        if status == 416 and request.headers.get('Range'):
            return request.send(b'', 416)
        return request.send(DATA)

    (tmp_path / 'new').mkdir()
    (tmp_path / 'new/file.part').write_bytes(b'wrong bytes')
    server.answer = answer
    assert get().read_bytes() == DATA


@pytest.mark.parametrize('part', [b'wrong', DATA[:-1] + b'x', DATA + b'more'])
def test_a_wrong_beginning_is_thrown_away(get, server, tmp_path, part):
    (tmp_path / 'new').mkdir()
    (tmp_path / 'new/file.part').write_bytes(part)
    server.answer = lambda request, count: request.send_range(DATA)
    assert get().read_bytes() == DATA


def test_a_damaged_file_is_replaced(get, server, tmp_path):
    server.answer = lambda request, count: request.send_range(DATA)
    (tmp_path / 'new').mkdir()
    (tmp_path / 'new/file').write_bytes(b'damaged')
    assert get().read_bytes() == DATA


def redirect(request, count):
    if request.path == '/login':
        return request.send(b'<html>', headers={'Content-Type': 'text/html'})
    return request.send(b'', 302, headers={'Location': '/login'})


@pytest.mark.parametrize('answer, match', [
    (lambda r, n: r.send(b'no', 404), 'the server said 404 .*name the right mirror'),
    (lambda r, n: r.send(b'no', 403), 'the server said 403'),
    (lambda r, n: r.send(b'', 503), 'said 503 Service Unavailable, 2 times in a row'),
    (lambda r, n: r.send(b'<html>' * 9, headers={'Content-Type': 'text/html'}),
     'gives an HTML page in place of a checkpoint'),
    (redirect, r'gives an HTML page at http://127\.0\.0\.1:\d+/login in place'),
    (lambda r, n: r.send(DATA[:-1] + b'x'),
     f'expected sha256 {SHA}, got [0-9a-f]{{64}}'),
    (lambda r, n: r.send(DATA, length=len(DATA) + 5),
     'expected 512,000 bytes, got 512,005'),
    (lambda r, n: r.send(DATA[:7]), 'expected 512,000 bytes, got 7'),
    (lambda r, n: r.send(b''), 'expected 512,000 bytes, got 0'),
    (lambda r, n: r.wfile.write(b'no http at all\r\n\r\n'), 'the connection broke'),
    (lambda r, n: None, 'the connection broke'),
])
def test_what_a_server_does_wrong(get, server, tmp_path, answer, match):
    server.answer = answer
    with pytest.raises(FetchError, match=match):
        get()
    assert left(tmp_path) == []


def test_no_length_at_all(get, server, tmp_path):
    server.answer = lambda request, count: request.send(DATA, length=-1)
    assert get().read_bytes() == DATA
    (tmp_path / 'new/file').unlink()
    server.answer = lambda request, count: request.send(DATA[:9], length=-1)
    with pytest.raises(FetchError, match='ended after 9 of'):
        get()


def test_another_range_than_asked_for(get, server, tmp_path):
    (tmp_path / 'new').mkdir()
    (tmp_path / 'new/file.part').write_bytes(DATA[:10])
    server.answer = lambda request, count: request.send(
        DATA[5:], 206, headers={'Content-Range': 'bytes 5-511999/512000'})
    with pytest.raises(FetchError, match='the bytes from 10, the server sent bytes 5-'):
        get()


def test_a_server_that_hangs(get, server):
    done = threading.Event()
    server.answer = lambda request, count: done.wait(20)
    with pytest.raises(FetchError, match=r'no answer within 0\.1 s, 2 times in a row'):
        get(timeout=0.1)
    done.set()


def test_nobody_listens(get, tmp_path):
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{closed.getsockname()[1]}/file'
        with pytest.raises(FetchError, match='cannot be reached: Connection refused'):
            get(url)
    with pytest.raises(FetchError, match='cannot be reached'):
        get('http://[not a host/file')
    assert left(tmp_path) == []


def test_too_little_space(get, server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(FetchError, match=(
            r'the disk of .*/new is full: 512,000 bytes are to come, 1,000 are free')):
        get()
    assert server.asked == [] and left(tmp_path) == []


def test_a_disk_that_fills_up(get, server, tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            if self.tell() + len(data) > 300_000:
                raise OSError(errno.ENOSPC, 'No space left on device')
            return super().write(data[:1000])

    monkeypatch.setattr(fetching, 'open', lambda name, mode, **options: (
        Full if mode == 'ab' else io.FileIO)(name, mode), raising=False)
    server.answer = lambda request, count: request.send_range(DATA)
    with pytest.raises(FetchError, match=r'disk of .*/new is full\. Nothing is kept'):
        get()
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_written(get, tmp_path):
    (tmp_path / 'new').write_text('a file, no folder')
    with pytest.raises(FetchError, match='new/file cannot be written: '):
        get()


def test_two_at_once_fetch_it_once(get, server):
    begun = threading.Event()

    def answer(request, count):
        begun.set()
        request.send_range(DATA)

    server.answer = answer
    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert begun.is_set() and len(server.asked) == 1
    assert sha256_of(get()) == SHA


def test_progress_is_shown(get, server, capsys):
    server.answer = lambda request, count: request.send_range(DATA)
    get(show_progress=True)
    assert 'file: 100%' in capsys.readouterr().err
