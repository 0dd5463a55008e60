"""df2mm.datasets.deepfashion2_dataset"""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from df2mm.datasets import DeepFashion2Dataset
from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES, FLIP_INDICES

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadDeepFashion2Annotations', with_mask=True, poly2mask=False),
    dict(type='Resize', scale=(120, 160), keep_ratio=True),
    dict(type='PackDeepFashion2Inputs'),
]
ROOT = Path(__file__).parents[2]
REAL_SAMPLES = ROOT.parent / 'shared/reference/real_samples'


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')


@pytest.fixture(scope='module')
def train(tiny_root):
    init_default_scope('mmdet')
    return DeepFashion2Dataset(str(tiny_root), split='train', pipeline=PIPELINE)


def ids(dataset):
    return [dataset.get_data_info(k)['img_id'] for k in range(len(dataset))]


def test_annotation_of_one_image(train, tiny_root):
    info = train.get_data_info(2)
    instances = info.pop('instances')
    assert info == dict(
        img_path=str(tiny_root / 'train/image/000003.jpg'), img_id=3, height=80,
        width=60, source='user', pair_id=6, sample_idx=2)
    skirt = instances[1]
    assert skirt['bbox'] == [10, 20, 40, 60]
    assert skirt['bbox_label'] == 8
    assert skirt['identity'] == 600_003
    assert skirt['variations'] == [1, 2, 3, 2]
    assert skirt['keypoints'].shape == (8, 3)
    assert skirt['mask'][0].tolist() == [10, 20, 40, 20, 40, 60, 10, 60]
    assert train.get_data_info(-1)['sample_idx'] == 3
    with pytest.raises(IndexError):
        train.get_data_info(4)


def test_sample(train):
    """The table of what flows; the pipeline doubles the image."""
    sample = train[2]
    assert sample['inputs'].shape == (3, 160, 120)
    meta = sample['data_samples'].metainfo
    assert (meta['img_id'], meta['source'], meta['pair_id']) == (3, 'user', 6)
    gt = sample['data_samples'].gt_instances
    assert gt.labels.tolist() == [3, 8, 12]
    assert gt.bboxes.tensor.tolist() == [[20, 40, 80, 120]] * 3
    assert gt.identities.tolist() == [600_002, 600_003, 600_001]
    skirt = CATEGORIES[8].slice
    assert gt.keypoints_visible[1, skirt].tolist() == [1, 0, *[2] * 6]
    assert gt.keypoints[1, skirt].tolist() == [
        [20, 40], [0, 0], *([2 * (10 + k / 2), 2 * (20 + k)] for k in range(2, 8))]
    for row, label in zip(gt.keypoints_visible, gt.labels.tolist(), strict=True):
        inside = row[CATEGORIES[label].slice]
        assert inside.count_nonzero() == len(inside) - 1 == row.count_nonzero()


def test_annotation_is_not_changed_by_its_users(train):
    info = train.get_data_info(0)
    info['instances'][0]['keypoints'][:] = 99
    info['instances'][0]['mask'][0][:] = 99
    assert train.get_data_info(0)['instances'][0]['keypoints'].max() < 99
    assert train.get_data_info(0)['instances'][0]['mask'][0].max() < 99


@pytest.mark.parametrize(('arguments', 'expected'), [
    (dict(split='train', ann_file='annotations/train.json'), [1, 2, 3, 7]),
    (dict(ann_file='annotations/train.json', data_prefix=dict(img='train/image/')),
     [1, 2, 3, 7]),
    (dict(split='train', ann_file='annotations/authors.json'), [1, 2, 3, 7]),
    (dict(split='validation'), [1, 2]),
    (dict(split='train', source='user'), [1, 3, 7]),
    (dict(split='train', source='shop'), [2]),
    (dict(split='train', indices=2), [1, 2]),
    (dict(split='train', indices=-1), [7]),
    (dict(split='train', indices=[3, 0], source='user'), None),
    (dict(split='train', indices=[2, 0], source='user'), [7, 1]),
    (dict(split='train', filter_cfg=dict(filter_empty_gt=True, min_size=60)),
     [1, 2, 3, 7]),
    (dict(split='train', filter_cfg=dict(min_size=61), test_mode=True), [1, 2, 3, 7]),
    (dict(split='train', lazy_init=True), [1, 2, 3, 7]),
])
def test_which_images(tiny_root, arguments, expected):
    if expected is None:
        with pytest.raises(IndexError):
            DeepFashion2Dataset(str(tiny_root), **arguments)
        return
    dataset = DeepFashion2Dataset(str(tiny_root), **arguments)
    assert ids(dataset) == expected
    assert all(Path(dataset.get_data_info(k)['img_path']).is_file()
               for k in range(len(dataset)))


