"""The dataset class: samples out of an annotation index."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
from mmdet.registry import DATASETS
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.fileio import join_path

from df2mm.datasets.columns import SOURCES
from df2mm.datasets.index import AnnotationIndex
from df2mm.metainfo import (
    CATEGORIES,
    CATEGORY_NAMES,
    FLIP_INDICES,
    KEYPOINT_NAMES,
    NUM_KEYPOINTS,
    OKS_SIGMAS,
)

_FILTERS = ('filter_empty_gt', 'min_size')


@DATASETS.register_module()
class DeepFashion2Dataset(BaseDataset):
    """DeepFashion2 in any of its three forms, served out of arrays.

    - the raw layout: ``DeepFashion2Dataset(data_root, split='train')``
    - our compact COCO file, which loads several times as fast:
      ``DeepFashion2Dataset(data_root, 'train', 'annotations/train.json')``
    - the authors' COCO file with 294 landmarks an item, in the same way. It says
      neither source nor variations: 'unknown', and 0.

    A sample before the pipeline has what mmdet's transforms ask for (``img_path``,
    ``height``, ``width``, ``instances``), ``img_id``, ``source`` and ``pair_id``; an
    instance also ``keypoints`` (L, 3) of its category's own landmarks, ``identity``
    and ``variations``. See LoadDeepFashion2Annotations and PackDeepFashion2Inputs.

    Args:
        data_root (str): Folder of the dataset. Defaults to ''.
        split (str, optional): ``train`` or ``validation``: where the images are,
            and the annotations unless ``ann_file`` is given.
        ann_file (str): COCO file, relative to ``data_root``. Defaults to '', the
            raw layout.
        data_prefix (dict, optional): ``img``: the image folder, relative to
            ``data_root``. Defaults to that of ``split``.
        source (str, optional): Keep the images of 'user' or of 'shop' only.
        filter_cfg (dict, optional): ``filter_empty_gt`` (bool) leaves out images
            without an item, ``min_size`` (int) those with a shorter edge, unless
            ``test_mode``.
        indices (int | Sequence[int], optional): Keep the first, or with a minus
            sign the last, so many images, or those at these places.
        metainfo (dict, optional): Overrides entries of METAINFO; not ``classes``.
        pipeline (list): Transforms or their configs. Defaults to [].
        test_mode (bool): Defaults to False.
        lazy_init (bool): Whether to read nothing yet. Defaults to False.
        max_refetch (int): How often another image is tried where the pipeline
            returns None. Defaults to 1000.
        workers (int, optional): Processes that read the annotation. Defaults to
            the usable cores.

    Raises:
        FileNotFoundError: If the data is not there; says what is expected.
        ValueError: If an argument or the annotation file makes no sense, or the
            filters leave nothing.
    """

    METAINFO = dict(
        classes=CATEGORY_NAMES,
        palette=[category.color for category in CATEGORIES],
        num_keypoints=NUM_KEYPOINTS,
        keypoint_names=KEYPOINT_NAMES,
        flip_indices=FLIP_INDICES.tolist(),
        sigmas=OKS_SIGMAS.tolist())

    def __init__(self,
                 data_root: str = '',
                 split: str | None = None,
                 ann_file: str = '',
                 data_prefix: dict | None = None,
                 source: str | None = None,
                 filter_cfg: dict | None = None,
                 indices: int | Sequence[int] | None = None,
                 metainfo: dict | None = None,
                 pipeline: Sequence[dict | Callable] = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 max_refetch: int = 1000,
                 workers: int | None = None) -> None:
        if split not in (None, 'train', 'validation'):
            raise ValueError(f"split must be 'train' or 'validation', got {split!r}")
        if split is None and not ann_file:
            raise ValueError(
                "expected split='train' or 'validation' for the raw layout, or an "
                'ann_file; got neither')
        if source not in (None, 'user', 'shop'):
            raise ValueError(f"source must be 'user', 'shop' or None, got {source!r}")
        unknown = set(filter_cfg or ()) - set(_FILTERS)
        if unknown:
            raise ValueError(f'filter_cfg must hold only {", ".join(_FILTERS)}, '
                             f'got {", ".join(sorted(unknown))}')
        classes = tuple((metainfo or {}).get('classes', CATEGORY_NAMES))
        if classes != CATEGORY_NAMES:
            raise ValueError(
                'metainfo must keep the 13 classes, since the landmarks belong to '
                f'them; got {classes}')
        self.split = split
        self.source = source
        self.workers = workers
        if data_prefix is None:
            data_prefix = dict(img=f'{split}/image' if split else '')
        super().__init__(
            ann_file=ann_file, metainfo=metainfo, data_root=str(data_root),
            data_prefix=data_prefix, filter_cfg=filter_cfg, indices=indices,
            serialize_data=False, pipeline=list(pipeline), test_mode=test_mode,
            lazy_init=lazy_init, max_refetch=max_refetch)

    def full_init(self) -> None:
        """Read the annotation, filter it and take ``indices`` of it."""
        if self._fully_initialized:
            return
        if self.ann_file:
            self.index = AnnotationIndex.from_coco(self.ann_file, self.workers)
        else:
            self.index = AnnotationIndex.from_raw(
                self.data_root, self.split, self.workers)
        # Joined once: for every sample it would take a tenth of its time.
        self._image_folder = join_path(self.data_prefix['img'], '')
        # Which images of the index this dataset serves, in its order.
        self.positions = self._filtered()
        if self._indices is not None:
            self.positions = self._picked(self._indices)
        self._fully_initialized = True

    @force_full_init
    def __len__(self) -> int:
        return len(self.positions)

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """One image's annotation, as the class describes it.

        Raises:
            IndexError: If there is no such image.
        """
        image = int(self.positions[idx])
        index = self.index
        items = index.items_of(image)
        width, height = index.sizes[image].tolist()
        columns = zip(range(items.start, items.stop), index.bboxes[items].tolist(),
                      index.labels[items].tolist(),
                      index.identities[items].tolist(),
                      index.variations[items].tolist(), strict=True)
        return dict(
            img_path=self._image_folder + index.file_names[image].decode(),
            img_id=int(index.img_ids[image]), height=height, width=width,
            source=SOURCES[index.sources[image]], pair_id=int(index.pair_ids[image]),
            sample_idx=idx % len(self.positions),
            instances=[dict(
                bbox=bbox, bbox_label=label, ignore_flag=0,
                mask=[polygon.flatten() for polygon in index.polygons_of(item)],
                keypoints=index.landmarks_of(item).copy(),
                identity=identity, variations=variations,
            ) for item, bbox, label, identity, variations in columns])

    @force_full_init
    def get_cat_ids(self, idx: int) -> list[int]:
        """Labels of an image's items, as ClassBalancedDataset asks for them."""
        items = self.index.items_of(int(self.positions[idx]))
        return self.index.labels[items].tolist()

    @force_full_init
    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep only some images; ``indices`` as for the class."""
        self.positions = self._picked(indices)

    @force_full_init
    def get_subset(self, indices: int | Sequence[int]) -> 'DeepFashion2Dataset':
        """A dataset of some of the images; it shares the annotation with this."""
        subset = copy.copy(self)
        subset.pipeline = copy.deepcopy(self.pipeline)
        subset.get_subset_(indices)
        return subset

    def _picked(self, indices):
        """The positions at ``indices``."""
        if not isinstance(indices, int):
            return self.positions[np.asarray(indices, np.int64)]
        return self.positions[:indices] if indices >= 0 else self.positions[indices:]

    def _filtered(self):
        """(number of images kept,) int64 of the index's images."""
        index = self.index
        keep = np.ones(len(index), bool)
        if self.source is not None:
            keep &= index.sources == SOURCES.index(self.source)
        if self.filter_cfg and not self.test_mode:
            if self.filter_cfg.get('filter_empty_gt', False):
                keep &= index.items_per_image > 0
            keep &= index.sizes.min(axis=1) >= self.filter_cfg.get('min_size', 0)
        if len(index) and not keep.any():
            raise ValueError(
                f'source={self.source!r} and filter_cfg={self.filter_cfg} leave none '
                f'of the {len(index)} images of {self.ann_file or self.data_root}')
        return np.flatnonzero(keep)
