"""MoveNet: a network that outputs people directly."""
