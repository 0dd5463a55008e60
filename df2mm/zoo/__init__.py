"""The zoo of checkpoints: find, fetch and verify them; publish new ones."""

from df2mm.zoo.cards import Card, card_of, read_card, read_cards
from df2mm.zoo.fetching import FetchError, fetch, sha256_of
from df2mm.zoo.finding import download, find, verify
from df2mm.zoo.names import config_path, name_of_config, zoo_configs, zoo_entries
from df2mm.zoo.places import cache_folder, mirror, zoo_folder, zoo_root

__all__ = [
    'Card', 'FetchError', 'cache_folder', 'card_of', 'config_path', 'download',
    'fetch', 'find', 'mirror', 'name_of_config', 'read_card', 'read_cards',
    'sha256_of', 'verify', 'zoo_configs', 'zoo_entries', 'zoo_folder', 'zoo_root',
]
