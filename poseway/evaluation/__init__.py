"""Evaluation: average precision on labelled images, and tracking on labelled sequences."""

from poseway.evaluation.coco_metrics import Detection, Labels
from poseway.evaluation.measure import evaluate
from poseway.evaluation.report import Report

__all__ = ["Detection", "Labels", "Report", "evaluate"]
