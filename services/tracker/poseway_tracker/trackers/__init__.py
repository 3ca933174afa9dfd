"""Trackers: which person is which from frame to frame."""
