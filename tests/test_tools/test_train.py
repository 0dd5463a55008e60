"""tools/train.py and tools/test.py on the smallest model there is."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
# 8 images, 2 a batch: 4 iterations an epoch, 3 epochs.
SCHEDULE = """
train_cfg = dict(max_epochs=3, val_interval=3)
default_hooks = dict(logger=dict(interval=1))
"""


@pytest.fixture(autouse=True)
def one_thread():
    """As in the processes that the tests start: sums in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def config(tmp_path_factory, tiny_training):
    path = tmp_path_factory.mktemp('config') / 'tiny.py'
    path.write_text(tiny_training(ROOT / 'configs', 2, SCHEDULE))
    return path


@pytest.fixture
def run(monkeypatch, synthetic_root):
    """Run a tool in this process, which has imported everything already."""
    def run(tool, *args):
        monkeypatch.setattr(sys, 'argv', [
            f'{tool}.py', *map(str, args), '--data-root', str(synthetic_root)])
        spec = importlib.util.spec_from_file_location(tool, ROOT / f'tools/{tool}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main()
    return run


def start(*command, **kwargs):
    """Start a Python process that uses one thread; its output in one pipe."""
    return subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=ROOT, text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **kwargs)


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


def assert_same_weights(a, b):
    a, b = weights(a), weights(b)
    assert a.keys() == b.keys()
    assert [key for key in a if not torch.equal(a[key], b[key])] == []


@pytest.mark.parametrize('num_workers', [0, 2])
def test_killed_and_resumed_equals_unbroken(
        num_workers, config, run, synthetic_root, tmp_path):
    options = ['--cfg-options', f'train_dataloader.num_workers={num_workers}',
               'train_cfg.val_begin=9']
    run('train', config, '--work-dir', tmp_path / 'unbroken', *options)

    broken = tmp_path / 'broken'
    process = start('tools/train.py', config, '--work-dir', broken, '--data-root',
                    synthetic_root, *options)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if 'Epoch(train) [2][2/4]' in line:
            process.kill()
    assert process.wait() == -9, ''.join(lines)
    assert sorted(p.name for p in broken.glob('*.pth')) == ['epoch_1.pth']

    run('train', config, '--work-dir', broken, '--resume', *options)
    assert_same_weights(tmp_path / 'unbroken/epoch_3.pth', broken / 'epoch_3.pth')
    # Otherwise equality would prove nothing.
    first, last = (weights(broken / f'epoch_{n}.pth') for n in (1, 3))
    assert not torch.equal(first['rpn_head.rpn_cls.weight'],
                           last['rpn_head.rpn_cls.weight'])


def test_a_checkpoint_cut_short_is_passed_over(config, run, tmp_path):
    args = [config, '--work-dir', tmp_path, '--resume', '--cfg-options',
            'train_cfg.max_epochs=2', 'train_cfg.val_begin=9']
    run('train', *args)  # nothing to resume: it starts from the beginning
    torn, whole = tmp_path / 'epoch_2.pth', tmp_path / 'whole.pth'
    whole.write_bytes(torn.read_bytes())
    torn.write_bytes(whole.read_bytes()[:-1000])
    assert (tmp_path / 'last_checkpoint').read_text() == str(torn)
    run('train', *args)
    assert_same_weights(torn, whole)


def test_mixed_precision_options_and_testing(config, run, tmp_path, caplog):
    work_dir = tmp_path / 'run'
    # base_batch_size is 8, a step sees 2 batches of 2: half the rate of 0.2.
    run('train', config, '--work-dir', work_dir, '--amp', '--auto-scale-lr',
        '--accumulate', 2, '--cfg-options', 'train_cfg.max_epochs=1',
        'optim_wrapper.optimizer.lr=0.2', 'optim_wrapper.optimizer.type=SGD',
        'param_scheduler=[]')
    saved = torch.load(work_dir / 'epoch_1.pth', weights_only=True)
    rates = {group['lr'] for group in saved['optimizer']['param_groups']}
    assert sorted(rates) == pytest.approx([0.1 * 0.3, 0.1])
    assert "type='CPUAmpOptimWrapper'" in saved['meta']['cfg']

    run('test', config, work_dir / 'epoch_1.pth', '--work-dir', work_dir,
        '--out', tmp_path / 'metrics.json', '--dump', tmp_path / 'predictions.pkl',
        '--show-dir', tmp_path / 'pictures')
    report = json.loads((tmp_path / 'metrics.json').read_text())
    assert {'df2/bbox_mAP', 'df2/segm_mAP'} <= report['metrics'].keys()
    assert report['checkpoint'] == str(work_dir / 'epoch_1.pth')
    assert (tmp_path / 'predictions.pkl').stat().st_size > 0
    assert sorted(p.name for p in (tmp_path / 'pictures').iterdir()) == [
        f'{n:06d}.jpg' for n in range(1, 5)]


