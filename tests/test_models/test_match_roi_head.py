"""MatchRoIHead and MatchRCNN: losses, predictions and feeds on tiny images."""

import copy
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.structures import InstanceData

from df2mm.engine import build_runner, read_config
from df2mm.metainfo import CATEGORIES
from df2mm.models.match_roi_head import FEEDS

CONFIG = 'configs/match_rcnn/match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py'


@pytest.fixture(scope='module')
def cfg():
    cfg = Config.fromfile(Path(__file__).parents[2] / CONFIG)
    cfg.model.backbone.init_cfg = None
    cfg.model.train_cfg.rcnn.sampler.num = 32
    cfg.model.train_cfg.rpn_proposal.max_per_img = 50
    cfg.model.test_cfg.rpn.max_per_img = 50
    cfg.model.test_cfg.rcnn.update(max_per_img=4, score_thr=0.0)
    head = cfg.model.roi_head
    head.keypoint_head.update(conv_out_channels=16, deconv_out_channels=16)
    head.match_head.update(conv_channels=[16], embed_dims=8)
    return cfg


def model_of(cfg, **roi_head):
    model = copy.deepcopy(cfg.model)
    for name, value in roi_head.items():
        model.roi_head[name] = value
    return MODELS.build(model)


@pytest.fixture(scope='module')
def loaders(cfg, synthetic_root, tmp_path_factory):
    """Batches of the tiny dataset: of training pairs and of validation."""
    full = read_config(Path(__file__).parents[2] / CONFIG, data_root=synthetic_root,
                       work_dir=tmp_path_factory.mktemp('work'))
    for loader in (full.train_dataloader, full.val_dataloader, full.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
        loader.dataset.workers = 1
        for transform in loader.dataset.pipeline:
            if transform.type == 'Resize':
                transform.scale = (128, 128)
    full.model.backbone.init_cfg = None
    runner = build_runner(full)
    return runner.train_loop.dataloader, runner.test_loop.dataloader


def losses_of(model, batch):
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    return model.train().loss(data['inputs'], data['data_samples'])


def total(losses):
    return sum(sum(value) if isinstance(value, list) else value
               for name, value in losses.items() if 'loss' in name)


@pytest.mark.parametrize('feed', FEEDS)
def test_every_feed_trains_all_streams(cfg, loaders, feed):
    model = model_of(cfg, match_feed=feed)
    losses = losses_of(model, next(iter(loaders[0])))
    assert {'loss_cls', 'loss_bbox', 'loss_keypoint', 'loss_mask', 'loss_match',
            'loss_rpn_cls', 'loss_rpn_bbox'} <= losses.keys()
    assert losses['loss_match'] > 0
    total(losses).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None or not parameter.requires_grad, name
    fed = losses_of(model, next(iter(loaders[0])))['loss_match']
    model.zero_grad()
    fed.backward()
    moved = {name.split('.')[1] for name, parameter in model.named_parameters()
             if name.startswith('roi_head') and parameter.grad is not None
             and parameter.grad.any()}
    expected = {'match_head'} | {
        dict(keypoints='keypoint_head', segmentation='mask_head')[stream]
        for stream in FEEDS[feed] if stream != 'class'}
    assert moved == expected


def test_predictions_are_in_pixels_of_the_image_and_by_source(cfg, loaders):
    model = model_of(cfg).eval()
    sources = set()
    for batch in loaders[1]:
        with torch.no_grad():
            samples = model.test_step(copy.deepcopy(batch))
        for sample in samples:
            found = sample.pred_instances
            sources.add(sample.source)
            assert ('query_vectors' in found) == (sample.source == 'user')
            assert ('gallery_vectors' in found) == (sample.source == 'shop')
            height, width = sample.ori_shape
            assert found.masks.shape == (len(found), height, width)
            assert found.keypoints.shape == (len(found), 294, 2)
            for box, label, points, scores in zip(
                    found.bboxes, found.labels, found.keypoints,
                    found.keypoint_scores, strict=True):
                own = CATEGORIES[label].slice
                assert (points[own] >= box[:2] - 1).all()
                assert (points[own] <= box[2:] + 1).all()
                assert (scores[own] > 0).all()
                points[own] = 0
                assert not points.any()
    assert sources == {'user', 'shop'}


def test_an_unknown_source_gets_both_vectors(cfg, loaders):
    model = model_of(cfg).eval()
    batch = copy.deepcopy(next(iter(loaders[1])))
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(source='unknown'))
    with torch.no_grad():
        found = model.test_step(batch)[0].pred_instances
    assert found.query_vectors.shape == found.gallery_vectors.shape == (4, 10)


