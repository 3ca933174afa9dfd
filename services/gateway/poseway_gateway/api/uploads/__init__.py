"""Accepting videos, in one request or as multipart uploads."""
