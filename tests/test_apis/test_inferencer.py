import io
import json

import cv2
import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from PIL import Image
from pycocotools import mask as mask_api
from safetensors.torch import save_file

from df2mm.apis import DeepFashion2Inferencer, UnreadableImageError
from df2mm.metainfo import CATEGORIES, KEYPOINT_NAMES
from df2mm.visualization import read_image

ALL = dict(score_thr=0.0, nms_thr=None)


@pytest.fixture(scope='module')
def folder(synthetic_root, tmp_path_factory):
    """Two pictures, one of them in a subfolder, and two files that are none."""
    root = tmp_path_factory.mktemp('pictures')
    (root / 'sub').mkdir()
    images = synthetic_root / 'train/image'
    (root / 'a.jpg').write_bytes((images / '000001.jpg').read_bytes())
    (root / 'sub/a.jpg').write_bytes((images / '000002.jpg').read_bytes())
    (root / 'b.jpg').write_bytes((images / '000003.jpg').read_bytes()[:4000])
    (root / 'c.png').write_bytes(b'text')
    return root


@pytest.fixture(scope='module')
def result(inferencer, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp('out')
    return inferencer(folder, 2, return_vis=True, out_dir=out, **ALL), out


@pytest.fixture(scope='module')
def found(inferencer, folder):
    """Of one image, all arrays."""
    return next(inferencer.iterate(folder / 'a.jpg'))


def test_results_are_plain_python(result, folder):
    found, _ = result
    found = {name: value for name, value in found.items() if name != 'visualization'}
    assert json.loads(json.dumps(found)) == found
    assert [image['image'] for image in found['predictions']] == [
        str(folder / 'a.jpg'), str(folder / 'sub/a.jpg')]
    image = found['predictions'][0]
    width, height = image['width'], image['height']
    assert (height, width) == read_image(folder / 'a.jpg').shape[:2]
    assert image['source'] is None and 1 <= len(image['items']) <= 4
    for item in image['items']:
        category = CATEGORIES[item['label']]
        assert item['category'] == category.name
        assert 0 <= item['bbox'][0] <= item['bbox'][2] <= width
        assert list(item['landmarks']) == list(KEYPOINT_NAMES[category.slice])
        assert all(point.keys() == {'x', 'y', 'score'}
                   for point in item['landmarks'].values())
        assert item['mask']['size'] == [height, width]
        assert len(item['query_vector']) == len(item['gallery_vector']) == 130
    scores = [item['score'] for item in image['items']]
    assert scores == sorted(scores, reverse=True)


def test_unreadable_images_are_listed(result, folder):
    skipped = result[0]['skipped']
    assert [entry['input'] for entry in skipped] == [
        str(folder / 'b.jpg'), str(folder / 'c.png')]
    assert 'truncated' in skipped[0]['reason']
    assert skipped[1]['reason'] == 'it is no image of a known format'


def test_strict_raises(inferencer, folder):
    with pytest.raises(UnreadableImageError, match=r'b\.jpg cannot be read: .*trunc'):
        inferencer(folder / 'b.jpg', strict=True)
    with pytest.raises(ValueError, match='max_pixels=10'):
        inferencer(folder / 'a.jpg', strict=True, max_pixels=10)


def test_pictures_are_returned_and_written(result, folder):
    found, out = result
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob('*.*')) == [
        'a.jpg', 'sub/a.jpg']
    picture = found['visualization'][0]
    original = read_image(folder / 'a.jpg')
    assert picture.shape == original.shape and (picture != original).any()
    written = read_image(out / 'a.jpg').astype(int)
    assert np.abs(written - picture).mean() < 6


def test_arrays_and_their_plain_form_agree(found, result):
    items = result[0]['predictions'][0]['items']
    np.testing.assert_allclose(
        found.bboxes, [item['bbox'] for item in items], atol=0.006)
    np.testing.assert_allclose(
        found.query_vectors, [item['query_vector'] for item in items], rtol=1e-4,
        atol=1e-5)
    shapes = {name: getattr(found, name).shape[1:] for name in (
        'bboxes', 'keypoints', 'keypoint_scores', 'query_vectors', 'gallery_vectors')}
    assert shapes == dict(bboxes=(4,), keypoints=(294, 2), keypoint_scores=(294,),
                          query_vectors=(130,), gallery_vectors=(130,))
    assert found.bboxes.dtype == found.query_vectors.dtype == np.float32
    for item, bitmap in zip(items, found.masks.bitmaps(), strict=True):
        assert (mask_api.decode(item['mask']) == bitmap).all()


