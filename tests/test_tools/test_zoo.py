"""tools/zoo.py as a user calls it, and the figures of what it publishes."""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

from df2mm import zoo
from df2mm.engine import read_config
from df2mm.zoo.cards import Card, file_name, write_card
from df2mm.zoo.models import build_untrained

ROOT = Path(__file__).parents[2]
NAME = 'mask-rcnn_effnet-lite0_fpn_8e_synthetic'


@pytest.fixture
def run(monkeypatch):
    """Run a tool in this process, which has imported everything already."""
    def run(tool, *args):
        monkeypatch.setattr(sys, 'argv', [f'{tool}.py', *map(str, args)])
        spec = importlib.util.spec_from_file_location(tool, ROOT / f'tools/{tool}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.main()
    return run


@pytest.fixture
def root(tmp_path, monkeypatch, synthetic_root):
    """A checkout with one model, its images small and its data there."""
    root = tmp_path / 'checkout'
    folder = root / 'configs/mask_rcnn'
    folder.mkdir(parents=True)
    cfg = read_config(ROOT / f'configs/mask_rcnn/{NAME}.py', data_root=synthetic_root)
    cfg.data_root = str(synthetic_root)
    cfg.model.backbone.init_cfg = None
    cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=4)
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.workers = 1
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type == 'Resize':
            step.scale = (64, 64)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.dump(folder / f'{NAME}.py')
    (root / 'model-index.yml').write_text('Import:\n  - configs/mask_rcnn/metafile.yml')
    (folder / 'metafile.yml').write_text(
        f'Models:\n  - Name: {NAME}\n    In Collection: Mask R-CNN\n'
        f'    Config: configs/mask_rcnn/{NAME}.py\n'
        '    Metadata:\n      Training Data: df2mm synthetic\n')
    monkeypatch.setattr('df2mm.zoo.places._ROOTS', (root,))
    monkeypatch.setenv('DF2MM_HOME', str(tmp_path / 'home'))
    monkeypatch.delenv('DF2MM_ZOO', raising=False)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def published(root, run, tmp_path):
    """The card of an untrained model, still without figures."""
    torch.manual_seed(0)
    model = build_untrained(root / f'configs/mask_rcnn/{NAME}.py')
    torch.save(dict(state_dict=model.state_dict(), optimizer={}), tmp_path / 'e.pth')
    (tmp_path / 'run.log').write_text('a log\n')
    assert run('zoo', 'publish', f'configs/mask_rcnn/{NAME}.py', tmp_path / 'e.pth',
               '--log', tmp_path / 'run.log', '--data', 'tools/data.py synthesize d',
               '--training', 'not at all') == 0
    return zoo.card_of(NAME)


@pytest.fixture
def listed(root):
    """A card whose checkpoint is no more than a few bytes."""
    content = b'some bytes'
    sha256 = hashlib.sha256(content).hexdigest()
    card = Card(root / 'model_zoo' / NAME / 'metafile.yml', dict(
        zoo.zoo_entries()[NAME], Checkpoint=dict(
            File=file_name(NAME, sha256), SHA256=sha256, Bytes=len(content))))
    write_card(card)
    card.local.write_bytes(content)
    return card


def test_from_a_training_to_a_download(published, root, run, tmp_path, capsys):
    """The commands in their order; a download measures what the card says."""
    tool = published.entry['Test Command'].split()[1:]
    assert tool[0] == 'tools/test.py'
    run('test', *tool[1:])
    assert run('zoo', 'card', NAME) == 0
    assert run('zoo', 'readme', '--check') == 0
    done = zoo.card_of(NAME)
    assert [result['Task'] for result in done.entry['Results']] == [
        'Object Detection', 'Instance Segmentation']

    # Somebody else: the checkpoint at a mirror, only the card here.
    mirror = tmp_path / 'mirror' / NAME / done.file
    mirror.parent.mkdir(parents=True)
    done.local.rename(mirror)
    capsys.readouterr()
    assert run('zoo', 'download', NAME, '--base', tmp_path / 'mirror') == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == tmp_path / 'home/model_zoo' / NAME / done.file
    assert run('zoo', 'verify') == 0
    run('test', done.config, path, '--out', tmp_path / 'again.json')
    first, again = (json.loads(report.read_text()) for report in (
        done.path.with_name('metrics.json'), tmp_path / 'again.json'))
    assert first['metrics'] == again['metrics']
    assert first['sha256'] == again['sha256'] == done.sha256

    # Test the tampered one.
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    with pytest.raises(SystemExit) as stop:
        run('zoo', 'verify', NAME)
    assert stop.value.code == f'zoo.py: error: {NAME}: see above'
    assert f'WRONG. {path} is not the file' in capsys.readouterr().out


def test_list(listed, run, capsys, monkeypatch):
    for change, expected in (
            (lambda: None, 'MB, in the repository'),
            (listed.local.unlink, 'MB, not here; set DF2MM_ZOO'),
            (lambda: monkeypatch.setenv('DF2MM_ZOO', 'http://host'), 'at http://host'),
            (listed.path.unlink, 'not published; train it with `python tools/tra')):
        change()
        capsys.readouterr()
        assert run('zoo', 'list') == 0
        assert f'{NAME}\n    ' in (text := capsys.readouterr().out)
        assert expected in text


@pytest.mark.parametrize('args, message', [
    (('download', 'mask_rcnn'), 'Did you mean mask-rcnn'),
    (('download', NAME), 'has no published weights: train it with `python tools/train'),
    (('verify', 'mask_rcnn'), 'mask_rcnn: see above'),
    (('card', NAME), 'card not found'),
    (('readme', '--check'), 'is not up to date. Run tools/zoo.py readme'),
    (('publish', NAME, 'no.pth', '--log', __file__, '--data', 'd', '--training', 't'),
     'checkpoint not found: no.pth'),
])
def test_what_goes_wrong_is_one_line_and_a_status(root, run, args, message):
    with pytest.raises(SystemExit) as stop:
        run('zoo', *args)
    assert message in stop.value.code and '\n' not in stop.value.code


def test_an_unreachable_mirror(listed, run, tmp_path):
    listed.local.unlink()
    with pytest.raises(SystemExit) as stop:
        run('zoo', 'download', NAME, '--base', 'http://127.0.0.1:1/', '--to', tmp_path)
    assert 'cannot be reached' in stop.value.code
    assert not list(tmp_path.glob('*.safetensors*'))


def test_a_published_file_holds_no_training_to_resume(listed, run):
    with pytest.raises(SystemExit) as stop:
        run('train', listed.config, '--resume', listed.local)
    assert f'--cfg-options load_from={listed.local}' in stop.value.code
