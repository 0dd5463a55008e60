import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from pycocotools import mask as mask_api

from df2mm.evaluation import DeepFashion2Metric
from df2mm.evaluation.detection_scores import score_detections
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.results_reader import read_detections, read_retrieval
from df2mm.evaluation.retrieval_of_records import score_found
from df2mm.evaluation.retrieval_truth import read_retrieval_truth
from df2mm.evaluation.subsets import LEVELS
from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES, NUM_KEYPOINTS

from .conftest import SIZE, random_dataset

ALL = ('bbox', 'segm', 'keypoints', 'retrieval')


def samples_of(truth, results, seed=0, dimensions=6):
    """What a model would give: data samples with results as predictions."""
    rng = np.random.default_rng(seed)
    samples = []
    for image in truth['images']:
        rows = [k for k, row in enumerate(results['bbox'])
                if row['image_id'] == image['id']]
        boxes = np.array([results['bbox'][k]['bbox'] for k in rows]).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        keypoints = np.array([results['keypoints'][k]['keypoints'] for k in rows])
        masks = [mask_api.decode(results['segm'][k]['segmentation']) for k in rows]
        masks = np.array(masks, bool).reshape(-1, *SIZE[::-1])
        found = InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32),
            labels=torch.tensor([results['bbox'][k]['category_id'] - 1 for k in rows],
                                dtype=torch.int64),
            scores=torch.tensor([results['bbox'][k]['score'] for k in rows]),
            masks=torch.from_numpy(masks), keypoints=torch.tensor(
                keypoints.reshape(-1, NUM_KEYPOINTS, 3)[..., :2], dtype=torch.float32))
        for name in ('query_vectors', 'gallery_vectors'):
            setattr(found, name, torch.tensor(
                rng.normal(size=(len(rows), dimensions)), dtype=torch.float32))
        samples.append(dict(
            img_id=image['id'], ori_shape=SIZE[::-1], source=image['source'],
            pred_instances=dict(found.items())))
    return samples


@pytest.fixture
def data(write):
    """Ground truth as a compact file, and samples of a model."""
    truth, results = random_dataset(1, num_images=24, padded=False)
    for annotation in truth['annotations']:
        annotation['style'] = annotation['style'] and 1
    truth = dict(truth, info=dict(format='df2mm-compact', version=1))
    # A compact file has an object a line.
    path = write('gt.json', json.dumps(truth).replace('}, {', '},\n{').replace(
        '": [{', '": [\n{').replace('}]', '}\n]'))
    return path, samples_of(truth, results)


def evaluated(metric, samples, batch=5):
    for start in range(0, len(samples), batch):
        metric.process(None, samples[start:start + batch])
    return metric.evaluate(len(samples))


def test_the_numbers_are_those_of_the_files(data, tmp_path):
    ann_file, samples = data
    prefix = tmp_path / 'results/epoch_1'
    metrics = evaluated(DeepFashion2Metric(
        ALL, ann_file, outfile_prefix=str(prefix), workers=1), samples)
    for task in ALL[:3]:
        truth = read_ground_truth(ann_file, task == 'keypoints', task == 'segm')
        found = read_detections(
            f'{prefix}.{task}.json', task,
            truth.full_landmark_keys() if task == 'keypoints' else ())
        scores = score_detections(task, truth, found)
        assert metrics[f'df2/{task}_mAP'] == pytest.approx(scores['AP'], abs=1e-9)
        assert metrics[f'df2/{task}_mAP_50'] == pytest.approx(scores['AP50'], abs=1e-9)
        assert metrics[f'df2/{task}_mAP_m'] == pytest.approx(scores['APm'], abs=1e-9)
        if task == 'keypoints':
            visible = score_detections(task, truth.visible_only(), found)
            assert metrics['df2/keypoints_vis_mAP'] == pytest.approx(
                visible['AP'], abs=1e-9)
            assert metrics['df2/keypoints_AR@20'] == pytest.approx(scores['AR'])
        else:
            assert metrics[f'df2/{task}_AR@10'] == pytest.approx(scores['AR10'])
    scores, _ = score_found(read_retrieval_truth(ann_file, ann_file),
                            read_retrieval(f'{prefix}.retrieval.json'))
    assert 0 < scores.accuracies[-1] < 1
    assert [metrics[f'df2/retrieval_top{k}'] for k in (1, 5, 10, 15, 20)] == (
        pytest.approx(scores.accuracies.tolist()))


def test_subsets_and_categories_have_keys(data):
    ann_file, samples = data
    metrics = evaluated(DeepFashion2Metric(
        ALL, ann_file, subsets=True, classwise=True, workers=1), samples)
    for level in LEVELS:
        for name in ('bbox_mAP', 'segm_mAP_50', 'keypoints_mAP_75', 'keypoints_vis_mAP',
                     'retrieval_top1', 'retrieval_top20'):
            assert -1 <= metrics[f'df2/{name}_{level.key}'] <= 1
    for name in CATEGORY_NAMES:
        assert -1 <= metrics[f'df2/bbox_mAP_{name.replace(" ", "_")}'] <= 1
    assert all(isinstance(value, float) for value in metrics.values())


