"""Putting a result together, in the storage of the running system."""
