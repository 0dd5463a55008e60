# Boxes, masks and landmarks of the real dataset, at the paper's size: short edge
# 800, long edge at most 1333.
# Needs data/deepfashion2/annotations/{train,validation}.json, which
# `python tools/data.py convert` makes once of the raw annotation.
dataset_type = 'DeepFashion2Dataset'
data_root = 'data/deepfashion2/'

train_pipeline = [
    # The annotation was made on the pixels as stored, whatever EXIF says.
    dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
    dict(type='LoadDeepFashion2Annotations', with_mask=True, poly2mask=False),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDeepFashion2Inputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    # After Resize: results are compared at the image's own size.
    dict(type='LoadDeepFashion2Annotations', with_mask=True, poly2mask=False),
    dict(type='PackDeepFashion2Inputs'),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    # Workers that start anew are seeded anew: see EpochSeedHook.
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        ann_file='annotations/train.json',
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='validation',
        ann_file='annotations/validation.json',
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(
    type='DeepFashion2Metric',
    ann_file=data_root + 'annotations/validation.json',
    metric=['bbox', 'segm'])
test_evaluator = val_evaluator
