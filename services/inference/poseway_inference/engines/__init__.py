"""Engines: libraries that run a network, behind one small interface."""
