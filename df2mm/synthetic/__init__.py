"""DeepFashion2-like data for those who do not have the real one.

Garments are cut, put on figures or laid flat, and painted; the annotation is
read off the geometry and the picture: boxes, masks, landmarks with their
visibility, the four variations, and identities that shop and user images share.
"""

from df2mm.synthetic.dataset import write_dataset

__all__ = ['write_dataset']
