"""What happens on the page: from a visitor's action to what each part shows."""

import re
from typing import NamedTuple

from df2mm.apis.image_reading import UnreadableImageError
from df2mm.web.cards import error_html, matches_html, note_html
from df2mm.web.uploads import Limits, read_photo

#: Shown before there is a photo.
START = 'Upload a photo of clothes, or pick one, to see its garments and their matches.'
# What a decoder's message may begin with, such as OSError.
_CLASS_NAME = re.compile(r'^\w+(Error|Exception): ')
_CLICK = 'Click a garment in the picture, or pick it from the list.'


class Settings(NamedTuple):
    """The page's controls.

    Attributes:
        layers (list[str]): Of ``df2mm.web.photo.LAYERS``.
        score_thr (float): Garments of lower score are not shown.
        count (int): Matches.
        same_category (bool): Matches of the garment's category only.
        one_per_image (bool): One match of each picture.
    """

    layers: list
    score_thr: float
    count: int
    same_category: bool
    one_per_image: bool


class View(NamedTuple):
    """What the page shows.

    Attributes:
        photo (Photo | None): Of the visitor's session.
        picture (np.ndarray | None): (h, w, 3) uint8 RGB.
        garments (list[tuple]): Of each that is shown its name and its number.
        chosen (int | None): The number of one of them.
        message (str): HTML about the photo.
        matches (str): HTML.
    """

    photo: object = None
    picture: object = None
    garments: list = []
    chosen: int | None = None
    message: str = ''
    matches: str = ''


class Handlers:
    """Answers actions; knows no widget.

    Args:
        finder (Finder): The model and the gallery.
        shop_pictures (ShopPictures): Of the gallery.
        limits (Limits): Of uploads.
        keypoint_thr (float): Landmarks of lower score are not drawn.
    """

    def __init__(self, finder, shop_pictures, limits: Limits,
                 keypoint_thr: float = 0.3) -> None:
        self._finder, self._pictures, self._limits = finder, shop_pictures, limits
        self._keypoint_thr = keypoint_thr

    def open(self, data: bytes, settings: Settings) -> View:
        """A photo comes in; what cannot be read gives a message."""
        try:
            photo = self._finder.find(read_photo(data, self._limits))
        except UnreadableImageError as error:
            reason = _CLASS_NAME.sub('', str(error))
            return View(matches=note_html(START), message=error_html(
                f'This file cannot be used: {reason}. Give a photo, such as a JPEG or '
                f'PNG, of at most {self._limits}.'))
        return self.show(photo, None, settings)

    def show(self, photo, chosen, settings: Settings) -> View:
        """A photo with its garments, and the matches of the chosen one."""
        if photo is None:
            return View(matches=note_html(START))
        items = photo.items(settings.score_thr)
        chosen = chosen if chosen in items else None
        garments = [(f'{number}. {photo.category(item)} ({photo.scores[item]:.2f})',
                     item) for number, item in enumerate(items, 1)]
        picture = photo.draw(items, settings.layers, chosen, self._keypoint_thr)
        return View(photo, picture, garments, chosen, self._summary(photo, items),
                    self.matches(photo, chosen, settings))

    def click(self, photo, chosen, place, settings: Settings) -> View:
        """A click on the picture; beside all garments it changes nothing.

        Args:
            photo (Photo | None): Of the session.
            chosen (int | None): Before.
            place (Sequence[float]): x and y in pixels of the picture.
            settings (Settings): The controls.
        """
        if photo is not None:
            item = photo.item_at(*place, photo.items(settings.score_thr))
            chosen = chosen if item is None else item
        return self.show(photo, chosen, settings)

    def matches(self, photo, chosen, settings: Settings) -> str:
        """HTML of the matches of a garment."""
        if photo is None:
            return note_html(START)
        if chosen is None:
            return note_html(_CLICK) if photo.items(settings.score_thr) else ''
        found = self._finder.matches(
            photo, chosen, int(settings.count), same_category=settings.same_category,
            one_per_image=settings.one_per_image)
        if not found:
            return note_html(
                f'The gallery has no {photo.category(chosen)}. Matches of other '
                'categories show when the restriction is off.')
        title = note_html(f'Matches of the {photo.category(chosen)}, with the '
                          'probability that it is the same garment')
        return title + matches_html(
            found, self._pictures.cut_outs([match.entry for match in found]))

    def _summary(self, photo, items) -> str:
        if items:
            return ''
        best = max(photo.scores.tolist(), default=None)
        return note_html(
            'No garments found in this photo.' if best is None else
            f'No garments of this score. The best one has {best:.2f}: lower the least '
            'score to see it.')
