"""tools/eval_results.py on the dataset's own annotation, as files of both forms."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_api

from df2mm.datasets.coco import write_authors_coco, write_compact, write_retrieval_gt
from df2mm.datasets.coco_reader import iter_coco
from df2mm.metainfo import NUM_KEYPOINTS, category_of
from df2mm.synthetic import write_dataset

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/eval_results.py'


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Ground truth in both forms and results that are nearly right."""
    from df2mm.datasets.raw import iter_raw
    root = tmp_path_factory.mktemp('eval')
    write_dataset(root / 'data', 2, 24, seed=3, workers=2, progress=False)
    write_compact(root / 'validation.json', iter_raw(root / 'data/validation'))
    rows = list(iter_coco(root / 'validation.json'))
    write_authors_coco(root / 'authors.json', rows)
    write_retrieval_gt(root / 'query.json', root / 'gallery.json', rows)
    results = dict(bbox=[], segm=[], keypoints=[])
    rng = np.random.default_rng(0)
    for annotation, (width, height), _ in rows:
        for item in annotation.items:
            common = dict(image_id=annotation.img_id, category_id=item.category_id,
                          score=round(float(rng.random()), 3))
            x1, y1, x2, y2 = (item.bbox + rng.normal(0, 3, 4)).tolist()
            box = [x1, y1, max(x2 - x1, 1), max(y2 - y1, 1)]
            keypoints = np.zeros((NUM_KEYPOINTS, 3))
            keypoints[category_of(item.category_id).slice] = item.landmarks
            keypoints[:, :2] += rng.normal(0, 2, (NUM_KEYPOINTS, 2))
            results['bbox'].append(dict(common, bbox=box))
            results['keypoints'].append(dict(
                common, bbox=box, keypoints=keypoints.ravel().tolist()))
            mask = mask_api.merge(mask_api.frPyObjects(
                [p.ravel().tolist() for p in item.polygons], height, width))
            results['segm'].append(dict(common, segmentation=dict(
                size=mask['size'], counts=mask['counts'].decode())))
    gallery = json.loads((root / 'gallery.json').read_text())
    results['retrieval'] = []
    for row in json.loads((root / 'query.json').read_text()):
        found = rng.choice(gallery, 20)
        results['retrieval'].append(dict(
            query_image_id=row['query_image_id'], query_bbox=row['bbox'],
            query_cls=row['cls'], query_score=0.5,
            gallery_image_id=[item['gallery_image_id'] for item in found],
            gallery_bbox=[item['bbox'] for item in found]))
    for task, entries in results.items():
        (root / f'{task}.json').write_text(json.dumps(entries))
    return root


def run(capsys, *args):
    """The tool in this process: status, stdout, stderr."""
    main = runpy.run_path(str(TOOL))['main']
    status, sys.argv = None, [str(TOOL)]
    try:
        status = main([str(arg) for arg in args])
    except SystemExit as error:
        status = error.code
    printed = capsys.readouterr()
    if isinstance(status, str):
        return 1, printed.out, status
    return status, printed.out, printed.err


@pytest.mark.parametrize('task', ['bbox', 'segm', 'keypoints'])
def test_both_forms_of_ground_truth_give_the_same(files, tmp_path, capsys, task):
    reports = []
    for name in ('validation', 'authors'):
        out = tmp_path / f'{name}.json'
        status, printed, _ = run(
            capsys, task, '--gt', files / f'{name}.json', '--results',
            files / f'{task}.json', '--out', out, '--workers', 1)
        assert status == 0
        reports.append(json.loads(out.read_text()))
    assert reports[0] == reports[1]
    report = reports[0]
    assert len(report['stats']) == len(report['stat_names']) == (
        10 if task == 'keypoints' else 12)
    assert report['stats'][0] == report[f'df2/{task}_mAP'] > 0.3
    assert f'{report[f"df2/{task}_mAP"]:.3f}' in printed
    assert 'By category' in printed
    if task == 'keypoints':
        assert report['df2/keypoints_vis_mAP'] == report['stats_vis'][0] > 0.3


def test_retrieval_from_both_forms(files, tmp_path, capsys):
    reports = []
    for query, gallery in (('query', 'gallery'), ('validation', 'validation'),
                           ('validation', 'gallery')):
        out = tmp_path / 'metrics.json'
        status, printed, _ = run(
            capsys, 'retrieval', '--query-gt', files / f'{query}.json', '--gallery-gt',
            files / f'{gallery}.json', '--results', files / 'retrieval.json', '--out',
            out)
        assert status == 0
        reports.append(json.loads(out.read_text()))
    assert reports[0] == reports[1] == reports[2]
    report = reports[0]
    assert report['ks'] == [1, 5, 10, 15, 20]
    assert (report['missed'], report['ignored']) == (0, 0)
    assert report['queries'] == sum(
        row['style'] > 0 for row in json.loads((files / 'query.json').read_text()))
    for k, hits in zip(report['ks'], report['hits'], strict=True):
        assert report[f'df2/retrieval_top{k}'] == hits / report['queries']
    assert 'top-20' in printed


