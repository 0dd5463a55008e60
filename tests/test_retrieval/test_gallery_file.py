"""df2mm/retrieval/gallery_file.py and store.py: what is saved stays saved"""

import errno
import json
import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from df2mm.retrieval import GalleryIndex, gallery_file, records

from .conftest import entries_of, vectors_of

QUERIES = vectors_of(2, seed=1)


@pytest.fixture
def two_saves(flat):
    """Bytes of a gallery after its first and its second save."""
    index = flat.new(5)
    index.save()
    first = flat.path.read_bytes()
    index.add(vectors_of(4, seed=2), entries_of(4, first=5))
    index.remove('i2')
    index.save()
    return first, flat.path.read_bytes()


def test_killed_while_writing(tmp_path):
    script = Path(__file__).with_name('killed_writers.py')
    done = subprocess.run(
        [sys.executable, script, tmp_path / 'gallery.df2g', '20'], text=True,
        stdout=subprocess.PIPE, check=True, timeout=120)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == 20
    for found in rounds:
        # Killed between a save and saying so, one more may be there.
        assert found['there'] - found['saved'] in (0, 300)
        assert found['newest'] == found['there'] - 1


def test_torn_anywhere_the_last_save_is_there(flat, two_saves):
    first, second = two_saves
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for size in range(len(first), len(second), 3):
            flat.path.write_bytes(second[:size])
            index = flat.load()
            assert len(index) == 5
            assert index.info()['unfinished_bytes'] == size - len(first)
    flat.path.write_bytes(first + bytes(1000))
    with pytest.warns(UserWarning, match='did not end; its 1000 bytes are ignored and '
                      'all 5 entries'):
        index = flat.load()
    index.add(vectors_of(4, seed=2), entries_of(4, first=5))
    index.remove('i2')
    index.save()
    assert flat.path.read_bytes() == second


