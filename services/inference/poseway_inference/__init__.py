"""The inference service: finds people and their keypoints in frames."""
