from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import (
    ClassBalancedDataset,
    ConcatDataset,
    DefaultSampler,
    InfiniteSampler,
    RepeatDataset,
)
from mmengine.hooks import DistSamplerSeedHook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from df2mm.datasets import AnnotationIndex, DeepFashion2Dataset
from df2mm.datasets.columns import assemble, image_columns, item_columns
from df2mm.datasets.pair_batch_sampler import PairBatchSampler

#: Users 0 to 9 and shops 10 to 15; users 8 and 9 and shop 15 have no partner.
IMAGES = [
    ('user', 1, [1]), ('user', 1, [1, 2]), ('user', 1, [2, 0]), ('user', 2, [1]),
    ('user', 2, [1]), ('user', 3, [7]), ('user', 4, [1]), ('user', 4, [1]),
    ('user', 4, [0]), ('user', 5, [1]),
    ('shop', 1, [1, 2]), ('shop', 1, [2]), ('shop', 2, [1, 3]), ('shop', 3, [7]),
    ('shop', 4, [1]), ('shop', 6, [1]),
]
NUM_USERS, NUM_PAIRS = 8, 10


def index_of(images):
    rows = [dict(id=k, file_name=f'{k}.jpg', width=60, height=80, source=source,
                 pair_id=pair_id) for k, (source, pair_id, _) in enumerate(images)]
    items = [dict(id=1, image_id=k, category_id=9, bbox=[1, 2, 3, 4], style=style,
                  segmentation=[], keypoints=[0] * 24, scale=1, occlusion=1,
                  zoom_in=1, viewpoint=1)
             for k, (_, _, styles) in enumerate(images) for style in styles]
    return AnnotationIndex(**assemble(
        image_columns(rows, 'test'), item_columns(items, 'test'), 'test'))


@pytest.fixture
def dataset_of(monkeypatch):
    def build(images=IMAGES, **kwargs):
        index = index_of(images)
        monkeypatch.setattr(AnnotationIndex, 'from_coco', lambda *_: index)
        return DeepFashion2Dataset(ann_file='images.json', **kwargs)
    return build


@pytest.fixture
def loader_of():
    def build(dataset, seed=0, num_workers=0, **kwargs):
        with DefaultScope.overwrite_default_scope('mmdet'):
            return Runner.build_dataloader(dict(
                batch_size=2, num_workers=num_workers, dataset=dataset,
                sampler=dict(type='DefaultSampler', shuffle=True),
                batch_sampler=dict(type='PairBatchSampler', single_ratio=0.5),
                **kwargs), seed=seed)
    return build


def sampler_of(dataset, batch_size=4, *, seed=0, set_epoch=0, rank=0, world_size=1,
               shuffle=True, **kwargs):
    base = DefaultSampler(dataset, shuffle=shuffle, seed=seed)
    base.rank, base.world_size = rank, world_size
    base.set_epoch(set_epoch)
    return PairBatchSampler(base, batch_size, **kwargs)


def pairs_of(sampler):
    """What an epoch yields, in twos; as many batches as its length promises."""
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(type(place) is int for batch in batches for place in batch)
    return [tuple(batch[k:k + 2]) for batch in batches
            for k in range(0, len(batch), 2)]


def share_an_identity(dataset, pair):
    user, shop = (dataset.get_data_info(place) for place in pair)
    identities = [{item['identity'] for item in image['instances']} - {-1}
                  for image in (user, shop)]
    return (user['source'], shop['source']) == ('user', 'shop') and bool(
        set.intersection(*identities))


def test_an_epoch_of_users_has_each_user_image_once(dataset_of):
    dataset = dataset_of()
    sampler = sampler_of(dataset)
    pairs = pairs_of(sampler)
    assert len(sampler) == NUM_USERS / 2
    assert sorted(user for user, _ in pairs) == list(range(NUM_USERS))
    assert all(share_an_identity(dataset, pair) for pair in pairs)