def test_damaged_anywhere_it_is_refused(flat, two_saves):
    _, whole = two_saves
    expected = [GalleryIndex.load(flat.path).search(QUERIES)]
    refused = 0
    for place in range(0, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= 0x5a
        flat.path.write_bytes(data)
        try:
            index = flat.load()
            index.verify()
        except ValueError as error:
            assert str(flat.path) in str(error) and 'expected' in str(error)
            assert flat.path.read_bytes() == data
            refused += 1
        else:
            # It was padding.
            assert index.search(QUERIES) in expected and len(index) == 8
    assert refused > 0.8 * len(whole) / 3


@pytest.mark.parametrize('data, match', [
    (b'', "begins with DF2GALRY, got b''"),
    (b'{"images": []}', 'begins with DF2GALRY, got b\'{"images\''),
    (b'DF2GALRY' + bytes([9]) + bytes(99), 'expected version 1 .* got 9'),
    (b'DF2GALRY' + bytes([1]) + bytes(7), 'begins with DF2GALRY'),
])
def test_foreign_files(flat, data, match):
    flat.path.write_bytes(data)
    with pytest.raises(ValueError, match=f'no gallery that can be read: .*{match}'):
        flat.load()
    with pytest.raises(FileExistsError, match='is there already'):
        flat.new()
    assert flat.path.read_bytes() == data


def test_only_ever_appended(flat, two_saves):
    first, second = two_saves
    # Up to the end of the last commit.
    assert second.startswith(first) and len(first) % records.ALIGN == 0
    index = flat.load()
    index.remove('i3')
    index.save()
    assert len(flat.path.read_bytes()) - len(second) < 500
    assert [len(flat.load()), flat.load().info()['removed']] == [7, 2]
    index.compact()
    assert len(flat.path.read_bytes()) < len(second)
    assert [len(flat.load()), flat.load().info()['removed']] == [7, 0]
    index.save()
    assert sorted(p.name for p in flat.path.parent.iterdir()) == [
        '.gallery.df2g.lock', 'gallery.df2g']


class FullDisk:
    """Stands for ``gallery_file.write`` on a disk with room for so many bytes."""

    def __init__(self, room):
        self.room, self.real = room, gallery_file.write

    def __call__(self, file, data):
        data = memoryview(data).cast('B')
        if len(data) > self.room:
            self.real(file, data[:self.room])
            raise OSError(errno.ENOSPC, 'No space left on device')
        self.room -= len(data)
        return self.real(file, data)


@pytest.mark.parametrize('change', ('first save', 'append', 'compact'))
def test_disk_full_at_any_byte(flat, monkeypatch, change):
    index = flat.new(5)
    before = None
    if change != 'first save':
        index.save()
        before = flat.path.read_bytes()
    if change == 'append':
        index.add(vectors_of(4, seed=2), entries_of(4, first=5))
        index.remove('i2')
    expected, count = index.search(QUERIES), len(index)
    save = index.compact if change == 'compact' else index.save
    failures = 0
    for room in range(0, 4000, 37):
        with monkeypatch.context() as patch:
            patch.setattr(gallery_file, 'write', FullDisk(room))
            try:
                save()
                break
            except OSError as error:
                assert error.errno == errno.ENOSPC
                failures += 1
        assert (flat.path.read_bytes() if flat.path.exists() else None) == before
        assert index.search(QUERIES) == expected and len(index) == count
    assert failures > 10
    assert flat.load().search(QUERIES) == expected == index.search(QUERIES)
    assert not list(flat.path.parent.glob('*.tmp'))


def test_one_writer_at_a_time(flat):
    first = flat.new(5)
    first.save()
    second, third = flat.load(), flat.load()
    first.remove('i0')
    for change in (lambda: second.remove('i1'), second.compact,
                   lambda: second.add(vectors_of(1), entries_of(1, first=9))):
        with pytest.raises(BlockingIOError, match='another writer has unsaved changes'):
            change()
    assert len(second) == 5 and len(second.search(QUERIES)[0]) == 5
    first.save()
    # Free again, but it is no longer what the second has loaded.
    with pytest.raises(ValueError, match=r'changed by another process since it was '
                       'loaded: expected commit 0, got 1. Load it again'):
        second.remove('i1')
    second = flat.load()
    second.remove('i1')
    second.close()
    first.remove('i4')
    first.save()
    assert len(flat.load()) == 3
    flat.path.unlink()
    with pytest.raises(ValueError, match='was removed since it was loaded'):
        third.remove('i1')
    third.save(flat.path.with_name('other'))
    assert len(GalleryIndex.load(flat.path.with_name('other'))) == 5


def test_a_gallery_written_anew_is_another(flat):
    index = flat.new(5)
    index.save()
    other = flat.load()
    index.compact()
    with pytest.raises(ValueError, match='changed by another process'):
        other.remove('i1')
    # What it has mapped is there all the same.
    assert other.search(QUERIES) == index.search(QUERIES)


def test_readers_see_what_was_saved_when_they_loaded(flat):
    index = flat.new(300)
    index.save()
    reader = flat.load()
    expected = reader.search(QUERIES)
    for i in range(20):
        index.add(vectors_of(1, seed=i), entries_of(1, first=1000 + i))
        index.remove(f'i{i}')
        index.save()
    assert reader.search(QUERIES) == expected and len(reader) == 300
    assert flat.load().search(QUERIES) == index.search(QUERIES)


def test_thousands_of_small_additions(flat):
    index, vectors = flat.new(), vectors_of(2500)
    for i, entry in enumerate(entries_of(2500)):
        index.add(vectors[i:i + 1], [entry])
    assert len(index._backend.store.vectors().parts()) < 20
    index.save()
    other = GalleryIndex(18, 'model-a')
    other.add(vectors, entries_of(2500))
    assert index.search(QUERIES, where={'price': 3}) == other.search(
        QUERIES, where={'price': 3})
    assert flat.load().search(QUERIES) == other.search(QUERIES)


def test_saved_under_another_name(flat, tmp_path):
    index = flat.new(5)
    index.save()
    index.remove('i1')
    index.save(tmp_path / 'new' / 'copy.df2g')
    assert [len(flat.load()), len(GalleryIndex.load(tmp_path / 'new/copy.df2g'))] == [
        5, 4]
    index.remove('i2')
    index.save()
    assert len(GalleryIndex.load(tmp_path / 'new/copy.df2g')) == 3
    # The first is free for others.
    other = flat.load()
    other.remove('i1')
    with pytest.raises(FileExistsError, match='is there already'):
        index.save(flat.path)
    memory = GalleryIndex(18, 'model-a')
    with pytest.raises(ValueError, match='save needs a path'):
        memory.save()


@contextmanager
def unprivileged():
    """Root writes anywhere; another user does not."""
    is_root = not os.geteuid()
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_folder_that_cannot_be_written_to(flat):
    index = flat.new(5)
    index.save()
    index.close()
    folder = flat.path.parent
    (folder / '.gallery.df2g.lock').unlink()
    for parent in folder.parents[:2]:
        parent.chmod(0o755)
    folder.chmod(0o555)
    memory = GalleryIndex(18, 'model-a')
    memory.add(vectors_of(5), entries_of(5))
    with unprivileged():
        index = flat.load()
        with pytest.raises(PermissionError, match=str(folder)):
            index.remove('i1')
        with pytest.raises(PermissionError, match=str(folder)):
            memory.save(folder / 'other.df2g')
    folder.chmod(0o755)
    for opened in (index, memory):
        assert len(opened.search(QUERIES)[0]) == 5


def test_views_of_the_file_are_not_copies(flat):
    index = flat.new(5)
    index.save()
    [(first, vectors)] = flat.load()._backend.store.vectors().parts()
    assert (first, vectors.flags.writeable) == (0, False)
    assert vectors.ctypes.data % records.ALIGN == 0
    np.testing.assert_array_equal(vectors, vectors_of(5))
