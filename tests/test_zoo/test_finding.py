import shutil

import pytest
from safetensors.torch import load_file, save_file

from df2mm import zoo

NAME = 'toy_r1_8e_synthetic'


@pytest.fixture
def elsewhere(card, tmp_path):
    """A mirror that has the checkpoint; the repository has only its card."""
    target = tmp_path / 'mirror' / NAME / card.file
    target.parent.mkdir(parents=True)
    shutil.move(card.local, target)
    return tmp_path / 'mirror'


@pytest.mark.parametrize('form', ['{}', 'df2mm::toy/{}.py', 'df2mm://{}'])
def test_what_is_in_the_repository_is_found(card, form):
    assert zoo.find(form.format(NAME)) == card.local
    assert zoo.find(card.entry['Weights']) == card.local
    assert zoo.download(NAME) == card.local


def test_what_is_elsewhere_comes_from_a_folder_once(card, elsewhere, monkeypatch):
    monkeypatch.setenv('DF2MM_ZOO', str(elsewhere))
    cached = zoo.cache_folder() / NAME / card.file
    assert zoo.find(NAME) == cached
    monkeypatch.delenv('DF2MM_ZOO')
    assert zoo.find(NAME) == cached == zoo.download(NAME)
    # The cache is laid out as a mirror.
    assert zoo.download(NAME, to=elsewhere / 'to', base=str(zoo.cache_folder())) == (
        elsewhere / 'to' / card.file)


def test_what_is_elsewhere_comes_from_a_server(card, elsewhere, server, monkeypatch):
    data = (elsewhere / NAME / card.file).read_bytes()
    server.answer = lambda request, count: request.send_range(data)
    monkeypatch.setenv('DF2MM_ZOO', f'{server.url}/zoo/')
    assert zoo.find(NAME).read_bytes() == data
    assert server.asked == [(f'/zoo/{NAME}/{card.file}', None)]


def test_a_copy_is_put_where_it_is_wanted(card, tmp_path):
    assert zoo.download(NAME, to=tmp_path / 'to') == tmp_path / 'to' / card.file
    assert zoo.sha256_of(tmp_path / 'to' / card.file) == card.sha256


def test_no_mirror(card, elsewhere):
    with pytest.raises(zoo.FetchError, match=(
            rf'no mirror is known. Set DF2MM_ZOO to .* {NAME}/{card.file}, or train it '
            rf'with `python tools/train.py configs/toy/{NAME}.py`')):
        zoo.find(NAME)


def test_a_mirror_of_no_known_kind(card, elsewhere, monkeypatch):
    monkeypatch.setenv('DF2MM_ZOO', 'ftp://host/zoo')
    with pytest.raises(ValueError, match=r'http\(s\) URL or a folder, got ftp://host'):
        zoo.find(NAME)


def test_a_tampered_checkpoint(card, elsewhere):
    tampered = bytearray((elsewhere / NAME / card.file).read_bytes())
    tampered[-1] ^= 1
    cached = zoo.cache_folder() / NAME / card.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(tampered)
    for check in (zoo.find, zoo.verify):
        with pytest.raises(ValueError, match=(
                rf'expected sha256 {card.sha256}, got [0-9a-f]{{64}}\. Remove it; `.*'
                rf'download {NAME}`')):
            check(NAME)
    # A download replaces it.
    assert zoo.download(NAME, base=str(elsewhere)) == cached
    assert zoo.verify(NAME) == cached


def test_a_tampered_checkpoint_in_the_repository(card):
    card.local.write_bytes(b'other')
    for check in (zoo.find, zoo.verify, zoo.download):
        with pytest.raises(ValueError, match=f'expected sha256 {card.sha256}, got'):
            check(NAME)


def test_verify_builds_the_model(card, root):
    assert zoo.verify(NAME) == card.local
    config = root / card.config
    config.write_text(config.read_text().replace('out_channels=4', 'out_channels=5'))
    with pytest.raises(ValueError, match=r'expected \(5, 4, 3, 3\), got \(4, '):
        zoo.verify(NAME)


def test_verify_downloads_nothing(card, elsewhere, monkeypatch):
    monkeypatch.setenv('DF2MM_ZOO', str(elsewhere))
    with pytest.raises(FileNotFoundError, match=f'download {NAME} fetches it'):
        zoo.verify(NAME)


@pytest.mark.parametrize('name, match', [
    ('toy_r1_8e_syntetic', 'Did you mean toy_r1_8e_synthetic'),
    ('???', r"called '\?\?\?'. There are toy_r1"),
    ('toy_r2_1x_deepfashion2', 'has no published weights: train it with `python '
     'tools/train.py configs/toy/toy_r2_1x_deepfashion2.py`'),
    (f'{NAME}-01234567.safetensors', rf'not published: of {NAME} there is {NAME}-'),
])
def test_what_is_not_there(card, name, match):
    for look in (zoo.find, zoo.download, zoo.verify):
        with pytest.raises(ValueError, match=match):
            look(name)


def test_names_of_configs(root, tmp_path):
    assert zoo.name_of_config(root / f'configs/toy/{NAME}.py') == NAME
    (tmp_path / f'{NAME}.py').touch()
    assert zoo.name_of_config(tmp_path / f'{NAME}.py') is None
    assert zoo.name_of_config(None) is None


def test_mmengine_finds_what_is_published(card, root, state, monkeypatch, tmp_path):
    """get_model(pretrained=True) and load_from, by name and by path."""
    from mmengine.hub import get_model
    from mmengine.runner import load_checkpoint

    from df2mm.zoo.index import list_card
    list_card(card)
    for module in ('mmengine.hub.hub', 'mmengine.config.config'):
        monkeypatch.setattr(f'{module}.get_installed_path',
                            lambda name: str(root.parent))
    monkeypatch.setattr('mmengine.hub.hub.install_package', lambda name: None)
    # Wherever the user stands.
    monkeypatch.chdir(tmp_path)
    model = get_model(f'df2mm::toy/{NAME}.py', pretrained=True)
    expected = {name: value.half().float() if value.is_floating_point() else value
                for name, value in state.items()}
    for source in (None, str(card.local), f'df2mm://{NAME}'):
        if source:
            for parameter in model.state_dict().values():
                parameter.zero_()
            load_checkpoint(model, source, strict=True)
        assert all((value == expected[name]).all()
                   for name, value in model.state_dict().items())


def test_verify_reads_no_more_than_the_tensors(card):
    """A file of the right hash whose tensors are others: the card is wrong."""
    path = card.local
    state = load_file(path)
    state['more'] = state.pop(next(iter(state)))
    save_file(state, path)
    sha = zoo.sha256_of(path)
    card.entry['Checkpoint'].update(
        SHA256=sha, Bytes=path.stat().st_size, File=f'{NAME}-{sha[:8]}.safetensors')
    path.rename(card.local)
    zoo.cards.write_card(card)
    with pytest.raises(ValueError, match=r'1 missing.*1 not in the model: more'):
        zoo.verify(NAME)
