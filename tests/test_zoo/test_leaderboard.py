"""Rows of a leaderboard: what is read, what is refused, and where it stands."""

import json
from pathlib import Path

import pytest
import yaml

from df2mm.zoo.leaderboard import (
    DATA_SETS,
    TASKS,
    Leaderboard,
    Row,
    cost_cells,
    markdown,
)
from df2mm.zoo.leaderboard_files import (
    card_row,
    read_costs,
    read_leaderboard,
    read_metrics,
    read_own,
    read_published,
)
from df2mm.zoo.leaderboard_page import html_page

ZOO = Path(__file__).parents[2] / 'model_zoo'
COSTS = dict(
    parameters={'backbone': 3_000_000, 'total': 4_000_000},
    bytes=dict(float32=16_000_000, float16=8_000_000),
    flops={'backbone': 2 * 10**9, 'mask head': 10**9, 'keypoint head': 3 * 10**9,
           'total': 6 * 10**9},
    size=[320, 640], proposals=100, detections=10, runs={})


class Card:
    """As much of a card as a row is made of."""

    def __init__(self, folder, data, name='small'):
        self.path, self.name = folder / 'metafile.yml', name
        self.entry = dict(Results=[dict(Dataset=data), dict(Dataset='CC0 photos')],
                          Metadata={'Data Command': 'make data'})


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_published_figures_are_the_paper_s():
    rows = read_published(ZOO / 'published_results.yml')
    assert {row.kind for row in rows} == {'published'}
    of = {row.name: row for row in rows if row.data_set == 'real'}
    best = of['Match R-CNN R-50, retrieval by class+keys'].metrics
    assert [best[f'df2/retrieval_top{k}'] for k in (1, 5, 10, 15, 20)] == [
        0.192, 0.345, 0.435, 0.488, 0.524]
    marks = of['Match R-CNN R-50, landmarks'].metrics
    assert marks['df2/keypoints_vis_mAP'] == 0.605
    assert marks['df2/keypoints_mAP'] == 0.529
    server = {row.name: row.metrics for row in rows if row.data_set == 'test'}
    assert server['DeepMark++'] == {'df2/keypoints_mAP': 0.582}
    assert not any(row.data_set == 'synthetic' for row in rows)


def test_costs_are_there_for_every_config():
    names = {path.stem for path in ZOO.parent.glob('configs/*/*.py')
             if path.parent.name != '_base_'}
    assert read_costs(ZOO / 'costs.json').keys() == names


def test_zoo_of_this_checkout_reads():
    board = read_leaderboard(ZOO)
    assert len(board.of('real', 'retrieval')) >= 5
    for task, (_, figures) in TASKS.items():
        main = next(iter(figures.values()))
        values = [row.metrics.get(main, -1) for row in board.of('real', task)]
        assert values == sorted(values, reverse=True)


def test_cost_cells_by_hand():
    # Of 6 GFLOPs 4 are of 10 detections: 0.4 each, and 2 are once for an image.
    assert cost_cells('a', COSTS) == [
        'a', 4.0, 16.0, 8.0, '320 x 640', 100, 10, 6.0, 2.0, 0.4, None, None]
    run = dict(median=0.25, p95=0.3, peak_memory=2**30, repeats=3, disturbed=False)
    assert cost_cells('a', dict(COSTS, runs=dict(CPU=run)))[-2:] == [
        '250 ms (CPU)', '1,024 MiB']
    # A latency that other work slowed down is none.
    run['disturbed'] = True
    assert cost_cells('a', dict(COSTS, runs=dict(CPU=run)))[-2:] == [None, '1,024 MiB']


@pytest.mark.parametrize('data, data_set', [
    ('df2mm synthetic', 'synthetic'), ('DeepFashion2', 'real')])
def test_card_stands_with_its_data(tmp_path, data, data_set):
    card = Card(tmp_path, data)
    assert card_row(card, {}) is None
    write(tmp_path / 'metrics.json', dict(metrics={
        'df2/bbox_mAP': 0.5, 'df2/segm_mAP': -1.0, 'df2/bbox_mAP_s': 0.1}))
    row = card_row(card, dict(small=COSTS))
    assert (row.data_set, row.kind, row.about) == (
        data_set, 'measured', f'{data} validation, make data')
    assert row.metrics == {'df2/bbox_mAP': 0.5} and row.costs is COSTS


@pytest.mark.parametrize('data', ['COCO', 'DeepFashion2 test'])
def test_card_of_other_data_is_refused(tmp_path, data):
    write(tmp_path / 'metrics.json', dict(metrics={'df2/bbox_mAP': 0.5}))
    with pytest.raises(ValueError, match='Dataset must be DeepFashion2 or say'):
        card_row(Card(tmp_path, data), {})


