"""What a gallery knows of its vectors: entries, one by one and as columns."""

from dataclasses import dataclass, field, replace

import numpy as np
import orjson

from df2mm.metainfo import CATEGORY_NAMES, NUM_CATEGORIES
from df2mm.retrieval.texts import Texts


@dataclass(frozen=True)
class Entry:
    """One garment of a gallery.

    Attributes:
        image (str): Path or URL of its image, as the user writes it.
        bbox (tuple[float]): x1, y1, x2, y2 in pixels of the original image.
        label (int): Category, 0..12.
        score (float): Of the detection.
        id (str | None): The user's own, unique in the gallery. None: made of the
            image and the number of the box in it, such as ``shop/1.jpg#0``.
        fields (dict): The user's own, such as price and URL: anything JSON. As JSON
            has neither NaN nor infinity, they become None.
    """

    image: str
    bbox: tuple
    label: int
    score: float = 1.0
    id: str | None = None
    fields: dict = field(default_factory=dict)

    @property
    def category(self) -> str:
        """Name of the category, such as ``short sleeve top``."""
        return CATEGORY_NAMES[self.label]


@dataclass(frozen=True)
class Columns:
    """Entries, kept so that a million of them are read without parsing any.

    Shapes: N entries.

    Attributes:
        boxes (np.ndarray): (N, 4) float64.
        scores (np.ndarray): (N,) float64.
        labels (np.ndarray): (N,) uint8.
        ids (Texts): N of UTF-8.
        images (Texts): N of UTF-8.
        fields (Texts): N JSON objects.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    ids: Texts
    images: Texts
    fields: Texts

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, part) -> 'Columns':
        """Those of a slice of the entries."""
        return Columns(*(column[part] for column in self._all()))

    @classmethod
    def empty(cls) -> 'Columns':
        return columns_of([])

    def take(self, rows) -> 'Columns':
        """Those of (n,) rows."""
        return Columns(*(
            column.take(rows, axis=0) for column in self._all()))

    def entry(self, row) -> Entry:
        return Entry(
            self.images.text(row), tuple(self.boxes[row].tolist()),
            int(self.labels[row]), float(self.scores[row]), self.ids.text(row),
            orjson.loads(self.fields[row]))

    @classmethod
    def joined(cls, parts) -> 'Columns':
        """Columns of one or more, one after the other."""
        parts = list(parts)
        if len(parts) == 1:
            return parts[0]
        columns = zip(*(part._all() for part in parts), strict=True)
        return cls(*(Texts.joined(column) if isinstance(column[0], Texts)
                     else np.concatenate(column) for column in columns))

    def _all(self):
        return (self.boxes, self.scores, self.labels, self.ids, self.images,
                self.fields)


def columns_of(entries) -> Columns:
    """Entries as columns.

    Args:
        entries (Sequence[Entry]): Of ``with_ids``.

    Raises:
        ValueError: If a box is without area or not finite, a label not 0..12, a
            score not finite, or fields are not JSON.
    """
    fields = [_json(number, entry) for number, entry in enumerate(entries)]
    return Columns(
        _boxes(entries), _scores(entries), _labels(entries),
        Texts.of([entry.id for entry in entries]),
        Texts.of([entry.image for entry in entries]), Texts.of(fields))


def with_ids(entries, known) -> list:
    """Entries that all have an id, no two the same.

    Args:
        entries (Sequence[Entry]): With ids or without.
        known (Callable): Of a list of ids, the set of those in the gallery.

    Raises:
        TypeError: If one is no ``Entry``, or its image, id or fields are no str or
            dict.
        ValueError: If an id is there twice, or already in the gallery.
    """
    for number, entry in enumerate(entries):
        _check_types(number, entry)
    given = [entry.id for entry in entries if entry.id is not None]
    taken, seen = known(given), set()
    for number, entry in enumerate(entries):
        if entry.id in seen or entry.id in taken:
            where = 'twice' if entry.id in seen else 'already in the gallery'
            raise ValueError(
                f'ids must be unique, got {entry.id!r} of entry {number} ({entry.image}'
                f'): {where}. Remove the old entry first, or give another id')
        if entry.id is not None:
            seen.add(entry.id)
    numbers, named = {}, list(entries)
    open_ones = [i for i, entry in enumerate(entries) if entry.id is None]
    # Round by round, since a number that is taken is only found out by asking.
    while open_ones:
        for i in open_ones:
            image = entries[i].image
            while (name := f'{image}#{numbers.setdefault(image, 0)}') in seen:
                numbers[image] += 1
            seen.add(name)
            named[i] = replace(entries[i], id=name)
        taken = known([named[i].id for i in open_ones])
        open_ones = [i for i in open_ones if named[i].id in taken]
    return named


def _check_types(number, entry):
    if not isinstance(entry, Entry):
        raise TypeError(f'entries must hold df2mm.retrieval.Entry, got '
                        f'{type(entry).__name__} as entry {number}')
    for name, kinds in (('image', (str,)), ('fields', (dict,)),
                        ('id', (str, type(None)))):
        value = getattr(entry, name)
        if not isinstance(value, kinds):
            raise TypeError(f'{name} must be a {kinds[0].__name__}, got {value!r} in '
                            f'entry {number}')


def _json(number, entry):
    try:
        return orjson.dumps(entry.fields)
    except TypeError as error:  # orjson's own error is one.
        raise ValueError(
            f'fields must be JSON, got {entry.fields!r} in entry {number} '
            f'({entry.image}): {error}') from error


def _boxes(entries):
    for number, entry in enumerate(entries):
        if np.shape(entry.bbox) != (4,):
            raise ValueError(f'bbox must be 4 numbers, got {entry.bbox!r} in entry '
                             f'{number} ({entry.image})')
    boxes = np.array([entry.bbox for entry in entries], np.float64).reshape(-1, 4)
    wrong = ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1))
    if wrong.any():
        number = int(wrong.argmax())
        raise ValueError(
            'bbox must be finite, with x2 > x1 and y2 > y1, got '
            f'{boxes[number].tolist()} in entry {number} ({entries[number].image}). '
            'Leave such detections out')
    return boxes


def _scores(entries):
    scores = np.array([entry.score for entry in entries], np.float64)
    wrong = ~np.isfinite(scores)
    if wrong.any():
        number = int(wrong.argmax())
        raise ValueError(f'score must be finite, got {scores[number]} in entry '
                         f'{number} ({entries[number].image})')
    return scores


def _labels(entries):
    labels = np.array([entry.label for entry in entries])
    wrong = ~np.isin(labels, range(NUM_CATEGORIES))
    if wrong.any():
        number = int(wrong.argmax())
        raise ValueError(
            f'label must be in 0..{NUM_CATEGORIES - 1}, got '
            f'{entries[number].label!r} in entry {number} ({entries[number].image})')
    return labels.astype(np.uint8)
