"""OpenPose: a network that outputs maps, which a decoder turns into people."""
