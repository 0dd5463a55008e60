"""What a search returns, and how a back end's candidates become it."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from df2mm.retrieval.entries import Entry
from df2mm.retrieval.unique import group_of


@dataclass(frozen=True)
class Match:
    """One result of a search.

    Attributes:
        entry (Entry): What was found; ``entry.score`` is that of its detection.
        score (float): The match logit: the inner product, to float32.
        probability (float): Its sigmoid.
    """

    entry: Entry
    score: float
    probability: float

    @classmethod
    def of(cls, found) -> 'Match':
        return cls(found.entry, found.score, sigmoid(found.score))


class Found(NamedTuple):
    """A candidate, and what it has in common with those it competes with."""

    score: float
    row: int
    entry: Entry
    group: Any


def ranked(backend, queries, k, wanted, unique) -> list:
    """The k best of every query, and of each group the best alone.

    Args:
        backend (FlatBackend): Or another.
        queries (np.ndarray): (Q, D) float32.
        k (int): Positive.
        wanted (Filter): What may be returned.
        unique (str | None): As for ``GalleryIndex.search``.

    Returns:
        list[list[Found]]: Best first, equal scores by rising row.

    Raises:
        ValueError: If the back end does not return so many.
    """
    if backend.most is not None and k > backend.most:
        raise ValueError(
            f'k must be at most {backend.most} with {backend.name}, got {k}')
    if not len(queries):
        return []
    if unique is None:
        results = backend.search(queries, k, wanted)
    else:
        results = backend.search_unique(queries, k, wanted, unique)
    entries = iter(backend.entries(np.concatenate([rows for rows, _ in results])))
    return [[Found(score, row, entry, group_of(entry, unique)) for score, row, entry
             in zip(scores.tolist(), rows.tolist(), entries, strict=False)]
            for rows, scores in results]


def least_score(probability) -> float:
    """The logit of a probability; None for all.

    Raises:
        ValueError: If it is not within 0..1.
    """
    if probability is None or probability == 0:
        return -math.inf
    if not 0 <= probability <= 1:
        raise ValueError(f'min_probability must be in 0..1, got {probability}')
    return math.inf if probability == 1 else math.log(probability / (1 - probability))


def sigmoid(logit) -> float:
    # exp of a large positive number would overflow.
    if logit < 0:
        return math.exp(logit) / (1 + math.exp(logit))
    return 1 / (1 + math.exp(-logit))
