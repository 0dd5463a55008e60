"""Scores as tables for a person, laid out like the paper's."""

from df2mm.evaluation.average_precision import PRECISION_NAMES
from df2mm.evaluation.detection_scores import STATS
from df2mm.evaluation.subsets import LEVELS
from df2mm.metainfo import VARIATIONS
from df2mm.visualization.tables import format_table

#: What a person calls the tasks.
TITLES = dict(bbox='Clothes detection', segm='Clothes segmentation',
              keypoints='Landmark estimation, visible and occluded',
              keypoints_vis='Landmark estimation, visible only',
              retrieval='Consumer-to-shop retrieval')


_SHORT_TITLES = dict(bbox='box', segm='mask', keypoints='landmark',
                     keypoints_vis='visible landmark')


def known(value):
    """None for -1, which stands for nothing to score."""
    return None if value == -1 else value


def detection_tables(scores: dict) -> list[str]:
    """Tables of boxes, masks and landmarks.

    Args:
        scores (dict[str, DetectionScores]): By the keys of ``TITLES``.

    Returns:
        list[str]: Overall, by category, and by subset where there are any.
    """
    tables = []
    for name, score in scores.items():
        names = STATS[score.task]
        tables.append(format_table(
            ['', *names], [['all', *map(known, score.stats)]], TITLES[name]))
    tables.append(format_table(*category_rows(scores), 'By category'))
    for name, score in scores.items():
        if score.levels:
            overall = dict(zip(PRECISION_NAMES, score.stats[:3], strict=True))
            tables.append(subset_table(
                TITLES[name], PRECISION_NAMES, overall, score.levels))
    return tables


def category_rows(scores: dict) -> tuple[list, list]:
    """Header and rows: each category that has items, with its AP in every task.

    Args:
        scores (dict[str, DetectionScores]): By the keys of ``TITLES``.
    """
    header, rows = ['category', 'items'], {}
    for name, score in scores.items():
        header += [f'{_SHORT_TITLES[name]} AP', 'AP50', 'AP75']
        for category, values in score.categories.items():
            rows.setdefault(category, [category, values['items']]).extend(
                known(values[key]) for key in PRECISION_NAMES)
    return header, [row for row in rows.values() if row[1]]


def subset_rows(names, overall: dict, levels: dict) -> tuple[list, list]:
    """Header and rows: a row for each figure, a column for each of the 12 levels.

    Args:
        names (Sequence[str]): The figures.
        overall (dict[str, float]): Of all images.
        levels (dict[str, dict]): By ``Level.key``.
    """
    header = ['', *(level.title for level in LEVELS), 'overall']
    rows = [[name, *(known(levels[level.key][name]) for level in LEVELS),
             known(overall[name])] for name in names]
    rows.append(['items', *(levels[level.key]['items'] for level in LEVELS), None])
    return header, rows


def subset_table(title, names, overall: dict, levels: dict) -> str:
    """``subset_rows`` as text, the variations' names over their levels.

    Args:
        title (str): Over the table.
        names, overall, levels: As there.
    """
    _, rows = subset_rows(names, overall, levels)
    header = ['', *(level.name for level in LEVELS), 'overall']
    lines = format_table(header, rows).splitlines()
    return '\n'.join([f'{title}, by subset', _spans(lines[0], header), *lines])


def _spans(line, header):
    """The names of the variations over their three columns."""
    text, at = '', len(header[0])
    for k, variation in enumerate(VARIATIONS):
        first = header[1 + 3 * k]
        at = line.index(first, at)
        text = text.ljust(at) + variation.replace('_', '-')
        at += len(first)
    return text


def retrieval_tables(scores, levels: dict | None = None) -> list[str]:
    """Tables of retrieval.

    Args:
        scores (RetrievalScores): Of all query items.
        levels (dict[str, RetrievalScores], optional): By ``Level.key``.
    """
    names = [f'top-{k}' for k in scores.ks]
    tables = [format_table(
        [*names, 'queries', 'missed'],
        [[*scores.accuracies.tolist(), scores.queries, scores.missed]],
        TITLES['retrieval'])]
    if levels:
        tables.append(subset_table(
            TITLES['retrieval'], names, *_retrieval_figures(names, scores, levels)))
    return tables


def retrieval_rows(scores, levels: dict) -> tuple[list, list]:
    """``subset_rows`` of retrieval.

    Args:
        scores, levels: As for ``retrieval_tables``.
    """
    names = [f'top-{k}' for k in scores.ks]
    return subset_rows(names, *_retrieval_figures(names, scores, levels))


def _retrieval_figures(names, scores, levels):
    """What ``subset_rows`` takes."""
    return (
        dict(zip(names, scores.accuracies.tolist(), strict=True)),
        {key: dict(zip(names, score.accuracies.tolist(), strict=True),
                   items=score.queries) for key, score in levels.items()})
