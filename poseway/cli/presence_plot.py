"""Plots who is seen when, as text or SVG: a row per track, time from left to right."""

from collections.abc import Iterator
from html import escape
from itertools import chain
from math import ceil, log10
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.style import Style
from rich.text import Text

from poseway.errors import InvalidRequestError
from poseway.formats.tracks import Presence, Times, Track
from poseway.skeleton import track_colour

# Characters for a cell in which the person is seen never, part of the time, and throughout.
_BLOCKS: Final = "·▒█"
_ASCII: Final = ".+#"

_WIDTH: Final = 960
_LEFT: Final = 64
_RIGHT: Final = 24
_TOP: Final = 44
_ROW: Final = 22
_MAX_TICKS: Final = 10
_MIN_TEXT_WIDTH: Final = 10

_STYLE: Final = """
text { font: 13px system-ui, sans-serif }
@media (prefers-color-scheme: dark) {
  .page { fill: #16181d }
  text { fill: #e6e6e6 }
  line { stroke: #3a3f4a }
}
"""


def show(console: Console, presence: Presence, title: str, *, svg: Path | None, json: bool) -> None:
    """Prints the plot as text.

    Args:
        console: Where to print.
        presence: The tracks to plot.
        title: Title of the SVG plot.
        svg: File for an SVG plot as well; None for none.
        json: Whether to print ``tracks.json`` instead of the plot.

    Raises:
        InvalidRequestError: The SVG file cannot be written.
    """
    if svg is not None:
        try:
            svg.write_text(plot(presence, title), encoding="utf-8")
        except OSError as error:
            message = f"{svg} cannot be written: {error.strerror or error}."
            raise InvalidRequestError(message, "file_unwritable") from None
    if json:
        console.file.write(presence.file().decode())
        return
    if not presence.tracks:
        console.print("Nobody was tracked.")
    for row in rows(presence, console.width, ascii_only=console.options.ascii_only):
        console.print(row, soft_wrap=True)


def shares(times: list[Times], duration: float, cells: int) -> list[float]:
    """Divides a video into cells of equal length and computes how much of each a track is seen.

    Args:
        times: Start and end in seconds of each time the track is seen.
        duration: Length of the video in seconds.
        cells: Number of cells.

    Returns:
        The fraction of each cell in which the track is seen, 0..1.
    """
    found = [0.0] * cells
    for start, stop in times:
        begin, end = (cells * time / duration if duration else 0.0 for time in (start, stop))
        for cell in range(int(begin), min(cells, ceil(end))):
            found[cell] += min(end, cell + 1) - max(begin, cell)
    return found


def rows(presence: Presence, width: int, *, ascii_only: bool = False) -> Iterator[Text]:
    """Yields a row of text per track: its id, the seconds it is seen, and a bar.

    Args:
        presence: The tracks to plot.
        width: Characters per row.
        ascii_only: Whether the terminal has only ASCII characters.
    """
    nobody, partly, whole = _ASCII if ascii_only else _BLOCKS
    ids = [str(track.id) for track in presence.tracks]
    times = [presence.times(track) for track in presence.tracks]
    seen = [f"{sum(end - begin for begin, end in its):.1f} s" for its in times]
    id_width, seen_width = max(map(len, ids), default=0), max(map(len, seen), default=0)
    cells = max(_MIN_TEXT_WIDTH, width - id_width - seen_width - 2)
    for track, name, seconds, its in zip(presence.tracks, ids, seen, times, strict=True):
        bar = "".join(
            nobody if share < 0.001 else whole if share > 0.999 else partly
            for share in shares(its, presence.duration_seconds, cells)
        )
        text = Text(f"{name:>{id_width}} {seconds:>{seen_width}} ", no_wrap=True)
        yield text.append(bar, Style(color=_colour(track.id)))


def plot(presence: Presence, title: str) -> str:
    """Draws an SVG plot: a row per track over an axis in seconds.

    Args:
        presence: The tracks to plot.
        title: Title of the plot; any text.
    """
    height = _TOP + _ROW * len(presence.tracks) + 40
    shown = escape("".join(c for c in title if c.isprintable()))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
            f' viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>Who is in the picture when: {shown}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="{_LEFT}" y="24" fill="#1a1a1a">{shown}</text>',
            *_axis(presence.duration_seconds, height - 40),
            *chain.from_iterable(_bars(presence, *row) for row in enumerate(presence.tracks)),
            "</svg>\n",
        ]
    )


def _axis(duration: float, bottom: int) -> Iterator[str]:
    step = _step(duration)
    for tick in range(int(duration / step) + 1):
        x = _x(tick * step, duration)
        yield f'<line x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{bottom + 6}" stroke="#d0d0d0"/>'
        yield (
            f'<text x="{x}" y="{bottom + 24}" fill="#1a1a1a" text-anchor="middle">'
            f"{round(tick * step, 3):g} s</text>"
        )


def _step(duration: float) -> float:
    """Returns the seconds between ticks, 1, 2 or 5 times a power of ten, for few enough ticks."""
    least = max(duration, 0.01) / _MAX_TICKS
    power = 10.0 ** ceil(log10(least) - 1)
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= 0.999 * least)


def _bars(presence: Presence, row: int, track: Track) -> Iterator[str]:
    y = _TOP + _ROW * row
    yield (
        f'<text x="{_LEFT - 10}" y="{y + 15}" fill="#1a1a1a" text-anchor="end">{track.id}</text>'
    )
    for begin, end in presence.times(track):
        x = _x(begin, presence.duration_seconds)
        width = max(1, round(_x(end, presence.duration_seconds) - x, 2))
        yield (
            f'<rect x="{x}" y="{y + 3}" width="{width}" height="{_ROW - 6}"'
            f' fill="{_colour(track.id)}" stroke="#808080" stroke-width="0.5">'
            f"<title>Person {track.id}: {begin:.2f} to {end:.2f} s</title></rect>"
        )


def _x(seconds: float, duration: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * (seconds / duration if duration else 0), 2)


def _colour(track_id: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*track_colour(track_id))
