"""A photo and its garments, at the size at which a page shows them.

Shapes: n items, (h, w) the picture as shown. Coordinates are its pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from df2mm.metainfo import CATEGORIES
from df2mm.visualization.draw import draw_items, visible_from_scores
from df2mm.visualization.images import fit

#: What can be switched on and off.
LAYERS = ('boxes', 'masks', 'landmarks', 'names')

# The longer side of the picture: thin lines need some pixels, and more than a screen
# has only cost time and memory.
_LEAST_SIDE, _MOST_SIDE = 800, 1280
# How bright everything but the chosen garment is.
_DIMMED = 0.4


@dataclass(eq=False, repr=False)
class Photo:
    """What a visitor's session holds of a photo.

    Attributes:
        image (np.ndarray): (h, w, 3) uint8 RGB.
        bboxes (np.ndarray): (n, 4) x1, y1, x2, y2.
        labels (np.ndarray): (n,) int64, 0..12.
        scores (np.ndarray): (n,) float32, the highest first.
        masks (list[tuple] | None): n of a part of the mask that holds all of it,
            bool, and the pixels left of it and above it.
        keypoints (np.ndarray | None): (n, 294, 2).
        keypoint_scores (np.ndarray | None): (n, 294).
        query_vectors (np.ndarray): (n, D + 2) float32.
    """

    image: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    masks: list | None
    keypoints: np.ndarray | None
    keypoint_scores: np.ndarray | None
    query_vectors: np.ndarray

    @classmethod
    def of(cls, found) -> 'Photo':
        """Of a Prediction with query vectors."""
        height, width = found.image.shape[:2]
        side = np.clip(max(height, width), _LEAST_SIDE, _MOST_SIDE)
        image = fit(found.image, side, side)
        scale = np.array(image.shape[1::-1]) / (width, height)
        return cls(
            image, found.bboxes * np.tile(scale, 2), found.labels, found.scores,
            None if found.masks is None else [
                _scaled(*found.masks.crop(i), scale) for i in range(len(found.masks))],
            None if found.keypoints is None else found.keypoints * scale,
            found.keypoint_scores, found.query_vectors)

    def items(self, score_thr: float) -> list:
        """list[int]: The garments of at least this score, the best first."""
        return np.flatnonzero(self.scores >= score_thr).tolist()

    def category(self, item: int) -> str:
        return CATEGORIES[self.labels[item]].name

    def item_at(self, x: float, y: float, items) -> int | None:
        """Which garment is meant by a click.

        Args:
            x, y (float): Pixel, counted from 0.
            items (Sequence[int]): Those that are shown.

        Returns:
            int | None: The one of the smallest mask on that pixel; else of the
            smallest box around it; else None.
        """
        column, row = int(x), int(y)
        masks = [(int(self.masks[item][0].sum()), item) for item in items
                 if self.masks is not None and _holds(*self.masks[item], column, row)]
        boxes = [(float((x2 - x1) * (y2 - y1)), item) for item in items
                 for x1, y1, x2, y2 in [self.bboxes[item]]
                 if x1 <= column + 0.5 <= x2 and y1 <= row + 0.5 <= y2]
        return min(masks or boxes, default=(None, None))[1]

    def draw(self, items, layers=LAYERS, chosen=None, keypoint_thr=0.3) -> np.ndarray:
        """The picture with garments on it.

        Args:
            items (Sequence[int]): Which ones.
            layers (Collection[str]): Of LAYERS, what to draw.
            chosen (int, optional): A garment; the picture around it is dimmed.
            keypoint_thr (float): Landmarks of lower score are not drawn.

        Returns:
            np.ndarray: (h, w, 3) uint8 RGB.
        """
        items = list(items)
        masks = self.masks is not None and 'masks' in layers
        keypoints = self.keypoints is not None and 'landmarks' in layers
        return draw_items(
            self.image if chosen is None else self._spotlight(chosen),
            self.bboxes[items], self.labels[items],
            self._bitmaps(items) if masks else None,
            self.keypoints[items] if keypoints else None,
            visible_from_scores(self.keypoint_scores[items], keypoint_thr)
            if keypoints else None,
            self.scores[items], boxes='boxes' in layers, names='names' in layers)

    def _bitmaps(self, items) -> np.ndarray:
        bitmaps = np.zeros((len(items), *self.image.shape[:2]), bool)
        for bitmap, item in zip(bitmaps, items, strict=True):
            mask, left, top = self.masks[item]
            bitmap[top:top + mask.shape[0], left:left + mask.shape[1]] = mask
        return bitmaps

    def _spotlight(self, item) -> np.ndarray:
        x1, y1, x2, y2 = np.maximum(np.rint(self.bboxes[item]), 0).astype(int)
        image = cv2.convertScaleAbs(self.image, alpha=_DIMMED)
        image[y1:y2, x1:x2] = self.image[y1:y2, x1:x2]
        return image


def _holds(mask, left: int, top: int, column: int, row: int) -> bool:
    """Whether a pixel of the picture is in a part of a mask."""
    column, row = column - left, row - top
    return (0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            and bool(mask[row, column]))


def _scaled(mask, left: int, top: int, scale) -> tuple:
    """A part of a mask in the pixels of the picture as it is shown."""
    if 0 in mask.shape:
        return mask, 0, 0
    corners = np.array([(left, top), (left + mask.shape[1], top + mask.shape[0])])
    (x1, y1), (x2, y2) = np.rint(corners * scale).astype(int).tolist()
    size = max(x2 - x1, 1), max(y2 - y1, 1)
    how = cv2.INTER_AREA if scale.max() < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=how) > 127
    # What was widened to a pixel at the right or lower edge would lie outside.
    return resized[:y2 - y1, :x2 - x1], x1, y1
