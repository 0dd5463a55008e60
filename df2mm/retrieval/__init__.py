"""Galleries of garments: build once, keep in a file or a server, search.

Vectors come from a model, but nothing here needs one.
"""

from df2mm.retrieval.entries import Entry
from df2mm.retrieval.filters import Filter
from df2mm.retrieval.gallery_index import GalleryIndex
from df2mm.retrieval.matches import Match

__all__ = ['Entry', 'Filter', 'GalleryIndex', 'Match']