def test_the_authors_file_says_less(tiny_root):
    info = DeepFashion2Dataset(
        str(tiny_root), split='train', ann_file='annotations/authors.json',
    ).get_data_info(0)
    assert info['source'] == 'unknown'
    assert info['instances'][0]['variations'] == [0] * 4
    assert info['instances'][0]['identity'] == 500_001


def test_subsets(train):
    subset = train.get_subset([3, 1])
    assert ids(subset) == [7, 2]
    assert len(train) == 4
    assert subset.index is train.index
    subset.get_subset_(-1)
    assert ids(subset) == [2]
    assert ids(copy.deepcopy(train)) == [1, 2, 3, 7]


def test_wrappers(train):
    assert train.get_cat_ids(2) == [3, 8, 12]
    balanced = ClassBalancedDataset(train, oversample_thr=0.9)
    assert len(balanced) > len(train)
    both = ConcatDataset([train, train.get_subset(1)])
    assert len(both) == 5
    assert both.metainfo['classes'] == CATEGORY_NAMES


def test_metainfo(train):
    meta = train.metainfo
    assert meta['classes'] == CATEGORY_NAMES
    assert len(meta['palette']) == 13
    assert meta['num_keypoints'] == len(meta['sigmas']) == 294
    assert meta['flip_indices'] == FLIP_INDICES.tolist()
    # It is saved with every checkpoint, which is loaded without running code.
    assert not any(isinstance(value, np.ndarray) for value in meta.values())


