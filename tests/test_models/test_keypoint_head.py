import math
from types import SimpleNamespace

import pytest
import torch
from mmdet.models.task_modules import MaxIoUAssigner, RandomSampler
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

import df2mm.models.keypoint_head  # noqa: F401  registers KeypointHead
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS

GAUSSIAN = dict(
    codec=dict(type='MSRAHeatmap', input_size=(16, 16), heatmap_size=(16, 16), sigma=1),
    loss_keypoint=dict(type='mmpose.KeypointMSELoss', loss_weight=100.0))
SIMCC = dict(
    codec=dict(type='SimCCLabel', input_size=(16, 16), sigma=1.0),
    loss_keypoint=dict(type='mmpose.KLDiscretLoss'), loss_weight=10.0)
VARIANTS = pytest.mark.parametrize(
    'variant', [{}, GAUSSIAN, SIMCC], ids=['one-hot', 'Gaussian', 'SimCC'])
FORMS = pytest.mark.parametrize('sliced', [True, False], ids=['sliced', 'dense'])
#: Two categories, of one and of two landmarks.
TINY = dict(num_classes=2, num_landmarks=(1, 2), roi_feat_size=1)


@pytest.fixture(autouse=True)
def one_thread():
    """Several only wait for each other on tensors as small as here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def build(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(dict(dict(
        type='KeypointHead', roi_feat_size=4, in_channels=8, num_convs=2,
        conv_out_channels=8, deconv_out_channels=8), **kwargs))


def sampled(boxes, labels, assigned=None):
    """What the head reads of mmdet's SamplingResult."""
    assigned = range(len(labels)) if assigned is None else assigned
    return SimpleNamespace(
        pos_priors=torch.tensor(boxes).float().view(-1, 4),
        pos_gt_labels=torch.tensor(labels, dtype=torch.int64),
        pos_assigned_gt_inds=torch.tensor(assigned, dtype=torch.int64))


def truth(labels, boxes, visible=2):
    """Garments as in the paper's figure, each in its box."""
    keypoints = torch.zeros(len(labels), NUM_KEYPOINTS, 2)
    visibility = torch.zeros(len(labels), NUM_KEYPOINTS, dtype=torch.int64)
    for n, (label, (x1, y1, x2, y2)) in enumerate(zip(labels, boxes, strict=True)):
        category = CATEGORIES[label]
        keypoints[n, category.slice] = torch.tensor(
            category.template * (x2 - x1, y2 - y1) + (x1, y1)).float()
        visibility[n, category.slice] = visible
    return InstanceData(keypoints=keypoints, keypoints_visible=visibility)


def loss_of(head, outputs, *args):
    return head.loss_and_target(outputs, *args)['loss_keypoint']['loss_keypoint']


def gradients(head):
    return {name: p.grad for name, p in head.named_parameters()}


def test_loss_is_the_mean_cross_entropy_of_the_landmarks_that_count():
    head = build(**TINY, loss_weight=3.0)
    # Maps of 4 x 4; boxes of 4 x 4 pixels at 10, so a bin is a pixel.
    results = [sampled([[10, 10, 14, 14]] * 2, [1, 0], [1, 0])]
    gt = InstanceData(
        keypoints=torch.tensor([
            [[20., 11], [0, 0], [0, 0]],  # Category 0: visible, but not in its RoI.
            [[0, 0], [12.4, 11.9], [10, 10]]]),
        keypoints_visible=torch.tensor([[2, 0, 0], [0, 1, 2]]))
    maps = torch.zeros(3, 4, 4)
    maps[0, 1, 2] = math.log(15)  # 15 of 15 + 15: probability a half.
    # The other one that counts has no idea: a sixteenth.
    losses = head.loss_and_target((maps,), results, [gt])
    assert float(losses['loss_keypoint']['loss_keypoint']) == pytest.approx(
        3 * (math.log(2) + math.log(16)) / 2)
    units, counted = losses['keypoint_targets']
    assert counted.tolist() == [True, True, False]
    assert units[counted].tolist() == [
        pytest.approx([2.4 / 4, 1.9 / 4]), pytest.approx([0, 0])]

    gt.keypoints_visible[1, 2] = 0
    assert float(loss_of(head, (maps,), results, [gt])) == pytest.approx(
        3 * math.log(2))


