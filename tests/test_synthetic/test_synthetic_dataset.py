import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from df2mm.metainfo import CATEGORIES
from df2mm.synthetic import write_dataset

NUM_TRAIN, NUM_VAL = 20, 10


def digests(root: Path) -> dict:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob('*'))
        if p.is_file()
    }


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp('synthetic') / 'data'
    made = write_dataset(root, NUM_TRAIN, NUM_VAL, seed=5, workers=2, progress=False)
    assert made == dict(images=NUM_TRAIN + NUM_VAL, train=NUM_TRAIN, validation=NUM_VAL)
    return root


def annotations(root):
    for path in sorted(root.glob('*/annos/*.json')):
        image = cv2.imread(str(path.parent.parent / 'image' / f'{path.stem}.jpg'))
        yield path, image, json.loads(path.read_text())


def items_of(annotation):
    return [v for k, v in annotation.items() if k.startswith('item')]


def test_the_layout_is_deepfashion2s(dataset):
    for split, count in (('train', NUM_TRAIN), ('validation', NUM_VAL)):
        names = [f'{k:06d}' for k in range(1, count + 1)]
        assert sorted(p.stem for p in (dataset / split / 'image').iterdir()) == names
        assert sorted(p.stem for p in (dataset / split / 'annos').iterdir()) == names
    assert {p.name for p in (dataset / 'json_for_validation').iterdir()} == {
        'keypoints_val_vis.json',
        'keypoints_val_vis_and_occ.json',
        'val_query.json',
        'val_gallery.json',
    }


def test_items_agree_with_their_own_masks(dataset):
    for path, image, annotation in annotations(dataset):
        height, width = image.shape[:2]
        assert items_of(annotation), path
        for item in items_of(annotation):
            category = CATEGORIES[item['category_id'] - 1]
            assert item['category_name'] == category.name
            polygons = [np.array(p).reshape(-1, 2) for p in item['segmentation']]
            landmarks = np.array(item['landmarks']).reshape(-1, 3)
            points = np.concatenate([*polygons, landmarks[landmarks[:, 2] == 2, :2]])
            x1, y1, x2, y2 = item['bounding_box']
            np.testing.assert_allclose(points.min(0), (x1, y1))
            np.testing.assert_allclose(points.max(0), (x2, y2))
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
            assert len(landmarks) == category.num_landmarks
            assert set(landmarks[:, 2]) <= {0, 1, 2}
            assert not landmarks[landmarks[:, 2] == 0].any()
            # What is visible is on the mask, or within a finger's width of it.
            reach = 0.06 * max(x2 - x1, y2 - y1) + 3
            for x, y, _ in landmarks[landmarks[:, 2] == 2]:
                distance = max(
                    cv2.pointPolygonTest(p.astype(np.float32), (x, y), True)
                    for p in polygons
                )
                assert distance > -reach, (path, x, y)


def test_variations_follow_the_definitions(dataset):
    for _, image, annotation in annotations(dataset):
        for item in items_of(annotation):
            v = np.array(item['landmarks'][2::3])
            hidden, outside = np.mean(v < 2), np.mean(v == 0)
            x1, y1, x2, y2 = item['bounding_box']
            share = (x2 - x1) * (y2 - y1) / image[..., 0].size
            assert item['scale'] == 1 + (share >= 0.1) + (share > 0.4)
            assert item['occlusion'] == 1 + (hidden >= 0.2) + (hidden > 0.5)
            assert item['zoom_in'] == 1 + (outside > 0) + (outside > 0.3)
            assert item['viewpoint'] in (1, 2, 3)


def test_users_have_shops_and_splits_share_no_pair(dataset):
    pairs = {'train': set(), 'validation': set()}
    for split, seen in pairs.items():
        identities = {'user': set(), 'shop': set()}
        for path in (dataset / split / 'annos').iterdir():
            annotation = json.loads(path.read_text())
            seen.add(annotation['pair_id'])
            identities[annotation['source']] |= {
                (annotation['pair_id'], item['style'])
                for item in items_of(annotation)
                if item['style'] > 0
            }
        assert identities['user']
        assert identities['user'] <= identities['shop']
    assert not pairs['train'] & pairs['validation']


def test_the_authors_files_load_and_match(dataset):
    folder = dataset / 'json_for_validation'
    everything = COCO(folder / 'keypoints_val_vis_and_occ.json')
    visible = COCO(folder / 'keypoints_val_vis.json')
    total = sum(
        len(items_of(json.loads(p.read_text())))
        for p in (dataset / 'validation' / 'annos').iterdir()
    )
    assert len(everything.anns) == len(visible.anns) == total
    for key, annotation in everything.anns.items():
        v = np.array(annotation['keypoints'][2::3])
        assert annotation['num_keypoints'] == np.sum(v > 0)
        assert visible.anns[key]['num_keypoints'] == np.sum(v == 2)
    queries = json.loads((folder / 'val_query.json').read_text())
    gallery = json.loads((folder / 'val_gallery.json').read_text())
    sold = {(g['pair_id'], g['style']) for g in gallery}
    assert {(q['pair_id'], q['style']) for q in queries if q['style'] > 0} <= sold


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_workers(dataset, tmp_path):
    write_dataset(
        tmp_path / 'again', NUM_TRAIN, NUM_VAL, seed=5, workers=1, progress=False
    )
    assert digests(tmp_path / 'again') == digests(dataset)


def test_an_interrupted_run_goes_on(dataset, tmp_path):
    root = tmp_path / 'data'
    shutil.copytree(dataset, root)
    for stem in ('000003', '000011'):
        (root / 'train' / 'annos' / f'{stem}.json').unlink()
    (root / 'train' / 'image' / '000011.jpg').write_bytes(b'half')
    made = write_dataset(root, NUM_TRAIN, NUM_VAL, seed=5, progress=False)
    assert made['images'] == 2
    assert digests(root) == digests(dataset)


def test_another_seed_or_size_does_not_overwrite(dataset):
    before = digests(dataset)
    with pytest.raises(FileExistsError, match=r'holds a synthetic dataset made with'):
        write_dataset(dataset, NUM_TRAIN, NUM_VAL, seed=6, progress=False)
    assert digests(dataset) == before


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(FileExistsError, match=r'no synthetic\.json. Give another'):
        write_dataset(tmp_path, 4, 4, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ['thesis.txt']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((1, 4, 0), 'num_train must be 0 or at least 2 .* got 1'),
        ((4, -1, 0), 'num_val must be 0 or at least 2 .* got -1'),
        ((0, 0, 0), 'nothing to make'),
        ((4, 4, -1), 'seed must not be negative, got -1'),
    ],
)
def test_bad_numbers(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_dataset(tmp_path / 'x', *arguments, progress=False)
    assert not (tmp_path / 'x').exists()
