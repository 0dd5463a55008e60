# The dataset that `python tools/data.py synthesize data/synthetic` makes, small
# enough for a machine without a GPU; `tools/data.py convert` as for the real one.
_base_ = './deepfashion2_instance.py'

data_root = 'data/synthetic/'

train_pipeline = [
    dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
    dict(type='LoadDeepFashion2Annotations', with_mask=True, poly2mask=False),
    dict(type='Resize', scale=(320, 320), keep_ratio=True),
    # Light and white balance of photos vary more than those of synthetic images; the
    # hue hardly, because a garment is also known by its colour. Before the flip, which
    # leaves a view that cannot be written to.
    dict(type='YOLOXHSVRandomAug', hue_delta=2, saturation_delta=30, value_delta=30),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDeepFashion2Inputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
    dict(type='Resize', scale=(320, 320), keep_ratio=True),
    dict(type='LoadDeepFashion2Annotations', with_mask=True, poly2mask=False),
    dict(type='PackDeepFashion2Inputs'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(ann_file=data_root + 'annotations/validation.json')
test_evaluator = val_evaluator
