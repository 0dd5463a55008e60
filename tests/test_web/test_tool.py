"""tools/web_demo.py as a user calls it."""

import re
import socket
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

pytest.importorskip('gradio', reason="gradio is missing: pip install 'df2mm[web]'")

from df2mm.retrieval import GalleryIndex

TOOL = Path(__file__).parents[2] / 'tools/web_demo.py'


@pytest.fixture(scope='module')
def gallery_file(gallery, tmp_path_factory):
    path = tmp_path_factory.mktemp('gallery') / 'my shop.gallery'
    gallery.save(path)
    gallery.close()
    return path


@pytest.fixture
def tool():
    spec = spec_from_file_location('web_demo', TOOL)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def call(tool, model_files, gallery_file, images_root, monkeypatch):
    """Run the tool with other options than the right ones."""
    def called(**changed):
        options = dict(gallery=gallery_file, images_root=images_root,
                       examples=images_root, port=0, device='cpu')
        words = [f'--{name.replace("_", "-")}={value}'
                 for name, value in (options | changed).items()]
        monkeypatch.setattr(sys, 'argv', ['web_demo.py', *map(str, model_files),
                                          *words])
        tool.main()
    return called


def test_it_serves_until_it_is_stopped(call, tool, monkeypatch, capsys):
    pages = []

    def wait():
        (address,) = re.findall(r'Open (\S+) in a browser', capsys.readouterr().out)
        with build_opener(ProxyHandler({})).open(f'{address}config') as answer:
            pages.append(answer.read().decode())
        raise KeyboardInterrupt

    monkeypatch.setattr(tool, 'wait', wait)
    call()
    assert 'my shop</b>, 16 garments' in pages[0]
    assert capsys.readouterr().out.endswith('stopped\n')


@pytest.mark.parametrize('changed, message', [
    (dict(images_root='nowhere'), 'images root not found: nowhere'),
    (dict(gallery='no.gallery'), 'no.gallery'),
    (dict(examples='nowhere'), 'image not found'),
    (dict(port=70000), 'port must be in 0..65535, got 70000'),
    (dict(host='203.0.113.1'), 'cannot be served at 203.0.113.1'),
    (dict(max_megabytes=0), 'megabytes must be positive'),
    (dict(score_thr=2), 'score_thr must be in 0..1, got 2.0'),
])
def test_mistakes_are_one_line(call, changed, message):
    with pytest.raises(SystemExit, match=r'^web_demo\.py: error: ') as stopped:
        call(**changed)
    assert message in stopped.value.code and '\n' not in stopped.value.code


def test_a_port_that_is_taken_is_told_at_once(call):
    with socket.create_server(('127.0.0.1', 0)) as taken, \
            pytest.raises(SystemExit, match=r'in use\. Give another --port'):
        call(port=taken.getsockname()[1])


def test_a_gallery_of_another_model_is_told(call, gallery, tmp_path):
    path = tmp_path / 'other.gallery'
    GalleryIndex(gallery.dims, 'another').save(path)
    with pytest.raises(SystemExit, match="got 'another' in gallery other"):
        call(gallery=path)
