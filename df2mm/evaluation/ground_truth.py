"""What is scored against: the annotation as flat arrays of exact numbers.

Unlike ``df2mm.datasets.AnnotationIndex``, which repairs what it reads and keeps
float32, this holds the very numbers of the file, for the official evaluator
computes with those.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from df2mm.metainfo import NUM_CATEGORIES
from df2mm.ranges import ranges


@dataclass(frozen=True, eq=False)
class RunLengthMasks:
    """Masks as COCO's compressed run lengths.

    Attributes:
        sizes (np.ndarray): (N, 2) int32, height and width in pixels.
        counts (list[bytes]): N strings.
    """

    sizes: np.ndarray
    counts: list

    def __len__(self) -> int:
        """N."""
        return len(self.counts)

    def take(self, items) -> 'RunLengthMasks':
        """Those of ``items`` (int array), in that order."""
        return RunLengthMasks(self.sizes[items], [self.counts[i] for i in items])

    def as_coco(self, indices) -> list[dict]:
        """Those at ``indices`` in the form that pycocotools takes."""
        return [dict(size=self.sizes[i].tolist(), counts=self.counts[i])
                for i in indices]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of N items, only those of each item's category.

    Attributes:
        values (np.ndarray): (sum of L, 3) or (sum of L, 2) float, x, y and, in
            ground truth, v.
        offsets (np.ndarray): (N + 1,) int64, where each item's part begins.
        full (dict[int, np.ndarray]): (294, 3) or (294, 2) of the few items whose
            numbers outside of their category's slice decide; zeros are meant for
            all others.
    """

    values: np.ndarray
    offsets: np.ndarray
    full: dict = field(default_factory=dict)

    def take(self, items: np.ndarray) -> 'Landmarks':
        """Those of ``items`` (int array, none twice), in that order."""
        counts = np.diff(self.offsets)[items]
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        rows = ranges(self.offsets[items], counts)
        place = {item: i for i, item in enumerate(np.asarray(items).tolist())}
        full = {place[item]: points for item, points in self.full.items()
                if item in place}
        return Landmarks(self.values[rows], offsets, full)

    def count(self, mask: np.ndarray) -> np.ndarray:
        """(N,) int64: of how many of each item's landmarks a (sum of L,) mask is."""
        # One more, for an empty array has no place to begin at.
        return np.add.reduceat(
            np.append(mask, False), self.offsets[:-1], dtype=np.int64)

    def rows_of(self, items: np.ndarray, count: int) -> np.ndarray:
        """(len(items), count, 2 or 3): the landmarks of items that have ``count``."""
        return self.values[self.offsets[items][:, None] + np.arange(count)]


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Images and items of one annotation file.

    Shapes: M images, N items. Coordinates are pixels.

    Attributes:
        img_ids (np.ndarray): (M,) int64, ascending.
        sizes (np.ndarray): (M, 2) int32, width and height.
        file_names (list[str]): M, relative to the image folder.
        sources (np.ndarray): (M,) uint8, index into
            ``df2mm.datasets.columns.SOURCES``.
        pair_ids (np.ndarray): (M,) int64, -1 where not said.
        images (np.ndarray): (N,) int64, which of the M each item lies on; items of
            one image keep the file's order.
        ids (np.ndarray): (N,) int64, of the annotations.
        labels (np.ndarray): (N,) int64, 0..12.
        bboxes (np.ndarray): (N, 4) float64, x, y, w, h.
        areas (np.ndarray): (N,) float64, as the file says: of the box, officially.
        crowd (np.ndarray): (N,) bool.
        styles (np.ndarray): (N,) int64.
        variations (np.ndarray): (N, 4) uint8, 1..3, or 0 where not said.
        num_keypoints (np.ndarray): (N,) int64: 0 means that the item is ignored
            in scoring landmarks.
        landmarks (Landmarks | None): None if they were not asked for.
        masks (RunLengthMasks | None): None if they were not asked for.
    """

    img_ids: np.ndarray
    sizes: np.ndarray
    file_names: list
    sources: np.ndarray
    pair_ids: np.ndarray
    images: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    bboxes: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    styles: np.ndarray
    variations: np.ndarray
    num_keypoints: np.ndarray
    landmarks: Landmarks | None = None
    masks: RunLengthMasks | None = None

    @property
    def num_images(self) -> int:
        """M."""
        return len(self.img_ids)

    @property
    def num_items(self) -> int:
        """N."""
        return len(self.labels)

    @property
    def image_ids(self) -> np.ndarray:
        """(N,) int64, of each item's image."""
        return self.img_ids[self.images]

    def positions_of(self, image_ids, where: str) -> np.ndarray:
        """Which of the M each image id is.

        Raises:
            ValueError: If one is unknown; says which, ``where``, and how many.
        """
        image_ids = np.asarray(image_ids, np.int64)
        positions = np.searchsorted(self.img_ids, image_ids)
        positions[positions == len(self.img_ids)] = 0
        unknown = (self.img_ids[positions] != image_ids if len(self.img_ids)
                   else np.ones(len(image_ids), bool))
        if unknown.any():
            first = int(np.flatnonzero(unknown)[0])
            raise ValueError(
                f'image_id {image_ids[first]} of entry {first} of {where} is not '
                f'among the {self.num_images} images of the ground truth; '
                f'{np.count_nonzero(unknown)} of {len(image_ids)} entries are so')
        return positions

    def full_landmark_keys(self) -> np.ndarray:
        """Of which (image, category) whole vectors of 294 landmarks decide.

        Those with an item that has no labelled landmark, also once occluded ones
        count as not labelled, and those with landmarks outside of their category.

        Returns:
            np.ndarray: Ascending int64, image_id * 13 + label.
        """
        chosen = self.landmarks.count(self.landmarks.values[:, 2] == 2) == 0
        chosen[list(self.landmarks.full)] = True
        return np.unique(self.image_ids[chosen] * NUM_CATEGORIES + self.labels[chosen])

    def visible_only(self) -> 'GroundTruth':
        """The same with occluded landmarks (v = 1) as not labelled.

        ``num_keypoints`` is counted anew, as the official ground truth of visible
        landmarks has it.
        """
        values = self.landmarks.values.copy()
        values[values[:, 2] == 1] = 0
        full = {}
        for item, points in self.landmarks.full.items():
            full[item] = np.where(points[:, 2:] == 1, 0, points)
        counts = self.landmarks.count(values[:, 2] > 0)
        for item, points in full.items():
            counts[item] = np.count_nonzero(points[:, 2])
        return replace(self, num_keypoints=counts, landmarks=replace(
            self.landmarks, values=values, full=full))

    def only_images(self, image_ids) -> 'GroundTruth':
        """The images of these ids and their items.

        Raises:
            ValueError: If an id is unknown.
        """
        chosen = np.zeros(self.num_images, bool)
        chosen[self.positions_of(image_ids, 'the predictions')] = True
        if chosen.all():
            return self
        items = np.flatnonzero(chosen[self.images])
        return self.take_items(
            items, img_ids=self.img_ids[chosen], sizes=self.sizes[chosen],
            file_names=[self.file_names[i] for i in np.flatnonzero(chosen)],
            sources=self.sources[chosen], pair_ids=self.pair_ids[chosen],
            images=(np.cumsum(chosen) - 1)[self.images[items]])

    def take_items(self, items: np.ndarray, **changes) -> 'GroundTruth':
        """These items (int array), in that order; ``changes`` replace columns."""
        columns = {name: getattr(self, name)[items] for name in (
            'images', 'ids', 'labels', 'bboxes', 'areas', 'crowd', 'styles',
            'variations', 'num_keypoints')}
        columns.update(landmarks=self.landmarks and self.landmarks.take(items),
                       masks=self.masks and self.masks.take(items))
        return replace(self, **{**columns, **changes})
