# Scored by landmarks too.
_base_ = './deepfashion2_instance.py'

val_evaluator = dict(metric=['bbox', 'segm', 'keypoints'])
test_evaluator = val_evaluator
