"""COCO annotations that remember their file and may hold no results."""

import copy
import json

import numpy as np
from pycocotools import coco as pycocotools

__all__ = ['COCO']


class COCO(pycocotools.COCO):
    """pycocotools' COCO with what xtcocotools adds.

    Args:
        annotation_file (str, optional): The annotation file.
        test_index (Sequence[int], optional): Keypoints to keep, by index.
        ann_data (dict, optional): The annotations themselves, not read from
            the file.

    Attributes:
        anno_file (list[str]): The annotation file, then the first results
            file that :meth:`loadRes` read.
    """

    def __init__(self, annotation_file=None, test_index=None, ann_data=None):
        super().__init__()
        self.anno_file = [annotation_file]
        self.test_index = test_index
        if annotation_file is None and ann_data is None:
            return
        if ann_data is None:
            with open(annotation_file) as file:
                ann_data = json.load(file)
        if not isinstance(ann_data, dict):
            raise TypeError('COCO annotations must be a dict, got '
                            f'{type(ann_data).__name__} in {annotation_file}')
        self.dataset = ann_data
        for annotation in ann_data.get('annotations', []):
            annotation.setdefault('iscrowd', False)
            if test_index is not None:
                keypoints = np.reshape(annotation['keypoints'], (-1, 3))
                annotation['keypoints'] = keypoints[test_index].flatten(
                ).tolist()
        self.createIndex()

    def loadRes(self, resFile, resData=None):
        """Read results, by name, as ``resData`` or as a list; may be empty."""
        if len(self.anno_file) == 1:
            self.anno_file.append(resFile)
        results = resFile
        if isinstance(resFile, str):
            results = resData
            if results is None:
                with open(resFile) as file:
                    results = json.load(file)
        if isinstance(results, list) and not results:
            loaded = COCO()
            loaded.dataset = dict(
                images=list(self.dataset['images']), annotations=[],
                categories=copy.deepcopy(self.dataset['categories']))
            loaded.createIndex()
            return loaded
        return super().loadRes(results)
