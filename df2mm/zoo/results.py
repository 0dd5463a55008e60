"""From what was measured to the ``Results`` of a card."""

import json
from pathlib import Path

#: Task, in OpenMMLab's words, to the names of its figures and their keys.
TASKS = {
    'Object Detection': {
        'box AP': 'bbox_mAP', 'box AP50': 'bbox_mAP_50'},
    'Instance Segmentation': {
        'mask AP': 'segm_mAP', 'mask AP50': 'segm_mAP_50'},
    'Fashion Landmark Estimation': {
        'landmark AP': 'keypoints_mAP', 'landmark AP50': 'keypoints_mAP_50',
        'visible landmark AP': 'keypoints_vis_mAP',
        'visible landmark AP50': 'keypoints_vis_mAP_50'},
    'Consumer-to-shop Retrieval': {
        f'top-{k}': f'retrieval_top{k}' for k in (1, 5, 10, 20)},
}
#: What the photos are called in a card, apart from every data set.
PHOTOS = 'CC0 photos'
_DECIMALS = 4


def read_metrics(path, card, data_root=None) -> dict:
    """The metrics that tools/test.py wrote for a published file.

    Args:
        path (str | Path): The JSON file.
        card (Card): Says which file and which config.
        data_root (str, optional): The config's own.

    Returns:
        dict[str, float]: Key to value.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it was measured on another file, with another config, on
            other data or with options, or holds no figure of any task.
    """
    report = _read_json(path, dict)
    again = f'Run `{measure_command(card)}` again'
    for what, key, expected in (('checkpoint', 'sha256', card.sha256),
                                ('data', 'data_root', data_root),
                                ('options', 'cfg_options', [])):
        if report.get(key) != expected:
            raise ValueError(f'{path} was measured with another {what}: expected '
                             f'{key} {expected}, got {report.get(key)}. {again}')
    if Path(str(report.get('config'))).stem != card.name:
        raise ValueError(f'{path} was measured with another config: expected '
                         f'{card.config}, got {report.get("config")}. {again}')
    metrics = report.get('metrics')
    if not isinstance(metrics, dict) or not task_results(metrics, ''):
        raise ValueError(f'{path} holds no figure of any task. {again}')
    return metrics


def read_photos(path) -> dict:
    """What was counted on the photos.

    Args:
        path (str | Path): JSON with ``right``, ``of`` and ``command``.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is not of that form.
    """
    photos = _read_json(path, dict)
    right, of = photos.get('right'), photos.get('of')
    if not (isinstance(right, int) and isinstance(of, int) and 0 <= right <= of and of
            and isinstance(photos.get('command'), str)):
        raise ValueError(f'{path} must hold right and of, two counts, and command, a '
                         f'text, got {json.dumps(photos)[:200]}')
    return photos


def _read_json(path, kind):
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'file not found: {path}')
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f'{path} is no JSON: {error}') from error
    if not isinstance(content, kind):
        raise ValueError(
            f'{path} must hold a {kind.__name__}, got {type(content).__name__}')
    return content


def task_results(metrics: dict, dataset: str) -> list:
    """The ``Results`` of a card: the main figures of each task that was tested.

    Args:
        metrics (dict[str, float]): By key, such as ``df2/bbox_mAP``.
        dataset (str): What it was tested on.

    Returns:
        list[dict]: Task, Dataset and Metrics, figures 0 to 1 with 4 decimals. A
        figure that does not exist (-1) is left out.
    """
    results = []
    for task, figures in TASKS.items():
        found = {name: round(metrics[f'df2/{key}'], _DECIMALS)
                 for name, key in figures.items() if metrics.get(f'df2/{key}', -1) >= 0}
        if found:
            results.append(dict(Task=task, Dataset=dataset, Metrics=found))
    return results


def photo_results(photos: dict) -> dict:
    """The entry of the photos, which no data set's figures are mixed with."""
    return dict(Task='Garment Category', Dataset=PHOTOS,
                Metrics=dict(right=photos['right'], of=photos['of']))


def measure_command(card) -> str:
    """The command that measures metrics.json, from the root of the repository."""
    place = f'model_zoo/{card.name}'
    file = f'{place}/{card.file}'
    if not card.entry['Checkpoint'].get('In Repository', True):
        file = f'$(python tools/zoo.py download {card.name})'
    return (f'python tools/test.py {card.config} {file} --out {place}/metrics.json')
