"""tools/data.py"""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from df2mm.metainfo import CATEGORIES

SCRIPT = Path(__file__).parents[2] / 'tools/data.py'


@pytest.fixture(scope='module')
def data():
    """The script as a module: a process each would import torch each time."""
    spec = importlib.util.spec_from_file_location('df2mm_tools_data', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_image(root, split, number, source):
    for folder in ('image', 'annos'):
        (root / split / folder).mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (80, 60, 3), np.uint8)
    Image.fromarray(pixels).save(root / split / f'image/{number:06}.jpg')
    skirt = CATEGORIES[8]
    points = (skirt.template * [30, 40] + [10, 20]).round()
    item = dict(
        category_id=9, category_name='skirt', style=1, bounding_box=[10, 20, 40, 60],
        landmarks=[int(n) for x, y in points for n in (x, y, 2)],
        segmentation=[points[list(skirt.contour)].ravel().tolist()],
        scale=1, occlusion=2, zoom_in=3, viewpoint=2)
    (root / split / f'annos/{number:06}.json').write_text(
        json.dumps(dict(source=source, pair_id=5, item1=item)))


@pytest.fixture(scope='module')
def sound_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('sound')
    for split in ('train', 'validation'):
        for number, source in ((1, 'user'), (2, 'shop'), (3, 'user')):
            write_image(root, split, number, source)
    return root


@pytest.fixture
def bad_root(sound_root, tmp_path):
    """Image 2 of validation is cut off, item1 of image 3 has a wrong scale."""
    root = shutil.copytree(sound_root, tmp_path / 'bad')
    image = root / 'validation/image/000002.jpg'
    image.write_bytes(image.read_bytes()[:500])
    path = root / 'validation/annos/000003.json'
    path.write_text(path.read_text().replace('"scale": 1', '"scale": 4'))
    return root


def test_help_is_instant():
    for command in ((), ('check',), ('browse',)):
        done = subprocess.run(
            [sys.executable, '-X', 'importtime', str(SCRIPT), *command, '--help'],
            capture_output=True, text=True, check=True)
        assert 'usage: data.py' in done.stdout
        for heavy in ('numpy', 'torch', 'df2mm'):
            assert f' {heavy}\n' not in done.stderr


def test_check_of_a_sound_dataset(data, sound_root, capsys):
    assert data.main(['check', str(sound_root), '--workers', '1']) == 0
    assert capsys.readouterr().out == (
        'train: 3 images and 3 items can be used, 0 defects\n'
        'validation: 3 images and 3 items can be used, 0 defects\n')


def test_check_reports_by_file_and_item(data, bad_root, tmp_path, capsys):
    report = tmp_path / 'defects.json'
    status = data.main(['check', str(bad_root), '--json', str(report)])
    assert status == 1
    lines = capsys.readouterr().out.split('\n')
    assert lines[0].startswith(
        'validation/annos/000002.json: validation/image/000002.jpg has no end of image')
    assert lines[1].startswith(
        'validation/annos/000003.json item1: scale must be an integer in 1..3, got 4 [')
    assert 'user-without-shop' in lines[2]
    assert 'validation: 2 images and 2 items can be used, 3 defects' in lines
    tree = json.loads(report.read_text())
    assert [d['rule'] for d in tree['defects']] == [
        'truncated-image', 'variation', 'user-without-shop']
    assert list(tree['summaries']) == ['train', 'validation']


def test_minor_defects_are_named_and_pass(data, sound_root, tmp_path, capsys):
    root = shutil.copytree(sound_root, tmp_path / 'root')
    path = root / 'train/annos/000001.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'photographer': 'me'}))
    assert data.main(['check', str(root), '--split', 'train']) == 0
    assert 'unknown-key' in capsys.readouterr().out


def test_check_quietly_of_one_split(data, bad_root, capsys):
    assert data.main(['check', str(bad_root), '--split', 'train', '--quiet']) == 0
    assert data.main(['check', str(bad_root), '--split', 'validation', '--quiet']) == 1
    out = capsys.readouterr().out
    assert 'train: 3 images' in out
    assert 'annos/000003.json' not in out


def test_convert_and_check_what_came_of_it(data, bad_root, tmp_path, capsys):
    assert data.main(['convert', str(bad_root)]) == 0
    captured = capsys.readouterr()
    assert 'train.json: 3 images and 3 items can be used, 0 defects' in captured.out
    assert 'validation.json: 2 images and 2 items can be used, 2 de' in captured.out
    assert '3/3' in captured.err
    ann_file = bad_root / 'annotations/train.json'
    assert data.main(['check', '--ann-file', str(ann_file)]) == 0
    ann_file.write_text(ann_file.read_text()[:-300])
    assert data.main(['check', '--ann-file', str(ann_file)]) == 1

    out_dir = tmp_path / 'elsewhere'
    assert data.main(['convert', str(bad_root), '--split', 'train', '--strict',
                      '--out-dir', str(out_dir), '--workers', '2']) == 0
    assert [path.name for path in out_dir.iterdir()] == ['train.json']