def test_images_of_a_sampler_count_once_and_in_any_order(data):
    ann_file, samples = data
    metric = DeepFashion2Metric(ALL, ann_file, workers=1)
    once = evaluated(metric, samples)
    again = [*samples[::-1], *samples[:7]]
    for sample in again:
        metric.process(None, [sample])
    assert metric.evaluate(len(samples)) == once


def test_part_of_the_images(data, caplog):
    ann_file, samples = data
    metric = DeepFashion2Metric('bbox', ann_file)
    metric.process(None, samples[:6])
    part = metric.evaluate(6)
    metric.process(None, samples[:6])
    assert metric.evaluate(len(samples)) == part


def test_nothing_found_scores_zero(data):
    ann_file, samples = data
    for sample in samples:
        for name, value in sample['pred_instances'].items():
            sample['pred_instances'][name] = value[:0]
    metrics = evaluated(DeepFashion2Metric(ALL, ann_file, workers=1), samples)
    for name in ('bbox_mAP', 'segm_mAP', 'keypoints_mAP', 'keypoints_vis_mAP',
                 'retrieval_top1', 'retrieval_top20'):
        assert metrics[f'df2/{name}'] == 0


def test_which_detections_take_part_in_retrieval(data):
    ann_file, samples = data
    all_of_them = evaluated(DeepFashion2Metric('retrieval', ann_file), samples)
    few = evaluated(DeepFashion2Metric('retrieval', ann_file, retrieval=dict(
        score_thr=0.5, max_per_img=2)), samples)
    assert few != all_of_them
    none = evaluated(DeepFashion2Metric('retrieval', ann_file, retrieval=dict(
        score_thr=1.1)), samples)
    assert none['df2/retrieval_top20'] == 0


def test_ground_truth_boxes_with_true_vectors_find_everything(data):
    ann_file, samples = data
    truth = json.loads(ann_file.read_text())
    identities = sorted({(a['pair_id'], a['style']) for a in truth['annotations']})
    for sample in samples:
        rows = [a for a in truth['annotations'] if a['image_id'] == sample['img_id']]
        boxes = torch.tensor([a['bbox'] for a in rows]).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        vectors = torch.zeros(len(rows), len(identities))
        for vector, a in zip(vectors, rows, strict=True):
            vector[identities.index((a['pair_id'], a['style']))] = 1
        sample['gt_box_instances'] = dict(
            bboxes=boxes, scores=torch.ones(len(rows)), query_vectors=vectors,
            labels=torch.tensor([a['category_id'] - 1 for a in rows]),
            gallery_vectors=vectors)
    metrics = evaluated(DeepFashion2Metric(
        ['bbox', 'retrieval'], ann_file, retrieval=dict(boxes='ground_truth')), samples)
    # Two items at one place or of one identity and different categories: not all.
    assert metrics['df2/retrieval_top20'] > 0.9
    assert 0 < metrics['df2/bbox_mAP'] < 0.9


def test_a_small_gallery_is_ranked_but_not_written(data, tmp_path):
    ann_file, samples = data
    shops = [s for s in samples if s['source'] == 'shop']
    for sample in shops:
        for name, value in sample['pred_instances'].items():
            sample['pred_instances'][name] = value[:1]
    metrics = evaluated(DeepFashion2Metric(
        'retrieval', ann_file, outfile_prefix=str(tmp_path / 'small')), samples)
    assert len(shops) < 20
    assert metrics['df2/retrieval_top20'] >= metrics['df2/retrieval_top15']
    assert not (tmp_path / 'small.retrieval.json').exists()


def test_format_only_needs_no_ground_truth(data, tmp_path):
    _, samples = data
    metric = DeepFashion2Metric(
        ALL, format_only=True, outfile_prefix=str(tmp_path / 'test'))
    assert evaluated(metric, samples) == {}
    for task in ALL:
        assert len(json.loads((tmp_path / f'test.{task}.json').read_text())) > 20


def test_masks_as_run_lengths(data):
    ann_file, samples = data
    bitmaps = evaluated(DeepFashion2Metric('segm', ann_file), samples)
    for sample in samples:
        masks = sample['pred_instances']['masks'].numpy().astype(np.uint8)
        sample['pred_instances']['masks'] = [
            mask_api.encode(np.asfortranarray(mask)) for mask in masks]
    assert evaluated(DeepFashion2Metric('segm', ann_file), samples) == bitmaps


