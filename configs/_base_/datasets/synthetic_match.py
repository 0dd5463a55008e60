# Batches of user-shop image pairs; scored by all four tasks.
_base_ = './synthetic_perception.py'

train_dataloader = dict(batch_sampler=dict(type='PairBatchSampler', epoch='users'))

val_evaluator = dict(
    metric=['bbox', 'segm', 'keypoints', 'retrieval'],
    # Weaker detections of shop images are mostly garments that are there already,
    # and would stand twice in a list of 20.
    retrieval=dict(score_thr=0.3))
test_evaluator = val_evaluator
