"""Tables as a person reads them, and the keys of the same figures."""

import pytest

from df2mm.evaluation.detection_scores import score_detections
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.metric_keys import detection_metrics
from df2mm.evaluation.results_reader import read_detections
from df2mm.evaluation.subsets import LEVELS
from df2mm.evaluation.tables import category_rows, detection_tables, subset_rows

from .conftest import random_dataset


@pytest.fixture
def scores(write):
    truth, results = random_dataset(0, size=(300, 260))
    return score_detections(
        'bbox', read_ground_truth(write('gt.json', truth), workers=1),
        read_detections(write('results.json', results['bbox']), 'bbox', workers=1),
        subsets=True)


def test_what_a_table_shows_is_what_the_key_holds(scores):
    overall, by_category, by_subset = detection_tables(dict(bbox=scores))
    metrics = detection_metrics('bbox', scores, classwise=True)
    assert overall.splitlines()[0] == 'Clothes detection'
    assert f'{metrics["bbox_mAP"]:.3f}' in overall.splitlines()[-1].split()
    for line in by_category.splitlines()[3:]:
        name = line[:20].strip().replace(' ', '_')
        assert f'{metrics[f"bbox_mAP_{name}"]:.3f}' in line.split()
    values = by_subset.splitlines()[4].split()
    assert values[0] == 'AP'
    shown = [f'{metrics[f"bbox_mAP_{level.key}"]:.3f}' for level in LEVELS]
    assert values[1:] == [*shown, f'{scores["AP"]:.3f}']


def test_variations_stand_over_their_levels(scores):
    head, names = detection_tables(dict(bbox=scores))[2].splitlines()[1:3]
    for variation, first in (('scale', 'small'), ('occlusion', 'slight'),
                             ('zoom-in', 'none'), ('viewpoint', 'no wear')):
        assert head.index(variation) == names.index(first)


def test_what_nothing_is_annotated_for_is_a_dash(scores):
    header, rows = category_rows(dict(bbox=scores))
    assert header == ['category', 'items', 'box AP', 'AP50', 'AP75']
    assert all(row[1] for row in rows)
    levels = {level.key: dict(AP=-1, items=0) for level in LEVELS}
    header, rows = subset_rows(['AP'], dict(AP=0.5), levels)
    assert header[7] == 'zoom-in: none'
    assert rows[0] == ['AP', *[None] * 12, 0.5]