def test_own_results_of_a_file_and_of_folders(tmp_path):
    # What tools/test.py and what tools/eval_results.py write.
    whole = write(tmp_path / 'mine.json', dict(metrics={'df2/bbox_mAP': 0.5}))
    row, = read_own(whole, 'real')
    assert (row.name, row.kind, row.data_set) == ('mine', 'yours', 'real')
    write(tmp_path / 'runs/a/boxes.json', {
        'task': 'bbox', 'df2/bbox_mAP': 0.25, 'stats': [0.25]})
    write(tmp_path / 'runs/a/marks.json', {
        'task': 'keypoints', 'df2/keypoints_mAP': 0.75})
    write(tmp_path / 'runs/b/metrics.json', dict(metrics={'df2/segm_mAP': 0.5}))
    assert [(row.name, row.metrics) for row in read_own(tmp_path / 'runs', 'test')] == [
        ('a', {'df2/bbox_mAP': 0.25, 'df2/keypoints_mAP': 0.75}),
        ('b', {'df2/segm_mAP': 0.5})]
    row, = read_own(tmp_path / 'runs/a', 'real', 'My model', 'my split')
    assert (row.name, row.about) == ('My model', 'my split')
    with pytest.raises(ValueError, match='--name is for one model'):
        read_own(tmp_path / 'runs', 'real', 'My model')
    write(tmp_path / 'runs/a/again.json', {'df2/bbox_mAP': 0.5})
    with pytest.raises(ValueError, match=r'again.json and .*boxes.json both have'):
        read_own(tmp_path / 'runs/a', 'real')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'no \.json file in'):
        read_own(tmp_path / 'empty', 'real')


@pytest.mark.parametrize('content, message', [
    ('{', 'm.json is no JSON'),
    ([1], 'm.json must hold keys and values, got list'),
    (dict(metrics=3), 'm.json: metrics must be a dict, got int'),
    (dict(metrics=dict(loss=1)), 'm.json: metrics.df2/... is missing'),
    ({}, 'm.json: df2/... is missing'),
    ({'df2/bbox_mAP': 63.8}, 'm.json: df2/bbox_mAP must be a number from 0 to 1'),
    (dict(metrics={'df2/bbox_mAP': 'x'}), "m.json: metrics.df2/bbox_mAP must .*'x'"),
    ('{"df2/bbox_mAP": NaN}', 'm.json: df2/bbox_mAP must .*nan')])
def test_malformed_results_name_file_and_key(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_metrics(write(tmp_path / 'm.json', content))


GOOD = dict(sources=dict(a=dict(cite='A')), results=[dict(
    name='m', data_set='real', source='a', metrics={'df2/bbox_mAP': 0.5})])


@pytest.mark.parametrize('change, message', [
    (dict(sources=None), 'p.yml: sources is missing'),
    (dict(sources=dict(a={})), 'p.yml: sources.a.cite is missing'),
    (dict(results=[{}]), r'p.yml: results\[0\].name is missing'),
    (dict(source='b'), r"results\[0\].source must be one of a, got 'b'"),
    (dict(data_set='coco'), r"p.yml: results\[0\].data_set of m must .*'coco'"),
    (dict(metrics=dict(AP=1)), r'p.yml: results\[0\].metrics has no AP'),
    (dict(metrics={'df2/bbox_mAP': 2}),
     r'p.yml: results\[0\].metrics.df2/bbox_mAP must be a number'),
    ('a: [', 'p.yml is no YAML')])
def test_malformed_published_results(tmp_path, change, message):
    content = change
    if isinstance(change, dict):
        content = dict(GOOD, **change) if change.keys() <= GOOD.keys() else dict(
            GOOD, results=[dict(GOOD['results'][0], **change)])
        content = yaml.safe_dump(content)
    with pytest.raises(ValueError, match=message):
        read_published(write(tmp_path / 'p.yml', content))


def test_malformed_costs(tmp_path):
    path = write(tmp_path / 'c.json', dict(models=dict(a=dict(COSTS, flops={}))))
    with pytest.raises(ValueError, match=r'c.json: models.a.flops.total is missing'):
        read_costs(path)


def test_data_sets_are_never_mixed():
    rows = [Row(f'{data_set} model', 'measured', data_set, {'df2/bbox_mAP': 0.5}, 'x')
            for data_set in DATA_SETS]
    for text, start in ((markdown(Leaderboard(rows)), '\n## '),
                        (html_page(Leaderboard(rows)), '<section ')):
        parts = text.split(start)[1:4]
        for part, data_set in zip(parts, DATA_SETS, strict=True):
            named = [name for name in DATA_SETS if f'{name} model' in part]
            assert named == [data_set]


def test_texts_are_escaped_and_nothing_is_fetched():
    evil = '<script>alert(1)</script>|x'
    row = Row(evil, 'published', 'real', {'df2/bbox_mAP': 0.5}, evil, 'javascript:x')
    board = Leaderboard([row], {evil: COSTS})
    page = html_page(board)
    assert page.count('<script>') == 1 and 'javascript:' not in page
    assert '\\|x' in markdown(board)
    assert not any(mark in page for mark in ('http:', 'https:', 'src=', '@import',
                                             'url(', '<link'))


def test_empty_board_says_so():
    assert html_page(Leaderboard()).count('Nothing yet.') == len(DATA_SETS) + 1
    assert markdown(Leaderboard()).count('Nothing yet.') == len(DATA_SETS)
