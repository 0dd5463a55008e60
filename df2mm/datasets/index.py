"""A split's annotation as columns: a few flat arrays, no object an item.

Python objects would cost a training split several gigabytes, and every forked
loader worker its own copy of them: looking at an object writes its reference
count, and writing copies the page it lies on. Arrays are looked at without
being written, so all workers share the parent's pages.
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class AnnotationIndex:
    """The annotation of one split.

    Shapes: M images, N items, T landmarks of all items, P polygons, V vertices.
    Coordinates are pixels. ``x_offsets`` of N + 1 numbers say where each item's
    part of a flat array begins and ends.

    The arrays are read-only, so that copies and deep copies may share them, as
    forked processes do. A spawned process gets a copy of its own.

    Attributes:
        img_ids (np.ndarray): (M,) int64, ascending.
        file_names (np.ndarray): (M,) bytes, relative to the image folder.
        sizes (np.ndarray): (M, 2) int32, width and height.
        sources (np.ndarray): (M,) uint8, an index into
            ``df2mm.datasets.columns.SOURCES``.
        pair_ids (np.ndarray): (M,) int64, -1 where not said.
        item_offsets (np.ndarray): (M + 1,) int64.
        bboxes (np.ndarray): (N, 4) float32, x1, y1, x2, y2.
        labels (np.ndarray): (N,) uint8, 0..12.
        styles (np.ndarray): (N,) int32.
        identities (np.ndarray): (N,) int64, one number a (pair_id, style); -1
            where nothing pairs. See :func:`df2mm.datasets.columns.identities_of`.
        variations (np.ndarray): (N, 4) uint8 in 1..3, or 0 where not said.
        landmark_offsets (np.ndarray): (N + 1,) int64.
        landmarks (np.ndarray): (T, 3) float32, x, y, v of the category's own
            landmarks only.
        polygon_offsets (np.ndarray): (N + 1,) int64, into the polygons.
        vertex_offsets (np.ndarray): (P + 1,) int64.
        vertices (np.ndarray): (V, 2) float32.
    """

    img_ids: np.ndarray
    file_names: np.ndarray
    sizes: np.ndarray
    sources: np.ndarray
    pair_ids: np.ndarray
    item_offsets: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    styles: np.ndarray
    identities: np.ndarray
    variations: np.ndarray
    landmark_offsets: np.ndarray
    landmarks: np.ndarray
    polygon_offsets: np.ndarray
    vertex_offsets: np.ndarray
    vertices: np.ndarray

    def __post_init__(self):
        for field in fields(self):
            getattr(self, field.name).setflags(write=False)

    def __len__(self) -> int:
        """M."""
        return len(self.img_ids)

    def __deepcopy__(self, memo) -> 'AnnotationIndex':
        """Itself: mmengine deep-copies a dataset to take a subset of it."""
        return self

    @property
    def num_items(self) -> int:
        """N."""
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    @property
    def items_per_image(self) -> np.ndarray:
        """(M,) int64."""
        return np.diff(self.item_offsets)

    def items_of(self, image: int) -> slice:
        """Which of the N items lie in an image, counted from 0."""
        return slice(*self.item_offsets[image:image + 2].tolist())

    def landmarks_of(self, item: int) -> np.ndarray:
        """(L, 3) float32 of an item, counted from 0; a view."""
        start, stop = self.landmark_offsets[item:item + 2].tolist()
        return self.landmarks[start:stop]

    def polygons_of(self, item: int) -> list[np.ndarray]:
        """The (P, 2) float32 polygons of an item, counted from 0; views."""
        start, stop = self.polygon_offsets[item:item + 2].tolist()
        ends = self.vertex_offsets[start:stop + 1].tolist()
        return [self.vertices[a:b] for a, b in pairwise(ends)]

    @classmethod
    def from_raw(cls, data_root, split: str, workers: int | None = None):
        """Read ``data_root``/``split``/{image,annos}, DeepFashion2's own layout.

        Unusable images and items are left out by the rules of
        :mod:`df2mm.datasets.annotation`, and counted in the log.

        Args:
            data_root (str | Path): Folder of the dataset.
            split (str): ``train`` or ``validation``.
            workers (int, optional): Processes. Defaults to the usable cores.

        Raises:
            FileNotFoundError: If there is no such layout.
        """
        from df2mm.datasets.index_sources import read_raw
        return cls(**read_raw(Path(data_root), split, workers))

    @classmethod
    def from_coco(cls, ann_file, workers: int | None = None):
        """Read a COCO file: our compact one, or the authors' with 294 landmarks.

        Args:
            ann_file (str | Path): Which of the two it is, it says itself.
            workers (int, optional): Processes. Defaults to the usable cores.

        Raises:
            FileNotFoundError: If the file does not exist.
            ValueError: If its content is not as promised.
        """
        from df2mm.datasets.index_sources import read_coco
        return cls(**read_coco(Path(ann_file), workers))
