"""Object keypoint similarity of DeepFashion2: 294 sigmas, one category a pair."""

import numpy as np

from df2mm.metainfo import OKS_SIGMAS

_VARIANCES = (2 * OKS_SIGMAS)**2


def keypoint_variances(keypoints: slice = slice(None)) -> np.ndarray:
    """(K,) float64: (2 sigma)^2 of a slice of the 294 landmarks."""
    return _VARIANCES[keypoints]


def oks(found, truth, visible, areas, variances) -> np.ndarray:
    """Similarity of pairs of a detection and an item of one category.

    Shapes: P pairs, K landmarks.

    Args:
        found (np.ndarray): (P, K, 2) pixels.
        truth (np.ndarray): (P, K, 2) pixels.
        visible (np.ndarray): (P, K), what is > 0 is labelled and counts. Each pair
            must have one that is: see ``oks_without_landmarks``.
        areas (np.ndarray): (P,) pixels squared, of the item.
        variances (np.ndarray): (K,), of ``keypoint_variances``.

    Returns:
        np.ndarray: (P,) float64 in 0..1, the mean over the labelled landmarks of
        exp(-d^2 / (2 area (2 sigma)^2)).

    Source: COCOeval.computeOks of pycocotools, with the sigmas of DeepFashion2.
    """
    difference = np.asarray(found, np.float64) - truth
    squared = difference[..., 0]**2 + difference[..., 1]**2
    exponents = squared / variances / (areas[:, None] + np.spacing(1)) / 2
    labelled = visible > 0
    return np.where(labelled, np.exp(-exponents), 0).sum(1) / labelled.sum(1)


def oks_without_landmarks(found, bbox, area) -> np.ndarray:
    """Similarity to an item that has no labelled landmark, which is ignored.

    All 294 points of a detection are compared with the item's box, doubled around
    its centre: what lies in it is similar. Zeros outside of the category's slice
    count like any other point, so it is the vector of the results file that must
    be given.

    Args:
        found (np.ndarray): (P, 294, 2) pixels.
        bbox (np.ndarray): (4,) x, y, w, h of the item.
        area (float): Of the item.

    Returns:
        np.ndarray: (P,) float64 in 0..1.
    """
    low, high = bbox[:2] - bbox[2:], bbox[:2] + bbox[2:] * 2
    beyond = np.maximum(0, low - found) + np.maximum(0, found - high)
    squared = beyond[..., 0]**2 + beyond[..., 1]**2
    exponents = squared / _VARIANCES / (area + np.spacing(1)) / 2
    return np.exp(-exponents).sum(1) / exponents.shape[1]
