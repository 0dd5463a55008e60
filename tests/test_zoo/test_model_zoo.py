"""What is published in this repository: cards, files, README."""

import json
from pathlib import Path

import pytest
import yaml

from df2mm import zoo
from df2mm.engine import read_config
from df2mm.zoo.publishing import LIMIT
from df2mm.zoo.readme import readme
from df2mm.zoo.results import measure_command, read_metrics, task_results

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'model_zoo'
#: Read when the tests are collected; a card that cannot be read fails them all.
CARDS = zoo.read_cards(FOLDER)


def test_the_package_sees_this_folder():
    assert zoo.zoo_folder() == FOLDER


def test_the_readme_is_up_to_date():
    assert (FOLDER / 'README.md').read_text() == readme(), (
        'run `python tools/zoo.py readme`')


def test_the_index_lists_every_card():
    listed = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert {path for path in listed if path.startswith('model_zoo/')} == {
        card.path.relative_to(ROOT).as_posix() for card in CARDS}
    assert all(zoo.zoo_entries()[card.name] == card.entry for card in CARDS)


def test_every_checkpoint_has_a_card():
    assert set(FOLDER.rglob('*.safetensors')) == {
        card.local for card in CARDS
        if card.entry['Checkpoint'].get('In Repository', True)}


@pytest.mark.parametrize('card', CARDS, ids=lambda card: card.name)
def test_a_card_is_true(card, monkeypatch, tmp_path):
    monkeypatch.setenv('DF2MM_HOME', str(tmp_path))
    if card.entry['Checkpoint'].get('In Repository', True):
        assert card.local.stat().st_size == card.size <= LIMIT
        # The hash, and every tensor against the model of the config.
        assert zoo.verify(card.name) == card.local
    assert card.path.with_name('train.log').stat().st_size > 0
    assert card.entry['Test Command'] == measure_command(card)
    config = read_config(ROOT / card.config)
    metrics = read_metrics(
        card.path.with_name('metrics.json'), card, config.data_root)
    dataset = card.entry['Metadata']['Training Data']
    assert task_results(metrics, dataset) == [
        result for result in card.entry['Results'] if result['Dataset'] == dataset]
    assert json.loads(card.path.with_name('metrics.json').read_text())['config'] == (
        card.config)
