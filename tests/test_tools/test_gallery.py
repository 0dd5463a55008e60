"""tools/gallery.py from images to matches, in one process but as a user calls it."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

from df2mm.retrieval import Entry, GalleryIndex

ROOT = Path(__file__).parents[2]
NAME = 'match_rcnn/match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic'
FEW = ('--score-thr', '0.0', '--nms-thr', '1')


@pytest.fixture(scope='module')
def model(tiny_config, tmp_path_factory):
    """Config and checkpoint of a small untrained model: three items an image."""
    folder = tmp_path_factory.mktemp('model')
    cfg = tiny_config(NAME, max_per_img=3)
    cfg.dump(folder / 'config.py')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        built = MODELS.build(cfg.model)
    torch.save(dict(state_dict=built.state_dict()), folder / 'model.pth')
    return folder / 'config.py', folder / 'model.pth'


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the tool; returns (exit status, stdout, stderr)."""
    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['gallery.py', *map(str, args)])
        try:
            runpy.run_path(str(ROOT / 'tools/gallery.py'), run_name='__main__')
            status = 0
        except SystemExit as stopped:
            status = stopped.code
        out = capsys.readouterr()
        return status, out.out, out.err
    return run


@pytest.fixture(scope='module')
def images(synthetic_root):
    return synthetic_root / 'validation/image'


def test_built_searched_and_changed(call, model, images, synthetic_root, tmp_path):
    path, annotations = tmp_path / 'shop.gallery', (
        synthetic_root / 'annotations/validation.json')
    sources = {image['file_name']: image['source']
               for image in json.loads(annotations.read_text())['images']}
    shops = sorted(name for name, source in sources.items() if source == 'shop')
    fields = tmp_path / 'fields.csv'
    fields.write_text(f'image,id,price\n{shops[0]},sku7,9.5\n')
    dataset = ('--annotations', annotations)
    args = [path, *model, images, *FEW, *dataset, '--fields', fields]
    status, out, err = call('build', *args)
    assert status == 0, err
    assert f'of {len(shops)} images added' in out
    with GalleryIndex.load(path) as index:
        count = len(index)
        assert 'sku7#0' in index and f'{shops[0]}#0' not in index
    assert count == 3 * len(shops)

    status, out, _ = call('build', *args)
    assert status == 0
    assert f'has {count} garments: going on' in out
    assert '0 garments of 0 images added; 0 images without' in out

    status, out, err = call(
        'search', path, *model, images, *FEW, *dataset, '--top', 2, '--where',
        'price<10', '--images-root', images, '--sheets', tmp_path / 'sheets', '--out',
        tmp_path / 'found.json')
    assert status == 0, err
    found = json.loads((tmp_path / 'found.json').read_text())
    users = len(sources) - len(shops)
    assert len(found) == 3 * users
    assert len(list((tmp_path / 'sheets').glob('*.jpg'))) == len(found)
    for garment in found:
        assert len(garment['matches']) == 2
        assert all(match['fields']['price'] == 9.5 for match in garment['matches'])
        first, second = garment['matches']
        assert first['score'] >= second['score']

    status, out, _ = call('remove', path, 'sku7#0', 'sku7#1')
    assert status == 0 and f'2 removed, {count - 2} left' in out
    status, out, _ = call('info', path, '--verify')
    assert status == 0
    assert 'every checksum fits' in out and f'entries: {count - 2}' in out


def test_photos_of_one_garment_and_a_table(call, model, images, tmp_path):
    path = tmp_path / 'all.gallery'
    assert call('build', path, *model, images, *FEW, '--save-every', 1)[0] == 0
    status, out, err = call(
        'search', path, *model, images, *FEW, '--together', '--top', 3, '--unique',
        'image')
    assert status == 0, err
    assert '\n1 garments searched for' in out
    assert out.count('.jpg#') == 3


def test_an_interrupted_build_goes_on(call, model, images, tmp_path, monkeypatch):
    """It stops at the third image, after two were saved."""
    path = tmp_path / 'shop.gallery'
    add = GalleryIndex.add
    monkeypatch.setattr(GalleryIndex, 'add', lambda index, *args, **kwargs: (
        add(index, *args, **kwargs) if len(index) < 6 else _stop()))
    args = ['build', path, *model, images, *FEW, '--save-every', 1, '--batch-size', 1]
    with pytest.raises(KeyboardInterrupt):
        call(*args)
    with GalleryIndex.load(path) as index:
        assert len(index) == 6
    monkeypatch.setattr(GalleryIndex, 'add', add)
    status, out, _ = call(*args)
    assert status == 0
    assert '6 garments of 2 images added; 0 images without any, 2 were there' in out


def _stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize(('args', 'message'), [
    (['info', 'no.gallery'], 'no.gallery'),
    (['remove', 'no.gallery', 'x'], 'no.gallery'),
    (['build', 'x.gallery', 'no-model', 'no.pth', 'no images'], 'no images'),
    (['search', 'no.gallery', 'm', 'c', 'i', '--where', 'price'],
     "a condition must be such as brand=x, brand=x,y or price<=30, got 'price'"),
    (['search', 'g', 'm', 'c', 'i', '--sheets', 'x'], '--sheets needs --images-root'),
    (['build', 'g', 'm', 'c', 'i', '--batch-size', '0'],
     '--batch-size must be at least 1'),
])
def test_a_users_mistake_is_one_line(call, args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = call(*args)
    said = f'{err}{status}'
    assert status not in (0, None)
    assert message in said
    assert 'Traceback' not in said
    assert not list(tmp_path.iterdir())


def test_a_gallery_of_nothing_is_an_error(call, model, images, tmp_path):
    path = tmp_path / 'empty.gallery'
    status, _, err = call('build', path, *model, images, '--score-thr', 1.0)
    assert 'the gallery is empty: no garment was found in 4 images' in f'{status}{err}'
    assert not path.exists()


def test_a_gallery_of_another_model_is_refused(call, model, images, tmp_path):
    path = tmp_path / 'other.gallery'
    with GalleryIndex(130, 'another', path=path) as index:
        index.add(np.ones((1, 130), np.float32), [Entry('a.jpg', (0, 0, 1, 1), 0)])
        index.save()
    for command in ('search', 'add'):
        status, _, err = call(command, path, *model, images, *FEW)
        assert "vectors must be of the model of the gallery, 'another'" in (
            f'{status}{err}')
