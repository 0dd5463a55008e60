import json

import pytest
import torch
import yaml
from safetensors import safe_open

from df2mm import zoo
from df2mm.zoo import publishing
from df2mm.zoo.index import without_model
from df2mm.zoo.publishing import complete, publish
from df2mm.zoo.readme import readme, write_readme

NAME = 'toy_r1_8e_synthetic'
WORDS = dict(data='tools/data.py synthesize data/toys', training='one minute on a CPU')
METRICS = {'df2/bbox_mAP': 0.41234567, 'df2/bbox_mAP_50': 0.6, 'df2/segm_mAP': -1.0,
           'df2/retrieval_top1': 0.25, 'df2/bbox_mAP_s': 0.1}


def measured(card, path, **changes):
    """What tools/test.py writes for the published file."""
    report = dict(config=card.config, checkpoint=str(card.local), sha256=card.sha256,
                  data_root='data/toys/', cfg_options=[], metrics=METRICS)
    path.write_text(json.dumps(report | changes))
    return path


def test_what_is_published(card, state):
    assert card.local.parent.name == NAME
    assert sorted(path.name for path in card.local.parent.iterdir()) == sorted(
        [card.file, 'metafile.yml', 'train.log'])
    with safe_open(card.local, 'pt') as file:
        assert json.loads(file.metadata()['df2mm']) == dict(
            config=card.config, data=WORDS['data'], df2mm='0.1.0',
            training_data='toys synthetic')
        assert sorted(file.keys()) == sorted(state)
        assert file.get_tensor('convs.0.bn.num_batches_tracked').item() == 7
        weight = file.get_tensor('convs.0.conv.weight')
    assert torch.equal(weight, state['convs.0.conv.weight'].half())
    assert card.entry['Metadata'] == {
        'Training Data': 'toys synthetic', 'Epochs': 8, 'Data Command': WORDS['data'],
        'Training': WORDS['training'], 'Synthetic Data': True,
        # 4 x 4 x 3 x 3 weights, and of the batch norm 4 + 4.
        'Parameters (M)': 0.0, 'Size (MB)': round(card.size / 1e6, 1)}
    assert card.entry['Test Command'] == (
        f'python tools/test.py configs/toy/{NAME}.py model_zoo/{NAME}/{card.file} '
        f'--out model_zoo/{NAME}/metrics.json')


def test_publishing_again_gives_the_same_file(card, training):
    checkpoint, log = training
    again = publish(NAME, checkpoint, [log], **WORDS)
    assert again.sha256 == card.sha256
    # From the published file too.
    assert publish(NAME, card.local, [log], **WORDS).sha256 == card.sha256


def test_another_checkpoint_takes_the_place(card, training, state, tmp_path):
    measured(card, card.path.with_name('metrics.json'))
    state['convs.0.bn.weight'] += 1
    torch.save(state, tmp_path / 'next.pth')
    new = publish(NAME, tmp_path / 'next.pth', [training[1]], **WORDS)
    assert new.sha256 != card.sha256
    assert sorted(path.name for path in new.local.parent.iterdir()) == sorted(
        [new.file, 'metafile.yml', 'train.log'])


def test_the_log_has_no_paths_of_this_machine(root, training, monkeypatch, tmp_path):
    monkeypatch.setattr('pathlib.Path.home', lambda: tmp_path / 'me')
    checkpoint, log = training
    log.write_text(f'data {root}/data/toys, weights {tmp_path}/me/w.pth\n')
    card = publish(NAME, checkpoint, [log, log], **WORDS)
    assert card.path.with_name('train.log').read_text() == (
        'data data/toys, weights ~/w.pth\n' * 2)


def test_what_does_not_fit_the_repository_goes_elsewhere(
        root, training, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, 'LIMIT', 500)
    checkpoint, log = training
    with pytest.raises(ValueError, match=r'takes 500 at most. Give --out DIR'):
        publish(NAME, checkpoint, [log], **WORDS)
    assert not (root / 'model_zoo' / NAME).exists()
    card = publish(NAME, checkpoint, [log], **WORDS, out=tmp_path / 'out')
    assert (tmp_path / 'out' / NAME / card.file).stat().st_size == card.size
    assert not card.local.exists()
    assert f' $(python tools/zoo.py download {NAME}) --out ' in (
        card.entry['Test Command'])
    monkeypatch.setenv('DF2MM_ZOO', str(tmp_path / 'out'))
    assert zoo.find(NAME).name == card.file


@pytest.mark.parametrize('config, checkpoint, log, error, match', [
    ('toy_r3', None, None, ValueError, "called 'toy_r3'.* Did you mean toy_r"),
    (__file__, None, None, ValueError, r'no config of the zoo\. List it in a metafile'),
    (NAME, 'no.pth', None, FileNotFoundError, r'checkpoint not found: no\.pth'),
    (NAME, __file__, None, ValueError, 'is not a whole checkpoint'),
    (NAME, None, 'no.log', FileNotFoundError, r'log not found: no\.log'),
])
def test_what_cannot_be_published(
        root, training, config, checkpoint, log, error, match):
    with pytest.raises(error, match=match):
        publish(config, checkpoint or training[0], [log or training[1]], **WORDS)
    assert list((root / 'model_zoo').iterdir()) == []


def test_weights_of_another_model(root, training, state):
    checkpoint, log = training
    state['convs.0.conv.weight'] = torch.zeros(4, 5, 3, 3)
    del state['convs.0.bn.bias']
    torch.save(state, checkpoint)
    with pytest.raises(ValueError, match=r'does not fit the config. Tensors 1 missing: '
                       r'convs\.0\.bn\.bias .*expected \(4, 4, 3, 3\), got \(4, 5, 3'):
        publish(NAME, checkpoint, [log], **WORDS)


