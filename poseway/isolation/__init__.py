"""Child processes that work on untrusted files.

A decoder reads whatever a user uploaded. It may crash, exhaust memory or never return. Then its
process ends and the parent gets a `DecoderError`. The child reads and writes only what its parent
passes to it. This is not a sandbox against a decoder that an attacker controls: the child has the
rights of its service.
"""

from poseway.isolation.child import Parent
from poseway.isolation.parent import Isolated, Limits, clean_up, prepare

__all__ = ["Isolated", "Limits", "Parent", "clean_up", "prepare"]
