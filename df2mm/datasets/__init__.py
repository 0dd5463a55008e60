"""DeepFashion2's data: reading, checking, converting; samples for training."""

from df2mm.datasets.deepfashion2_dataset import DeepFashion2Dataset
from df2mm.datasets.index import AnnotationIndex
from df2mm.datasets.pair_batch_sampler import PairBatchSampler
from df2mm.datasets.structures import GarmentBoxes, GarmentInstances
from df2mm.datasets.transforms import (
    LoadDeepFashion2Annotations,
    PackDeepFashion2Inputs,
)

__all__ = [
    'AnnotationIndex',
    'DeepFashion2Dataset',
    'GarmentBoxes',
    'GarmentInstances',
    'LoadDeepFashion2Annotations',
    'PackDeepFashion2Inputs',
    'PairBatchSampler',
]
