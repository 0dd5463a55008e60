# PN, the perception network of Match R-CNN: Mask R-CNN's heads and the landmark
# stream, on RoI features that it shares with the mask stream.
_base_ = './mask-rcnn_r50_fpn.py'

model = dict(
    type='MatchRCNN',
    roi_head=dict(
        type='MatchRoIHead',
        mask_head=dict(type='FeatureMaskHead'),
        keypoint_head=dict(
            type='KeypointHead',
            num_classes=13,
            in_channels=256,
            num_convs=8,
            conv_out_channels=512,
            loss_keypoint=dict(type='CrossEntropyLoss', loss_weight=1.0))))
