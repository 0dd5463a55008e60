"""``df2mm::config`` names and mmengine's hub."""

from pathlib import Path

import pytest
from mmengine.hub import get_config, get_model
from mmengine.registry import MODELS, DefaultScope

import df2mm
from df2mm.compat import hub

CONFIGS = Path(df2mm.__file__).resolve().parent.parent / 'configs'


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed df2mm whose .mim folder holds one config."""
    folder = tmp_path / '.mim' / 'configs' / 'toy'
    folder.mkdir(parents=True)
    (folder.parents[1] / 'model-index.yml').write_text('Import: []\n')
    (folder / 'base.py').write_text("model = dict(type='Backbones', depth=1)")
    (folder / 'leaf.py').write_text(
        "_base_ = 'df2mm::toy/base.py'\n"
        "model = dict(type='ChannelMapper', in_channels=[4], out_channels=4,\n"
        '             _delete_=True)')
    for module in ('mmengine.hub.hub', 'mmengine.config.config'):
        monkeypatch.setattr(f'{module}.get_installed_path',
                            lambda name: str(tmp_path))
        monkeypatch.setattr(f'{module}.install_package', lambda name: None,
                            raising=False)
    return tmp_path


def test_config_by_name(package):
    assert get_config('df2mm::toy/base.py').model.depth == 1


def test_base_by_name(package):
    assert get_config('df2mm::toy/leaf.py').model.type == 'ChannelMapper'


def test_get_model_builds_from_mmdets_registries(package):
    before = DefaultScope.get_current_instance()
    model = get_model('df2mm::toy/leaf.py')
    assert type(model).__module__ == 'mmdet.models.necks.channel_mapper'
    # The hub puts the scope back.
    assert DefaultScope.get_current_instance() is before or (
        DefaultScope.get_current_instance().scope_name == before.scope_name)


def test_register_all_modules_makes_mmdet_the_default_scope():
    with DefaultScope.overwrite_default_scope('mmengine'):
        hub.register_all_modules()
        assert DefaultScope.get_current_instance().scope_name == 'mmdet'
        loss = MODELS.build(dict(type='GIoULoss'))
        assert type(loss).__module__ == 'mmdet.models.losses.iou_loss'


def test_register_all_modules_can_leave_the_scope():
    with DefaultScope.overwrite_default_scope('mmengine'):
        hub.register_all_modules(init_default_scope=False)
        assert DefaultScope.get_current_instance().scope_name == 'mmengine'


def test_unknown_config_is_named(package):
    with pytest.raises(FileNotFoundError, match=r'toy/none\.py'):
        get_config('df2mm::toy/none.py')


def test_installed_configs_are_found():
    leaves = sorted(path.relative_to(CONFIGS)
                    for path in CONFIGS.glob('[!_]*/*.py'))
    assert leaves
    assert 'model' in get_config(f'df2mm::{leaves[0]}')
