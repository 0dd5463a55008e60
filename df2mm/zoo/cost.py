"""What a model costs: its size, its computing by stream, its run time.

Source: Ge et al., DeepFashion2, CVPR 2019, whose conclusion asks for these three
beside accuracy: the model's size, its runtime and its memory.
"""

import time

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from df2mm.metainfo import NUM_CATEGORIES

#: The streams of Match R-CNN and the module that each is.
STREAMS = {
    'backbone': 'backbone',
    'neck': 'neck',
    'rpn': 'rpn_head',
    'box head': 'roi_head.bbox_head',
    'mask head': 'roi_head.mask_head',
    'keypoint head': 'roi_head.keypoint_head',
    'match head': 'roi_head.match_head',
}


def model_costs(cfg, size=None, proposals: int | None = None,
                detections: int | None = None) -> dict:
    """Parameters, bytes of the weights, and FLOPs by stream, all of them exact.

    A multiplication and an addition are 2 FLOPs, twice what OpenMMLab's tables
    print. Convolutions and matrix products count; RoIAlign, NMS, activations and
    normalization do not. Detections take the categories in turn, for a landmark
    head computes the maps of their categories alone. Nothing here depends on the
    weights: none are loaded, and nothing is computed but shapes.

    Args:
        cfg (Config): With ``model``, of one box head.
        size (tuple[int, int], optional): Height and width of the image in pixels.
            Defaults to the largest that the test pipeline makes.
        proposals (int, optional): That go through the box head. Defaults to the most
            that the config's ``test_cfg`` lets through.
        detections (int, optional): That go through the other heads. The same.

    Returns:
        dict: ``parameters`` and ``flops`` of one image, each a dict by stream with
        their ``total``; ``bytes`` of the weights in ``float32`` and ``float16``;
        ``size``, ``input_size`` (padded), ``proposals``, ``detections``.

    Raises:
        ValueError: If the config is of another kind of model, or a number is not
            positive.
    """
    size = _checked_size(size or test_size(cfg))
    proposals, detections = _counts(cfg, proposals, detections)
    model = build_untrained(cfg)
    parts = {name: _module(model, path) for name, path in STREAMS.items()}
    parameters = {name: sum(p.numel() for p in part.parameters())
                  for name, part in parts.items() if part is not None}
    parameters['total'] = sum(p.numel() for p in model.parameters())
    state = model.state_dict().values()
    sizes = {name: sum(t.numel() * (width if t.is_floating_point() else
                                    t.element_size()) for t in state)
             for name, width in (('float32', 4), ('float16', 2))}
    padded = _padded(size, model)
    return dict(
        parameters=parameters, bytes=sizes,
        flops=_flops(model, padded, proposals, detections), size=list(size),
        input_size=list(padded), proposals=proposals, detections=detections)


def test_size(cfg) -> tuple[int, int]:
    """Height and width in pixels of the largest image that the test pipeline makes.

    Raises:
        ValueError: If it has no Resize of one ``scale``.
    """
    loader = cfg.get('test_dataloader') or {}
    for step in loader.get('dataset', {}).get('pipeline', ()):
        if step['type'] == 'Resize' and step.get('scale') is not None:
            return min(step['scale']), max(step['scale'])
    raise ValueError(f'the test pipeline of {cfg.filename} has no Resize with a scale, '
                     'so no size to count at. Give one: --size 800 1333')


# Its name is no reason for pytest to collect it.
test_size.__test__ = False


def build_untrained(cfg) -> nn.Module:
    """The model of a config with random weights, in evaluation mode.

    Nothing is downloaded. The box head calls all background, as it does for most
    proposals once it is trained; untrained, it would send all categories of all
    proposals into NMS.

    Raises:
        ValueError: If it is no two-stage model of one box head.
    """
    settings = cfg.model.copy()
    if settings.get('backbone') is not None:
        settings.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet')):
        model = MODELS.build(settings).eval()
    if not isinstance(getattr(model, 'roi_head', None), StandardRoIHead) or (
            not isinstance(getattr(model.roi_head.bbox_head, 'fc_cls', None),
                           nn.Linear)):
        raise ValueError(
            'costs are known of two-stage models with one box head, such as MaskRCNN '
            f'and MatchRCNN; {cfg.filename} has a {type(model).__name__}')
    classifier = model.roi_head.bbox_head.fc_cls
    nn.init.zeros_(classifier.weight)
    nn.init.zeros_(classifier.bias)
    classifier.bias.data[-1] = 10.0
    return model


