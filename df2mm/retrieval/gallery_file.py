"""A gallery on disk: a file that is read by memory map and only ever appended to.

A save writes segments, waits until they are on the disk, and writes a commit. So a
process that is killed, or a disk that is full, leaves the last commit as it was,
with a torn rest after it that the next save overwrites. The format is described in
``df2mm.retrieval.records``.
"""

import fcntl
import mmap
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from df2mm.atomic import replacing
from df2mm.retrieval import records

#: Bytes of one write or checksum.
_CHUNK = 1 << 24


class Segment(NamedTuple):
    """Rows ``first`` and on of a gallery, and rows that were removed by then."""

    first: int
    vectors: np.ndarray
    columns: records.Columns
    removed: np.ndarray


class GalleryFile:
    """The saved state of a gallery, as it was when it was opened.

    Opening it reads the heads only; ``segments`` reads the metadata and checks its
    checksums. The vectors, which may be gigabytes, are checked by ``verify`` alone.

    Attributes:
        path (Path): Where it is.
        meta (dict): JSON of the header: dims, model, backend.
        file_id (bytes): 16, new whenever the file is written anew.
        commit (records.Commit): The last.
        unfinished (int): Bytes after the last commit, of a write that did not end.
        num_segments (int): Up to the last commit.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no gallery, or what was saved in it is damaged.
    """

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(
                f'gallery not found: {path}. Build one first and save it there')
        with self.path.open('rb') as file:
            size = os.fstat(file.fileno()).st_size
            self._data = mmap.mmap(
                file.fileno(), 0, access=mmap.ACCESS_READ) if size else b''
        try:
            self.meta, self.file_id, self._begin = records.unpack_header(
                self._data[:1 << 20])
            self.commit, self._heads = self._scan()
        except ValueError as error:
            raise self._unreadable(error) from error
        self.unfinished = size - self.end
        self.num_segments = len(self._heads)

    @property
    def end(self) -> int:
        """Where the saved part ends, in bytes."""
        return self.commit.place + records.COMMIT_BYTES

    def segments(self, first=0) -> list:
        """The segments from number ``first`` on, as views of the file.

        Raises:
            ValueError: If a checksum of the metadata is wrong.
        """
        try:
            return [Segment(head.first, *records.unpack_segment(
                self._data, place, head, self.meta['dims']))
                for place, head in self._heads[first:]]
        except ValueError as error:
            raise self._unreadable(error) from error

    def verify(self) -> None:
        """Check metadata and vectors; reads the whole file.

        Raises:
            ValueError: If a checksum is wrong.
        """
        for (place, head), segment in zip(
                self._heads, self.segments(), strict=True):
            found = _checksum(segment.vectors)
            if found != head.vectors_crc:
                raise ValueError(
                    f'{self.path} is damaged: expected vectors with checksum '
                    f'{head.vectors_crc:08x} in the segment at byte {place}, got '
                    f'{found:08x}. Restore the file from a copy')

    @classmethod
    def create(cls, path, meta, segments) -> 'GalleryFile':
        """Write a whole file, which takes the place of ``path`` once complete."""
        file_id = os.urandom(16)
        with replacing(path) as file:
            place = write(file, records.pack_header(meta, file_id))
            place, rows = _write_segments(file, file_id, place, segments)
            write(file, records.pack_commit(file_id, records.Commit(0, place, rows)))
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path)
        return cls(path)

    def append(self, segments) -> 'GalleryFile':
        """Save segments after what is there; returns the file opened anew.

        After an error what was saved before is as it was.

        Raises:
            ValueError: If the file has changed since it was opened.
        """
        self.check_unchanged()
        with self.path.open('r+b', buffering=0) as file:
            try:
                file.truncate(self.end)
                file.seek(self.end)
                place, rows = _write_segments(
                    file, self.file_id, self.end, segments)
                os.fsync(file.fileno())
                # Only now: a commit must not reach the disk before its segments.
                write(file, records.pack_commit(self.file_id, records.Commit(
                    self.commit.number + 1, place, max(rows, self.commit.rows))))
                os.fsync(file.fileno())
            except BaseException:
                with suppress(OSError):
                    file.truncate(self.end)
                raise
        return GalleryFile(self.path)

    def check_unchanged(self) -> None:
        """Raise a ValueError if another process has saved since this was opened."""
        try:
            current = GalleryFile(self.path)
        except FileNotFoundError:
            raise ValueError(f'{self.path} was removed since it was loaded. Save the '
                             'gallery under another name') from None
        if (current.file_id, current.commit) != (self.file_id, self.commit):
            raise ValueError(
                f'{self.path} was changed by another process since it was loaded: '
                f'expected commit {self.commit.number}, got {current.commit.number}. '
                'Load it again, then add and remove')

    def _scan(self):
        """The last commit, and (place, head) of the segments before it.

        Raises:
            ValueError: If a commit follows what cannot be read: it was saved once.
        """
        data, dims, place = self._data, self.meta['dims'], self._begin
        commit, heads, fresh = None, [], []
        while True:
            found = records.unpack_commit(
                data[place:place + records.COMMIT_BYTES], self.file_id)
            if found and found.place == place:
                commit, heads, fresh = found, heads + fresh, []
                place += records.COMMIT_BYTES
                continue
            head = records.unpack_head(
                data[place:place + records.HEAD_BYTES], self.file_id)
            if not head or place + head.total_bytes(dims) > len(data):
                break
            fresh.append((place, head))
            place += head.total_bytes(dims)
        # A torn write is a segment's beginning, or room that was never filled.
        rest = data[place:place + records.COMMIT_BYTES]
        foreign = len(rest) == records.COMMIT_BYTES and any(rest) and (
            not rest.startswith(records.SEGMENT))
        if commit is None or foreign or self._commit_after(place):
            raise ValueError(f'expected a segment or a commit at byte {place} of '
                             f'{len(data)}, got damaged bytes')
        return commit, heads

    def _commit_after(self, place):
        """Whether the file has a whole commit at or after a place."""
        while (place := self._data.find(records.COMMIT, place)) >= 0:
            commit = records.unpack_commit(
                self._data[place:place + records.COMMIT_BYTES], self.file_id)
            if commit and commit.place == place:
                return True
            place += 1
        return False

    def _unreadable(self, error):
        return ValueError(
            f'{self.path} is no gallery that can be read: {error}. The file was left '
            'as it is; give another, or restore it from a copy')