@pytest.mark.parametrize('options, error, message', [
    (dict(metric='boxes'), ValueError, "must be some of bbox, .*, got 'boxes'"),
    (dict(metric=[]), ValueError, 'must be some of'),
    (dict(ann_file=None), ValueError, 'expected ann_file, .* got neither'),
    (dict(ann_file='nowhere.json'), FileNotFoundError, 'no such file: nowhere.json'),
    (dict(format_only=True), ValueError, 'format_only needs outfile_prefix'),
    (dict(retrieval=dict(top=3)), ValueError, 'may have score_thr, max_per_img and'),
    (dict(retrieval=dict(boxes='gt')), ValueError, "'detected' or 'ground_truth', got"),
    (dict(retrieval=dict(max_per_img=0)), ValueError, 'at least 1 or None, got 0'),
])
def test_bad_arguments(data, options, error, message):
    with pytest.raises(error, match=message):
        DeepFashion2Metric(**{'ann_file': data[0], **options})


def test_ground_truth_that_cannot_answer_is_refused_at_once(write):
    truth, _ = random_dataset(1)
    for row in truth['images']:
        del row['source']
    path = write('authors.json', truth)
    with pytest.raises(ValueError, match=r'needs items of user .* 0 user and'):
        DeepFashion2Metric('retrieval', path)
    for row in truth['annotations']:
        del row['scale'], row['occlusion'], row['zoom_in'], row['viewpoint']
    path = write('authors.json', truth)
    with pytest.raises(ValueError, match=r'subsets need .*authors.json says none'):
        DeepFashion2Metric('bbox', path, subsets=True)


@pytest.mark.parametrize('spoil, error, message', [
    (lambda s: s.pop('pred_instances'), KeyError, 'must have pred_instances'),
    (lambda s: s['pred_instances'].pop('keypoints'), KeyError,
     'keypoints needs pred_instances.keypoints, which the model does not predict'),
    (lambda s: s['pred_instances'].pop('query_vectors'), KeyError, 'retrieval needs'),
    (lambda s: s['pred_instances']['scores'].fill_(float('nan')), ValueError,
     'boxes and scores must be finite, .* in the predictions of image'),
    (lambda s: s['pred_instances']['keypoints'].fill_(float('inf')), ValueError,
     'keypoints must be finite'),
    (lambda s: s['pred_instances']['query_vectors'].fill_(float('nan')), ValueError,
     'query_vectors must be finite'),
    (lambda s: s['pred_instances'].update(
        keypoints=s['pred_instances']['keypoints'][:, :17]), ValueError,
     r'keypoints must have shape \(\d+, 294, 2\), got \(\d+, 17, 2\)'),
    (lambda s: s['pred_instances']['labels'].fill_(13), ValueError,
     r'labels must be in 0..12, got 13..13'),
])
def test_bad_predictions(data, spoil, error, message):
    ann_file, samples = data
    sample = next(s for s in samples
                  if s['source'] == 'user' and len(s['pred_instances']['labels']))
    spoil(sample)
    with pytest.raises(error, match=message):
        DeepFashion2Metric(ALL, ann_file).process(None, [sample])


def test_it_is_registered_and_its_keys_suit_save_best(data):
    from mmengine.hooks import CheckpointHook
    ann_file, samples = data
    config = dict(type='DeepFashion2Metric', ann_file=str(ann_file), subsets=True)
    evaluator = Evaluator([METRICS.build(config)])
    evaluator.process([_Sample(sample) for sample in samples])
    metrics = evaluator.evaluate(len(samples))
    hook = CheckpointHook(save_best=list(metrics))
    assert set(hook.rules) == {'greater'}
    assert CATEGORIES[0].name.replace(' ', '_') not in str(list(metrics))


class _Sample(dict):
    """Data samples that are dicts already are passed on as they are."""


WORKER = '''
import pickle, sys
import torch.distributed as dist
import df2mm
from df2mm.evaluation import DeepFashion2Metric
rank, size, init, ann_file, samples, out = sys.argv[1:]
rank, size = int(rank), int(size)
dist.init_process_group('gloo', init_method=init, rank=rank, world_size=size)
samples = pickle.load(open(samples, 'rb'))
metric = DeepFashion2Metric(ann_file=ann_file, subsets=True, workers=1)
# As a sampler that deals them out in turn, and one that does so very unevenly.
shares = [samples[0::2] + samples[:3], samples[1::2]][rank]
for sample in shares:
    metric.process(None, [sample])
with open(f'{out}.{rank}', 'wb') as file:
    pickle.dump(metric.evaluate(len(samples)), file)
# Who ends first must not cut the other off.
dist.barrier()
dist.destroy_process_group()
'''


def test_two_processes_give_the_numbers_of_one(data, tmp_path):
    import pickle
    ann_file, samples = data
    one = evaluated(DeepFashion2Metric(ann_file=ann_file, subsets=True), samples)
    (tmp_path / 'samples.pkl').write_bytes(pickle.dumps(samples))
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    processes = [subprocess.Popen(
        [sys.executable, '-c', WORKER, str(rank), '2', f'file://{tmp_path}/init',
         str(ann_file), str(tmp_path / 'samples.pkl'), str(tmp_path / 'out')],
        env=environment) for rank in (0, 1)]
    assert [process.wait(300) for process in processes] == [0, 0]
    for rank in (0, 1):
        assert pickle.loads((tmp_path / f'out.{rank}').read_bytes()) == one
