"""What a gallery file consists of: header, segments, commits, each with checksums.

All numbers are little-endian; everything begins at a multiple of 64 bytes.

- Header: magic, version, checksum and length of a JSON object (dims, model, back
  end), 16 random bytes that name the file, the JSON.
- Segment: a fixed head of 128 bytes with its own checksum; the metadata (boxes,
  scores, ends of the texts, removed rows, labels, texts); the (N, D) vectors.
- Commit: 64 bytes. What stands before a commit is saved; what comes after the last
  one is the torn rest of a write that did not end, and void.
"""

import struct
import zlib
from typing import NamedTuple

import numpy as np
import orjson

from df2mm.retrieval.entries import Columns
from df2mm.retrieval.texts import Texts

ALIGN = 64
VERSION = 1
MAGIC, SEGMENT, COMMIT = b'DF2GALRY', b'DF2GSEGM', b'DF2GCOMT'
_HEADER = struct.Struct('<8sIII16s')
#: Magic, file, first row, entries, removed rows, bytes of ids, images and fields,
#: checksums of the metadata and of the vectors.
_HEAD = struct.Struct('<8s16s6Q2I')
HEAD_BYTES = 128
#: Magic, file, number of the commit, where it stands, rows before it.
_COMMIT = struct.Struct('<8s16s3Q')
COMMIT_BYTES = 64


class Head(NamedTuple):
    """The head of a segment: what lies in it and how long."""

    first: int
    entries: int
    removed: int
    ids: int
    images: int
    fields: int
    meta_crc: int
    vectors_crc: int

    @property
    def meta_bytes(self) -> int:
        numbers = self.entries * (4 * 8 + 8 + 1) + 3 * 8 * (self.entries + 1)
        return numbers + 8 * self.removed + self.ids + self.images + self.fields

    def total_bytes(self, dims) -> int:
        return HEAD_BYTES + padded(self.meta_bytes) + padded(4 * self.entries * dims)


class Commit(NamedTuple):
    """Everything before ``place`` is saved: ``rows`` rows in all, removed too."""

    number: int
    place: int
    rows: int


def padded(size) -> int:
    return -(-size // ALIGN) * ALIGN


def pack_header(meta, file_id) -> bytes:
    text = orjson.dumps(meta)
    head = _HEADER.pack(MAGIC, VERSION, zlib.crc32(text), len(text), file_id)
    return _filled(head + text)


def unpack_header(data):
    """Of the first bytes of a file: its JSON, its name of 16 bytes, header's length.

    Raises:
        ValueError: If it is no header of a gallery, or a damaged one; the message
            is to be followed by the file's name.
    """
    if len(data) < _HEADER.size or not data.startswith(MAGIC):
        raise ValueError('expected a gallery of df2mm, which begins with '
                         f'{MAGIC.decode()}, got {bytes(data[:8])!r}')
    _, version, crc, length, file_id = _HEADER.unpack_from(data)
    if version != VERSION:
        raise ValueError(f'expected version {VERSION} of the gallery format, got '
                         f'{version}')
    text = bytes(data[_HEADER.size:_HEADER.size + length])
    if zlib.crc32(text) != crc:
        raise ValueError(f'expected a header with checksum {crc:08x}, got '
                         f'{zlib.crc32(text):08x}')
    return orjson.loads(text), file_id, padded(_HEADER.size + length)


def pack_segment(file_id, first, vectors, columns, removed):
    """The parts of a segment: (bytes of head and metadata, vectors, padding).

    Args:
        file_id (bytes): Of its file.
        first (int): Row of its first entry.
        vectors (np.ndarray): (N, D) float32.
        columns (Columns): N.
        removed (np.ndarray): Rows of the gallery that are there no more.
    """
    vectors = np.ascontiguousarray(vectors, '<f4')
    texts = columns.ids, columns.images, columns.fields
    meta = b''.join([
        columns.boxes.astype('<f8').tobytes(), columns.scores.astype('<f8').tobytes(),
        *(text.ends.astype('<i8').tobytes() for text in texts),
        np.asarray(removed, '<i8').tobytes(), columns.labels.tobytes(),
        *(text.data.tobytes() for text in texts)])
    head = _HEAD.pack(
        SEGMENT, file_id, first, len(vectors), len(removed),
        *(text.data.size for text in texts), zlib.crc32(meta),
        zlib.crc32(vectors.reshape(-1).view(np.uint8)))
    head = _checked(head, HEAD_BYTES)
    data = vectors.reshape(-1).view(np.uint8)
    return head + _filled(meta), data, bytes(padded(data.size) - data.size)


def unpack_head(data, file_id) -> Head | None:
    """The head of a segment of this file; None if it is none."""
    if not _is_whole(data, HEAD_BYTES, SEGMENT):
        return None
    _, owner, *numbers = _HEAD.unpack_from(data)
    return Head(*numbers) if owner == file_id else None


def unpack_segment(data, place, head, dims):
    """Views of a segment at ``place``: vectors, columns and removed rows.

    Raises:
        ValueError: If the checksum of the metadata is wrong.
    """
    begin = place + HEAD_BYTES
    meta = memoryview(data)[begin:begin + head.meta_bytes]
    if (crc := zlib.crc32(meta)) != head.meta_crc:
        raise ValueError(f'expected entries with checksum {head.meta_crc:08x} at byte '
                         f'{begin}, got {crc:08x}')
    count, at = head.entries, 0

    def array(kind, length):
        nonlocal at
        found = np.frombuffer(meta, kind, length, at)
        at += found.nbytes
        return found

    boxes, scores = array('<f8', 4 * count).reshape(-1, 4), array('<f8', count)
    ends = [array('<i8', count + 1) for _ in range(3)]
    removed, labels = array('<i8', head.removed), array('u1', count)
    texts = [Texts(end, array('u1', size)) for end, size in zip(
        ends, (head.ids, head.images, head.fields), strict=True)]
    vectors = np.frombuffer(data, '<f4', count * dims, begin + padded(head.meta_bytes))
    return (vectors.reshape(count, dims), Columns(boxes, scores, labels, *texts),
            removed)


def pack_commit(file_id, commit) -> bytes:
    return _checked(_COMMIT.pack(COMMIT, file_id, *commit), COMMIT_BYTES)


def unpack_commit(data, file_id) -> Commit | None:
    """A commit of this file; None if it is none or its checksum is wrong."""
    if not _is_whole(data, COMMIT_BYTES, COMMIT):
        return None
    _, owner, *numbers = _COMMIT.unpack_from(data)
    return Commit(*numbers) if owner == file_id else None


def _checked(data, size):
    """``data`` filled up to ``size``, with the checksum of the rest at its end."""
    data = data + bytes(size - 4 - len(data))
    return data + struct.pack('<I', zlib.crc32(data))


def _is_whole(data, size, magic):
    data = bytes(data[:size])
    return (len(data) == size and data.startswith(magic)
            and struct.pack('<I', zlib.crc32(data[:-4])) == data[-4:])


def _filled(data):
    return data + bytes(padded(len(data)) - len(data))
