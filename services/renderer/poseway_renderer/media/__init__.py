"""Encoding and joining video and audio."""
