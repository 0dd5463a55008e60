"""Garments on a figure: pieces of cloth, and the landmarks of DeepFashion2.

A garment is built from where the figure's body is and from its cut. Landmarks
are read off the same edges that bound the cloth, so they stay on collar, cuff,
armpit and hem however the garment is cut, posed and bent. How far along an edge
a landmark lies is measured from the dataset's own figure (metainfo templates).

Sides are those of the picture, and so is the numbering: a mirror image swaps
left and right, as the dataset's flip pairs do. Seen from the back the front
neckline is hidden; its landmarks are then where it is, and occluded.
"""

from df2mm.synthetic.cuts import LOWER, Cut
from df2mm.synthetic.lower_garments import LowerBuilder
from df2mm.synthetic.people import Figure
from df2mm.synthetic.pieces import Garment
from df2mm.synthetic.upper_garments import UpperBuilder


def build_garment(cut: Cut, figure: Figure) -> Garment:
    """Put a garment on a figure (or lay it flat, if the figure's view is that)."""
    builder = LowerBuilder if cut.name in LOWER else UpperBuilder
    return builder(cut, figure).build()
