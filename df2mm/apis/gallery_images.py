"""Images into a gallery, and images searched in one."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from df2mm.apis.image_inputs import ImageInput
from df2mm.apis.prediction import Prediction
from df2mm.retrieval import Entry, GalleryIndex

#: The field of an entry that tells which garment it is, where that is known.
IDENTITY = 'identity'


@dataclass
class Added:
    """What became of the images that a gallery was to get.

    Attributes:
        images (int): Looked at.
        garments (int): Added.
        empty (int): Images in which nothing was found.
        already (int): Images that were in the gallery before.
        skipped (list[dict]): ``input`` and ``reason`` of those that cannot be read.
    """

    images: int = 0
    garments: int = 0
    empty: int = 0
    already: int = 0
    skipped: list = field(default_factory=list)


def add_images(index: GalleryIndex, inferencer, inputs: Iterable[ImageInput], root, *,
               score_thr: float = 0.3, nms_thr: float | None = 0.6, batch_size: int = 8,
               fields: dict | None = None, identities=None, save_every: int = 500,
               on_image: Callable | None = None) -> Added:
    """Put the garments that a model finds in images into a gallery, and save it.

    An image that has an entry is not looked at again. So what was interrupted goes
    on where it was last saved, when it is called again with the same images.

    Args:
        index (GalleryIndex): Of this model; with a path.
        inferencer (DeepFashion2Inferencer): Of a model with a match head.
        inputs (Iterable[ImageInput]): Of files.
        root (str | Path): The entries' images are told relative to it.
        score_thr, nms_thr, batch_size: As for the inferencer.
        fields (dict[str, dict], optional): The user's own of an image, by its path
            relative to ``root``. Its ``id``, if there is one, makes the entries' ids,
            in place of the path.
        identities (Identities, optional): Entries then have the field ``identity``.
        save_every (int): Images between two saves.
        on_image (Callable, optional): Called without arguments for every image.

    Returns:
        Added: What was done.

    Raises:
        ValueError: If the gallery is of another model, an image lies outside
            ``root``, or an id is taken.
        OSError: If the gallery cannot be written; what was saved before is there.
    """
    done, fields = Added(), fields or {}
    tick = on_image or (lambda: None)

    def wanted():
        for entry in inputs:
            name = relative_name(entry.value, root)
            if _entry_id(name, fields, 0) in index:
                done.already += 1
                tick()
            else:
                yield entry

    def skip(what):
        done.skipped.append(what)
        tick()

    unsaved = 0
    for found in inferencer.iterate(wanted(), batch_size, source='shop',
                                    score_thr=score_thr, nms_thr=nms_thr, on_skip=skip):
        if found.gallery_vectors is None:
            raise ValueError('the model gives no gallery vectors: it needs a match '
                             'head, as the configs under configs/match_rcnn have')
        entries = entries_of(found, relative_name(found.name, root), fields, identities)
        # At the border of an image a box can be left without width.
        rows = [row for row, entry in enumerate(entries) if _has_area(entry.bbox)]
        entries = [entries[row] for row in rows]
        index.add(found.gallery_vectors[rows], entries, model=inferencer.model_id)
        done.images += 1
        done.garments += len(entries)
        done.empty += not entries
        unsaved += 1
        if unsaved == save_every:
            index.save()
            unsaved = 0
        tick()
    if len(index) and unsaved:
        index.save()
    return done


def entries_of(found: Prediction, name: str, fields: dict, identities=None) -> list:
    """The entries of what was found in an image.

    Args:
        found (Prediction): n garments.
        name (str): What the entries call the image.
        fields (dict[str, dict]): By such names.
        identities (Identities, optional): See :func:`add_images`.

    Returns:
        list[Entry]: n.
    """
    own = {key: value for key, value in fields.get(name, {}).items() if key != 'id'}
    shown = identities.of(found.name, found.bboxes) if identities else (
        [None] * len(found.labels))
    return [
        Entry(name, tuple(bbox), label, score, _entry_id(name, fields, i),
              dict(own, **{IDENTITY: identity} if identity else {}))
        for i, (bbox, label, score, identity) in enumerate(zip(
            found.bboxes.tolist(), found.labels.tolist(), found.scores.tolist(), shown,
            strict=True))]


def relative_name(path, root) -> str:
    """The path of an image under the root, with slashes.

    Raises:
        ValueError: If it does not lie there.
    """
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
    if relative.split(os.sep)[0] == os.pardir:
        raise ValueError(f'an image of the gallery must lie under {root}, got {path}. '
                         'Set --images-root to a folder that holds them all')
    return relative.replace(os.sep, '/')


def _has_area(bbox) -> bool:
    return bbox[0] < bbox[2] and bbox[1] < bbox[3]


def _entry_id(name: str, fields: dict, number: int) -> str:
    return f'{fields.get(name, {}).get("id", name)}#{number}'


@dataclass(eq=False)
class Searched:
    """A garment that was searched for, or several photos of one.

    Attributes:
        found (Prediction): The photo; of several, the first.
        item (int): Which of its garments.
        identity (str | None): What it is, where that is known.
        matches (list[Match]): Best first.
        photos (int): How many were searched by together.
    """

    found: Prediction
    item: int
    identity: str | None
    matches: list
    photos: int = 1

    @property
    def right(self) -> list:
        """For each match whether it shows the garment, None where not known."""
        shown = [match.entry.fields.get(IDENTITY) for match in self.matches]
        if self.identity is None:
            return [None] * len(shown)
        return [identity == self.identity for identity in shown]


def search_images(index: GalleryIndex, inferencer, inputs: Iterable[ImageInput], *,
                  top: int = 20, same_category: bool = False, together: bool = False,
                  score_thr: float = 0.3, nms_thr: float | None = 0.6,
                  batch_size: int = 8, identities=None, on_skip=None,
                  **options) -> Iterator[Searched]:
    """Search a gallery for every garment that a model finds in images.

    Args:
        index (GalleryIndex): Of this model.
        inferencer (DeepFashion2Inferencer): Of a model with a match head.
        inputs (Iterable[ImageInput]): The photos.
        top (int): Matches of a garment.
        same_category (bool): Only matches of the garment's category.
        together (bool): All photos show one garment: that of the highest score in
            each, of the category that most of them have. One search for all.
        score_thr, nms_thr, batch_size, on_skip: As for the inferencer.
        identities (Identities, optional): To know which matches are right.
        **options: As of ``GalleryIndex.search``.

    Yields:
        Searched: For each garment in turn; of ``together``, one or none.

    Raises:
        ValueError: If the gallery is of another model, or an option is wrong.
    """
    predictions = inferencer.iterate(
        inputs, batch_size, source='user', score_thr=score_thr, nms_thr=nms_thr,
        on_skip=on_skip)
    if together:
        predictions = list(predictions)
        chosen = _one_garment(predictions)
        if chosen:
            queries = np.stack([found.query_vectors[i] for found, i in chosen])
            found, item = chosen[0]
            yield _searched(index, inferencer, found, item, queries, top,
                            same_category, identities, dict(options, groups=[0] * len(
                                queries)), len(chosen))
        return
    for found in predictions:
        if found.query_vectors is None:
            raise ValueError('the model gives no query vectors: it needs a match head, '
                             'as the configs under configs/match_rcnn have')
        for item in range(len(found.labels)):
            yield _searched(index, inferencer, found, item, found.query_vectors[[item]],
                            top, same_category, identities, options)


def _one_garment(predictions) -> list:
    """(prediction, item) of each photo that shows the commonest category."""
    best = [(found, found.labels[0]) for found in predictions if len(found.labels)]
    if not best:
        return []
    label = np.bincount([label for _, label in best]).argmax()
    return [(found, int(np.flatnonzero(found.labels == label)[0]))
            for found in predictions if (found.labels == label).any()]


def _searched(index, inferencer, found, item, queries, top, same_category, identities,
              options, photos=1) -> Searched:
    if same_category:
        options = dict(options, categories=[int(found.labels[item])])
    (matches,) = index.search(queries, top, model=inferencer.model_id, **options)
    identity = identities and identities.of(found.name, found.bboxes[[item]])[0]
    return Searched(found, item, identity or None, matches, photos)
