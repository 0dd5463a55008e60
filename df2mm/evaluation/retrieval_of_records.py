"""Retrieval from predictions in memory: user images search among shop images."""

from dataclasses import dataclass

import numpy as np

from df2mm.datasets.columns import SOURCES
from df2mm.evaluation.box_iou import xywh_to_xyxy
from df2mm.evaluation.predictions import joined
from df2mm.evaluation.ranking import rank
from df2mm.evaluation.results_format import TOP
from df2mm.evaluation.results_reader import RetrievalResults
from df2mm.evaluation.retrieval import RetrievalTruth, represent, score_retrieval
from df2mm.evaluation.retrieval_truth import queries_and_gallery
from df2mm.evaluation.subsets import LEVELS, check_levels_known


@dataclass(frozen=True)
class RetrievalOptions:
    """Which detections take part.

    Attributes:
        score_thr (float): Detections under this score do not.
        max_per_img (int | None): Of an image only the best so many do.
        boxes (str): 'detected', or 'ground_truth': what the model says of the
            annotated boxes, which it must give as ``gt_box_instances``.
    """

    score_thr: float = 0.0
    max_per_img: int | None = None
    boxes: str = 'detected'

    def __post_init__(self):
        if self.boxes not in ('detected', 'ground_truth'):
            raise ValueError("boxes of retrieval must be 'detected' or 'ground_truth', "
                             f'got {self.boxes!r}')
        if self.max_per_img is not None and self.max_per_img < 1:
            raise ValueError('max_per_img of retrieval must be at least 1 or None, '
                             f'got {self.max_per_img}')


def retrieval_truth_of(truth) -> RetrievalTruth:
    """The query and gallery items of a ground truth that says source and pair_id.

    Args:
        truth (GroundTruth): Of both kinds of images.

    Raises:
        ValueError: If no user item has a shop item of its identity.
    """
    sources = truth.sources[truth.images]
    pair_ids = truth.pair_ids[truth.images]
    queries, gallery = queries_and_gallery(
        truth.image_ids, pair_ids, truth.styles, sources)
    if not queries.any():
        raise ValueError(
            'retrieval needs items of user images and of shop images that share '
            'pair_id and style > 0; the ground truth has '
            f'{np.count_nonzero(truth.sources == SOURCES.index("user"))} user and '
            f'{np.count_nonzero(truth.sources == SOURCES.index("shop"))} shop images '
            "and no such pair. The authors' COCO files do not say the source: use "
            'annotations/validation.json of `python tools/data.py convert`')
    boxes = xywh_to_xyxy(truth.bboxes)
    return RetrievalTruth(
        query_image_ids=truth.image_ids[queries], query_bboxes=boxes[queries],
        query_labels=truth.labels[queries], query_pair_ids=pair_ids[queries],
        query_styles=truth.styles[queries], query_variations=truth.variations[queries],
        gallery_image_ids=truth.image_ids[gallery], gallery_bboxes=boxes[gallery],
        gallery_pair_ids=pair_ids[gallery], gallery_styles=truth.styles[gallery])


def search(records, sources, options: RetrievalOptions, truth=None, device=None):
    """Rank what was found in shop images for what was found in user images.

    Args:
        records (list[Record]): By rising image id.
        sources (Sequence[str]): Of each record.
        options (RetrievalOptions): What takes part.
        truth (RetrievalTruth, optional): Rank only for the detections that stand for
            an item of it; the others do not count in its scores.
        device (str, optional): As for ``df2mm.evaluation.ranking.rank``.

    Returns:
        RetrievalResults: Where the gallery is smaller than 20, image id -1 fills the
        lists up, which a results file must not have.

    Raises:
        ValueError: If query and gallery vectors are not equally long.
    """
    users, shops = (
        [(record, _chosen(record, options)) for record, is_from in zip(
            records, sources, strict=True) if is_from == source]
        for source in ('user', 'shop'))
    columns = dict(
        image_ids=_image_ids(users),
        bboxes=_column(users, 'bboxes', (0, 4)).astype(np.float64),
        labels=_column(users, 'labels', (0,)).astype(np.int64),
        scores=_column(users, 'scores', (0,)).astype(np.float64))
    queries = _column(users, 'query_vectors', (0, 0))
    gallery = _column(shops, 'gallery_vectors', (0, 0))
    if len(queries) and len(gallery) and queries.shape[1] != gallery.shape[1]:
        raise ValueError('query_vectors and gallery_vectors must be equally long, got '
                         f'{queries.shape[1]} and {gallery.shape[1]}')
    if truth is not None:
        represented = represent(truth, **columns)
        rows = np.unique(represented[represented >= 0])
        columns = {name: column[rows] for name, column in columns.items()}
        queries = queries[rows]
    shape = (len(queries), TOP)
    found_ids, found_boxes = np.full(shape, -1, np.int64), np.zeros((*shape, 4))
    if len(queries) and len(gallery):
        ranks, _ = rank(queries, gallery, TOP, device=device)
        found_ids[:, :ranks.shape[1]] = _image_ids(shops)[ranks]
        found_boxes[:, :ranks.shape[1]] = _column(shops, 'bboxes', (0, 4))[ranks]
    return RetrievalResults(
        **columns, gallery_image_ids=found_ids, gallery_bboxes=found_boxes)


def _image_ids(chosen):
    return np.repeat([record.img_id for record, _ in chosen],
                     [len(rows) for _, rows in chosen]).astype(np.int64)


def _column(chosen, name, empty):
    return joined([getattr(record, name)[rows] for record, rows in chosen
                   if len(rows)], empty)


def score_found(truth, found, subsets=False):
    """Score ranked detections.

    Args:
        truth (RetrievalTruth): The ground truth.
        found (RetrievalResults): The detections.
        subsets (bool): Score by ``LEVELS`` of the query items too.

    Returns:
        tuple[RetrievalScores, dict[str, RetrievalScores]]: Of all query items, and
        by ``Level.key``.

    Raises:
        ValueError: As ``represent`` and ``score_retrieval``, or if subsets are asked
            for and no query item's levels are known.
    """
    if subsets:
        check_levels_known(truth.query_variations)
    represented = represent(
        truth, found.image_ids, found.bboxes, found.labels, found.scores)
    scores = score_retrieval(
        truth, represented, found.gallery_image_ids, found.gallery_bboxes)
    levels = {level.key: scores.subset(level.items(truth.query_variations))
              for level in (LEVELS if subsets else ())}
    return scores, levels


def _chosen(record, options):
    """(n,) int64, which detections take part; in the order of the record."""
    rows = np.flatnonzero(record.scores >= options.score_thr)
    if options.max_per_img is not None and len(rows) > options.max_per_img:
        best = np.argsort(-record.scores[rows], kind='stable')[:options.max_per_img]
        rows = np.sort(rows[best])
    return rows
