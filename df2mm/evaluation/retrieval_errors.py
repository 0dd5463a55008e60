"""What went wrong in retrieval, the worst first.

Shapes: Q query items, D detections, R ranks.
"""

from dataclasses import dataclass

import numpy as np

from df2mm.datasets.columns import identities_of
from df2mm.evaluation.retrieval import represent


@dataclass(frozen=True, eq=False)
class RetrievalErrors:
    """The errors of retrieval.

    Attributes:
        represented (np.ndarray): (Q,) int64, the detection that stands for each
            query item; -1 for none.
        missed (np.ndarray): (n,) int64 query items that none stands for, the
            largest first.
        wrong (np.ndarray): (n,) int64 query items whose first retrieved box is
            wrong: first those without any right one, by falling score of what
            stands for them, then those whose first right one comes last.
    """

    represented: np.ndarray
    missed: np.ndarray
    wrong: np.ndarray


def find_retrieval_errors(scores, truth, found) -> RetrievalErrors:
    """Sort out the errors of retrieval.

    Args:
        scores (RetrievalScores): Of the two that follow.
        truth (RetrievalTruth): Q query items.
        found (RetrievalResults): The detections and what they retrieved.

    Returns:
        RetrievalErrors: As above.
    """
    represented = represent(
        truth, found.image_ids, found.bboxes, found.labels, found.scores)
    sides = truth.query_bboxes[:, 2:] - truth.query_bboxes[:, :2]
    wrong = np.flatnonzero(
        scores.counted & (represented >= 0) & (scores.correct_rank != 0))
    ranks = scores.correct_rank[wrong]
    order = np.lexsort((-found.scores[represented[wrong]],
                        np.where(ranks < 0, -np.inf, -ranks)))
    missed = np.flatnonzero(scores.counted & (represented < 0))
    return RetrievalErrors(
        represented, missed[np.argsort(-sides[missed].prod(1), kind='stable')],
        wrong[order])


def partners_of(truth, item: int) -> np.ndarray:
    """(n,) int64, the gallery items of a query item's pair_id and style."""
    identity = identities_of(truth.query_pair_ids[[item]], truth.query_styles[[item]])
    return np.flatnonzero(identities_of(
        truth.gallery_pair_ids, truth.gallery_styles) == identity)
