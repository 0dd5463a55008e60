"""Pictures of errors: what was annotated beside what was predicted.

Boxes are x, y, w, h in pixels of the picture's file.
"""

from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_api

from df2mm.evaluation.box_iou import xywh_to_xyxy
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS
from df2mm.visualization import strokes
from df2mm.visualization.draw import draw_items
from df2mm.visualization.images import fit, read_image
from df2mm.visualization.sheet import side_by_side

#: Of what an error is about: what is annotated, what is predicted, the distance.
ANNOTATED, PREDICTED = (31, 95, 230), (232, 106, 0)
_DISTANCE = (222, 20, 40)
_GREY = (150, 156, 166)
#: The most that one half of a picture measures, in pixels.
_PANEL = (620, 640)
#: Around a crop, as a share of its sides, and the least a crop measures in pixels.
_MARGIN, _LEAST = 0.12, 64


class ImageFolder:
    """Reads pictures, and remembers those that it could not read.

    Args:
        folder (str | Path): That the names are relative to.

    Raises:
        FileNotFoundError: If there is no such folder.
    """

    def __init__(self, folder) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f'no such folder of images: {folder}')
        #: What is wrong with each picture that could not be read, by its name.
        self.faults = {}

    def read(self, *names, size=None):
        """(H, W, 3) uint8 RGB of the first of ``names`` that is there, or None.

        Args:
            names (str): Of one picture, the usual one first.
            size (tuple[int, int], optional): The width and height that the
                annotation says; another is a fault.
        """
        if names[0] in self.faults:
            return None
        there = [name for name in names if (self.folder / name).is_file()]
        try:
            image = read_image(self.folder / (there or names)[0])
        except FileNotFoundError:
            self.faults[names[0]] = 'not found'
        except (OSError, ValueError):
            self.faults[names[0]] = 'cannot be decoded'
        else:
            width, height = image.shape[1::-1] if size is None else map(int, size)
            if image.shape[1::-1] == (width, height):
                return image
            self.faults[names[0]] = (
                f'is {image.shape[1]} x {image.shape[0]} pixels, annotated as '
                f'{width} x {height}')
        return None


class View:
    """A part of a picture at the size it is shown, and items drawn on it.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB.
        around (array-like, optional): (n, 4) boxes; only the part around them is
            shown. Defaults to the whole picture.
        size (tuple[int, int]): Width and height that the view fits into.
    """

    def __init__(self, image, around=None, size=_PANEL) -> None:
        height, width = image.shape[:2]
        self.left, self.top, right, bottom = (
            (0, 0, width, height) if around is None else _region(around, width, height))
        self._cut = np.s_[self.top:bottom, self.left:right]
        self.image = fit(image[self._cut], *size)
        self.scale = np.divide(self.image.shape[1::-1],
                               (right - self.left, bottom - self.top))

    def points(self, points) -> np.ndarray:
        """(..., 2) pixels of the picture as pixels of the view."""
        return (np.asarray(points) - (self.left, self.top)) * self.scale

    def corners(self, boxes) -> np.ndarray:
        """(n, 4) x1, y1, x2, y2 in the view."""
        corners = xywh_to_xyxy(np.reshape(boxes, (-1, 4)))
        return self.points(corners.reshape(-1, 2, 2)).reshape(-1, 4)

    def mask(self, run_lengths) -> np.ndarray:
        """(h, w) bool of run lengths in pycocotools' form."""
        bitmap = mask_api.decode(run_lengths)[self._cut] * np.uint8(255)
        return cv2.resize(bitmap, self.image.shape[1::-1]) > 127

    def draw(self, color, boxes=(), labels=(), scores=None, main=None, mask=None,
             landmarks=None, visible=None, true_landmarks=None) -> np.ndarray:
        """A copy of the view with items on it, all but one of them in grey.

        Args:
            color (tuple[int]): RGB of the one.
            boxes (array-like): (n, 4).
            labels (array-like): (n,) int, 0..12.
            scores (array-like, optional): (n,).
            main (int, optional): Which of the n it is.
            mask (dict, optional): Its run lengths.
            landmarks (np.ndarray, optional): (L, 2) of it.
            visible (np.ndarray, optional): (L,) 0, 1 or 2. Defaults to 2.
            true_landmarks (np.ndarray, optional): (L, 2), where they should be: a
                line runs there from each that is visible.
        """
        labels = np.asarray(labels, np.int64).reshape(-1)
        corners = self.corners(boxes)
        colors = np.full((len(labels), 3), _GREY)
        if main is not None:
            colors[main] = color
        canvas = draw_items(self.image, corners, labels, scores=scores, colors=colors)
        if main is None or (mask is None and landmarks is None):
            return canvas
        category = CATEGORIES[labels[main]]
        options = dict(colors=[color], boxes=False, names=False)
        if mask is not None:
            options['masks'] = self.mask(mask)[None]
        if landmarks is not None:
            points, marks = np.zeros((NUM_KEYPOINTS, 2)), np.zeros(NUM_KEYPOINTS)
            points[category.slice] = self.points(landmarks)
            marks[category.slice] = 2 if visible is None else visible
            options.update(keypoints=points[None], keypoints_visible=marks[None])
        if true_landmarks is not None:
            ends = np.zeros_like(points)
            ends[category.slice] = self.points(true_landmarks)
            for k in np.flatnonzero(marks):
                strokes.line(canvas, points[k], ends[k], _DISTANCE, 2)
                strokes.disc(canvas, ends[k], 3, _DISTANCE)
        return draw_items(canvas, corners[[main]], labels[[main]], **options)


def _region(boxes, width, height):
    """Left, top, right, bottom of whole pixels around boxes, inside the picture."""
    corners = xywh_to_xyxy(np.reshape(boxes, (-1, 4)))
    low, high = corners[:, :2].min(0), corners[:, 2:].max(0)
    middle, half = (low + high) / 2, np.maximum(high - low, _LEAST) / 2
    half *= 1 + 2 * _MARGIN
    size = (width, height)
    left, top = np.clip(np.floor(middle - half), 0, np.subtract(size, 1)).astype(int)
    right, bottom = np.clip(np.ceil(middle + half), (left + 1, top + 1), size).astype(
        int)
    return int(left), int(top), int(right), int(bottom)


def compared(left, right, note: str = '') -> np.ndarray:
    """The annotated view beside the predicted one."""
    return side_by_side([left, right], ['annotated', f'predicted{note}'])
