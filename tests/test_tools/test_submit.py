"""tools/submit.py on a synthetic validation split, with untrained weights."""

import json
import re
import runpy
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

from df2mm.engine import read_config
from df2mm.evaluation import validate_results
from df2mm.evaluation.submission import check_results, read_challenge_images

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs/match_rcnn'
MATCH = CONFIGS / 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py'
PERCEPTION = CONFIGS / 'match-rcnn-pn_effnet-lite0_fpn_8e_synthetic.py'
#: Untrained scores are under the config's thresholds.
ALL = ('--cfg-options', 'model.test_cfg.rcnn.score_thr=0.0',
       'test_evaluator.retrieval.score_thr=0.0', 'model.test_cfg.rcnn.max_per_img=10',
       'test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False')


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """Checkpoints of the match and the perception network."""
    folder, paths = tmp_path_factory.mktemp('weights'), []
    for config in (MATCH, PERCEPTION):
        cfg = read_config(config)
        cfg.model.backbone.init_cfg = None
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmdet'):
            state = MODELS.build(cfg.model).state_dict()
        torch.save(dict(state_dict=state), folder / f'{config.stem}.pth')
        paths.append(folder / f'{config.stem}.pth')
    return paths


@pytest.fixture
def root(synthetic_root, tmp_path):
    """A split with the challenge's lists in place of annotations."""
    root = tmp_path / 'data'
    shutil.copytree(synthetic_root / 'validation/image', root / 'validation/image')
    images = json.loads(
        (synthetic_root / 'annotations/validation.json').read_text())['images']
    folder = root / 'json_for_validation'
    folder.mkdir()
    for kind, sources in (('keypoints_val', {'user', 'shop'}),
                          ('retrieval_val_consumer', {'user'}),
                          ('retrieval_val_shop', {'shop'})):
        listed = [dict(id=image['id'], file_name=image['file_name'])
                  for image in images if image['source'] in sources]
        (folder / f'{kind}_information.json').write_text(
            json.dumps(dict(images=listed, annotations=[])))
    return root


def submit(*args):
    """The tool in this process; None, or what it exits with."""
    main = runpy.run_path(str(ROOT / 'tools/submit.py'))['main']
    try:
        return main([str(arg) for arg in args]) or None
    except SystemExit as stopped:
        return stopped.code


def test_both_tracks_are_ready_to_upload(root, weights, tmp_path, capsys):
    out = tmp_path / 'up/load'
    assert submit(MATCH, weights[0], '--out', out, '--data-root', root, '--split',
                  'validation', '--work-dir', tmp_path / 'work', *ALL) is None
    assert sorted(path.name for path in out.iterdir()) == [
        'keypoints.json', 'keypoints.zip', 'retrieval.json', 'retrieval.zip']
    assert [path.name for path in out.parent.iterdir()] == ['load']
    images = read_challenge_images(root, 'validation', ['keypoints', 'retrieval'])
    users = {image.img_id for image in images if image.source == 'user'}
    for track in ('keypoints', 'retrieval'):
        found = validate_results(out / f'{track}.json', track)
        assert found.num_entries > 0 and found.num_wrong == 0
        with zipfile.ZipFile(out / f'{track}.zip') as archive:
            assert archive.namelist() == [f'{track}.json']
            assert archive.read(f'{track}.json') == (
                out / f'{track}.json').read_bytes()
    rows = json.loads((out / 'retrieval.json').read_text())
    assert {row['query_image_id'] for row in rows} == users
    assert not {i for row in rows for i in row['gallery_image_id']} & users
    assert 'all well formed' in capsys.readouterr().out


def test_landmarks_alone_need_no_match_head(
        synthetic_root, weights, tmp_path):
    # Of a set without the challenge's lists the annotation says what is there.
    assert submit(
        MATCH, weights[1], '--out', tmp_path / 'out', '--data-root', synthetic_root,
        '--split', 'validation', '--track', 'keypoints', '--work-dir',
        tmp_path / 'work', *ALL) is None
    rows = json.loads((tmp_path / 'out/keypoints.json').read_text())
    assert len({row['image_id'] for row in rows}) == 4
    assert not (tmp_path / 'out/retrieval.json').exists()


def test_nothing_found_leaves_nothing(root, weights, tmp_path):
    said = submit(
        MATCH, weights[0], '--out', tmp_path / 'out', '--data-root', root, '--split',
        'validation', '--work-dir', tmp_path / 'work', *ALL,
        'model.test_cfg.rcnn.score_thr=1.0')
    assert 'no garment was found' in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ['data', 'work']


def break_list(root, change):
    path = root / 'json_for_validation/keypoints_val_information.json'
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


@pytest.mark.parametrize('config, place, change, message', [
    (MATCH, 1, None, 'the retrieval track needs a match head, and .*pth has none. Ask '
     'for --track keypoints alone'),
    (PERCEPTION, 0, None, 'needs a match head, and .*synthetic.py has none'),
    (MATCH, 0, lambda r: shutil.rmtree(r / 'validation/image'), 'no such folder'),
    (MATCH, 0, lambda r: (r / 'validation/image/000002.jpg').unlink(),
     '1 of 4 images are missing in .*, such as 000002.jpg'),
    (MATCH, 0, lambda r: (r / 'validation/image/000002.jpg').write_text('x'),
     '000002.jpg is no image that can be read'),
    (MATCH, 0, lambda r: break_list(r, lambda c: [1]), 'must hold "images"'),
    (MATCH, 0, lambda r: break_list(r, lambda c: dict(images=[dict(id='1')])),
     r'images\[0\] of .* must have an integer id'),
    (MATCH, 0, lambda r: break_list(r, lambda c: dict(images=c['images'][:1])),
     'keypoints_val_information.json lacks image'),
    (MATCH, 0, lambda r: shutil.rmtree(r / 'json_for_validation'), 'file not found'),
])
def test_mistakes_are_told_and_leave_nothing(
        root, weights, tmp_path, config, place, change, message):
    if change:
        change(root)
    said = submit(config, weights[place], '--out', tmp_path / 'out', '--data-root',
                  root, '--split', 'validation', '--work-dir', tmp_path / 'work')
    assert isinstance(said, str)
    assert re.search(message, said), said
    assert {path.name for path in tmp_path.iterdir()} <= {'data', 'work'}


def test_entries_of_other_images_are_not_uploaded(root, tmp_path):
    images = read_challenge_images(root, 'validation', ['keypoints'])
    entry = dict(image_id=999, category_id=9, keypoints=[1.0, 2.0, 1] * 8, score=0.5)
    path = tmp_path / 'keypoints.json'
    path.write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match='image that was asked for, got 999'):
        check_results(path, 'keypoints', images)
