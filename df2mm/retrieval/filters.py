"""Which entries a search may return: by category and by the user's own fields."""

import json
import operator
from dataclasses import dataclass

import numpy as np

from df2mm.metainfo import CATEGORY_NAMES, NUM_CATEGORIES

#: The comparisons of a number with a bound.
COMPARISONS = {
    '<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge}


@dataclass(frozen=True)
class Filter:
    """A restriction that an entry fulfils or not.

    ``where`` has one condition a field; all of them must hold:

    - ``{'brand': 'x'}``: the field equals a string, number or bool;
    - ``{'brand': ['x', 'y']}``: it equals one of them;
    - ``{'price': {'>=': 10, '<': 30}}``: it is a number within bounds.

    Values of different JSON types are never equal: 1 equals 1.0 but neither '1'
    nor True. A field that is missing, None, a list or a dict fulfils nothing.

    Attributes:
        labels (tuple[int] | None): Categories, 0..12; None for all.
        conditions (tuple): (field, None or values, bounds) of each condition, where
            values are (kind, value) pairs and bounds (comparison, number) pairs.
    """

    labels: tuple | None = None
    conditions: tuple = ()

    @classmethod
    def parsed(cls, categories=None, where=None) -> 'Filter':
        """Read a user's restriction.

        Args:
            categories (Sequence[str | int], optional): Names, or labels 0..12.
            where (dict, optional): As above.

        Raises:
            TypeError: If they are no sequence and no dict.
            ValueError: If a category is unknown or a condition is none of the above.
        """
        if isinstance(categories, (str, int)):
            categories = [categories]
        labels = None if categories is None else tuple(
            sorted({_label(category) for category in categories}))
        if where is not None and not isinstance(where, dict):
            raise TypeError("where must be a dict such as {'price': {'<=': 30}}, got "
                            f'{type(where).__name__}')
        return cls(labels, tuple(
            _condition(name, wanted) for name, wanted in (where or {}).items()))

    def mask(self, labels, column) -> np.ndarray | None:
        """Which of N entries fulfil it; None for all.

        Args:
            labels (np.ndarray): (N,) int.
            column (Callable): Of a field's name, its ``ValueColumn`` of N.

        Returns:
            np.ndarray | None: (N,) bool.
        """
        masks = [column(name).mask(values, bounds)
                 for name, values, bounds in self.conditions]
        if self.labels is not None:
            masks.append(np.isin(labels, self.labels))
        return np.logical_and.reduce(masks) if masks else None

    def expression(self) -> str:
        """The same for Milvus, of ``label`` and of the JSON ``keys`` of ``flat_keys``.

        ``in`` is written out: milvus-lite knows it of plain columns only.
        """
        parts = [] if self.labels is None else [f'label in {list(self.labels)}']
        for name, values, bounds in self.conditions:
            if values is not None:
                equal = [f'{_key(kind, name)} == {_literal(value)}'
                         for kind, value in values]
                # An empty list of values fulfils nothing.
                parts.append(f'({" or ".join(equal)})' if equal else 'label == -1')
            parts.extend(f'{_key("n", name)} {sign} {_literal(bound)}'
                         for sign, bound in bounds)
        return ' and '.join(parts)


class ValueColumn:
    """A value of all entries, such as a field, so that conditions are quick.

    Attributes:
        codes (np.ndarray): (N,) int64, equal for equal values; -1 for what equals
            nothing.
        numbers (np.ndarray): (N,) float64, NaN for what is no number.
    """

    def __init__(self):
        self.codes, self.numbers = np.zeros(0, np.int64), np.zeros(0)
        self._known = {}

    def extend(self, values) -> None:
        """Take in more entries.

        Args:
            values (list): Of each, what ``typed_value`` returns.
        """
        known = self._known
        codes = [-1 if value is None else known.setdefault(value, len(known))
                 for value in values]
        numbers = [value[1] if value and value[0] == 'n' else np.nan
                   for value in values]
        self.codes = np.concatenate([self.codes, np.array(codes, np.int64)])
        self.numbers = np.concatenate([self.numbers, np.array(numbers, np.float64)])

    def mask(self, values, bounds) -> np.ndarray:
        """(N,) bool, which fulfil a condition of a ``Filter``."""
        mask = np.ones(len(self.codes), bool)
        if values is not None:
            mask = np.isin(self.codes, [
                self._known[value] for value in values if value in self._known])
        for sign, bound in bounds:
            mask &= COMPARISONS[sign](self.numbers, bound)
        return mask


def typed_value(value):
    """('s', 'n' or 'b', value) of a string, number or bool, None of the rest."""
    if isinstance(value, bool):
        return 'b', value
    if isinstance(value, (int, float)):
        return 'n', value
    return ('s', value) if isinstance(value, str) else None


def flat_keys(fields) -> dict:
    """The fields that conditions apply to, by kind and name, such as 'n:price'."""
    typed = ((name, typed_value(value)) for name, value in fields.items())
    return {f'{pair[0]}:{name}': pair[1] for name, pair in typed if pair}


def _label(category):
    if category in CATEGORY_NAMES:
        return CATEGORY_NAMES.index(category)
    if isinstance(category, (int, np.integer)) and not isinstance(category, bool) and (
            0 <= category < NUM_CATEGORIES):
        return int(category)
    raise ValueError(f'categories must be labels 0..{NUM_CATEGORIES - 1} or of '
                     f'{", ".join(CATEGORY_NAMES)}, got {category!r}')


def _condition(name, wanted):
    if isinstance(wanted, dict):
        if not wanted or any(sign not in COMPARISONS for sign in wanted):
            raise ValueError(f'bounds of a field must be {", ".join(COMPARISONS)}, got '
                             f'{wanted!r} in where[{name!r}]')
        for bound in wanted.values():
            if (typed_value(bound) or ' ')[0] != 'n' or not np.isfinite(bound):
                raise ValueError('bounds of a field must be finite numbers, got '
                                 f'{bound!r} in where[{name!r}]')
        return name, None, tuple(wanted.items())
    values = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
    typed = tuple(typed_value(value) for value in values)
    if None in typed:
        raise ValueError('a field must equal strings, numbers or bools, got '
                         f'{wanted!r} in where[{name!r}]')
    return name, typed, ()


def _key(kind, name):
    return f'keys[{_literal(f"{kind}:{name}")}]'


def _literal(value):
    # Not in ASCII: milvus-lite does not know \u.
    return json.dumps(value, ensure_ascii=False)
