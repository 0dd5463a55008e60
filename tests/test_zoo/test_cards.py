import pytest
import yaml

from df2mm.zoo import read_card, read_cards, zoo_entries

NAME = 'toy_r1_8e_synthetic'


def test_an_empty_zoo(root):
    assert read_cards() == []


def test_a_card_says_what_is_published(card):
    again = read_card(card.path)
    assert read_cards() == [again]
    assert (again.name, again.config) == (NAME, f'configs/toy/{NAME}.py')
    assert again.file == f'{NAME}-{again.sha256[:8]}.safetensors'
    assert again.size == again.local.stat().st_size
    assert again.entry['Weights'] == f'df2mm://{again.file}'


def changed(**changes):
    def change(entry):
        entry.update(changes)
    return change


@pytest.mark.parametrize('change, error, match', [
    (lambda entry: entry.pop('Config'), ValueError, 'names no config. Add Config'),
    (changed(Config='configs/no.py'), FileNotFoundError,
     r'metafile\.yml names a config that is not there: .*configs/no\.py'),
    (changed(Name='other'), ValueError, f'that of the folder, {NAME}, got other'),
    (lambda entry: entry.pop('Checkpoint'), ValueError, 'names no checkpoint'),
    (lambda entry: entry['Checkpoint'].update(SHA256='12'), ValueError,
     "64 hexadecimal digits, got '12'"),
    (lambda entry: entry['Checkpoint'].update(Bytes=0), ValueError, 'size of the file'),
    (lambda entry: entry['Checkpoint'].update(File='m.pth'), ValueError,
     rf'File must be {NAME}-[0-9a-f]{{8}}\.safetensors, got m\.pth'),
])
def test_bad_cards(card, change, error, match):
    change(card.entry)
    card.path.write_text(yaml.safe_dump(dict(Models=[card.entry])))
    with pytest.raises(error, match=match):
        read_card(card.path)


@pytest.mark.parametrize('text, match', [
    ('{', 'is no YAML'), ('', 'one model under Models'), ('Models: []', 'one model')])
def test_what_is_no_card(card, text, match):
    card.path.write_text(text)
    with pytest.raises(ValueError, match=match):
        read_card(card.path)


def test_no_card():
    with pytest.raises(FileNotFoundError, match='card not found'):
        read_card('no/metafile.yml')


@pytest.mark.parametrize('old, new, match', [
    ('    Config: configs/toy/toy_r2', '    Setting: toy_r2', 'needs Name and Config'),
    ('toy_r2_1x_deepfashion2\n    In', f'{NAME}\n    In', f'{NAME} stands in .*twice'),
])
def test_bad_metafiles(root, old, new, match):
    metafile = root / 'configs/toy/metafile.yml'
    metafile.write_text(metafile.read_text().replace(old, new))
    with pytest.raises(ValueError, match=match):
        zoo_entries()
