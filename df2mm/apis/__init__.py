"""Use a trained model on images of one's own."""

from df2mm.apis.image_inputs import ImageInput, image_inputs
from df2mm.apis.image_reading import UnreadableImageError, read_upright
from df2mm.apis.inferencer import DeepFashion2Inferencer
from df2mm.apis.item_masks import ItemMasks
from df2mm.apis.ordered_map import ordered_map
from df2mm.apis.pictures import PictureWriter
from df2mm.apis.prediction import Prediction
from df2mm.apis.progress import progress_bar
from df2mm.zoo import zoo_configs

__all__ = [
    'DeepFashion2Inferencer', 'ImageInput', 'ItemMasks', 'PictureWriter', 'Prediction',
    'UnreadableImageError', 'image_inputs', 'ordered_map', 'progress_bar',
    'read_upright', 'zoo_configs',
]
