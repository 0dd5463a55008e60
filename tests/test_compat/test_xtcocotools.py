"""The stand-in for xtcocotools gives xtcocotools' numbers."""

import ast
import copy
import importlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from df2mm import compat
from df2mm.compat.xtcocotools import coco as our_coco
from df2mm.compat.xtcocotools import cocoeval as our_cocoeval

PARTS = dict(keypoints=5, foot_kpts=3, face_kpts=4, lefthand_kpts=2,
             righthand_kpts=2)
FIELDS = {
    'keypoints': ['keypoints'],
    'keypoints_crowd': ['keypoints'],
    'keypoints_foot': ['foot_kpts'],
    'keypoints_face': ['face_kpts'],
    'keypoints_lefthand': ['lefthand_kpts'],
    'keypoints_righthand': ['righthand_kpts'],
    'keypoints_wholebody': list(PARTS),
}


@pytest.fixture
def real():
    """The modules of the real package."""
    coco = pytest.importorskip('xtcocotools.coco',
                               reason='xtcocotools is not installed')
    if coco.__file__ == our_coco.__file__:
        pytest.skip('xtcocotools is not installed')
    return coco, importlib.import_module('xtcocotools.cocoeval')


def annotations(random, num_images=12):
    """Random people with all parts: some crowds, some without landmarks."""
    images, objects = [], []
    for image in range(num_images):
        images.append(dict(id=image, width=640, height=480,
                           crowdIndex=float(random.uniform())))
        for _ in range(random.randint(0, 5)):
            x, y = random.uniform(0, 300, 2)
            width, height = random.uniform(20, 200, 2)
            item = dict(id=len(objects), image_id=image, category_id=1,
                        bbox=[x, y, width, height],
                        area=float(random.uniform(0.3, 1) * width * height),
                        iscrowd=int(random.uniform() < 0.1))
            unseen = random.uniform() < 0.1
            for part, count in PARTS.items():
                points = np.stack([
                    x + width * random.uniform(size=count),
                    y + height * random.uniform(size=count),
                    0 * random.randint(0, 3, count) if unseen
                    else random.randint(0, 3, count)], 1)
                item[part] = points.flatten().tolist()
            item['num_keypoints'] = int(np.count_nonzero(
                np.array(item['keypoints'])[2::3]))
            objects.append(item)
    return dict(images=images, annotations=objects,
                categories=[dict(id=1, name='person')])


def results(random, truth):
    """The people again, moved a little, some missed, some made up."""
    found = []
    for item in truth['annotations'] * 2:
        if random.uniform() < 0.3:
            continue
        noise = random.choice([1, 5, 30])
        result = dict(image_id=item['image_id'], category_id=1,
                      score=float(random.uniform()))
        for part, count in PARTS.items():
            points = np.reshape(item[part], (-1, 3)).copy()
            points[:, :2] += noise * random.randn(count, 2)
            points[:, 2] = random.uniform(size=count) * (
                random.uniform() > 0.1)
            result[part] = points.flatten().tolist()
            if part != 'keypoints':
                score = part.replace('kpts', 'score')
                result[score] = float(random.uniform())
        result['wholebody_score'] = float(random.uniform())
        found.append(result)
    return found


def evaluate(modules, folder, truth, found, kind, use_area):
    coco, cocoeval = modules
    (folder / 'truth.json').write_text(json.dumps(truth))
    (folder / 'found.json').write_text(json.dumps(found))
    truth = coco.COCO(str(folder / 'truth.json'))
    found = truth.loadRes(str(folder / 'found.json'))
    count = sum(PARTS[field] for field in FIELDS[kind])
    sigmas = np.linspace(0.02, 0.1, count)
    evaluator = cocoeval.COCOeval(truth, found, kind, sigmas, use_area)
    evaluator.params.useSegm = None
    evaluator.evaluate()
    evaluator.accumulate()
    precision = evaluator.eval['precision']
    evaluator.summarize()
    return evaluator.stats, precision


@pytest.mark.parametrize('use_area', [True, False])
@pytest.mark.parametrize('kind', FIELDS)
def test_numbers_agree_with_xtcocotools(tmp_path, real, kind, use_area):
    random = np.random.RandomState(len(kind))
    truth = annotations(random)
    found = results(random, truth)
    expected, precision = evaluate(real, tmp_path, truth, found, kind,
                                   use_area)
    stats, ours = evaluate((our_coco, our_cocoeval), tmp_path, truth, found,
                           kind, use_area)
    assert 0.05 < expected[0] < 0.95
    np.testing.assert_array_equal(stats, expected)
    np.testing.assert_array_equal(ours, precision)


def one_person(visible=2):
    keypoints = [10, 10, visible, 20, 10, visible]
    return dict(
        images=[dict(id=0, crowdIndex=0.1)],
        categories=[dict(id=1, name='person')],
        annotations=[dict(id=0, image_id=0, category_id=1, area=100.,
                          bbox=[10, 10, 10, 10], keypoints=keypoints,
                          num_keypoints=2)])