def test_two_processes_over_gloo_end_with_the_same_weights(
        config, synthetic_root, tmp_path):
    process = start(
        '-m', 'torch.distributed.run', '--nproc_per_node', '2', '--master_port',
        '29511', 'tools/train.py', config, '--launcher', 'pytorch', '--work-dir',
        tmp_path, '--data-root', synthetic_root, '--cfg-options',
        'train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
        'default_hooks.checkpoint.save_best=df2/segm_mAP_50')
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output[-3000:]
    # 8 images, 2 a batch, on 2 processes.
    assert 'Epoch(train) [1][2/2]' in output
    assert 'df2/bbox_mAP' in output
    assert (tmp_path / 'epoch_1.pth').is_file()
    assert (tmp_path / 'best_df2_segm_mAP_50_epoch_1.pth').is_file()


@pytest.mark.parametrize(('tool', 'args', 'message'), [
    ('train', ['no/such.py'], 'train.py: error: config not found: no/such.py'),
    ('train', ['CONFIG', '--resume', 'no.pth'], 'checkpoint not found: no.pth'),
    ('train', ['CONFIG', '--resume', 'CONFIG'], 'is not a whole checkpoint'),
    ('train', ['CONFIG', '--cfg-options', 'model'], "takes KEY=VALUE, got 'model'"),
    ('train', ['CONFIG', '--cfg-options', 'model.type=NoNet'], 'NoNet is not in the'),
    ('train', ['CONFIG', '--cfg-options', 'train_dataloader.dataset.ann_file=no.json'],
     'no.json'),
    ('train', ['CONFIG', '--launcher', 'pytorch'], 'runs under torchrun'),
    ('test', ['no/such.py', 'no.pth'], 'test.py: error: config not found'),
    ('test', ['CONFIG', 'no.pth'], 'checkpoint not found: no.pth'),
    ('test', ['CONFIG', 'CONFIG'], 'is not a whole checkpoint'),
    ('test', ['CONFIG', 'OTHER'], 'does not load into the model'),
])
def test_a_users_mistake_is_one_line(
        tool, args, message, config, run, tmp_path, monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    other = tmp_path / 'other.pth'
    torch.save(dict(state_dict=dict(weight=torch.ones(1))), other)
    args = [{'CONFIG': str(config), 'OTHER': str(other)}.get(arg, arg) for arg in args]
    with pytest.raises(SystemExit) as caught:
        run(tool, *args, '--work-dir', tmp_path)
    assert message in caught.value.code
    assert '\n' not in caught.value.code


def test_a_missing_image_is_one_line_on_stderr(config, run, synthetic_root, tmp_path):
    with pytest.raises(SystemExit) as caught:
        run('train', config, '--work-dir', tmp_path, '--cfg-options',
            'train_dataloader.dataset.data_prefix.img=nowhere/',
            'train_dataloader.num_workers=1')
    assert 'nowhere' in caught.value.code
    assert '\n' not in caught.value.code


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_help_is_quick_and_without_gpus(tool):
    # mim reads it, and adds an option of its own if it finds this word.
    code = (f'import sys, runpy; sys.argv = ["{tool}.py", "-h"]\n'
            f'try: runpy.run_path("tools/{tool}.py", run_name="__main__")\n'
            'except SystemExit as end: assert end.code == 0\n'
            'assert not {"torch", "mmengine", "df2mm"} & sys.modules.keys()')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    assert '--launcher' in done.stdout
    assert '--gpus' not in done.stdout
