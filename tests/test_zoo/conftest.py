"""A zoo of one toy model, and a server that answers as a test says."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
import yaml

NAME = 'toy_r1_8e_synthetic'
COLLECTION = '''Collections:
  - Name: Toys
    README: README.md

Models:
  - Name: toy_r1_8e_synthetic
    In Collection: Toys
    Config: configs/toy/toy_r1_8e_synthetic.py
    Metadata:
      Training Data: toys synthetic
      Epochs: 8
  - Name: toy_r2_1x_deepfashion2
    In Collection: Toys
    Config: configs/toy/toy_r2_1x_deepfashion2.py
    Metadata:
      Training Data: DeepFashion2
      Epochs: 12
'''
CONFIG = '''data_root = 'data/toys/'
model = dict(type='ChannelMapper', in_channels=[4], out_channels=4, num_outs=1,
             norm_cfg=dict(type='BN'))
'''


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The root of an installed package that has two toy models and no card."""
    root = tmp_path / 'package/.mim'
    folder = root / 'configs/toy'
    folder.mkdir(parents=True)
    (root / 'model_zoo').mkdir()
    (root / 'model-index.yml').write_text('Import:\n  - configs/toy/metafile.yml\n')
    (folder / 'metafile.yml').write_text(COLLECTION)
    for model in yaml.safe_load(COLLECTION)['Models']:
        (root / model['Config']).write_text(CONFIG)
    monkeypatch.setattr('df2mm.zoo.places._ROOTS', (root,))
    monkeypatch.setenv('DF2MM_HOME', str(tmp_path / 'home'))
    monkeypatch.delenv('DF2MM_ZOO', raising=False)
    return root


@pytest.fixture
def state(root):
    """Of the toy model, with values."""
    from df2mm.zoo.models import build_untrained
    torch.manual_seed(0)
    state = build_untrained(root / f'configs/toy/{NAME}.py').state_dict()
    return {name: torch.rand_like(value) if value.is_floating_point() else value + 7
            for name, value in state.items()}


@pytest.fixture
def training(state, tmp_path):
    """What a training leaves: its checkpoint and its log."""
    path, log = tmp_path / 'epoch_8.pth', tmp_path / 'run.log'
    torch.save(dict(state_dict=state, optimizer=dict(step=1), meta=dict(epoch=8)), path)
    log.write_text('Epoch(train) [8][100/100]\n')
    return path, log


@pytest.fixture
def card(root, training):
    """Of the published toy model."""
    from df2mm.zoo.publishing import publish
    checkpoint, log = training
    return publish(NAME, checkpoint, [log], data='tools/data.py synthesize data/toys',
                   training='one minute on a CPU')


class Server(ThreadingHTTPServer):
    """Calls ``answer(request, count)``; keeps what was asked in ``asked``."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.answer, self.asked = None, []
        self.url = f'http://127.0.0.1:{self.server_port}'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get('Range')))
        self.server.answer(self, len(self.server.asked))

    def log_message(self, *args):
        pass

    def send(self, body, status=200, length=None, headers=()):
        """Send a body, whose length may be said wrongly; -1 says none."""
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if length != -1:
            self.send_header('Content-Length', len(body) if length is None else length)
        self.end_headers()
        self.wfile.write(body)

    def send_range(self, data, stop=None):
        """Send what was asked for, up to a byte where the connection breaks."""
        asked = self.headers.get('Range')
        start = int(asked.removeprefix('bytes=').removesuffix('-')) if asked else 0
        headers = {'Content-Range': f'bytes {start}-{len(data) - 1}/{len(data)}'}
        self.send(data[start:stop], 206 if asked else 200, len(data) - start,
                  headers if asked else ())


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