def test_strict_conversion_stops(data, bad_root, capsys):
    assert data.main(['convert', str(bad_root), '--split', 'validation',
                      '--strict', '--workers', '1']) == 2
    err = capsys.readouterr().err
    assert 'data.py convert: error: stopped at the first defect: validation/' in err
    assert '[truncated-image; dropped image]' in err
    assert not list((bad_root / 'annotations').iterdir())


def test_stats(data, sound_root, tmp_path, capsys):
    figure = tmp_path / 'new/statistics.png'
    assert data.main(['stats', str(sound_root), '--out', str(figure)]) == 0
    tables = capsys.readouterr().out
    assert 'skirt' in tables
    with Image.open(figure) as image:
        assert image.format == 'PNG'

    data.main(['convert', str(sound_root), '--out-dir', str(tmp_path)])
    capsys.readouterr()
    assert data.main(['stats', '--ann-file', str(tmp_path / 'train.json'),
                      '--out', str(figure)]) == 0
    assert 'skirt' in capsys.readouterr().out


def test_browse(data, sound_root, tmp_path, capsys):
    out = tmp_path / 'pictures'
    assert data.main(['browse', str(sound_root), '--out', str(out), '--num', '2',
                      '--seed', '3', '--split', 'validation']) == 0
    assert '2 pictures' in capsys.readouterr().out
    assert len(list(out.iterdir())) == 3

    data.main(['convert', str(sound_root), '--out-dir', str(tmp_path)])
    assert data.main(['browse', str(sound_root), '--ann-file',
                      str(tmp_path / 'train.json'), '--out', str(out),
                      '--img-ids', '2']) == 0
    assert data.main(['browse', str(sound_root), '--out', str(out),
                      '--category', 'vest dress']) == 2
    assert 'found none that fit' in capsys.readouterr().err


def test_synthesize(data, tmp_path, capsys):
    root = tmp_path / 'synthetic'
    assert data.main(['synthesize', str(root), '--train', '2', '--val', '2',
                      '--seed', '1', '--workers', '1']) == 0
    assert '2 train and 2 validation images' in capsys.readouterr().out
    assert data.main(['check', str(root), '--quiet', '--workers', '1']) in (0, 1)
    assert '2 images' in capsys.readouterr().out


@pytest.mark.parametrize('arguments, message', [
    (['check', 'nowhere'], 'expected nowhere/train/image, nowhere/train/annos or the '
     'same under validation, found neither'),
    (['check', 'ROOT', '--split', 'test'], 'expected test/image and test/annos'),
    (['check', '--ann-file', 'none.json'], 'COCO file not found: none.json'),
    (['convert', 'nowhere'], 'synthesize nowhere'),
    (['convert', 'ROOT', '--out-dir', 'ROOT/train/image/000001.jpg'],
     '000001.jpg'),
    (['stats', 'nowhere'], 'expected nowhere/train/image'),
    (['stats', '--ann-file', 'ROOT/train/image/000001.jpg'], 'expected a COCO file'),
    (['browse', 'nowhere', '--out', 'OUT'], 'expected nowhere/train/image'),
    (['browse', 'ROOT', '--out', 'OUT', '--num', '0'], 'num must be positive, got 0'),
    (['browse', 'ROOT', '--out', 'OUT', '--category', 'hat'], "got 'hat'"),
    (['synthesize', 'OUT', '--train', '1', '--val', '0'], 'num_train must be 0 or at'),
])
def test_errors_are_one_line(data, sound_root, tmp_path, capsys, monkeypatch,
                             arguments, message):
    monkeypatch.chdir(tmp_path)
    arguments = [a.replace('ROOT', str(sound_root)).replace('OUT', 'out')
                 for a in arguments]
    assert data.main(arguments) == 2
    lines = [line for line in capsys.readouterr().err.split('\n')
             if 'error: ' in line or 'Traceback' in line]
    assert len(lines) == 1
    assert lines[0].startswith(f'data.py {arguments[0]}: error: ')
    assert message in lines[0]


@pytest.mark.parametrize('arguments, message', [
    ([], 'required: command'),
    (['check'], 'check needs either ROOT or --ann-file'),
    (['stats'], 'stats needs either ROOT or --ann-file'),
    (['check', 'here', '--ann-file', 'a.json'], 'needs either ROOT or --ann-file'),
    (['check', '--ann-file', 'a.json', '--split', 'train'], '--split chooses from'),
    (['convert', 'here', '--workers', '0'], 'expected at least 1, got 0'),
    (['convert', 'here', '--workers', 'two'], 'an integer >= 0, got two'),
    (['synthesize', 'here', '--train', '-1'], 'an integer >= 0, got -1'),
    (['browse', 'here'], 'required: --out'),
])
def test_bad_usage(data, capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_info:
        data.main(arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err
