"""df2mm installed both ways, each in an environment with the real openmim.

An environment sees the running one's packages behind its own, so that torch is not
fetched again. Installed is a copy of the checkout with one small model more, whose
weights a server on this machine has.
"""

import os
import re
import shutil
import subprocess
import sysconfig
import venv
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
INSTALLS = dict(wheel=['{tree}'], editable=['--editable', '{tree}'])
NAME = 'tiny_mim'
METAFILE = """
Collections:
  - Name: Tiny
    Metadata:
      Architecture: [FPN]
    README: README.md
Models:
  - Name: {name}
    In Collection: Tiny
    Config: configs/mim/{name}.py
    Metadata:
      Training Data: df2mm synthetic
      Epochs: 1
    Weights: {url}
"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope='session')
def published(tmp_path_factory):
    """The ``file`` that is to be served at ``url``."""
    folder = tmp_path_factory.mktemp('published')
    server = ThreadingHTTPServer(
        ('127.0.0.1', 0), partial(QuietHandler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(file=folder / f'{NAME}.pth',
                          url=f'http://127.0.0.1:{server.server_port}/{NAME}.pth')
    server.shutdown()
    server.server_close()


def copy_checkout(tree, weights, config):
    """What git has or would have, and the small model."""
    names = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split('\0')):
        # Deleted files stay listed until the next commit.
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    folder = tree / 'configs/mim'
    folder.mkdir()
    (folder / f'{NAME}.py').write_text(config)
    (folder / 'metafile.yml').write_text(METAFILE.format(name=NAME, url=weights))
    index = tree / 'model-index.yml'
    index.write_text(index.read_text().rstrip() + '\n  - configs/mim/metafile.yml\n')


def openmim():
    """What the extra ``mim`` of setup.cfg requires, with df2mm's setuptools."""
    setup = ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    own = setup['options']['install_requires'].split('\n')
    return [*filter(None, setup['options.extras_require']['mim'].split('\n')),
            *(line for line in own if line.startswith(('setuptools', 'numpy')))]


def make_environment(root):
    """A Python without packages that finds ours, all but df2mm."""
    venv.create(root / 'env', symlinks=True)
    inherited = root / 'inherited'
    inherited.mkdir()
    for entry in Path(sysconfig.get_path('purelib')).iterdir():
        if (not entry.name.startswith(('df2mm', '__editable__'))
                and entry.suffix != '.pth'):
            (inherited / entry.name).symlink_to(entry)
    site_packages, = (root / 'env').glob('lib/python*/site-packages')
    (site_packages / 'inherited.pth').write_text(f'{inherited}\n')


def environment():
    """Two run side by side, on one thread each and without a proxy between."""
    env = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    env.update(OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore', NO_PROXY='127.0.0.1',
               no_proxy='127.0.0.1', TORCH_HOME='torch_home')
    return env


def execute(root, *command):
    """Run a program of an environment in its folder ``work``."""
    program, *arguments = map(str, command)
    return subprocess.run(
        [root / 'env/bin' / program, *arguments], cwd=root / 'work', env=environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)


def install(root, arguments, weights, config):
    """Make the environment and install into it; gives the last pip's result."""
    for folder in ('work', 'tree'):
        (root / folder).mkdir()
    make_environment(root)
    copy_checkout(root / 'tree', weights, config)
    pip = ('python', '-m', 'pip', 'install', '--disable-pip-version-check',
           '--retries', '1')
    done = execute(root, *pip, *openmim())
    if done.returncode == 0:
        done = execute(root, *pip, '--no-deps',
                       *(argument.format(tree=root / 'tree') for argument in arguments))
    return done


@pytest.fixture(scope='session')
def installs(tmp_path_factory, published, tiny_training):
    """The folder of each kind of install: ``env``, ``tree`` and ``work``.

    The wheel's tree is gone, as it may be for who installed from it.
    """
    roots = {kind: tmp_path_factory.mktemp(kind) for kind in INSTALLS}
    config = tiny_training('..', 4, 'train_cfg = dict(val_interval=8)\n')
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(
            partial(install, weights=published.url, config=config),
            roots.values(), INSTALLS.values()))
    for done in results:
        if 'from versions: none' in done.stdout:
            missing = re.search(r'requirement (\S+)', done.stdout)[1]
            pytest.skip(f'no package registry that has {missing} is reachable')
        assert done.returncode == 0, done.stdout
    shutil.rmtree(roots['wheel'] / 'tree')
    return roots


@pytest.fixture(scope='session')
def both(installs):
    """Run a program of either environment, side by side; gives what it printed.

    Its folder keeps what earlier commands of the session left there.
    """
    def run(*command):
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(
                lambda root: execute(root, *command), installs.values()))
        for kind, done in zip(installs, results, strict=True):
            assert done.returncode == 0, f'{kind}: {command}\n{done.stdout}'
        return {kind: done.stdout
                for kind, done in zip(installs, results, strict=True)}
    return run


@pytest.fixture(scope='session')
def trained(both, synthetic_root):
    """What ``mim train`` printed; ``trained/epoch_1.pth`` is there afterwards."""
    return both('mim', 'train', 'df2mm', f'{NAME}.py', '--work-dir', 'trained',
                '--data-root', synthetic_root, '--cfg-options',
                'train_cfg.max_epochs=1')
