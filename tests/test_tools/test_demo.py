"""tools/demo.py at the smallest sizes there are."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def demo(*args):
    return subprocess.run(
        [sys.executable, 'tools/demo.py', *map(str, args)], cwd=ROOT, text=True,
        capture_output=True, timeout=600)


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A demo of 16 images and one photo, its model as good as untrained."""
    out = tmp_path_factory.mktemp('demo')
    photos = out / 'my photos'
    photos.mkdir()
    name = 'tshirt_23.jpg'
    (photos / name).write_bytes((ROOT / 'df2mm/data/cc0_photos' / name).read_bytes())
    args = ['--out', out / 'demo', '--train-images', 8, '--val-images', 8, '--epochs',
            1, '--pictures', 1, '--photos', photos, '--score-thr', 0.0,
            # As many garments as there are: retrieval wants 20 to choose from.
            '--cfg-options', 'test_evaluator.retrieval.score_thr=0.0',
            'model.test_cfg.rcnn.score_thr=0.001']
    return out / 'demo', args, demo(*args)


def test_demo_from_nothing_to_a_page(finished):
    out, _, done = finished
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r'^category +items +box AP +AP50', done.stdout, re.MULTILINE)
    for title in ('Clothes segmentation', 'Landmark estimation, visible only',
                  'Consumer-to-shop retrieval'):
        assert re.search(f'^{title}, by subset$', done.stdout, re.MULTILINE)

    assert '7/7' in done.stdout
    metrics = json.loads((out / 'metrics.json').read_text())['metrics']
    assert {'df2/bbox_mAP', 'df2/keypoints_vis_mAP', 'df2/retrieval_top20'} <= (
        metrics.keys())
    from df2mm.retrieval import GalleryIndex
    with GalleryIndex.load(out / 'shop.gallery') as gallery:
        assert len(gallery)
    pictures = [p.relative_to(out / 'pictures').as_posix()
                for p in sorted(out.glob('pictures/*/*'))]
    # How many garments are searched for hangs on what is found.
    matches = [name for name in pictures if name.startswith('matches/')]
    assert [name for name in pictures if name not in matches] == [
        'my photos/tshirt_23.jpg', 'synthetic/000001.jpg']
    page = (out / 'index.html').read_text()
    assert page.count('data:image/jpeg;base64,') == 2 + len(matches)
    # Nothing on the page asks for a network.
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_called_again_it_goes_on(finished):
    out, args, _ = finished
    before = (out / 'train/epoch_1.pth').stat().st_mtime_ns
    done = demo(*args)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count('already done') == 2
    assert (out / 'train/epoch_1.pth').stat().st_mtime_ns == before


def test_other_settings_in_the_same_folder_are_refused(finished):
    _, args, _ = finished
    done = demo(*args, '--seed', 7)
    assert done.returncode == 1
    assert 'holds a demo of other settings' in done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(('args', 'message'), [
    ([], 'the following arguments are required: --out'),
    (['--out', 'x', '--epochs', '0'], '--epochs must be at least 1'),
    (['--out', 'x', '--train-images', '7'], '--train-images must be at least 8'),
    (['--out', 'x', '--photos', 'no/such'], 'no such folder: no/such'),
])
def test_bad_arguments(args, message):
    done = demo(*args)
    assert done.returncode == 2
    assert message in done.stderr
