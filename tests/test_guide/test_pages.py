"""Every command of README.md and of docs/guide is run, or stands in a table."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from mmdet.registry import METRICS, MODELS
from mmengine.registry import DefaultScope

ROOT = Path(__file__).parents[2]
MIM = 'tests/test_mim/test_commands.py runs it'
INSTALLS = 'makes an environment: CI does it, and tests/test_mim for mim'
GPUS = ('ResNet on the real dataset: its config and arguments are read here; '
        'tests/test_configs.py trains a step of it, tests/test_tools/test_train.py '
        'with two processes')
#: How a command begins that is not run, and why.
NOT_RUN = {
    'make setup': INSTALLS,
    'make test': 'is what runs this',
    'make demo': 'tests/test_tools/test_demo.py runs it',
    '. .venv/bin/activate': INSTALLS,
    'pip install': INSTALLS,
    'uv pip install': INSTALLS,
    'mim list': MIM,
    'mim search': MIM,
    'mim download': MIM,
    'mim gridsearch': MIM,
    'torchrun': GPUS,
    'python tools/train.py configs/mask_rcnn/mask-rcnn_r50': GPUS,
    'python tools/web_demo.py': 'serves until it is stopped: here its arguments are '
                                'read; tests/test_web/test_tool.py starts it',
}
#: How a command begins that is run, but not as it stands; Workplace does it.
ALTERED = {
    'mim train df2mm': 'as tools/train.py CONFIG, which mim would start',
    'mim test df2mm': 'as tools/test.py CONFIG CHECKPOINT, which mim would start',
    'mim run df2mm': 'as the tool that it names, which mim would start',
    'python tools/data.py synthesize': 'with the 8 + 4 images of the fixture',
    'python tools/train.py': 'with SMALL_TRAINING',
    'python tools/test.py': 'with SMALL_TEST',
    'python tools/submit.py': 'with SMALL_TEST',
}
GUIDE = ('README', 'install', 'data', 'train', 'evaluate', 'zoo', 'retrieval', 'extend')
PAGES = ('README.md', *(f'docs/guide/{name}.md' for name in GUIDE))
#: Written by a command that is not run here.
NOT_WRITTEN = {'outputs/demo/index.html'}


def reason_not_to_run(command):
    return next((reason for start, reason in NOT_RUN.items()
                 if command.startswith(start)), None)


@pytest.fixture(scope='module')
def follow(pages, workplace):
    """Run a page, of the guide after those that it builds on."""
    followed = {}

    def run(path):
        if path.startswith('docs'):
            for before in PAGES[1:PAGES.index(path)]:
                follow_once(before)
        follow_once(path)

    def follow_once(path):
        if path not in followed:
            follow_page(pages(path), workplace, names_given(path))
            followed[path] = True

    return run


def names_given(path):
    """What the code of a page takes from its reader."""
    if path != 'README.md':
        return {}
    return dict(vectors=np.ones((1, 130), np.float32),
                queries=np.ones((1, 130), np.float32))


def follow_page(page, workplace, names):
    variables = {}
    for language, block in page.blocks:
        if language == 'python':
            workplace.run_code(block, names)
            continue
        for command in page.lines_of(block):
            if reason_not_to_run(command):
                workplace.check_arguments(command, variables)
            else:
                workplace.run(command, variables)
    if 'val_evaluator' in names:
        with workplace.inside(), DefaultScope.overwrite_default_scope('mmdet'):
            METRICS.build(names['val_evaluator'])


@pytest.mark.parametrize('path', PAGES)
def test_page_can_be_followed(path, pages, workplace, follow):
    follow(path)
    missing = [name for name in said_to_be_written(pages(path))
               if not (workplace.root / name).exists()]
    assert not missing


def said_to_be_written(page):
    """The files that a page names, but for those of commands that are not run."""
    text = re.sub(r'\\\n\s*', '', page.text)
    for command in filter(reason_not_to_run, page.commands()):
        text = text.replace(command, '')
    # What is given as a prefix of names is none itself.
    named = re.findall(
        r'(?<![\w./-])((?:outputs|work_dirs|my|data)(?:/[\w.-]+)+)(?![\w.$*/-])',
        text.replace('outfile_prefix=', 'outfile_prefix=.'))
    return {name.rstrip('.') for name in named} - NOT_WRITTEN


@pytest.mark.parametrize('start', [*NOT_RUN, *ALTERED])
def test_the_tables_are_of_commands_that_are_there(start, pages):
    assert any(command.startswith(start) for path in PAGES
               for command in pages(path).commands())


def test_nothing_of_the_pages_stays_loaded(follow):
    follow('docs/guide/extend.md')
    assert 'RankingMatchHead' not in MODELS.module_dict
    assert not [name for name in sys.modules if name.split('.')[0] == 'my']


def test_mim_commands_are_of_forms_that_mim_is_tried_with(pages):
    tried = ''.join(path.read_text() for path in (ROOT / 'tests/test_mim').glob('*.py'))
    commands = [command.split() for path in PAGES for command in pages(path).commands()
                if command.startswith('mim ')]
    assert {'train', 'test', 'run'} <= {words[1] for words in commands}
    assert [words for words in commands if f"'mim', '{words[1]}'" not in tried
            or words[2:3] not in ([], ['df2mm'])] == []


def test_every_page_of_the_guide_is_tested_and_linked(pages):
    folder = ROOT / 'docs/guide'
    assert {f'docs/guide/{path.name}' for path in folder.glob('*.md')} == set(PAGES[1:])
    index = pages('docs/guide/README.md').text
    assert re.findall(r'\]\((\w+)\.md\)', index) == list(GUIDE[1:])


@pytest.mark.parametrize('path', PAGES)
def test_links_lead_somewhere(path, pages):
    links = re.findall(r'\]\(([^)#]+)\)', pages(path).text)
    files = [link for link in links if '://' not in link]
    assert [link for link in files
            if not (ROOT / path).parent.joinpath(link).exists()] == []
