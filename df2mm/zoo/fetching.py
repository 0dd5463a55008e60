"""Fetch a file of known hash: resumed after a break, and whole or not there."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import sys
import time
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from df2mm.zoo.places import is_url

_CHUNK = 1 << 18


class FetchError(OSError):
    """A file could not be fetched. The text says why, and what helps."""


class _BrokenOffError(Exception):
    """The connection broke; another try may go on."""


def sha256_of(path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fetch(source, path, sha256: str, size: int, *, show_progress: bool | None = None,
          timeout: float = 30.0, tries: int = 3, pause: float = 1.0) -> Path:
    """Fetch a file, unless it is there already.

    What has arrived stands beside it as ``<name>.part`` until it is whole and its
    hash is right; after a break the next call goes on from there. Two processes
    that fetch the same file take turns, and the second finds it done.

    Args:
        source (str | Path): An http(s) URL or a file.
        path (str | Path): Where it goes; the folder is made where missing.
        sha256 (str): What its hash must be.
        size (int): Its bytes.
        show_progress (bool, optional): Defaults to whether stderr is a terminal.
        timeout (float): Seconds without an answer after which a try has failed.
        tries (int): So many in a row may bring nothing.
        pause (float): Seconds between tries.

    Returns:
        Path: ``path``.

    Raises:
        FetchError: If it cannot be had. Then nothing new stands at ``path``.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _open_part(path) as part:
            if not path.is_file() or sha256_of(path) != sha256:
                _fill_right(source, part, path, sha256, size, show_progress,
                            (timeout, tries, pause))
                os.fsync(part.fileno())
                os.replace(part.name, path)
    except FetchError:
        raise
    except OSError as error:
        raise FetchError(f'{path} cannot be written: {error.strerror or error}'
                         ) from error
    return path


@contextmanager
def _open_part(path):
    """The part file, for this process alone; gone afterwards if it is empty."""
    name = f'{path}.part'
    while True:
        part = open(name, 'ab', buffering=0)  # noqa: SIM115 (closed below)
        fcntl.flock(part, fcntl.LOCK_EX)
        try:
            # Who had the lock before may have given the file its final name.
            if os.path.samestat(os.fstat(part.fileno()), os.stat(name)):
                break
        except FileNotFoundError:
            pass
        part.close()
    try:
        yield part
    finally:
        if _length(part) == 0 and os.path.exists(name):
            os.unlink(name)
        part.close()


def _fill_right(source, part, path, sha256, size, show_progress, patience):
    if show_progress is None:
        show_progress = sys.stderr.isatty()
    if _length(part) > size:
        part.truncate(0)
    resumed = _length(part) > 0
    for again in (True, False):
        with tqdm(total=size, initial=_length(part), unit='B', unit_scale=True,
                  desc=path.name, disable=not show_progress) as bar:
            _fill(source, part, size, bar, *patience)
        got = sha256_of(part.name)
        if got == sha256:
            return
        part.truncate(0)
        # What was there before may be what is wrong.
        if not (resumed and again):
            break
    raise FetchError(
        f'{source} is not the file that was published: expected sha256 {sha256}, got '
        f'{got}. Nothing of it is kept; tell whoever runs the mirror')


def _fill(source, part, size, bar, timeout, tries, pause):
    """Append to the part file until it has all bytes."""
    failures, most = 0, _length(part)
    while _length(part) < size:
        _check_space(part, size)
        try:
            with _open_source(source, _length(part), size, timeout) as (stream, start):
                part.truncate(start)
                _copy(stream, part, size, bar)
            continue
        except _BrokenOffError as error:
            reason = error
        failures = 0 if _length(part) > most else failures + 1
        most = max(most, _length(part))
        if failures >= tries:
            kept = (f' {_length(part):,} of {size:,} bytes are kept in {part.name}; '
                    'the same command goes on from there') if _length(part) else ''
            raise FetchError(f'{source}: {reason}, {tries} times in a row.{kept}')
        time.sleep(pause)


