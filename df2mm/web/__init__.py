"""A page in the browser: a photo in, its garments and their matches in a gallery out.

``server`` and ``page`` need gradio, of the extra ``web``; the rest does not.
"""

from df2mm.web.finder import Finder
from df2mm.web.photo import LAYERS, Photo
from df2mm.web.shop_pictures import ShopPictures
from df2mm.web.uploads import Limits, read_photo

__all__ = ['LAYERS', 'Finder', 'Limits', 'Photo', 'ShopPictures', 'read_photo']
