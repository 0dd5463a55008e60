"""DeepFashion2Inferencer: images in, garments out."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from torchvision.ops import nms

from df2mm.apis import fingerprint
from df2mm.apis.image_inputs import image_inputs
from df2mm.apis.image_reading import MAX_PIXELS, UnreadableImageError
from df2mm.apis.item_masks import ItemMasks, keep_small
from df2mm.apis.model_loading import (
    build_model,
    choose_device,
    load_config,
    published_weights,
)
from df2mm.apis.ordered_map import ordered_map
from df2mm.apis.pictures import PictureWriter
from df2mm.apis.prediction import Prediction
from df2mm.apis.preparation import Preparation, Prepared, network_steps
from df2mm.apis.progress import progress_bar

# What a model's instances have is called as in a Prediction.
_FIELDS = ('bboxes', 'labels', 'scores', 'masks', 'keypoints', 'keypoint_scores',
           'query_vectors', 'gallery_vectors')


class DeepFashion2Inferencer:
    """Find garments in images: boxes, masks, landmarks, vectors to retrieve by.

    In the manner of mmdet's DetInferencer::

        inferencer = DeepFashion2Inferencer(
            'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic', 'epoch_8.pth')
        result = inferencer('photos/', out_dir='found/')
        result['predictions'][0]['items'][0]['category']  # 'skirt'

    Images are seen as their viewer shows them: turned by their Exif orientation,
    and all results are in pixels of the upright image. (In training and testing
    annotated images are taken as stored, for so they were annotated.)

    Args:
        model (str | Path | Config): A config, its path, or a name of the zoo.
        weights (str | Path, optional): The checkpoint, ``.pth`` or
            ``.safetensors``. No code of the file is run. Defaults to what is
            published for the model, as does ``'zoo'``.
        device (str, optional): Such as ``cpu`` or ``cuda:1``. Defaults to a GPU
            where there is one.
        half (bool): Half precision for the network's layers: bfloat16, or float16
            on a GPU that lacks it. Worth it on a GPU; on a CPU without bfloat16
            instructions it is slower. Vectors differ slightly from those of full
            precision. Defaults to False.
        workers (int, optional): Threads that read and prepare images while the
            network works. Defaults to as many as there are CPUs, 4 at most.

    Attributes:
        cfg (Config): As given.
        model (nn.Module): It is in evaluation mode.
        device (torch.device): Where it is.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If there is no such name or device, no weights are given nor
            published, or the checkpoint is damaged or does not fit the config.
        OSError: If the published checkpoint cannot be fetched.
    """

    def __init__(self, model, weights=None, device=None, *, half: bool = False,
                 workers: int | None = None) -> None:
        self.cfg = load_config(model)
        if weights in (None, 'zoo'):
            weights = published_weights(self.cfg)
        self.device = choose_device(device)
        # Inputs have no annotation to take boxes from.
        self.cfg.model.pop('gt_boxes', None)
        self.model = build_model(self.cfg, weights, self.device)
        mask_head = getattr(self.model.roi_head, 'mask_head', None)
        if isinstance(mask_head, FCNMaskHead):
            keep_small(mask_head)
        self._half = half
        self._workers = workers or min(4, os.cpu_count() or 1)

    @cached_property
    def model_id(self) -> str:
        """16 hexadecimal digits; vectors of models with the same compare."""
        return fingerprint.model_id(
            self.model.state_dict(),
            fingerprint.vector_settings(self.cfg, network_steps(self.cfg)[:-1]))

    def __call__(self, inputs, batch_size: int = 1, *, source: str | None = None,
                 score_thr: float = 0.3, nms_thr: float | None = 0.6,
                 keypoint_thr: float = 0.3, return_vis: bool = False,
                 out_dir=None, masks: bool = True, landmarks: bool = True,
                 vectors: bool = True, channel_order: str = 'bgr',
                 max_pixels: int = MAX_PIXELS, strict: bool = False,
                 show_progress: bool | None = None) -> dict:
        """Find the garments of images, as plain Python.

        Holds all results; for more images than fit there is :meth:`iterate`.

        Args:
            inputs: See :func:`df2mm.apis.image_inputs.image_inputs`: files, folders,
                bytes of encoded images, arrays (H, W, 3) uint8, mixed as you like.
            batch_size (int): Images that the network takes at once, those of them
                together that have the same size for it; so the results do not depend
                on what else is in the batch.
            source (str, optional): ``user`` asks for query vectors, ``shop`` for
                gallery vectors, None for both.
            score_thr (float): Items of lower score are left out, of the results and
                of the pictures alike.
            nms_thr (float, optional): Of two items whose boxes' IoU is above this,
                whatever their categories, the better one stays: one garment, one
                box. None leaves both, as the metrics have it.
            keypoint_thr (float): Landmarks of lower score are not drawn; results
                have them all.
            return_vis (bool): Return the pictures.
            out_dir (str | Path, optional): Write the pictures there, by the names of
                the images; JPEG where the name has another suffix than ``.jpg``,
                ``.jpeg``, ``.png`` or ``.webp``.
            masks, landmarks, vectors (bool): What the results have.
            channel_order (str): Of arrays: ``bgr``, as OpenCV and mmdet have them, or
                ``rgb``.
            max_pixels (int): An image of more is not read.
            strict (bool): Raise for an image that cannot be read.
            show_progress (bool, optional): Defaults to whether stderr is a terminal.

        Returns:
            dict: ``predictions``, a list of :meth:`Prediction.to_dict`;
            ``skipped``, a list of ``input`` and ``reason``; ``model_id``; and with
            ``return_vis`` ``visualization``, a list of (H, W, 3) uint8 RGB arrays.
            Without these, ``json.dumps`` takes it.

        Raises:
            FileNotFoundError: If a path is missing.
            ValueError: If a folder has no pictures, an argument or an array's shape is
                wrong, or, with ``strict``, an image cannot be read.
            TypeError: If an input is nothing of these, or an array not uint8.
        """
        entries = image_inputs(inputs, exclude=out_dir)
        writer = None if out_dir is None else PictureWriter(out_dir)
        result = dict(predictions=[], skipped=[], model_id=self.model_id)
        pictures = []

        def finish(found: Prediction) -> tuple:
            picture = found.draw(keypoint_thr) if return_vis or writer else None
            if writer:
                writer.write(found.target, picture)
            return found.index, picture if return_vis else None, found.to_dict(
                masks=masks, landmarks=landmarks, vectors=vectors)

        predictions = self.iterate(
            entries, batch_size, source=source, score_thr=score_thr, nms_thr=nms_thr,
            channel_order=channel_order, max_pixels=max_pixels, strict=strict,
            on_skip=result['skipped'].append)
        with progress_bar(entries, show_progress) as progress, \
                ThreadPoolExecutor(self._workers) as pool:
            for index, picture, found in ordered_map(
                    pool, finish, predictions, batch_size):
                result['predictions'].append(found)
                pictures.append(picture)
                progress.update(index + 1 - progress.n)
        return dict(result, visualization=pictures) if return_vis else result

    def iterate(self, inputs, batch_size: int = 1, *, source: str | None = None,
                score_thr: float = 0.0, nms_thr: float | None = None,
                channel_order: str = 'bgr', max_pixels: int = MAX_PIXELS,
                strict: bool = False,
                on_skip: Callable[[dict], None] | None = None) -> Iterator[Prediction]:
        """Find the garments of any number of images, as arrays.

        Holds the images of two batches and a few more, however many follow. Masks
        are made when they are asked for.

        Args:
            inputs, batch_size, source, channel_order, max_pixels, strict: As for a
                call.
            score_thr, nms_thr: As for a call, but by default all that the config's
                own thresholds leave.
            on_skip (Callable, optional): Called with ``dict(input=name,
                reason=text)`` for an image that cannot be read. Defaults to a
                warning in the log.

        Yields:
            Prediction: One for each readable image, in order.

        Raises:
            As a call; what is wrong with the arguments, at once.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        prepare = Preparation(self.cfg, source=source, channel_order=channel_order,
                              max_pixels=max_pixels)

        def attempt(entry):
            try:
                return prepare(entry)
            except UnreadableImageError as error:
                return dict(input=entry.name, reason=str(error))

        return self._predictions(
            image_inputs(inputs), batch_size, attempt,
            partial(_keep, score_thr=score_thr, nms_thr=nms_thr),
            _raise if strict else on_skip or _warn)

    def _predictions(self, entries, batch_size, attempt, keep, on_skip):
        def predictions_of_batch():
            found = self.predict_prepared(batch)
            for prepared, instances in zip(batch, found, strict=True):
                yield self._prediction(prepared, keep(instances))
            batch.clear()

        batch = []
        with ThreadPoolExecutor(self._workers) as pool:
            for prepared in ordered_map(
                    pool, attempt, entries, batch_size + self._workers):
                if isinstance(prepared, dict):
                    on_skip(prepared)
                    continue
                batch.append(prepared)
                if len(batch) == batch_size:
                    yield from predictions_of_batch()
            if batch:
                yield from predictions_of_batch()

    def predict_prepared(self, batch: list) -> list:
        """What the network finds in some images, before any threshold of ours.

        Images that are padded to other sizes go through the network apart: in a
        common batch the wider border changes what is found, and a vector would
        depend on its neighbours.

        Args:
            batch (list[Prepared]): Images.

        Returns:
            list[InstanceData]: Of each, on the model's device, in pixels of the
            image; masks as ``mask_maps`` (n, S, S) where the head has such.
        """
        groups, found = defaultdict(list), [None] * len(batch)
        divisor = self.model.data_preprocessor.pad_size_divisor
        for i, prepared in enumerate(batch):
            height, width = prepared.packed['inputs'].shape[-2:]
            groups[-(-height // divisor), -(-width // divisor)].append(i)
        with torch.inference_mode(), self._precision():
            for group in groups.values():
                samples = self.model.test_step(
                    pseudo_collate([batch[i].packed for i in group]))
                for i, sample in zip(group, samples, strict=True):
                    found[i] = sample.pred_instances
        return found

    def _prediction(self, prepared: Prepared, found) -> Prediction:
        fields = {name: (value.float() if value.is_floating_point() else value)
                  .cpu().numpy() for name, value in found.items()}
        maps = fields.pop('mask_maps', fields.pop('masks', None))
        if maps is not None:
            fields['masks'] = ItemMasks(
                maps, fields['bboxes'], prepared.image.shape[:2],
                self.model.roi_head.test_cfg.mask_thr_binary)
        entry = prepared.entry
        return Prediction(
            entry.index, entry.name, entry.target, prepared.image,
            prepared.packed['data_samples'].source,
            **{name: fields.get(name) for name in _FIELDS})

    def _precision(self):
        bfloat16 = self.device.type != 'cuda' or torch.cuda.is_bf16_supported()
        return torch.autocast(self.device.type, enabled=self._half,
                              dtype=torch.bfloat16 if bfloat16 else torch.float16)


def _keep(found, score_thr: float, nms_thr: float | None):
    """The instances that both thresholds leave."""
    found = found[found.scores >= score_thr]
    if nms_thr is None:
        return found
    return found[nms(found.bboxes.float(), found.scores.float(), nms_thr)]


def _warn(skipped: dict) -> None:
    MMLogger.get_current_instance().warning(
        f'{skipped["input"]} is skipped: {skipped["reason"]}')


def _raise(skipped: dict) -> None:
    raise UnreadableImageError(
        f'{skipped["input"]} cannot be read: {skipped["reason"]}')
