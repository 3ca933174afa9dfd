"""Which frame is estimated next, and with which others."""
