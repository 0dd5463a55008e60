_base_ = './match-rcnn_r50_fpn_class-keys_1x_deepfashion2.py'

model = dict(
    backbone=dict(
        depth=101,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')))