def test_an_image_without_items(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(
        '{"images": [{"id": 1, "file_name": "1.jpg", "width": 5, "height": 6}], '
        '"annotations": []}')
    dataset = DeepFashion2Dataset(str(tmp_path), ann_file='a.json')
    assert dataset.get_data_info(0)['instances'] == []
    with pytest.raises(ValueError, match='leave none of the 1 images'):
        DeepFashion2Dataset(str(tmp_path), ann_file='a.json',
                            filter_cfg=dict(filter_empty_gt=True))


@pytest.mark.parametrize(('arguments', 'error', 'match'), [
    (dict(split='val'), ValueError, "split must be 'train' or 'validation', got 'val'"),
    (dict(), ValueError, 'or an ann_file; got neither'),
    (dict(split='train', source='studio'), ValueError, "got 'studio'"),
    (dict(split='train', filter_cfg=dict(min_sise=3)), ValueError, 'got min_sise'),
    (dict(split='train', metainfo=dict(classes=('skirt',))), ValueError, '13 classes'),
    (dict(split='train', filter_cfg=dict(min_size=99)), ValueError, 'leave none'),
    (dict(split='train', ann_file='annotations/authors.json', source='user'),
     ValueError, "source='user' .* leave none"),
    (dict(split='train', ann_file='no.json'), FileNotFoundError,
     r'no.json. Make it .* `python tools/data.py convert`'),
    (dict(split='train', data_root='/nowhere'), FileNotFoundError,
     r'/nowhere/train/image/000001.jpg .* `python tools/data.py synthesize /nowhere`'),
    (dict(split='train', anno_file='x'), TypeError, 'anno_file'),
])
def test_bad_arguments(tiny_root, arguments, error, match):
    with pytest.raises(error, match=match):
        DeepFashion2Dataset(**(dict(data_root=str(tiny_root)) | arguments))


def assert_same(first, second):
    assert torch.equal(first['inputs'], second['inputs'])
    first, second = first['data_samples'], second['data_samples']
    assert first.metainfo == second.metainfo
    first, second = first.gt_instances, second.gt_instances
    assert type(first) is type(second)
    assert set(first.keys()) == set(second.keys())
    assert torch.equal(first.bboxes.tensor, second.bboxes.tensor)
    for name in ('labels', 'keypoints', 'keypoints_visible', 'identities',
                 'variations'):
        assert torch.equal(first[name], second[name])
        assert first[name].dtype == second[name].dtype
    for ours, theirs in zip(first.masks.masks, second.masks.masks, strict=True):
        assert all(map(np.array_equal, ours, theirs))


def test_loader_workers_send_the_same_samples(train):
    loader = DataLoader(
        train, batch_size=3, num_workers=2, collate_fn=pseudo_collate)
    batches = list(loader)
    assert [len(batch['inputs']) for batch in batches] == [3, 1]
    for number, batch in enumerate(batches):
        for k, inputs in enumerate(batch['inputs']):
            sample = dict(inputs=inputs, data_samples=batch['data_samples'][k])
            assert_same(sample, train[3 * number + k])


def test_a_spawned_worker_would_get_it_whole(train):
    assert_same(pickle.loads(pickle.dumps(train))[2], train[2])


def test_landmarks_travel_as_slices(train):
    """A long sleeve dress: 37 of 294 landmarks, x, y, v of 4 bytes each."""
    sample = train[3]['data_samples']
    size = len(pickle.dumps(sample))
    whole = sample.clone()
    whole.gt_instances.keypoints_visible = torch.ones(1, 294, dtype=torch.int64)
    assert len(pickle.dumps(whole)) - size == pytest.approx(
        294 * (2 * 4 + 8) - 37 * 3 * 4, abs=600)
    assert_same(dict(inputs=torch.zeros(1), data_samples=pickle.loads(
        pickle.dumps(sample))), dict(inputs=torch.zeros(1), data_samples=sample))


@pytest.mark.parametrize('name', ['deepfashion2_instance', 'synthetic_instance'])
def test_configs(name, tiny_root):
    from mmdet.registry import DATASETS, MODELS
    config = Config.fromfile(ROOT / f'configs/_base_/datasets/{name}.py')
    root = config.train_dataloader.dataset.data_root
    assert config.val_evaluator.ann_file == config.test_evaluator.ann_file == (
        root + 'annotations/validation.json')
    preprocessor = MODELS.build(dict(
        type='DetDataPreprocessor', mean=[0], std=[1], pad_mask=True,
        pad_size_divisor=32))
    for loader, number in ((config.train_dataloader, 4), (config.val_dataloader, 2),
                           (config.test_dataloader, 2)):
        loader.dataset.data_root = str(tiny_root)
        dataset = DATASETS.build(loader.dataset)
        assert len(dataset) == number
        batch = preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
        height, width = batch['inputs'].shape[-2:]
        assert height % 32 == width % 32 == 0
        gt = batch['data_samples'][1].gt_instances
        assert gt.masks.height == height
        assert gt.keypoints.shape == (len(gt.bboxes), 294, 2)


def test_real_samples():
    if not REAL_SAMPLES.is_dir():
        pytest.skip(f'the real samples are not there: {REAL_SAMPLES}')
    dataset = DeepFashion2Dataset(
        str(REAL_SAMPLES), ann_file='deepfasion2.json', pipeline=PIPELINE)
    assert ids(dataset) == [264, 265]
    for sample, number, label in zip(dataset, (28, 31), (10, 10), strict=True):
        gt = sample['data_samples'].gt_instances
        assert gt.labels.tolist() == [label]
        assert gt.keypoints_visible[0].count_nonzero() == number
        # Landmarks belong to their garment: within the box, give or take a pixel.
        points = gt.keypoints[0][gt.keypoints_visible[0] > 0]
        box = gt.bboxes.tensor[0]
        assert ((points >= box[:2] - 1) & (points <= box[2:] + 1)).all()
    first = dataset.get_data_info(0)
    assert first['pair_id'] == 22
    assert first['instances'][0]['identity'] == 22 * 100_000 + 1
    assert first['instances'][0]['keypoints'][:2].tolist() == [
        [417, 107, 1], [307, 87, 2]]
