"""Poseway: video in, skeletons out.

What the services share (contracts, storage, video, settings, telemetry) and what users import (the
client and the ``poseway`` command). Importing a module here needs only what that module needs: a
service installs the libraries of the modules it uses and no others.
"""
