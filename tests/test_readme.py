import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / 'README.md').read_text()
BLOCKS = '\n'.join(re.findall(r'```bash\n(.*?)```', README, re.S)).replace('\\\n', ' ')
DATA_COMMANDS = [line for line in BLOCKS.splitlines()
                 if line.startswith('python tools/data.py')]


def test_what_the_readme_names_is_there():
    named = set(re.findall(r'(?:tools|configs|docs|df2mm)/[\w./-]+\.\w+', README))
    assert len(named) >= 6
    assert not [name for name in named if not (ROOT / name).exists()]


def test_make_targets_exist():
    targets = set(re.findall(r'^make (\w+)', BLOCKS, re.M))
    assert targets == {'demo', 'test', 'setup'}
    makefile = (ROOT / 'Makefile').read_text()
    assert all(re.search(rf'^{target}:', makefile, re.M) for target in targets)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Where data/synthetic is small and stands in for the real dataset too."""
    root = tmp_path_factory.mktemp('readme')
    (root / 'tools').symlink_to(ROOT / 'tools')
    (root / 'data').mkdir()
    (root / 'data/deepfashion2').symlink_to('synthetic')
    return root


def test_the_data_commands_run_in_their_order(folder):
    assert len(DATA_COMMANDS) >= 6
    for line in DATA_COMMANDS:
        line = line.replace('--train 2000 --val 500', '--train 6 --val 4')
        command = [sys.executable, *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    assert (folder / 'outputs/browse/contact_sheet.jpg').exists()
    assert (folder / 'outputs/stats.png').exists()
    assert (folder / 'data/synthetic/annotations/validation.json').exists()