def test_subsets_are_laid_out_like_the_papers_tables(files, tmp_path, capsys):
    out = tmp_path / 'metrics.json'
    for args in (('bbox', '--gt', files / 'validation.json'), (
            'retrieval', '--query-gt', files / 'validation.json', '--gallery-gt',
            files / 'validation.json')):
        status, printed, _ = run(
            capsys, *args, '--results', files / f'{args[0]}.json', '--subsets', '--out',
            out)
        assert status == 0
        head, names = printed[printed.index('by subset'):].splitlines()[1:3]
        assert head.split() == ['scale', 'occlusion', 'zoom-in', 'viewpoint']
        assert names.split()[:3] == ['small', 'moderate', 'large']
        assert names.split()[-1] == 'overall'
    report = json.loads(out.read_text())
    assert -1 <= report['df2/retrieval_top20_viewpoint_side_or_back'] <= 1


def test_what_does_not_count_is_said(files, tmp_path, capsys):
    rows = json.loads((files / 'retrieval.json').read_text())
    rows[1]['query_image_id'] = 10**6
    status, printed, _ = run(
        capsys, 'retrieval', '--query-gt', files / 'query.json', '--gallery-gt',
        files / 'gallery.json', '--results',
        spoiled(tmp_path, 'retrieval.json', json.dumps(rows)))
    assert status == 0
    assert f'note: 1 of {len(rows)} entries are of images without' in printed
    rows = [{key: value for key, value in row.items() if key != 'bbox'}
            for row in json.loads((files / 'keypoints.json').read_text())]
    status, printed, _ = run(
        capsys, 'keypoints', '--gt', files / 'authors.json', '--results',
        spoiled(tmp_path, 'keypoints.json', json.dumps(rows)))
    assert status == 0
    assert 'note: the entries have no bbox' in printed


@pytest.mark.parametrize('task', ['bbox', 'segm', 'keypoints', 'retrieval'])
def test_check_alone(files, capsys, task):
    status, printed, _ = run(
        capsys, task, '--results', files / f'{task}.json', '--check')
    assert status == 0
    assert f'{task} entries, all well formed' in printed


def spoiled(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    return path


@pytest.mark.parametrize('args, content, message', [
    (['bbox', '--check'], '[{"image_id": 1}]',
     'entry 0 of .*bad.json: "category_id" is missing .1 of 1 entries are wrong'),
    (['bbox', '--gt', 'validation'], '[]', 'the list is empty'),
    (['bbox', '--gt', 'validation'], '{}', 'a JSON list'),
    (['bbox', '--gt', 'validation'], '[{"image_id": 1, "category_id": 1, "bbox": '
     '[1, 2, 3, 4], "score": NaN}]', 'score must be a finite number, got nan'),
    (['bbox', '--gt', 'validation'], '[{"image_id": 99999, "category_id": 1, "bbox": '
     '[1, 2, 3, 4], "score": 1}]', 'image_id 99999 of entry 0 of the bbox results'),
    (['bbox', '--gt', 'nowhere'], '[]', 'no such file: .*nowhere.json'),
    (['bbox', '--gt', 'authors', '--subsets'], None, 'subsets need scale'),
    (['retrieval', '--query-gt', 'query', '--gallery-gt', 'gallery', '--subsets'],
     '[]', 'subsets need scale'),
    (['retrieval', '--query-gt', 'authors', '--gallery-gt', 'gallery'], '[]',
     'authors.json'),
])
def test_bad_input_gets_one_line(files, tmp_path, capsys, args, content, message):
    args = [files / f'{arg}.json' if not arg.startswith('-') and k else arg
            for k, arg in enumerate(args)]
    results = files / f'{args[0]}.json' if content is None else spoiled(
        tmp_path, 'bad.json', content)
    out = tmp_path / 'metrics.json'
    status, _, error = run(capsys, *args, '--results', results, '--out', out)
    assert status == 1
    assert re.search(message, error), error
    assert len(error.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize('args, message', [
    (['bbox'], 'required: --results'),
    (['boxes', '--results', 'x'], 'invalid choice'),
    (['bbox', '--results', 'x'], 'bbox needs --gt FILE'),
    (['retrieval', '--results', 'x', '--query-gt', 'x'], 'needs --gallery-gt FILE'),
    (['bbox', '--results', 'x', '--gt', 'x', '--query-gt', 'x'],
     '--query-gt is not for bbox'),
    (['bbox', '--results', 'x', '--gt', 'x', '--images', 'x'], 'needs --plots DIR'),
    (['bbox', '--results', 'x', '--gt', 'x', '--workers', '0'], 'at least 1, got 0'),
])
def test_bad_arguments(capsys, args, message):
    status, _, error = run(capsys, *args)
    assert status == 2
    assert message in error


def test_as_a_command(files, tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, 'bbox', '--gt', files / 'validation.json', '--results',
         files / 'bbox.json', '--plots', tmp_path / 'plots', '--images',
         files / 'data/validation/image'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'Clothes detection' in done.stdout
    assert {path.suffix for path in (tmp_path / 'plots').iterdir()} >= {'.png', '.html'}
    done = subprocess.run([sys.executable, TOOL, 'bbox', '--gt', 'nowhere.json',
                           '--results', files / 'bbox.json'], capture_output=True,
                          text=True)
    assert done.returncode == 1
    assert done.stderr.startswith('eval_results.py: error: ')
    assert 'Traceback' not in done.stderr
