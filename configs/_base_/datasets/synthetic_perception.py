# Scored by landmarks too.
_base_ = './synthetic_instance.py'

val_evaluator = dict(metric=['bbox', 'segm', 'keypoints'])
test_evaluator = val_evaluator
