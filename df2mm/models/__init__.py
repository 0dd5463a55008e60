"""Networks, registered into mmdet's registry."""

from df2mm.models.backbones import EfficientNetLite
from df2mm.models.feature_mask_head import FeatureMaskHead
from df2mm.models.keypoint_head import KeypointHead
from df2mm.models.match_head import MatchHead
from df2mm.models.match_rcnn import MatchRCNN
from df2mm.models.match_roi_head import MatchRoIHead
from df2mm.models.pretrained import load_from_package

__all__ = [
    'EfficientNetLite',
    'FeatureMaskHead',
    'KeypointHead',
    'MatchHead',
    'MatchRCNN',
    'MatchRoIHead',
    'load_from_package',
]
