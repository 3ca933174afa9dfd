"""Gives people identities that last through a video."""
