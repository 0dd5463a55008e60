import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_api

from df2mm.evaluation.detection_scores import score_detections
from df2mm.evaluation.detections import Detections
from df2mm.evaluation.error_pictures import ANNOTATED, ImageFolder, View
from df2mm.evaluation.ground_truth import Landmarks, RunLengthMasks
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.plots import plot_detections, plot_retrieval
from df2mm.evaluation.results_format import TOP
from df2mm.evaluation.results_reader import RetrievalResults
from df2mm.evaluation.retrieval_of_records import retrieval_truth_of, score_found
from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES, NUM_LANDMARKS
from df2mm.visualization.images import write_image

SECTIONS = {'Missed items', 'Confused categories', 'False alarms', 'Confusion',
            'By category'}
MISFITS = dict(bbox='Badly placed boxes', segm='Badly outlined masks',
               keypoints='Displaced landmarks')


@pytest.fixture(scope='module')
def truth(synthetic_root):
    return read_ground_truth(
        synthetic_root / 'annotations/train.json', True, True, workers=1)


@pytest.fixture(scope='module')
def detections(truth):
    """Item by item in turn: right, displaced, confused, missed; and a false alarm."""
    rng = np.random.default_rng(0)
    rows = []
    for item in range(truth.num_items):
        if item % 4 == 3:
            continue
        label, box = truth.labels[item], truth.bboxes[item]
        own = slice(*truth.landmarks.offsets[item:item + 2])
        points = truth.landmarks.values[own, :2]
        bitmap = mask_api.decode(truth.masks.as_coco([item])[0])
        if item % 4 == 1:
            shift = np.sqrt(truth.areas[item]) * np.array([0.3, 0])
            points = points + rng.choice([-1, 1], (len(points), 1)) * shift
            box = box + np.array([0.1, 0, 0, 0]) * box[2]
            bitmap[:, int(box[0] + box[2] / 2):] = 0
        if item % 4 == 2:
            label = (label + 1) % 13
            points = box[:2] + CATEGORIES[label].template * box[2:]
        score = (0.9, 0.8, 0.7)[item % 4]
        rows.append((truth.image_ids[item], label, score, box, points, bitmap))
    # Nothing is annotated beyond the border.
    height, width = truth.sizes[0, ::-1]
    box = np.array([width, height, 50.0, 50.0])
    rows.append((truth.img_ids[0], 8, 0.95, box, box[:2] + CATEGORIES[8].template * 50,
                 np.zeros((height, width), np.uint8)))
    images, labels, scores, boxes, points, bitmaps = zip(*rows, strict=True)
    labels, boxes = np.array(labels), np.array(boxes)
    encoded = [mask_api.encode(np.asfortranarray(bitmap)) for bitmap in bitmaps]
    return Detections(
        image_ids=np.array(images), labels=labels, scores=np.array(scores),
        areas=boxes[:, 2] * boxes[:, 3], bboxes=boxes,
        landmarks=Landmarks(np.concatenate(points), np.concatenate(
            [[0], np.cumsum(NUM_LANDMARKS[labels])])),
        masks=RunLengthMasks(np.array([rle['size'] for rle in encoded]),
                             [rle['counts'] for rle in encoded]))


@pytest.fixture(scope='module')
def images(synthetic_root):
    return synthetic_root / 'train/image'


@pytest.fixture
def drawn(monkeypatch):
    """The titles of the panels of each figure, as it is written."""
    from matplotlib.figure import Figure
    titles, savefig = [], Figure.savefig

    def save(figure, *args, **options):
        titles.append([title for ax in figure.axes
                       if (title := ax.get_title('left') or ax.get_title())])
        return savefig(figure, *args, **options)

    monkeypatch.setattr(Figure, 'savefig', save)
    return titles


def scores_of(task, truth, detections):
    scores = {task: score_detections(task, truth, detections, workers=1)}
    if task == 'keypoints':
        scores['keypoints_vis'] = score_detections(
            task, truth.visible_only(), detections)
    return scores


def of_task(task, source):
    """Only what the task's files hold."""
    source = replace(
        source, landmarks=source.landmarks if task == 'keypoints' else None,
        masks=source.masks if task == 'segm' else None)
    if task == 'segm' and isinstance(source, Detections):
        source = replace(source, bboxes=None)
    if task == 'bbox' and isinstance(source, Detections):
        # The displaced ones further: by half the width in all, IoU 0.5 / 1.5.
        further = np.where(source.scores == 0.8, 0.4, 0) * source.bboxes[:, 2]
        source = replace(source, bboxes=source.bboxes + np.multiply.outer(
            further, [1, 0, 0, 0]))
    return source


def sections_of(path):
    return set(re.findall('<h2>(.*?)</h2>', path.read_text()))


def captions_of(path):
    return re.findall('<span>(image.*?)</span>', path.read_text())


