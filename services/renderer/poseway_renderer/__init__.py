"""Draws skeletons on video, encodes it, and takes screenshots."""
