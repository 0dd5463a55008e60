import numpy as np
import pytest
from pycocotools import mask as mask_api

from df2mm.evaluation.run_lengths import measure_run_lengths


def encoded(bitmap):
    return mask_api.encode(np.asfortranarray(bitmap.astype(np.uint8)))['counts']


def test_areas_of_random_masks():
    rng = np.random.default_rng(0)
    bitmaps = [rng.random((40, 30)) < share for share in (0, 0.01, 0.3, 0.9, 1)]
    bitmaps += [np.repeat(np.repeat(rng.random((4, 3)) < 0.5, 10, 0), 10, 1)] * 3
    area, wrong = measure_run_lengths(
        [encoded(bitmap) for bitmap in bitmaps], np.array([[40, 30]] * len(bitmaps)))
    assert area.tolist() == [bitmap.sum() for bitmap in bitmaps]
    assert not wrong.any()


def test_a_large_mask():
    bitmap = np.zeros((4000, 6000), bool)
    bitmap[10:3990, 20:5990] = True
    area, wrong = measure_run_lengths([encoded(bitmap)], np.array([[4000, 6000]]))
    assert (area[0], wrong[0]) == (3980 * 5970, False)


def test_none():
    area, wrong = measure_run_lengths([], np.zeros((0, 2), int))
    assert area.shape == wrong.shape == (0,)


@pytest.mark.parametrize('counts', [
    b'', b'\x00', b'~~~', b'0' * 5 + b'P', b'oooooooooo0', b'5' * 30,
    'é'.encode(), b'N2'])
def test_damaged_strings_are_found_among_good_ones(counts):
    good = encoded(np.arange(100).reshape(10, 10) % 3 == 0)
    area, wrong = measure_run_lengths([good, counts, good], np.array([[10, 10]] * 3))
    assert wrong.tolist() == [False, True, False]
    assert area[0] == area[2] == 34


def test_a_mask_of_another_size_is_wrong():
    good = encoded(np.ones((10, 10), bool))
    assert measure_run_lengths([good], np.array([[10, 11]]))[1].tolist() == [True]


def test_every_change_of_a_character_is_found_or_keeps_the_size():
    counts = encoded(np.random.default_rng(1).random((12, 9)) < 0.4)
    strings = [counts[:i] + bytes([c]) + counts[i + 1:]
               for i in range(len(counts)) for c in range(48, 112, 5)]
    area, wrong = measure_run_lengths(strings, np.array([[12, 9]] * len(strings)))
    good = np.flatnonzero(~wrong)
    assert len(good) < len(strings) / 2
    for i in good:
        mask = dict(size=[12, 9], counts=strings[i])
        assert mask_api.area(mask) == area[i]
