"""Scores of results, from files or arrays, without any model."""

from df2mm.evaluation.average_precision import average_precision

__all__ = ['average_precision']
