import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pycocotools import mask as mask_api

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / 'README.md').read_text()
BLOCKS = '\n'.join(re.findall(r'```bash\n(.*?)```', README, re.S)).replace('\\\n', ' ')
DATA_COMMANDS, EVAL_COMMANDS = (
    [line for line in BLOCKS.splitlines() if line.startswith(f'python tools/{tool}.py')]
    for tool in ('data', 'eval_results'))


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


def test_the_eval_commands_run(folder):
    """On results that are the annotation itself."""
    assert len(EVAL_COMMANDS) >= 2
    if not (folder / 'data/synthetic/annotations/validation.json').exists():
        test_the_data_commands_run_in_their_order(folder)
    truth = json.loads(
        (folder / 'data/synthetic/annotations/validation.json').read_text())
    sizes = {row['id']: (row['height'], row['width']) for row in truth['images']}
    results = dict(bbox=[], segm=[])
    for row in truth['annotations']:
        common = dict(image_id=row['image_id'], category_id=row['category_id'],
                      score=0.9)
        results['bbox'].append(dict(common, bbox=row['bbox']))
        mask = mask_api.merge(mask_api.frPyObjects(
            row['segmentation'], *sizes[row['image_id']]))
        results['segm'].append(dict(common, segmentation=dict(
            size=mask['size'], counts=mask['counts'].decode())))
    (folder / 'outputs').mkdir(exist_ok=True)
    for task, rows in results.items():
        (folder / f'outputs/results.{task}.json').write_text(json.dumps(rows))
    for line in EVAL_COMMANDS:
        command = [sys.executable, *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    metrics = json.loads((folder / 'outputs/metrics.json').read_text())
    assert metrics['df2/bbox_mAP'] == pytest.approx(1)
    assert (folder / 'outputs/plots/errors.html').exists()
