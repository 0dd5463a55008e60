import os

import pytest
import torch
from mmengine.fileio import get_file_backend
from safetensors.torch import save_file

from df2mm.engine import find_resumable, verify_checkpoint


def save(path, age=0):
    torch.save(dict(state_dict=dict(weight=torch.arange(1000.0))), path)
    os.utime(path, (1e9 - age, 1e9 - age))


def tear(path):
    path.write_bytes(path.read_bytes()[:-200])


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    backend = get_file_backend(backend_args=dict(backend='df2mm.atomic'))
    path = tmp_path / 'new/epoch_1.pth'
    backend.put(b'first', path)
    monkeypatch.setattr(os, 'fsync', lambda handle: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backend.put(b'second', path)
    assert path.read_bytes() == b'first'
    monkeypatch.undo()
    backend.put_text('third', path)
    assert [p.name for p in path.parent.iterdir()] == ['epoch_1.pth']
    assert path.read_text() == 'third'


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    for age, name in enumerate(['epoch_3.pth', 'epoch_2.pth', 'epoch_1.pth']):
        save(tmp_path / name, age)
    save(tmp_path / 'best_coco_bbox_mAP_epoch_2.pth', age=-1)
    assert find_resumable(tmp_path) == tmp_path / 'epoch_3.pth'
    tear(tmp_path / 'epoch_3.pth')
    assert find_resumable(tmp_path) == tmp_path / 'epoch_2.pth'
    (tmp_path / 'epoch_2.pth').write_bytes(b'')
    assert find_resumable(tmp_path) == tmp_path / 'epoch_1.pth'
    (tmp_path / 'epoch_1.pth').unlink()
    assert find_resumable(tmp_path) is None


def test_last_checkpoint_may_name_another_folder_or_nothing(tmp_path):
    work_dir, elsewhere = tmp_path / 'work', tmp_path / 'elsewhere'
    work_dir.mkdir()
    elsewhere.mkdir()
    assert find_resumable(work_dir) is None
    save(elsewhere / 'iter_5.pth')
    (work_dir / 'last_checkpoint').write_text(str(elsewhere / 'iter_6.pth'))
    assert find_resumable(work_dir) == elsewhere / 'iter_5.pth'
    (work_dir / 'last_checkpoint').write_text('')
    assert find_resumable(work_dir) is None


def test_safetensors_pass_if_they_are_whole(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_file(dict(weight=torch.arange(1000.0)), path)
    verify_checkpoint(path)
    tear(path)
    with pytest.raises(ValueError, match=r'a\.safetensors is no whole \.safetensors'):
        verify_checkpoint(path)


def test_old_format_passes(tmp_path):
    path = tmp_path / 'old.pth'
    torch.save({}, path, _use_new_zipfile_serialization=False)
    verify_checkpoint(path)


@pytest.mark.parametrize(('content', 'error', 'message'), [
    (None, FileNotFoundError, 'checkpoint not found: .*a.pth'),
    (b'', ValueError, 'a.pth is not a whole checkpoint'),
    (b'<html>404</html>', ValueError, 'a.pth is not a whole checkpoint'),
])
def test_what_is_no_checkpoint(tmp_path, content, error, message):
    path = tmp_path / 'a.pth'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=message):
        verify_checkpoint(path)


def test_a_flipped_bit_is_found(tmp_path):
    path = tmp_path / 'a.pth'
    save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'is damaged: the checksum of .*data'):
        verify_checkpoint(path)
