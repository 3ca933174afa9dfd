"""Families of models: how frames become people with keypoints."""
