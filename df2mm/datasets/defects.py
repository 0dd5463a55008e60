"""What can be wrong in a dataset, and what reading and converting do about it.

``RULES`` is the one table of both: ``check`` reports by it, ``convert`` and
every reader repair by it. The rule ids are stable: other programs may rely on
them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One way in which a file can be wrong.

    Attributes:
        wrong (str): What is wrong.
        repair (str): What reading does about it, in two to four words.
        minor (bool): Known of the real data and harmless once repaired.
    """

    wrong: str
    repair: str
    minor: bool = False


@dataclass(frozen=True)
class Defect:
    """One defect found.

    Attributes:
        file (str): Where, from the split's folder on, such as
            ``train/annos/000123.json``.
        item (str | None): Such as ``item2``; None if it concerns the image.
        rule (str): A key of ``RULES``.
        message (str): What was expected and what was got.
        repair (str): What reading did about it.
    """

    file: str
    item: str | None
    rule: str
    message: str
    repair: str

    def __str__(self):
        where = self.file if self.item is None else f'{self.file} {self.item}'
        return f'{where}: {self.message} [{self.rule}; {self.repair}]'


NO_IMAGE = 'dropped image'
NO_ITEM = 'dropped item'
NO_POLYGON = 'dropped polygon'
NOT_LABELLED = 'landmark not labelled'
KEPT = 'kept'

RULES: dict[str, Rule] = {
    # The files of one image.
    'file-name': Rule(
        'the file name is no number, or a number that occurs twice', NO_IMAGE),
    'missing-annotation': Rule('an image without an annotation file', NO_IMAGE),
    'missing-image': Rule('an annotation without an image', NO_IMAGE),
    'unreadable-file': Rule('the system cannot read the file', NO_IMAGE),
    'truncated-image': Rule(
        'the JPEG ends before its end marker, or is empty', NO_IMAGE),
    'broken-image': Rule('the file is no image', NO_IMAGE),
    'not-jpeg': Rule('an image of another format than JPEG', KEPT, minor=True),
    'image-orientation': Rule(
        'an EXIF orientation, which annotations do not follow',
        'size as stored', minor=True),
    # The annotation as JSON.
    'broken-json': Rule('no JSON object in UTF-8', NO_IMAGE),
    'duplicate-key': Rule('a key occurs twice', 'last one counts'),
    'unknown-key': Rule('a key that the format does not have', 'ignored', minor=True),
    'missing-key': Rule('a key is missing', 'as for a wrong value'),
    'no-item': Rule('no usable item', NO_IMAGE),
    # The image's own values.
    'source': Rule("source is neither 'user' nor 'shop'", "source 'unknown'"),
    'pair-id': Rule('pair_id is no integer in 0..2147483647', 'never pairs'),
    # One item.
    'item-type': Rule('an item is no JSON object', NO_ITEM),
    'category-id': Rule('category_id is no integer in 1..13', NO_ITEM),
    'style': Rule('style is no integer in 0..99999', 'style 0'),
    'variation': Rule(
        'scale, occlusion, zoom_in or viewpoint is no integer in 1..3',
        'level 0, not known'),
    'box-values': Rule('the box is not four finite numbers', NO_ITEM),
    'box-size': Rule('the box has no positive width and height', NO_ITEM),
    'box-outside': Rule('the box lies wholly outside the image', NO_ITEM),
    'box-clipped': Rule('the box sticks out of the image', 'clipped', minor=True),
    'landmark-count': Rule(
        "the number of landmarks is not the category's", 'no landmark labelled'),
    'landmark-values': Rule('a landmark is not three finite numbers', NOT_LABELLED),
    'landmark-visibility': Rule("a landmark's v is not 0, 1 or 2", NOT_LABELLED),
    'landmark-outside-image': Rule(
        'a labelled landmark lies outside the image', NOT_LABELLED, minor=True),
    'landmark-outside-box': Rule(
        'a visible landmark lies outside its box by over a pixel', KEPT, minor=True),
    'polygon-values': Rule('a polygon is not a list of finite numbers', NO_POLYGON),
    'polygon-count': Rule('a polygon has an odd count of numbers', NO_POLYGON),
    'polygon-points': Rule('a polygon has fewer than 3 points', NO_POLYGON),
    'polygon-outside': Rule(
        'a polygon sticks out of the image', 'moved to the edge', minor=True),
    'no-polygon': Rule('an item has no usable polygon', 'empty mask'),
    # COCO files only.
    'image-id': Rule('an annotation of an image that the file does not list', NO_ITEM),
    # The dataset as a whole.
    'user-without-shop': Rule(
        'a user identity (pair_id, style) that no shop image has', KEPT),
    'shop-without-user': Rule(
        'a shop identity (pair_id, style) that no user image has', KEPT, minor=True),
}


class Report:
    """Collects the defects of one file.

    Args:
        file (str): As ``Defect.file``.
    """

    def __init__(self, file):
        self.file = file
        self.defects = []

    def add(self, rule, message, item=None, repair=None):
        """Note a defect; ``repair`` only where it differs from the rule's."""
        self.defects.append(Defect(
            self.file, item, rule, message, repair or RULES[rule].repair))


def shown(value):
    """A value for a message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'