def test_an_epoch_of_pairs_has_each_pair_once(dataset_of):
    dataset = dataset_of()
    sampler = sampler_of(dataset, epoch='pairs')
    pairs = pairs_of(sampler)
    assert len(sampler) == NUM_PAIRS / 2
    assert len(set(pairs)) == len(pairs) == NUM_PAIRS
    assert all(share_an_identity(dataset, pair) for pair in pairs)


def test_users_meet_other_partners_in_other_epochs(dataset_of):
    dataset = dataset_of()
    partners = {pair for epoch in range(20)
                for pair in pairs_of(sampler_of(dataset, set_epoch=epoch))}
    assert len(partners) == NUM_PAIRS


@pytest.mark.parametrize('kwargs', [
    dict(), dict(epoch='pairs'), dict(single_ratio=0.3)])
def test_seed_and_epoch_alone_decide(dataset_of, kwargs):
    dataset = dataset_of()
    sampler = sampler_of(dataset, **kwargs)
    first = pairs_of(sampler)
    np.random.seed(9)  # noqa: NPY002  what must make no difference
    torch.manual_seed(9)
    assert pairs_of(sampler) == first
    sampler.sampler.set_epoch(3)
    fourth = pairs_of(sampler)
    assert fourth != first
    # As a resumed run does: a new sampler, told the epoch.
    assert pairs_of(sampler_of(dataset, set_epoch=3, **kwargs)) == fourth
    assert pairs_of(sampler_of(dataset, seed=1, **kwargs)) != first


@pytest.mark.parametrize(('world_size', 'epoch', 'batches'), [
    (2, 'users', 2), (2, 'pairs', 3), (3, 'users', 2), (3, 'pairs', 2)])
def test_processes_share_an_epoch_evenly(dataset_of, world_size, epoch, batches):
    dataset = dataset_of()
    ranks = [pairs_of(sampler_of(dataset, rank=rank, world_size=world_size,
                                 epoch=epoch)) for rank in range(world_size)]
    whole = pairs_of(sampler_of(dataset, epoch=epoch))
    size = -(-len(whole) // world_size)
    assert [len(pairs) for pairs in ranks] == [size] * world_size
    assert -(-size // 2) == batches
    # In turns, and the first come again at the end.
    dealt = [pair for turn in zip(*ranks, strict=True) for pair in turn]
    assert dealt == (whole + whole)[:size * world_size]


def test_drop_last_leaves_out_a_smaller_batch(dataset_of):
    dataset = dataset_of()
    sizes = [len(batch) for batch in sampler_of(dataset, 6)]
    assert sizes == [6, 6, 4]
    sampler = sampler_of(dataset, 6, drop_last=True)
    assert [len(batch) for batch in sampler] == [6, 6]
    assert len(sampler) == 2


def test_without_shuffling_users_come_in_their_order(dataset_of):
    pairs = pairs_of(sampler_of(dataset_of(), shuffle=False))
    assert [user for user, _ in pairs] == list(range(NUM_USERS))


def test_single_images_take_the_place_of_pairs(dataset_of):
    dataset = dataset_of()
    # 8 pairs are 80 % of 10, and the singles come two by two.
    pairs = pairs_of(sampler_of(dataset, single_ratio=0.2))
    singles = [pair for pair in pairs if not share_an_identity(dataset, pair)]
    assert (len(pairs), len(singles)) == (10, 2)
    places = [place for pair in singles for place in pair]
    # Of the three without a partner one comes again: 4 are asked for.
    assert set(places) == {8, 9, 15}
    assert len(places) == 4


def test_pairs_of_a_subset_lie_in_it(dataset_of):
    indices = [14, 6, 3, 10, 0]
    dataset = dataset_of(indices=indices)
    assert set(pairs_of(sampler_of(dataset))) == {(1, 0), (4, 3)}
    subset = dataset_of().get_subset(indices)
    assert set(pairs_of(sampler_of(subset))) == {(1, 0), (4, 3)}


def test_a_loader_of_the_runner_yields_pairs(tiny_root, loader_of):
    loader = loader_of(
        dict(type='DeepFashion2Dataset', data_root=str(tiny_root), split='train',
             ann_file='annotations/train.json',
             pipeline=[dict(type='LoadImageFromFile'),
                       dict(type='LoadDeepFashion2Annotations'),
                       dict(type='PackDeepFashion2Inputs')]), num_workers=1)
    assert isinstance(loader.batch_sampler, PairBatchSampler)
    samples = [[sample.img_id for sample in batch['data_samples']] for batch in loader]
    assert len(loader) == len(samples) == 2
    assert [1, 2] in samples
    assert sorted(map(sorted, samples)) == [[1, 2], [3, 7]]


def test_the_runners_hook_tells_the_epoch(dataset_of, loader_of):
    loader = loader_of(dataset_of(), seed=5)
    runner = SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), epoch=2)
    DistSamplerSeedHook().before_train_epoch(runner)
    expected = sampler_of(dataset_of(), 2, seed=5, set_epoch=2, single_ratio=0.5)
    assert list(loader.batch_sampler) == list(expected)


