"""Frames of a job: decoding, batches, cut detection, lead-in and stills."""
