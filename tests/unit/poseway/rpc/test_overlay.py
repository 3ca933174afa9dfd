"""Job options, renderer.proto and the page's form list the same overlays."""

import re

import pytest

from poseway.jobs import Overlay
from poseway.paths import ROOT
from poseway.rpc.overlay import from_proto, to_proto
from poseway.v1 import renderer_pb2


def test_job_options_and_proto_have_the_same_members() -> None:
    names = set(renderer_pb2.Overlay.keys()) - {"OVERLAY_UNSPECIFIED"}
    assert names == {f"OVERLAY_{overlay.name}" for overlay in Overlay}


@pytest.mark.parametrize("overlay", Overlay)
def test_conversion_to_proto_and_back_is_lossless(overlay: Overlay) -> None:
    assert from_proto(to_proto(overlay)) is overlay


def test_unset_overlay_is_the_default() -> None:
    assert from_proto(renderer_pb2.OVERLAY_UNSPECIFIED) is Overlay.VIDEO


def test_value_of_a_later_version_is_refused() -> None:
    header = renderer_pb2.SegmentHeader.FromString(b"\x18\x63")  # overlay = 99
    with pytest.raises(KeyError):
        from_proto(header.overlay)


def test_form_of_the_page_offers_every_overlay() -> None:
    page = (ROOT / "frontend/index.html").read_text()
    offered = re.findall(r'name="overlay" value="([^"]+)"', page)
    assert sorted(offered) == sorted(Overlay)
