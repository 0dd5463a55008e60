"""Networks, registered into mmdet's registry."""

from df2mm.models.backbones import EfficientNetLite
from df2mm.models.match_head import MatchHead
from df2mm.models.pretrained import load_from_package

__all__ = ['EfficientNetLite', 'MatchHead', 'load_from_package']
