"""Read the ground truth of retrieval: the authors' two lists, or our COCO file.

| file | an entry |
|---|---|
| ``val_query.json`` | style, pair_id, query_image_id, bbox (xyxy), cls 1..13 |
| ``val_gallery.json`` | style, pair_id, gallery_image_id, bbox |
"""

import re
from pathlib import Path

import numpy as np

from df2mm.datasets.columns import IDENTITY_STRIDE, SOURCES, identities_of
from df2mm.datasets.json_parts import map_blocks
from df2mm.datasets.json_stream import COMPACT
from df2mm.evaluation.box_iou import xywh_to_xyxy
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.number_columns import (
    category_fault,
    integer_fault,
    numbers_fault,
    shown,
)
from df2mm.evaluation.retrieval import RetrievalTruth

_LIST = re.compile(rb'(\xef\xbb\xbf)?\s*\[')
_USER, _SHOP = SOURCES.index('user'), SOURCES.index('shop')


def read_retrieval_truth(query_gt, gallery_gt):
    """Read query items and gallery items.

    Either file may be our compact COCO file: ``queries_and_gallery`` then says
    which of its items are queries, given the gallery of ``gallery_gt``, or gallery.
    The entries of the authors' lists are taken as they are. Nothing is repaired.

    Args:
        query_gt (str | Path): Such as ``val_query.json``.
        gallery_gt (str | Path): Such as ``val_gallery.json``; the same path again if
            that is a compact file.

    Returns:
        RetrievalTruth: The variations of a list are 0, not known.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is neither, an entry is wrong, or there is no query
            item of style > 0; names file, entry (counted from 0) and rule.
    """
    queries = _read_items(query_gt, 'query')
    gallery = queries
    if not (Path(query_gt) == Path(gallery_gt) and _is_compact(query_gt, 'query')):
        gallery = _read_items(gallery_gt, 'gallery')
    _, mask = queries_and_gallery(*map(gallery.get, (
        'image_ids', 'pair_ids', 'styles', 'sources')))
    gallery = _take(gallery, mask)
    if _is_compact(query_gt, 'query'):
        queries = _take(queries, queries['sources'] == _USER)
        mask, _ = queries_and_gallery(*(
            np.concatenate([queries[name], gallery[name]])
            for name in ('image_ids', 'pair_ids', 'styles', 'sources')))
        queries = _take(queries, mask[:len(queries['styles'])])
    if not (queries['styles'] > 0).any():
        raise ValueError(f'expected query items of style > 0 in {query_gt}, with '
                         f'partners in {gallery_gt}, found none')
    return RetrievalTruth(
        **{f'query_{name}': queries[name] for name in (
            'image_ids', 'bboxes', 'labels', 'pair_ids', 'styles', 'variations')},
        **{f'gallery_{name}': gallery[name] for name in (
            'image_ids', 'bboxes', 'pair_ids', 'styles')})


def queries_and_gallery(image_ids, pair_ids, styles, sources):
    """Which items are queries and which are gallery, by the authors' rule.

    The gallery has every item of shop images with a style > 0. The queries are the
    items of user images with a style > 0 that the gallery has a partner for and, of
    the images these lie on, the items of style 0.

    Args:
        image_ids (np.ndarray): (N,) int, of each item's image.
        pair_ids (np.ndarray): (N,) int; -1 is no pair_id, and has no partner.
        styles (np.ndarray): (N,) int.
        sources (np.ndarray): (N,) of 'user', 'shop' and 'unknown', or the places of
            those in ``df2mm.datasets.columns.SOURCES``.

    Returns:
        tuple[np.ndarray, np.ndarray]: (N,) bool masks of queries and of gallery.

    Raises:
        ValueError: If a style is negative or not less than 100,000.

    Source: the authors' files. ``df2mm.datasets.coco.write_retrieval_gt`` does the
    same.
    """
    image_ids, styles, sources = map(np.asarray, (image_ids, styles, sources))
    identities = identities_of(pair_ids, styles)
    user, shop = ((sources == (code if sources.dtype.kind in 'iu' else SOURCES[code]))
                  for code in (_USER, _SHOP))
    gallery = shop & (identities >= 0)
    partnered = user & (identities >= 0) & np.isin(identities, identities[gallery])
    bystanders = user & (styles == 0) & np.isin(image_ids, image_ids[partnered])
    return partnered | bystanders, gallery


def _read_items(path, kind):
    """Columns of N items: as in RetrievalTruth, and (N,) codes of ``sources``."""
    return (_read_compact if _is_compact(path, kind) else _read_list)(path, kind)


def _is_compact(path, kind):
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{kind} ground truth not found: {path}. Make it with `python '
            'tools/data.py convert`, or name the val_query.json and val_gallery.json '
            'of json_for_validation')
    with path.open('rb') as file:
        head = file.read(4096)
    if COMPACT.search(head):
        return True
    if head and not _LIST.match(head):
        raise ValueError(
            f'expected {kind} ground truth, a list such as val_{kind}.json or our '
            f"compact COCO file, got {path}. The authors' COCO files do not say which "
            'images are user and which are shop')
    return False


def _read_list(path, kind):
    rows = []
    for block in map_blocks(list, path, what=f'{kind} ground truth', workers=1):
        for row in block:
            if fault := _fault_of(row, kind):
                raise ValueError(f'entry {len(rows)} of {path}: {fault}')
            rows.append(row)
    if not rows:
        raise ValueError(f'expected {kind} ground truth, found none in {path}: the '
                         'list is empty')

    def column(name):
        return np.array([row[name] for row in rows], np.int64)

    return dict(
        image_ids=column(f'{kind}_image_id'), pair_ids=column('pair_id'),
        styles=column('style'), bboxes=np.array([row['bbox'] for row in rows], float),
        labels=column('cls') - 1 if kind == 'query' else np.zeros(len(rows), np.int64),
        variations=np.zeros((len(rows), 4), np.uint8),
        sources=np.full(len(rows), _USER if kind == 'query' else _SHOP))


def _fault_of(row, kind):
    """What is wrong with an entry of the authors' lists, or None."""
    if type(row) is not dict:
        return f'expected an object, got {shown(row)}'
    for name, most in ((f'{kind}_image_id', None), ('pair_id', None),
                       ('style', IDENTITY_STRIDE - 1)):
        if fault := integer_fault(row, name):
            return fault
        if row[name] < 0 or (most is not None and row[name] > most):
            return f'{name} must be in 0..{most or ""}, got {row[name]}'
    return numbers_fault(row, 'bbox', (4,)) or (
        category_fault(row, 'cls') if kind == 'query' else None)


def _read_compact(path, kind):
    truth = read_ground_truth(path)
    wrong = (truth.styles < 0) | (truth.styles >= IDENTITY_STRIDE)
    if wrong.any():
        raise ValueError(
            f'style must be in 0..{IDENTITY_STRIDE - 1}, got {truth.styles[wrong][0]} '
            f'in annotation id {truth.ids[wrong][0]} of {path}')
    return dict(
        image_ids=truth.image_ids, pair_ids=truth.pair_ids[truth.images],
        styles=truth.styles, bboxes=xywh_to_xyxy(truth.bboxes), labels=truth.labels,
        variations=truth.variations, sources=truth.sources[truth.images])


def _take(columns, mask):
    return {name: column[mask] for name, column in columns.items()}
