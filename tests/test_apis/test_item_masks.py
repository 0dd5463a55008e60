"""Masks equal those that mmdet pastes and pycocotools encodes."""

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from pycocotools import mask as mask_api

from df2mm.apis import ItemMasks
from df2mm.apis.item_masks import encode

SIZE = (50, 40)
BOXES = np.array([
    [5.3, 8.7, 30.2, 41.9],
    [-6.5, -3.2, 20.1, 12.4],     # out at the top left
    [22.7, 30.1, 55.5, 80.0],     # out at the bottom right
    [0, 0, 40, 50],               # all of it
    [10.4, 10.4, 10.9, 10.8],     # within a pixel
    [7.0, 7.0, 7.0, 30.0],        # no area
], np.float32)
MAPS = np.random.default_rng(0).random((len(BOXES), 28, 28), np.float32)
MAPS[3] = 1.0


def pasted_by_mmdet():
    boxes = torch.tensor(BOXES)
    masks = torch.cat([_do_paste_mask(
        torch.tensor(MAPS[i:i + 1, None]), boxes[i:i + 1], *SIZE,
        skip_empty=False)[0] for i in range(len(BOXES))])
    return (masks >= 0.5).numpy()


def by_coco(bitmaps):
    return [mask['counts'].decode() for mask in mask_api.encode(
        np.asfortranarray(bitmaps.transpose(1, 2, 0), np.uint8))]


def test_bitmaps_are_those_of_mmdet():
    masks = ItemMasks(MAPS, BOXES, SIZE)
    expected = pasted_by_mmdet()[:5]
    differing = (masks.bitmaps()[:5] != expected).mean((1, 2))
    # Within float error of the threshold a pixel may go either way.
    assert (differing <= 1 / (50 * 40)).all()
    assert expected[[0, 1, 2, 3]].any((1, 2)).all()
    assert not masks.bitmaps()[5].any()


def test_run_lengths_are_those_of_coco():
    masks = ItemMasks(MAPS, BOXES, SIZE)
    found = masks.run_lengths()
    assert [mask['counts'] for mask in found] == by_coco(masks.bitmaps())
    assert all(mask['size'] == [50, 40] for mask in found)


@pytest.mark.parametrize('crop, left, top, size, counts', [
    # Column by column: 2 x 3 zeros, then 1 zero and 2 ones, and so on.
    ([[0, 1], [1, 1]], 2, 1, (3, 5), [8, 1, 1, 2, 3]),
    # A full column goes on at the head of the next: one run.
    ([[1, 1], [1, 1]], 1, 0, (2, 3), [2, 4]),
    ([[1, 1], [0, 1]], 0, 0, (2, 2), [0, 1, 1, 2]),
    ([[0]], 0, 0, (2, 2), [4]),
    (np.zeros((0, 0)), 0, 0, (2, 2), [4]),
])
def test_encode_small_masks(crop, left, top, size, counts):
    crop = np.array(crop, bool)
    coded = encode(crop, left, top, size)
    expected = mask_api.frPyObjects(dict(size=list(size), counts=counts), *size)
    assert coded == dict(size=list(size), counts=expected['counts'].decode())
    whole = np.zeros(size, bool)
    whole[top:top + crop.shape[0], left:left + crop.shape[1]] = crop
    assert [coded['counts']] == by_coco(whole[None])


def test_bitmaps_of_another_head_pass():
    bitmaps = np.random.default_rng(0).random((3, *SIZE)) > 0.7
    masks = ItemMasks(bitmaps, BOXES[:3], SIZE)
    assert (masks.bitmaps() == bitmaps).all()
    assert [mask['counts'] for mask in masks.run_lengths()] == by_coco(bitmaps)


def test_no_items():
    masks = ItemMasks(MAPS[:0], BOXES[:0], SIZE)
    assert masks.run_lengths() == [] and masks.bitmaps().shape == (0, 50, 40)
