"""Average precision of the poses that the inference service finds, on labelled images."""

from poseway.evaluation.coco_metrics import Detection, Labels
from poseway.evaluation.measure import evaluate
from poseway.evaluation.report import Report

__all__ = ["Detection", "Labels", "Report", "evaluate"]
