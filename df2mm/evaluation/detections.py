"""What is scored: detections of one task as flat arrays."""

from dataclasses import dataclass

import numpy as np

from df2mm.evaluation.ground_truth import Landmarks, RunLengthMasks


@dataclass(frozen=True, eq=False)
class Detections:
    """Detections of one task, in the order of their file.

    Shapes: D detections. Coordinates are pixels.

    Attributes:
        image_ids (np.ndarray): (D,) int64.
        labels (np.ndarray): (D,) int64, 0..12.
        scores (np.ndarray): (D,) float64.
        areas (np.ndarray): (D,) float64: a detection's own area decides whether it
            is small, medium or large.
        bboxes (np.ndarray | None): (D, 4) float64, x, y, w, h.
        landmarks (Landmarks | None): With (sum of L, 2) values.
        masks (RunLengthMasks | None): Masks.
    """

    image_ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    areas: np.ndarray
    bboxes: np.ndarray | None = None
    landmarks: Landmarks | None = None
    masks: RunLengthMasks | None = None

    def __len__(self) -> int:
        """D."""
        return len(self.labels)
