"""Runs what the pages say, in a folder that is laid out as the checkout is.

Tools run in this process, which has imported everything already: a process each would
take most of the time. What they would find in a new one is put in place before, and
what they leave behind is taken back.
"""

import importlib
import inspect
import io
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from mmdet import registry
from mmengine.utils import ManagerMixin

from df2mm.engine import read_config

ROOT = Path(__file__).parents[2]
#: What is added to a command to make it small, and changes nothing else: eight tiny
#: images are an epoch of one batch, and only the last epoch's checkpoint is written.
SMALL_TRAINING = (
    'train_dataloader.num_workers=0', 'train_dataloader.dataset.workers=1',
    'train_dataloader.dataset.pipeline.{resize}.scale=(64, 64)',
    'val_dataloader.num_workers=0', 'val_dataloader.persistent_workers=False',
    'val_dataloader.dataset.workers=1', 'val_evaluator.workers=1',
    'model.train_cfg.rcnn.sampler.num=16', 'default_hooks.checkpoint.interval=1000')
#: So few steps leave all scores low, and a retrieval file wants 20 garments.
SMALL_TEST = (
    'test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False',
    'test_dataloader.dataset.workers=1', 'test_evaluator.workers=1',
    'model.test_cfg.rcnn.score_thr=0.0', 'test_evaluator.retrieval.score_thr=0.0')
#: The images of the fixture, which are then there already.
SMALL_DATA = {'--train 5000': '--train 8', '--val 500': '--val 4'}
#: Programs of the system that a page may use.
PROGRAMS = ('printf',)


class Page:
    """The code of a Markdown page.

    Attributes:
        blocks (list[tuple[str, str]]): Language and text, of bash and Python.
    """

    def __init__(self, path):
        self.text = path.read_text()
        self.blocks = re.findall(r'^```(bash|python)\n(.*?)^```$', self.text,
                                 re.MULTILINE | re.DOTALL)

    def commands(self):
        """The lines of all bash blocks."""
        return [line for language, block in self.blocks if language == 'bash'
                for line in self.lines_of(block)]

    @staticmethod
    def lines_of(block):
        """Commands of a bash block: continued lines joined, comments left out."""
        lines = re.sub(r'\\\n\s*', '', block).splitlines()
        lines = (re.sub(r'(^|\s+)# .*', '', line).strip() for line in lines)
        return [line for line in lines if line]


