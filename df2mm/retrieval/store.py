"""Vectors and entries of a gallery on this machine: in memory and in its file."""

import warnings
from pathlib import Path

import numpy as np
import orjson

from df2mm.retrieval.entries import Columns
from df2mm.retrieval.filters import ValueColumn, typed_value
from df2mm.retrieval.gallery_file import GalleryFile, Segment, WriterLock
from df2mm.retrieval.vectors import Vectors

#: Parts of fewer rows are copied together, lest a search goes through thousands.
_SMALL = 1 << 16


class Store:
    """A gallery's rows, in the order of insertion.

    A removed entry keeps its row, which is never found again, until ``compact``.
    Changes are in memory until ``save``, and meanwhile this is the only writer of
    its file.

    Args:
        meta (dict): dims, model, backend.
        path (str | Path, optional): Where it will be saved.

    Attributes:
        alive (np.ndarray): (rows,) bool, false for what was removed.
        file (GalleryFile | None): What is saved.
    """

    def __init__(self, meta, path=None):
        self.meta, self.path = meta, None if path is None else Path(path)
        self.file, self._lock = None, None
        self._saved, self._unsaved, self._removed = [], [], []
        self.alive = np.zeros(0, bool)
        self._rows_of, self._columns = None, {}

    @classmethod
    def loaded(cls, path) -> 'Store':
        """What is saved at ``path``.

        Warns:
            UserWarning: If a write did not end there; what it wrote is left out.

        Raises:
            FileNotFoundError, ValueError: As ``GalleryFile``.
        """
        file = GalleryFile(path)
        store = cls(file.meta, path)
        store._take_saved(file, 0)
        if file.unfinished:
            warnings.warn(
                f'{path}: a write did not end; its {file.unfinished} bytes are ignored '
                f'and all {len(store)} entries saved before it are there',
                stacklevel=3)
        return store

    def __len__(self):
        return int(np.count_nonzero(self.alive))

    @property
    def changed(self) -> bool:
        """Whether something is not saved."""
        return bool(self._unsaved or self._removed)

    def vectors(self, first=0) -> Vectors:
        """Those of rows ``first`` and on, removed ones too."""
        return Vectors(self.meta['dims'], [
            (part.first, part.vectors) for part in self._parts()]).since(first)

    def labels(self) -> np.ndarray:
        """(rows,) uint8."""
        return np.concatenate([np.zeros(0, np.uint8), *(
            part.columns.labels for part in self._parts())])

    def field(self, name) -> ValueColumn:
        """One of the user's fields of all rows; read once, then kept."""
        return self._values(('field', name), lambda columns, first: [
            typed_value(orjson.loads(text).get(name))
            for text in columns.fields[first:].all()])

    def images(self) -> ValueColumn:
        """The images of all rows; read once, then kept."""
        return self._values('image', lambda columns, first: [
            ('s', text) for text in columns.images[first:].all()])

    def _values(self, key, read):
        column = self._columns.setdefault(key, ValueColumn())
        for part in self._parts():
            done = len(column.codes) - part.first
            if done < len(part.columns):
                column.extend(read(part.columns, max(done, 0)))
        return column

    def entries(self, rows) -> list:
        """list[Entry] of rows."""
        parts = self._parts()
        starts = [part.first for part in parts]
        places = np.searchsorted(starts, rows, side='right') - 1
        return [parts[place].columns.entry(row - starts[place])
                for place, row in zip(places, rows, strict=True)]

    def rows_of(self, ids) -> dict:
        """{id: row} of those of the ids that are in the gallery."""
        if self._rows_of is None:
            self._rows_of = {}
            for part in self._parts():
                alive = self.alive[part.first:part.first + len(part.columns)].tolist()
                self._rows_of.update(
                    (name, row) for row, (name, is_there) in enumerate(zip(
                        part.columns.ids.all(), alive, strict=True), part.first)
                    if is_there)
        found = {name: self._rows_of.get(name.encode()) for name in ids}
        return {name: row for name, row in found.items() if row is not None}

    def add(self, vectors, columns) -> None:
        """Take in (N, D) float32 vectors and their columns, which are not copied."""
        self._begin_change()
        first = len(self.alive)
        part = Segment(first, vectors, columns, np.zeros(0, np.int64))
        parts = _packed([*self._unsaved, part])
        self.alive = np.concatenate([self.alive, np.ones(len(columns), bool)])
        self._unsaved = parts
        if self._rows_of is not None:
            self._rows_of.update(zip(
                columns.ids.all(), range(first, len(self.alive)), strict=True))

    def remove(self, rows_of) -> None:
        """Let rows go, given as {id: row}."""
        self._begin_change()
        rows = np.array(list(rows_of.values()), np.int64)
        self.alive[rows] = False
        self._removed.append(rows)
        for name in rows_of:
            del self._rows_of[name.encode()]

    def save(self, path=None) -> None:
        """Append what has changed to the file, or write all to another one.

        After an error the file is as it was, and the changes are still in memory.

        Raises:
            FileExistsError: If another gallery or file stands at ``path``.
            BlockingIOError: If another process has unsaved changes of it.
            OSError: If the folder cannot be written to or the disk is full.
            ValueError: If there is no path, or the file has changed meanwhile.
        """
        path = self.path if path is None else Path(path)
        if path is None:
            raise ValueError('save needs a path, as this gallery has none yet')
        if self.file is not None and _same_file(path, self.path):
            if self.changed:
                self._begin_change()
                count = self.file.num_segments
                self._take_saved(self.file.append(self._changes()), count)
                self._end_change()
            return
        self._write_anew(path)

    def _write_anew(self, path):
        if path.exists():
            raise FileExistsError(f'{path} is there already. Load it to add to it, '
                                  'remove it, or give another path')
        lock = self._lock if _same_file(path, self.path) else None
        lock = lock or WriterLock(path)
        try:
            removed = np.flatnonzero(~self.alive)
            segments = [*(part._replace(removed=removed[:0]) for part in self._parts()),
                        self._removal(removed)]
            file = GalleryFile.create(path, self.meta, segments)
        finally:
            if lock is not self._lock:
                lock.release()
        self.path = path
        self._saved = []
        self._take_saved(file, 0)
        self._end_change()

    def compact(self) -> None:
        """Write the file anew without the removed rows; rows change their numbers.

        Raises:
            OSError, ValueError: As ``save``.
        """
        self._begin_change()
        try:
            if self.file is None:
                segments = list(self._living())
            else:
                file = GalleryFile.create(self.path, self.meta, self._living())
        except BaseException:
            if not self.changed:
                self._end_change()
            raise
        self._saved, self._unsaved, self._removed = [], [], []
        self.alive = np.ones(len(self), bool)
        self._rows_of, self._columns = None, {}
        if self.file is None:
            self._unsaved = _packed(segments)
        else:
            self._take_saved(file, 0)
            self._end_change()

    def _living(self):
        """Yield segments of what was not removed, of bounded size."""
        begin = 0
        for part in self._parts():
            for first in range(0, len(part.columns), _SMALL):
                alive = self.alive[part.first + first:][:_SMALL]
                kept = first + np.flatnonzero(alive[:len(part.columns) - first])
                yield Segment(begin, part.vectors[kept], part.columns.take(kept),
                              np.zeros(0, np.int64))
                begin += len(kept)

    def close(self) -> None:
        """Let other writers in; unsaved changes are not saved."""
        self._end_change()

    def _parts(self):
        return [*self._saved, *self._unsaved]

    def _changes(self):
        rows = np.concatenate([np.zeros(0, np.int64), *self._removed])
        return [*self._unsaved, self._removal(rows)] if len(rows) else self._unsaved

    def _removal(self, rows):
        """A segment that says nothing but what was removed."""
        dims = self.meta['dims']
        return Segment(len(self.alive), np.zeros((0, dims), np.float32),
                       Columns.empty(), rows)

    def _take_saved(self, file, first):
        """Go on with what the file holds from segment ``first`` on."""
        segments = file.segments(first)
        alive = np.ones(file.commit.rows, bool)
        alive[:len(self.alive)] = self.alive
        for segment in segments:
            alive[segment.removed] = False
        self._saved = _packed([*self._saved, *segments])
        self.file, self.alive = file, alive
        self._unsaved, self._removed = [], []

    def _begin_change(self):
        """Become the only writer, of the file as it was loaded."""
        if self.path is None or self._lock is not None:
            return
        lock = WriterLock(self.path)
        if self.file is not None:
            try:
                self.file.check_unchanged()
            except BaseException:
                lock.release()
                raise
        self._lock = lock

    def _end_change(self):
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _packed(parts):
    """The same rows in fewer parts: small neighbours are copied together.

    A part is joined only to one that is at most twice as long, so that what is
    added one by one is copied a few times and not every time.
    """
    packed = []
    for part in parts:
        if not len(part.columns):
            continue
        while packed and len(packed[-1].columns) <= 2 * len(part.columns) and (
                len(packed[-1].columns) + len(part.columns) <= _SMALL):
            last = packed.pop()
            part = Segment(
                last.first, np.concatenate([last.vectors, part.vectors]),
                Columns.joined([last.columns, part.columns]), part.removed)
        packed.append(part)
    return packed


def _same_file(path, other):
    return other is not None and path.absolute() == other.absolute()
