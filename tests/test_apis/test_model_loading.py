import pickle
import re
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from df2mm.apis import DeepFashion2Inferencer, zoo_configs
from df2mm.apis.model_loading import check_state, choose_device, load_config, load_state

NAME = 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic'


@pytest.mark.parametrize('model', [NAME, f'df2mm::{NAME}',
                                   f'df2mm::match_rcnn/{NAME}.py'])
def test_a_name_of_the_zoo_is_its_config(model):
    assert load_config(model).model.type == 'MatchRCNN'
    assert load_config(model).filename == load_config(zoo_configs()[NAME]).filename


def test_every_name_has_a_config():
    assert all(path.is_file() for path in zoo_configs().values())
    assert NAME in zoo_configs()


@pytest.mark.parametrize('model, error, match', [
    ('match-rcnn_effnet-lite0', ValueError, 'Did you mean match-rcnn'),
    ('df2mm::match_rcnn/no.py', ValueError, "called 'no'"),
    ('???', ValueError, "called '???'. There are keypoint-rcnn".replace('?', r'\?')),
    ('no/such.py', FileNotFoundError, 'config not found: no/such.py'),
    (None, TypeError, 'got NoneType'),
])
def test_what_is_no_model(model, error, match):
    with pytest.raises(error, match=match):
        load_config(model)


def test_a_name_without_weights_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr('df2mm.zoo.cards.zoo_folder', lambda: tmp_path)
    with pytest.raises(ValueError, match=(
            rf'{NAME} has no published weights: train .*tools/train.py .*{NAME}\.py')):
        DeepFashion2Inferencer(NAME)


def test_only_configs_of_the_zoo_have_weights(tmp_path):
    (tmp_path / f'{NAME}.py').write_text('model = dict()')
    with pytest.raises(ValueError, match=r'it is none of the zoo\. Pass weights=PATH'):
        DeepFashion2Inferencer(tmp_path / f'{NAME}.py')


def test_file_formats_hold_the_same(state, checkpoint, tmp_path):
    save_file({name: value.contiguous() for name, value in state.items()},
              tmp_path / 'm.safetensors')
    torch.save(state, tmp_path / 'bare.pth')
    torch.save(dict(state_dict={f'module.{name}': value for name, value
                                in state.items()}), tmp_path / 'ddp.pth')
    torch.save(state, tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    for path in (checkpoint, *tmp_path.iterdir()):
        loaded = load_state(path)
        assert loaded.keys() == state.keys()
        assert all(torch.equal(loaded[name], state[name]) for name in state)


class Attack:
    def __reduce__(self):
        return print, ('code of the file ran',)


def bad_files(folder):
    torch.save(dict(state_dict=Attack()), folder / 'attack.pth')
    (folder / 'old_attack.pth').write_bytes(pickle.dumps(Attack(), 2))
    torch.save([1, 2], folder / 'list.pth')
    torch.save(dict(state_dict=dict(a='text')), folder / 'text.pth')
    torch.save(OrderedDict(), folder / 'empty.pth')
    whole = (folder / 'list.pth').read_bytes()
    (folder / 'cut.pth').write_bytes(whole[:-40])
    (folder / 'cut.safetensors').write_bytes(b'\x40\0\0\0\0\0\0\0{"a":')
    (folder / 'nothing.pth').touch()


@pytest.mark.parametrize('name, match', [
    ('attack.pth', 'could run code, so it is refused'),
    ('old_attack.pth', 'could run code|safely'),
    ('list.pth', 'must hold tensors by name.*got list'),
    ('text.pth', 'must hold tensors by name'),
    ('empty.pth', 'must hold tensors by name'),
    ('cut.pth', 'not a whole checkpoint'),
    ('nothing.pth', 'not a whole checkpoint'),
    ('cut.safetensors', r'no whole \.safetensors file'),
])
def test_bad_files(name, match, tmp_path, capsys):
    bad_files(tmp_path)
    with pytest.raises(ValueError, match=match):
        load_state(tmp_path / name)
    assert 'code of the file ran' not in capsys.readouterr().out


@pytest.mark.parametrize('name', ['no.pth', 'no.safetensors'])
def test_missing_files(name):
    with pytest.raises(FileNotFoundError, match=f'checkpoint not found: {name}'):
        load_state(name)


def test_weights_of_another_model_are_named():
    expected = dict(a=torch.zeros(2, 3), b=torch.zeros(4), c=torch.zeros(1))
    got = dict(a=torch.zeros(3, 2), c=torch.zeros(1), d=torch.zeros(5))
    with pytest.raises(ValueError, match=re.escape(
            'x.pth does not fit the config. Tensors 1 missing: b (4,); 1 not in the '
            'model: d (5,); 1 of another shape: a expected (2, 3), got (3, 2). Use')):
        check_state(expected, got, 'x.pth')
    check_state(expected, expected, 'x.pth')
    many = {f'w{i}': torch.zeros(1) for i in range(20)}
    with pytest.raises(ValueError, match=r'20 missing: .*w7 \(1,\), \.\.\.\. Use'):
        check_state(many, {}, 'x.pth')


def test_a_mask_rcnn_does_not_load_into_match_rcnn(cfg, mask_checkpoint):
    with pytest.raises(ValueError, match=r'missing: roi_head\.keypoint_head'):
        DeepFashion2Inferencer(cfg, mask_checkpoint, 'cpu')


@pytest.mark.parametrize('name, match', [
    ('abacus', "such as cpu or cuda:0, got 'abacus'"),
    pytest.param('cuda', 'needs a GPU', marks=pytest.mark.skipif(
        torch.cuda.is_available(), reason='there is a GPU')),
])
def test_bad_devices(name, match):
    with pytest.raises(ValueError, match=match):
        choose_device(name)