@VARIANTS
def test_sliced_and_dense_agree(variant):
    labels = [3, 0, 12, 0, 8, 3]
    boxes = [[10 * n, 5, 10 * n + 90, 160 + n] for n in range(6)]
    sliced = build(**variant)
    dense = build(**variant, sliced=False)
    for a, b in ((sliced, dense), (dense, sliced)):
        a.init_weights()
        b.load_state_dict(a.state_dict(), strict=True)
    feats = torch.randn(6, 8, 4, 4)
    results, instances, seen = [sampled(boxes, labels)], [truth(labels, boxes)], []
    for head in (sliced, dense):
        outputs = head(feats, torch.tensor(labels))
        loss = loss_of(head, outputs, results, instances)
        loss.backward()
        found = InstanceData(
            bboxes=torch.tensor(boxes).float(), labels=torch.tensor(labels))
        head.predict_by_feat(outputs, [found], [{}])
        seen.append(dict(
            outputs=outputs, loss=loss, gradients=gradients(head),
            keypoints=found.keypoints, scores=found.keypoint_scores))
    num_rows = sum(CATEGORIES[label].num_landmarks for label in labels)
    assert [len(part) for part in outputs] == [num_rows] * len(outputs)
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-4, atol=1e-5)
    absent = sliced.deconv_maps.weight.grad[:, CATEGORIES[1].slice]
    assert not absent.any()


@VARIANTS
@FORMS
@pytest.mark.parametrize(('labels', 'visible', 'box'), [
    ([], 2, None),
    ([4, 9], 0, [0, 0, 50, 50]),
    ([4, 9], 2, [500, 500, 550, 550]),
], ids=['no RoI', 'no label', 'outside'])
def test_without_a_landmark_every_parameter_gets_a_gradient(
        variant, sliced, labels, visible, box):
    head = build(**variant, sliced=sliced)
    outputs = head(torch.randn(len(labels), 8, 4, 4), torch.tensor(labels).long())
    loss = loss_of(head, outputs, [sampled([box] * len(labels), labels)],
                   [truth(labels, [[0, 0, 50, 50]] * len(labels), visible)])
    assert loss.item() == 0
    loss.backward()
    for name, gradient in gradients(head).items():
        assert gradient is not None, name
        assert not gradient.any(), name


@VARIANTS
def test_learns_a_garment_to_less_than_a_bin(variant):
    box = [[32., 16, 96, 144]]
    head = build(**variant, conv_out_channels=32, deconv_out_channels=32)
    head.init_weights()
    feats, labels = torch.randn(1, 8, 4, 4), torch.tensor([8])
    args = [sampled(box, [8])], [truth([8], box)]
    optimizer = torch.optim.Adam(head.parameters(), lr=0.005)
    losses = []
    for _ in range(200):
        loss = loss_of(head, head(feats, labels), *args)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    found = InstanceData(bboxes=torch.tensor(box), labels=labels)
    with torch.inference_mode():
        head.predict_by_feat(head(feats, labels), [found], [{}])
    part = CATEGORIES[8].slice
    # A bin is 4 pixels wide and 8 high.
    errors = (found.keypoints - args[1][0].keypoints)[0, part].abs()
    assert (errors <= torch.tensor([4., 8]) * 0.75).all()
    assert found.keypoint_scores[0, part].min() > 0.1


def test_predicts_pixels_in_the_slice_of_the_category():
    head = build(**TINY)
    maps = torch.full((5, 4, 4), -50.)
    for row, (y, x) in enumerate([(0, 0), (3, 1), (1, 2), (2, 2), (3, 3)]):
        maps[row, y, x] = 50
    boxes = [torch.tensor([[8., 0, 16, 40], [8, 0, 16, 40]]), torch.zeros(0, 4),
             torch.tensor([[100., 100, 108, 104]])]
    labels = [torch.tensor([0, 1]), torch.zeros(0).long(), torch.tensor([1])]
    results = [InstanceData(bboxes=box.clone(), labels=label)
               for box, label in zip(boxes, labels, strict=True)]
    metas = [dict(scale_factor=(2.0, 4.0))] * 3
    for rescale, scale in ((False, (1, 1)), (True, (2, 4))):
        head.predict_by_feat((maps,), results, metas, rescale=rescale)
        w, h = scale
        # Bins are 2 x 10 pixels, of the last box 2 x 1.
        assert results[0].keypoints.tolist() == [
            [[9 / w, 5 / h], [0, 0], [0, 0]],
            [[0, 0], [11 / w, 35 / h], [13 / w, 15 / h]]]
        assert results[2].keypoints.tolist() == [
            [[0, 0], [105 / w, 102.5 / h], [107 / w, 103.5 / h]]]
        assert results[0].keypoint_scores.tolist() == [[1, 0, 0], [0, 1, 1]]
        assert results[1].keypoints.shape == (0, 3, 2)
        assert results[1].keypoint_scores.shape == (0, 3)
    assert torch.equal(results[0].bboxes, boxes[0])
    assert results[0].keypoints.dtype == results[0].keypoint_scores.dtype == (
        torch.float32)


