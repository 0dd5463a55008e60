"""What is found in one image: arrays, and what is made of them for people."""

from dataclasses import dataclass

import numpy as np

from df2mm.apis.item_masks import ItemMasks
from df2mm.metainfo import CATEGORIES, KEYPOINT_NAMES
from df2mm.visualization.draw import draw_items, visible_from_scores

# A hundredth of a pixel and a ten-thousandth of a score are more than is known.
_PIXEL_DIGITS, _SCORE_DIGITS = 2, 4


@dataclass(eq=False)
class Prediction:
    """The items of one image.

    Shapes: n items, D + 2 numbers a vector, (H, W) the upright image. Coordinates
    are pixels of that image. What the model has no head for is None, and the
    vectors that the source does not ask for.

    Attributes:
        index (int): Place of the image among all inputs, unreadable ones counted.
        name (str): Its path; ``array 3`` or ``bytes 3`` if it has none.
        target (str): See :class:`df2mm.apis.image_inputs.ImageInput`.
        image (np.ndarray): (H, W, 3) uint8 RGB.
        source (str | None): 'user', 'shop' or not known.
        bboxes (np.ndarray): (n, 4) float32 x1, y1, x2, y2.
        labels (np.ndarray): (n,) int64, 0..12.
        scores (np.ndarray): (n,) float32, the highest first.
        masks (ItemMasks | None): n masks, made when they are asked for.
        keypoints (np.ndarray | None): (n, 294, 2) float32, filled in each
            category's slice.
        keypoint_scores (np.ndarray | None): (n, 294) float32.
        query_vectors (np.ndarray | None): (n, D + 2) float32.
        gallery_vectors (np.ndarray | None): (n, D + 2) float32. The inner product
            with a query vector is the match logit.
    """

    index: int
    name: str
    target: str
    image: np.ndarray
    source: str | None
    bboxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    masks: ItemMasks | None = None
    keypoints: np.ndarray | None = None
    keypoint_scores: np.ndarray | None = None
    query_vectors: np.ndarray | None = None
    gallery_vectors: np.ndarray | None = None

    def to_dict(self, *, masks: bool = True, landmarks: bool = True,
                vectors: bool = True) -> dict:
        """Plain Python, as JSON takes it.

        Args:
            masks, landmarks, vectors (bool): What to keep of what there is.

        Returns:
            dict: ``image``, ``width``, ``height``, ``source`` and ``items``, each
            ``bbox`` [x1, y1, x2, y2], ``label`` 0..12, ``category``, ``score`` and,
            as there is, ``mask`` (COCO's run lengths: ``size`` [H, W], ``counts``),
            ``landmarks`` {name: {x, y, score}} of the category, ``query_vector``,
            ``gallery_vector``. Pixels have 2 digits after the point, scores 4;
            vectors are as exact as they are.
        """
        height, width = self.image.shape[:2]
        boxes = _rounded(self.bboxes, _PIXEL_DIGITS)
        scores = _rounded(self.scores, _SCORE_DIGITS)
        items = [dict(bbox=box, label=label, category=CATEGORIES[label].name, score=s)
                 for box, label, s in zip(
                     boxes, self.labels.tolist(), scores, strict=True)]
        columns = dict()
        if masks and self.masks is not None:
            columns['mask'] = self.masks.run_lengths()
        if landmarks and self.keypoints is not None:
            columns['landmarks'] = [self._landmarks(i) for i in range(len(items))]
        for name in ('query_vector', 'gallery_vector') if vectors else ():
            values = getattr(self, f'{name}s')
            if values is not None:
                columns[name] = values.tolist()
        for name, values in columns.items():
            for item, value in zip(items, values, strict=True):
                item[name] = value
        return dict(image=self.name, width=width, height=height, source=self.source,
                    items=items)

    def _landmarks(self, i: int) -> dict:
        part = CATEGORIES[self.labels[i]].slice
        points = _rounded(self.keypoints[i, part], _PIXEL_DIGITS)
        scores = _rounded(self.keypoint_scores[i, part], _SCORE_DIGITS)
        return {name: dict(x=x, y=y, score=score) for name, (x, y), score in zip(
            KEYPOINT_NAMES[part], points, scores, strict=True)}

    def draw(self, keypoint_thr: float = 0.3) -> np.ndarray:
        """The image with its items drawn on it.

        Args:
            keypoint_thr (float): See
                :func:`df2mm.visualization.draw.visible_from_scores`.

        Returns:
            np.ndarray: (H, W, 3) uint8 RGB.
        """
        visible = None if self.keypoint_scores is None else visible_from_scores(
            self.keypoint_scores, keypoint_thr)
        return draw_items(
            self.image, self.bboxes, self.labels,
            None if self.masks is None else self.masks.bitmaps(),
            self.keypoints, visible, self.scores)


def _rounded(values: np.ndarray, digits: int) -> list:
    # In float64: a float32 has no short decimal form.
    return np.round(values.astype(np.float64), digits).tolist()
