"""Which images show the same garment, found in the columns of the annotation.

A place is an image's number in a dataset, counted from 0.
"""

import numpy as np

from df2mm.datasets.columns import SOURCES
from df2mm.datasets.index import AnnotationIndex
from df2mm.ranges import ranges

_USER, _SHOP = SOURCES.index('user'), SOURCES.index('shop')


def find_pairs(index: AnnotationIndex, positions: np.ndarray) -> np.ndarray:
    """Every pair of a user's and a shop's image that share an identity.

    That is a pair_id and a style above 0: see
    :func:`df2mm.datasets.columns.identities_of`.

    Shapes: M images of the dataset, P pairs.

    Args:
        index (AnnotationIndex): The annotation.
        positions (np.ndarray): (M,) int64, the image of the index at each place.

    Returns:
        np.ndarray: (P, 2) int64 places of user and shop image; each pair once, in
        ascending order.
    """
    counts = index.items_per_image[positions]
    items = ranges(index.item_offsets[positions], counts)
    places = np.repeat(np.arange(len(positions)), counts)
    identities = index.identities[items]
    sources = index.sources[positions][places]

    users = (sources == _USER) & (identities >= 0)
    shops = np.flatnonzero((sources == _SHOP) & (identities >= 0))
    shops = shops[np.argsort(identities[shops], kind='stable')]
    # The shop items of a user item's identity are one stretch of the sorted ones.
    begin = np.searchsorted(identities[shops], identities[users], 'left')
    end = np.searchsorted(identities[shops], identities[users], 'right')
    partners = places[shops][ranges(begin, end - begin)]
    owners = np.repeat(places[users], end - begin)
    # Images that share several identities are one pair.
    codes = np.unique(owners * len(positions) + partners)
    return np.stack(np.divmod(codes, max(len(positions), 1)), axis=1)


def draw_partners(pairs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One pair of every user image that has any, drawn at random.

    Args:
        pairs (np.ndarray): (P, 2) of :func:`find_pairs`.
        rng (np.random.Generator): Advanced by one draw a user image.

    Returns:
        np.ndarray: (number of user images in a pair, 2) int64, in their order.
    """
    _, begin, counts = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    return pairs[begin + rng.integers(counts)]
