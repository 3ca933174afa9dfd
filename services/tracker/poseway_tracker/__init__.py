"""The tracker: gives people ids that last through a video, and smooths their keypoints."""
