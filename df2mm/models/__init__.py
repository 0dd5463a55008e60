"""Networks, registered into mmdet's registry."""

from df2mm.models.backbones import EfficientNetLite
from df2mm.models.pretrained import load_from_package

__all__ = ['EfficientNetLite', 'load_from_package']