@pytest.mark.parametrize('task', ['bbox', 'segm', 'keypoints'])
def test_figures_and_page(task, truth, detections, images, tmp_path, drawn):
    truth, detections = of_task(task, truth), of_task(task, detections)
    scores = scores_of(task, truth, detections)
    paths = plot_detections(tmp_path / 'new', scores, truth, detections, images)
    names = [f'precision_recall_{name}.png' for name in scores]
    names += ['landmark_error.png'] * (task == 'keypoints')
    assert [path.name for path in paths] == [
        *names, 'confusion.png', 'curves.json', 'errors.html']
    for path in paths[:-2]:
        with Image.open(path) as image:
            assert image.format == 'PNG' and min(image.size) > 500
            assert len(np.unique(np.asarray(image.convert('L')))) > 20
    assert drawn[0] == ['all categories', *CATEGORY_NAMES]
    if task == 'keypoints':
        assert drawn[2] == list(CATEGORY_NAMES)
    numbers = json.loads(paths[-2].read_text())
    assert list(numbers['precision']) == list(scores)
    assert np.mean(numbers['precision'][task]['all']['mean']) == pytest.approx(
        scores[task]['AP'], abs=1e-4)
    assert sections_of(paths[-1]) >= SECTIONS | {MISFITS[task]}
    page, captions = paths[-1].read_text(), captions_of(paths[-1])
    assert f'image {truth.img_ids[0]}: skirt 0.95, greatest box IoU 0.00' in captions
    expected = {1: r' 0\.80, .*(IoU|OKS) 0', 2: r' \(.*\) taken for .* 0\.70',
                3: r', \d+ x'}
    for item in range(truth.num_items):
        start = f'image {truth.image_ids[item]}: {CATEGORY_NAMES[truth.labels[item]]}'
        if item % 4:
            assert any(re.match(start + expected[item % 4], text) for text in captions)
    for address in re.findall('<img src="(.*?)"', page):
        assert (paths[-1].parent / address).is_file()
    assert 'could not be shown' not in page


def test_without_images_there_is_no_page(truth, detections, tmp_path):
    truth, detections = of_task('bbox', truth), of_task('bbox', detections)
    paths = plot_detections(
        tmp_path, scores_of('bbox', truth, detections), truth, detections)
    assert [path.name for path in paths] == [
        'precision_recall_bbox.png', 'confusion.png', 'curves.json']
    assert not (tmp_path / 'errors.html').exists()


def test_no_detections(truth, images, tmp_path):
    truth = of_task('keypoints', truth)
    nothing = Detections(*(np.zeros(0, int) for _ in range(2)), *(
        np.zeros(0) for _ in range(2)), np.zeros((0, 4)), Landmarks(
            np.zeros((0, 2)), np.zeros(1, int)))
    *_, page = plot_detections(
        tmp_path, dict(keypoints=score_detections('keypoints', truth, nothing)), truth,
        nothing, images, num=1)
    assert len(captions_of(page)) == 1
    assert page.read_text().count('<p>None.</p>') == 3


def test_images_that_cannot_be_shown_are_listed(truth, detections, images, tmp_path):
    truth, detections = of_task('bbox', truth), of_task('bbox', detections)
    folder = tmp_path / 'images'
    shutil.copytree(images, folder)
    missing, broken, other = (truth.file_names[k] for k in (1, 2, 3))
    (folder / missing).unlink()
    (folder / broken).write_bytes(b'no picture')
    write_image(folder / other, np.zeros((20, 30, 3), np.uint8))
    *_, page = plot_detections(
        tmp_path / 'out', scores_of('bbox', truth, detections), truth, detections,
        folder, num=50)
    text = page.read_text()
    assert 'Images that could not be shown' in text and '3 were passed over' in text
    for name, fault in ((missing, 'not found'), (broken, 'cannot be decoded'),
                        (other, 'is 30 x 20 pixels, annotated as')):
        assert re.search(f'<td>{name}</td><td>{fault}', text)
    shown = captions_of(page)
    assert shown
    assert not any(text.startswith(f'image {truth.img_ids[k]}:')
                   for k in (1, 2, 3) for text in shown)


def test_wrong_arguments(truth, detections, tmp_path):
    truth, detections = of_task('bbox', truth), of_task('bbox', detections)
    scores = scores_of('bbox', truth, detections)
    with pytest.raises(FileNotFoundError, match=r'no such folder of images: .*nowhere'):
        plot_detections(tmp_path, scores, truth, detections, tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='num must not be negative, got -1'):
        plot_detections(tmp_path, scores, truth, detections, num=-1)
    with pytest.raises(ValueError, match='expected scores of boxes'):
        plot_detections(tmp_path, {}, truth, detections)
    assert not list(tmp_path.iterdir())


def retrieval_of(truth, wrong=True):
    """Each query item but the first finds the gallery from its end on, or itself."""
    truth = retrieval_truth_of(truth)
    chosen = np.arange(1, len(truth.query_styles))
    gallery = len(truth.gallery_styles)
    ids, boxes = np.full((len(chosen), TOP), -1), np.zeros((len(chosen), TOP, 4))
    for row, item in enumerate(chosen):
        right = ((truth.gallery_pair_ids == truth.query_pair_ids[item])
                 & (truth.gallery_styles == truth.query_styles[item]))
        order = np.argsort(right if wrong else ~right, kind='stable')[:TOP]
        ids[row, :gallery] = truth.gallery_image_ids[order]
        boxes[row, :gallery] = truth.gallery_bboxes[order]
    return truth, RetrievalResults(
        truth.query_image_ids[chosen], truth.query_bboxes[chosen],
        truth.query_labels[chosen], np.linspace(0.9, 0.5, len(chosen)), ids, boxes)


