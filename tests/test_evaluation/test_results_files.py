"""Results files are read, checked and written in the official formats."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from df2mm.datasets import json_parts
from df2mm.evaluation.results_format import TASKS
from df2mm.evaluation.results_reader import (
    iter_results,
    read_detections,
    read_retrieval,
    validate_results,
)
from df2mm.evaluation.results_writer import (
    detection_entries,
    retrieval_entries,
    write_results,
)
from df2mm.metainfo import CATEGORIES

from .conftest import random_dataset

EXAMPLES = Path(__file__).resolve().parents[3] / 'shared/reference'


def random_retrieval(count, seed=0):
    rng = np.random.default_rng(seed)
    return [dict(
        query_image_id=int(rng.integers(1, 9)), query_cls=int(rng.integers(1, 14)),
        query_score=float(rng.random()), query_bbox=rng.random(4).tolist(),
        gallery_image_id=rng.integers(1, 99, 20).tolist(),
        gallery_bbox=rng.random((20, 4)).tolist()) for _ in range(count)]


def random_results(task, seed=0):
    return random_retrieval(40, seed) if task == 'retrieval' else (
        random_dataset(seed)[1][task])


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('workers', [1, 2])
def test_a_file_that_is_read_and_written_again_is_the_same(
        write, tmp_path, task, workers, monkeypatch):
    monkeypatch.setattr(json_parts, '_PART_BYTES', 4_000)
    monkeypatch.setattr(json_parts, '_BLOCK_BYTES', 1_000)
    results = random_results(task)
    path = write('results.json', results)
    if task == 'retrieval':
        entries = retrieval_entries(read_retrieval(path, workers))
    else:
        entries = detection_entries(read_detections(path, task, workers=workers), task)
    again = tmp_path / 'again.json'
    assert write_results(again, task, entries) == len(results)
    assert json.loads(again.read_text()) == results
    assert list(iter_results(again, task)) == results
    found = validate_results(again, task, workers)
    assert (found.num_entries, found.num_wrong, found.first) == (len(results), 0, None)


def test_own_landmarks_alone_are_read_as_well(write):
    rows = random_results('keypoints')
    short = [dict(row, keypoints=np.array(row['keypoints']).reshape(-1, 3)[
        CATEGORIES[row['category_id'] - 1].slice].ravel().tolist()) for row in rows]
    mixed = [long if k % 3 else own for k, (long, own) in enumerate(
        zip(rows, short, strict=True))]
    expected = read_detections(write('long.json', rows), 'keypoints', workers=1)
    for name, content in (('short.json', short), ('mixed.json', mixed)):
        read = read_detections(write(name, content), 'keypoints', workers=1)
        assert (read.landmarks.values == expected.landmarks.values).all()
        assert (read.areas == expected.areas).all()


@pytest.mark.parametrize('task, name', [
    ('bbox', 'bbox'), ('keypoints', 'keys'), ('segm', 'segm'),
    ('retrieval', 'retrieval')])
def test_the_official_examples_are_well_formed(task, name):
    path = EXAMPLES / f'example_{name}_results.json'
    if not path.is_file():
        pytest.skip(f'the official example is not there: {path.name}')
    found = validate_results(path, task)
    assert (found.num_entries, found.num_wrong) == (5, 0)


BAD = [
    ('bbox', dict(image_id='1'), "image_id must be an integer, got '1'"),
    ('bbox', dict(image_id=True), 'image_id must be an integer, got True'),
    ('bbox', dict(category_id=0), r'category_id must be in 1..13, got 0'),
    ('bbox', dict(score=float('nan')), 'score must be a finite number, got nan'),
    ('bbox', dict(score=float('inf')), 'score must be a finite number, got inf'),
    ('bbox', dict(score=None), '"score" is missing'),
    ('bbox', dict(score='0.5'), "score must be a finite number, got '0.5'"),
    ('bbox', dict(bbox=[1, 2, 3]), 'bbox must be 4 numbers, got 3'),
    ('bbox', dict(bbox=[1, 2, 3, '4']), "finite numbers, got '4' at place 3"),
    ('bbox', dict(bbox=[1, 2, -3, 4]), 'w and h not negative'),
    ('bbox', dict(bbox=[1, 2, float('-inf'), 4]), 'got -inf at place 2'),
    ('keypoints', dict(keypoints=[1.0] * 881), 'must be 882 or .* numbers, got 881'),
    ('keypoints', dict(keypoints=[[1, 2, 1]] * 294), 'must be 882 or'),
    ('keypoints', dict(keypoints=[float('nan')] * 882), 'got nan at place 0'),
    ('keypoints', dict(bbox=None), '"bbox" is missing, which the first entry has'),
    ('segm', dict(segmentation=[[1, 2, 3, 4, 5, 6]]), 'must be compressed run lengths'),
    ('segm', dict(segmentation=dict(size=[80, 60], counts='~')), 'damaged run lengths'),
    ('segm', dict(segmentation=dict(size=[80], counts='0')), 'compressed run lengths'),
    ('segm', dict(segmentation=dict(size=[80, 60])), 'must be compressed run lengths'),
    ('segm', dict(segmentation=dict(size=[80, 60], counts='é')), 'damaged run lengths'),
    ('retrieval', dict(query_cls=14), r'query_cls must be in 1..13, got 14'),
    ('retrieval', dict(query_bbox=[1, 2]), 'query_bbox must be 4 numbers, got 2'),
    ('retrieval', dict(query_score=None), '"query_score" is missing'),
    ('retrieval', dict(gallery_image_id=[1] * 19), 'list of 20 gallery items, got 19'),
    ('retrieval', dict(gallery_image_id=[1] * 21), 'list of 20 gallery items, got 21'),
    ('retrieval', dict(gallery_bbox=[[1, 2, 3, 4]] * 5), 'of 20 gallery items, got 5'),
    ('retrieval', dict(gallery_bbox=[[1, 2, 3, 4]] * 19 + [[1, 2, 3]]),
     'gallery_bbox must be 4 numbers, got 3 at rank 20'),
    ('retrieval', dict(gallery_image_id=[1.5] * 20), 'an integer, got 1.5 at rank 1'),
]


@pytest.mark.parametrize('task, fields, message', BAD)
def test_bad_entries(write, task, fields, message):
    rows = random_results(task)
    for number in (5, 9):
        rows[number] = {k: v for k, v in {**rows[number], **fields}.items()
                        if v is not None}
    path = write('results.json', rows)
    found = validate_results(path, task, workers=1)
    assert (found.num_wrong, found.first, found.num_entries) == (2, 5, len(rows))
    read = read_retrieval if task == 'retrieval' else (
        lambda path, workers: read_detections(path, task, workers=workers))
    with pytest.raises(ValueError, match=message) as raised:
        read(path, workers=1)
    assert str(raised.value).startswith(f'entry 5 of {path}: ')
    assert f'(2 of {len(rows)} entries are wrong)' in str(raised.value)
    with pytest.raises(ValueError, match=f'entry 5 of the {task} results: '):
        write_results(path.with_name('again.json'), task, rows)
    assert not path.with_name('again.json').exists()


@pytest.mark.parametrize('row', [3, None, 'text', [1]])
def test_entries_that_are_no_objects(write, row):
    path = write('results.json', [*random_results('bbox')[:3], row])
    with pytest.raises(ValueError, match=r'entry 3 of .* expected an object'):
        read_detections(path, 'bbox', workers=1)


@pytest.mark.parametrize('task', TASKS[:3])
def test_no_results_are_an_error(write, task):
    with pytest.raises(ValueError, match=r'found none in .*results.json: the list is'):
        read_detections(write('results.json', []), task)


def test_an_empty_retrieval_file_is_none(write):
    found = read_retrieval(write('results.json', []))
    assert len(found) == 0
    assert found.gallery_bboxes.shape == (0, 20, 4)


@pytest.mark.parametrize('function', [
    lambda path: read_detections(path, 'boxes'), lambda path: iter(next(
        iter_results(path, 'boxes'))), lambda path: validate_results(path, 'boxes'),
    lambda path: write_results(path, 'boxes', [])])
def test_unknown_task(write, function):
    with pytest.raises(ValueError, match=r"task must be .*, got 'boxes'"):
        function(write('results.json', []))


def test_writing_needs_memory_for_a_few_entries_only(tmp_path):
    row = random_results('keypoints')[0]

    def entries():
        for k in range(4_000):
            yield dict(row, image_id=k)

    tracemalloc.start()
    write_results(tmp_path / 'results.json', 'keypoints', entries())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = (tmp_path / 'results.json').stat().st_size
    assert size > 8e6
    assert peak < size / 2
