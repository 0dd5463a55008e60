"""A stand-in for xtcocotools, which has no wheels for Python 3.12.

mmpose imports ``xtcocotools.coco.COCO``, ``xtcocotools.cocoeval.COCOeval``
and ``xtcocotools.mask``. Where the real package is missing,
:func:`df2mm.compat.apply` puts this one under its name; it adds to pycocotools
what mmpose uses and gives the same numbers.
"""