def time_predictions(model: nn.Module, size, batch: int, repeats: int, proposals: int,
                     detections: int) -> list[float]:
    """Time predictions of a batch of noise with fixed proposals and detections.

    Every stream runs, from normalization to masks of the image's size, and on the
    same boxes whatever the weights are. One run before them is not counted.

    Args:
        model (nn.Module): Of ``build_untrained``, where it shall run.
        size (tuple[int, int]): Height and width of each image in pixels.
        batch (int): Images.
        repeats (int): Runs.
        proposals, detections (int): Of each image.

    Returns:
        list[float]: Seconds of each run.
    """
    device = next(model.parameters()).device
    torch.manual_seed(0)
    images = [torch.randint(0, 256, (3, *size), dtype=torch.uint8)
              for _ in range(batch)]
    boxes = [_boxes(count, size).to(device) for count in (proposals, detections)]
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        with torch.no_grad():
            predict_fixed(model, images, *boxes)
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def predict_fixed(model: nn.Module, images: list, proposals, boxes) -> list:
    """Predict with given proposals and detections in place of those it finds.

    Args:
        model (nn.Module): A two-stage model, in evaluation mode.
        images (list[Tensor]): (3, H, W) uint8, as its preprocessor takes them.
        proposals, boxes (Tensor): (P, 4) and (D, 4), xyxy pixels, of every image.

    Returns:
        list[InstanceData]: The D detections of each image.
    """
    height, width = images[0].shape[1:]
    samples = [DetDataSample(metainfo=dict(
        img_shape=(height, width), ori_shape=(height, width),
        scale_factor=(1.0, 1.0))) for _ in images]
    data = model.data_preprocessor(
        dict(inputs=[image.clone() for image in images], data_samples=samples), False)
    samples = data['data_samples']
    metas = [sample.metainfo for sample in samples]
    x = model.extract_feat(data['inputs'])
    model.rpn_head.predict(x, samples, rescale=False)
    head = model.roi_head
    head.predict_bbox(x, metas, [InstanceData(bboxes=proposals) for _ in images],
                      head.test_cfg, rescale=False)
    results = [InstanceData(
        bboxes=boxes.clone(), labels=_labels(len(boxes)).to(boxes.device),
        scores=torch.linspace(1, 0, len(boxes), device=boxes.device)) for _ in images]
    if hasattr(head, 'predict_in_boxes'):
        return head.predict_in_boxes(x, results, metas, rescale=True)
    if head.with_mask:
        return head.predict_mask(x, metas, results, rescale=True)
    return results


def _flops(model, padded, proposals, detections):
    """FLOPs by stream of an image of (H, W) = ``padded``."""
    head, flops = model.roi_head, {}

    def count(name, module, *inputs):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            output = module(*inputs)
        flops[name] = counter.get_total_flops()
        return output

    matches = None
    if (match_head := getattr(head, 'match_head', None)) is not None:
        # One RoI for real: autocast, which it asks for, knows no meta device. What it
        # is fed with it shrinks to one size first.
        count('match head', match_head, [
            torch.zeros(1, channels, match_head.roi_feat_size, match_head.roi_feat_size)
            for channels in match_head.in_channels])
        matches = detections * flops.pop('match head')
    # Shapes alone; what says which maps are a category's keeps its values.
    model._apply(lambda t: t.to('meta') if t.is_floating_point() else t)
    x = count('backbone', model.backbone, torch.empty(1, 3, *padded, device='meta'))
    if model.with_neck:
        x = count('neck', model.neck, x)
    count('rpn', model.rpn_head, x)
    count('box head', head.bbox_head, _rois(head.bbox_roi_extractor, proposals))
    if head.with_mask:
        count('mask head', head.mask_head, _rois(head.mask_roi_extractor, detections))
    if getattr(head, 'keypoint_head', None) is not None:
        extractor = head.keypoint_roi_extractor or head.mask_roi_extractor
        count('keypoint head', head.keypoint_head, _rois(extractor, detections),
              _labels(detections))
    if matches is not None:
        flops['match head'] = matches
    flops['total'] = sum(flops.values())
    return flops


def _rois(extractor, count):
    side = extractor.roi_layers[0].output_size
    return torch.empty(count, extractor.out_channels, *side, device='meta')


def _labels(count):
    return torch.arange(count) % NUM_CATEGORIES


def _boxes(count, size):
    """(count, 4) xyxy boxes with sides of a fifth of the image's to all of it."""
    generator = torch.Generator().manual_seed(count)
    sides, places = torch.rand(2, count, 2, generator=generator)
    sides = 0.2 + 0.8 * sides
    corner = places * (1 - sides)
    scale = torch.tensor(size[::-1], dtype=torch.float32).repeat(2)
    return torch.cat([corner, corner + sides], dim=1) * scale


def _padded(size, model):
    """The size once the preprocessor has filled it up."""
    step = getattr(model.data_preprocessor, 'pad_size_divisor', 1)
    return tuple(-(-side // step) * step for side in size)


def _module(model, path):
    for name in path.split('.'):
        model = getattr(model, name, None)
    return model


def _checked_size(size):
    size = tuple(size)
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise ValueError(f'size must be height and width in pixels, got {size}')
    return size


def _counts(cfg, proposals, detections):
    """Proposals and detections, by the config where they are not given."""
    counts = []
    for name, given, stage in (('proposals', proposals, 'rpn'),
                               ('detections', detections, 'rcnn')):
        if given is None:
            given = (cfg.model.get('test_cfg') or {}).get(stage, {}).get('max_per_img')
        if not isinstance(given, int) or given < 1:
            raise ValueError(f'{name} must be a positive number, got {given}. It is '
                             f'given, or model.test_cfg.{stage}.max_per_img')
        counts.append(given)
    return counts