def _check_space(part, size):
    folder, missing = os.path.dirname(part.name) or '.', size - _length(part)
    free = shutil.disk_usage(folder).free
    if free < missing:
        raise FetchError(
            f'the disk of {folder} is full: {missing:,} bytes are to come, {free:,} '
            'are free. Free some, or let DF2MM_HOME name a folder elsewhere')


@contextmanager
def _open_source(source, offset, size, timeout):
    """Yields the stream and which byte of the file it begins with."""
    if is_url(source):
        response, start = _ask(source, offset, size, timeout)
        with response:
            yield response, start
        return
    try:
        length = os.stat(source).st_size
        stream = open(source, 'rb')  # noqa: SIM115 (closed below)
    except OSError as error:
        raise FetchError(f'{source} cannot be read: {error.strerror}. Does DF2MM_ZOO '
                         'name the right folder?') from error
    with stream:
        _check_length(source, length, size)
        stream.seek(offset)
        yield stream, offset


def _ask(url, offset, size, timeout):
    headers = {'User-Agent': 'df2mm'}
    if offset:
        headers['Range'] = f'bytes={offset}-'
    try:
        response = urlopen(Request(url, headers=headers), timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code == 416 and offset:
            return _ask(url, 0, size, timeout)
        if error.code >= 500 or error.code == 429:
            raise _BrokenOffError(f'the server said {error.code} {error.reason}'
                                    ) from error
        raise FetchError(f'{url}: the server said {error.code} {error.reason}. Does '
                         'DF2MM_ZOO name the right mirror?') from error
    except (OSError, HTTPException, ValueError) as error:
        raise _reason_of(url, error, timeout) from error
    try:
        return response, _check_answer(url, response, offset, size)
    except BaseException:
        response.close()
        raise


def _reason_of(url, error, timeout):
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return _BrokenOffError(f'no answer within {timeout:g} s')
    if isinstance(reason, (ConnectionResetError, HTTPException)):
        return _BrokenOffError(f'the connection broke ({reason})')
    text = getattr(reason, 'strerror', None) or reason
    return FetchError(f'{url} cannot be reached: {text}. Is the network there, and '
                      'does DF2MM_ZOO name the right mirror?')


def _check_answer(url, response, offset, size):
    """The byte that the answer begins with."""
    if response.headers.get_content_type() == 'text/html':
        redirected = f' at {response.url}' if response.url != url else ''
        raise FetchError(f'{url} gives an HTML page{redirected} in place of a '
                         'checkpoint. Does DF2MM_ZOO name the right mirror?')
    start = 0
    if response.status == 206:
        found = re.match(r'bytes (\d+)-', response.headers.get('Content-Range', ''))
        if not found or int(found[1]) != offset:
            raise FetchError(f'{url}: asked for the bytes from {offset}, the server '
                             f'sent {response.headers.get("Content-Range")}')
        start = offset
    if response.length is not None:
        _check_length(url, start + response.length, size)
    return start


def _check_length(source, length, size):
    if length != size:
        raise FetchError(f'{source} is not the file that was published: expected '
                         f'{size:,} bytes, got {length:,}')


def _copy(stream, part, size, bar):
    while (left := size - _length(part)) > 0:
        try:
            chunk = stream.read(min(left, _CHUNK))
        except (OSError, HTTPException) as error:
            raise _BrokenOffError(f'the connection broke ({error})') from error
        if not chunk:
            raise _BrokenOffError(
                f'the connection ended after {_length(part):,} of {size:,} bytes')
        _write(part, chunk)
        bar.update(_length(part) - bar.n)


def _write(part, chunk):
    view = memoryview(chunk)
    try:
        while view:
            view = view[part.write(view):]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        part.truncate(0)
        raise FetchError(
            f'the disk of {os.path.dirname(part.name)} is full. Nothing is kept. Free '
            'some, or let DF2MM_HOME name a folder elsewhere') from error


def _length(part) -> int:
    return os.fstat(part.fileno()).st_size
