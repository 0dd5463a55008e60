"""Each command of mim, on what pip installed."""

import json

import pytest
import torch
import yaml

import df2mm
from df2mm import zoo

NAME = 'tiny_mim'


def models(installs):
    """What the metafiles list."""
    tree = installs['editable'] / 'tree'
    index = yaml.safe_load((tree / 'model-index.yml').read_text())
    return [model for path in index['Import']
            for model in yaml.safe_load((tree / path).read_text())['Models']]


@pytest.fixture(scope='module')
def weights(trained, installs, published):
    """The trained weights, published where the metafile says."""
    checkpoint = torch.load(installs['wheel'] / 'work/trained/epoch_1.pth')
    state = dict(meta={}, state_dict=checkpoint['state_dict'])
    torch.save(state, published.file)
    return published.file


def test_list(both):
    for printed in both('mim', 'list').values():
        rows = [line.split() for line in printed.splitlines()]
        assert ['df2mm', df2mm.__version__] in [row[:2] for row in rows]
        assert 'mmdet' in [row[0] for row in rows if row]


def test_search_finds_every_model(both, installs):
    for printed in both('mim', 'search', 'df2mm', '--valid-config').values():
        names = yaml.safe_load(printed.splitlines()[-1])
        assert sorted(names) == sorted({model['Name'] for model in models(installs)})


def test_search_selects(both, published):
    printed = both('mim', 'search', 'df2mm', '--model', 'tiny', '--field', 'weight',
                   'epochs', '--display-width', '200')
    for text in printed.values():
        assert text.count('config id: ') == 1
        assert f'config id: {NAME}' in text
        assert published.url in text


def test_train(trained, installs):
    for kind, printed in trained.items():
        assert 'Training finished successfully' in printed
        assert '--gpus' not in printed
        # The config, found by its name, is the install's own.
        owner = 'tree' if kind == 'editable' else 'env'
        assert f"will use {installs[kind] / owner}" in printed
        assert (installs[kind] / 'work/trained/epoch_1.pth').exists()


def test_test(trained, both, installs, synthetic_root):
    printed = both('mim', 'test', 'df2mm', f'{NAME}.py', '--checkpoint',
                   'trained/epoch_1.pth', '--work-dir', 'tested', '--data-root',
                   synthetic_root, '--out', 'metrics.json')
    for kind, text in printed.items():
        assert 'Testing finished successfully' in text
        metrics = json.loads((installs[kind] / 'work/metrics.json').read_text())
        assert 0 <= metrics['metrics']['df2/bbox_mAP'] <= 1


def test_run(both, installs, synthetic_root):
    printed = both('mim', 'run', 'df2mm', 'data', 'check', synthetic_root,
                   '--split', 'validation', '--workers', '1', '--json', 'check.json')
    for kind, text in printed.items():
        assert 'The script finished successfully' in text
        assert (installs[kind] / 'work/check.json').exists()


def test_gridsearch(both, installs, synthetic_root):
    both('mim', 'gridsearch', 'df2mm', f'{NAME}.py', '--work-dir', 'grid',
         '--data-root', synthetic_root, '--cfg-options', 'train_cfg.max_epochs=1',
         '--search-args', '--optim_wrapper.optimizer.lr 0.001 0.002')
    for root in installs.values():
        rates = []
        for folder in sorted((root / 'work').glob('grid_search_*')):
            assert (folder / 'epoch_1.pth').exists()
            saved = torch.load(folder / 'epoch_1.pth')
            # The group of the largest rate; the backbone's is lower.
            rates.append(max(group['initial_lr']
                             for group in saved['optimizer']['param_groups']))
        assert rates == [0.001, 0.002]


def test_download(weights, both, installs):
    both('mim', 'download', 'df2mm', '--config', NAME, '--dest', 'downloaded')
    for root in installs.values():
        folder = root / 'work/downloaded'
        assert (folder / f'{NAME}.pth').read_bytes() == weights.read_bytes()
        compile((folder / f'{NAME}.py').read_text(), NAME, 'exec')


def test_download_of_what_the_package_carries(both, installs):
    """mim itself fetches http(s) URLs only; what lies beside it, it takes as it is."""
    card = zoo.read_cards()[0]
    both('mim', 'run', 'df2mm', 'zoo', 'download', card.name, '--to', 'zoo')
    printed = both('mim', 'download', 'df2mm', '--config', card.name, '--dest', 'zoo')
    for kind, root in installs.items():
        assert f'{card.file} exists in' in printed[kind]
        assert (root / 'work/zoo' / card.file).stat().st_size == card.size
        compile((root / f'work/zoo/{card.name}.py').read_text(), card.name, 'exec')


HUB = """
import json, sys
import df2mm
from mmengine.hub import get_config, get_model

configs, chosen, out = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
loaded = [get_config(f'df2mm::{name}') for name in configs]
model = get_model(f'df2mm::{chosen}', pretrained=True)
import torch
torch.save(model.state_dict(), out)
print(json.dumps(dict(module=df2mm.__file__, type=type(model).__module__,
                      files=[config.filename for config in loaded])))
"""


def test_hub(weights, both, installs):
    names = sorted({model['Config'].removeprefix('configs/')
                    for model in models(installs)})
    outputs = both('python', '-c', HUB, json.dumps(names), f'mim/{NAME}.py', 'hub.pth')
    expected = torch.load(weights)['state_dict']
    for kind, printed in outputs.items():
        said = json.loads(printed.splitlines()[-1])
        owner = installs[kind] / ('tree' if kind == 'editable' else 'env')
        assert said['module'].startswith(str(owner))
        assert said['type'] == 'mmdet.models.detectors.mask_rcnn'
        assert all(file.endswith(f'.mim/configs/{name}') and file.startswith(str(owner))
                   for file, name in zip(said['files'], names, strict=True))
        state = torch.load(installs[kind] / 'work/hub.pth')
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_an_editable_install_copies_nothing(installs):
    mim = installs['editable'] / 'tree/df2mm/.mim'
    assert (mim / 'configs').resolve() == (installs['editable'] / 'tree/configs')
    site_packages, = (installs['editable'] / 'env').glob('lib/python*/site-packages')
    assert not (site_packages / 'df2mm').exists()


def test_the_wheel_carries_what_mim_reads(installs):
    site_packages, = (installs['wheel'] / 'env').glob('lib/python*/site-packages')
    mim = site_packages / 'df2mm/.mim'
    tree = installs['editable'] / 'tree'
    for folder in ('configs', 'tools'):
        assert {path.relative_to(mim) for path in (mim / folder).rglob('*.py')} == {
            path.relative_to(tree) for path in (tree / folder).rglob('*.py')}
    index = yaml.safe_load((mim / 'model-index.yml').read_text())
    assert all((mim / path).is_file() for path in index['Import'])