def test_retrieval(truth, images, tmp_path, drawn):
    truth, found = retrieval_of(truth)
    scores, _ = score_found(truth, found)
    paths = plot_retrieval(tmp_path, scores, truth, found, images, num=20)
    assert [path.name for path in paths] == ['top_k.png', 'curves.json', 'errors.html']
    with Image.open(paths[0]) as image:
        assert image.format == 'PNG' and image.size == (1000, 620)
    numbers = json.loads(paths[1].read_text())
    assert [numbers['top_k'][k - 1] for k in scores.ks] == pytest.approx(
        scores.accuracies.tolist(), abs=1e-5)
    assert {'Wrong retrievals', 'Missed query items', 'By category'} <= sections_of(
        paths[2])
    captions = captions_of(paths[2])
    for item in np.flatnonzero(truth.query_styles > 0):
        where = (f'image {truth.query_image_ids[item]}: '
                 f'{CATEGORY_NAMES[truth.query_labels[item]]}, pair '
                 f'{truth.query_pair_ids[item]}, style {truth.query_styles[item]}')
        rank = scores.correct_rank[item]
        expected = '' if item == 0 else f', detected .*first right at rank {rank + 1}$'
        if rank:
            assert any(re.match(where + expected, text) for text in captions)


def test_retrieval_frames_and_images_that_are_missing(truth, images, tmp_path):
    truth, found = retrieval_of(truth)
    scores, _ = score_found(truth, found)
    folder = tmp_path / 'images'
    shutil.copytree(images, folder)
    gone = truth.gallery_image_ids[0]
    (folder / f'{gone:06}.jpg').unlink()
    renamed = truth.query_image_ids[1]
    (folder / f'{renamed:06}.jpg').rename(folder / f'{renamed:06}.png')
    *_, page = plot_retrieval(tmp_path / 'out', scores, truth, found, folder)
    assert f'<td>{gone:06}.jpg</td><td>not found</td>' in page.read_text()
    assert f'{renamed:06}' not in page.read_text()
    with Image.open(page.with_name('errors_files') / '001.jpg') as picture:
        pixels = np.asarray(picture.convert('RGB')).astype(int)
    for color in ((23, 160, 93), (214, 45, 32)):
        assert (np.abs(pixels - color).max(-1) < 12).sum() > 500


def test_retrieval_without_errors(truth, images, tmp_path):
    truth, found = retrieval_of(truth, wrong=False)
    truth = replace(truth, query_styles=np.where(
        np.arange(len(truth.query_styles)) == 0, 0, truth.query_styles))
    scores, _ = score_found(truth, found)
    assert scores.accuracies[0] == 1
    *_, page = plot_retrieval(tmp_path, scores, truth, found, images)
    assert page.read_text().count('<p>None.</p>') == 2


def test_a_view_shows_the_part_around_boxes_enlarged():
    image = np.zeros((300, 400, 3), np.uint8)
    image[100:150, 200:250] = 255
    view = View(image, [[200, 100, 50, 50]], (320, 320))
    # The least side is 64 pixels, with 12 % around it on both sides: 225 +- 39.68.
    assert (view.left, view.top) == (185, 85)
    assert view.image.shape == (320, 320, 3)
    assert view.scale == pytest.approx([4, 4])
    assert view.corners([200, 100, 50, 50])[0].tolist() == [60, 60, 260, 260]
    bitmap = np.asfortranarray(image[..., 0] // 255)
    mask = view.mask(mask_api.encode(bitmap))
    assert mask.shape == (320, 320)
    assert mask.sum() == pytest.approx(200**2, rel=0.02)
    lit = view.draw(ANNOTATED, [[200, 100, 50, 50]], [8], main=0)
    assert (lit == ANNOTATED).all(-1)[60:260, 60].all()
    assert not view.draw(ANNOTATED)[0].any()


def test_a_view_stays_inside_the_picture():
    image = np.zeros((300, 400, 3), np.uint8)
    assert View(image, [[-500, -500, 50, 50]]).image.size
    assert View(image, [[380, 280, 500, 500]]).image.size
    assert (View(image).left, View(image).top) == (0, 0)


def test_a_folder_names_what_it_cannot_read(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such folder of images'):
        ImageFolder(tmp_path / 'nowhere')
    folder = ImageFolder(tmp_path)
    assert folder.read('a.jpg', 'a.png') is None
    write_image(tmp_path / 'b.png', np.zeros((2, 3, 3), np.uint8))
    assert folder.read('b.jpg', 'b.png', size=(3, 2)).shape == (2, 3, 3)
    assert folder.faults == {'a.jpg': 'not found'}