@pytest.mark.parametrize(('kwargs', 'match'), [
    (dict(batch_size=3), 'batch_size must be even.* got 3'),
    (dict(batch_size=0), 'batch_size'),
    (dict(epoch='images'), "epoch must be 'users' or 'pairs', got 'images'"),
    (dict(single_ratio=1.0), r'single_ratio must be in \[0, 1\), got 1.0'),
    (dict(single_ratio=-0.1), r'single_ratio must be in \[0, 1\), got -0.1'),
    (dict(batch_size=18, drop_last=True), 'leaves no batch of 18 images.* 8 pairs'),
    (dict(batch_size=6, world_size=4, drop_last=True), 'each of 4 processes'),
])
def test_bad_arguments(dataset_of, kwargs, match):
    with pytest.raises(ValueError, match=match):
        sampler_of(dataset_of(), **kwargs)


@pytest.mark.parametrize(('kwargs', 'match'), [
    (dict(source='user'), '10 user, 0 shop, 0 unknown.* leave .* source out'),
    (dict(indices=[8, 9, 15]), '3 images are 2 user, 1 shop.* indices'),
    (dict(images=[('unknown', 1, [1]), ('unknown', 1, [1])]),
     "2 unknown.* authors' COCO files do not say"),
    (dict(images=[('user', 1, [0]), ('shop', 1, [0])]), 'style above 0'),
    (dict(images=[('user', 1, []), ('shop', 1, [])]), 'no pair'),
])
def test_a_dataset_without_pairs_says_what_is_missing(dataset_of, kwargs, match):
    with pytest.raises(ValueError, match=match):
        sampler_of(dataset_of(**kwargs))


def test_singles_that_are_asked_for_must_be_there(dataset_of):
    with pytest.raises(ValueError, match=r'all 2 have one\. Set single_ratio=0'):
        sampler_of(dataset_of(images=[IMAGES[0], IMAGES[10]]), single_ratio=0.5)


@pytest.mark.parametrize(('wrapper', 'kwargs'), [
    (RepeatDataset, dict(times=2)), (ClassBalancedDataset, dict(oversample_thr=0.1))])
def test_a_wrapped_dataset_is_refused(dataset_of, wrapper, kwargs):
    with pytest.raises(TypeError, match=f'DeepFashion2Dataset, got {wrapper.__name__}'):
        sampler_of(wrapper(dataset_of(), **kwargs))


def test_joined_datasets_are_refused(dataset_of):
    joined = ConcatDataset([dataset_of(), dataset_of()])
    with pytest.raises(TypeError, match=r'got ConcatDataset\. .* different garments'):
        sampler_of(joined)


def test_num_batch_per_epoch_is_refused(dataset_of, loader_of):
    with pytest.raises(TypeError, match='num_batch_per_epoch give the dataset indices'):
        loader_of(dataset_of(), num_batch_per_epoch=1)


def test_another_sampler_is_refused(dataset_of):
    with pytest.raises(TypeError, match='DefaultSampler, got InfiniteSampler'):
        PairBatchSampler(InfiniteSampler(dataset_of(), seed=0), 2)