def average_precision(moved, sigma=0.1, **kwargs):
    truth = our_coco.COCO(ann_data=one_person())
    found = truth.loadRes([dict(image_id=0, category_id=1, score=0.5,
                                keypoints=[10 + moved, 10, 1, 20, 10, 1])])
    evaluator = our_cocoeval.COCOeval(truth, found, 'keypoints',
                                      np.array([sigma, sigma]), **kwargs)
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator.stats[0]


def test_oks_by_hand():
    """One point off by d: OKS = (exp(-d^2 / (2 (2 sigma)^2 area)) + 1) / 2."""
    assert average_precision(0) == pytest.approx(1)
    # d = 2, area 100: (exp(-0.5) + 1) / 2 = 0.803; thresholds 0.5 to 0.8.
    assert average_precision(2) == pytest.approx(0.7)
    # area 0.53 * 100: (exp(-0.943) + 1) / 2 = 0.695; thresholds 0.5 to 0.65.
    assert average_precision(2, use_area=False) == pytest.approx(0.4)


def test_no_results_at_all():
    truth = our_coco.COCO(ann_data=one_person())
    evaluator = our_cocoeval.COCOeval(truth, truth.loadRes([]))
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    assert evaluator.stats[0] == 0


def test_test_index_keeps_keypoints():
    truth = our_coco.COCO(ann_data=one_person(), test_index=[1])
    assert truth.anns[0]['keypoints'] == [20, 10, 2]
    assert truth.anns[0]['iscrowd'] is False


@pytest.mark.parametrize('call, error, match', [
    (lambda: our_cocoeval.COCOeval(iouType='knee'), ValueError,
     r"iouType must be.*got 'knee'"),
    (lambda: our_coco.COCO(ann_data=[1]), TypeError, r'must be a dict, got l'),
    (lambda: our_coco.COCO('missing.json'), FileNotFoundError, 'missing.json'),
])
def test_bad_inputs(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_input_is_not_changed():
    data = one_person()
    before = copy.deepcopy(data['annotations'])
    truth = our_coco.COCO(ann_data=data)
    evaluator = our_cocoeval.COCOeval(truth, truth.loadRes([]))
    evaluator.evaluate()
    for item in before:
        item.update(iscrowd=False, ignore=data['annotations'][0]['ignore'])
    assert data['annotations'] == before


@pytest.fixture
def without_xtcocotools(monkeypatch):
    """As on Python 3.12: the package cannot be found."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name, *rest:
        None if name == 'xtcocotools' else find(name, *rest))
    for name in [name for name in sys.modules
                 if name.split('.')[0] == 'xtcocotools']:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules
                 if name.split('.')[0] == 'xtcocotools']:
        del sys.modules[name]


def test_stand_in_has_all_that_mmpose_imports(without_xtcocotools):
    mmpose = pytest.importorskip('mmpose')
    compat.apply()
    asked = set()
    for file in Path(mmpose.__file__).parent.rglob('*.py'):
        if '.mim' in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                asked |= {(node.module, name.name) for name in node.names}
            elif isinstance(node, ast.Import):
                asked |= {(name.name, '__name__') for name in node.names}
    asked = {item for item in asked if item[0].startswith('xtcocotools')}
    assert ('xtcocotools.coco', 'COCO') in asked
    for module, name in asked:
        assert hasattr(importlib.import_module(module), name)
    coco = sys.modules['xtcocotools.coco']
    assert coco.__file__ == our_coco.__file__


def test_coco_metric_of_mmpose(tmp_path, monkeypatch, real):
    """mmpose's own metric, on the real classes and on ours."""
    pytest.importorskip('mmpose')
    from mmpose.evaluation.metrics import coco_metric
    random = np.random.RandomState(3)
    truth = annotations(random)
    for item in truth['annotations']:
        # mmpose's metric takes image ids and object ids as they come.
        item['iscrowd'] = 0
    file = tmp_path / 'truth.json'
    file.write_text(json.dumps(truth))

    def measure(coco, cocoeval):
        monkeypatch.setattr(coco_metric, 'COCO', coco.COCO)
        monkeypatch.setattr(coco_metric, 'COCOeval', cocoeval.COCOeval)
        metric = coco_metric.CocoMetric(str(file), nms_mode='none')
        metric.dataset_meta = dict(
            num_keypoints=5, sigmas=np.full(5, 0.05), CLASSES=('person',))
        noise = np.random.RandomState(4)
        for item in truth['annotations']:
            points = np.reshape(item['keypoints'], (1, 5, 3))
            metric.results.append((dict(
                id=item['id'], img_id=item['image_id'], category_id=1,
                keypoints=points[..., :2] + 4 * noise.randn(1, 5, 2),
                keypoint_scores=noise.uniform(size=(1, 5)),
                bbox_scores=noise.uniform(size=1),
                areas=np.array([item['area']])), None))
        return metric.evaluate(size=len(truth['images']))

    expected = measure(*real)
    assert 0.05 < expected['coco/AP'] < 0.95
    assert measure(our_coco, our_cocoeval) == expected
