"""Keypoints over time: smoothing, gaps, limb lengths."""
