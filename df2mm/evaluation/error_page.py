"""The page of the worst errors, with pictures."""

from itertools import islice

import numpy as np

from df2mm.evaluation.curves import kinds_by_category, queries_by_category
from df2mm.evaluation.detection_pictures import DetectionPictures
from df2mm.evaluation.error_pictures import ImageFolder
from df2mm.evaluation.retrieval_pictures import RetrievalPictures
from df2mm.evaluation.tables import TITLES
from df2mm.evaluation.worst_errors import KINDS
from df2mm.metainfo import CATEGORY_NAMES
from df2mm.visualization.report import Report

#: What a person calls items that are found but fit badly.
_MISFITS = dict(bbox='Badly placed boxes', segm='Badly outlined masks',
                keypoints='Displaced landmarks')
_MISFIT_TEXTS = dict(
    bbox='A box of the right category overlaps the item, but with an IoU from 0.1 to '
         'under 0.5. The lowest IoU first.',
    segm='The category is right and the box fits with an IoU of at least 0.5, or the '
         'mask was matched. The lowest mask IoU first, under 0.95.',
    keypoints='The category is right and the box fits with an IoU of at least 0.5, or '
              'the landmarks were matched. The lowest OKS first, under 0.95. Red lines '
              'run from where a landmark was found to where it is.')
_MISSED_TEXT = 'No detection is over them. The largest first.'
_CONFUSED_TEXT = ('The score of the right category, if any, stands in brackets. The '
                  'greatest lead of the wrong one first.')
_FALSE_TEXT = ('The box has an IoU under 0.1 with everything annotated. The highest '
               'score first.')
_KINDS_TEXT = (
    'An item is confused where the most confident detection over it is of another '
    'category; found where one of its own was matched at 0.5; missed where none is '
    'over it. "Over it" is a box IoU of at least 0.5.')
_COLORS = ('In the pictures blue is what was annotated, orange what was predicted, '
           'grey what else was there.')
#: Images that could not be shown are listed up to so many.
_LISTED = 40


def write_detection_page(path, task, truth, detections, errors, images, figure,
                         num: int = 12):
    """Write the page of boxes, masks or landmarks.

    Args:
        path (Path): Of the HTML file; pictures go to a folder beside it.
        task (str): ``bbox``, ``segm`` or ``keypoints``.
        truth (GroundTruth): The ground truth.
        detections (Detections): The detections.
        errors (DetectionErrors): Of these.
        images (str | Path): Folder that ``truth.file_names`` are relative to.
        figure (Path): The picture of confusions.
        num (int): Pictures a section.

    Returns:
        dict[str, str]: What is wrong with each image that could not be shown.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    pictures = DetectionPictures(task, truth, detections, errors, ImageFolder(images))
    table = kinds_by_category(errors, truth)
    title = _MISFITS[task]
    names = [title.lower() if kind == 'misfit' else kind for kind in KINDS]
    report = Report(f'Worst errors: {TITLES[task]}',
                    f'{truth.num_images:,} images, {len(detections):,} detections. '
                    f'{_COLORS}')
    report.add_cards([
        ('items', int(table.sum())),
        *zip(names, table.sum(0).tolist(), _shares(table.sum(0)), strict=True),
        ('false alarms', int(np.count_nonzero(
            detections.scores[errors.false_alarms] >= errors.score_thr)),
         f'score {errors.score_thr:.2f} and more')])
    report.add_section('By category', _KINDS_TEXT)
    report.add_table(
        ['category', 'items', *names],
        [[name, sum(row), *row] for name, row in zip(
            CATEGORY_NAMES, table.tolist(), strict=True) if sum(row)])
    report.add_section('Confusion')
    report.add_gallery([(figure, 'Items by category and by what they are taken for')],
                       'large')
    for name, text, chosen, draw in (
            ('Missed items', _MISSED_TEXT, errors.missed, pictures.missed),
            ('Confused categories', _CONFUSED_TEXT, errors.confused,
             pictures.confused),
            ('False alarms', _FALSE_TEXT, errors.false_alarms, pictures.false_alarm),
            (title, _MISFIT_TEXTS[task], errors.misfits, pictures.misfit)):
        _add_pictures(report, name, text, chosen, draw, num)
    _add_faults(report, pictures.images.faults)
    report.write(path)
    return pictures.images.faults


def write_retrieval_page(path, scores, truth, found, errors, images, num: int = 12):
    """Write the page of retrieval.

    Args:
        path (Path): Of the HTML file; pictures go to a folder beside it.
        scores (RetrievalScores): The scores.
        truth (RetrievalTruth): The ground truth.
        found (RetrievalResults): The detections and what they retrieved.
        errors (RetrievalErrors): Of these.
        images (str | Path): Folder of ``000001.jpg`` (or ``.png``) and so on.
        num (int): Pictures a section.

    Returns:
        dict[str, str]: What is wrong with each image that could not be shown.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    pictures = RetrievalPictures(scores, truth, found, errors, ImageFolder(images))
    table = queries_by_category(scores, truth)
    queries, missed, first, ever = table.sum(0).tolist()
    parts = (first, ever - first, queries - missed - ever, missed)
    report = Report(f'Worst errors: {TITLES["retrieval"]}',
                    f'{queries:,} query items, {len(truth.gallery_styles):,} items in '
                    f'the gallery. {_COLORS}')
    report.add_cards([('query items', queries), *zip(
        ('right at first', 'right later', 'never right', 'missed'), parts,
        _shares(parts), strict=True)])
    report.add_section('By category', 'Missed: no detection stands for the item. Right '
                       'later: within what the results list.')
    report.add_table(
        ['category', 'query items', 'right at first', 'right later', 'never right',
         'missed'],
        [[name, n, one, right - one, n - lost - right, lost]
         for name, (n, lost, one, right) in zip(
             CATEGORY_NAMES, table.tolist(), strict=True) if n])
    _add_pictures(
        report, 'Wrong retrievals', 'The first retrieved box is wrong: first the '
        'queries without any right one, then those where it comes last. Framed green: '
        'right, red: wrong. Below stand items of the gallery that would be right.',
        errors.wrong, pictures.wrong, num)
    _add_pictures(
        report, 'Missed query items', 'No detection of the right category lies nearest '
        'to them. The largest first.', errors.missed, pictures.missed, num)
    _add_faults(report, pictures.images.faults)
    report.write(path)
    return pictures.images.faults


def _add_pictures(report, title, text, chosen, draw, num):
    """A section with the first ``num`` errors that can be shown."""
    drawn = (draw(error) for error in chosen.tolist())
    shown = list(islice((pair for pair in drawn if pair is not None), num))
    report.add_section(title, f'{len(chosen):,}, {len(shown)} shown. {text}' if len(
        chosen) else 'None.')
    if shown:
        report.add_gallery(shown, 'large')


def _add_faults(report, faults):
    if not faults:
        return
    report.add_section(
        'Images that could not be shown',
        f'{len(faults):,} were passed over'
        + (f'; the first {_LISTED}:' if len(faults) > _LISTED else ':'))
    report.add_table(['image', ''], list(islice(faults.items(), _LISTED)))


def _shares(counts):
    return [f'{count / max(sum(counts), 1):.1%}' for count in counts]
