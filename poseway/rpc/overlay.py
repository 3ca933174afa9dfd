"""Converts overlays between job options and renderer.proto, whose members have the same names."""

from typing import Final

from poseway.jobs import Overlay
from poseway.v1 import renderer_pb2

_PREFIX: Final = "OVERLAY_"


def to_proto(overlay: Overlay) -> "renderer_pb2.Overlay.ValueType":
    """Returns the value of renderer.proto that has the same name."""
    return renderer_pb2.Overlay.Value(_PREFIX + overlay.name)


def from_proto(value: "renderer_pb2.Overlay.ValueType") -> Overlay:
    """Returns the overlay that a call to the renderer names; the default if it names none.

    Raises:
        KeyError: A later version defines this value.
    """
    if value == renderer_pb2.OVERLAY_UNSPECIFIED:
        return Overlay.VIDEO
    if value not in renderer_pb2.Overlay.values():
        raise KeyError(value)
    return Overlay[renderer_pb2.Overlay.Name(value).removeprefix(_PREFIX)]
