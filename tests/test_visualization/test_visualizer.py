import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import HOOKS, VISUALIZERS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.structures import InstanceData

import df2mm.visualization.visualizer  # noqa: F401 (registers)
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS
from df2mm.visualization import draw_items
from df2mm.visualization.images import read_image, write_image

SKIRT = 8
SQUARE = np.array([20.0, 20, 120, 20, 120, 120, 20, 120])
GRAY = np.full((160, 140, 3), 200, np.uint8)


def instances(**fields):
    keypoints = torch.zeros(1, NUM_KEYPOINTS, 2)
    keypoints[0, CATEGORIES[SKIRT].slice] = torch.tensor([70.5, 60.5])
    return InstanceData(
        bboxes=torch.tensor([[20.0, 20, 120, 120]]), labels=torch.tensor([SKIRT]),
        keypoints=keypoints, **fields)


def truth(masks=None):
    visible = torch.zeros(1, NUM_KEYPOINTS, dtype=torch.int64)
    visible[0, CATEGORIES[SKIRT].start] = 1
    masks = PolygonMasks([[SQUARE]], 160, 140) if masks is None else masks
    return instances(keypoints_visible=visible, masks=masks)


def prediction(score=0.9, keypoint_score=0.9):
    masks = torch.zeros(1, 160, 140, dtype=torch.bool)
    masks[:, 20:120, 20:120] = True
    return instances(
        scores=torch.tensor([score]), masks=masks,
        keypoint_scores=torch.full((1, NUM_KEYPOINTS), keypoint_score))


def draw(tmp_path, sample, **options):
    visualizer = VISUALIZERS.build(dict(
        type='DeepFashion2Visualizer', name=str(tmp_path)))
    visualizer.add_datasample('a', GRAY, sample, out_file=str(tmp_path / 'a.png'),
                              **options)
    return read_image(tmp_path / 'a.png')


def test_ground_truth_left_prediction_right(tmp_path):
    sample = DetDataSample(gt_instances=truth(), pred_instances=prediction())
    drawn = draw(tmp_path, sample)
    assert drawn.shape == (160, 280, 3)
    gt = draw(tmp_path, sample, draw_pred=False)
    pred = draw(tmp_path, sample, draw_gt=False)
    assert (drawn[:, :140] == gt).all() and (drawn[:, 140:] == pred).all()
    keypoints = sample.gt_instances.keypoints.numpy()
    expected = draw_items(
        GRAY, [[20, 20, 120, 120]], [SKIRT], [[SQUARE.reshape(-1, 2)]], keypoints,
        sample.gt_instances.keypoints_visible.numpy())
    assert (gt == expected).all()
    # Hollow in the ground truth, filled in the prediction.
    assert gt[60, 70].min() > 200
    assert np.abs(pred[60, 70].astype(int) - CATEGORIES[SKIRT].color).max() < 8


def test_boxes_and_bitmaps_in_wrappings_draw_the_same(tmp_path):
    plain = draw(tmp_path, DetDataSample(gt_instances=truth()), draw_pred=False)
    wrapped = truth()
    wrapped.bboxes = HorizontalBoxes(wrapped.bboxes)
    assert (draw(tmp_path, DetDataSample(gt_instances=wrapped),
                 draw_pred=False) == plain).all()
    bitmap = BitmapMasks(np.ones((1, 160, 140), np.uint8), 160, 140)
    covered = draw(tmp_path, DetDataSample(gt_instances=truth(bitmap)), draw_pred=False)
    assert (plain[150, 10] == 200).all() and not (covered[150, 10] == 200).all()


def test_low_scores_are_not_drawn(tmp_path):
    low = DetDataSample(pred_instances=prediction(score=0.2))
    assert (draw(tmp_path, low, draw_gt=False) == GRAY).all()
    assert not (draw(tmp_path, low, draw_gt=False, pred_score_thr=0.1) == GRAY).all()
    # A landmark under its threshold leaves box and mask.
    sure, unsure = (draw(tmp_path, DetDataSample(pred_instances=prediction(
        keypoint_score=score)), draw_gt=False) for score in (0.9, 0.2))
    assert (sure[20, 70] == unsure[20, 70]).all()
    assert not (sure[60, 70] == unsure[60, 70]).all()


def test_sample_without_items(tmp_path):
    nothing = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    sample = DetDataSample(gt_instances=nothing, pred_instances=InstanceData(
        **dict(nothing.items()), scores=torch.zeros(0)))
    assert (draw(tmp_path, sample) == np.hstack([GRAY, GRAY])).all()
    assert (draw(tmp_path, None) == GRAY).all()


def test_wrong_shapes_say_so(tmp_path):
    wrong = truth()
    wrong.keypoints = torch.zeros(1, 17, 2)
    with pytest.raises(ValueError, match=r'keypoints must have shape \(1, 294, 2\)'):
        draw(tmp_path, DetDataSample(gt_instances=wrong), draw_pred=False)


def test_under_the_visualization_hook(tmp_path):
    class Runner:
        work_dir, timestamp, iter = str(tmp_path), 'now', 0

    path = write_image(tmp_path / '000001.png', GRAY)
    sample = DetDataSample(gt_instances=truth(), pred_instances=prediction(),
                           metainfo=dict(img_path=str(path)))
    # The hook asks mmengine for the instance made last.
    VISUALIZERS.build(dict(type='DeepFashion2Visualizer', name='of the hook'))
    hook = HOOKS.build(dict(type='DetVisualizationHook', draw=True, test_out_dir='vis'))
    hook.after_test_iter(Runner(), 0, {}, [sample])
    drawn = read_image(tmp_path / 'now' / 'vis' / '000001.png')
    assert (drawn == draw(tmp_path, sample)).all()


def logged_images(folder):
    """Tag and (H, W, 3) uint8 RGB of the images in the only event file."""
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )
    events, = folder.glob('vis_data/events.out.tfevents.*')
    log = EventAccumulator(str(events), size_guidance=dict(images=0)).Reload()
    return {tag: [cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8),
                               cv2.IMREAD_COLOR)[..., ::-1]
                  for image in log.Images(tag)] for tag in log.Tags()['images']}


def test_tensorboard_gets_the_picture(tmp_path):
    pytest.importorskip('tensorboard', reason='tensorboard is not installed')
    visualizer = VISUALIZERS.build(dict(
        type='DeepFashion2Visualizer', name=f'{tmp_path} tensorboard',
        save_dir=str(tmp_path), vis_backends=[dict(type='TensorboardVisBackend')]))
    sample = DetDataSample(gt_instances=truth(), pred_instances=prediction())
    visualizer.add_datasample('val_img', GRAY, sample, step=3)
    visualizer.close()
    images = logged_images(tmp_path)
    assert images.keys() == {'val_img'}
    assert (images['val_img'][0] == draw(tmp_path, sample)).all()
