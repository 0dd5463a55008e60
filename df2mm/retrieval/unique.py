"""One result of each group of entries, such as the photos of one shop item.

Entries are of one group if they have the same image, or the same string, number or
bool in a field of the user's. What has none of these there is its own group.
"""

import numpy as np

from df2mm.retrieval.filters import typed_value


def group_of(entry, unique):
    """What is equal for entries of one group.

    Args:
        entry (Entry): One of a gallery.
        unique (str | None): ``'image'``, or a field's name; None: all are different.
    """
    if unique == 'image':
        return entry.image
    value = None if unique is None else typed_value(entry.fields.get(unique))
    return ('id', entry.id) if value is None else value


def first_of_groups(groups, k):
    """Places of the first of each group, at most ``k``; groups must be hashable."""
    first = {}
    for place, group in enumerate(groups):
        first.setdefault(group, place)
    return np.array(list(first.values())[:k], np.int64)


def by_excluding(search, codes, queries, k, allowed) -> list:
    """The best of each group; where too few are found, from the other groups.

    Args:
        search (Callable): Of queries, k and allowed rows, Q of (rows, scores).
        codes (np.ndarray): (N,) int64, equal for rows of one group.
        queries (np.ndarray): (Q, D) float32.
        k (int): Groups.
        allowed (np.ndarray | None): (N,) bool.

    Returns:
        list[tuple]: Q of (rows, scores) of different groups, best first.
    """
    found = []
    for query, (rows, scores) in zip(
            queries, search(queries, 4 * k, allowed), strict=True):
        kept = first_of_groups(codes[rows].tolist(), k)
        is_all, rows, scores = len(rows) < 4 * k, rows[kept], scores[kept]
        while len(rows) < k and not is_all:
            others = ~np.isin(codes, codes[rows])
            if allowed is not None:
                others &= allowed
            more, made = search(query[None], 4 * k, others)[0]
            kept = first_of_groups(codes[more].tolist(), k - len(rows))
            is_all = len(more) < 4 * k
            # Worse than all so far, whose groups would have come first.
            rows = np.concatenate([rows, more[kept]])
            scores = np.concatenate([scores, made[kept]])
        found.append((rows, scores))
    return found


def by_widening(search, groups, queries, k, most) -> list:
    """The same where groups cannot be excluded: from more and more results.

    Args:
        search (Callable): Of queries and k, Q of (rows, scores).
        groups (Callable): Of rows, the group of each.
        queries (np.ndarray): (Q, D) float32.
        k (int): Groups.
        most (int): The most results of a search.

    Raises:
        ValueError: If ``most`` results are not enough.
    """
    found, left, wide = [None] * len(queries), np.arange(len(queries)), min(4 * k, most)
    while len(left):
        doubtful = []
        for query, (rows, scores) in zip(
                left, search(queries[left], wide), strict=True):
            kept = first_of_groups(groups(rows), k)
            found[query] = rows[kept], scores[kept]
            if len(kept) < k and len(rows) == wide:
                doubtful.append(query)
        if doubtful and wide == most:
            raise ValueError(
                f'unique must leave {k} of the {most} best, which are all that this '
                f'back end returns, got {len(found[doubtful[0]][0])}. Give a smaller k')
        left, wide = np.array(doubtful, np.int64), min(4 * wide, most)
    return found