def test_it_finds_what_mmdet_finds(inferencer, cfg, checkpoint, found, folder):
    """The same as the model gives in testing, masks pasted by mmdet."""
    other = DeepFashion2Inferencer(cfg, checkpoint, 'cpu').model
    del other.roi_head.mask_head.predict_by_feat
    other.cfg = cfg
    with DefaultScope.overwrite_default_scope('mmdet'):
        pipeline = Compose([step for step in cfg.test_dataloader.dataset.pipeline
                            if step.type != 'LoadDeepFashion2Annotations'])
    expected = inference_detector(
        other, str(folder / 'a.jpg'), pipeline).pred_instances.numpy()
    assert (found.labels == expected.labels).all()
    for name in ('bboxes', 'scores', 'keypoints', 'keypoint_scores', 'query_vectors',
                 'gallery_vectors'):
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=1e-3,
                                   atol=1e-3, err_msg=name)
    assert (found.masks.bitmaps() != expected.masks).mean() < 1e-4


@pytest.mark.parametrize('source, names', [
    ('user', {'query_vector'}), ('shop', {'gallery_vector'}),
    (None, {'query_vector', 'gallery_vector'})])
def test_the_source_says_which_vectors(inferencer, folder, source, names):
    image = inferencer(folder / 'a.jpg', source=source, **ALL)['predictions'][0]
    assert image['source'] == source
    assert {name for name in image['items'][0] if 'vector' in name} == names


def test_parts_can_be_left_out(inferencer, folder):
    image = inferencer(folder / 'a.jpg', masks=False, landmarks=False, vectors=False,
                       **ALL)['predictions'][0]
    assert image['items'][0].keys() == {'bbox', 'label', 'category', 'score'}


def test_a_model_without_landmarks_and_vectors(mask_cfg, mask_checkpoint, folder):
    inferencer = DeepFashion2Inferencer(mask_cfg, mask_checkpoint, 'cpu')
    found = inferencer(folder / 'a.jpg', return_vis=True, **ALL)
    assert found['predictions'][0]['items'][0].keys() == {
        'bbox', 'label', 'category', 'score', 'mask'}
    found = next(inferencer.iterate(folder / 'a.jpg'))
    assert found.keypoints is found.query_vectors is None


def test_thresholds(inferencer, found, folder):
    score = float(found.scores[1])
    kept = next(inferencer.iterate(folder / 'a.jpg', score_thr=score))
    assert len(kept.scores) == (found.scores >= score).sum() < len(found.scores)
    # At 0 no two boxes overlap at all, of whatever category.
    alone = next(inferencer.iterate(folder / 'a.jpg', nms_thr=0.0))
    boxes = alone.bboxes.astype(np.float64)
    for i in range(len(boxes)):
        for j in range(i):
            corner = np.maximum(boxes[i, :2], boxes[j, :2])
            sides = np.minimum(boxes[i, 2:], boxes[j, 2:]) - corner
            assert min(sides) <= 0
    nothing = inferencer(folder / 'a.jpg', score_thr=1.1, return_vis=True)
    assert nothing['predictions'][0]['items'] == []
    assert (nothing['visualization'][0] == found.image).all()


def photo(synthetic_root, number, shape):
    image = cv2.imread(str(synthetic_root / f'train/image/{number:06d}.jpg'))
    return cv2.resize(image, shape)


def test_a_result_does_not_depend_on_its_batch(inferencer, synthetic_root):
    shapes = [(100, 100), (100, 50), (100, 100), (30, 200), (100, 62)]
    images = [photo(synthetic_root, i + 1, shape) for i, shape in enumerate(shapes)]
    for one, many in zip(inferencer.iterate(images, 1), inferencer.iterate(images, 5),
                         strict=True):
        assert (one.labels == many.labels).all()
        for name in ('bboxes', 'scores', 'query_vectors', 'gallery_vectors'):
            np.testing.assert_allclose(getattr(one, name), getattr(many, name),
                                       rtol=1e-3, atol=1e-3, err_msg=name)


