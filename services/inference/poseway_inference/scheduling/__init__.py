"""Scheduling: which frames are processed next, and in which batches."""
