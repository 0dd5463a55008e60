"""The file of an approximate index: derived from the gallery, checked, replaceable."""

import zlib
from pathlib import Path

import orjson

from df2mm.atomic import replacing

_MAGIC = b'DF2GINDX '


def write_sidecar(path, index, meta) -> None:
    """Write an index of faiss and JSON about it; the file appears once complete.

    The first line is magic and JSON; the last 4 bytes are the checksum of the rest.
    """
    import faiss
    with replacing(path) as file:
        stream = _Checked(file)
        stream.write(_MAGIC + orjson.dumps(meta) + b'\n')
        writer = faiss.PyCallbackIOWriter(stream.write, 1 << 24)
        faiss.write_index(index, writer)
        # What the writer has buffered comes when it ends.
        del writer
        file.write(stream.crc.to_bytes(4, 'little'))


def read_sidecar(path, file_id):
    """The index of a gallery file and what was written about it.

    Args:
        path (str | Path): The index.
        file_id (str): As in the JSON, under ``file``.

    Returns:
        tuple | None: The index and its JSON; None if there is none of this file.

    Raises:
        ValueError: If it is no index or a damaged one.
    """
    import faiss
    if not Path(path).is_file():
        return None
    with Path(path).open('rb') as file:
        stream = _Checked(file)
        line = file.readline()
        stream.crc = zlib.crc32(line)
        if not line.startswith(_MAGIC):
            raise ValueError(f'{path} is no index of a gallery')
        try:
            meta = orjson.loads(line[len(_MAGIC):])
            if meta['file'] != file_id:
                return None
            size = Path(path).stat().st_size - len(line) - 4
            if not _is_whole(file, stream, size):
                raise ValueError('its checksum is wrong')
            file.seek(len(line))
            reader = faiss.PyCallbackIOReader(file.read, 1 << 24)
            return faiss.read_index(reader), meta
        except (ValueError, KeyError, RuntimeError) as error:
            raise ValueError(f'{path} is damaged: {error}') from error


def _is_whole(file, stream, size):
    while size > 0 and (data := stream.read(min(size, 1 << 24))):
        size -= len(data)
    return file.read(4) == stream.crc.to_bytes(4, 'little')


class _Checked:
    """A file, and the checksum of what went through."""

    def __init__(self, file):
        self.file, self.crc = file, 0

    def write(self, data):
        self.crc = zlib.crc32(data, self.crc)
        return self.file.write(data)

    def read(self, size):
        data = self.file.read(size)
        self.crc = zlib.crc32(data, self.crc)
        return data