class Workplace:
    """A folder, and what was done there.

    Attributes:
        root (Path): The folder.
    """

    def __init__(self, root):
        self.root = root
        self._done = set()

    def run(self, line, variables):
        """Run a command, or set a variable; the second time it is not run again.

        Args:
            line (str): Of a page.
            variables (dict[str, str]): Of the page; changed.
        """
        line = expanded(line, variables)
        if found := re.fullmatch(r'(\w+)=(?:\$\((.*)\)|(\S+))', line):
            name, command, value = found.groups()
            variables[name] = self._call(command).strip() if command else value
        elif line not in self._done:
            self._call(line)
            self._done.add(line)

    def check_arguments(self, line, variables):
        """Let a tool read the arguments of a command, and the config that it names."""
        words = shlex.split(expanded(line, variables))
        tool, args = tool_of(words)
        if tool is None:
            return
        with self.inside(tool, args):
            parse = runpy.run_path(f'tools/{tool}.py')['parse_args']
            args = parse(*[args][:len(inspect.signature(parse).parameters)])
            if hasattr(args, 'config'):
                read_config(config_path(args.config), args.cfg_options)

    def run_code(self, code, names):
        """Run Python code; what names its file in the first line becomes that file.

        Args:
            code (str): Of a page.
            names (dict): What the page's code has defined; changed.
        """
        if found := re.match(r'# (my/\S+\.py)\n', code):
            path = self.root / found[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
            return
        with self.inside():
            exec(compile(code, '<code of a page>', 'exec'), names)

    def _call(self, line):
        """Run a command; returns what it wrote to stdout."""
        words = shlex.split(line)
        environment = {}
        while '=' in words[0]:
            name, _, value = words.pop(0).partition('=')
            environment[name] = value
        tool, args = tool_of(words)
        if tool is not None:
            return self._call_tool(tool, args, environment)
        if words[:2] == ['python', '-c']:
            with self.inside('-c', ()), redirect_stdout(io.StringIO()) as out:
                exec(words[2], {})
            return out.getvalue()
        assert words[0] in PROGRAMS, (
            f'{line}: expected a tool of ours, mim or {PROGRAMS}. Add it to NOT_RUN, '
            'with the reason, or teach it to Workplace')
        return subprocess.run(['bash', '-ec', line], cwd=self.root, check=True,
                              capture_output=True, text=True).stdout

    def _call_tool(self, tool, args, environment):
        status = None
        with self.inside(tool, args, environment), redirect_stdout(
                io.StringIO()) as out:
            args = [path for arg in small(tool, args) for path in matching(arg)]
            sys.argv[1:] = args
            try:
                runpy.run_path(f'tools/{tool}.py', run_name='__main__')
            except SystemExit as stopped:
                status = stopped.code
        # For the report of a test that fails.
        sys.stdout.write(out.getvalue())
        assert not status, f'tools/{tool}.py {shlex.join(args)}: {status}'
        self._check_written(tool, args)
        return out.getvalue()

    def _check_written(self, tool, args):
        """What a tool is told to write is there."""
        if args[:1] == ['build']:
            assert (self.root / args[1]).is_file()
        if tool == 'train':
            folder = self.root / 'work_dirs' / Path(args[0]).stem
            if '--work-dir' in args:
                folder = self.root / args[args.index('--work-dir') + 1]
            assert list(folder.glob('epoch_*.pth'))
        for option, value in pairwise(args):
            if option in ('--out', '--out-dir', '--sheets', '--plots', '--json',
                          '--show-dir', '--to', '--work-dir'):
                assert (self.root / value).exists(), f'{option} {value}'

    @contextmanager
    def inside(self, tool='code', args=(), environment=None):
        """Arguments, folder, environment and singletons of a new process."""
        kept, modules = dict(os.environ), set(sys.modules)
        environment = environment or {}
        try:
            with pytest.MonkeyPatch.context() as patch:
                os.environ.update(environment, DF2MM_HOME=str(self.root / 'home'))
                os.environ.pop('DF2MM_ZOO', None)
                patch.chdir(self.root)
                patch.setattr(sys, 'argv', [f'tools/{tool}.py', *args])
                patch.setattr(sys, 'path', sys.path + [
                    str(self.root / path)
                    for path in environment.get('PYTHONPATH', '').split(':') if path])
                importlib.invalidate_caches()
                # The zoo is the copy, which a page may publish to.
                patch.setattr('df2mm.zoo.places._ROOTS', (self.root,))
                for kind in subclasses(ManagerMixin):
                    patch.setattr(kind, '_instance_dict', type(kind._instance_dict)())
                yield
        finally:
            os.environ.clear()
            os.environ.update(kept)
            self._forget(sys.modules.keys() - modules)

    def _forget(self, modules):
        """Unload and unregister those of these modules that are of the folder."""
        own = {name for name in modules if any(
            str(path).startswith(str(self.root)) for path in [
                getattr(sys.modules[name], '__file__', None),
                *getattr(sys.modules[name], '__path__', ())])}
        for name in own:
            del sys.modules[name]
        for module_dict in (part._module_dict for part in vars(registry).values()
                            if isinstance(part, registry.MODELS.__class__)):
            for name in [name for name, kind in module_dict.items()
                         if kind.__module__ in own]:
                del module_dict[name]


def expanded(line, variables):
    """A line with the page's variables in place."""
    return re.sub(r'\$(\w+)', lambda found: variables.get(found[1], found[0]), line)


def tool_of(words):
    """The tool that a command runs, and its arguments; mim's and torchrun's too."""
    if words[0] == 'mim' and words[1] in ('train', 'test'):
        args = [config_path(words[3]), *words[4:]]
        if words[1] == 'test':
            place = args.index('--checkpoint')
            args[1:place + 2] = [args[place + 1], *args[1:place]]
        return words[1], args
    if words[:3] == ['mim', 'run', 'df2mm']:
        return words[3], words[4:]
    if words[0] in ('python', 'torchrun'):
        for place, word in enumerate(words):
            if found := re.fullmatch(r'tools/(\w+)\.py', word):
                return found[1], words[place + 1:]
    return None, words


def config_path(name):
    """A path as it is, a name as mim takes it."""
    found = list(ROOT.glob(f'configs/*/{name}'))
    return f'configs/{found[0].parent.name}/{name}' if found else name


def small(tool, args):
    """The arguments with what makes the command small."""
    if tool == 'data':
        line = shlex.join(args)
        for large, less in SMALL_DATA.items():
            line = line.replace(large, less)
        return shlex.split(line)
    options = dict(train=SMALL_TRAINING, test=SMALL_TEST, submit=SMALL_TEST).get(tool)
    # The figures of a card are measured without any option.
    if options is None or any(option == '--out' and value.startswith('model_zoo/')
                              for option, value in pairwise(args)):
        return args
    if tool == 'train':
        pipeline = read_config(args[0]).train_dataloader.dataset.pipeline
        resize = [step.type for step in pipeline].index('Resize')
        options = [option.format(resize=resize) for option in options]
    if '--cfg-options' not in args:
        return [*args, '--cfg-options', *options]
    place = args.index('--cfg-options') + 1
    return [*args[:place], *options, *args[place:]]


def matching(arg):
    """The files that a pattern fits, or else the argument itself."""
    found = sorted(map(str, Path().glob(arg))) if re.fullmatch(
        r'[\w./-]*\*[\w./*-]*', arg) else []
    return found or [arg]


def subclasses(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


@pytest.fixture(scope='session')
def pages():
    """Reads a page, by its path from the root of the checkout."""
    return lambda path: Page(ROOT / path)


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    """Several spin while they wait, and take many times as long on a busy machine.

    The tools prevent it before torch is imported, which is too late here.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='session')
def workplace(tmp_path_factory, synthetic_root):
    """A checkout with the small dataset, not converted, in place of both."""
    root = tmp_path_factory.mktemp('guide')
    for name in ('configs', 'tools', 'model_zoo'):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(
            '__pycache__', 'cc0_photos'))
    shutil.copy(ROOT / 'model-index.yml', root)
    (root / 'df2mm').symlink_to(ROOT / 'df2mm')
    data = root / 'data/synthetic'
    shutil.copytree(synthetic_root, data, ignore=shutil.ignore_patterns('annotations'))
    for name in ('train', 'validation', 'json_for_validation'):
        (root / 'data/deepfashion2').mkdir(exist_ok=True)
        (root / f'data/deepfashion2/{name}').symlink_to(data / name)
    # The reader's own.
    (root / 'photos').mkdir()
    for name in ('skirt_00.jpg', 'tshirt_01.jpg'):
        shutil.copy(ROOT / 'df2mm/data/cc0_photos' / name, root / 'photos')
    return Workplace(root)