def test_takes_the_samples_of_mmdet():
    boxes, labels = [[10., 10, 60, 90], [100, 20, 180, 200]], [4, 7]
    gt = truth(labels, boxes)
    gt.bboxes, gt.labels = torch.tensor(boxes), torch.tensor(labels)
    proposals = InstanceData(priors=torch.tensor(
        [[102., 20, 178, 190], [12, 10, 60, 88], [300, 300, 310, 310]]))
    assigned = MaxIoUAssigner(0.5, 0.5).assign(proposals, gt)
    result = RandomSampler(8, 0.5).sample(assigned, proposals, gt)
    head = build()
    outputs = head(torch.randn(4, 8, 4, 4), result.pos_gt_labels)
    losses = head.loss_and_target(outputs, [result], [gt])
    assert losses['loss_keypoint']['loss_keypoint'].isfinite()
    units, counted = losses['keypoint_targets']
    # The proposals cut off some landmarks; the boxes themselves none.
    assert 2 * (15 + 14) > int(counted.sum()) >= 15 + 14
    assert len(units) == 2 * (15 + 14)


def test_features_are_computed_apart():
    head = build()
    feats, labels = torch.randn(2, 8, 4, 4), torch.tensor([5, 1])
    features = head.forward_features(feats)
    assert features.shape == (2, head.feat_channels, 4, 4)
    torch.testing.assert_close(
        head.forward_maps(features, labels), head(feats, labels))


@VARIANTS
@FORMS
def test_runs_under_autocast(variant, sliced):
    head = build(**variant, sliced=sliced)
    labels, boxes = [8, 2], [[0., 0, 50, 60]] * 2
    with torch.autocast('cpu', dtype=torch.bfloat16):
        outputs = head(torch.randn(2, 8, 4, 4), torch.tensor(labels))
        loss = loss_of(head, outputs, [sampled(boxes, labels)], [truth(labels, boxes)])
        found, expected = (
            InstanceData(bboxes=torch.tensor(boxes), labels=torch.tensor(labels))
            for _ in range(2))
        head.predict_by_feat(outputs, [found], [{}])
    head.predict_by_feat(outputs, [expected], [{}])
    # The outputs are rounded, what is read of them is not.
    torch.testing.assert_close(found.keypoints, expected.keypoints)
    assert outputs[0].dtype == torch.bfloat16
    assert loss.dtype == found.keypoints.dtype == torch.float32
    loss.backward()
    assert all(g.isfinite().all() for g in gradients(head).values())


def test_the_papers_head_has_maps_of_56():
    head = build(roi_feat_size=14, in_channels=4)
    assert head(torch.zeros(1, 4, 14, 14), torch.tensor([8]))[0].shape == (8, 56, 56)


@pytest.mark.parametrize(('kwargs', 'message'), [
    (dict(num_classes=12), 'num_classes must be 13, the number of categories'),
    (dict(num_landmarks=(25, 33)), 'num_classes must be 2, .* got 13'),
    (dict(num_classes=2, num_landmarks=(25, 0)), r'positive ints, got \[25, 0\]'),
    (dict(conv_out_channels=0), 'conv_out_channels must be a positive int, got 0'),
    (dict(deconv_out_channels=-4), 'deconv_out_channels must be a positive int'),
    (dict(in_channels=2.5), 'in_channels must be a positive int, got 2.5'),
    (dict(num_convs=0), 'num_convs must be a positive int, got 0'),
    (dict(roi_feat_size=0), 'roi_feat_size must be a positive int, got 0'),
    (dict(loss_weight=-1), 'loss_weight must not be negative, got -1'),
    (dict(codec=dict(type='NoCodec')), "got 'NoCodec'"),
])
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)


@pytest.mark.parametrize(('labels', 'message'), [
    ([1], r'labels must have shape \(2,\), one a RoI, got \(1,\)'),
    ([0, 13], r'labels must be in 0..12, got 13'),
])
@FORMS
def test_bad_labels(labels, message, sliced):
    with pytest.raises(ValueError, match=message):
        build(sliced=sliced)(torch.zeros(2, 8, 4, 4), torch.tensor(labels))


def test_bad_ground_truth():
    head = build()
    results, gt = [sampled([[0, 0, 9, 9]], [8])], truth([8], [[0, 0, 9, 9]])
    with pytest.raises(ValueError, match=r'outputs must hold 8 maps, .* got 3'):
        head.loss_and_target((torch.zeros(3, 16, 16),), results, [gt])
    gt.keypoints = gt.keypoints[:, :17]
    with pytest.raises(ValueError, match=r"\('N', 294, 2\), got \(1, 17, 2\)"):
        head.get_targets(results, [gt])
    del gt.keypoints
    with pytest.raises(KeyError, match=r'needs gt_instances.keypoints, got'):
        head.get_targets(results, [gt])
