"""Keypoint evaluation with any sigmas, body parts and crowd levels."""

import contextlib
import io

import numpy as np
from pycocotools import cocoeval as pycocotools

__all__ = ['COCOeval']

# iouType: the annotation's fields that are evaluated together.
_PARTS = {
    'keypoints': ('keypoints',),
    'keypoints_crowd': ('keypoints',),
    'keypoints_foot': ('foot_kpts',),
    'keypoints_face': ('face_kpts',),
    'keypoints_lefthand': ('lefthand_kpts',),
    'keypoints_righthand': ('righthand_kpts',),
    'keypoints_wholebody': ('keypoints', 'foot_kpts', 'face_kpts',
                            'lefthand_kpts', 'righthand_kpts'),
}
# Parts that results may score on their own, as in 'foot_score'.
_SCORED_PARTS = ('foot', 'face', 'lefthand', 'righthand', 'wholebody')
# Share of its box that a person covers, where no area is annotated.
_AREA_OF_BOX = 0.53
# crowdIndex of an image below which it is easy, and below which medium.
_CROWD_LEVELS = (0.2, 0.8)


class COCOeval(pycocotools.COCOeval):
    """pycocotools' COCOeval with what xtcocotools adds for keypoints.

    Args:
        cocoGt (COCO, optional): Ground truth.
        cocoDt (COCO, optional): Results.
        iouType (str): 'bbox', 'segm', 'keypoints', 'keypoints_crowd' or
            'keypoints_' and 'foot', 'face', 'lefthand', 'righthand' or
            'wholebody'. Defaults to 'keypoints'.
        sigmas (ndarray, optional): (K,), one per keypoint. Defaults to those
            of COCO's 17.
        use_area (bool): Whether OKS divides by the annotated area, or by
            0.53 of the box. Defaults to True.

    Raises:
        ValueError: If ``iouType`` is none of these.

    An object without visible keypoints is ignored; a result without a
    keypoint scored above 0 is left out.
    """

    def __init__(self, cocoGt=None, cocoDt=None, iouType='keypoints',
                 sigmas=None, use_area=True):
        if iouType not in (*_PARTS, 'bbox', 'segm'):
            raise ValueError("iouType must be 'bbox', 'segm' or one of "
                             f'{sorted(_PARTS)}, got {iouType!r}')
        self._fields = _PARTS.get(iouType)
        self._crowd = iouType == 'keypoints_crowd'
        part = iouType.removeprefix('keypoints_')
        self._score_key = f'{part}_score' if part in _SCORED_PARTS else 'score'
        super().__init__(cocoGt, cocoDt,
                         'keypoints' if self._fields else iouType)
        if self._fields and sigmas is not None:
            self.params.kpt_oks_sigmas = np.asarray(sigmas)
        self.sigmas = getattr(self.params, 'kpt_oks_sigmas', sigmas)
        self.use_area = use_area

    def _prepare(self):
        super()._prepare()
        for pair, objects in self._gts.items():
            self._gts[pair] = [self._object(item) for item in objects]
        if self._fields is None:
            return
        for pair, results in self._dts.items():
            results = [self._result(item) for item in results]
            self._dts[pair] = [item for item in results
                               if _visible(item['keypoints'])]

    def _object(self, item):
        item = dict(item)
        # pycocotools takes a match with object 0 for no match.
        if item['id'] == 0:
            item['id'] = -1
        if self._fields:
            item['keypoints'] = self._keypoints(item)
            count = (item['num_keypoints'] if self._crowd
                     else _visible(item['keypoints']))
            item['ignore'] = bool(item.get('iscrowd')) or count == 0
        if not self.use_area:
            item['area'] = item['bbox'][2] * item['bbox'][3] * _AREA_OF_BOX
        return item

    def _result(self, item):
        item = dict(item, keypoints=self._keypoints(item))
        item['score'] = item.get(self._score_key, item['score'])
        return item

    def _keypoints(self, item):
        return [number for field in self._fields for number in item[field]]

    def summarize(self):
        """Print the table and fill ``stats``: 10 numbers, 9 for crowds."""
        super().summarize()
        if not self._crowd:
            return
        # AP, AP50, AP75, AR, AR50, AR75, then AP by how crowded images are.
        every = self.params.imgIds
        levels = [self._precision_of(images) for images in self._by_crowd()]
        self.params.imgIds = every
        self.stats = np.array([*self.stats[:3], *self.stats[5:8], *levels])

    def _by_crowd(self):
        levels = [[], [], []]
        for image in self.cocoGt.dataset['images']:
            level = np.searchsorted(_CROWD_LEVELS, image['crowdIndex'],
                                    side='right')
            levels[level].append(image['id'])
        return levels

    def _precision_of(self, images):
        self.params.imgIds = images
        with contextlib.redirect_stdout(io.StringIO()):
            self.evaluate()
            self.accumulate()
        return round(float(np.mean(self.eval['precision'][..., 0, :])), 4)


def _visible(keypoints):
    return int(np.count_nonzero(np.asarray(keypoints)[2::3] > 0))
