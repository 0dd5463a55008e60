"""Several queries of one garment, one ranking."""

import numpy as np

FUSIONS = ('mean', 'max')


def grouped(groups, count) -> tuple:
    """Which queries belong together.

    Args:
        groups (Sequence | None): A label of each query, equal for those of one
            garment. None: each query is its own garment.
        count (int): Q, the number of queries.

    Returns:
        tuple[np.ndarray, int]: (Q,) int64 number of each query's garment, in the
        order of their first queries; and the number of garments.

    Raises:
        ValueError: If there are not Q labels.
    """
    if groups is None:
        return np.arange(count), count
    if len(groups) != count:
        raise ValueError(f'groups must have a label for each of {count} queries, got '
                         f'{len(groups)}')
    numbers = {}
    found = [numbers.setdefault(label, len(numbers)) for label in groups]
    return np.array(found, np.int64), len(numbers)


def mean_queries(queries, members, count) -> np.ndarray:
    """The query of each garment whose logits are the mean logits of its queries.

    An inner product is linear: the mean of logits is that of the mean vector.

    Args:
        queries (np.ndarray): (Q, D) float32.
        members (np.ndarray): (Q,) int64, garment of each.
        count (int): Number of garments.

    Returns:
        np.ndarray: (count, D) float32.
    """
    if count == len(queries):
        return queries
    sums = np.zeros((count, queries.shape[1]))
    np.add.at(sums, members, queries)
    return (sums / np.bincount(members, minlength=count)[:, None]).astype(np.float32)


def merged(results, members, count, k) -> list:
    """One ranking a garment, by the highest logit of its queries.

    The k best by the highest are among the k best of some query, so that nothing
    else need be looked at.

    Args:
        results (list[list[Found]]): Of each query its k best, of each group the best
            alone.
        members (np.ndarray): (Q,) int64, garment of each.
        count (int): Number of garments.
        k (int): Results of a garment.

    Returns:
        list[list[Found]]: The k best of each garment, by falling score, then rising
        row.
    """
    pools = [[] for _ in range(count)]
    for member, result in zip(members, results, strict=True):
        pools[member].extend(result)
    fused = []
    for pool in pools:
        best = {}
        for found in sorted(pool, key=lambda found: (-found.score, found.row)):
            best.setdefault(found.group, found)
        fused.append(list(best.values())[:k])
    return fused