class WriterLock:
    """One writer at a time: a lock on a file beside the gallery.

    The kernel lets go of it when the process ends, however it ends.

    Args:
        path (str | Path): The gallery.

    Raises:
        BlockingIOError: If another holds it.
        OSError: If the folder cannot be written to.
    """

    def __init__(self, path):
        path, self._file = Path(path), None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path.with_name(f'.{path.name}.lock'),
                             os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise BlockingIOError(
                error.errno, 'another writer has unsaved changes of this gallery; wait '
                'until it has saved, or save under another name', str(path)) from error

    def release(self) -> None:
        """Let others write; harmless if done before."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    __del__ = release


def write(file, data) -> int:
    """Write all of it, in pieces; returns the number of bytes."""
    data = memoryview(data).cast('B')
    done = 0
    while done < len(data):
        done += file.write(data[done:done + _CHUNK])
    return done


def _write_segments(file, file_id, place, segments):
    """Write segments from ``place`` on; returns where they end and rows up to there."""
    rows = 0
    for segment in segments:
        for part in records.pack_segment(
                file_id, segment.first, segment.vectors, segment.columns,
                segment.removed):
            place += write(file, part)
        rows = segment.first + len(segment.vectors)
    return place, rows


def _checksum(array):
    crc, data = 0, array.reshape(-1).view(np.uint8)
    for first in range(0, len(data), _CHUNK):
        crc = zlib.crc32(data[first:first + _CHUNK], crc)
    return crc


def _sync_folder(path):
    folder = os.open(Path(path).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
