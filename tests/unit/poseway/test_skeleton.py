"""The page draws the same skeleton as the renderer, in the same colours."""

import colorsys
import re

from poseway.paths import ROOT
from poseway.skeleton import COLOURS, KEYPOINTS, LIMBS, track_colour

SCRIPT = (ROOT / "frontend" / "result" / "skeleton.js").read_text()


def declared(name: str) -> str:
    """Returns the right-hand side of a constant in the page's script."""
    found = re.search(rf"\bconst {name} =(.*?);\n", SCRIPT, re.DOTALL)
    assert found, name
    return found[1]


def strings(name: str) -> str:
    return "".join(re.findall(r'"([^"]*)"', declared(name).partition(".split")[0]))


def test_page_has_the_same_keypoints_limbs_and_colours() -> None:
    assert tuple(strings("KEYPOINTS").split()) == KEYPOINTS
    limbs = re.findall(r"\[(\d+), (\d+)\]", declared("LIMBS"))
    assert tuple((int(one), int(other)) for one, other in limbs) == LIMBS
    colours = [bytes.fromhex(colour.strip("#")) for colour in strings("COLOURS").split()]
    assert tuple(map(tuple, colours)) == COLOURS


def test_page_gives_tracks_the_same_colours() -> None:
    step = float(declared("GOLDEN"))
    found = re.search(r"\* 360\)\} (\d+)% (\d+)%\)", declared("colourOf"))
    assert found
    saturation, lightness = (int(part) / 100 for part in found.groups())
    for track_id in range(1, 200):
        hue = round(track_id * step % 1 * 360) / 360
        on_page = [255 * part for part in colorsys.hls_to_rgb(hue, lightness, saturation)]
        drawn = track_colour(track_id)
        # The page rounds the hue to a degree, and the other two to a percent.
        assert max(abs(a - b) for a, b in zip(on_page, drawn, strict=True)) < 3, track_id


def test_consecutive_tracks_look_different() -> None:
    for track_id in range(1, 200):
        pair = zip(track_colour(track_id), track_colour(track_id + 1), strict=True)
        assert sum(abs(a - b) for a, b in pair) > 100