def turned_png(image_rgb, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(image_rgb).save(file, 'PNG', exif=exif)
    return file.getvalue()


@pytest.mark.parametrize('orientation, stored', [
    (1, lambda image: image), (2, np.fliplr), (3, lambda image: np.rot90(image, 2)),
    (4, np.flipud), (5, lambda image: image.transpose(1, 0, 2)), (6, np.rot90),
    (7, lambda image: np.rot90(image, 2).transpose(1, 0, 2)),
    (8, lambda image: np.rot90(image, -1))])
def test_results_are_in_pixels_of_the_upright_image(inferencer, found, orientation,
                                                    stored):
    data = turned_png(np.ascontiguousarray(stored(found.image)), orientation)
    turned = next(inferencer.iterate(data))
    assert (turned.image == found.image).all()
    assert (turned.bboxes == found.bboxes).all()
    assert (turned.keypoints == found.keypoints).all()


def test_every_kind_of_input_is_one_image(inferencer, found, folder):
    data = (folder / 'a.jpg').read_bytes()
    inputs = [str(folder / 'a.jpg'), folder / 'a.jpg', data,
              np.ascontiguousarray(found.image[..., ::-1])]
    images = inferencer(iter(inputs), 2, **ALL)['predictions']
    assert [image['image'] for image in images] == [
        str(folder / 'a.jpg'), str(folder / 'a.jpg'), 'bytes 2', 'array 3']
    assert all(image['items'] == images[0]['items'] for image in images)
    rgb = inferencer(found.image, channel_order='rgb', **ALL)['predictions'][0]
    assert rgb['items'] == inferencer(data, **ALL)['predictions'][0]['items']


def test_a_stream_is_taken_as_it_goes(inferencer, found):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield found.image

    stream = inferencer.iterate(endless(), 2)
    assert [next(stream).index for _ in range(5)] == [0, 1, 2, 3, 4]
    # Three batches, and what the threads prepare.
    assert len(taken) < 15
    stream.close()


def test_extreme_sizes(inferencer):
    images = [np.zeros((1, 1, 3), np.uint8), np.zeros((2, 3000, 3), np.uint8)]
    found = inferencer(images, return_vis=True, **ALL)
    assert [image['image'] for image in found['predictions']] == ['array 0']
    assert found['skipped'] == [dict(
        input='array 1',
        reason='it has 3000 x 2 pixels, of which resizing leaves none')]


def test_nothing(inferencer):
    assert inferencer([]) == dict(
        predictions=[], skipped=[], model_id=inferencer.model_id)


def test_a_skipped_image_is_in_the_log(inferencer, monkeypatch):
    texts = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', texts.append)
    assert list(inferencer.iterate([b'text'])) == []
    assert texts == ['bytes 0 is skipped: it is no image of a known format']


@pytest.mark.parametrize('options, match', [
    (dict(source='street'), "must be 'user', 'shop' or None, got 'street'"),
    (dict(channel_order='hsv'), "'bgr' or 'rgb', got 'hsv'"),
    (dict(batch_size=0), 'batch_size must be at least 1, got 0'),
])
def test_bad_arguments_are_refused_at_once(inferencer, options, match):
    with pytest.raises(ValueError, match=match):
        inferencer.iterate([], **options)


def test_half_precision_is_close(cfg, checkpoint, folder, found):
    half = next(DeepFashion2Inferencer(
        cfg, checkpoint, 'cpu', half=True).iterate(folder / 'a.jpg'))
    assert half.bboxes.dtype == half.query_vectors.dtype == np.float32
    assert len(half.masks.run_lengths()) == len(half.bboxes) > 0
    # bfloat16 has 8 bits: another order of near equal scores is no error.
    assert np.abs(np.sort(half.scores) - np.sort(found.scores)).max() < 0.02
    half_boxes, boxes = half.bboxes.mean(0), found.bboxes.mean(0)
    assert np.abs(half_boxes - boxes).max() < 0.5 * max(found.image.shape)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU')
def test_a_gpu_gives_the_same(cfg, checkpoint, folder, found, inferencer):
    gpu = DeepFashion2Inferencer(cfg, checkpoint, 'cuda')
    assert gpu.model_id == inferencer.model_id
    other = next(gpu.iterate(folder / 'a.jpg'))
    np.testing.assert_allclose(other.bboxes, found.bboxes, atol=0.1)


def test_the_model_id_is_of_the_weights(inferencer, cfg, state, tmp_path):
    save_file({name: value.contiguous() for name, value in state.items()},
              tmp_path / 'm.safetensors')
    same = DeepFashion2Inferencer(cfg, tmp_path / 'm.safetensors', 'cpu')
    assert same.model_id == inferencer.model_id
    larger = cfg.copy()
    larger.test_dataloader.dataset.pipeline[1].scale = (97, 97)
    assert DeepFashion2Inferencer(
        larger, tmp_path / 'm.safetensors', 'cpu').model_id != inferencer.model_id