def test_annotated_boxes_on_request(cfg, loaders):
    model = model_of(cfg).eval()
    model.gt_boxes = True
    batch = next(iter(loaders[1]))
    with torch.no_grad():
        samples = model.test_step(copy.deepcopy(batch))
    for sample in samples:
        found, truth = sample.gt_box_instances, sample.gt_instances
        assert torch.allclose(found.bboxes, truth.bboxes, atol=1e-3)
        assert found.labels.tolist() == truth.labels.tolist()
        assert found.keypoints.shape == (len(truth), 294, 2)
        assert len(found.masks) == len(truth)
    del batch['data_samples'][0].gt_instances
    with pytest.raises(KeyError, match='LoadDeepFashion2Annotations into the test'):
        model.test_step(batch)


def test_vectors_do_not_depend_on_how_boxes_came(cfg, loaders):
    """Boxes that are given get what the same boxes get when they are detected."""
    model = model_of(cfg).eval()
    data = model.data_preprocessor(copy.deepcopy(next(iter(loaders[1]))))
    metas = [sample.metainfo for sample in data['data_samples']]
    with torch.no_grad():
        x = model.extract_feat(data['inputs'])
        proposals = model.rpn_head.predict(x, data['data_samples'], rescale=False)
        detected = model.roi_head.predict(
            x, copy.deepcopy(proposals), data['data_samples'], rescale=False)
        given = model.roi_head.predict_in_boxes(
            x, [InstanceData(bboxes=d.bboxes, labels=d.labels, scores=d.scores)
                for d in detected], metas)
    for a, b in zip(detected, given, strict=True):
        assert torch.allclose(a.keypoints, b.keypoints)
        for name in ('query_vectors', 'gallery_vectors'):
            assert name not in a or torch.allclose(a[name], b[name])


def test_images_without_anything(cfg, loaders):
    """Zero losses that reach every parameter; no detections, but all fields."""
    model = model_of(cfg)
    batch = copy.deepcopy(next(iter(loaders[0])))
    for sample in batch['data_samples']:
        sample.gt_instances = sample.gt_instances[:0]
    losses = losses_of(model, batch)
    for name in ('loss_keypoint', 'loss_mask', 'loss_match', 'loss_bbox'):
        assert losses[name] == 0
    total(losses).backward()
    assert all(parameter.grad is not None for parameter in model.parameters()
               if parameter.requires_grad)

    model.roi_head.test_cfg.score_thr = 1.1
    with torch.no_grad():
        found = model.eval().test_step(copy.deepcopy(batch))[0].pred_instances
    model.roi_head.test_cfg.score_thr = 0.0
    assert len(found) == 0
    assert found.keypoints.shape == (0, 294, 2)
    assert found.masks.shape[0] == 0


def test_one_empty_image_in_a_batch(cfg, loaders):
    batch = copy.deepcopy(next(iter(loaders[0])))
    sample = batch['data_samples'][1]
    sample.gt_instances = sample.gt_instances[:0]
    losses = losses_of(model_of(cfg), batch)
    assert all(torch.isfinite(torch.as_tensor(v)).all() for v in losses.values()
               if not isinstance(v, list))
    assert losses['loss_keypoint'] > 0


def test_images_without_pairs_have_a_match_loss_of_negatives(cfg, loaders):
    batch = copy.deepcopy(next(iter(loaders[0])))
    for sample in batch['data_samples']:
        sample.gt_instances.identities = -torch.ones_like(
            sample.gt_instances.identities)
    losses = losses_of(model_of(cfg), batch)
    assert losses['loss_match'] > 0
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(source='user'))
    losses = losses_of(model_of(cfg), batch)
    assert losses['loss_match'] == 0


