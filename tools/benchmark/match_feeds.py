"""Compare what feeds the match head, as the paper's Table 5 does.

Takes a trained Match R-CNN, keeps its feature and perception networks as they are, and
trains a new match head for each feed on the same pairs in the same order from the same
seed; then scores retrieval on the validation images with detected boxes. The features
of all streams are computed once: of annotated boxes in training, of detected ones in
testing. (In the paper all networks train along in every case.)

    python tools/benchmark/match_feeds.py CONFIG CHECKPOINT --epochs 12

With --save, the checkpoint is written with the new head of the config's own feed in
place of the old one: MN trained by itself, in minutes.
"""

import argparse
import json
import os
import time

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

BATCH = 8


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='of a Match R-CNN')
    parser.add_argument('checkpoint')
    parser.add_argument('--data-root', metavar='DIR')
    parser.add_argument('--epochs', type=int, default=12)
    parser.add_argument('--pairs', type=int, default=8, help='image pairs of a batch')
    parser.add_argument('--lr', type=float, default=1e-3)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--score-thr', type=float, default=0.05,
                        help='least score of a detection that takes part')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', metavar='FILE.json')
    parser.add_argument('--feeds', nargs='+', metavar='FEED', help='default: all')
    parser.add_argument('--save', metavar='FILE.pth', help='write the checkpoint with '
                        "the new head of the config's feed")
    args = parser.parse_args()
    from df2mm.engine import USER_ERRORS, AtomicBackend, exit_on
    with exit_on(*USER_ERRORS):
        rows = compare(args)
        if args.out:
            AtomicBackend().put_text(json.dumps(rows, indent=1) + '\n', args.out)


def compare(args):
    """Train and score a head for each feed; prints the table, returns its rows."""
    import torch
    from mmdet.registry import DATASETS
    from mmengine.dataset import DefaultSampler
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope

    from df2mm.apis.model_loading import build_model, choose_device
    from df2mm.atomic import replacing
    from df2mm.datasets import PairBatchSampler
    from df2mm.engine import read_config
    from df2mm.evaluation import read_ground_truth
    from df2mm.evaluation.retrieval_of_records import retrieval_truth_of
    from df2mm.models.match_roi_head import FEEDS
    feeds = args.feeds or list(FEEDS)
    if unknown := set(feeds) - set(FEEDS):
        raise ValueError(f'--feeds must be among {", ".join(FEEDS)}, got '
                         f'{", ".join(sorted(unknown))}')
    cfg = read_config(args.config, data_root=args.data_root)
    init_default_scope('mmdet')
    # Which lists every parameter that a head starts from.
    MMLogger.get_instance('match_feeds', log_level='ERROR')
    model = build_model(cfg, args.checkpoint, choose_device(args.device))
    own = model.roi_head.match_feed
    if args.save and own not in feeds:
        raise ValueError(f'--save writes the head of {own}, which is not in --feeds')
    began = time.perf_counter()
    train = DATASETS.build(dict(cfg.train_dataloader.dataset,
                                pipeline=without_chance(cfg.train_dataloader)))
    sampler = DefaultSampler(train, shuffle=True, seed=args.seed)
    batches = PairBatchSampler(sampler, 2 * args.pairs)
    annotated = features_of(model, train, sorted(set(batches.pairs.ravel().tolist())),
                            annotated_boxes)
    found = features_of(
        model, dataset := DATASETS.build(cfg.test_dataloader.dataset),
        range(len(dataset)), detected_boxes)
    truth = retrieval_truth_of(read_ground_truth(cfg.test_evaluator.ann_file))
    print(f'{batches.num_pairs:,} pairs an epoch, {args.epochs} epochs, batches of '
          f'{args.pairs}; features of {len(annotated):,} and {len(found):,} images '
          f'took {time.perf_counter() - began:.0f} s')
    names = [f'top-{k}' for k in (1, 5, 10, 15, 20)]
    print(f'{"feed":14}' + ''.join(f'{name:>8}' for name in names) + '       s')
    rows = {}
    for feed in feeds:
        streams = FEEDS[feed]
        began = time.perf_counter()
        head = trained_head(cfg, streams, annotated, sampler, batches, args)
        accuracies = score(head, streams, found, truth, args.score_thr)
        rows[feed] = dict(zip(names, accuracies, strict=True))
        print(f'{feed:14}' + ''.join(f'{value:8.3f}' for value in accuracies)
              + f'{time.perf_counter() - began:8.0f}', flush=True)
        if args.save and feed == own:
            model.roi_head.match_head = head
            with replacing(args.save) as file:
                torch.save(dict(state_dict=model.state_dict()), file)
    return rows


