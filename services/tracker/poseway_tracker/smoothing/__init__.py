"""Keypoints over time: outliers, jitter and gaps."""
