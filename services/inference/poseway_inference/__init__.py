"""Finds people and their keypoints in frames."""
