"""tools/infer.py on two pictures, as a user calls it."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

from df2mm.engine import read_config

ROOT = Path(__file__).parents[2]
NAME = 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic'


def infer(*args):
    return subprocess.run(
        [sys.executable, 'tools/infer.py', *map(str, args)], cwd=ROOT, text=True,
        capture_output=True, timeout=300)


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """As good as untrained; its scores are nearly alike and low."""
    cfg = read_config(ROOT / f'configs/match_rcnn/{NAME}.py')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def test_a_folder_gives_json_and_pictures(synthetic_root, checkpoint, tmp_path):
    photos = tmp_path / 'my photos'
    photos.mkdir()
    for number in (1, 2):
        name = f'{number:06d}.jpg'
        (photos / name).write_bytes(
            (synthetic_root / 'train/image' / name).read_bytes())
    (photos / 'broken.png').write_bytes(b'text')
    done = infer(NAME, checkpoint, photos, '--out', tmp_path / 'out.json', '--out-dir',
                 photos / 'found', '--batch-size', 2, '--score-thr', 0, '--no-vectors',
                 '--device', 'cpu')
    assert done.returncode == 0, done.stderr[-2000:]
    assert '2 images, ' in done.stdout and '; 1 skipped' in done.stdout
    assert 'broken.png: it is no image of a known format' in done.stdout
    result = json.loads((tmp_path / 'out.json').read_text())
    assert result.keys() == {'model_id', 'predictions', 'skipped'}
    assert len(result['model_id']) == 16
    assert [Path(image['image']).name for image in result['predictions']] == [
        '000001.jpg', '000002.jpg']
    items = [item for image in result['predictions'] for item in image['items']]
    assert all('mask' in item and 'query_vector' not in item for item in items)
    assert sorted(path.name for path in (photos / 'found').iterdir()) == [
        '000001.jpg', '000002.jpg']


@pytest.mark.parametrize('args, status, message', [
    (['x.py', 'w.pth', '.'], 2, 'nothing to write: give --out FILE.json'),
    (['x.py', 'w.pth', '.', '--out', 'a.txt'], 2, '--out must end in .json'),
    (['x.py', 'w.pth', 'no/such', '--out', 'a.json'], 1, 'image not found'),
    (['x.py', 'w.pth', '.', '--out', 'a.json'], 1, 'config not found: x.py'),
])
def test_mistakes_are_one_line(args, status, message, tmp_path, monkeypatch, capsys):
    (tmp_path / 'a.jpg').touch()
    args = [str(tmp_path) if arg == '.' else arg for arg in args]
    monkeypatch.setattr(sys, 'argv', ['infer.py', *args])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / 'tools/infer.py'), run_name='__main__')
    # What sys.exit is given as text goes to stderr with status 1.
    code = stopped.value.code
    assert (code if isinstance(code, int) else 1) == status
    text = capsys.readouterr().err + str(code)
    assert message in text and 'Traceback' not in text


def test_nothing_that_could_be_read_is_an_error(checkpoint, tmp_path, monkeypatch):
    (tmp_path / 'a.jpg').touch()
    monkeypatch.setattr(sys, 'argv', [
        'infer.py', NAME, str(checkpoint), str(tmp_path), '--out',
        str(tmp_path / 'out.json'), '--device', 'cpu'])
    with pytest.raises(SystemExit, match='none of the images could be read'):
        runpy.run_path(str(ROOT / 'tools/infer.py'), run_name='__main__')
    found = json.loads((tmp_path / 'out.json').read_text())
    assert found['predictions'] == [] and found['skipped'] == [
        dict(input=str(tmp_path / 'a.jpg'), reason='it is empty')]
