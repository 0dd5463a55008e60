"""Results of models side by side, data set by data set: never mixed."""

import math
from dataclasses import dataclass, field

#: Name of a data set to the title of its table.
DATA_SETS = {
    'real': 'DeepFashion2, validation',
    'test': 'DeepFashion2, test server',
    'synthetic': 'Synthetic, validation',
}
#: Task to its title and its figures, the main one first: heading to key.
TASKS = {
    'boxes': ('Boxes', {
        'AP': 'df2/bbox_mAP', 'AP50': 'df2/bbox_mAP_50', 'AP75': 'df2/bbox_mAP_75'}),
    'masks': ('Masks', {
        'AP': 'df2/segm_mAP', 'AP50': 'df2/segm_mAP_50', 'AP75': 'df2/segm_mAP_75'}),
    'landmarks-visible': ('Landmarks, visible', {
        'AP': 'df2/keypoints_vis_mAP', 'AP50': 'df2/keypoints_vis_mAP_50',
        'AP75': 'df2/keypoints_vis_mAP_75'}),
    'landmarks': ('Landmarks, visible and occluded', {
        'AP': 'df2/keypoints_mAP', 'AP50': 'df2/keypoints_mAP_50',
        'AP75': 'df2/keypoints_mAP_75'}),
    'retrieval': ('Retrieval', {
        f'top-{k}': f'df2/retrieval_top{k}' for k in (1, 5, 10, 15, 20)}),
}
#: All keys of the figures that are shown.
KEYS = frozenset(key for _, figures in TASKS.values() for key in figures.values())
#: Where a row's figures are from.
KINDS = ('published', 'measured', 'yours')
#: What the cost columns say, for both pages.
COST_NOTE = (
    'For an image of the size given, with as many proposals and detections: what a '
    'config lets through at most. A photograph shows one garment or two: an image is '
    'what is done once, a garment what each detection adds. A multiplication and '
    'an addition are 2 FLOPs. Weights in float32 and float16.')
COST_HEADER = ('Model', 'Parameters, M', 'float32, MB', 'float16, MB', 'Size',
               'Proposals', 'Detections', 'GFLOPs', 'GFLOPs an image',
               'GFLOPs a garment', 'Run time', 'Peak memory')
#: Of what is done for each detection.
_PER_DETECTION = ('mask head', 'keypoint head', 'match head')


@dataclass(frozen=True)
class Row:
    """The results of one model on one data set.

    Attributes:
        name (str): Of the model.
        kind (str): One of ``KINDS``.
        data_set (str): One of ``DATA_SETS``.
        metrics (dict[str, float]): By key, of ``KEYS``, from 0 to 1.
        about (str): The source of published figures; of others, what they were
            measured on.
        url (str): Of the source; '' for none.
        costs (dict | None): As :func:`df2mm.zoo.cost.model_costs`.
    """

    name: str
    kind: str
    data_set: str
    metrics: dict
    about: str
    url: str = ''
    costs: dict | None = None

    def __post_init__(self):
        for what, value, known in (('kind', self.kind, KINDS),
                                   ('data_set', self.data_set, DATA_SETS)):
            if value not in known:
                raise ValueError(f'{what} of {self.name} must be one of '
                                 f'{", ".join(known)}, got {value!r}')


@dataclass(frozen=True)
class Leaderboard:
    """What the pages show.

    Attributes:
        rows (list[Row]): Of all data sets.
        costs (dict[str, dict]): Of models, by the name of their config.
    """

    rows: list = field(default_factory=list)
    costs: dict = field(default_factory=dict)

    def of(self, data_set: str, task: str | None = None) -> list:
        """The rows of a data set; of a task those with its figures, best first."""
        rows = [row for row in self.rows if row.data_set == data_set]
        if task is None:
            return rows
        keys = list(TASKS[task][1].values())
        rows = [row for row in rows if any(key in row.metrics for key in keys)]
        return sorted(rows, key=lambda row: -row.metrics.get(keys[0], -1))


def cost_cells(name: str, costs: dict) -> list:
    """A row under ``COST_HEADER``: texts, numbers and None."""
    flops, sizes = costs['flops'], costs['bytes']
    extra = sum(flops.get(stream, 0) for stream in _PER_DETECTION)
    height, width = costs['size']
    # The first is as good as another; a device's own table is in the file.
    device, run = next(iter(costs.get('runs', {}).items()), (None, None))
    seconds = memory = None
    if run is not None:
        memory = f'{run["peak_memory"] / 2**20:,.0f} MiB'
        seconds = f'{1000 * run["median"]:,.0f} ms ({device})'
        if run.get('disturbed'):
            seconds = None
    return [
        name, round(costs['parameters']['total'] / 1e6, 2),
        round(sizes['float32'] / 1e6, 1), round(sizes['float16'] / 1e6, 1),
        f'{height} x {width}', costs['proposals'], costs['detections'],
        round(flops['total'] / 1e9, 1), round((flops['total'] - extra) / 1e9, 1),
        round(extra / costs['detections'] / 1e9, 2), seconds, memory]


def markdown(board: Leaderboard) -> str:
    """The page as Markdown: a table a task and data set, then the costs."""
    parts = ['# Leaderboard\n\nMade by `python tools/leaderboard.py`; do not edit. '
             'Figures of different data sets\nstand in different tables: they do not '
             'compare. Higher is better.\n']
    for data_set, title in DATA_SETS.items():
        parts.append(f'\n## {title}\n')
        for task, (heading, figures) in TASKS.items():
            rows = board.of(data_set, task)
            if not rows:
                continue
            header = ('Model', *figures, 'Figures', 'Source, or measured on')
            parts.append(f'\n### {heading}\n\n' + _table(header, [
                (row.name, *(_figure(row.metrics.get(key)) for key in figures.values()),
                 row.kind, f'[{row.about}]({row.url})' if row.url else row.about)
                for row in rows]))
        if not board.of(data_set):
            parts.append('\nNothing yet.\n')
    parts.append(f'\n## Size, computing and memory\n\n{cost_table(board.costs)}')
    return ''.join(parts)


def cost_table(costs: dict) -> str:
    """What the columns say, and the table of models by name, as Markdown."""
    return f'{COST_NOTE}\n\n' + _table(COST_HEADER, [
        cost_cells(name, each) for name, each in sorted(costs.items())])


def _figure(value):
    return '' if value is None or not math.isfinite(value) else f'{value:.3f}'


def _table(header, rows) -> str:
    # What is a number in the first row stands to the right.
    right = [c > 0 and all(_is_number(row[c]) for row in rows)
             for c in range(len(header))]
    lines = [' | '.join(header),
             ' | '.join('---:' if to_right else '---' for to_right in right)]
    lines += [' | '.join(_cell(value) for value in row) for row in rows]
    return ''.join(f'| {line} |\n' for line in lines)


def _is_number(value):
    return value in (None, '') or isinstance(value, (int, float)) or (
        value.replace('.', '', 1).isdigit())


def _cell(value) -> str:
    if value is None:
        return ''
    if isinstance(value, (int, float)):
        return f'{value:,}'
    return value.replace('|', '\\|').replace('\n', ' ')
