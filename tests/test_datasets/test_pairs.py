"""Pairs by hand: users are 0, shops 1, unknown 2; -1 is what never pairs."""

from types import SimpleNamespace

import numpy as np
import pytest

from df2mm.datasets.pairs import draw_partners, find_pairs


def index_of(images):
    """The columns that pairs are found in, of [(source, identities), ...]."""
    counts = np.array([len(identities) for _, identities in images], np.int64)
    return SimpleNamespace(
        sources=np.array([source for source, _ in images], np.uint8),
        items_per_image=counts, item_offsets=np.concatenate([[0], np.cumsum(counts)]),
        identities=np.array(
            [number for _, identities in images for number in identities], np.int64))


IMAGES = [
    (0, [501, 502]),  # 0: with 1 and 4
    (1, [502, 501]),  # 1: shares both of 0, and one of 3
    (0, [-1, 900]),   # 2: 900 is in no shop image
    (0, [501]),       # 3
    (1, [-1, 502]),   # 4
    (2, [501]),       # 5: nobody knows whose
    (1, []),          # 6
]


@pytest.mark.parametrize(('positions', 'pairs'), [
    (range(7), [(0, 1), (0, 4), (3, 1)]),
    ([0, 4], [(0, 1)]),
    # Places count in the dataset's order, and an image may be there twice.
    ([1, 3, 3], [(1, 0), (2, 0)]),
    ([0, 2, 3], []),
    ([6], []),
    ([], []),
])
def test_pairs_share_an_identity_and_occur_once(positions, pairs):
    found = find_pairs(index_of(IMAGES), np.array(list(positions), np.int64))
    assert found.shape == (len(pairs), 2)
    assert list(map(tuple, found.tolist())) == pairs


def test_pairs_of_many_images_are_those_that_a_loop_finds():
    rng = np.random.default_rng(0)
    images = [(int(rng.integers(3)), rng.integers(-1, 12, rng.integers(4)).tolist())
              for _ in range(80)]
    expected = [(u, s) for u, (of_u, mine) in enumerate(images)
                for s, (of_s, theirs) in enumerate(images)
                if of_u == 0 and of_s == 1 and (set(mine) & set(theirs)) - {-1}]
    assert len(expected) > 50
    found = find_pairs(index_of(images), np.arange(80))
    assert list(map(tuple, found.tolist())) == expected


def test_each_user_image_draws_each_of_its_partners():
    pairs = np.array([(0, 5), (0, 6), (0, 7), (2, 5), (4, 6), (4, 7)])
    rng = np.random.default_rng(0)
    draws = [draw_partners(pairs, rng) for _ in range(600)]
    assert all(draw[:, 0].tolist() == [0, 2, 4] for draw in draws)
    counts = np.bincount([draw[0, 1] for draw in draws])
    assert counts[5:].tolist() == pytest.approx([200] * 3, abs=40)
    assert {draw[1, 1] for draw in draws} == {5}