def test_a_card_is_completed(card, root, tmp_path):
    photos = tmp_path / 'photos.json'
    photos.write_text('{"right": 31, "of": 39, "command": "python tools/demo.py"}')
    source = measured(card, tmp_path / 'measured.json')
    complete(NAME, metrics=source, photos=photos)
    done = zoo.read_card(card.path)
    assert done.entry['Results'] == [
        dict(Task='Object Detection', Dataset='toys synthetic',
             Metrics={'box AP': 0.4123, 'box AP50': 0.6}),
        dict(Task='Consumer-to-shop Retrieval', Dataset='toys synthetic',
             Metrics={'top-1': 0.25}),
        dict(Task='Garment Category', Dataset='CC0 photos',
             Metrics=dict(right=31, of=39))]
    own = card.path.with_name('metrics.json')
    assert own.read_bytes() == source.read_bytes()
    # In the index once, by its card; the other model where it was.
    entries = zoo.zoo_entries()
    assert entries[NAME] == done.entry and len(entries) == 2
    assert yaml.safe_load((root / 'model-index.yml').read_text())['Import'] == [
        'configs/toy/metafile.yml', f'model_zoo/{NAME}/metafile.yml']
    # Again, from what is there: the photos stay, the words change.
    complete(NAME, training='two minutes')
    assert zoo.read_card(card.path).entry['Results'] == done.entry['Results']
    assert zoo.read_card(card.path).entry['Metadata']['Training'] == 'two minutes'
    # Published again, it is still one model.
    assert publish(NAME, card.local, [card.path.with_name('train.log')], **WORDS)
    assert len(zoo.zoo_entries()) == 2


@pytest.mark.parametrize('changes, match', [
    (dict(sha256='0' * 64), 'checkpoint: expected sha256 [0-9a-f]{64}, got 000'),
    (dict(sha256=None), 'checkpoint: expected sha256 .*, got None. Run `python'),
    (dict(data_root='data/other/'), 'expected data_root data/toys/, got data/other/'),
    (dict(cfg_options=['a=1']), r"another options: .*got \['a=1'\]"),
    (dict(config='configs/toy/other.py'), f'config: expected configs/toy/{NAME}.py'),
    (dict(metrics={'df2/bbox_mAP': -1}), 'no figure of any task'),
    (dict(metrics=[]), 'no figure of any task'),
])
def test_metrics_of_something_else(card, tmp_path, changes, match):
    before = card.path.read_bytes()
    with pytest.raises(ValueError, match=match):
        complete(NAME, metrics=measured(card, tmp_path / 'm.json', **changes))
    assert card.path.read_bytes() == before
    assert not card.path.with_name('metrics.json').exists()


@pytest.mark.parametrize('text, match', [
    ('{', 'is no JSON'), ('[]', 'must hold a dict, got list'),
    ('{"right": 3, "of": 2, "command": "c"}', 'two counts, and command'),
    ('{"right": 1, "of": 2}', 'must hold right and of'),
    ('{"right": 0, "of": 0, "command": "c"}', 'must hold right and of'),
])
def test_bad_photos(card, tmp_path, text, match):
    (tmp_path / 'photos.json').write_text(text)
    measured(card, card.path.with_name('metrics.json'))
    with pytest.raises(ValueError, match=match):
        complete(NAME, photos=tmp_path / 'photos.json')


def test_what_is_missing(card, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'file not found: .*metrics\.json'):
        complete(NAME)
    with pytest.raises(FileNotFoundError, match=r'card not found: .*toy_r9'):
        complete('toy_r9')


@pytest.mark.parametrize('before, after', [
    ('Models:\n  - Name: a\n    Config: x\n  - Name: b\n    Config: y\n',
     'Models:\n  - Name: b\n    Config: y\n'),
    ('# why\nModels:\n  - Name: b # c\n    Config: y\n  - Name: a\n    Metadata:\n'
     '      E: 1\n\nMore: 1\n',
     '# why\nModels:\n  - Name: b # c\n    Config: y\nMore: 1\n'),
    ('Models:\n  - Name: a\n    Config: x\n', 'Models: []\n'),
    ('Models:\n  - Name: c\n', 'Models:\n  - Name: c\n'),
])
def test_a_model_is_taken_out_of_a_metafile(before, after):
    assert without_model(before, 'a', 'm.yml') == after


def test_a_metafile_that_cannot_be_edited():
    with pytest.raises(ValueError, match=r'm\.yml: take a out by hand'):
        without_model('Models: [{Name: a}]\n', 'a', 'm.yml')


def test_the_readme_of_an_empty_zoo(root):
    text = readme()
    assert '| model |' not in text
    assert (f'For toys synthetic:\n\n- {NAME}: train it with `python tools/train.py '
            f'configs/toy/{NAME}.py`\n') in text


def test_the_readme_keeps_data_sets_apart(card, root):
    measured(card, card.path.with_name('metrics.json'))
    complete(NAME)
    path = root / 'model_zoo/README.md'
    text = path.read_text()
    assert text == readme()
    assert '## Trained and tested on toys synthetic\n\nThe images are synthetic' in text
    row = f'| [{NAME}](#{NAME}) | 0.412 | 0.600 |  |  |  |  | 0.250 |  |  |  |  |\n'
    assert row in text
    assert f'[`{card.file}`]({NAME}/{card.file})' in text and card.sha256 in text
    assert f'`{WORDS["data"]}`' in text and WORDS['training'] in text
    assert 'For DeepFashion2:\n\n- toy_r2_1x_deepfashion2: train' in text
    assert 'For toys' not in text
    path.unlink()
    assert write_readme() == path and path.read_text() == text
