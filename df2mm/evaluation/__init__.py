"""Scores of results, from files or arrays, without any model.

The official numbers of all four tasks, in pure functions under one metric class.
"""

from df2mm.evaluation.deepfashion2_metric import DeepFashion2Metric
from df2mm.evaluation.detection_scores import DetectionScores, score_detections
from df2mm.evaluation.detections import Detections
from df2mm.evaluation.ground_truth import GroundTruth
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.ranking import rank
from df2mm.evaluation.results_reader import (
    read_detections,
    read_retrieval,
    validate_results,
)
from df2mm.evaluation.results_writer import write_results
from df2mm.evaluation.retrieval import RetrievalTruth, represent, score_retrieval
from df2mm.evaluation.retrieval_truth import read_retrieval_truth

__all__ = [
    'DeepFashion2Metric',
    'DetectionScores',
    'Detections',
    'GroundTruth',
    'RetrievalTruth',
    'rank',
    'read_detections',
    'read_ground_truth',
    'read_retrieval',
    'read_retrieval_truth',
    'represent',
    'score_detections',
    'score_retrieval',
    'validate_results',
    'write_results',
]
