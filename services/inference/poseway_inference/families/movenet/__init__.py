"""MoveNet: people and keypoints straight from the network."""
