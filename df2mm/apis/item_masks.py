"""Masks as a mask head gives them, pasted into the image only when asked for.

Shapes: n items, S side of the head's small map, (H, W) the image.

A mask at the image's size is what takes most of the time after the network, and
most of the memory: 12 MB an item of a 12 megapixel photo. Of many items nobody
ever looks at the mask.
"""

from functools import partial

import numpy as np
import torch
from pycocotools import mask as mask_api


class ItemMasks:
    """The masks of an image's items.

    Args:
        maps (np.ndarray): (n, S, S) float32 probabilities over each item's box, or
            (n, H, W) bool bitmaps of a head that gives these.
        bboxes (np.ndarray): (n, 4) float32 x1, y1, x2, y2 pixels of the image.
        size (tuple[int, int]): H and W.
        threshold (float): A pixel is inside from this probability on.
    """

    def __init__(self, maps, bboxes, size: tuple, threshold: float = 0.5) -> None:
        self._maps, self._bboxes = maps, bboxes
        self.size, self._threshold = tuple(int(side) for side in size), threshold

    def __len__(self) -> int:
        return len(self._maps)

    def crop(self, i: int) -> tuple:
        """The part of one item's mask that holds all of it.

        Returns:
            tuple[np.ndarray, int, int]: (h, w) bool, and the pixels of the image
            to the left of it and above it.
        """
        if self._maps.dtype == bool:
            return self._maps[i], 0, 0
        return paste(self._maps[i], self._bboxes[i], self.size, self._threshold)

    def bitmaps(self) -> np.ndarray:
        """(n, H, W) bool."""
        masks = np.zeros((len(self), *self.size), bool)
        for i, mask in enumerate(masks):
            crop, left, top = self.crop(i)
            mask[top:top + crop.shape[0], left:left + crop.shape[1]] = crop
        return masks

    def run_lengths(self) -> list:
        """COCO's compressed run lengths of each: ``dict(size=[H, W], counts=str)``."""
        return [encode(*self.crop(i), self.size) for i in range(len(self))]


def paste(probabilities, bbox, size: tuple, threshold: float) -> tuple:
    """Scale a mask to its box, as mmdet does, and threshold it.

    Bilinear, a half-pixel grid, zero around the map; so that it is a product with
    two small matrices, one a side.

    Args:
        probabilities (np.ndarray): (S, S).
        bbox (np.ndarray): (4,) x1, y1, x2, y2 pixels.
        size (tuple[int, int]): Of the image.
        threshold (float): As in ItemMasks.

    Returns:
        tuple[np.ndarray, int, int]: As :meth:`ItemMasks.crop`.

    Source: ``_do_paste_mask`` of mmdet's FCNMaskHead.
    """
    height, width = size
    x1, y1, x2, y2 = (np.float32(value) for value in bbox)
    rows, top = _weights(y1, y2, height, probabilities.shape[0])
    columns, left = _weights(x1, x2, width, probabilities.shape[1])
    # Column by column, as the run lengths will read it.
    crop = columns @ (rows @ probabilities).T >= threshold
    return crop.T, left, top


def _weights(start, stop, length: int, count: int) -> tuple:
    """(pixels, S) float32: what each value of the map gives each pixel of a side."""
    first = int(np.clip(np.floor(start) - 1, 0, length))
    last = int(np.clip(np.ceil(stop) + 1, first, length))
    pixels = np.arange(first, last, dtype=np.float32) + np.float32(0.5)
    side = max(stop - start, np.float32(1e-6))
    places = (pixels - start) / side * count - np.float32(0.5)
    weights = 1 - np.abs(places[:, None] - np.arange(count, dtype=np.float32))
    return np.maximum(weights, 0, dtype=np.float32), first


def encode(crop, left: int, top: int, size: tuple) -> dict:
    """COCO's run lengths of a mask that lies in a part of the image.

    Args:
        crop (np.ndarray): (h, w) bool.
        left, top (int): Pixels to the left of it and above it.
        size (tuple[int, int]): H and W of the image.

    Returns:
        dict: ``size`` [H, W] and ``counts``, a str.
    """
    height, width = size
    # A column between two zeros begins and ends its runs where it changes.
    padded = np.zeros((crop.shape[1], crop.shape[0] + 2), bool)
    padded[:, 1:-1] = crop.T
    flat = padded.ravel()
    column, row = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), padded.shape[1])
    edges = (column + left) * height + row + top
    # A run that reaches a column's foot goes on at the next one's head.
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] != ends[:-1]
    starts = starts[np.concatenate([[True], apart])] if len(starts) else starts
    ends = ends[np.concatenate([apart, [True]])] if len(ends) else ends
    edges = np.stack([starts, ends], axis=1).ravel()
    counts = np.diff(edges, prepend=0, append=height * width)
    if len(counts) > 1 and counts[-1] == 0:
        counts = counts[:-1]
    coded = mask_api.frPyObjects(
        dict(size=[height, width], counts=counts.tolist()), height, width)
    return dict(size=[height, width], counts=coded['counts'].decode())


def keep_small(mask_head) -> None:
    """Let an FCNMaskHead hand out its small maps in place of pasted masks.

    ``predict_by_feat`` of this one instance then gives ``mask_maps`` (n, S, S)
    float32 probabilities, and moves the boxes as before.
    """
    mask_head.predict_by_feat = partial(_small_maps, mask_head)


def _small_maps(mask_head, mask_preds, results_list, batch_img_metas, rcnn_test_cfg,
                rescale=False, activate_map=False) -> list:
    for maps, results, meta in zip(
            mask_preds, results_list, batch_img_metas, strict=True):
        channels = torch.zeros_like(results.labels) if (
            mask_head.class_agnostic) else results.labels
        maps = maps[torch.arange(len(maps), device=maps.device), channels].float()
        results.mask_maps = maps if activate_map else maps.sigmoid()
        if rescale:
            scale = results.bboxes.new_tensor(meta['scale_factor']).repeat(2)
            results.bboxes = results.bboxes / scale
    return results_list
