# Batches of user-shop image pairs; scored by all four tasks.
_base_ = './deepfashion2_perception.py'

train_dataloader = dict(batch_sampler=dict(type='PairBatchSampler', epoch='users'))

val_evaluator = dict(metric=['bbox', 'segm', 'keypoints', 'retrieval'])
test_evaluator = val_evaluator
