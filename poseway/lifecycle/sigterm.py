"""Imported first by services: one that is told to stop while it starts does.

The first process of a container does not get a signal that it has no handler for, and imports take
seconds. What serves sets handlers of its own.
"""

import os
import signal

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
