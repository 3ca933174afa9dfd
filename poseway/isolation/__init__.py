"""Work on files that nobody trusts, in a process of its own.

A decoder is given whatever somebody uploaded. It may crash, want all memory or never end: then its
process ends, and whoever asked gets a `DecoderError`. It reads and writes nothing but what its host
hands to it. That is no sandbox for a decoder which an attacker has taken over: it has the rights of
its service.
"""

from poseway.isolation.child import Parent
from poseway.isolation.parent import Isolated, Limits, clean_up, prepare

__all__ = ["Isolated", "Limits", "Parent", "clean_up", "prepare"]