def without_chance(loader):
    """The training pipeline of a loader without what is random."""
    return [step for step in loader.dataset.pipeline
            if step.type not in ('RandomFlip', 'YOLOXHSVRandomAug')]


def annotated_boxes(model, x, samples):
    """The annotated boxes of a batch, in the network's input."""
    return [sample.gt_instances for sample in samples]


def detected_boxes(model, x, samples):
    """The detections of a batch, in the network's input."""
    proposals = model.rpn_head.predict(x, samples, rescale=False)
    return model.roi_head.predict_bbox(
        x, [sample.metainfo for sample in samples], proposals, model.roi_head.test_cfg)


def features_of(model, dataset, places, boxes_of):
    """RoI features of all streams: {place: dict of arrays of the image}."""
    import torch
    from mmdet.structures.bbox import bbox2roi, get_box_tensor
    from mmengine.dataset import pseudo_collate
    head, images, places = model.roi_head, {}, list(places)
    for first in range(0, len(places), BATCH):
        chosen = places[first:first + BATCH]
        with torch.inference_mode():
            data = model.data_preprocessor(
                pseudo_collate([dataset[place] for place in chosen]))
            x, samples = model.extract_feat(data['inputs']), data['data_samples']
            instances = boxes_of(model, x, samples)
            rois = bbox2roi([get_box_tensor(each.bboxes) for each in instances])
            streams = pooled_streams(head, x, rois)
        lengths = [len(each) for each in instances]
        parts = {name: maps.split(lengths) for name, maps in streams.items()}
        for k, (place, each, sample) in enumerate(
                zip(chosen, instances, samples, strict=True)):
            scale = torch.tensor(sample.scale_factor).repeat(2)
            images[place] = dict(
                {name: part[k] for name, part in parts.items()}, sample=sample,
                bboxes=get_box_tensor(each.bboxes).cpu() / scale, labels=each.labels,
                scores=each.get('scores'), identities=each.get('identities'))
    return images


def pooled_streams(head, x, rois):
    """{stream: (n, C, S, S) float16}, pooled as the match head does."""
    import torch.nn.functional as F
    streams = {}
    head._extract(x, rois, streams)
    extractor = head.bbox_roi_extractor
    maps = dict({'class': extractor(x[:extractor.num_inputs], rois)},
                keypoints=head.keypoint_head.forward_features(streams['keypoint_rois']),
                segmentation=head.mask_head.forward_features(streams['mask_rois']))
    side = head.match_head.roi_feat_size
    return {name: F.adaptive_avg_pool2d(each, side).half()
            for name, each in maps.items()}


def trained_head(cfg, streams, images, sampler, batches, args):
    """A match head of a feed, trained on the features."""
    import torch
    from mmdet.registry import MODELS
    torch.manual_seed(args.seed)
    channels = [next(iter(images.values()))[name].shape[1] for name in streams]
    head = MODELS.build(dict(cfg.model.roi_head.match_head, in_channels=channels))
    head.init_weights()
    head.to(args.device)
    optimizer = torch.optim.AdamW(head.parameters(), lr=args.lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=args.epochs * len(batches), pct_start=0.05)
    for epoch in range(args.epochs):
        sampler.set_epoch(epoch)
        for batch in batches:
            chosen = [images[place] for place in batch]
            losses = head.loss(
                [torch.cat([each[name] for each in chosen]).float()
                 for name in streams],
                torch.cat([each['identities'] for each in chosen]),
                torch.cat([torch.full((len(each['labels']),),
                                      each['sample'].source == 'user')
                           for each in chosen]).to(args.device))
            optimizer.zero_grad()
            losses['loss_match'].backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 10.0)
            optimizer.step()
            schedule.step()
    return head.eval()


def score(head, streams, images, truth, score_thr):
    """Top-k accuracies of the detections with the vectors of a head."""
    import torch

    from df2mm.evaluation.predictions import Record
    from df2mm.evaluation.retrieval_of_records import (
        RetrievalOptions,
        score_found,
        search,
    )
    records = []
    for each in sorted(images.values(), key=lambda each: each['sample'].img_id):
        with torch.inference_mode():
            descriptors = head([each[name].float() for name in streams])
            query, gallery = (head.query_vectors(descriptors),
                              head.gallery_vectors(descriptors))
        records.append(Record(
            each['sample'].img_id, each['bboxes'].numpy(),
            each['labels'].cpu().numpy(), each['scores'].cpu().numpy(),
            each['sample'].source, query_vectors=query.cpu().numpy(),
            gallery_vectors=gallery.cpu().numpy()))
    found = search(records, [record.source for record in records],
                   RetrievalOptions(score_thr=score_thr), truth)
    return score_found(truth, found)[0].accuracies.tolist()


if __name__ == '__main__':
    main()