def test_heads_are_optional(cfg, loaders):
    batch = next(iter(loaders[0]))
    plain = model_of(cfg, keypoint_head=None, match_head=None)
    assert not {'loss_keypoint', 'loss_match'} & losses_of(plain, batch).keys()
    mask_rcnn = copy.deepcopy(cfg.model)
    for name in ('keypoint_head', 'match_head', 'match_feed'):
        del mask_rcnn.roi_head[name]
    mask_rcnn.update(type='MaskRCNN')
    mask_rcnn.roi_head.update(type='StandardRoIHead')
    mask_rcnn.roi_head.mask_head.update(type='FCNMaskHead')
    standard = MODELS.build(mask_rcnn)
    assert standard.state_dict().keys() == plain.state_dict().keys()
    plain.load_state_dict(standard.state_dict())
    ours, theirs = [], []
    for model, losses in ((plain, ours), (standard, theirs)):
        torch.manual_seed(0)
        losses.append(total(losses_of(model, batch)))
    assert torch.allclose(ours[0], theirs[0])
    alone = model_of(cfg, mask_head=None, mask_roi_extractor=None, match_head=None,
                     keypoint_roi_extractor=cfg.model.roi_head.mask_roi_extractor)
    assert 'loss_mask' not in losses_of(alone, batch)
    with torch.no_grad():
        found = alone.eval().test_step(copy.deepcopy(next(iter(loaders[1]))))
    sizes = [sample.ori_shape for sample in found]
    assert max(float(s.pred_instances.bboxes.max()) for s in found) > 128
    assert all(s.pred_instances.bboxes.max() <= max(size)
               for s, size in zip(found, sizes, strict=True))


def test_tensor_mode_has_all_outputs(cfg, loaders):
    model = model_of(cfg).eval()
    data = model.data_preprocessor(copy.deepcopy(next(iter(loaders[1]))))
    with torch.no_grad():
        outputs = model(data['inputs'], data['data_samples'], mode='tensor')
    scores, deltas, landmarks, masks, descriptors = outputs[-1]
    assert descriptors.shape == (len(scores), 8)
    assert len(masks) == len(deltas) == len(scores)
    assert landmarks[0].shape[1:] == (56, 56)


def test_the_landmark_stream_is_found_by_its_keys_in_either_form(cfg):
    sliced = model_of(cfg)
    dense = model_of(cfg, keypoint_head=dict(
        cfg.model.roi_head.keypoint_head, sliced=False))
    dense.load_state_dict(sliced.state_dict())


@pytest.mark.parametrize('change, message', [
    (dict(match_feed='keys'), r"match_feed must be one of class, .*, got 'keys'"),
    (dict(keypoint_head=None), r"'class\+keys' needs a keypoint_head, and there is"),
    (dict(match_feed='segmentation', mask_head=None, mask_roi_extractor=None,
          keypoint_head=None), 'needs a mask_head, and there is none'),
    (dict(mask_head=None, mask_roi_extractor=None),
     'keypoint_head needs a keypoint_roi_extractor'),
])
def test_bad_configs(cfg, change, message):
    with pytest.raises(ValueError, match=message):
        model_of(cfg, **change)


def test_heads_that_do_not_fit(cfg):
    match_head = dict(cfg.model.roi_head.match_head, in_channels=[3, 4])
    with pytest.raises(ValueError, match=r'must be \[96, 16\], what the feed .* has, '
                                         r'got \[3, 4\]'):
        model_of(cfg, match_head=match_head)
    keypoint_head = dict(cfg.model.roi_head.keypoint_head, num_classes=2,
                         num_landmarks=[3, 4])
    with pytest.raises(ValueError, match='as many categories, got num_classes 13'):
        model_of(cfg, keypoint_head=keypoint_head)
    mask_head = dict(cfg.model.roi_head.mask_head, type='FCNMaskHead')
    with pytest.raises(ValueError, match='shows its features, got FCNMaskHead'):
        model_of(cfg, mask_head=mask_head, match_feed='class+seg')
    with pytest.raises(ValueError, match='of no use without a keypoint_head'):
        model_of(cfg, keypoint_head=None, match_head=None,
                 keypoint_roi_extractor=cfg.model.roi_head.mask_roi_extractor)
