"""The files that a leaderboard is made of, read and checked."""

import json
import math
from pathlib import Path

import yaml

from df2mm.zoo.cards import read_cards
from df2mm.zoo.leaderboard import KEYS, Leaderboard, Row
from df2mm.zoo.results import PHOTOS

_COSTS = ('parameters', 'bytes', 'flops', 'size', 'proposals', 'detections')


def read_leaderboard(folder) -> Leaderboard:
    """The zoo's own: published figures, the cards' and what models cost.

    Args:
        folder (str | Path): With ``published_results.yml``, ``costs.json`` and a
            folder a model; each of them may be missing.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If a file is malformed; names the file and the key.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'no such folder: {folder}. --zoo is the folder of the '
                                'cards, model_zoo in a checkout')
    costs, published = folder / 'costs.json', folder / 'published_results.yml'
    costs = read_costs(costs) if costs.is_file() else {}
    rows = read_published(published) if published.is_file() else []
    rows += [row for card in read_cards(folder) if (row := card_row(card, costs))]
    return Leaderboard(rows, costs)


def read_published(path) -> list[Row]:
    """Rows of a file of published results.

    Args:
        path (str | Path): YAML with ``sources``, name to ``cite`` and perhaps
            ``url``, and ``results``: a list of ``name``, ``data_set``, ``source``
            and ``metrics``.

    Raises:
        ValueError: If it is malformed; names the key.
    """
    content = _parsed(path, yaml.safe_load, yaml.YAMLError, 'YAML')
    sources, rows = _entry(content, 'sources', dict, path), []
    for name, source in sources.items():
        _entry(source, 'cite', str, path, f'sources.{name}.')
    for number, entry in enumerate(_entry(content, 'results', list, path)):
        where = f'results[{number}].'
        name, data_set, source = (_entry(entry, key, str, path, where)
                                  for key in ('name', 'data_set', 'source'))
        if source not in sources:
            raise ValueError(f'{path}: {where}source must be one of '
                             f'{", ".join(sources)}, got {source!r}')
        metrics = _entry(entry, 'metrics', dict, path, where)
        if unknown := metrics.keys() - KEYS:
            raise ValueError(f'{path}: {where}metrics has no {sorted(unknown)[0]}; '
                             f'known are {", ".join(sorted(KEYS))}')
        try:
            rows.append(Row(name, 'published', data_set,
                            _figures(metrics, path, f'{where}metrics.'),
                            sources[source]['cite'], sources[source].get('url', '')))
        except ValueError as error:
            text = str(error)
            raise ValueError(text if str(path) in text else f'{path}: {where}{text}'
                             ) from None
    return rows


def read_costs(path) -> dict:
    """Costs by model name, of a file that tools/benchmark/model_cost.py wrote.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is malformed; names the key.
    """
    content = _parsed(path, json.loads, ValueError, 'JSON')
    models = _entry(content, 'models', dict, path)
    for name, costs in models.items():
        for key in _COSTS:
            _entry(costs, key, object, path, f'models.{name}.')
        for key in ('parameters', 'flops'):
            _entry(costs[key], 'total', int, path, f'models.{name}.{key}.')
    return models


def card_row(card, costs: dict) -> Row | None:
    """The row of a model of the zoo; None if it has not been measured.

    Args:
        card (Card): All figures are in the ``metrics.json`` beside it.
        costs (dict[str, dict]): By model name.

    Raises:
        ValueError: If the card does not tell one data set, or the file is malformed.
    """
    path = card.path.with_name('metrics.json')
    if not path.is_file():
        return None
    named = {result['Dataset'] for result in card.entry.get('Results', [])} - {PHOTOS}
    if len(named) != 1:
        raise ValueError(f'{card.path}: Results must name one Dataset beside {PHOTOS}, '
                         f'got {", ".join(sorted(named)) or "none"}')
    data = named.pop()
    data_set = 'synthetic' if 'synthetic' in data.lower() else 'real'
    if data_set == 'real' and data.lower() not in ('deepfashion2',
                                                   'deepfashion2 validation'):
        raise ValueError(f'{card.path}: Dataset must be DeepFashion2 or say that it is '
                         f'synthetic, got {data!r}')
    about = f'{data.removesuffix(" validation")} validation'
    if command := card.entry.get('Metadata', {}).get('Data Command'):
        about += f', {command}'
    return Row(card.name, 'measured', data_set, read_metrics(path), about,
               costs=costs.get(card.name))


def read_own(path, data_set: str, name: str | None = None,
             about: str | None = None) -> list[Row]:
    """A user's own results.

    Args:
        path (str | Path): A file, or a folder: its JSON files together are one
            model's, each of a task; those of a folder in it another one's.
        data_set (str): One of ``DATA_SETS``.
        name (str, optional): Of the model. Defaults to the file's or folder's.
        about (str, optional): What it was measured on.

    Returns:
        list[Row]: One or, of folders in a folder, several.

    Raises:
        FileNotFoundError: If there is no such file, or none in the folder.
        ValueError: If a file is malformed, or two of them contradict each other.
    """
    path = Path(path)
    groups = [[path]]
    if path.is_dir():
        own = sorted(path.glob('*.json'))
        groups = [own] if own else [
            files for folder in sorted(path.iterdir()) if folder.is_dir()
            and (files := sorted(folder.glob('*.json')))]
        if not groups:
            raise FileNotFoundError(f'no .json file in {path} nor in the folders there')
        if name is not None and len(groups) > 1:
            raise ValueError(f'--name is for one model, and {path} holds '
                             f'{len(groups)} folders of results, which name theirs')
    return [Row(name or (files[0].stem if files[0] == path else files[0].parent.name),
                'yours', data_set, _joined(files), about or 'as given by its owner')
            for files in groups]


def read_metrics(path) -> dict:
    """The figures of a file that tools/test.py or tools/eval_results.py wrote.

    Args:
        path (str | Path): With ``metrics``, or with keys ``df2/...`` themselves.

    Returns:
        dict[str, float]: Those of ``KEYS``; a figure that does not exist (-1) is
        left out.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is no such file; names the key.
    """
    content = _parsed(path, json.loads, ValueError, 'JSON')
    if 'metrics' in content:
        where, metrics = 'metrics.', _entry(content, 'metrics', dict, path)
    else:
        where, metrics = '', content
    known = {key: value for key, value in metrics.items() if key in KEYS}
    if not known:
        raise ValueError(
            f'{path}: {where}df2/... is missing: no figure of any task, such as '
            'df2/bbox_mAP. Give what tools/test.py --out or tools/eval_results.py '
            '--out wrote')
    return _figures(known, path, where)


def _joined(files) -> dict:
    figures, origins = {}, {}
    for file in files:
        for key, value in read_metrics(file).items():
            if figures.setdefault(key, value) != value:
                raise ValueError(f'{origins[key]} and {file} both have {key}, '
                                 f'{figures[key]} and {value}. Put the files of '
                                 'each model into a folder of its own')
            origins.setdefault(key, file)
    return figures


def _figures(metrics, path, where) -> dict:
    for key, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or (
                not math.isfinite(value) or not (0 <= value <= 1 or value == -1)):
            raise ValueError(f'{path}: {where}{key} must be a number from 0 to 1, or '
                             f'-1 for none, got {value!r}')
    return {key: float(value) for key, value in metrics.items() if value >= 0}


def _parsed(path, parse, error_type, what) -> dict:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'file not found: {path}')
    try:
        content = parse(path.read_text())
    except (error_type, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is no {what}: {" ".join(str(error).split())}'
                         ) from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} must hold keys and values, got '
                         f'{type(content).__name__}')
    return content


def _entry(content, key, kind, path, where=''):
    value = content.get(key) if isinstance(content, dict) else None
    if value is None or not isinstance(value, kind):
        said = 'is missing' if value is None else (
            f'must be a {kind.__name__}, got {type(value).__name__}')
        raise ValueError(f'{path}: {where}{key} {said}')
    return value
