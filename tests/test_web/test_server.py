"""The page as a server: what can be fetched from it, and what cannot."""

import json
import os
import socket
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pytest

gr = pytest.importorskip('gradio', reason="gradio is missing: pip install 'df2mm[web]'")
httpx = pytest.importorskip('httpx')

from df2mm.web import Limits  # noqa: E402
from df2mm.web.examples import Example, read_examples  # noqa: E402
from df2mm.web.page import build_page  # noqa: E402
from df2mm.web.server import free_port, serving  # noqa: E402


class FakeFinder:
    """Of a gallery of 1234; nothing is asked of it here."""

    name = 'sho<p>'

    def __len__(self):
        return 1234


@pytest.fixture(scope='module')
def client(tmp_path_factory):
    example = Example('/nowhere/secret.jpg', np.zeros((9, 9, 3), np.uint8))
    with serving(FakeFinder(), None, [example], port=0,
                 limits=Limits(megabytes=0.1)) as address, \
            httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        yield client


def test_the_page_names_the_gallery_and_no_path(client):
    config = client.get('/config').text
    assert 'Gallery <b>sho&lt;p&gt;</b>, 1,234 garments' in json.loads(config)[
        'components'][0]['props']['value']
    assert client.get('/').status_code == 200
    for text in ('/nowhere', 'secret.jpg', 'googleapis', os.getcwd()):
        assert text not in config + client.get('/').text
    assert not json.loads(config)['analytics_enabled']


@pytest.mark.parametrize('path', [
    '/etc/passwd', 'setup.cfg', '../../../../etc/passwd', '/proc/self/environ',
    'configs/default_runtime.py', 'OWN/../../etc/passwd', 'file:///etc/passwd',
    'http://127.0.0.1/', 'OWN', 'work/model.pth', 'shop.gallery'])
def test_files_are_refused(client, path):
    path = path.replace('OWN', os.environ['GRADIO_TEMP_DIR'])
    for name in (path, quote(path, safe=''), os.path.abspath(path)):
        for route in ('file=', 'file/'):
            answer = client.get(f'/gradio_api/{route}{name}')
            assert answer.status_code in (400, 403, 404), answer.text


def test_an_upload_is_limited(client):
    def upload(size):
        return client.post('/gradio_api/upload', files=dict(
            files=('photo.jpg', bytes(size), 'image/jpeg')))
    allowed = upload(1000)
    assert allowed.status_code == 200
    assert allowed.json()[0].startswith(os.environ['GRADIO_TEMP_DIR'])
    assert upload(200_000).status_code == 413


@pytest.mark.parametrize('path', ['/etc/passwd', 'http://127.0.0.1:1/a.jpg'])
def test_events_cannot_name_files(client, path):
    answer = client.post('/gradio_api/queue/join', json=dict(
        data=[dict(path=path, meta={'_type': 'gradio.FileData'})], fn_index=0,
        session_hash='x'))
    assert answer.status_code == 403


@pytest.mark.parametrize('path', ['/docs', '/openapi.json', '/monitoring/summary',
                                  '/gradio_api/openapi.json', '/gradio_api/runs'])
def test_nothing_more_is_served(client, path):
    assert client.get(path).status_code == 404


def test_only_this_machine_is_let_in(client):
    assert client.base_url.host == '127.0.0.1'
    policy = client.get('/').headers['content-security-policy']
    assert policy.startswith("default-src 'self'") and 'http' not in policy


def test_a_port_that_is_taken_is_an_error():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f'at 127.0.0.1 port {port}: .* in use'):
            free_port('127.0.0.1', port)
    assert free_port('127.0.0.1', port) == port


@pytest.mark.parametrize('host', ['no.such.host.invalid', '203.0.113.1'])
def test_an_address_of_elsewhere_is_an_error(host):
    with pytest.raises(OSError, match=f'cannot be served at {host} port 7860'):
        free_port(host, 7860)


@pytest.mark.parametrize('port', [-1, 70_000])
def test_a_port_has_a_range(port):
    with pytest.raises(ValueError, match=f'port must be in 0..65535, got {port}'):
        free_port('127.0.0.1', port)


@pytest.mark.parametrize('options, message', [
    (dict(score_thr=1.5), r'score_thr must be in 0\.\.1, got 1\.5'),
    (dict(count=0), r'count must be in 1\.\.60, got 0')])
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        build_page(FakeFinder(), SimpleNamespace(), [], **options)


def test_examples_are_the_photos_of_a_folder(images_root, tmp_path):
    examples = read_examples(images_root, 10 ** 7)
    assert len(examples) == 4 and max(examples[0].thumbnail.shape) == 160
    assert examples[0].read()[:2] == b'\xff\xd8'
    (tmp_path / 'a.jpg').write_bytes(b'text')
    with pytest.raises(ValueError, match=r'none of the pictures in .* can be read'):
        read_examples(tmp_path, 10 ** 7)
