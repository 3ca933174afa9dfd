"""Drawing people on a video's YUV planes."""
