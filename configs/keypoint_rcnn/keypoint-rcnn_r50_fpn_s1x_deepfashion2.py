# Detection and landmarks alone, as the Match R-CNN paper trains its landmark stream.
_base_ = '../match_rcnn/match-rcnn-pn_r50_fpn_s1x_deepfashion2.py'

model = dict(
    roi_head=dict(
        mask_head=None,
        mask_roi_extractor=None,
        keypoint_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32])))

val_evaluator = dict(metric=['bbox', 'keypoints'])
test_evaluator = val_evaluator
