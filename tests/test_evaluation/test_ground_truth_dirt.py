"""What the real files are known to hold is scored as the official evaluator does."""

from pathlib import Path

import pytest

from df2mm.evaluation.detection_scores import score_detections
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.results_reader import read_detections

from .conftest import official_evaluation, random_dataset

EXAMPLES = Path(__file__).resolve().parents[3] / 'shared/reference'


@pytest.mark.parametrize('segmentation', [
    [[5, 5, 30, 8, 25, 40, 7]],             # an odd count
    [[-9, -9, 70, 4, 30, 99]],              # beyond the image
    [[1, 1, 9, 1, 9, 9], [3, 3, 4, 4]],     # a second one of two points
])
def test_polygons(write, segmentation):
    truth, results = random_dataset(0, crowds=False)
    for annotation in truth['annotations'][::2]:
        annotation['segmentation'] = segmentation
    official = official_evaluation(truth, results['segm'], 'segm')
    scores = score_detections(
        'segm', read_ground_truth(write('gt.json', truth), masks=True, workers=1),
        read_detections(write('results.json', results['segm']), 'segm', workers=1),
        workers=1)
    assert scores.stats == pytest.approx(official.stats.tolist(), abs=1e-12)


def test_a_box_without_width(write):
    truth, results = random_dataset(0, crowds=False)
    truth['annotations'][0].update(bbox=[5, 5, 0, 10], area=0)
    for task in ('bbox', 'keypoints'):
        official = official_evaluation(truth, results[task], task)
        gt = read_ground_truth(write('gt.json', truth), task == 'keypoints', workers=1)
        found = read_detections(
            write('results.json', results[task]), task,
            gt.full_landmark_keys() if task == 'keypoints' else (), workers=1)
        assert score_detections(task, gt, found).stats == pytest.approx(
            official.stats.tolist(), abs=1e-12)


def test_the_real_sample():
    path = EXAMPLES / 'real_samples/deepfasion2.json'
    if not path.is_file():
        pytest.skip(f'the real sample is not there: {path.name}')
    truth = read_ground_truth(path, keypoints=True, masks=True, workers=1)
    assert truth.img_ids.tolist() == [264, 265]
    first = truth.ids.tolist().index(429)
    assert truth.areas[first] == 402069
    assert truth.num_keypoints[first] == 28
    assert not truth.landmarks.full
