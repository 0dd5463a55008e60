"""Draw what the evaluator found: curves, and a page of the worst errors."""

import json
from pathlib import Path

from mmengine.logging import MMLogger

from df2mm.atomic import replacing
from df2mm.evaluation.curves import (
    detection_numbers,
    landmark_errors,
    retrieval_numbers,
)
from df2mm.evaluation.error_page import write_detection_page, write_retrieval_page
from df2mm.evaluation.figures import (
    draw_confusion,
    draw_landmark_errors,
    draw_precision_recall,
    draw_top_k,
)
from df2mm.evaluation.retrieval_errors import find_retrieval_errors
from df2mm.evaluation.tables import TITLES
from df2mm.evaluation.worst_errors import find_errors


def plot_detections(folder, scores: dict, truth, detections, images=None,
                    num: int = 12) -> list[Path]:
    """Draw boxes, masks or landmarks.

    | file | |
    |---|---|
    | ``precision_recall_<name>.png`` | of each of the scores, by category |
    | ``landmark_error.png`` | of each of the 294, if there are landmarks |
    | ``confusion.png`` | which category is taken for which |
    | ``curves.json`` | the numbers behind these |
    | ``errors.html`` | the worst errors with pictures, if there are images |

    Args:
        folder (str | Path): Where they go; made if missing.
        scores (dict[str, DetectionScores]): Of one task, by the keys of ``TITLES``;
            the errors are those of the first.
        truth (GroundTruth): That the first was scored against.
        detections (Detections): That were scored.
        images (str | Path, optional): Folder that ``truth.file_names`` are relative
            to. Images that are missing, cannot be read or have another size are
            passed over and listed on the page.
        num (int): Pictures of each kind of error.

    Returns:
        list[Path]: Of the files.

    Raises:
        ValueError: If ``scores`` is empty or ``num`` negative.
        FileNotFoundError: If there is no such folder of images.
    """
    if not scores:
        raise ValueError('expected scores of boxes, masks or landmarks, got none')
    folder = _prepared(folder, images, num)
    first = next(iter(scores.values()))
    paths = [folder / f'precision_recall_{name}.png' for name in scores]
    for path, (name, score) in zip(paths, scores.items(), strict=True):
        draw_precision_recall(path, TITLES[name], score)
    errors = find_errors(first, truth, detections)
    landmarks = None
    if first.task == 'keypoints':
        landmarks = landmark_errors(truth, detections, errors)
        paths.append(folder / 'landmark_error.png')
        draw_landmark_errors(paths[-1], landmarks)
    confusion = folder / 'confusion.png'
    draw_confusion(confusion, errors.confusion, errors.score_thr)
    paths += [confusion, _write_numbers(
        folder, detection_numbers(scores, errors, truth, landmarks))]
    if images is not None:
        paths.append(folder / 'errors.html')
        _warn(images, write_detection_page(
            paths[-1], first.task, truth, detections, errors, images, confusion, num))
    return paths


def plot_retrieval(folder, scores, truth, found, images=None,
                   num: int = 12) -> list[Path]:
    """Draw retrieval: ``top_k.png``, ``curves.json`` and ``errors.html``.

    Args:
        folder (str | Path): Where they go; made if missing.
        scores (RetrievalScores): Of all query items.
        truth (RetrievalTruth): That they were scored against.
        found (RetrievalResults): That were scored.
        images (str | Path, optional): Folder of ``000001.jpg`` (or ``.png``) and so
            on, named by the image id. Those that are missing or cannot be read are
            passed over and listed on the page.
        num (int): Pictures of each kind of error.

    Returns:
        list[Path]: Of the files.

    Raises:
        ValueError: If ``num`` is negative.
        FileNotFoundError: If there is no such folder of images.
    """
    folder = _prepared(folder, images, num)
    paths = [folder / 'top_k.png']
    draw_top_k(paths[0], scores)
    paths.append(_write_numbers(folder, retrieval_numbers(scores, truth)))
    if images is not None:
        paths.append(folder / 'errors.html')
        _warn(images, write_retrieval_page(
            paths[-1], scores, truth, found,
            find_retrieval_errors(scores, truth, found), images, num))
    return paths


def _prepared(folder, images, num):
    """The folder, made; what would fail later fails now."""
    if num < 0:
        raise ValueError(f'num must not be negative, got {num}')
    if images is not None and not Path(images).is_dir():
        raise FileNotFoundError(f'no such folder of images: {images}')
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_numbers(folder, numbers) -> Path:
    path = folder / 'curves.json'
    with replacing(path) as file:
        file.write(json.dumps(numbers, separators=(',', ':')).encode())
    return path


def _warn(images, faults):
    if faults:
        name, fault = next(iter(faults.items()))
        MMLogger.get_current_instance().warning(
            '%d images of %s could not be shown, such as %s: %s. errors.html lists '
            'them', len(faults), images, name, fault)
